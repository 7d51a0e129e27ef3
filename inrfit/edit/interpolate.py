"""Mixing the weights of fields, and how far what comes out is from a mix of their signals; nothing is fitted here.

From a start that was learned for it, fields of several signals lie so near to each other that what is between them
still looks like a signal; from weights drawn alone it does not. Source: Tancik et al., CVPR 2021.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from inrfit.decibel import unit_decibel
from inrfit.errors import ConfigError
from inrfit.field import Field
from inrfit.io.metadata import common
from inrfit.partitions import Partition
from inrfit.signal import Signal

MEND = "adapt or fit them with the same model, partition and size"


def interpolate(fields: Sequence[Field], shares: Sequence[float]) -> Field:
    """Return the field whose weights are a linear mix of those of others.

    What belongs to one of the signals alone goes: the hash of the source, the EXIF block, the sound track, and what
    they do not have in common of the rest. Nothing is known of its errors.

    Args:
        fields: at least one, of one model, partition, number of channels and frame.
        shares: what each counts, together 1. Below 0 or above 1 they lead beyond the fields.

    Raises:
        ConfigError: the fields are not alike, or the shares are not one finite number each that add up to 1.
    """
    if not fields or len(fields) != len(shares):
        raise ConfigError(
            f"{len(shares)} shares do not fit {len(fields)} fields", hint="give one share for each field"
        )
    if not all(map(math.isfinite, shares)) or abs(math.fsum(shares) - 1) > 1e-6:
        raise ConfigError(
            f"shares {', '.join(f'{share:g}' for share in shares)} must be finite and add up to 1",
            hint="divide each by their sum",
        )
    first, *others = fields
    for place, other in enumerate(others, start=1):
        what = _difference(first, other)
        if what is not None:
            raise ConfigError(f"field {place} has another {what} than field 0", hint=MEND)
    names = [stack.name for stack in first.description.stacks]
    alike = first.coding is None and all(other.weight_type == first.weight_type for other in others)
    return replace(
        first,
        info=common([one.info for one in fields]),
        weights={name: _mixed([one.weights[name] for one in fields], shares) for name in names},
        weight_type=first.weight_type if alike else "float32",
        coding=None,
        steps=max(one.steps for one in fields),
        psnr=None,
        mse=(),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Path:
    """The errors on the straight line between the weights of two fields.

    Attributes:
        shares: of the second field, rising from 0 to 1, an odd number of them.
        mse: mean squared error at each against the signals mixed in the same shares, with values on [-1, 1].
        peak: see `SignalInfo.peak`.
    """

    shares: tuple[float, ...]
    mse: tuple[float, ...]
    peak: float

    @property
    def midpoint_psnr(self) -> float:
        """PSNR in dB halfway, against both signals in equal shares."""
        return unit_decibel(self.mse[len(self.mse) // 2], self.peak)

    @property
    def barrier(self) -> float:
        """The largest error on the way."""
        return max(self.mse)


def path(
    first: Field,
    second: Field,
    signals: tuple[Signal, Signal] | None = None,
    *,
    points: int = 11,
    device: str = "auto",
) -> Path:
    """Return the errors between two fields: decoded samples of mixed weights against mixed signals.

    Args:
        first, second: as for `interpolate`.
        signals: what they are fields of; what they decode to when None, which leaves their own errors out.
        points: places at which the error is taken, ends included; an odd number from 3 on, so that one is the midpoint.
        device: where it is decoded.

    Raises:
        ConfigError: the fields are not alike, a signal has another shape, or the points are not odd.
    """
    if points < 3 or points % 2 == 0:
        raise ConfigError(f"points {points} must be odd and at least 3", hint="11 is the default")
    shares = tuple(place / (points - 1) for place in range(points))
    between = [interpolate([first, second], [1 - share, share]) for share in shares]
    if signals is None:
        wanted = [one.decode(device=device) for one in (first, second)]
    else:
        wanted = [signal.dense() for signal in signals]
    targets = []
    for one, samples in zip((first, second), wanted, strict=True):
        if samples.shape != (*one.domain.shape, one.channels):
            raise ConfigError(
                f"a signal of shape {samples.shape} is not that of a field of shape {(*one.domain.shape, one.channels)}",
                hint="give the signals in the order of the fields",
            )
        targets.append(one.info.to_unit(samples).astype(np.float64))
    there = first.covered()
    errors = []
    for share, one in zip(shares, between, strict=True):
        mixed = (1 - share) * targets[0] + share * targets[1]
        found = one.info.to_unit(one.decode(device=device))
        errors.append(float(np.square(found - mixed)[there].mean()))
    return Path(shares=shares, mse=tuple(errors), peak=first.info.peak)


def _mixed(weights: Sequence[NDArray[np.float32]], shares: Sequence[float]) -> NDArray[np.float32]:
    """Return weights in shares; those that are the same everywhere stay so to the bit."""
    first, *others = weights
    if all(np.array_equal(first, other) for other in others):
        return first
    terms = (share * one.astype(np.float64) for share, one in zip(shares, weights, strict=True))
    return np.sum(list(terms), axis=0).astype(np.float32)


def _difference(first: Field, other: Field) -> str | None:
    """Return the word for what two fields do not have in common and would need to; None where there is nothing."""
    for word, one, two in (
        ("size", first.domain.shape, other.domain.shape),
        ("model", first.model, other.model),
        ("number of channels", first.channels, other.channels),
        ("frame", first.frame, other.frame),
        ("kind of signal", first.info.kind, other.info.kind),
        ("meaning of channels", first.info.colour, other.info.colour),
        ("type of samples", first.info.dtype, other.info.dtype),
        ("value range", first.info.value_range, other.info.value_range),
    ):
        if one != two:
            return word
    return None if _same(first.partition, other.partition) else "partition"


def _same(one: Partition, two: Partition) -> bool:
    """Return whether two partitions divide the same domain into the same regions."""
    if (one.domain, one.kind, one.edges, len(one)) != (two.domain, two.kind, two.edges, len(two)):
        return False
    for a, b in zip(one.regions, two.regions, strict=True):
        if (a.id, a.box, a.nominal, a.mask is None) != (b.id, b.box, b.nominal, b.mask is None):
            return False
        if a.mask is not None and b.mask is not None and not np.array_equal(a.mask, b.mask):
            return False
    return True
