"""Which samples an output has and which region each belongs to, in exact integer arithmetic; nothing is evaluated.

A sample belongs to the region that holds the nearest source sample, ties to the lower index. Nothing here needs the
weights, the masks of regions are needed for `coverage` and `region_samples` only, and torch is not imported.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from inrfit.coords import nearest, resampled_positions
from inrfit.domain import Box, Domain, Typed
from inrfit.errors import ConfigError
from inrfit.kernels.tiles import RegionSamples
from inrfit.partitions import Partition, Region

MOST_SAMPLES = 1 << 28
"""Largest output, in samples of up to 4 channels, before box filtering: beyond it a decode would not fit in memory."""

AT_ONCE = 1 << 22
"""Samples of a mask that are looked at together, about."""

MOST_BLEND = 64
"""Samples beyond its border up to which a region can be blended: each costs one more ring of network evaluations."""

Slices = Sequence[tuple[int | Typed | None, int | Typed | None]]
"""A (start, stop) per axis, counted as in Python slices from the first sample of a signal; None for an open end."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Axis:
    """Samples spread evenly over the source samples of one axis.

    Attributes:
        first: index of the first source sample.
        length: source samples.
        size: samples spread over them.
    """

    first: int
    length: int
    size: int

    def positions(self, index: NDArray[np.int64]) -> NDArray[np.float64]:
        """Return where samples lie, in source samples."""
        return resampled_positions((self.first, self.first + self.length), self.size, index)

    def owners(self, index: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return the source sample nearest to each sample, ties to the lower index."""
        return self.first + ((2 * index + 1) * self.length - 1) // (2 * self.size)

    def owned(self, start: int, stop: int) -> tuple[int, int]:
        """Return the half-open range of samples whose owners lie in [start, stop)."""
        return self._first_owned(start), self._first_owned(stop)

    def centred(self, start: int, stop: int) -> tuple[int, int]:
        """Return the half-open range of samples whose cells have their centres in [start, stop); at least one."""
        low, high = (
            -((self.length - 2 * (x - self.first) * self.size) // (2 * self.length)) for x in (start, stop)
        )
        low = min(low, self.size - 1)
        return low, max(high, low + 1)

    def all_owned(self, edges: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return what `owned` does, for both ends of many ranges [..., 2]."""
        first = -((self.length - 1 - 2 * self.size * (edges - self.first)) // (2 * self.length))
        return np.clip(first, 0, self.size)

    def _first_owned(self, source: int) -> int:
        """Return the first sample whose owner is `source` or later: `owners` solved for the index."""
        first = -((self.length - 1 - 2 * self.size * (source - self.first)) // (2 * self.length))
        return min(max(first, 0), self.size)


@dataclass(frozen=True, slots=True, kw_only=True)
class Lattice:
    """The samples of an output, and the finer ones it is averaged from.

    Attributes:
        axes: the fine samples along each axis of the whole domain.
        factors: fine samples per output sample, per axis.
        window: per axis, the half-open range of output samples that is wanted.
    """

    axes: tuple[Axis, ...]
    factors: tuple[int, ...]
    window: Box

    @property
    def shape(self) -> tuple[int, ...]:
        """Output samples along each axis of the window."""
        return tuple(b - a for a, b in self.window)

    @property
    def fine(self) -> Box:
        """The window in fine samples."""
        return tuple((a * f, b * f) for (a, b), f in zip(self.window, self.factors, strict=True))

    def spans(self, box: Box) -> Box:
        """Return the fine samples, per axis, that belong to a box of source samples, wanted or not."""
        return tuple(axis.owned(a, b) for axis, (a, b) in zip(self.axes, box, strict=True))

    def all_spans(self, boxes: Sequence[Box]) -> NDArray[np.int64]:
        """Return `spans` of many boxes, [box, axis, 2]."""
        edges = np.asarray(boxes, np.int64).reshape(len(boxes), len(self.axes), 2)
        return np.stack([axis.all_owned(edges[:, d]) for d, axis in enumerate(self.axes)], axis=1)

    def meeting(self, spans: NDArray[np.int64]) -> NDArray[np.intp]:
        """Return the positions of those of many spans [box, axis, 2] that hold a wanted sample, in order."""
        low, high = np.array(self.fine).T
        return np.flatnonzero((np.maximum(spans[..., 0], low) < np.minimum(spans[..., 1], high)).all(1))

    def meets(self, box: Box) -> bool:
        """Return whether a box of source samples holds a wanted sample."""
        return all(max(a, c) < min(b, d) for (a, b), (c, d) in zip(self.spans(box), self.fine, strict=True))


def grown(box: Box, margin: int) -> Box:
    """Return a box with some samples more on every side."""
    return tuple((a - margin, b + margin) for a, b in box)


def check_blend(blend: int) -> int:
    """Return the samples over which neighbours are blended.

    Raises:
        ConfigError: it is not a whole number from 0 to `MOST_BLEND`.
    """
    try:
        samples = operator.index(blend)
    except TypeError:
        samples = -1
    if not 0 <= samples <= MOST_BLEND:
        raise ConfigError(
            f"--blend {blend!r} is not a whole number of samples from 0 to {MOST_BLEND}",
            hint="about the --overlap of the fit; 0 switches it off",
        )
    return samples


def asked(
    domain: Domain, size: Sequence[int] | None, scale: float | None, region: Slices | None
) -> tuple[tuple[int, ...], Box]:
    """Return the output size of the whole domain, and the source samples wanted, from what a user asks for.

    Args:
        domain: of the field.
        size: samples per axis of the whole output.
        scale: factor on every axis, in place of `size`.
        region: the part that is wanted; all of it when None.

    Raises:
        ConfigError: both `size` and `scale`, or one that cannot be, or a region that is empty or outside.
    """
    if size is not None and scale is not None:
        raise ConfigError("size and scale both set the output size", hint="give one of them")
    if scale is not None:
        size = _scaled(domain.shape, scale)
    try:
        sizes = domain.shape if size is None else tuple(operator.index(n) for n in size)
    except TypeError:
        sizes = ()
    if len(sizes) != domain.dimensions or min(sizes) < 1:
        raise ConfigError(
            f"output size {size} is not a positive whole number for each of the axes {', '.join(domain.axes)}",
            hint="for example (768, 1024), rows first",
        )
    return sizes, domain.box if region is None else _sliced(domain, region)


def lattice_of(
    domain: Domain, size: Sequence[int] | None = None, box: Box | None = None, *, channels: int = 1
) -> Lattice:
    """Lay the samples of an output over a domain.

    Args:
        domain: of the field.
        size: samples per axis of the whole domain, each at least 1; the fitted size when None. Smaller sizes are
            averaged from a whole number of samples per output sample.
        box: source samples inside the domain that are wanted; all of them when None.
        channels: values per sample, for the limit on the size.

    Raises:
        ConfigError: the output would be too large.
    """
    sizes, box = tuple(domain.shape if size is None else size), domain.box if box is None else box
    axes, factors, window = [], [], []
    for (start, stop), first, length, wanted in zip(box, domain.origin, domain.shape, sizes, strict=True):
        factor = -(-length // wanted)
        axes.append(Axis(first=first, length=length, size=wanted * factor))
        factors.append(factor)
        window.append(Axis(first=first, length=length, size=wanted).centred(start, stop))
    made = Lattice(axes=tuple(axes), factors=tuple(factors), window=tuple(window))
    samples = math.prod(b - a for a, b in made.fine) * -(-channels // 4)
    if max(samples, *(axis.size for axis in axes)) > MOST_SAMPLES:
        output, source = ("x".join(map(str, shape)) for shape in (sizes, domain.shape))
        raise ConfigError(
            f"output size {output} from {source} samples is too large (at most {MOST_SAMPLES:,} samples)",
            hint="ask for a smaller size, or decode region by region",
        )
    return made


def touched(boxes: Iterable[Box], lattice: Lattice, margin: int = 0) -> list[int]:
    """Return the positions of the boxes that, grown by a margin of source samples, hold a wanted sample."""
    return lattice.meeting(lattice.all_spans([grown(box, margin) for box in boxes])).tolist()


def region_samples(
    region: Region, lattice: Lattice, spans: Box | None = None, tile: int | None = None
) -> RegionSamples:
    """Return which fine samples belong to a region.

    Args:
        region: the region.
        lattice: the samples.
        spans: those of its box, if known.
        tile: points of a tile; of a region with a mask, only those of the tiles that reach into the rows of the window are
            listed then. All of them, wanted or not, when None.
    """
    spans = lattice.spans(region.box) if spans is None else spans
    start, shape = tuple(a for a, _ in spans), tuple(b - a for a, b in spans)
    if region.mask is None:
        return RegionSamples(start=start, shape=shape)
    first, last = (min(max(row, spans[0][0]), spans[0][1]) for row in lattice.fine[0])
    if tile is None or (first, last) == spans[0]:
        inside = np.flatnonzero(resampled(region.mask, region.box, lattice, spans))
        return RegionSamples(start=start, shape=shape, inside=inside)
    counts = [
        np.count_nonzero(resampled(region.mask, region.box, lattice, rows), axis=tuple(range(1, len(spans))))
        for rows in _in_bands(spans)
    ]
    ranks = np.concatenate([[0], *map(np.cumsum, [np.concatenate(counts)])])
    low, high = (int(ranks[row - start[0]]) for row in (first, last))
    low, high = low // tile * tile, min(-(-high // tile) * tile, int(ranks[-1]))
    top = int(np.searchsorted(ranks, low, side="right")) - 1
    bottom = max(top, int(np.searchsorted(ranks, high, side="left")))
    rows = ((start[0] + top, start[0] + bottom), *spans[1:])
    inside = np.flatnonzero(resampled(region.mask, region.box, lattice, rows)) + top * math.prod(shape[1:])
    return RegionSamples(
        start=start, shape=shape, inside=inside, before=int(ranks[top]), total=int(ranks[-1])
    )


def _in_bands(spans: Box) -> Iterator[Box]:
    """Yield spans as bands of rows with about `AT_ONCE` samples each."""
    (first, last), *others = spans
    thick = max(1, AT_ONCE // max(1, math.prod(b - a for a, b in others)))
    for start in range(first, last, thick):
        yield ((start, min(start + thick, last)), *others)


def coverage(partition: Partition, lattice: Lattice) -> NDArray[np.bool_]:
    """Return which wanted fine samples belong to a region that is present, [*fine window]."""
    shape = [b - a for a, b in lattice.fine]
    if partition.is_whole:
        return np.ones(shape, np.bool_)
    painted = np.zeros(shape, np.bool_)
    for region in partition.regions:
        if lattice.meets(region.box):
            both = zip(lattice.spans(region.box), lattice.fine, strict=True)
            spans = tuple((max(a, c), min(b, d)) for (a, b), (c, d) in both)
            place = tuple(slice(a - c, b - c) for (a, b), (c, _) in zip(spans, lattice.fine, strict=True))
            own = True if region.mask is None else resampled(region.mask, region.box, lattice, spans)
            painted[place] |= own
    return painted


def covered(partition: Partition, lattice: Lattice) -> NDArray[np.bool_]:
    """Return which output samples a region that is present has a share in, [*window]."""
    return _block_sums(coverage(partition, lattice), lattice.factors) > 0


def box_filter(values: NDArray[np.float32], partition: Partition, lattice: Lattice) -> NDArray[np.float32]:
    """Average fine samples [*fine window, channel] to output samples, over those that are covered.

    Sums are taken axis by axis, sample after sample: an output sample gets the same bits in every window.
    """
    if all(factor == 1 for factor in lattice.factors):
        return values
    if partition.is_whole:
        return (_block_sums(values, lattice.factors) / math.prod(lattice.factors)).astype(np.float32)
    counts = _block_sums(coverage(partition, lattice), lattice.factors)
    return (_block_sums(values, lattice.factors) / np.maximum(counts, 1)[..., None]).astype(np.float32)


def owner_of(partition: Partition, positions: NDArray[np.float64]) -> NDArray[np.int32]:
    """Return the region that owns the sample nearest to each source position [point, axis]; `OUTSIDE` for none.

    Raises:
        ConfigError: the positions span more samples than can be looked at together.
    """
    if len(positions) == 0:
        return np.zeros(0, np.int32)
    low, high = np.array(partition.domain.box).T
    index = nearest(np.clip(positions, low, high - 1))
    first, last = index.min(0), index.max(0)
    window = tuple((int(a), int(b) + 1) for a, b in zip(first, last, strict=True))
    if math.prod(b - a for a, b in window) > MOST_SAMPLES:
        raise ConfigError(f"coords span more than {MOST_SAMPLES:,} samples", hint="ask for fewer at a time")
    return partition.labels(window)[tuple((index - first).T)]


def resampled(mask: NDArray[np.bool_], box: Box, lattice: Lattice, spans: Box) -> NDArray[np.bool_]:
    """Return the mask over a box of source samples at the fine samples `spans`, whose owners lie in the box."""
    rows = [
        axis.owners(np.arange(a, b)) - start
        for axis, (a, b), (start, _) in zip(lattice.axes, spans, box, strict=True)
    ]
    return mask[np.ix_(*rows)]


def _block_sums(values: NDArray[Any], factors: Sequence[int]) -> NDArray[Any]:
    """Add up blocks of `factors` samples along the first axes, in an order that does not depend on the shape."""
    for axis, factor in enumerate(factors):
        if factor > 1:
            rows = np.moveaxis(values, axis, 0)
            total = rows[::factor].astype(np.float64)
            for offset in range(1, factor):
                total += rows[offset::factor]
            values = np.moveaxis(total, 0, axis)
    return values


def _scaled(shape: Sequence[int], scale: float) -> list[int]:
    """Return the output size for a factor on every axis."""
    try:
        factor = float(scale)
    except (TypeError, ValueError):
        factor = math.nan
    if not 0 < factor < 1e4:
        raise ConfigError(
            f"scale {scale} must lie between 0 and 10000", hint="for example 2, or 0.5 for half"
        )
    return [max(1, round(n * factor)) for n in shape]


def _sliced(domain: Domain, region: Slices) -> Box:
    """Return the source samples of a region that is counted from the first sample of the domain."""
    shape = domain.shape
    try:
        pairs = [tuple(_end(domain, axis, end) for end in (a, b)) for axis, (a, b) in enumerate(region)]
    except (TypeError, ValueError):
        raise ConfigError(
            f"region {region!r} is not one (start, stop) for each of the axes {', '.join(domain.axes)}",
            hint="for example ((0, 64), (32, 96)); None for an open end",
        ) from None
    if 0 < len(pairs) < len(shape) and len(shape) > 2:  # as for a crop, the last axes may be left out
        pairs += [(None, None)] * (len(shape) - len(pairs))
    spans = [
        (_counted(start or 0, n), n if stop is None else _counted(stop, n))
        for (start, stop), n in zip(pairs, shape, strict=False)
    ]
    inside = all(0 <= start < stop <= n for (start, stop), n in zip(spans, shape, strict=False))
    if len(pairs) != len(shape) or not inside:
        raise outside(domain, region)
    return tuple((o + start, o + stop) for (start, stop), o in zip(spans, domain.origin, strict=True))


def outside(domain: Domain, region: Slices) -> ConfigError:
    """Return the refusal of a region, in the words of the user: in seconds where they typed seconds."""
    typed = any(isinstance(end, Typed) for pair in region for end in pair)
    wanted = ",".join(":".join("" if end is None else f"{end:.10g}" for end in pair) for pair in region)
    spans = [
        f"0:{n * spacing:.6g}s" if typed and unit == "s" else f"0:{n}"
        for n, spacing, unit in zip(domain.shape, domain.spacing, domain.units, strict=True)
    ]
    return ConfigError(
        f"region {wanted} is empty or outside the signal, which spans {','.join(spans)} ({','.join(domain.axes)})",
        hint="one range for each axis; it counts from the first sample of this file, negative numbers from the end",
    )


def _end(domain: Domain, axis: int, end: int | Typed | None) -> int | None:
    """Return an end of a range in samples; a TypeError says that it is none."""
    if isinstance(end, Typed):
        return domain.end(axis, end) if axis < domain.dimensions else 0
    return None if end is None else operator.index(end)


def _counted(end: int, length: int) -> int:
    """Return an end of a slice as a number from 0."""
    return end + length if end < 0 else end
