"""From a size, a quality or a PSNR to how many weights there are and what a bit may cost; the fit then keeps the promise.

A file of B bits is best spent on about B / `BITS` weights: fewer would need finer steps than they are worth, more would
be rounded too coarsely. The numbers come from a few trials on 256x256 crops of two Kodak pictures, not from a benchmark. So
what a PSNR decides is a first guess, which `tries` makes good.
"""

from __future__ import annotations

import math
from dataclasses import replace

from inrfit.errors import ConfigError
from inrfit.fitting.config import FitConfig
from inrfit.fitting.settings import Settings
from inrfit.metrics.complexity import terms
from inrfit.models.config import ModelConfig
from inrfit.partitions import Partition
from inrfit.signal import Signal

SAVING = 2.0
"""Rate (see `FitConfig`) where a size or a quality is asked for."""

BITS, BITS_OTHERS = 4.2, 9.0
"""Bits that a weight takes on the average at this rate: of an image, and of other kinds of signal. With 4.2 a chime in
10,465 bytes had 30.5 dB and a clip in 5,000 31.1, less than fits that save nothing (35.4 and 37.5 dB)."""

FRONT, EACH = 420, 12
"""Bytes of a file besides its weights: about so many, and so many more for each region."""

PER_TERM = 2.0
"""Weights for each cosine that the signal needs, see `metrics.complexity`: 1.3 to 3.5 were seen to be enough, fewer the larger the part."""

QUALITY_LOW, QUALITY_DOUBLES = 0.008, 16
"""Weights per sample at quality 0, and the steps of quality in which they double: 0.6 at quality 100."""

PITCH, FINER, FINER_QUALITY = 2.0, 1.2, 75
"""Samples between the points of a feature grid's finest lattice, and from how many bits per sample, or from which quality
on, half of it."""

LEAST = 64
"""Bytes that weights have at least."""

MARGIN = 0.5
"""dB that the weights are counted for beyond a target PSNR."""


def decided(settings: Settings, signal: Signal, partition: Partition) -> Settings:
    """Return settings with what a size, a quality or a PSNR that is asked for decides: weights, bytes and rate.

    What the user says of the network is kept.

    Raises:
        ConfigError: the size is too small for a file.
    """
    fit, model, samples = settings.fit, settings.model, partition.domain.size
    if fit.weights != "quantised":
        return settings
    sized = _sized_by_user(model)
    if fit.target_bpp is not None:
        fit = replace(fit, target_bpp=None, target_size=math.floor(fit.target_bpp * samples / 8))
    if fit.target_size is not None:
        budget = _budget(fit.target_size, signal, partition, fit)
        bits = 8 * fit.target_size / samples
        model = model if sized else _sized(model, budget, PITCH if bits < FINER else PITCH / 2)
    elif fit.quality is not None:
        budget = max(1, round(QUALITY_LOW * 2 ** (fit.quality / QUALITY_DOUBLES) * samples))
        model = model if sized else _sized(model, budget, PITCH if fit.quality < FINER_QUALITY else PITCH / 2)
    elif decides_on_size(settings) and hasattr(signal, "dense") and signal.info.kind != "shape":
        model = _guessed(model, fit, signal, samples)
    saves = fit.target_size is not None or fit.quality is not None
    if fit.saving is None:
        fit = replace(fit, saving=SAVING if saves else 0.0)
    return replace(settings, model=model, fit=fit)


def decides_on_size(settings: Settings) -> bool:
    """Return whether a target PSNR decides on the number of weights: where the user does not."""
    fit = settings.fit
    return fit.target_psnr is not None and fit.weights == "quantised" and not _sized_by_user(settings.model)


def _sized_by_user(model: ModelConfig) -> bool:
    return any(value is not None for value in (model.hidden_features, model.params, model.pitch))


def _guessed(model: ModelConfig, fit: FitConfig, signal: Signal, samples: int) -> ModelConfig:
    """Return a model with as many weights as a PSNR seems to need; as many as without one where time is limited.

    Under a limit there may be no time for a second try.
    """
    if fit.target_psnr is None or fit.max_time is not None:
        return model
    wanted = math.ceil(PER_TERM * terms(signal, fit.target_psnr + MARGIN))
    usual = model.budget or int(model.weights_per_sample * samples)
    return replace(model, budget=max(64, min(wanted, 4 * usual)))


def _sized(model: ModelConfig, budget: int, pitch: float) -> ModelConfig:
    """Return a model with so many weights; a feature grid, most of whose features come to be zero, with a pitch."""
    if model.name == "feature-grid":
        return replace(model, pitch=pitch, budget=None)
    return replace(model, budget=budget)


def _budget(size: int, signal: Signal, partition: Partition, fit: FitConfig) -> int:
    """Return how many weights suit a file of some bytes.

    Raises:
        ConfigError: what is not weights fills it already.
    """
    info = signal.info
    metadata = sum(len(blob) for blob in (info.icc, info.exif, info.sound) if blob)
    beside = FRONT + EACH * len(partition) + metadata
    left = size - beside
    if left >= LEAST:
        return math.ceil(8 * left / (BITS if info.kind == "image" else BITS_OTHERS))
    ways = {
        "--no-metadata": len(info.exif or b""),
        "--sound none": len(info.sound or b""),
        "fewer regions, by --grid or --cell": EACH * (len(partition) - 1),
    }
    helping = [way for way, spared in ways.items() if spared and left + spared >= LEAST]
    together = [way for way, spared in ways.items() if spared]
    said = f"; or {' or '.join(helping)}" if helping else ""
    if not helping and left + sum(ways.values()) >= LEAST:
        said = f"; or {' with '.join(together)}"
    told = f", {metadata:,} of them metadata of the source" if metadata else ""
    raise ConfigError(
        f"--target-size {size:,} is too small: about {beside:,} bytes are not weights{told}",
        hint=f"allow at least {beside + LEAST:,} bytes{said}",
    )


def price_of(quality: float, peak: float) -> float:
    """Return the squared error that a bit may cost at a quality, with values on [-1, 1].

    It halves with every 8.6 steps of quality. On samples of 8 bits it is 1,170 at quality 0, 21 at 50 and 0.36 at 100: what
    HEVC's reference encoder takes for QP 45, 27.5 and 10 (0.57 x 2^((QP - 12) / 3); Sullivan et al., IEEE TCSVT 2012).

    Args:
        quality: 0 to 100.
        peak: see `SignalInfo.peak`.
    """
    return 0.57 * 2 ** ((33 - 0.35 * quality) / 3) * (peak / 255) ** 2
