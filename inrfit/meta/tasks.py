"""Tasks: some signals with their regions as one batch of tiles, whatever kind they are; nothing is learned here.

Group g of what adapts is one region of one signal, counted through the signals in order.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor

from inrfit.coords import global_frame
from inrfit.kernels.batch import Asked, Batch, batched
from inrfit.kernels.residual import Residual, Squares
from inrfit.kernels.tiles import Tile, cut, region_samples
from inrfit.models.description import Description
from inrfit.partitions import Partition
from inrfit.signal import Signal

TILES = (4096, 1024, 512, 256, 128)
"""Points that a tile may have; the most that wastes little on padding is taken."""

WASTE = 0.15
"""Share of padding that is little."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Tasks:
    """Some signals to be adapted to at once.

    Attributes:
        signals, partitions: what they are and how each is divided.
        batch: all their samples, or those drawn; `owner` counts groups.
        groups: regions of all signals.
        areas: samples of each group in the batch, [group]; 1 for one without any, so that means are defined.
        signal_of: signal of each group, [group].
        one_each: whether tile g is all of group g, so that nothing has to be gathered.
    """

    signals: tuple[Signal, ...]
    partitions: tuple[Partition, ...]
    batch: Batch
    groups: int
    areas: Tensor
    signal_of: Tensor
    one_each: bool

    @property
    def channels(self) -> int:
        """Values per sample."""
        return self.batch.targets.shape[-1]

    @property
    def residual(self) -> Residual:
        """What is adapted to: the values that the samples have."""
        return Squares(self.batch, None if self.one_each else self.groups)


def gather(
    signals: Sequence[Signal],
    partitions: Sequence[Partition],
    description: Description,
    frequencies: Mapping[str, Tensor],
    *,
    points: int | None = None,
    random: np.random.Generator | None = None,
    device: str = "cpu",
) -> Tasks:
    """Put the samples of signals into tiles.

    Args:
        signals: of one number of channels.
        partitions: of each.
        description: the network that will see them.
        frequencies: stacks that its encoding uses, such as drawn frequencies.
        points: samples of each signal to draw, spread over its regions by area; all of them when None.
        random: draws them.
        device: as torch calls it.
    """
    groups: list[tuple[Signal, Asked]] = []
    owners = []
    for number, (signal, partition) in enumerate(zip(signals, partitions, strict=True)):
        found = [region_samples(region, pool=signal.pool) for region in partition.regions]
        total = sum(samples.count for samples in found)
        for region, samples in zip(partition.regions, found, strict=True):
            ranks = np.arange(samples.count)
            if points is not None and random is not None and points < total:
                count = max(1, round(points * samples.count / total))
                ranks = random.choice(samples.count, min(count, samples.count), replace=False)
            asked = Asked(
                group=len(groups),
                region=region,
                frame=global_frame(partition.domain),
                units=partition.domain.units,
                points=samples.index(ranks),
            )
            groups.append((signal, asked))
            owners.append(number)
    areas = [len(asked.points) for _, asked in groups]
    tile = _tile(areas)
    tiles = list(cut(areas, tile))
    batch = batched([_part(*groups[at.position], at) for at in tiles], description, frequencies, tile, device)
    return Tasks(
        signals=tuple(signals),
        partitions=tuple(partitions),
        batch=batch,
        groups=len(areas),
        areas=torch.tensor(areas, dtype=torch.float32, device=device).clamp(min=1),
        signal_of=torch.tensor(owners, device=device),
        one_each=[at.position for at in tiles] == list(range(len(areas))),
    )


def _part(signal: Signal, asked: Asked, at: Tile) -> Asked:
    """Return the points of a tile, with the samples that a signal has there."""
    points = asked.points[at.start : at.stop]
    return replace(asked, points=points, targets=signal.sample(points))


def without_samples(signals: Sequence[Signal], partitions: Sequence[Partition], device: str = "cpu") -> Tasks:
    """Return tasks without samples, for a learner's `start`, which looks at signals and regions alone.

    Args:
        signals, partitions, device: as for `gather`.
    """
    pairs = zip(signals, partitions, strict=True)
    areas = [
        [region_samples(region, pool=signal.pool).count for region in partition.regions]
        for signal, partition in pairs
    ]
    empty = torch.zeros((0, 0, 1), device=device)
    owners = [number for number, own in enumerate(areas) for _ in own]
    return Tasks(
        signals=tuple(signals),
        partitions=tuple(partitions),
        batch=Batch(features={}, targets=empty, mask=empty, weight=empty, owner=empty.long().flatten()),
        groups=len(owners),
        areas=torch.tensor([float(area) for own in areas for area in own], device=device),
        signal_of=torch.tensor(owners, device=device),
        one_each=False,
    )


def _tile(areas: Sequence[int]) -> int:
    """Return the points of a tile for regions of so many samples."""
    largest, total = max(areas), sum(areas)
    rounded = 8 * -(-largest // 8)
    for tile in sorted({min(rounded, size) for size in TILES}, reverse=True):
        if sum(-(-area // tile) * tile for area in areas) <= (1 + WASTE) * total:
            return tile
    return min(rounded, TILES[-1])
