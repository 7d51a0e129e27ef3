"""The sides of a field, and a new part at its place beside one of them; it divides and fits nothing."""

from __future__ import annotations

import math
from dataclasses import replace

from inrfit.domain import Domain
from inrfit.errors import ConfigError, InputError
from inrfit.field import Field
from inrfit.registry import unknown
from inrfit.signal import ArraySignal, Signal, SignalInfo

SIDES = {
    "left": ("x", False),
    "right": ("x", True),
    "top": ("y", False),
    "bottom": ("y", True),
    "before": ("t", False),
    "after": ("t", True),
    "front": ("z", False),
    "back": ("z", True),
}
"""Side -> its axis, and whether it lies at the end of that axis."""

MODES = ("strict", "joint")
"""What becomes of weights that old and new regions share: kept, or tuned."""


def placed(field: Field, new: Signal, side: str) -> tuple[ArraySignal, tuple[str, ...]]:
    """Return a new part at its place beside a field, and notes.

    Its samples are taken as they are, in the value range of the field.

    Raises:
        ConfigError: the side is not known, or the field has no such axis.
        InputError: the size on another axis, the channels, the sample type or the values do not fit.
    """
    if not isinstance(side, str) or side not in SIDES:
        raise unknown(str(side), tuple(SIDES), option="--side")
    name, at_end = SIDES[side]
    axes = field.domain.axes
    if name not in axes:
        possible = ", ".join(word for word, (other, _) in SIDES.items() if other in axes)
        raise ConfigError(
            f"--side {side} is an end of the axis {name}, the field has the axes {', '.join(axes)}",
            hint=f"its sides are {possible}",
        )
    axis = axes.index(name)
    _check_size(field.domain, new.domain, axis)
    _check_samples(field, new)
    origin = list(field.domain.origin)
    origin[axis] += field.domain.shape[axis] if at_end else -new.domain.shape[axis]
    domain = replace(field.domain, shape=new.domain.shape, origin=tuple(origin))
    notes = new.info.notes
    if new.info.icc != field.info.icc:
        notes += ("its colour profile differs from that of the field; the samples are taken as they are",)
    if field.info.colour == "waveform" and _extent(new.info) > 2 * _extent(field.info):
        notes += ("it is much louder than the field, whose range it is fitted in: it may need more steps",)
    if field.domain.units[0] == "s" and not math.isclose(
        new.domain.per_unit, field.domain.per_unit, rel_tol=1e-3
    ):
        notes += (
            f"it has {new.domain.per_unit:.4g} samples or frames per second, the field {field.domain.per_unit:.4g}: they are "
            "taken as they are",
        )
    if field.info.sound is not None and name == axes[0]:
        notes += ("the sound track goes: it is that of the old part alone",)
    return ArraySignal(values=new.dense(), domain=domain, info=field.info, known=new.known), notes


def _check_size(old: Domain, new: Domain, axis: int) -> None:
    """Require the same extent on every axis but one."""
    same = old.axes == new.axes and all(
        a == b for other, (a, b) in enumerate(zip(old.shape, new.shape, strict=True)) if other != axis
    )
    if not same:
        wanted = ", ".join(
            f"{n} along {name}"
            for i, (n, name) in enumerate(zip(old.shape, old.axes, strict=True))
            if i != axis
        )
        raise InputError(
            f"the new part has {_sizes(new)} samples ({', '.join(new.axes)}) and does not fit to the field's "
            f"{_sizes(old)} along {old.axes[axis]}",
            hint=f"crop or resize the new part; it needs as many samples as the field: {wanted}",
        )


def _check_samples(field: Field, new: Signal) -> None:
    """Require the channels, sample type and values that the field has."""
    if new.channels != field.channels:
        raise InputError(
            f"the new part has {_channels(new.channels)} ({new.info.colour}), the field {field.channels} "
            f"({field.info.colour})",
            hint=f"convert the new part to {_channels(field.channels)} of {field.info.colour}",
        )
    if new.info.dtype != field.info.dtype:
        raise InputError(
            f"the new part has samples of type {new.info.dtype}, the field {field.info.dtype}",
            hint=f"convert the new part to {field.info.dtype}",
        )
    values, (low, high) = new.dense(), field.info.value_range
    bounded = field.info.colour != "waveform"  # a louder part keeps its samples
    if bounded and not (low <= values.min() and values.max() <= high):
        raise InputError(
            f"the new part has values from {values.min():g} to {values.max():g}, the field holds those from "
            f"{low:g} to {high:g}",
            hint="scale or clip the new part, or fit the field anew with both parts, or with --range type",
        )


def _extent(info: SignalInfo) -> float:
    """Return the extent of the value range."""
    return info.value_range[1] - info.value_range[0]


def _channels(count: int) -> str:
    return "1 channel" if count == 1 else f"{count} channels"


def _sizes(domain: Domain) -> str:
    return "x".join(map(str, domain.shape))
