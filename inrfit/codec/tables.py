"""Which tables code the integers of a file in the fewest bytes; the coding itself is in `entropy`."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from inrfit.codec.entropy import MAX_REACH, TOTAL, Integers, Table, _varint_bytes

COUNTS = (1, 2, 3, 4, 6, 8, 12, 16)
"""Numbers of tables that are tried, until one more does not pay for itself."""

ROUNDS = 4
"""How often groups and tables are matched anew."""

SAMPLE = 1 << 17
"""Integers that tables are made from, about; with more, every so many a group is looked at."""

EXACT, RATIO = 12, 1.2
"""Runs may begin at each magnitude up to `EXACT`, then at those that grow by this ratio."""


def fit(
    groups: Sequence[Integers], beside: Sequence[Integers] = ()
) -> tuple[tuple[tuple[int, ...], ...], tuple[int, ...]]:
    """Return the tables, and how often each is used, with which groups of integers take the fewest bytes.

    Groups are matched with tables and tables made from their groups in turns (Lloyd's rule), for several numbers of
    tables. The result depends on the integers alone.

    Args:
        groups: each says in the file which table it uses.
        beside: groups that use the same tables, but do not say which.
    """
    magnitudes = [np.abs(np.asarray(group, np.int64)) for group in (*groups, *beside) if len(group)]
    if not magnitudes:
        return ((1, TOTAL - 1),), ()
    every = -(-sum(map(len, magnitudes)) // SAMPLE)
    used, said = magnitudes[::every], -(-sum(len(group) > 0 for group in groups) // every)
    flat, sizes = np.concatenate(used), np.array([len(group) for group in used])
    starts = np.concatenate([[0], np.cumsum(sizes)[:-1]])
    order = np.argsort(np.add.reduceat(flat, starts) / sizes, kind="stable")
    best: tuple[float, list[Table], NDArray[np.int64]] | None = None
    for count in COUNTS:
        if count > len(used):
            break
        owner = np.empty(len(used), np.int64)
        owner[order] = np.arange(len(used)) * count // len(used)
        bits, tables, owner = _matched(flat, starts, sizes, owner)
        bits *= every
        bits += 8 * sum(_stored_bytes(table) for table in tables) + 24 * len(tables)
        if best is not None and bits >= best[0]:
            break
        best = bits, tables, owner
    _, tables, owner = best  # type: ignore[misc]
    choice = () if len(tables) == 1 else _scaled(np.bincount(owner[:said], minlength=len(tables)))
    return tuple(table.runs for table in tables), choice


def _matched(
    flat: Integers, starts: Integers, sizes: Integers, owner: NDArray[np.int64]
) -> tuple[float, list[Table], NDArray[np.int64]]:
    """Return the bits, the tables and the table of each group, by turns of making and matching."""
    bits, tables = np.inf, []
    for _ in range(ROUNDS):
        numbers = np.unique(owner)
        owner = np.searchsorted(numbers, owner)
        counts = np.bincount(owner, minlength=len(numbers))
        made = [table_of(flat[np.repeat(owner == number, sizes)]) for number in range(len(numbers))]
        costs = np.stack([np.add.reduceat(table.cost(flat), starts) for table in made])
        costs -= np.log2(counts / counts.sum())[:, None]
        found = costs.argmin(0)
        total = float(costs.min(0).sum())
        if total >= bits - 1:
            break
        bits, tables, owner = total, made, found
    numbers = np.unique(owner)
    return bits, [tables[number] for number in numbers], np.searchsorted(numbers, owner)


def table_of(magnitudes: Integers) -> Table:
    """Return the table that codes integers of these magnitudes, and itself, in the fewest bits, about.

    Where runs begin is found by dynamic programming over some magnitudes; what lies beyond the last run escapes.
    """
    inside = magnitudes[magnitudes <= MAX_REACH]
    top = int(inside.max()) if len(inside) else 0
    edges = _edges(top)
    counts = np.bincount(inside, minlength=top + 1)
    below = np.concatenate([[0], np.cumsum(counts)])[edges]
    total = len(magnitudes)
    far = 8 * _varint_bytes(2 * inside)
    far = np.concatenate([[0], np.cumsum(np.bincount(inside, weights=far, minlength=top + 1))])[edges]
    best = np.full(len(edges), np.inf)
    best[0] = 0
    before = np.zeros(len(edges), np.int64)
    for last in range(1, len(edges)):
        first = np.arange(last)
        symbols = 2 * (edges[last] - edges[first]) - (first == 0)
        held = below[last] - below[first]
        even = held / symbols / total
        share = np.maximum(even, 1 / TOTAL)
        taken = symbols * (share - even)  # from all others, by frequencies of 1 for what is rarer
        costs = best[first] - held * np.log2(share) + total * taken / np.log(2)
        costs += np.where(share * TOTAL < 128, 16, 32)
        before[last], best[last] = costs.argmin(), costs.min()
    left = total - below
    with np.errstate(divide="ignore", invalid="ignore"):
        escaping = np.where(left > 0, far[-1] - far - left * np.log2(np.maximum(left, 0.5) / total), 0)
    end = 1 + int(np.argmin((best + escaping)[1:]))
    escapes = total - int(below[end])
    cuts = [end]
    while cuts[-1]:
        cuts.append(int(before[cuts[-1]]))
    cuts = cuts[::-1]
    return _table(edges[cuts], below[cuts], escapes)


def _table(edges: Integers, below: Integers, escapes: int) -> Table:
    """Return the table of runs between edges that hold so many integers."""
    lengths, held = np.diff(edges), np.diff(below)
    symbols = 2 * lengths - (np.arange(len(lengths)) == 0)
    total = held.sum() + escapes
    share = TOTAL - 1 - int(symbols.sum())
    wanted = np.floor(share * held / symbols / total).astype(np.int64) + 1
    if lengths[0] == 1:  # what rounding leaves goes to 0, beyond the escape's own
        escape = max(1, round(TOTAL * escapes / total))
        wanted[0] += max(0, TOTAL - int((wanted * symbols).sum()) - escape)
    runs = [value for pair in zip(lengths.tolist(), wanted.tolist(), strict=True) for value in pair]
    return Table(tuple(runs))


def _edges(top: int) -> NDArray[np.int64]:
    """Return the magnitudes at which a run may begin or end, from 0 to top + 1."""
    found = list(range(min(EXACT, top) + 1))
    while found[-1] < top + 1:
        found.append(min(top + 1, max(found[-1] + 1, int(found[-1] * RATIO))))
    return np.array(found)


def _stored_bytes(table: Table) -> int:
    """Return the bytes that a table takes in a header."""
    return 1 + sum(1 if value < 128 else 2 if value < 256 else 3 for value in table.runs)


def _scaled(counts: Integers) -> tuple[int, ...]:
    """Return frequencies of at least 1, in proportion to counts, that add up to `TOTAL`."""
    found = np.floor((TOTAL - len(counts)) * counts / max(1, counts.sum())).astype(np.int64) + 1
    found[np.argmax(found)] += TOTAL - found.sum()
    return tuple(int(value) for value in found)
