"""How good a field is: decoded and compared with its signal, region by region; it changes no weight."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from inrfit.codec.mse import rounded
from inrfit.decibel import unit_decibel
from inrfit.device import Device
from inrfit.domain import Box
from inrfit.field import Field
from inrfit.kernels.tiles import region_samples
from inrfit.partitions import Region
from inrfit.render.output import WHOLE
from inrfit.render.points import values_at
from inrfit.signal import Signal

BLOCK = 1 << 18
"""Samples whose errors are in memory at a time."""

SLAB = 1 << 21
"""Samples that are decoded at a time, at least; regions are not cut."""


def with_errors(fitted: Field, signal: Signal, device: Device) -> Field:
    """Return the field with its PSNR and mean squared error per region, measured on the decoded samples.

    The errors of regions are rounded as a file keeps them; the PSNR is that of `measured`, which says more.
    """
    return with_stored_errors(measured(fitted, signal, device))


def with_stored_errors(field: Field) -> Field:
    """Return a field with the errors of its regions rounded as a file keeps them; its PSNR stays as it is."""
    return replace(field, mse=rounded(field.mse))


def measured(fitted: Field, signal: Signal, device: Device) -> Field:
    """Return the field with its PSNR and mean squared error per region, measured on the decoded samples.

    The sum over a region is taken in an order that depends on the region alone: it is the same in a crop. Of a signal
    with a pool (see `Signal`) the samples of the pool are measured.
    """
    found = _pooled(fitted, signal, device) if signal.pooled else _dense(fitted, signal, device)
    sums, areas = zip(*(found[place] for place in range(len(fitted.partition))), strict=True)
    mse = tuple(float(np.float32(total / max(count, 1))) for total, count in zip(sums, areas, strict=True))
    total = math.fsum(error * count for error, count in zip(mse, areas, strict=True))
    return replace(fitted, mse=mse, psnr=unit_decibel(total / sum(areas), fitted.info.peak))


def _dense(fitted: Field, signal: Signal, device: Device) -> dict[int, tuple[float, int]]:
    """Return squared errors and their number by place of the region, of all samples, slab by slab."""
    found = {}
    for places in _slabs(fitted):
        part = fitted.select(places)
        decoded, slab = part.bands(WHOLE, device).array(), part.domain.box
        for place in places:
            region = fitted.partition.regions[place]
            total = sum(
                _squares(fitted, signal, region, box, decoded[box.slices(slab.origin)])
                for box in region.box.bands(BLOCK)
            )
            found[place] = float(total), region.area * fitted.channels
    return found


def _slabs(field: Field) -> Iterator[list[int]]:
    """Yield the places of the regions in slabs along the first axis that cut no region, of about `SLAB` samples."""
    regions, row = field.partition.regions, math.prod(field.domain.shape[1:])
    places = sorted(range(len(regions)), key=lambda place: regions[place].box[0])
    slab: list[int] = []
    low = high = 0
    for place in places:
        first, last = regions[place].box[0]
        if slab and first >= high and (last - low) * row > SLAB:
            yield slab
            slab = []
        if not slab:
            low = high = first
        slab.append(place)
        high = max(high, last)
    yield slab


def _squares(field: Field, signal: Signal, region: Region, box: Box, decoded: np.ndarray) -> float:
    """Return the sum of the squared errors of native samples with values on [-1, 1], in double precision."""
    target = signal.dense(box)
    if region.mask is not None:
        inside = region.mask[box.slices(region.box.origin)]
        decoded, target = decoded[inside], target[inside]
    error = field.info.to_unit(decoded) - field.info.to_unit(target)
    return float(np.square(error, dtype=np.float64).sum())


def _pooled(fitted: Field, signal: Signal, device: Device) -> dict[int, tuple[float, int]]:
    """Return squared errors and their number by place of the region, of the samples of a pool."""
    found = {}
    for place, region in enumerate(fitted.partition.regions):
        samples = region_samples(region, pool=signal.pool)
        total = 0.0
        for start in range(0, samples.count, BLOCK):
            points = samples.index(np.arange(start, min(start + BLOCK, samples.count)))
            unit = values_at(fitted, points.astype(np.float64), device)
            decoded = fitted.info.to_unit(fitted.info.from_unit(unit))
            error = decoded.astype(np.float64) - signal.sample(points)
            total += float(np.square(error).sum())
        found[place] = total, samples.count * fitted.channels
    return found
