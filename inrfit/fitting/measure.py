"""How good a field is: decoded and compared with its signal, region by region; it changes no weight."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from inrfit.device import Device
from inrfit.domain import Box
from inrfit.metrics.fidelity import unit_decibel
from inrfit.models.field import Field
from inrfit.signal import Signal

BLOCK = 1 << 18
"""Samples whose errors are in memory at a time."""


def with_errors(fitted: Field, signal: Signal, device: Device) -> Field:
    """Return the field with its PSNR and mean squared error per region, measured on the decoded samples.

    The sum over a region is taken in an order that depends on the region alone: it is the same in a crop.
    """
    decoded, target = fitted.decode(device=device.name, threads=device.threads), signal.dense()
    corner = fitted.domain.origin
    sums, areas = [], []
    for region in fitted.partition.regions:
        total = 0.0
        for box in _blocks(region.box):
            there = tuple(slice(a - o, b - o) for (a, b), o in zip(box, corner, strict=True))
            inside = None
            if region.mask is not None:
                own = zip(box, region.box, strict=True)
                inside = region.mask[tuple(slice(a - c, b - c) for (a, b), (c, _) in own)]
            total += _squares(fitted, decoded[there], target[there], inside)
        sums.append(total)
        areas.append(region.area * fitted.channels)
    mse = tuple(float(np.float32(total / count)) for total, count in zip(sums, areas, strict=True))
    return replace(fitted, mse=mse, psnr=unit_decibel(math.fsum(sums) / sum(areas)))


def _blocks(box: Box) -> Iterator[Box]:
    """Cut a box into blocks of rows of about `BLOCK` samples."""
    (first, last), *others = box
    rows = max(1, BLOCK // math.prod(b - a for a, b in others))
    for start in range(first, last, rows):
        yield ((start, min(start + rows, last)), *others)


def _squares(
    field: Field, decoded: NDArray[Any], target: NDArray[Any], inside: NDArray[np.bool_] | None
) -> float:
    """Return the sum of the squared errors of native samples with values on [-1, 1], in double precision."""
    if inside is not None:
        decoded, target = decoded[inside], target[inside]
    error = field.info.to_unit(decoded) - field.info.to_unit(target)
    return float(np.square(error, dtype=np.float64).sum())
