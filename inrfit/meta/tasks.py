"""Tasks: some signals with their regions as one batch of tiles, whatever kind they are; nothing is learned here.

Group g of what adapts is one region of one signal, counted through the signals in order.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from inrfit.coords import global_frame
from inrfit.kernels import reference
from inrfit.kernels.batch import Batch
from inrfit.kernels.tiles import coordinates, cut, region_samples
from inrfit.models.description import TRUNK_COORDS, Description
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
    chosen, owners = [], []
    for number, (signal, partition) in enumerate(zip(signals, partitions, strict=True)):
        found = [region_samples(region, pool=signal.pool) for region in partition.regions]
        total = sum(samples.count for samples in found)
        for region, samples in zip(partition.regions, found, strict=True):
            ranks = np.arange(samples.count)
            if points is not None and random is not None and points < total:
                count = max(1, round(points * samples.count / total))
                ranks = random.choice(samples.count, min(count, samples.count), replace=False)
            chosen.append((signal, partition, region, samples.index(ranks)))
            owners.append(number)
    areas = [len(points_of) for *_, points_of in chosen]
    tile = _tile(areas)
    tiles = list(cut(areas, tile))
    axes, channels = signals[0].domain.dimensions, signals[0].channels
    shape = (len(tiles), tile)
    coords = {register: np.zeros((*shape, axes)) for register in description.frames}
    targets = np.zeros((*shape, channels), np.float32)
    mask = np.zeros((*shape, 1), np.float32)
    for row, at in enumerate(tiles):
        signal, partition, region, index = chosen[at.position]
        index = index[at.start : at.stop]
        frame = global_frame(partition.domain)
        for register, kind in description.frames.items():
            coords[register][row, : len(index)] = coordinates(
                kind, index, region, frame, partition.domain.units
            )
        targets[row, : len(index)] = signal.sample(index)
        mask[row, : len(index)] = 1

    def put(values: NDArray[np.generic]) -> Tensor:
        return torch.from_numpy(values).to(device)

    weight = put(mask)
    batch = Batch(
        features={r: reference.encode(description, frequencies, put(v)) for r, v in coords.items()},
        targets=put(targets),
        mask=weight,
        weight=weight,
        owner=put(np.array([at.position for at in tiles])),
        trunk_rows=torch.arange(len(tiles), device=device) if TRUNK_COORDS in coords else None,
    )
    return Tasks(
        signals=tuple(signals),
        partitions=tuple(partitions),
        batch=batch,
        groups=len(areas),
        areas=put(np.maximum(areas, 1).astype(np.float32)),
        signal_of=put(np.array(owners)),
        one_each=[at.position for at in tiles] == list(range(len(areas))),
    )


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
