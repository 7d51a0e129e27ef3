"""Fidelity by region and at the borders between regions; it knows regions only as labels of samples.

Samples with a negative label lie outside every present region (after a crop) and are never counted.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from inrfit.decibel import decibel
from inrfit.errors import InputError
from inrfit.metrics.fidelity import Array, ValueRange, check_pair

PART = 1 << 20
"""Numbers of each array that are in double precision at a time."""

FAR = 4
"""Chebyshev distance, in samples, from which a sample counts as away from the borders."""


class Labelled(Protocol):
    """What is asked of a partition: `inrfit.partitions.Partition` is one."""

    def __len__(self) -> int:
        """Return the number of present regions."""
        ...

    def labels(self) -> NDArray[np.int32]:
        """Return the number of the region of each sample, [*shape], in partition order; negative outside."""
        ...


@dataclass(frozen=True, slots=True)
class Known:
    """A partition of which some samples are not counted.

    Attributes:
        partition: the whole of it.
        known: samples that count, [*shape].
    """

    partition: Labelled
    known: NDArray[np.bool_]

    def __len__(self) -> int:
        """Return the number of present regions."""
        return len(self.partition)

    def labels(self) -> NDArray[np.int32]:
        """Return the number of the region of each sample that counts; negative elsewhere."""
        return np.where(self.known, self.partition.labels(), np.int32(-1))


def region_psnr(
    reference: Array, decoded: Array, partition: Labelled, value_range: ValueRange
) -> list[float]:
    """Return the PSNR of each region in dB, in the order of the partition; inf where it is identical.

    Args:
        reference: native samples [*shape, channel].
        decoded: native samples of the same shape.
        partition: division of the same shape.
        value_range: (low, high) of the native samples.

    Raises:
        InputError: the arrays or the partition do not fit each other.
    """
    labels = partition.labels()
    errors = _squared_errors(reference, decoded, labels, value_range)
    present = labels >= 0
    areas = np.bincount(labels[present], minlength=len(partition))
    sums = np.bincount(labels[present], weights=errors[present], minlength=len(partition))
    return [decibel(float(total / max(area, 1))) for total, area in zip(sums, areas, strict=True)]


def border_error(
    reference: Array, decoded: Array, partition: Labelled, value_range: ValueRange
) -> float | None:
    """Return how many times larger the error is at the inner borders than away from them: MSE over MSE.

    At a border are the samples that have a neighbour along an axis in another present region, on both sides.
    Away from it are the present samples at a Chebyshev distance of at least 4 from the nearest of those.

    Args and errors as for `region_psnr`.

    Returns:
        The ratio, 1 when borders are no worse than the rest and inf when only they have errors; None when no
        two regions touch, no sample is far enough from a border, or neither set has an error.
    """
    from scipy.ndimage import distance_transform_cdt

    labels = partition.labels()
    errors = _squared_errors(reference, decoded, labels, value_range)
    border = _inner_border(labels)
    if not border.any():
        return None
    distance = np.asarray(distance_transform_cdt(~border, metric="chessboard"))
    away = (distance >= FAR) & (labels >= 0)
    if not away.any():
        return None
    at_border, elsewhere = float(errors[border].mean()), float(errors[away].mean())
    if elsewhere == 0:
        return None if at_border == 0 else math.inf
    return at_border / elsewhere


def _squared_errors(
    reference: Array, decoded: Array, labels: NDArray[np.int32], value_range: ValueRange
) -> NDArray[np.float64]:
    """Return the mean over channels of the squared error of each sample, value range 1, [*shape]."""
    extent = check_pair(reference, decoded, value_range)
    if reference.shape[:-1] != labels.shape:
        raise InputError(f"arrays of shape {reference.shape} do not fit a partition of shape {labels.shape}")
    found = np.empty(labels.shape)
    rows = max(1, PART // max(1, reference[:1].size))
    for start in range(0, len(found), rows):  # double precision of all channels together would be too much
        errors = np.subtract(reference[start : start + rows], decoded[start : start + rows], dtype=np.float64)
        np.square(errors, out=errors)
        found[start : start + rows] = errors.mean(axis=-1) / extent**2
    return found


def _inner_border(labels: NDArray[np.int32]) -> NDArray[np.bool_]:
    """Mark the samples on both sides of each change of label between two present regions."""
    border = np.zeros(labels.shape, bool)
    for axis in range(labels.ndim):
        values, marks = np.moveaxis(labels, axis, 0), np.moveaxis(border, axis, 0)
        differs = (values[1:] != values[:-1]) & (values[1:] >= 0) & (values[:-1] >= 0)
        marks[1:] |= differs
        marks[:-1] |= differs
    return border
