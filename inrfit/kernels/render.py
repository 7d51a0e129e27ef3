"""From a field back to samples, tile by tile; which sample belongs to which region is worked out in `lattice`.

Exactness: the tiles of a region depend on the region and the output size only, each is zero-padded to the size the file
states, and its values do not depend on the tiles that are run in the same call (see `network`). A region therefore gives
the same bits decoded alone, in a crop and in the whole, with any number of threads, on one device.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice

import numpy as np
from numpy.typing import NDArray

from inrfit.device import Device
from inrfit.domain import Box
from inrfit.errors import ConfigError
from inrfit.kernels.lattice import Lattice, box_filter, lattice_of, owner_of, region_samples
from inrfit.kernels.network import Network, check_finite, network_of, single
from inrfit.kernels.placing import Coordinates, has_wanted, put
from inrfit.kernels.threads import tile_threads
from inrfit.kernels.tiles import RegionSamples
from inrfit.models.field import Field
from inrfit.signal import gathered

FARTHEST = 1e6
"""Largest coordinate at which a field may be asked: beyond it single precision has no digits left for a position."""

BAND = 1 << 20
"""Samples that are in memory at a time: rows of the output are made in bands of about so many."""


def render(
    field: Field,
    *,
    size: Sequence[int] | None = None,
    region: Box | None = None,
    device: Device,
    precision: str = "float32",
) -> NDArray[np.float32]:
    """Decode a field.

    Args:
        field: what to decode.
        size: samples per axis of the whole domain; the fitted size when None. Smaller sizes are box-filtered
            from an integer number of samples per output sample, larger ones sample the field.
        region: half-open range of indices inside the domain per axis; the whole domain when None.
        device: where it runs.
        precision: "float32", or "half" on CUDA.

    Returns:
        Values [*shape, channel] on [-1, 1]. Samples that no present region covers are 0.

    Raises:
        ConfigError: the output is too large, or the precision is not for the device.
        FitError: a network gives values that are not finite.
    """
    wanted = lattice_of(field.domain, size, region, channels=field.channels)
    bands = render_bands(field, wanted, device, network_of(field, device, precision))
    return gathered(bands, (*wanted.shape, field.channels), "float32")


def render_bands(
    field: Field, wanted: Lattice, device: Device, network: Network
) -> Iterator[NDArray[np.float32]]:
    """Yield the rows of an output in bands [some rows, ..., channel], while the next ones are being made.

    Raises:
        FitError: a network gives values that are not finite.
    """
    coordinates, plan = Coordinates(field, wanted, network), _Plan(field, wanted)

    def work(job: _Job) -> _Band | None:
        if not job.tiles:
            return job.band
        positions = [tile.position for tile in job.tiles]
        encoded = [coordinates.tile(tile.position, tile.samples, tile.ranks) for tile in job.tiles]
        values = network.run(positions, encoded)
        whole = bool(np.isfinite(values).all())
        for tile, found in zip(job.tiles, values, strict=True):
            own = found[:, : len(tile.ranks)]
            if not whole:
                check_finite(field, tile.position, own)
            put(job.band.out, job.band.fine, tile.samples, tile.ranks, own)
        return None

    with tile_threads(1 if device.is_cuda else min(device.threads, plan.most_tiles)) as map_tiles:
        for done in map_tiles(work, plan.jobs(network.sizes if plan.most_tiles > 1 else (1,))):
            if done is not None:
                yield box_filter(done.out, field.partition, done.lattice)


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
    return values_at(field, flat, device).reshape(*coords.shape[:-1], field.channels)


def values_at(field: Field, flat: NDArray[np.float64], device: Device) -> NDArray[np.float32]:
    """Return the values of a field at positions [point, axis] in samples, [point, channel] on [-1, 1].

    Points that no region covers are 0.
    """
    values = np.zeros((len(flat), field.channels), np.float32)
    owner = owner_of(field.partition, flat)
    jobs = []
    for position in np.unique(owner[owner >= 0]):
        rows = np.flatnonzero(owner == position)
        jobs += [(int(position), rows[s : s + field.tile]) for s in range(0, len(rows), field.tile)]
    network = network_of(field, device)

    def work(job: tuple[int, NDArray[np.int64]]) -> None:
        position, rows = job
        values[rows] = single(network, field, position, flat[rows])

    with tile_threads(1 if device.is_cuda else device.threads) as map_tiles:
        list(map_tiles(work, jobs))
    return values


@dataclass(frozen=True, slots=True, kw_only=True)
class _Tile:
    """A tile to evaluate: which samples of the region at which position."""

    position: int
    samples: RegionSamples
    ranks: range


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Band:
    """Some rows of an output, and the fine samples they are averaged from, [*fine, channel]."""

    lattice: Lattice
    fine: Box
    out: NDArray[np.float32]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Job:
    """Tiles of a band that are run in one call; none where all of the band's have been given out."""

    band: _Band
    tiles: list[_Tile]


