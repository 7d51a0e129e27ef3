"""Widths within a budget of weights, and the partition for a budget that has too few for this one."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import cache

from inrfit.errors import ConfigError
from inrfit.models.config import WITH_TRUNK, ModelConfig
from inrfit.models.description import describe
from inrfit.partitions import Partition
from inrfit.partitions.grid import cells_near

TOLERANCE = 0.05
"""A budget of weights is met to within this share where widths allow it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Widths:
    """A choice of widths.

    Attributes:
        hidden: width of a region's network.
        trunk: width of the shared trunk; 0 where the model has none.
        weights: trained weights in all.
        shared: those that all regions share.
    """

    hidden: int
    trunk: int
    weights: int
    shared: int

    @property
    def share(self) -> float:
        """Share of the weights that all regions share."""
        return self.shared / self.weights


class Sizes:
    """How many weights a model has, by its widths.

    Args:
        config: the model; `trunk_features` fixes the width of the trunk when it is set, other widths are ignored.
        dimensions: axes of the signal.
        channels: values per sample.

    Attributes:
        has_trunk: whether the model has a shared trunk.
        undivided: whether the model is for one region alone.
        fixed: width of the trunk that the configuration sets; None or 0 where it does not.
    """

    def __init__(self, config: ModelConfig, dimensions: int, channels: int) -> None:
        def count(regions: int, hidden: int, trunk: int) -> int:
            sized = replace(config, hidden_features=hidden, trunk_features=trunk, params=None)
            return describe(sized, dimensions, channels).count(regions)

        self._count = cache(count)
        self.fixed = config.trunk_features
        self.undivided = config.name == "mlp"
        self.has_trunk = config.name in WITH_TRUNK

    def widths(self, regions: int, hidden: int, trunk: int) -> Widths:
        """Return the weights of these widths."""
        shared = self._count(0, hidden, trunk)
        weights = shared + regions * (self._count(1, hidden, trunk) - shared)
        return Widths(hidden=hidden, trunk=trunk, weights=weights, shared=shared)

    def within(self, regions: int, budget: int) -> Iterator[Widths]:
        """Yield the widths that use a budget best: the widest trunk beside each width, or the widest without one."""
        least = (self.fixed or 1) if self.has_trunk else 0
        most = widest(lambda h: self.widths(regions, h, least).weights, budget)
        if not self.has_trunk:
            if most:
                yield self.widths(regions, most, 0)
            return
        for hidden in range(most, 0, -1):
            trunk = self.fixed or self.widest_trunk(regions, hidden, budget)
            yield self.widths(regions, hidden, trunk)

    def meeting(self, regions: int, budget: int) -> Iterator[Widths]:
        """Yield the widths that meet a budget: never more, and at most 5 % less."""
        least = math.ceil((1 - TOLERANCE) * budget)
        for most in self.within(regions, budget):
            narrowest = most.trunk
            if self.has_trunk and not self.fixed:
                narrowest = self.widest_trunk(regions, most.hidden, least - 1) + 1
            for trunk in range(most.trunk, narrowest - 1, -1):
                widths = self.widths(regions, most.hidden, trunk)
                if widths.weights >= least:
                    yield widths

    def best(self, regions: int, budget: int, share: float) -> Widths | None:
        """Return the widths for a budget: never more; at most 5 % less where that can be, else as little as can be.

        Args:
            regions: how many.
            budget: the most weights.
            share: of the weights that all regions share, which is met as well as can be by models that have a trunk.

        Returns:
            The widths; None where even networks of width 1 have more weights.
        """
        met = min(self.meeting(regions, budget), key=lambda widths: self.away(widths, share), default=None)
        return met or max(self.within(regions, budget), key=lambda widths: widths.weights, default=None)

    def away(self, widths: Widths, share: float) -> tuple[float, int]:
        """Order by how far the share is from the one wanted, in percent, then by the budget that is left."""
        off = round(abs(widths.share - share), 2) if self.has_trunk else 0.0
        return off, -widths.weights

    def widest_trunk(self, regions: int, hidden: int, budget: int) -> int:
        """Return the widest trunk beside regions of one width; 0 when none fits."""
        return widest(lambda trunk: self.widths(regions, hidden, trunk).weights, budget)


def widest(count: Callable[[int], int], budget: int) -> int:
    """Return the largest width whose `count` of weights is at most `budget`; 0 when none is."""
    low, high = 0, 1
    while count(high) <= budget:
        low, high = high, high * 2
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if count(middle) <= budget else (low, middle)
    return low


def too_few(sizes: Sizes, partition: Partition, budget: int) -> ConfigError:
    """Return the error for a budget that the narrowest networks exceed, with the most regions that keep to it."""
    regions = len(partition)
    least = sizes.widths(regions, 1, (sizes.fixed or 1) if sizes.has_trunk else 0)
    networks = f"{regions} equal networks have" if regions > 1 else "one network has"
    beside = f" beside a trunk of {sizes.fixed}" if sizes.fixed else ""
    message = (
        f"--params {budget} is fewer than the {least.weights:,} weights that {networks} at width 1{beside}"
    )
    hint = f"--params {least.weights} is the least here"
    if sizes.fixed:
        hint += ", unless with a smaller --trunk-features"
    others = () if sizes.undivided else _other_divisions(partition)
    fewer = (cells for cells in others if math.prod(cells) < regions)
    fit = (cells for cells in fewer if any(sizes.within(math.prod(cells), budget)))
    other = max(fit, key=math.prod, default=None)
    if other is None:
        return ConfigError(message, hint=hint)
    asked = "x".join(map(str, other))
    if partition.kind != "grid":
        return ConfigError(message, hint=f"{hint}; --partition seg --heads {asked} or fewer would do")
    cell = _cell(partition.domain.shape, other)
    same = "" if cell is None else f" (as --cell {cell} gives)"
    return ConfigError(message, hint=f"{hint}; --grid {asked}{same} or a coarser one would do")


def _other_divisions(partition: Partition) -> Iterator[tuple[int, ...]]:
    """Yield grids of nearly square cells, or numbers of regions where the partition is no grid."""
    shape = partition.domain.shape
    if partition.kind == "grid":
        for parts in range(1, max(shape) + 1):
            cells = tuple(max(1, round(parts * n / max(shape))) for n in shape)
            yield cells
            if cells[-1] < shape[-1]:
                yield (*cells[:-1], cells[-1] + 1)
    else:
        for number in range(1, min(4 * len(partition), partition.domain.size) + 1):
            yield (number,)


def _cell(shape: tuple[int, ...], cells: tuple[int, ...]) -> int | None:
    """Return the side for which the grid rule gives so many cells per axis; None when there is none."""
    near = round(math.prod(n / c for n, c in zip(shape, cells, strict=True)) ** (1 / len(shape)))
    sides = range(max(1, near - 2), near + 3)
    return next((side for side in sides if tuple(cells_near(side, n) for n in shape) == cells), None)
