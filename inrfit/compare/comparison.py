"""A decoded field against its reference, in numbers; files are not known here."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from inrfit.compare import clip
from inrfit.decibel import decibel, unit_decibel
from inrfit.errors import ConfigError, InputError
from inrfit.fitting.measure import with_errors
from inrfit.metrics import fidelity, regions
from inrfit.registry import check, load
from inrfit.render.output import WHOLE
from inrfit.signal import ArraySignal

if TYPE_CHECKING:
    from inrfit.device import Device
    from inrfit.field import Field
    from inrfit.signal import Signal

SHAPE = ("iou", "chamfer-l1", "chamfer-l2", "normal-consistency")
ANY = ("psnr", "psnr-minmax", "snr")
SUITS = {
    "image": (*ANY, "ssim", "ms-ssim"),
    "audio": (*ANY, "si-sdr", "lsd"),
    "video": ("psnr", "ssim", "ms-ssim"),
    "volume": ANY,
    "shape": ("psnr", *SHAPE),
}
"""Kind of signal -> those of our metrics that are defined for it; kinds and metrics of others are not looked at."""

OF_FIELD = SHAPE
"""Metrics of the registry that look at a shape and its field, not at two arrays."""


def compare(field: Field, reference: Signal, metrics: Sequence[str], device: Device) -> dict[str, Any]:
    """Return the metrics by name, and "mse", "border_error", "region_psnr", "params" and "samples"; see `api.evaluate`.

    Of a clip there are values of each frame besides; see `clip.compare`.

    Args:
        field: what is measured.
        reference: what it should give back.
        metrics: names of the registry.
        device: where the decode runs.

    Raises:
        InputError: the sizes, channels or sample types differ. ConfigError: a metric is not known, or not defined for
            the kind of signal.
    """
    for name in metrics:
        check("metric", name, option="--metrics")
    reference = part_of(reference, field)
    _check_same_kind(reference, field)
    _check_suits(metrics, field.info.kind)
    own = {name: load("metric", name) for name in metrics if name in OF_FIELD}
    if own or _of_a_pool(reference):
        return _of_field(field, reference, metrics, device)
    if clip.is_clip(field.domain):
        return clip.compare(field, reference, metrics, device)
    target, decoded = reference.dense(), field.bands(WHOLE, device).array()
    covered, value_range, partition = field.covered(), field.info.peak_range, field.partition
    known = reference.known
    if known is not None:
        covered, partition = covered & known, regions.Known(field.partition, known)
    points = pictures = target, decoded
    if not covered.all():
        points = target[covered], decoded[covered]
        pictures = np.where(covered[..., None], target, decoded), decoded
    pairs = {name: points if name in fidelity.POINTWISE else pictures for name in metrics}
    return {
        **{name: load("metric", name)(*pair, value_range) for name, pair in pairs.items()},
        **_figures(field, fidelity.mse(*points, value_range)),
        "border_error": regions.border_error(target, decoded, partition, value_range),
        "region_psnr": regions.region_psnr(target, decoded, partition, value_range),
        "params": field.params,
        "samples": int(covered.sum()),
    }


def _figures(field: Field, mse: float) -> dict[str, Any]:
    """Return a mean squared error on the scale where the range is 1, and what its PSNR is measured by."""
    told = field.info.figures(decibel(mse))
    return {"mse": mse, "psnr_type": told["psnr_type"], "range": told["range"]}


def _of_field(field: Field, reference: Signal, metrics: Sequence[str], device: Device) -> dict[str, Any]:
    """Return what `compare` does for a signal that is a function of space, not an array of samples."""
    measured = with_errors(field, reference, device)
    found = {name: load("metric", name)(reference, field, device) for name in metrics if name != "psnr"}
    peak = field.info.peak
    return {
        **({"psnr": measured.psnr} if "psnr" in metrics else {}),
        **found,
        **_figures(field, 10 ** (-(measured.psnr or 0.0) / 10)),
        "border_error": None,
        "region_psnr": [unit_decibel(error, peak) for error in measured.mse],
        "params": field.params,
        "samples": sum(field.partition.areas),
    }


def _check_suits(metrics: Sequence[str], kind: str) -> None:
    """Refuse metrics that mean nothing for a kind of signal."""
    ours = {name for names in SUITS.values() for name in names}
    for name in metrics:
        if name in ours and name not in SUITS.get(kind, ours):
            raise ConfigError(
                f"--metrics {name} is not defined for a signal of the kind {kind}",
                hint=f"choose from {', '.join(SUITS[kind])}",
            )


def part_of(reference: Signal, field: Field) -> Signal:
    """Return the part of a whole original that a crop has left; any other original as it is."""
    ours, whole = field.domain, reference.domain
    inside = ours.axes == whole.axes and ours.box <= whole.box
    if not inside or ours.shape == whole.shape or _of_a_pool(reference):
        return reference
    values, known = reference.dense(ours.box), reference.known_in(ours.box)
    return ArraySignal(values=values, domain=whole.over(ours.box), info=reference.info, known=known)


def _of_a_pool(reference: Signal) -> bool:
    """Return whether a signal chooses by itself which samples are measured, and is not an array with holes."""
    return reference.pooled and reference.known is None


def _check_same_kind(reference: Signal, field: Field) -> None:
    """Refuse to compare what cannot be compared."""
    pairs: dict[str, tuple[object, object]] = {
        "kind": (reference.info.kind, field.info.kind),
        "size": (reference.domain.shape, field.domain.shape),
        "channels": (reference.channels, field.channels),
        "sample type": (reference.info.dtype, field.info.dtype),
    }
    for what, (a, b) in pairs.items():
        if a != b:
            raise InputError(
                f"the reference differs in {what}: {a}, but the field has {b}",
                hint="compare with the signal that was fitted, or after a crop with the part that is left",
            )
