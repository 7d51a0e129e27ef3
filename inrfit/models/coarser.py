"""A coarser grid where a number of weights is few for cells that nobody asked for; how wide networks are is chosen elsewhere."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import replace

from inrfit.errors import ConfigError
from inrfit.models.budget import TOLERANCE, Sizes
from inrfit.models.config import WITH_GRID, ModelConfig
from inrfit.models.description import describe
from inrfit.models.pitch import with_lattice
from inrfit.models.sizing import SMALLEST_WIDTH
from inrfit.partitions import Partition
from inrfit.partitions.grid import divide

Made = Callable[[tuple[int, ...]], tuple[int, int] | None]
"""Cells per axis -> weights in all and the width of a network within the budget; None where there is none."""


def coarser(config: ModelConfig, partition: Partition, channels: int) -> Partition:
    """Return a partition whose regions have enough of `params` weights each.

    It is the one given where that meets the number to within 5 % with networks of `SMALLEST_WIDTH` or wider; otherwise the
    finest coarser grid that does, of any width where none does, or the grid that has most of the weights. Partitions that
    are no grids stay as they are, and all do without `params`.

    Args:
        config: the model.
        partition: by the rule; nobody asked for just these cells.
        channels: values per sample.
    """
    budget = config.params
    if budget is None or partition.kind != "grid" or config.name == "mlp":
        return partition
    made = (
        _lattices(config, partition, channels)
        if config.name in WITH_GRID
        else _widths(config, partition, channels)
    )
    ranked: list[tuple[tuple[bool, bool, int], tuple[int, ...]]] = []
    for cells in dict.fromkeys((partition.grid, *_fewer(partition.grid))):
        found = made(cells)
        if found is None:
            continue
        weights, width = found
        meets = weights >= (1 - TOLERANCE) * budget
        if meets and width >= SMALLEST_WIDTH:
            ranked = [((True, True, 0), cells)]
            break
        ranked.append(((meets, False, 0 if meets else weights), cells))
    chosen = max(ranked, key=lambda entry: entry[0])[1] if ranked else (1,) * len(partition.grid)
    if chosen == partition.grid:
        return partition
    before, after = ("x".join(map(str, cells)) for cells in (partition.grid, chosen))
    note = f"--params {budget} goes into a grid of {after} in place of {before}; --grid sets another"
    return replace(divide(partition.domain, chosen), warnings=(*partition.warnings, note))


def shortfall(budget: int | None, model: ModelConfig, partition: Partition, channels: int) -> str | None:
    """Return what is told of a number of weights that is not met to within 5 %; None where it is, or there is none.

    Args:
        budget: the number asked for.
        model: what was made of it.
        partition: its regions.
        channels: values per sample.
    """
    weights = describe(model, partition.domain.dimensions, channels).count(len(partition))
    if budget is None or weights >= (1 - TOLERANCE) * budget:
        return None
    regions = f"{len(partition)} equal networks have" if len(partition) > 1 else "one network has"
    return f"{weights:,} weights, the most that {regions} within --params {budget}"


def _widths(config: ModelConfig, partition: Partition, channels: int) -> Made:
    sizes = Sizes(config, partition.domain.dimensions, channels)

    def made(cells: tuple[int, ...]) -> tuple[int, int] | None:
        found = sizes.best(math.prod(cells), config.params or 0, config.global_share)
        return None if found is None else (found.weights, found.hidden)

    return made


def _lattices(config: ModelConfig, partition: Partition, channels: int) -> Made:
    def made(cells: tuple[int, ...]) -> tuple[int, int] | None:
        divided = divide(partition.domain, cells)
        try:
            found = with_lattice(config, divided, channels)
        except ConfigError:
            return None
        return describe(found, len(cells), channels).count(len(divided)), found.hidden_features or 0

    return made


def _fewer(cells: tuple[int, ...]) -> Iterator[tuple[int, ...]]:
    """Yield coarser and coarser grids of about the same shape, down to one cell."""
    for parts in range(max(cells), 0, -1):
        like = tuple(max(1, round(parts * count / max(cells))) for count in cells)
        yield like
        for axis in range(len(cells)):
            if like[axis] > 1:
                yield (*like[:axis], like[axis] - 1, *like[axis + 1 :])
