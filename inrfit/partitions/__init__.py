"""The division of a domain into regions: every sample belongs to exactly one; rules live in the files beside.

A region is a box of indices, with a mask where it does not fill its box. Grid cells fill theirs, segments
do not; nothing else in the package needs to know which of the two it has.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from inrfit.coords import Frame, local_frame
from inrfit.domain import Box, Domain
from inrfit.errors import ConfigError
from inrfit.partitions.config import PartitionConfig
from inrfit.registry import load
from inrfit.signal import Signal

OUTSIDE = -1
"""Label of samples that no present region covers (after a crop)."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Region:
    """One part of a partition.

    Attributes:
        id: stable number of the region; row-major cell number in a grid. Kept by a crop.
        box: half-open index range per axis.
        mask: which samples of the box belong to the region, [*box shape] bool; None when all do.
        nominal: size of the region's local frame per axis, in samples: the nominal cell size of a grid,
            the square root of the area on both axes of a segment.
    """

    id: int
    box: Box
    nominal: tuple[float, ...]
    mask: NDArray[np.bool_] | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "box", Box(self.box))

    @property
    def shape(self) -> tuple[int, ...]:
        """Extent of the box, in samples."""
        return self.box.shape

    @property
    def area(self) -> int:
        """Number of samples in the region."""
        return math.prod(self.shape) if self.mask is None else int(np.count_nonzero(self.mask))

    def points(self) -> NDArray[np.int64]:
        """Return the integer indices of the samples, row-major, [point, axis]."""
        if self.mask is None:
            grid = np.indices(self.shape, dtype=np.int64).reshape(len(self.box), -1).T
        else:
            grid = np.argwhere(self.mask)
        return np.ascontiguousarray(grid + np.array(self.box.origin, np.int64))

    def frame(self, units: tuple[str, ...]) -> Frame:
        """Return the region's local frame: centred on its box, scaled by its nominal size."""
        return local_frame([(a + b - 1) / 2 for a, b in self.box], self.nominal, units)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Partition:
    """A domain and its regions.

    Attributes:
        domain: what is divided.
        regions: the parts that are present, ordered by id.
        kind: "grid" (all regions fill their boxes) or "labels".
        edges: for a grid, the cell borders along each axis as indices, one more than there are cells.
        warnings: what the user should know, in words.
    """

    domain: Domain
    regions: tuple[Region, ...]
    kind: str
    edges: tuple[tuple[int, ...], ...] = ()
    warnings: tuple[str, ...] = field(default=())

    def __len__(self) -> int:
        return len(self.regions)

    @property
    def areas(self) -> tuple[int, ...]:
        """Samples per region."""
        return tuple(region.area for region in self.regions)

    @property
    def is_whole(self) -> bool:
        """Whether every sample of the domain is in a region; not so after a crop that leaves holes."""
        return sum(self.areas) == self.domain.size

    @property
    def grid(self) -> tuple[int, ...]:
        """Cells per axis of a grid; empty for label maps."""
        return tuple(len(edges) - 1 for edges in self.edges)

    def select(self, positions: Sequence[int]) -> Partition:
        """Return the partition with only some regions, on the bounding box of their boxes.

        Ids, nominal sizes and the edges of a grid stay as they are.

        Args:
            positions: places of the regions in `regions`, at least one.

        Raises:
            ConfigError: there is none, or no such region.
        """
        rows = sorted(set(positions))
        if not rows or rows[0] < 0 or rows[-1] >= len(self):
            raise ConfigError(
                f"positions {rows} do not name some of the {len(self)} regions",
                hint=f"give one or more from 0 to {len(self) - 1}",
            )
        regions = tuple(self.regions[position] for position in rows)
        box = Box.around(region.box for region in regions)
        return replace(self, domain=self.domain.over(box), regions=regions)

    def labels(self, window: Box | None = None) -> NDArray[np.int32]:
        """Paint the position of each region in `regions` over a window, [*shape]; `OUTSIDE` elsewhere.

        Args:
            window: half-open index range per axis, inside the domain; the whole domain when None.
        """
        window = self.domain.box if window is None else Box(window)
        painted = np.full(window.shape, OUTSIDE, np.int32)
        for number, region in enumerate(self.regions):
            both = region.box & window
            there = painted[both.slices(window.origin)]
            there[... if region.mask is None else region.mask[both.slices(region.box.origin)]] = number
        return painted

    def padding(self, tile: int) -> float:
        """Return the share of work spent on padding when regions are cut into tiles of `tile` points, [0, 1)."""
        padded = sum(-(-area // tile) * tile for area in self.areas)
        return 1.0 - sum(self.areas) / padded


def build(signal: Signal, config: PartitionConfig) -> Partition:
    """Divide a signal by the rule that `config` names.

    Raises:
        ConfigError: the rule cannot divide this signal as asked, for example more cells than samples.
        InputError: a label image does not fit.
    """
    return occupied(signal, load("partition", config.rule)(signal, config))


def occupied(signal: Signal, partition: Partition) -> Partition:
    """Return a partition without the regions in which a signal has nothing to fit; all of it where there is none."""
    if not signal.pooled:
        return partition
    there = signal.occupied([region.box for region in partition.regions])
    for place, region in enumerate(partition.regions):
        if there[place] and region.mask is not None and (ranks := signal.pool(region.box)) is not None:
            there[place] = region.mask.flat[ranks].any()
    if there.all() or not there.any():
        return partition
    regions = tuple(region for region, full in zip(partition.regions, there, strict=True) if full)
    return replace(partition, regions=regions)
