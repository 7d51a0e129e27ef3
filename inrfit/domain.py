"""The sampling lattice of a signal: integer indices, axis names and units; it holds no samples.

Integer sample indices are the only frame. They may start below zero, after an extension to the left.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from inrfit.errors import ConfigError

Box = tuple[tuple[int, int], ...]
"""Half-open index ranges, one per axis: ((y0, y1), (x0, x1))."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Domain:
    """A box of integer sample indices.

    Attributes:
        shape: samples along each axis, each at least 1.
        axes: axis names, slowest first, for example ("y", "x").
        units: unit of each axis, for example ("px", "px"); axes of one unit share one scale.
        spacing: units per sample, one per axis.
        origin: index of the first sample, one per axis.
    """

    shape: tuple[int, ...]
    axes: tuple[str, ...]
    units: tuple[str, ...]
    spacing: tuple[float, ...]
    origin: tuple[int, ...]

    def __post_init__(self) -> None:
        lengths = {len(self.shape), len(self.axes), len(self.units), len(self.spacing), len(self.origin)}
        if len(lengths) != 1 or not self.shape:
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
        return tuple((o, o + n) for o, n in zip(self.origin, self.shape, strict=True))


def image_domain(height: int, width: int) -> Domain:
    """Return the domain of an image: axes y, x in pixels, the first pixel at index (0, 0)."""
    return Domain(
        shape=(height, width), axes=("y", "x"), units=("px", "px"), spacing=(1.0, 1.0), origin=(0, 0)
    )
