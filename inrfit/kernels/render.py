"""From a field back to samples: which output sample belongs to which region, tile by tile.

Exactness: the tiles of a region depend on the region and the output size only, each tile is zero-padded to the
size the file states and run on its own by one BLAS thread. A region therefore gives the same bits decoded alone,
in a crop and in the whole, with any number of threads, on one device.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from inrfit.coords import Frame, nearest, resampled_positions
from inrfit.device import Device
from inrfit.domain import Box
from inrfit.errors import ConfigError, FitError
from inrfit.kernels import reference
from inrfit.kernels.threads import tile_threads
from inrfit.kernels.tiles import RegionSamples
from inrfit.models.field import Field
from inrfit.partitions import Region

MOST_SAMPLES = 1 << 28
"""Largest output, in samples of up to 4 channels, before box filtering: beyond it a decode would not fit in memory."""

FARTHEST = 1e6
"""Largest coordinate at which a field may be asked: beyond it single precision has no digits left for a position."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Lattice:
    """Output samples along each axis.

    Attributes:
        positions: per axis, where the samples lie, in source samples.
        owners: per axis, the nearest source index of each.
        window: per axis, the half-open range of samples that is wanted.
    """

    positions: tuple[NDArray[np.float64], ...]
    owners: tuple[NDArray[np.int64], ...]
    window: Box

    @property
    def shape(self) -> tuple[int, ...]:
        """Samples wanted along each axis."""
        return tuple(stop - start for start, stop in self.window)


