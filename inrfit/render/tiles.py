"""From a net to values, tile by tile; which sample belongs to which region is worked out in `lattice`.

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

from inrfit.domain import Box
from inrfit.kernels.network import Network
from inrfit.kernels.threads import tile_threads
from inrfit.kernels.tiles import RegionSamples
from inrfit.models.net import Net
from inrfit.render.lattice import Lattice, box_filter, region_samples
from inrfit.render.placing import Coordinates, has_wanted, put

BAND = 1 << 20
"""Samples that are in memory at a time: rows of the output are made in bands of about so many."""


def render_bands(network: Network, wanted: Lattice) -> Iterator[NDArray[np.float32]]:
    """Yield the rows of an output in bands [some rows, ..., channel], while the next ones are being made.

    Raises:
        FitError: a network gives values that are not finite.
    """
    coordinates, bands = Coordinates(network, wanted), _Bands(network.net, wanted)

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
                network.check_finite(tile.position, own)
            put(job.band.out, job.band.fine, tile.samples, tile.ranks, own)
        return None

    with tile_threads(min(network.device.workers, bands.most_tiles)) as map_tiles:
        for done in map_tiles(work, bands.jobs(network.sizes if bands.most_tiles > 1 else (1,))):
            if done is not None:
                yield box_filter(done.out, network.net.partition, done.lattice)


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


class _Bands:
    """The work of a decode: bands of rows, and the tiles in each."""

    def __init__(self, net: Net, wanted: Lattice) -> None:
        self._net, self._wanted = net, wanted
        self._spans = wanted.all_spans([region.box for region in net.partition.regions])
        self._samples: dict[int, RegionSamples] = {}

    @property
    def most_tiles(self) -> int:
        """How many tiles there are at most; at least 1."""
        counts = (self._spans[..., 1] - self._spans[..., 0]).prod(-1)
        return max(1, int((-(-counts // self._net.tile))[self._wanted.meeting(self._spans)].sum()))

    def jobs(self, sizes: Sequence[int]) -> Iterator[_Job]:
        """Yield the tiles of each band, as many together as `sizes` allow, then the end of it."""
        for lattice in self._cut():
            fine = lattice.fine
            shape = (*(stop - start for start, stop in fine), self._net.channels)
            band = _Band(lattice=lattice, fine=fine, out=np.zeros(shape, np.float32))
            tiles = self._tiles(lattice)
            while chunk := list(islice(tiles, sizes[0])):
                for size in sizes:
                    while len(chunk) >= size:
                        yield _Job(band=band, tiles=chunk[:size])
                        del chunk[:size]
            yield _Job(band=band, tiles=[])

    def _cut(self) -> Iterator[Lattice]:
        """Cut the window into bands of rows, between regions where there is such a place."""
        first, last = self._wanted.window[0]
        factor = self._wanted.factors[0]
        row = math.prod(b - a for a, b in self._wanted.fine[1:]) * factor
        edges = {int(edge) // factor for edge in np.unique(self._spans[:, 0])}
        for start, stop in cuts(first, last, max(1, BAND // row), edges):
            yield replace(self._wanted, window=self._wanted.window.along(0, start, stop))

    def _tiles(self, lattice: Lattice) -> Iterator[_Tile]:
        """Yield the tiles that have samples in a window; they are the same tiles in every window."""
        here, fine, regions = lattice.meeting(self._spans), lattice.fine, self._net.partition.regions
        known, self._samples = self._samples, {}
        for position, spans in zip(here.tolist(), self._spans[here].tolist(), strict=True):
            samples = known.get(position) or region_samples(
                regions[position], self._wanted, spans, self._net.tile
            )
            self._samples[position] = samples
            for ranks in tiles_in(samples, fine, self._net.tile):
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
