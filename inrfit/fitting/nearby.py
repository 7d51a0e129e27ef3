"""Bits of integers on a lattice that a file codes by those next to them, and how they change with each integer.

The tables of the file are not known while weights learn. In their place an integer has the distribution of `theta_of`,
with the mean magnitude `slope` x size + `level`. The size is that of the neighbourhood, as in `codec.context`; slope and
level follow from the integers as they are. That neighbours also tell what is expected of an integer is left to the
file: weights that were drawn to what is expected of them came to be far worse (docs/decisions.md).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import combinations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from inrfit.codec.context import BOUNDS

LEAST = 1e-3
"""Least mean magnitude that is thought possible."""


def theta_of(mean: Tensor) -> Tensor:
    """Return theta of the distribution of integers k, in proportion to theta^|k|, with a mean magnitude.

    Of all distributions over the integers with this mean magnitude it has the largest entropy, and Laplace's is what it
    samples; mean = 2 theta / (1 - theta^2).
    """
    return mean / (1 + torch.sqrt(1 + mean * mean))


class Nearby:
    """What the integers of one stack cost.

    Args:
        sides: points of its lattice along each axis.
        signals: how many are fitted at once; the groups of one follow each other.

    Attributes:
        lines: slope and level of each signal, [signal, 2].
    """

    def __init__(self, sides: Sequence[int], signals: int) -> None:
        self._sides = tuple(sides)
        self._axes = range(1, len(sides) + 1)
        self.lines = np.tile(np.array([0.0, 1.0], np.float32), (signals, 1))
        self._spread: Tensor | None = None

    def look(self, integers: Tensor) -> None:
        """Take slope and level of each signal from integers [group, point, channel]."""
        magnitudes = self._unfolded(integers).abs()
        shape = len(self.lines), -1
        sizes, magnitudes = (x.cpu().numpy().reshape(shape) for x in (self._size(magnitudes), magnitudes))
        for signal, (size, magnitude) in enumerate(zip(sizes, magnitudes, strict=True)):
            self.lines[signal] = _line(size, magnitude)
        self._put(integers)

    def take(self, lines: NDArray[np.generic], integers: Tensor) -> None:
        """Go on with these slopes and levels, for integers of this shape on this device."""
        self.lines, self._spread = np.array(lines, np.float32), None
        self._put(integers)

    def bits(self, integers: Tensor) -> NDArray[np.float64]:
        """Return the bits of each group of integers [group, point, channel]."""
        magnitudes = self._unfolded(integers).abs()
        theta = theta_of(self._mean(magnitudes))
        bits = torch.log2((1 + theta) / (1 - theta)) - magnitudes * torch.log2(theta)
        return bits.flatten(1).cpu().numpy().astype(np.float64).sum(1)

    def slopes(self, integers: Tensor) -> Tensor:
        """Return by how many bits all together grow with the magnitude of each integer, [group, point, channel].

        An integer k with the mean m takes log2((1 + theta) / (1 - theta)) - k log2(theta) bits, which grow with k by
        -log2(theta), and with m by (m - k) (1 - theta^2)^2 / (2 theta (1 + theta^2) ln 2). What others gain from a large
        neighbour is no reason for a 0 to become one: both ways out of it would look good.
        """
        magnitudes = self._unfolded(integers).abs()
        mean = self._mean(magnitudes)
        theta = theta_of(mean)
        square = theta * theta
        grown = (mean - magnitudes) * (1 - square) ** 2 / (2 * theta * (1 + square) * math.log(2))
        others = self._lines(integers)[0] * self._size(grown, ahead=True)
        others = torch.where(magnitudes > 0, others, others.clamp_min(0))
        return (others - torch.log2(theta)).reshape(integers.shape)

    def _mean(self, magnitudes: Tensor) -> Tensor:
        slope, level = self._lines(magnitudes)
        return (slope * self._size(magnitudes) + level).clamp_min(LEAST)

    def _lines(self, like: Tensor) -> Tensor:
        """Return slope and level of each group, [2, group, 1, ...]."""
        if self._spread is None:
            self._put(like)
        return self._spread  # type: ignore[return-value]

    def _put(self, like: Tensor) -> None:
        """Put slopes and levels where steps find them, in the same memory as long as the signals stay."""
        repeated = torch.from_numpy(self.lines).repeat_interleave(len(like) // len(self.lines), 0)
        spread = repeated.T.reshape(2, -1, *[1] * (len(self._sides) + 1)).to(like.device)
        if self._spread is None:
            self._spread = spread.contiguous()
        else:
            self._spread.copy_(spread)

    def _unfolded(self, integers: Tensor) -> Tensor:
        return integers.reshape(len(integers), *self._sides, -1)

    def _size(self, x: Tensor, *, ahead: bool = False) -> Tensor:
        """Return the size of each neighbourhood from magnitudes, as in `codec.context`; its transpose with `ahead`."""
        found = torch.zeros_like(x)
        for axis in self._axes:
            found += 2 * _moved(x, axis, 1, ahead) + _moved(x, axis, 2, ahead)
        for a, b in combinations(self._axes, 2):
            found += _moved(_moved(x, a, 1, ahead), b, 1, ahead)
        return found


def _moved(x: Tensor, axis: int, by: int, ahead: bool) -> Tensor:
    """Return x where each place holds what lies `by` before it along an axis, or behind it; 0 beyond the ends."""
    out, length = torch.zeros_like(x), max(0, x.shape[axis] - by)
    low, high = (0, x.shape[axis] - length) if ahead else (x.shape[axis] - length, 0)
    out.narrow(axis, low, length).copy_(x.narrow(axis, high, length))
    return out


def _line(sizes: NDArray[np.float32], magnitudes: NDArray[np.float32]) -> tuple[float, float]:
    """Return the slope and the level, neither below 0, that lead from sizes to mean magnitudes.

    The line is laid through the means of the contexts, by least squares of relative errors.
    """
    place = np.searchsorted(BOUNDS, sizes, side="right")
    counts = np.bincount(place, minlength=len(BOUNDS) + 1)
    used = np.flatnonzero(counts)
    x, y = (np.bincount(place, values)[used] / counts[used] for values in (sizes, magnitudes))
    weights = counts[used] / np.maximum(y, 0.05) ** 2
    mean_x, mean_y = np.average(x, weights=weights), np.average(y, weights=weights)
    spread = np.average((x - mean_x) ** 2, weights=weights)
    slope = max(0.0, float(np.average((x - mean_x) * (y - mean_y), weights=weights) / max(spread, 1e-12)))
    if slope * mean_x > mean_y:  # through the origin
        slope = float(np.average(x * y, weights=weights) / np.average(x * x, weights=weights))
    return slope, max(float(mean_y - slope * mean_x), LEAST)
