"""Which samples each step sees, as blocks of tiles; random choices depend on (seed, step, region) only."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from inrfit.config import FitConfig
from inrfit.kernels import reference
from inrfit.kernels.tiles import Tile, coordinates, cut, holds, region_samples
from inrfit.models.description import TRUNK_COORDS, Description
from inrfit.models.field import Field
from inrfit.signal import Signal

SLOTS = 16
"""Fixed number of partial sums of a step: gradients add up in the same order with any number of threads."""

BLOCK_FLOATS = 1 << 18
"""Floats of one activation of a block on the CPU; a block's activations then stay in cache."""

DRAW = 0x5A3D
"""Separates the stream of drawn samples from the stream of initial weights."""

LEAST_SHARE = 0.25
"""Where samples are spent by error, the least a region gets, as a share of what it would get by its area."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """Some tiles that are run together: those of regions [first, last] in the partition's order."""

    number: int
    tiles: tuple[Tile, ...]
    first: int
    last: int


class Samples:
    """Encoded coordinates and targets of a signal's samples, made when needed and kept within a memory budget.

    Args:
        signal: what is fitted.
        blank: the field that will be fitted: partition, frame and tile.
        description: its network.
        fixed: stack name -> weights that are not trained, such as frequencies.
        config: samples per step, overlap, seed and memory.
        device: where batches go.
        known: which samples of the domain have a target, [*shape]; None when all do.

    Attributes:
        areas: samples that count in each region's loss, its overlap with its neighbours included.
        counts: those that are used per step.
        slots: blocks per slot; the blocks of a slot are run in order.
    """

    def __init__(
        self,
        signal: Signal,
        blank: Field,
        description: Description,
        fixed: Mapping[str, Tensor],
        config: FitConfig,
        device: torch.device,
        known: NDArray[np.bool_] | None = None,
    ) -> None:
        self._signal, self._blank, self._config = signal, blank, config
        self._description, self._fixed, self._device = description, fixed, device
        self._known = known
        domain = blank.partition.domain
        self._regions = [
            region_samples(region, config.overlap, domain.box) for region in blank.partition.regions
        ]
        self.areas = [samples.count for samples in self._regions]
        wanted = config.points
        self.counts = self.areas if wanted is None else spread(wanted, self.areas, self.areas)
        self._keep = wanted is None and self._bytes() <= config.memory
        self._cache: dict[int, reference.Batch] = {}
        self.slots = self._slots()

    def spend(self, counts: Sequence[int]) -> None:
        """Use so many samples of each region per step from now on."""
        self.counts = list(counts)
        self.slots = self._slots()

    def _slots(self) -> list[list[Block]]:
        """Cut all regions into tiles, tiles into blocks, and deal the blocks to slots in contiguous runs."""
        self._tile = min(self._blank.tile, 8 * -(-max(self.counts) // 8))
        tiles = list(cut(self.counts, self._tile))
        floats = BLOCK_FLOATS if self._device.type == "cpu" else BLOCK_FLOATS << 8
        per_block = max(1, floats // (self._tile * self._width()))
        groups = [tuple(tiles[i : i + per_block]) for i in range(0, len(tiles), per_block)]
        blocks = [
            Block(number=i, tiles=group, first=group[0].position, last=group[-1].position)
            for i, group in enumerate(groups)
        ]
        bounds = [len(blocks) * i // SLOTS for i in range(SLOTS + 1)]
        return [blocks[a:b] for a, b in itertools.pairwise(bounds) if a < b]

    def _width(self) -> int:
        """Return the values of the widest layer that each tile has of its own."""
        apart = self._description.frames.get(TRUNK_COORDS) != "local"
        return max(stack.shape[-1] for stack in self._description.stacks if stack.local or apart)

    def _bytes(self) -> int:
        """Return the size of everything that could be kept, in bytes."""
        features = next(stack.shape[0] for stack in self._description.stacks if stack.trained)
        tile = self._blank.tile
        tiles = sum(-(-count // tile) for count in self.counts)
        return 4 * tiles * tile * (features * len(self._description.frames) + self._signal.channels + 2)

    def batch(self, block: Block, step: int) -> reference.Batch:
        """Return the tiles of a block at a step; `owner` counts from the block's first region."""
        if (kept := self._cache.get(block.number)) is not None:
            return kept
        made = self._make(block, step)
        if self._keep:
            self._cache[block.number] = made
        return made

    def _make(self, block: Block, step: int) -> reference.Batch:
        partition, kinds = self._blank.partition, self._description.frames
        shape = (len(block.tiles), self._tile)
        coords = {register: np.zeros((*shape, partition.domain.dimensions)) for register in kinds}
        targets = np.zeros((*shape, self._signal.channels), np.float32)
        mask, weight = (np.zeros((*shape, 1), np.float32) for _ in range(2))
        drawn: dict[int, NDArray[np.int64]] = {}
        for row, tile in enumerate(block.tiles):
            position = tile.position
            region, samples = partition.regions[position], self._regions[position]
            ranks = np.arange(tile.start, tile.stop)
            if self.counts[position] < samples.count:
                if position not in drawn:
                    drawn[position] = self._draw(position, step)
                ranks = drawn[position][ranks]
            points = samples.index(ranks)
            for register, kind in kinds.items():
                coords[register][row, : len(points)] = coordinates(
                    kind, points, region, self._blank.frame, partition.domain.units
                )
            targets[row, : len(points)] = self._signal.sample(points)
            known = self._has_target(points)
            mask[row, : len(points), 0] = known & holds(region, points)
            weight[row, : len(points), 0] = known * (samples.count / self.counts[position])
        trunk_rows = None
        if kinds.get(TRUNK_COORDS) == "local":
            coords[TRUNK_COORDS], trunk_rows = _distinct(coords[TRUNK_COORDS])
        owner = np.array([tile.position - block.first for tile in block.tiles])
        return reference.Batch(
            features={
                register: reference.encode(self._description, self._fixed, self._on_device(values))
                for register, values in coords.items()
            },
            targets=self._on_device(targets),
            mask=self._on_device(mask),
            weight=self._on_device(weight),
            owner=self._on_device(owner),
            trunk_rows=None if trunk_rows is None else self._on_device(trunk_rows),
        )

    def _has_target(self, points: NDArray[np.int64]) -> NDArray[np.bool_]:
        if self._known is None:
            return np.ones(len(points), bool)
        return self._known[tuple((points - self._blank.partition.domain.origin).T)]

    def _on_device(self, values: NDArray[np.generic]) -> Tensor:
        return torch.from_numpy(values).to(self._device)

    def _draw(self, position: int, step: int) -> NDArray[np.int64]:
        """Draw the ranks a step uses in a region, with replacement."""
        region = self._blank.partition.regions[position].id
        random = np.random.default_rng([self._config.seed, DRAW, step, region + 1])
        return random.integers(0, self._regions[position].count, self.counts[position])


def spread(total: int, shares: Sequence[float], most: Sequence[int]) -> list[int]:
    """Divide a number of samples among regions in proportion to `shares`, at least 1 and at most `most` in each.

    What a full region cannot take goes to the others. The sum is `total` up to rounding.
    """
    share, limit = np.asarray(shares, np.float64), np.asarray(most, np.float64)
    given = np.zeros(len(limit))
    open_ = share > 0
    while (left := total - given.sum()) >= 1 and open_.any():
        given[open_] += left * share[open_] / share[open_].sum()
        full = open_ & (given >= limit)
        given[full] = limit[full]
        if not full.any():
            break
        open_ &= ~full
    return np.clip(np.rint(given), 1, limit).astype(int).tolist()


def by_error(total: int, errors: NDArray[np.float64], areas: Sequence[int]) -> list[int]:
    """Return how many of `total` samples each region gets when they are spent where the error is.

    In proportion to area times root mean squared error, Neyman's optimal allocation for the estimate of the summed
    error (Journal of the Royal Statistical Society 97, 1934); `LEAST_SHARE` of an even spread is kept for each.
    """
    area = np.asarray(areas, np.float64)
    hard = area * np.sqrt(np.maximum(errors, 0))
    even = area / area.sum()
    if not hard.sum() > 0:
        return spread(total, even, areas)
    return spread(total, LEAST_SHARE * even + (1 - LEAST_SHARE) * hard / hard.sum(), areas)


def _distinct(coords: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.int64] | None]:
    """Return the tiles [tile, point, coord] that differ, and the row of each tile among them; None when all do."""
    rows: dict[bytes, int] = {}
    index = np.array([rows.setdefault(tile.tobytes(), len(rows)) for tile in coords])
    if len(rows) == len(coords):
        return coords, None
    return coords[np.unique(index, return_index=True)[1]], index
