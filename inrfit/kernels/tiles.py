"""Tiles: at most T points of one region, the unit of all work; this file only counts and cuts."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from inrfit.coords import Frame, fold
from inrfit.domain import Box
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


Pool = Callable[[Box], NDArray[np.intp] | None]
"""Which samples of a box count, as rising ranks in row-major order; see `Signal`."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class RegionSamples:
    """The samples of a region on a lattice, by rank in row-major order, without a list of them.

    Attributes:
        start, shape: box of the region on the lattice.
        inside: places within the box of the samples that belong to the region; None when all do.
        before: rank of the first of `inside`, where only those of some rows are there.
        total: number of samples, where not all of them are in `inside`.
    """

    start: tuple[int, ...]
    shape: tuple[int, ...]
    inside: NDArray[np.intp] | None = None
    before: int = 0
    total: int | None = None

    @property
    def count(self) -> int:
        """Number of samples."""
        if self.total is not None:
            return self.total
        return math.prod(self.shape) if self.inside is None else len(self.inside)

    def rows(self, first: int, last: int) -> range:
        """Return the ranks of the samples in the rows [first, last) of the lattice."""
        width = math.prod(self.shape[1:])
        low, high = (min(max(row - self.start[0], 0), self.shape[0]) * width for row in (first, last))
        if self.inside is not None:
            low, high = (int(rank) + self.before for rank in np.searchsorted(self.inside, (low, high)))
        return range(low, high)

    def places(self, ranks: range) -> NDArray[np.int64]:
        """Return the places within the box of the samples of some ranks."""
        if self.inside is None:
            return np.arange(ranks.start, ranks.stop)
        return self.inside[ranks.start - self.before : ranks.stop - self.before]

    def index(self, ranks: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return the lattice indices [point, axis] of the samples of these ranks."""
        flat = ranks if self.inside is None else self.inside[ranks - self.before]
        return np.stack(np.unravel_index(flat, self.shape), axis=-1) + np.asarray(self.start)


def region_samples(
    region: Region, overlap: int | Sequence[int] = 0, within: Box | None = None, pool: Pool | None = None
) -> RegionSamples:
    """Return the samples of a region on the signal's own lattice.

    Args:
        region: the region.
        overlap: samples on every side, diagonals included, that are added from its neighbours; one number for all
            axes, or one for each.
        within: box that they may not leave; needed with an overlap.
        pool: which samples of a box count, as rising ranks; all of them when None.
    """
    mask, box = region.mask, region.box
    margins = [overlap] * len(box) if isinstance(overlap, int) else list(overlap)
    if any(margins) and within is not None:
        box = box.grown(margins) & within
        mask = None if mask is None else _grown(mask, margins, region.box, box)
    inside = None if mask is None else np.flatnonzero(mask)
    found = None if pool is None else pool(box)
    if found is not None:
        inside = found if inside is None else np.intersect1d(inside, found, assume_unique=True)
    return RegionSamples(start=box.origin, shape=box.shape, inside=inside)


def _grown(mask: NDArray[np.bool_], by: Sequence[int], old: Box, new: Box) -> NDArray[np.bool_]:
    """Return a mask over the box `old`, grown by some samples in every direction, over the larger box `new`."""
    from scipy.ndimage import maximum_filter

    margins = [(a - c, d - b) for (a, b), (c, d) in zip(old, new, strict=True)]
    return np.asarray(maximum_filter(np.pad(mask, margins), [2 * m + 1 for m in by], mode="constant"), bool)


def holds(region: Region, points: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Return which points [point, axis], given as sample indices, belong to a region, [point]."""
    low, high = np.array(region.box).T
    inside = ((points >= low) & (points < high)).all(-1)
    if region.mask is not None:
        inside[inside] = region.mask[tuple((points[inside] - low).T)]
    return inside


def frame_of(kind: str, region: Region, frame: Frame, units: tuple[str, ...]) -> Frame:
    """Return the frame in which a network sees the samples of a region.

    Args:
        kind: a value of `Description.frames`.
        region: the region.
        frame: the global frame.
        units: unit of each axis.
    """
    return region.frame(units) if kind == "local" else frame


def coordinates(
    kind: str, points: NDArray[np.generic], region: Region, frame: Frame, units: tuple[str, ...]
) -> NDArray[np.float64]:
    """Return the coordinates [point, axis] that a network sees at sample positions [point, axis]; see `frame_of`."""
    coords = frame_of(kind, region, frame, units).coords(points)
    return fold(coords, frame.span) if kind == "folded" else coords