def render(
    field: Field, *, size: Sequence[int] | None = None, region: Box | None = None, device: Device
) -> NDArray[np.float32]:
    """Decode a field.

    Args:
        field: what to decode.
        size: samples per axis of the whole domain; the fitted size when None. Smaller sizes are box-filtered
            from an integer number of samples per output sample, larger ones sample the field.
        region: half-open source index range per axis; the whole domain when None.
        device: where it runs.

    Returns:
        Values [*shape, channel] on [-1, 1]. Samples that no present region covers are 0.

    Raises:
        ConfigError: the size or region is empty, too large or outside the domain.
    """
    shape = field.domain.shape
    size = tuple(shape) if size is None else tuple(int(n) for n in size)
    if len(size) != len(shape) or min(size) < 1:
        raise ConfigError(
            f"output size {size} needs a positive number for each of the axes {field.domain.axes}"
        )
    boxes = _checked(field, region)
    factors = tuple(-(-source // wanted) for source, wanted in zip(shape, size, strict=True))
    windows = [
        _scaled_window(box, origin, source, wanted)
        for box, origin, source, wanted in zip(boxes, field.domain.origin, shape, size, strict=True)
    ]
    fine = tuple(n * f for n, f in zip(size, factors, strict=True))
    window = tuple((a * f, b * f) for (a, b), f in zip(windows, factors, strict=True))
    _check_size(field, size, fine, window)
    return _box_filter(_render_lattice(field, _lattice(field, fine, window), device), factors)


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
    owner = _owners(field, flat)
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


def _owners(field: Field, positions: NDArray[np.float64]) -> NDArray[np.int32]:
    """Return the region that owns the sample nearest to each source position [point, axis]; `OUTSIDE` for none."""
    if len(positions) == 0:
        return np.zeros(0, np.int32)
    low, high = np.array(field.domain.box).T
    index = nearest(np.clip(positions, low, high - 1))
    first, last = index.min(0), index.max(0)
    window = tuple((int(a), int(b) + 1) for a, b in zip(first, last, strict=True))
    if math.prod(b - a for a, b in window) > MOST_SAMPLES:
        raise ConfigError(f"coords span more than {MOST_SAMPLES:,} samples", hint="ask for fewer at a time")
    return field.partition.labels(window)[tuple((index - first).T)]


class Network:
    """A field's network on a device, run one tile at a time."""

    def __init__(self, field: Field, device: Device) -> None:
        self._description = field.description
        self._field = field
        self._device = torch.device(device.name)
        self._weights = {n: torch.tensor(w, device=self._device) for n, w in field.weights.items()}
        self._local = {stack.name for stack in self._description.stacks if stack.local}

    def frame(self, region: Region) -> Frame:
        """Return the frame of the coordinates that a region's network sees."""
        if self._description.frame == "global":
            return self._field.frame
        return region.frame(self._field.domain.units)

    def run(self, position: int, points: NDArray[np.float64]) -> NDArray[np.float32]:
        """Evaluate the region at `position` at source positions [point, axis]; returns [point, channel].

        Raises:
            FitError: a value is not finite.
        """
        region = self._field.partition.regions[position]
        coords = np.zeros((1, self._field.tile, points.shape[-1]))
        coords[0, : len(points)] = self.frame(region).coords(points)
        # Copies begin at an aligned address; BLAS may round otherwise where a region's weights begin elsewhere.
        weights = {
            n: w[position : position + 1].clone() if n in self._local else w for n, w in self._weights.items()
        }
        with torch.inference_mode():
            features = reference.encode(self._description, weights, self._on_device(coords))
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


def _checked(field: Field, region: Box | None) -> Box:
    """Return the region asked for, or the whole domain."""
    whole = field.domain.box
    if region is None:
        return whole
    inside = len(region) == len(whole) and all(
        a <= start < stop <= b for (start, stop), (a, b) in zip(region, whole, strict=True)
    )
    if not inside:
        asked, allowed = (",".join(f"{a}:{b}" for a, b in box) for box in (region, whole))
        raise ConfigError(
            f"region {asked} is empty or outside the signal, which spans {allowed} ({','.join(field.domain.axes)})"
        )
    return tuple((int(a), int(b)) for a, b in region)


def _check_size(field: Field, size: tuple[int, ...], fine: tuple[int, ...], window: Box) -> None:
    """Refuse a window of a lattice of `fine` samples per axis that would not fit in memory."""
    samples = math.prod(b - a for a, b in window) * -(-field.channels // 4)
    if max(samples, *fine) > MOST_SAMPLES:
        asked, source = ("x".join(map(str, shape)) for shape in (size, field.domain.shape))
        raise ConfigError(
            f"output size {asked} from {source} samples is too large (at most {MOST_SAMPLES:,} samples)",
            hint="ask for a smaller size, or decode region by region",
        )


def _scaled_window(box: tuple[int, int], origin: int, source: int, wanted: int) -> tuple[int, int]:
    """Return the output samples whose centres lie in a source range; at least one."""
    start = math.ceil((box[0] - origin) * wanted / source - 0.5)
    stop = math.ceil((box[1] - origin) * wanted / source - 0.5)
    start = min(start, wanted - 1)
    return start, max(stop, start + 1)


def _lattice(field: Field, size: tuple[int, ...], window: Box) -> Lattice:
    positions = tuple(resampled_positions(box, n) for box, n in zip(field.domain.box, size, strict=True))
    owners = tuple(
        np.clip(nearest(p), a, b - 1) for p, (a, b) in zip(positions, field.domain.box, strict=True)
    )
    return Lattice(positions=positions, owners=owners, window=window)


def _render_lattice(field: Field, lattice: Lattice, device: Device) -> NDArray[np.float32]:
    """Fill the window of a lattice, one tile of one region at a time."""
    out = np.zeros((*lattice.shape, field.channels), np.float32)
    network = Network(field, device)

    def work(job: tuple[int, RegionSamples, range]) -> None:
        position, samples, ranks = job
        index = samples.index(np.arange(ranks.start, ranks.stop))
        wanted = np.ones(len(index), bool)
        for axis, (start, stop) in enumerate(lattice.window):
            wanted &= (index[:, axis] >= start) & (index[:, axis] < stop)
        if not wanted.any():
            return
        points = np.stack([p[index[:, d]] for d, p in enumerate(lattice.positions)], axis=-1)
        at = tuple(index[wanted, d] - start for d, (start, _) in enumerate(lattice.window))
        out[at] = network.run(position, points)[wanted]

    with tile_threads(1 if device.is_cuda else device.threads) as map_tiles:
        for _ in map_tiles(work, _wanted_tiles(field, lattice)):
            pass
    return out


def _wanted_tiles(field: Field, lattice: Lattice) -> Iterator[tuple[int, RegionSamples, range]]:
    """Yield the position, samples and ranks of each tile that has samples in the rows of the window."""
    for position, region in enumerate(field.partition.regions):
        if _meets(region, lattice):
            samples = _region_samples(region, lattice)
            wanted = samples.rows(*lattice.window[0])
            for start in range(wanted.start // field.tile * field.tile, wanted.stop, field.tile):
                yield position, samples, range(start, min(start + field.tile, samples.count))


def _meets(region: Region, lattice: Lattice) -> bool:
    """Return whether the box of a region holds a wanted sample."""
    return all(
        owners[start] < b and owners[stop - 1] >= a
        for (a, b), owners, (start, stop) in zip(region.box, lattice.owners, lattice.window, strict=True)
    )


def _region_samples(region: Region, lattice: Lattice) -> RegionSamples:
    """Return which lattice samples belong to a region."""
    starts, shape = [], []
    for (a, b), owners in zip(region.box, lattice.owners, strict=True):
        starts.append(int(np.searchsorted(owners, a)))
        shape.append(int(np.searchsorted(owners, b)) - starts[-1])
    if region.mask is None:
        return RegionSamples(start=tuple(starts), shape=tuple(shape))
    owned = [
        owners[start : start + count] - a
        for (a, _), owners, start, count in zip(region.box, lattice.owners, starts, shape, strict=True)
    ]
    inside = np.flatnonzero(region.mask[np.ix_(*owned)])
    return RegionSamples(start=tuple(starts), shape=tuple(shape), inside=inside)


def _box_filter(values: NDArray[np.float32], factors: Sequence[int]) -> NDArray[np.float32]:
    """Average blocks of `factors` samples."""
    if all(f == 1 for f in factors):
        return values
    shape: list[int] = []
    for n, f in zip(values.shape[:-1], factors, strict=True):
        shape += [n // f, f]
    axes = tuple(range(1, 2 * len(factors), 2))
    return values.reshape(*shape, values.shape[-1]).mean(axis=axes, dtype=np.float64).astype(np.float32)
