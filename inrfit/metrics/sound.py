"""Distances between two sounds [time, channel]: SNR, SI-SDR and the log-spectral distance; PSNR is in `fidelity`.

All take native samples, part by part, so that long sounds need no more memory than short ones.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from inrfit.errors import InputError
from inrfit.metrics.fidelity import Array, ValueRange, check_pair

PART = 1 << 20
"""Samples of each array that are in double precision at a time."""
WINDOW = 2048
"""Samples of a spectrum, under a Hann window."""
HOP = 512
"""Samples from one spectrum to the next."""
FLOOR = 1e-10
"""What is added to the power of each frequency, where 1 is a sine at full scale of the value range: 100 dB below it.

Without it a frequency that is silent in one of the sounds would be infinitely far from the other, and what nobody
hears, such as the noise under -100 dB that rounding to 16 bit makes, would count as much as the sound itself.
"""
BATCH = 128
"""Spectra that are made at a time."""


def snr(reference: Array, decoded: Array, value_range: ValueRange) -> float | None:
    """Return the signal-to-noise ratio in dB: energy of the reference over that of the error, all channels together.

    Args:
        reference: native samples, any shape.
        decoded: native samples of the same shape.
        value_range: (low, high) of the native samples; it only has to be valid.

    Returns:
        The ratio, inf when they are identical; None when the reference is silent.

    Raises:
        InputError: the arrays cannot be compared.
    """
    check_pair(reference, decoded, value_range)
    signal = error = 0.0
    for a, b in _parts(reference.reshape(-1), decoded.reshape(-1)):
        signal += float(np.square(a).sum())
        error += float(np.square(a - b).sum())
    return None if signal == 0 else _ratio(signal, error)


def si_sdr(reference: Array, decoded: Array, value_range: ValueRange) -> float | None:
    """Return the scale-invariant signal-to-distortion ratio in dB, as a mean over the channels that are not silent.

    The reference is scaled to fit the decoded sound best, so that a change of loudness does not count.

    Source: Le Roux, Wisdom, Erdogan and Hershey, SDR - half-baked or well done?, 2019, equation 3; as there, and in
    torchmetrics by default, no mean is taken off.

    Args:
        reference: native samples [time, channel].
        decoded: native samples of the same shape.
        value_range: as for `snr`.

    Returns:
        The ratio, inf when nothing but the scale differs and -inf when the decoded sound has nothing of the reference;
        None when the reference is silent.

    Raises:
        InputError: the arrays cannot be compared or are not sounds.
    """
    _check_sounds(reference, decoded, value_range)
    pairs = [(reference[:, channel], decoded[:, channel]) for channel in range(reference.shape[1])]
    ratios = [ratio for a, b in pairs if (ratio := _channel_si_sdr(a, b)) is not None]
    return float(np.mean(ratios)) if ratios else None


def lsd(reference: Array, decoded: Array, value_range: ValueRange) -> float | None:
    """Return the log-spectral distance in dB: 0 for equal sounds, lower is better.

    Spectra of 2048 samples under a Hann window, 512 apart, the first at the start and the last filled up with silence.
    The differences of their powers in dB are taken as a root mean square over the frequencies, and then as a mean
    over the spectra and the channels. `FLOOR` is added to the powers, so that silence is -100 dB.

    Source: Gray and Markel, Distance measures for speech processing, 1976, the root mean square log spectral measure;
    window and hop are those of most work on sounds at 44.1 and 48 kHz.

    Args:
        reference: native samples [time, channel].
        decoded: native samples of the same shape.
        value_range: (low, high) of the native samples; full scale is `high`.

    Returns:
        The distance; None when the reference is silent.

    Raises:
        InputError: the arrays cannot be compared or are not sounds.
    """
    _check_sounds(reference, decoded, value_range)
    if not any(np.any(reference[at : at + PART]) for at in range(0, len(reference), PART)):
        return None
    full, total, count = float(value_range[1]), 0.0, 0
    for channel in range(reference.shape[1]):
        for start, spectra in _batches(len(reference)):
            a, b = (_decibels(x[:, channel], start, spectra, full) for x in (reference, decoded))
            total += float(np.sqrt(np.square(a - b).mean(axis=1)).sum())
            count += spectra
    return total / count


def _check_sounds(reference: Array, decoded: Array, value_range: ValueRange) -> None:
    check_pair(reference, decoded, value_range)
    if reference.ndim != 2:
        raise InputError(f"SI-SDR and LSD need sounds [time, channel], not shape {reference.shape}")


def _parts(a: Array, b: Array) -> Iterator[tuple[NDArray[np.float64], NDArray[np.float64]]]:
    """Yield parts of two arrays along their first axis in double precision."""
    for start in range(0, len(a), PART):
        part = slice(start, start + PART)
        yield a[part].astype(np.float64), b[part].astype(np.float64)


def _ratio(signal: float, error: float) -> float:
    """Return an energy over another in dB."""
    if error == 0:
        return math.inf
    return 10 * math.log10(signal / error) if signal > 0 else -math.inf


def _channel_si_sdr(reference: Array, decoded: Array) -> float | None:
    """Return the ratio of one channel [time]; None when the reference is silent."""
    energy = together = 0.0
    for a, b in _parts(reference, decoded):
        energy += float(a @ a)
        together += float(a @ b)
    if energy == 0:
        return None
    scale, error = together / energy, 0.0
    for a, b in _parts(reference, decoded):
        error += float(np.square(scale * a - b).sum())
    return _ratio(scale**2 * energy, error) if together != 0 else -math.inf


def _batches(samples: int) -> Iterator[tuple[int, int]]:
    """Yield the first sample of some spectra, and their number, until they have held every sample."""
    spectra = 1 + max(0, -(-(samples - WINDOW) // HOP))
    for first in range(0, spectra, BATCH):
        yield first * HOP, min(BATCH, spectra - first)


def _decibels(values: Array, start: int, spectra: int, full: float) -> NDArray[Any]:
    """Return spectra of one channel [time] in dB, [spectrum, frequency]."""
    length = (spectra - 1) * HOP + WINDOW
    part = values[start : start + length].astype(np.float64) / full
    part = np.pad(part, (0, length - len(part)))
    window = np.hanning(WINDOW + 1)[:-1]
    frames = np.lib.stride_tricks.sliding_window_view(part, WINDOW)[::HOP]
    power = np.square(np.abs(np.fft.rfft(frames * window)) * (2 / window.sum()))
    return 10 * np.log10(power + FLOOR)
