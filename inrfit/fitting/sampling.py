"""Which samples each step sees, as blocks of tiles; random choices depend on (seed, step, region) only."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from inrfit.config import FitConfig
from inrfit.coords import Frame
from inrfit.kernels import reference
from inrfit.kernels.tiles import Tile, cut, region_samples
from inrfit.models.description import Description
from inrfit.partitions import Partition
from inrfit.signal import Signal

SLOTS = 16
"""Fixed number of partial sums of a step: gradients add up in the same order with any number of threads."""

BLOCK_FLOATS = 1 << 18
"""Floats of one activation of a block on the CPU; a block's activations then stay in cache."""

DRAW = 0x5A3D
"""Separates the stream of drawn samples from the stream of initial weights."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """Some tiles that are run together: those of regions [first, last] in the partition's order."""

    number: int
    tiles: tuple[Tile, ...]
    first: int
    last: int


class Samples:
    """Encoded coordinates and targets of a signal's samples, made when needed and kept within a memory budget.

    Attributes:
        counts: samples per region and step.
        slots: blocks per slot; the blocks of a slot are run in order.
    """

    def __init__(
        self,
        signal: Signal,
        partition: Partition,
        frame: Frame,
        description: Description,
        fixed: Mapping[str, Tensor],
        config: FitConfig,
        tile: int,
        width: int,
        device: torch.device,
    ) -> None:
        self._signal, self._partition, self._config = signal, partition, config
        self._description, self._fixed, self._device = description, fixed, device
        units = partition.domain.units
        self._frames = [
            frame if description.frame == "global" else region.frame(units) for region in partition.regions
        ]
        self._regions = [region_samples(region) for region in partition.regions]
        self.counts = [self._count(samples.count) for samples in self._regions]
        self._tile = min(tile, 8 * -(-max(self.counts) // 8))
        self.slots = self._slots(width)
        self._cache: dict[int, reference.Batch] = {}
        self._keep = config.points is None and self._bytes() <= config.memory

    def _count(self, area: int) -> int:
        """Return how many samples of a region of this area one step uses."""
        if self._config.points is None:
            return area
        return min(area, max(1, round(area * self._config.points / self._partition.domain.size)))

    def _slots(self, width: int) -> list[list[Block]]:
        """Cut all regions into tiles, tiles into blocks, and deal the blocks to slots in contiguous runs."""
        tiles = list(cut(self.counts, self._tile))
        floats = BLOCK_FLOATS if self._device.type == "cpu" else BLOCK_FLOATS << 8
        per_block = max(1, floats // (self._tile * max(width, 1)))
        groups = [tuple(tiles[i : i + per_block]) for i in range(0, len(tiles), per_block)]
        blocks = [
            Block(number=i, tiles=group, first=group[0].position, last=group[-1].position)
            for i, group in enumerate(groups)
        ]
        bounds = [len(blocks) * i // SLOTS for i in range(SLOTS + 1)]
        return [blocks[a:b] for a, b in itertools.pairwise(bounds) if a < b]

    def _bytes(self) -> int:
        """Return the size of everything that could be kept, in bytes."""
        features = next(stack.shape[0] for stack in self._description.stacks if stack.trained)
        tiles = sum(len(block.tiles) for slot in self.slots for block in slot)
        return 4 * tiles * self._tile * (features + self._signal.channels + 1)

    def batch(self, block: Block, step: int) -> reference.Batch:
        """Return the tiles of a block at a step; `owner` counts from the block's first region."""
        if (kept := self._cache.get(block.number)) is not None:
            return kept
        made = self._make(block, step)
        if self._keep:
            self._cache[block.number] = made
        return made

    def _make(self, block: Block, step: int) -> reference.Batch:
        shape = (len(block.tiles), self._tile)
        coords = np.zeros((*shape, self._partition.domain.dimensions))
        targets = np.zeros((*shape, self._signal.channels), np.float32)
        mask = np.zeros((*shape, 1), np.float32)
        drawn: dict[int, np.ndarray] = {}
        for row, tile in enumerate(block.tiles):
            samples = self._regions[tile.position]
            ranks = np.arange(tile.start, tile.stop)
            if self.counts[tile.position] < samples.count:
                if tile.position not in drawn:
                    drawn[tile.position] = self._draw(tile.position, step)
                ranks = drawn[tile.position][ranks]
            points = samples.index(ranks)
            count = len(points)
            coords[row, :count] = self._frames[tile.position].coords(points)
            targets[row, :count] = self._signal.sample(points)
            mask[row, :count] = 1
        owner = torch.tensor([tile.position - block.first for tile in block.tiles])
        on_device = torch.from_numpy(coords).to(self._device)
        return reference.Batch(
            features=reference.encode(self._description, self._fixed, on_device),
            targets=torch.from_numpy(targets).to(self._device),
            mask=torch.from_numpy(mask).to(self._device),
            owner=owner.to(self._device),
        )

    def _draw(self, position: int, step: int) -> np.ndarray:
        """Draw the ranks a step uses in a region, with replacement."""
        region = self._partition.regions[position].id
        random = np.random.default_rng([self._config.seed, DRAW, step, region + 1])
        return random.integers(0, self._regions[position].count, self.counts[position])
