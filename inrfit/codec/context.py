"""Integers on a lattice and those next to them: what is expected of each, and how large it may be; no byte is known here.

Features of neighbouring points are alike, in size more than in sign. So integers are coded front by front: what is known of
the points with the same sum of indices depends on earlier fronts only, and is worked out for all of them together. `docs/format.md` section 5.3 is
the specification. Source of the idea: context modelling of images, as in Weinberger, Seroussi and Sapiro, IEEE Transactions
on Image Processing 2000 ("LOCO-I").
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache, reduce
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from inrfit.codec.limits import MAX_SHARE

BOUNDS = (1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64, 96, 128, 192)
"""Sizes of the neighbourhood at which the contexts 1, 2, ... begin."""

AT_ONCE = 1 << 20
"""Integers whose neighbours are looked up at a time where all are known."""

Integers = NDArray[np.integer]


@dataclass(frozen=True, slots=True, kw_only=True)
class Near:
    """What is known of some integers before they are read.

    Attributes:
        context: 0 to len(BOUNDS), by the size of the neighbourhood, [...].
        total: sum of the neighbours one step back along each axis, [...].
        axes: how many these are.
    """

    context: Integers
    total: Integers
    axes: int

    def expected(self, share: int) -> Integers:
        """Return `share` quarters of the mean neighbour, rounded towards zero."""
        return np.sign(self.total) * (share * np.abs(self.total) // (MAX_SHARE * self.axes))


class Fronts:
    """The points of a lattice, front by front, in an array with zeros beyond its first ends.

    Args:
        sides: points along each axis.

    Attributes:
        rows: row-major place of each point, in the order of the fronts.
        starts: where each front begins among them, and the end.
    """

    def __init__(self, sides: Sequence[int]) -> None:
        padded = [side + 2 for side in sides]
        strides = [math.prod(padded[axis + 1 :]) for axis in range(len(sides))]
        lines = [np.arange(side) for side in sides]
        front = reduce(np.add.outer, lines).reshape(-1)
        self.rows = np.argsort(front, kind="stable")
        self.starts = np.concatenate([[0], np.cumsum(np.bincount(front))])
        self._size, self._axes = math.prod(padded), len(sides)
        places = [(line + 2) * stride for line, stride in zip(lines, strides, strict=True)]
        self._places = reduce(np.add.outer, places).reshape(-1)[self.rows]
        two = [2 * stride for stride in strides]
        self._back = np.array([*strides, *two, *map(sum, combinations(strides, 2))])[:, None]
        self._weights = np.where(np.arange(len(self._back)) < len(sides), 2, 1)[:, None, None]

    def near(self, held: Integers, start: int, stop: int) -> Near:
        """Return what is known of points `start` to `stop` from `held`, [padded place, channel]."""
        found = held[self._places[start:stop] - self._back]
        size = (self._weights * np.abs(found)).sum(0)
        context = np.searchsorted(BOUNDS, size, side="right")
        return Near(context=context, total=found[: self._axes].sum(0), axes=self._axes)

    def empty(self, channels: int) -> Integers:
        """Return zeros for `near`, [padded place, channel]."""
        return np.zeros((self._size, channels), np.int64)

    def put(self, held: Integers, start: int, stop: int, values: Integers) -> None:
        """Write the integers [point, channel] of points `start` to `stop`."""
        held[self._places[start:stop]] = values

    def known(self, integers: Integers) -> Near:
        """Return what is known of all points of a lattice, in the order of the fronts, from integers [row, channel]."""
        held, count = self.empty(integers.shape[1]), len(self.rows)
        self.put(held, 0, count, integers[self.rows])
        many = max(1, AT_ONCE // integers.shape[1])
        spans = [(at, min(at + many, count)) for at in range(0, count, many)]
        parts = [self.near(held, start, stop) for start, stop in spans]
        return Near(
            context=np.concatenate([part.context for part in parts]),
            total=np.concatenate([part.total for part in parts]),
            axes=self._axes,
        )


@lru_cache(maxsize=32)
def fronts(sides: tuple[int, ...]) -> Fronts:
    """Return the fronts of a lattice; those of a file's regions are the same."""
    return Fronts(sides)


@dataclass(frozen=True, slots=True, kw_only=True)
class Guide:
    """How the integers of one array are coded by those next to them.

    Attributes:
        sides: points of the lattice along each axis; the array is [point, channel].
        share: quarters of the mean neighbour that are expected, 0 to 4.
        tables: number of the table of each context from 0; the last one is that of all further contexts.
    """

    sides: tuple[int, ...]
    share: int
    tables: tuple[int, ...]

    def numbers(self, near: Near) -> Integers:
        """Return the table of each integer."""
        return np.array(self.tables)[np.minimum(near.context, len(self.tables) - 1)]
