"""Blending at decode: near a border the output is a weighted mean of both sides; off unless asked for.

Every region is also evaluated up to `blend` source samples beyond its border. Its weight falls linearly from 1 to 0
across that band, and the weights of the regions that are present are divided by their sum: a partition of unity, as
in Babuska and Melenk, "The partition of unity method", 1997. Farther than `blend` from every other region the output
has the bits of `tiles.render_bands`: the same tiles are run, and one value, weighted and divided in double precision, comes back
as it was.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from inrfit.domain import Box
from inrfit.kernels.network import Network
from inrfit.kernels.threads import tile_threads
from inrfit.kernels.tiles import RegionSamples
from inrfit.models.net import Net
from inrfit.partitions import Region
from inrfit.render.lattice import Lattice, box_filter, coverage, region_samples, resampled, touched
from inrfit.render.tiles import tiles_in

BAND = 1 << 22
"""Samples whose sums are held in memory at a time: rows of the output are made in bands of at most so many."""

LONGEST_RING = 1 << 20
"""Samples beyond the border of a cell that are listed; more are taken slab by slab."""

Part = tuple[tuple[NDArray[np.int64], ...], NDArray[np.float64], NDArray[np.float64]]
"""Indices in a band, values times weights [point, channel], and weights [point]."""


def blended_bands(network: Network, wanted: Lattice, blend: int) -> Iterator[NDArray[np.float32]]:
    """Yield the rows of an output with borders blended in bands [some rows, ..., channel].

    Args:
        network: what is run.
        wanted: the samples.
        blend: source samples on either side of a border over which the regions beside it are mixed, at least 1.

    Raises:
        FitError: a network gives values that are not finite.
    """
    for band in _bands(wanted):
        yield box_filter(_render_band(network, band, blend), network.net.partition, band)


class Zone:
    """A region with the samples beyond its border where it has a weight.

    Args:
        region: the region.
        blend: source samples to which it reaches out, at least 1.
    """

    def __init__(self, region: Region, blend: int) -> None:
        self.region = region
        self.blend = blend
        self._signed = None if region.mask is None else _signed_distance(region.mask, blend + 1)

    def weights(self, points: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the weight at source positions [point, axis]: 1 inside, 1/2 on the border, 0 at `blend` beyond it."""
        if self._signed is None:
            low, high = np.array(self.region.box, np.float64).T - 0.5
            distance = np.minimum(points - low, high - points).min(axis=-1)
        else:
            from scipy.ndimage import map_coordinates

            corner = np.array(self.region.box.grown(self.blend + 1).origin, np.float64)
            distance = map_coordinates(self._signed, (points - corner).T, order=1, mode="nearest")
        return np.clip(0.5 + distance / (2 * self.blend), 0, 1)

    def beyond(self, lattice: Lattice) -> list[RegionSamples]:
        """Return the fine samples that are not the region's own and may have a weight, wanted or not."""
        own, around = (lattice.spans(self.region.box.grown(margin)) for margin in (0, self.blend))
        if self._signed is None:
            return _ring(own, around)
        # Between samples the weight reaches half a sample farther than at them.
        near = (self._signed < 0) & (self._signed > -self.blend - 1)
        inside = resampled(near, self.region.box.grown(self.blend + 1), lattice, around)
        return [replace(_filled(around), inside=np.flatnonzero(inside))]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Job:
    """A tile to evaluate.

    Attributes:
        position: of its region.
        zone: that region.
        samples, ranks: which samples, perhaps beyond its border.
    """

    position: int
    zone: Zone
    samples: RegionSamples
    ranks: range


def _bands(wanted: Lattice) -> Iterator[Lattice]:
    """Cut a window into bands of output rows."""
    first, last = wanted.window[0]
    a_row = math.prod(b - a for a, b in wanted.fine[1:]) * wanted.factors[0]
    rows = max(1, BAND // a_row)
    for start in range(first, last, rows):
        yield replace(wanted, window=wanted.window.along(0, start, min(start + rows, last)))


def _render_band(network: Network, band: Lattice, blend: int) -> NDArray[np.float32]:
    """Return the fine samples of a band; what regions give is added up in their order, whatever the threads do."""
    net, shape = network.net, band.fine.shape
    sums, weights = np.zeros((*shape, net.channels)), np.zeros(shape)

    def work(job: Job) -> Part:
        index = job.samples.index(np.arange(job.ranks.start, job.ranks.stop))
        points = np.stack([axis.positions(index[:, d]) for d, axis in enumerate(band.axes)], axis=-1)
        low, high = np.array(band.fine).T
        inside = ((index >= low) & (index < high)).all(1)
        values = network.single(job.position, points)[inside]
        weight = job.zone.weights(points[inside])
        return tuple((index[inside] - low).T), values * weight[:, None], weight

    with tile_threads(network.device.workers) as map_tiles:
        for at, values, weight in map_tiles(work, _jobs(net, band, blend)):
            sums[at] += values
            weights[at] += weight
    present = coverage(net.partition, band)
    sums[~present] = 0
    sums /= np.where(present, weights, 1)[..., None]
    return sums.astype(np.float32)


def _jobs(net: Net, band: Lattice, blend: int) -> Iterator[Job]:
    """Yield the tiles of each region: those of `tiles`, then those of the samples beyond its border."""
    regions = net.partition.regions
    for position in touched((region.box for region in regions), band, blend):
        region, zone = regions[position], Zone(regions[position], blend)
        for samples in (region_samples(region, band), *zone.beyond(band)):
            for ranks in tiles_in(samples, band.fine, net.tile):
                yield Job(position=position, zone=zone, samples=samples, ranks=ranks)


def _signed_distance(mask: NDArray[np.bool_], margin: int) -> NDArray[np.float64]:
    """Return the chessboard distance to the border of a mask, half a sample beyond its samples; positive inside.

    It is given for some samples more on every side of the mask.
    """
    from scipy.ndimage import distance_transform_cdt

    padded = np.pad(mask, margin)
    inside, outside = (np.asarray(distance_transform_cdt(m, metric="chessboard")) for m in (padded, ~padded))
    return np.where(padded, inside - 0.5, 0.5 - outside)


def _ring(own: Box, around: Box) -> list[RegionSamples]:
    """Return what lies outside a box within a larger one: slabs before and after it on each axis.

    They come in one piece, which fills tiles better, unless its list of samples would be long.
    """
    slabs = [
        _filled(Box((*own[:axis], slab, *around[axis + 1 :])))
        for axis, ((a, b), (low, high)) in enumerate(zip(own, around, strict=True))
        for slab in ((low, a), (b, high))
    ]
    if sum(slab.count for slab in slabs) > LONGEST_RING:
        return slabs
    whole = _filled(around)
    found = np.concatenate([slab.index(np.arange(slab.count)) for slab in slabs]) - np.array(whole.start)
    return [replace(whole, inside=np.sort(np.ravel_multi_index(tuple(found.T), whole.shape)))]


def _filled(box: Box) -> RegionSamples:
    """Return all samples of a box."""
    return RegionSamples(start=box.origin, shape=box.shape)
