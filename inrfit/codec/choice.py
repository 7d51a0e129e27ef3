"""How the integers of a file take the fewest bytes: array by array by their neighbours or one by one, and with which tables."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from inrfit.codec.bounds import FREE_FRONTS, fronts_of
from inrfit.codec.context import BOUNDS, fronts
from inrfit.codec.entropy import Table
from inrfit.codec.limits import MAX_SHARE
from inrfit.codec.tables import fit
from inrfit.models.coding import geometric_bits

FEW_FRONTS = FREE_FRONTS >> 1
"""Most fronts of a lattice that is coded by its neighbours; all levels of a grid together have at most about twice those
of the finest, which any file may have."""

PIECE = 1 << 10
"""Integers of a context that are matched with a table together."""

Integers = NDArray[np.int64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Array:
    """The integers of an array.

    Attributes:
        integers: [group, integer], in the order of a file.
        points: along each axis of the lattice that the array is rows of; empty for other arrays.
    """

    integers: Integers
    points: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """What `models.coding.Coding` says of some arrays; see there.

    Attributes:
        contexts: of each array.
    """

    tables: tuple[tuple[int, ...], ...]
    choice: tuple[int, ...]
    contexts: tuple[tuple[int, ...], ...]


def chosen(arrays: Sequence[Array]) -> Choice:
    """Return how arrays are coded in the fewest bytes, about."""
    guessed = [_guessed(array) for array in arrays]
    plain = [
        group for array, by in zip(arrays, guessed, strict=True) if by is None for group in array.integers
    ]
    pieces = [
        piece
        for by in guessed
        if by is not None
        for own in by.apart
        for piece in np.split(own, range(PIECE, len(own), PIECE))
    ]
    tables, choice = fit(plain, pieces)
    made = [Table(runs) for runs in tables]
    contexts = tuple(() if by is None else (by.share, *_tables_of(by.apart, made)) for by in guessed)
    return Choice(tables=tables, choice=choice, contexts=contexts)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Guessed:
    """The integers of an array beyond what is expected of them.

    Attributes:
        share: see `context.Guide`.
        apart: those of each context.
    """

    share: int
    apart: list[Integers]


def _guessed(array: Array) -> _Guessed | None:
    """Return what neighbours leave of an array; None where they are of no use."""
    points, count = array.points, len(array.integers)
    if not count or array.integers[0].size < 2 or not points or fronts_of(points) > FEW_FRONTS:
        return None
    order = fronts(points)
    values = array.integers.reshape(count, len(order.rows), -1).swapaxes(0, 1).reshape(len(order.rows), -1)
    near, values = order.known(values), values[order.rows]
    kinds, context = len(BOUNDS) + 1, near.context.reshape(-1)
    held = np.bincount(context, minlength=kinds)
    best, share = np.inf, 0
    for tried in range(MAX_SHARE + 1):
        sizes = np.abs(values - near.expected(tried)).reshape(-1)
        bits = _bits(held, np.bincount(context, sizes, minlength=kinds))
        best, share = min((best, share), (bits, tried))
    alone = _bits(np.full(count, array.integers[0].size), np.abs(array.integers).sum(1))
    if best + 8 * (1 + np.count_nonzero(held)) >= alone:
        return None
    beyond = (values - near.expected(share)).reshape(-1)[np.argsort(context, kind="stable")]
    return _Guessed(share=share, apart=np.split(beyond, np.cumsum(held)[:-1]))


def _bits(counts: NDArray[np.integer], sizes: NDArray[Any]) -> float:
    """Return about the bits of groups of so many integers with these sums of magnitudes."""
    counts, sizes = counts[counts > 0], sizes[counts > 0]
    return float((counts * geometric_bits(sizes / counts)).sum())


def _tables_of(apart: Sequence[Integers], tables: Sequence[Table]) -> list[int]:
    """Return the table of each context, without those at the end that use the last one's."""
    found: list[int | None] = []
    for own in apart:
        sizes, counts = np.unique(np.abs(own), return_counts=True)
        costs = [float((counts * table.cost(sizes)).sum()) for table in tables]
        found.append(int(np.argmin(costs)) if len(own) else None)
    number = next(one for one in found if one is not None)
    numbers = [number := number if one is None else one for one in found]
    while len(numbers) > 1 and numbers[-1] == numbers[-2]:
        numbers.pop()
    return numbers
