"""Which samples each step sees, as blocks of tiles; random choices depend on (seed, step, region) only."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from inrfit.field import Field
from inrfit.fitting.config import FitConfig
from inrfit.kernels.batch import Asked, Batch, batched
from inrfit.kernels.protocol import Kernel
from inrfit.kernels.tiles import Tile, cut, holds, region_samples
from inrfit.models.description import TRUNK_COORDS, Description
from inrfit.signal import Signal

BLOCK_FLOATS = 1 << 19
"""Most floats of one activation of a block on the CPU; a block's activations then stay in cache."""

SMALL_BLOCK_FLOATS = 1 << 18
"""Floats below which blocks are not made smaller so that there are more of them for the threads."""

BLOCKS = 16
"""Blocks per step that are enough for the threads."""

DRAW = 0x5A3D
"""Separates the stream of drawn samples from the stream of initial weights."""

LEAST_SHARE = 0.25
"""Where samples are spent by error, the least a region gets, as a share of what it would get by its area."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """Some tiles that are run together: those of groups [first, last].

    Attributes:
        number: place among the blocks of a step.
        tiles: their `position` is a group: that of a region, counted over all signals.
        first, last: groups.
        signal: the signal that the groups belong to; the first of several.
    """

    number: int
    tiles: tuple[Tile, ...]
    first: int
    last: int
    signal: int


class Samples:
    """Encoded coordinates and targets of signals, made when needed and kept within a memory budget.

    The signals have one partition; group g of their weights is region g % regions of signal g // regions.

    Args:
        signals: what is fitted.
        blank: the field that will be fitted: partition, frame and tile.
        kernel: what the batches are prepared for.
        description: the network.
        fixed: stack name -> weights that are not trained, such as frequencies.
        config: samples per step, overlap, seed and memory.
        device: where batches go.

    Attributes:
        areas: samples that count in each group's loss, its overlap with its neighbours included.
        own: those of them that lie in each region itself.
        counts: those that are used per step.
        blocks: what a step runs. How a group's tiles are cut into blocks depends on its signal alone.
    """

    def __init__(
        self,
        signals: Sequence[Signal],
        blank: Field,
        kernel: Kernel,
        description: Description,
        fixed: Mapping[str, Tensor],
        config: FitConfig,
        device: torch.device,
    ) -> None:
        self._signals, self._blank, self._config = list(signals), blank, config
        self._kernel, self._description, self._fixed, self._device = kernel, description, fixed, device
        domain = blank.partition.domain
        pool, regions = signals[0].pool, blank.partition.regions
        self._regions = [region_samples(region, config.overlap, domain.box, pool) for region in regions]
        self._areas = [samples.count for samples in self._regions]
        self.own = (
            list(blank.partition.areas)
            if not signals[0].pooled
            else [region_samples(region, pool=pool).count for region in regions]
        )
        self._trained_shared = any(stack.trained and not stack.local for stack in description.stacks)
        wanted = config.points
        self._counts = self._areas if wanted is None else spread(wanted, self._areas, self._areas)
        self._keep = wanted is None and self._bytes() <= config.memory
        self._cache: dict[int, tuple[Any, Tensor]] = {}
        self.blocks = self._blocks()

    @property
    def areas(self) -> list[int]:
        """Samples that count in each group's loss."""
        return self._areas * len(self._signals)

    @property
    def counts(self) -> list[int]:
        """Samples of each group that are used per step."""
        return self._counts * len(self._signals)

    def select(self, signals: Sequence[Signal]) -> None:
        """Go on with some of the signals."""
        self._signals = list(signals)
        self._cache.clear()
        self.blocks = self._blocks()

    def spend(self, counts: Sequence[int]) -> None:
        """Use so many samples of each region per step from now on."""
        self._counts = list(counts)
        self.blocks = self._blocks()

    def _blocks(self) -> list[Block]:
        """Cut all groups into tiles and put tiles into blocks.

        A group is in one block, or has blocks of its own; where weights are shared, a block has groups of one signal.
        """
        self._tile = min(self._blank.tile, 8 * -(-max(self._counts) // 8))
        scale = 1 if self._device.type == "cpu" else 1 << 8
        floats = self._tile * self._width()
        most = max(1, scale * BLOCK_FLOATS // floats)
        signals = 1 if self._trained_shared else len(self._signals)
        tiles = signals * sum(-(-count // self._tile) for count in self._counts)
        room = max(1, min(most, max(scale * SMALL_BLOCK_FLOATS // floats, -(-tiles // BLOCKS))))
        groups: list[list[Tile]] = []
        for position, count in enumerate(self.counts):
            own = [replace(tile, position=position) for tile in cut([count], self._tile)]
            apart = self._trained_shared and position % len(self._regions) == 0
            if not groups or apart or len(groups[-1]) + len(own) > room:
                groups.append([])
            groups[-1] += own[:most]
            groups += [own[i : i + most] for i in range(most, len(own), most)]
        return [
            Block(
                number=number,
                tiles=tuple(tiles),
                first=tiles[0].position,
                last=tiles[-1].position,
                signal=tiles[0].position // len(self._regions),
            )
            for number, tiles in enumerate(group for group in groups if group)
        ]

    def _width(self) -> int:
        """Return the values of the widest layer that each tile has of its own."""
        apart = self._description.frames.get(TRUNK_COORDS) != "local"
        return max(stack.shape[-1] for stack in self._description.stacks if stack.local or apart)

    def _bytes(self) -> int:
        """Return the size of everything that could be kept, in bytes."""
        features = next(stack.shape[0] for stack in self._description.stacks if stack.trained)
        tile = self._blank.tile
        tiles = sum(-(-count // tile) for count in self.counts)
        return 4 * tiles * tile * (features * len(self._description.frames) + self._signals[0].channels + 2)

    def prepared(self, block: Block, step: int) -> tuple[Any, Tensor]:
        """Return the tiles of a block at a step as the kernel takes them, and the group of each, from the first."""
        if (kept := self._cache.get(block.number)) is not None:
            return kept
        batch = self.batch(block, step)
        made = self._kernel.prepare(batch), batch.owner
        if self._keep:
            self._cache[block.number] = made
        return made

    def batch(self, block: Block, step: int) -> Batch:
        """Return the tiles of a block at a step; `owner` counts from the block's first group."""
        drawn: dict[int, NDArray[np.int64]] = {}
        asked = [self._asked(tile, block, step, drawn) for tile in block.tiles]
        return batched(asked, self._description, self._fixed, self._tile, self._device, share=True)

    def _asked(self, tile: Tile, block: Block, step: int, drawn: dict[int, NDArray[np.int64]]) -> Asked:
        """Return the samples of a tile; those drawn for its region are kept for the next one."""
        signal, position = divmod(tile.position, len(self._regions))
        partition, samples = self._blank.partition, self._regions[position]
        region, ranks = partition.regions[position], np.arange(tile.start, tile.stop)
        if self._counts[position] < samples.count:
            if position not in drawn:
                drawn[position] = self._draw(position, step)
            ranks = drawn[position][ranks]
        points = samples.index(ranks)
        return Asked(
            group=tile.position - block.first,
            region=region,
            frame=self._blank.frame,
            units=partition.domain.units,
            points=points,
            targets=self._signals[signal].sample(points),
            own=holds(region, points),
            weight=samples.count / self._counts[position],
        )

    def _draw(self, position: int, step: int) -> NDArray[np.int64]:
        """Draw the ranks a step uses in a region, with replacement."""
        region = self._blank.partition.regions[position].id
        random = np.random.default_rng([self._config.seed, DRAW, step, region + 1])
        return random.integers(0, self._regions[position].count, self._counts[position])


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
