"""From a field back to samples, tile by tile; which sample belongs to which region is worked out in `lattice`.

Exactness: the tiles of a region depend on the region and the output size only, each tile is zero-padded to the
size the file states and run on its own by one BLAS thread. A region therefore gives the same bits decoded alone,
in a crop and in the whole, with any number of threads, on one device.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from inrfit.device import Device
from inrfit.domain import Box
from inrfit.errors import ConfigError, FitError
from inrfit.kernels import reference
from inrfit.kernels.lattice import Lattice, box_filter, lattice_of, owner_of, region_samples, touched
from inrfit.kernels.threads import tile_threads
from inrfit.kernels.tiles import RegionSamples, coordinates
from inrfit.models.field import Field

FARTHEST = 1e6
"""Largest coordinate at which a field may be asked: beyond it single precision has no digits left for a position."""


def render(
    field: Field, *, size: Sequence[int] | None = None, region: Box | None = None, device: Device
) -> NDArray[np.float32]:
    """Decode a field.

    Args:
        field: what to decode.
        size: samples per axis of the whole domain; the fitted size when None. Smaller sizes are box-filtered
            from an integer number of samples per output sample, larger ones sample the field.
        region: half-open range of indices inside the domain per axis; the whole domain when None.
        device: where it runs.

    Returns:
        Values [*shape, channel] on [-1, 1]. Samples that no present region covers are 0.

    Raises:
        ConfigError: the output is too large.
        FitError: a network gives values that are not finite.
    """
    wanted = lattice_of(field.domain, size, region, channels=field.channels)
    return box_filter(_render_lattice(field, wanted, device), field.partition, wanted)


def evaluate(field: Field, coords: NDArray[np.float64], device: Device) -> NDArray[np.float32]:
    """Evaluate a field at coordinates [..., axis] of its global frame; see `Field.__call__`."""
    if coords.ndim == 0 or coords.shape[-1] != field.domain.dimensions:
        raise ConfigError(
            f"coords of shape {coords.shape} need {field.domain.dimensions} values on the last axis, "
            f"one for each of {', '.join(field.domain.axes)}"
        )
    if not (np.abs(coords) <= FARTHEST).all():
        raise ConfigError(f"coords must lie within {FARTHEST:g} of 0 and not be NaN")
    flat = field.frame.positions(coords.reshape(-1, coords.shape[-1]))
    values = np.zeros((len(flat), field.channels), np.float32)
    owner = owner_of(field.partition, flat)
    jobs = []
    for position in np.unique(owner[owner >= 0]):
        rows = np.flatnonzero(owner == position)
        jobs += [(int(position), rows[s : s + field.tile]) for s in range(0, len(rows), field.tile)]
    network = Network(field, device)

    def work(job: tuple[int, NDArray[np.int64]]) -> None:
        position, rows = job
        values[rows] = network.run(position, flat[rows])

    with tile_threads(1 if device.is_cuda else device.threads) as map_tiles:
        list(map_tiles(work, jobs))
    return values.reshape(*coords.shape[:-1], field.channels)


class Network:
    """A field's network on a device, run one tile at a time."""

    def __init__(self, field: Field, device: Device) -> None:
        self._description = field.description
        self._field = field
        self._device = torch.device(device.name)
        self._weights = {n: torch.tensor(w, device=self._device) for n, w in field.weights.items()}
        self._local = {stack.name for stack in self._description.stacks if stack.local}

    def run(self, position: int, points: NDArray[np.float64]) -> NDArray[np.float32]:
        """Evaluate the region at `position` at source positions [point, axis]; returns [point, channel].

        Raises:
            FitError: a value is not finite.
        """
        region = self._field.partition.regions[position]
        inputs = {}
        for register, kind in self._description.frames.items():
            inputs[register] = np.zeros((1, self._field.tile, points.shape[-1]))
            inputs[register][0, : len(points)] = coordinates(
                kind, points, region, self._field.frame, self._field.domain.units
            )
        # Copies begin at an aligned address; BLAS may round otherwise where a region's weights begin elsewhere.
        weights = {
            n: w[position : position + 1].clone() if n in self._local else w for n, w in self._weights.items()
        }
        with torch.inference_mode():
            features = {
                register: reference.encode(self._description, weights, self._on_device(coords))
                for register, coords in inputs.items()
            }
            owner = torch.zeros(1, dtype=torch.int64, device=self._device)
            out = reference.apply(self._description, weights, features, owner)
        values = out[0, : len(points)].cpu().numpy()
        if not np.isfinite(values).all():
            raise FitError(
                f"the network of region {region.id} gives values that are not finite",
                hint="its fit diverged: fit again with a lower --lr",
            )
        return values

    def _on_device(self, coords: NDArray[np.float64]) -> Tensor:
        return torch.from_numpy(coords).to(self._device)


class Window:
    """The wanted samples of an output, found tile by tile in those of a region."""

    def __init__(self, wanted: Lattice, tile: int) -> None:
        self._wanted = wanted
        self._tile = tile

    def tiles(self, samples: RegionSamples) -> Iterator[range]:
        """Yield the ranks of each tile that has samples in the rows of the window.

        They are the same tiles in every window.
        """
        ranks = samples.rows(*self._wanted.fine[0])
        for start in range(ranks.start // self._tile * self._tile, ranks.stop, self._tile):
            yield range(start, min(start + self._tile, samples.count))

    def look(self, samples: RegionSamples, ranks: range) -> Look | None:
        """Return where the samples of a tile lie; None where no one is wanted."""
        index = samples.index(np.arange(ranks.start, ranks.stop))
        inside = np.ones(len(index), bool)
        for axis, (start, stop) in enumerate(self._wanted.fine):
            inside &= (index[:, axis] >= start) & (index[:, axis] < stop)
        if not inside.any():
            return None
        points = np.stack([axis.positions(index[:, d]) for d, axis in enumerate(self._wanted.axes)], axis=-1)
        at = tuple(index[inside, d] - start for d, (start, _) in enumerate(self._wanted.fine))
        return Look(points=points, inside=inside, at=at)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Look:
    """A tile of an output.

    Attributes:
        points: [point, axis], where its samples lie, in source samples.
        inside: [point], which of them are wanted.
        at: indices in the output of those.
    """

    points: NDArray[np.float64]
    inside: NDArray[np.bool_]
    at: tuple[NDArray[np.int64], ...]


def _render_lattice(field: Field, wanted: Lattice, device: Device) -> NDArray[np.float32]:
    """Fill the fine samples of a window, one tile of one region at a time."""
    out = np.zeros((*(stop - start for start, stop in wanted.fine), field.channels), np.float32)
    network, window = Network(field, device), Window(wanted, field.tile)

    def work(job: tuple[int, RegionSamples, range]) -> None:
        position, samples, ranks = job
        if seen := window.look(samples, ranks):
            out[seen.at] = network.run(position, seen.points)[seen.inside]

    def jobs() -> Iterator[tuple[int, RegionSamples, range]]:
        for position in touched((region.box for region in field.partition.regions), wanted):
            samples = region_samples(field.partition.regions[position], wanted)
            for ranks in window.tiles(samples):
                yield position, samples, ranks

    with tile_threads(1 if device.is_cuda else device.threads) as map_tiles:
        for _ in map_tiles(work, jobs()):
            pass
    return out
