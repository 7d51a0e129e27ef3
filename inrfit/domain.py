"""The sampling lattice of a signal: integer indices, axis names and units; it holds no samples.

Integer sample indices are the only frame. They may start below zero, after an extension to the left.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from inrfit.errors import ConfigError


class Box(tuple[tuple[int, int], ...]):
    """Half-open index ranges, one per axis: ((y0, y1), (x0, x1)). It is equal to a plain tuple of them."""

    __slots__ = ()

    @classmethod
    def of(cls, origin: Iterable[int], shape: Iterable[int]) -> Box:
        """Return the box of a shape whose first index is `origin`."""
        return cls((o, o + n) for o, n in zip(origin, shape, strict=True))

    @classmethod
    def around(cls, boxes: Iterable[Box]) -> Box:
        """Return the smallest box around at least one box."""
        return cls((min(a for a, _ in axis), max(b for _, b in axis)) for axis in zip(*boxes, strict=True))

    @property
    def origin(self) -> tuple[int, ...]:
        """First index on each axis."""
        return tuple(a for a, _ in self)

    @property
    def shape(self) -> tuple[int, ...]:
        """Indices along each axis."""
        return tuple(b - a for a, b in self)

    @property
    def size(self) -> int:
        """Number of indices; 0 where two boxes do not meet: `(box & other).size`."""
        return math.prod(b - a for a, b in self)

    def __and__(self, other: tuple[tuple[int, int], ...]) -> Box:
        """Return what two boxes have in common; no range is less than empty."""
        return Box(
            (first := max(a, c), max(first, min(b, d))) for (a, b), (c, d) in zip(self, other, strict=True)
        )

    def __le__(self, other: tuple[tuple[int, int], ...]) -> bool:
        """Return whether the box lies wholly in another."""
        return all(c <= a and b <= d for (a, b), (c, d) in zip(self, other, strict=True))

    def grown(self, margin: int | Sequence[int]) -> Box:
        """Return the box with some more indices on every side: one number for all axes, or one for each."""
        margins = [margin] * len(self) if isinstance(margin, int) else margin
        return Box((a - more, b + more) for more, (a, b) in zip(margins, self, strict=True))

    def from_origin(self, origin: Sequence[int]) -> Box:
        """Return the box as it is counted from an origin."""
        return Box((a - o, b - o) for (a, b), o in zip(self, origin, strict=True))

    def slices(self, origin: Sequence[int]) -> tuple[slice, ...]:
        """Return the place of the box in an array whose first element has the index `origin`."""
        return tuple(slice(a, b) for a, b in self.from_origin(origin))

    def along(self, axis: int, first: int, last: int) -> Box:
        """Return the box with another range on one axis."""
        return Box((*self[:axis], (first, last), *self[axis + 1 :]))

    def middle(self, axis: int) -> Box:
        """Return the box with the middle index alone on one axis."""
        at = sum(self[axis]) // 2
        return self.along(axis, at, at + 1)

    def bands(self, size: int, axis: int = 0) -> Iterator[Box]:
        """Cut the box across an axis into bands of about `size` indices, each at least one thick."""
        first, last = self[axis]
        thick = max(1, size // max(1, self.along(axis, 0, 1).size))
        for start in range(first, last, thick):
            yield self.along(axis, start, min(start + thick, last))


class Typed(float):
    """An end of a range as a user typed it, before a domain tells its unit; see `Domain.end`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Domain:
    """A box of integer sample indices.

    Attributes:
        shape: samples along each axis, each at least 1.
        axes: axis names, slowest first, for example ("y", "x").
        units: unit of each axis, for example ("px", "px"); axes of one unit share one scale.
        spacing: units per sample, one per axis.
        origin: index of the first sample, one per axis.
        offset: place of index 0 in units, one per axis; empty for 0 on every axis.
    """

    shape: tuple[int, ...]
    axes: tuple[str, ...]
    units: tuple[str, ...]
    spacing: tuple[float, ...]
    origin: tuple[int, ...]
    offset: tuple[float, ...] = ()

    def __post_init__(self) -> None:
        lengths = {len(self.shape), len(self.axes), len(self.units), len(self.spacing), len(self.origin)}
        if len(lengths) != 1 or not self.shape or (self.offset and len(self.offset) != len(self.shape)):
            raise ConfigError(f"a domain needs one entry per axis everywhere, got {self}")
        if min(self.shape) < 1:
            raise ConfigError(f"a domain needs at least one sample per axis, got shape {self.shape}")

    @property
    def dimensions(self) -> int:
        """Number of axes."""
        return len(self.shape)

    @property
    def size(self) -> int:
        """Number of samples."""
        return math.prod(self.shape)

    @property
    def box(self) -> Box:
        """Half-open index range per axis."""
        return Box.of(self.origin, self.shape)

    def over(self, box: Box) -> Domain:
        """Return the domain of other indices on the same lattice."""
        return replace(self, shape=box.shape, origin=box.origin)

    @property
    def corner(self) -> tuple[float, ...]:
        """Place of the first sample in units, one per axis."""
        zero = self.offset or (0.0,) * len(self.shape)
        return tuple(z + o * s for z, o, s in zip(zero, self.origin, self.spacing, strict=True))

    @property
    def per_unit(self) -> float:
        """Samples per unit of the first axis: the sample rate of a sound, the frames per second of a clip."""
        return 1.0 / self.spacing[0]

    def end(self, axis: int, value: float) -> int:
        """Return an end of a range that a user typed as a count of samples of an axis.

        Seconds count on an axis of time, samples on others.

        Raises:
            ConfigError: the axis counts samples, and the value is no whole number.
        """
        if self.units[axis] == "s":
            return round(value / self.spacing[axis])
        if value != int(value):
            raise ConfigError(
                f"{value:g} is no whole number of samples on the axis {self.axes[axis]}",
                hint="seconds are for axes of time",
            )
        return int(value)

    def resampled(self, window: Box, sizes: tuple[int, ...]) -> Domain:
        """Return the domain of an output: a window of it, in samples of an output of `sizes` over the whole domain."""
        spacing = tuple(s * n / m for s, n, m in zip(self.spacing, self.shape, sizes, strict=True))
        offset = tuple(
            c + (a + 0.5) * new - 0.5 * old
            for c, (a, _), new, old in zip(self.corner, window, spacing, self.spacing, strict=True)
        )
        return Domain(
            shape=window.shape,
            axes=self.axes,
            units=self.units,
            spacing=spacing,
            origin=(0,) * len(self.shape),
            offset=offset,
        )


def image_domain(height: int, width: int) -> Domain:
    """Return the domain of an image: axes y, x in pixels, the first pixel at index (0, 0)."""
    return Domain(
        shape=(height, width), axes=("y", "x"), units=("px", "px"), spacing=(1.0, 1.0), origin=(0, 0)
    )
