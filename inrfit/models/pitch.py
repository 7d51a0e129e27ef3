"""How fine the lattices of a feature grid are: by a pitch in samples, or as a number of weights allows."""

from __future__ import annotations

import math
import statistics
from dataclasses import replace
from functools import partial

from inrfit.errors import ConfigError
from inrfit.models.budget import TOLERANCE, widest
from inrfit.models.config import MAX_LATTICE, ModelConfig
from inrfit.models.description import describe
from inrfit.models.feature_grid import level_sides, levels_that_fit
from inrfit.partitions import Partition

PITCH = 2.0
"""Samples between the points of the finest lattice, when nothing else sets it."""

WIDTH = 16
"""Width of the network, when nothing else sets it."""

WIDTHS = tuple(sorted(range(12, 25), key=lambda width: abs(width - WIDTH)))
"""Widths that are tried to meet a number of weights."""


def with_lattice(config: ModelConfig, partition: Partition, channels: int) -> ModelConfig:
    """Fill in the width, the lattice over a region and the levels of a feature grid.

    With `params` or `budget` the finest lattice whose weights, over all regions, are at most so many; the network is then a
    little wider or narrower than `WIDTH` where that comes nearer to `params`. Segments have one lattice, for the median of their
    sizes; what of a segment lies outside the square of its area has the border's features.

    Raises:
        ConfigError: `params` is fewer than the coarsest lattice has, a lattice would have too many points, or there are not so many levels.
    """
    regions = partition.regions
    nominal = [statistics.median(sides) for sides in zip(*(r.nominal for r in regions), strict=True)]
    half = replace(regions[0], nominal=tuple(nominal)).frame(partition.domain.units).half
    extent = tuple(n / 2 / h for n, h in zip(nominal, half, strict=True))

    def sized(pitch: float, hidden: int) -> ModelConfig:
        points = tuple(max(1, math.ceil(n / pitch - 1e-9)) + 1 if n > 1 else 1 for n in nominal)
        levels = config.levels or levels_that_fit(points)
        found = replace(config, hidden_features=hidden, lattice=points, extent=extent, levels=levels)
        return replace(found, trunk_features=0, params=None, budget=None)

    def count(intervals: int, hidden: int) -> int:
        """Return the weights by the intervals along the longest axis."""
        if intervals < 1:
            return 0
        return describe(sized(max(nominal) / intervals, hidden), len(nominal), channels).count(len(regions))

    usual = config.hidden_features or WIDTH
    wanted = None if config.pitch is not None else config.params or config.budget
    if wanted is None:
        return _checked(sized(config.pitch or PITCH, usual), channels)
    fitting: dict[int, int] = {}
    for hidden in (usual,) if config.hidden_features or config.params is None else WIDTHS:
        fitting[hidden] = max(1, widest(partial(count, hidden=hidden), wanted))
        if config.params is None or (1 - TOLERANCE) * wanted <= count(fitting[hidden], hidden) <= wanted:
            return _checked(sized(max(nominal) / fitting[hidden], hidden), channels)
    below = [hidden for hidden, intervals in fitting.items() if count(intervals, hidden) <= wanted]
    if below:
        most = max(below, key=lambda hidden: count(fitting[hidden], hidden))
        return _checked(sized(max(nominal) / fitting[most], most), channels)
    least = min(count(1, hidden) for hidden in fitting)
    fewer = "; or take fewer regions with --grid or --cell" if len(regions) > 1 else ""
    raise ConfigError(
        f"--params {wanted} is fewer than the {least:,} weights of the coarsest feature grid in {len(regions)} "
        f"region{'s' if len(regions) > 1 else ''}",
        hint=f"--params {least} is the least here{fewer}",
    )


def _checked(config: ModelConfig, channels: int) -> ModelConfig:
    """Return a configuration whose lattice can be.

    Raises:
        ConfigError: it cannot.
    """
    points = sum(math.prod(sides) for sides in level_sides(config.lattice, config.levels))
    if points * config.feature_channels > MAX_LATTICE:
        raise ConfigError(
            f"a region would have {points * config.feature_channels:,} features (at most {MAX_LATTICE:,})",
            hint="use a larger --pitch, or smaller regions",
        )
    most = levels_that_fit(config.lattice)
    if config.levels > most:
        sides = "x".join(map(str, config.lattice))
        raise ConfigError(
            f"--levels {config.levels} is more than a lattice of {sides} points has (at most {most})",
            hint=f"give --levels {most} or fewer, or leave it out",
        )
    describe(config, len(config.lattice), channels)
    return config