class _Plan:
    """The work of a decode: bands of rows, and the tiles in each."""

    def __init__(self, field: Field, wanted: Lattice) -> None:
        self._field, self._wanted = field, wanted
        self._spans = wanted.all_spans([region.box for region in field.partition.regions])
        self._samples: dict[int, RegionSamples] = {}

    @property
    def most_tiles(self) -> int:
        """How many tiles there are at most; at least 1."""
        counts = (self._spans[..., 1] - self._spans[..., 0]).prod(-1)
        return max(1, int((-(-counts // self._field.tile))[self._wanted.meeting(self._spans)].sum()))

    def jobs(self, sizes: Sequence[int]) -> Iterator[_Job]:
        """Yield the tiles of each band, as many together as `sizes` allow, then the end of it."""
        for lattice in self._bands():
            fine = lattice.fine
            shape = (*(stop - start for start, stop in fine), self._field.channels)
            band = _Band(lattice=lattice, fine=fine, out=np.zeros(shape, np.float32))
            tiles = self._tiles(lattice)
            while chunk := list(islice(tiles, sizes[0])):
                for size in sizes:
                    while len(chunk) >= size:
                        yield _Job(band=band, tiles=chunk[:size])
                        del chunk[:size]
            yield _Job(band=band, tiles=[])

    def _bands(self) -> Iterator[Lattice]:
        """Cut the window into bands of rows, between regions where there is such a place."""
        first, last = self._wanted.window[0]
        factor = self._wanted.factors[0]
        row = math.prod(b - a for a, b in self._wanted.fine[1:]) * factor
        edges = {int(edge) // factor for edge in np.unique(self._spans[:, 0])}
        for start, stop in cuts(first, last, max(1, BAND // row), edges):
            yield replace(self._wanted, window=self._wanted.window.along(0, start, stop))

    def _tiles(self, lattice: Lattice) -> Iterator[_Tile]:
        """Yield the tiles that have samples in a window; they are the same tiles in every window."""
        here, fine, regions = lattice.meeting(self._spans), lattice.fine, self._field.partition.regions
        known, self._samples = self._samples, {}
        for position, spans in zip(here.tolist(), self._spans[here].tolist(), strict=True):
            samples = known.get(position) or region_samples(
                regions[position], self._wanted, spans, self._field.tile
            )
            self._samples[position] = samples
            for ranks in tiles_in(samples, fine, self._field.tile):
                yield _Tile(position=position, samples=samples, ranks=ranks)


def tiles_in(samples: RegionSamples, window: Box, tile: int) -> Iterator[range]:
    """Yield the ranks of each tile of a region that has samples in a window; they are the same in every window."""
    count, ranks = samples.count, samples.rows(*window[0])
    for start in range(ranks.start // tile * tile, ranks.stop, tile):
        found = range(start, min(start + tile, count))
        if len(found) == count or has_wanted(window, samples, found):
            yield found


def cuts(first: int, last: int, rows: int, edges: Iterable[int]) -> Iterator[tuple[int, int]]:
    """Cut [first, last) into ranges of at most `rows`, each up to an edge where one lies in its second half."""
    inside = sorted(edge for edge in edges if first < edge < last)
    start = first
    while start < last:
        stop = min(start + rows, last)
        if stop < last:
            stop = max((edge for edge in inside if start + rows / 2 < edge <= stop), default=stop)
        yield start, stop
        start = stop
