"""What is asked of a field: at which size, of which part, and what is between its regions; torch is not imported."""

from __future__ import annotations

import math
import operator
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from inrfit.domain import Box, Domain, Typed
from inrfit.errors import ConfigError
from inrfit.render.lattice import Lattice, lattice_of, touched
from inrfit.signal import INTEGER_RANGES, SignalInfo

MOST_BLEND = 64
"""Samples beyond its border up to which a region can be blended: each costs one more ring of network evaluations."""

Slices = Sequence[tuple[int | Typed | None, int | Typed | None]]
"""A (start, stop) per axis, counted as in Python slices from the first sample of a signal; None for an open end."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Output:
    """Samples that are wanted of a field.

    Attributes:
        size: samples per axis of the whole output, rows first; the fitted size when None.
        scale: factor on every axis, in place of `size`.
        region: (start, stop) per axis, in samples of the field at its fitted size, counted as in slices: from 0 at
            its first sample, negative from the end, None for an open end; all of it when None.
        fill: value, or one per channel, of samples that no region covers; that of the kind of signal when None, for
            an image the low end of the value range. A value for the colours alone goes with full alpha.
        blend: samples of the field on either side of a border over which the regions beside it are mixed, 0 to 64.
            With 0 every region gives what it gives alone.

    Raises:
        ConfigError: the blend is no such number.
    """

    size: Sequence[int] | None = None
    scale: float | None = None
    region: Slices | None = None
    fill: float | Sequence[float] | None = None
    blend: int = 0

    def __post_init__(self) -> None:
        object.__setattr__(self, "blend", _check_blend(self.blend))

    def lattice(self, domain: Domain, channels: int = 1) -> Lattice:
        """Lay the samples over a domain.

        Args:
            domain: of the field.
            channels: values per sample, for the limit on the size.

        Raises:
            ConfigError: both `size` and `scale`, or one that cannot be, or a region that is empty or outside, or more
                samples than can be.
        """
        sizes = self.sizes(domain)
        box = domain.box if self.region is None else _sliced(domain, self.region)
        return lattice_of(domain, sizes, box, channels=channels)

    def sizes(self, domain: Domain) -> tuple[int, ...]:
        """Return the samples per axis of the whole output; errors as for `lattice`."""
        if self.size is not None and self.scale is not None:
            raise ConfigError("size and scale both set the output size", hint="give one of them")
        size = self.size if self.scale is None else _scaled(domain.shape, self.scale)
        try:
            sizes = domain.shape if size is None else tuple(operator.index(n) for n in size)
        except TypeError:
            sizes = ()
        if len(sizes) != domain.dimensions or min(sizes) < 1:
            raise ConfigError(
                f"output size {size} is not a positive whole number for each of the axes {', '.join(domain.axes)}",
                hint="for example (768, 1024), rows first",
            )
        return sizes

    def touched(self, boxes: Iterable[Box], domain: Domain, channels: int = 1) -> list[int]:
        """Return the positions of the boxes of regions that the samples need, those blended into them included."""
        return touched(boxes, self.lattice(domain, channels), self.blend)

    def filling(self, info: SignalInfo, channels: int) -> NDArray[np.generic]:
        """Return the sample [channel] for places that no region covers.

        Raises:
            ConfigError: there are more or fewer numbers than channels, or the samples cannot hold them.
        """
        if self.fill is None:
            return np.full(channels, info.nothing, info.dtype)
        low, high = info.value_range
        colours = channels - 1 if info.colour.endswith("-alpha") else channels
        try:
            given = np.atleast_1d(np.asarray(self.fill, np.float64))
        except (TypeError, ValueError):
            given = np.zeros(0)
        if given.shape == (1,):
            given = np.repeat(given, colours)
        if given.shape == (colours,) and colours < channels:
            given = np.append(given, high)
        integer = info.dtype in INTEGER_RANGES
        fits = given.shape == (channels,) and bool(((given >= low) & (given <= high)).all())
        if not fits or (integer and (given != np.rint(given)).any()):
            raise ConfigError(
                f"fill {self.fill} is not a {info.colour} sample",
                hint=f"give 1 or {colours} {'whole ' if integer else ''}numbers from {low:g} to {high:g}",
            )
        return given.astype(info.dtype)


def _check_blend(blend: int) -> int:
    """Return the samples over which neighbours are blended.

    Raises:
        ConfigError: it is not a whole number from 0 to `MOST_BLEND`.
    """
    try:
        samples = operator.index(blend)
    except TypeError:
        samples = -1
    if not 0 <= samples <= MOST_BLEND:
        raise ConfigError(
            f"--blend {blend!r} is not a whole number of samples from 0 to {MOST_BLEND}",
            hint="about the --overlap of the fit; 0 switches it off",
        )
    return samples


def _scaled(shape: Sequence[int], scale: float) -> list[int]:
    """Return the output size for a factor on every axis."""
    try:
        factor = float(scale)
    except (TypeError, ValueError):
        factor = math.nan
    if not 0 < factor < 1e4:
        raise ConfigError(
            f"scale {scale} must lie between 0 and 10000", hint="for example 2, or 0.5 for half"
        )
    return [max(1, round(n * factor)) for n in shape]


def _sliced(domain: Domain, region: Slices) -> Box:
    """Return the source samples of a region that is counted from the first sample of the domain."""
    shape = domain.shape
    try:
        pairs = [tuple(_end(domain, axis, end) for end in (a, b)) for axis, (a, b) in enumerate(region)]
    except (TypeError, ValueError):
        raise ConfigError(
            f"region {region!r} is not one (start, stop) for each of the axes {', '.join(domain.axes)}",
            hint="for example ((0, 64), (32, 96)); None for an open end",
        ) from None
    if 0 < len(pairs) < len(shape) and len(shape) > 2:  # as for a crop, the last axes may be left out
        pairs += [(None, None)] * (len(shape) - len(pairs))
    spans = [
        (_counted(start or 0, n), n if stop is None else _counted(stop, n))
        for (start, stop), n in zip(pairs, shape, strict=False)
    ]
    inside = all(0 <= start < stop <= n for (start, stop), n in zip(spans, shape, strict=False))
    if len(pairs) != len(shape) or not inside:
        raise outside(domain, region)
    return Box((o + start, o + stop) for (start, stop), o in zip(spans, domain.origin, strict=True))


def outside(domain: Domain, region: Slices) -> ConfigError:
    """Return the refusal of a region, in the words of the user: in seconds where they typed seconds."""
    typed = any(isinstance(end, Typed) for pair in region for end in pair)
    wanted = ",".join(":".join("" if end is None else f"{end:.10g}" for end in pair) for pair in region)
    spans = [
        f"0:{n * spacing:.6g}s" if typed and unit == "s" else f"0:{n}"
        for n, spacing, unit in zip(domain.shape, domain.spacing, domain.units, strict=True)
    ]
    return ConfigError(
        f"region {wanted} is empty or outside the signal, which spans {','.join(spans)} ({','.join(domain.axes)})",
        hint="one range for each axis; it counts from the first sample of this file, negative numbers from the end",
    )


def _end(domain: Domain, axis: int, end: int | Typed | None) -> int | None:
    """Return an end of a range in samples; a TypeError says that it is none."""
    if isinstance(end, Typed):
        return domain.end(axis, end) if axis < domain.dimensions else 0
    return None if end is None else operator.index(end)


def _counted(end: int, length: int) -> int:
    """Return an end of a slice as a number from 0."""
    return end + length if end < 0 else end


WHOLE = Output()
"""All samples, at the fitted size."""
