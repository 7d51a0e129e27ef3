"""Regular grids: how many cells, and where their borders lie; it never looks at a sample."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Sequence
from fractions import Fraction

from inrfit.domain import Box, Domain
from inrfit.errors import ConfigError, require
from inrfit.partitions import Partition, Region
from inrfit.partitions.config import CELL, PartitionConfig
from inrfit.signal import Signal

Edges = tuple[tuple[int, ...], ...]
"""Cell borders along each axis as sample indices, one more than there are cells."""


MAX_CELLS = 1 << 18
"""Most cells of a grid: each is a network of its own, and a photo of 16 Mpx at 8x8 samples a cell has as many."""


def whole(signal: Signal, config: PartitionConfig) -> Partition:
    """Return one region that is the whole domain: the rule "none"."""
    return divide(signal.domain, (1,) * signal.domain.dimensions)


def grid(signal: Signal, config: PartitionConfig) -> Partition:
    """Divide a domain into cells that differ by at most one sample per axis: the rule "grid".

    `config.grid` gives the cells per axis, or `config.heads` their number. With neither, the cells are as
    near `config.cell` samples a side (by default `CELL`) as they can be; twice that, or more, where they would be too many.

    Raises:
        ConfigError: the domain has too few samples for the cells asked for, or another number of axes.
    """
    domain = signal.domain
    if config.grid is not None:
        return divide(domain, _fitting(config.grid, domain))
    if config.heads is not None:
        return divide(domain, near_square(config.heads, domain.shape))
    sides = _sides(config.cell or CELL, domain)
    while math.prod(cells := tuple(map(cells_near, sides, domain.shape))) > MAX_CELLS:
        sides = [2 * side for side in sides]
    return divide(domain, cells)


def divide(domain: Domain, cells: Sequence[int]) -> Partition:
    """Divide a domain into `cells` per axis; each count lies between 1 and the samples of its axis.

    Raises:
        ConfigError: there would be more than `MAX_CELLS` cells.
    """
    require(
        math.prod(cells) <= MAX_CELLS,
        f"{_sizes(cells)} are {math.prod(cells):,} cells (at most {MAX_CELLS:,})",
        hint="give fewer cells",
    )
    edges = tuple(
        tuple(origin + i * n // c for i in range(c + 1))
        for origin, n, c in zip(domain.origin, domain.shape, cells, strict=True)
    )
    nominal = tuple(n / c for n, c in zip(domain.shape, cells, strict=True))
    return from_edges(domain, edges, nominal)


def from_edges(
    domain: Domain, edges: Edges, nominal: Sequence[float], present: Sequence[int] | None = None
) -> Partition:
    """Rebuild a grid from its cell borders.

    Args:
        domain: what is divided.
        edges: strictly rising sample indices per axis.
        nominal: nominal size of a cell on each axis, in samples.
        present: row-major numbers of the cells that are there, strictly rising; None for all of them.

    Raises:
        ConfigError: the edges do not rise, or a cell is not in the grid or not inside the domain.
    """
    require(
        len(edges) == len(nominal) == domain.dimensions,
        f"a grid over {domain.dimensions} axes needs as many rows of edges and nominal sizes, "
        f"got {len(edges)} and {len(nominal)}",
    )
    require(
        all(len(row) > 1 and all(a < b for a, b in itertools.pairwise(row)) for row in edges),
        "the edges of a grid must rise along each axis",
    )
    counts = tuple(len(row) - 1 for row in edges)
    total = math.prod(counts)
    numbers = range(total) if present is None else present
    require(
        present is None
        or (all(0 <= n < total for n in present) and all(a < b for a, b in itertools.pairwise(present))),
        f"the cells of a {_sizes(counts)} grid must be given as rising numbers from 0 to {total - 1}",
    )
    size = tuple(float(side) for side in nominal)
    around = domain.box
    regions = tuple(Region(id=n, box=_box(n, around, edges), nominal=size) for n in numbers)
    return Partition(domain=domain, regions=regions, kind="grid", edges=edges)


def near_square(count: int, shape: Sequence[int]) -> tuple[int, ...]:
    """Return cells per axis whose product is `count` and whose shape is as near a square as can be.

    Ties go to fewer rows.

    Raises:
        ConfigError: no such division leaves at least one sample in each cell.
    """
    most = math.prod(shape)
    require(
        count <= most,
        f"--heads {count} is more than the {_sizes(shape)} samples allow (at most {most})",
        hint=f"give --heads {most} or fewer",
    )
    choices = list(_factorings(count, shape))
    if not choices:
        fits = next(n for n in range(count, 0, -1) if any(_factorings(n, shape)))
        raise ConfigError(
            f"--heads {count} cannot be cut as rows x columns from {_sizes(shape)} samples (at most {most})",
            hint=f"the next lower number that can is --heads {fits}",
        )
    return min(choices, key=lambda cells: _elongation(cells, shape))


def _fitting(cells: tuple[int, ...], domain: Domain) -> tuple[int, ...]:
    """Return `cells` if the domain has that many samples on each axis."""
    asked, sizes = _sizes(cells), _sizes(domain.shape)
    axes = ", ".join(domain.axes)
    require(
        len(cells) == domain.dimensions,
        f"--grid {asked} gives {len(cells)} axes, the signal has {domain.dimensions} ({axes})",
        hint="give one number of cells for each axis",
    )
    require(
        all(c <= n for c, n in zip(cells, domain.shape, strict=True)),
        f"--grid {asked} has more cells than the signal's {sizes} samples ({axes}; at most --grid {sizes})",
        hint="give fewer cells",
    )
    return cells


def _sides(cell: int | Sequence[int], domain: Domain) -> list[int]:
    """Return the nominal side of a cell on each axis."""
    sides = [cell] * domain.dimensions if isinstance(cell, int) else list(cell)
    require(
        len(sides) == domain.dimensions,
        f"--cell {_sizes(sides)} gives {len(sides)} axes, the signal has {domain.dimensions} "
        f"({', '.join(domain.axes)})",
        hint="give one number for all axes, or one for each",
    )
    return sides


def cells_near(side: int, samples: int) -> int:
    """Return the number of cells of an axis whose length is nearest `side`; ties to fewer cells."""
    fewer = max(1, samples // side)
    return min((fewer, min(fewer + 1, samples)), key=lambda count: abs(samples / count - side))


def _factorings(count: int, shape: Sequence[int]) -> Iterator[tuple[int, ...]]:
    """Yield every way to write `count` as one factor per axis, none above the axis' samples."""
    if len(shape) == 1:
        if count <= shape[0]:
            yield (count,)
        return
    for first in range(1, min(count, shape[0]) + 1):
        if count % first == 0:
            for rest in _factorings(count // first, shape[1:]):
                yield (first, *rest)


def _elongation(cells: Sequence[int], shape: Sequence[int]) -> Fraction:
    """Return the longest side of a cell over its shortest; 1 for a square."""
    sides = [Fraction(n, c) for n, c in zip(shape, cells, strict=True)]
    return max(sides) / min(sides)


def _box(number: int, around: Box, edges: Edges) -> Box:
    """Return the box of the cell with a row-major number; it must lie inside the domain."""
    spans: list[tuple[int, int]] = []
    for row in reversed(edges):
        number, place = divmod(number, len(row) - 1)
        spans.append((row[place], row[place + 1]))
    box = Box(reversed(spans))
    if not box <= around:
        raise ConfigError(f"cell {box} lies outside the domain {around}")
    return box


def _sizes(numbers: Sequence[int]) -> str:
    """Write sizes the way the options take them, for example 8x8."""
    return "x".join(map(str, numbers))
