"""Tiles: at most T points of one region, the unit of all work; this file only counts and cuts."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from inrfit.partitions import Region

LARGEST = 1024
"""Most points in a tile: activations of common widths stay in cache."""


def tile_points(areas: Sequence[int]) -> int:
    """Return the tile size for regions of these areas: the largest region is cut into equal tiles."""
    largest = max(areas)
    tiles = -(-largest // LARGEST)
    return 8 * -(-largest // (8 * tiles))


@dataclass(frozen=True, slots=True, kw_only=True)
class Tile:
    """Points [start, stop) of the region at `position` in its partition."""

    position: int
    start: int
    stop: int


def cut(counts: Sequence[int], tile: int) -> Iterator[Tile]:
    """Cut regions of `counts` points into tiles of at most `tile` points, region by region."""
    for position, count in enumerate(counts):
        for start in range(0, count, tile):
            yield Tile(position=position, start=start, stop=min(start + tile, count))


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class RegionSamples:
    """The samples of a region on a lattice, by rank in row-major order, without a list of them.

    Attributes:
        start, shape: box of the region on the lattice.
        inside: ranks within the box of the samples that belong to the region; None when all do.
    """

    start: tuple[int, ...]
    shape: tuple[int, ...]
    inside: NDArray[np.intp] | None = None

    @property
    def count(self) -> int:
        """Number of samples."""
        return math.prod(self.shape) if self.inside is None else len(self.inside)

    def rows(self, first: int, last: int) -> range:
        """Return the ranks of the samples in the rows [first, last) of the lattice."""
        width = math.prod(self.shape[1:])
        low, high = (min(max(row - self.start[0], 0), self.shape[0]) * width for row in (first, last))
        if self.inside is not None:
            low, high = (int(rank) for rank in np.searchsorted(self.inside, (low, high)))
        return range(low, high)

    def index(self, ranks: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return the lattice indices [point, axis] of the samples of these ranks."""
        flat = ranks if self.inside is None else self.inside[ranks]
        return np.stack(np.unravel_index(flat, self.shape), axis=-1) + np.asarray(self.start)


def region_samples(region: Region) -> RegionSamples:
    """Return the samples of a region on the signal's own lattice."""
    inside = None if region.mask is None else np.flatnonzero(region.mask)
    return RegionSamples(start=tuple(a for a, _ in region.box), shape=region.shape, inside=inside)
