"""How fine the lattices of a feature grid are: by a pitch in samples, or as a number of weights allows."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from dataclasses import replace

from inrfit.config import MAX_LATTICE, ModelConfig
from inrfit.errors import ConfigError
from inrfit.models.budget import TOLERANCE, widest
from inrfit.models.description import describe
from inrfit.models.feature_grid import level_sides, levels_that_fit
from inrfit.partitions import Partition

PITCH = 2.0
"""Samples between the points of the finest lattice, when nothing else sets it."""

WIDTH = 16
"""Width of the network, when nothing else sets it."""


def with_lattice(config: ModelConfig, partition: Partition, channels: int) -> ModelConfig:
    """Fill in the width, the lattice over a region and the levels of a feature grid.

    With `params` or `budget` the finest lattice whose weights, over all regions, are at most so many. Segments have one
    lattice, for the median of their sizes; what of a segment lies outside the square of its area has the border's features.

    Raises:
        ConfigError: `params` is not met to within 5 %, a lattice would have too many points, or there are not so many levels.
    """
    config = replace(config, hidden_features=config.hidden_features or WIDTH, trunk_features=0)
    regions, units = partition.regions, partition.domain.units
    nominal = [statistics.median(sides) for sides in zip(*(r.nominal for r in regions), strict=True)]
    extent = tuple(n / 2 / half for n, half in zip(nominal, _half(partition, nominal, units), strict=True))

    def sized(pitch: float) -> ModelConfig:
        lattice = tuple(max(1, math.ceil(n / pitch - 1e-9)) + 1 if n > 1 else 1 for n in nominal)
        levels = config.levels or levels_that_fit(lattice)
        return replace(config, lattice=lattice, extent=extent, levels=levels, params=None, budget=None)

    def count(pitch: float) -> int:
        return describe(sized(pitch), len(nominal), channels).count(len(regions))

    wanted = None if config.pitch is not None else config.params or config.budget
    if wanted is None:
        return _checked(sized(config.pitch or PITCH))
    intervals = max(1, widest(lambda most: count(max(nominal) / most) if most else 0, wanted))
    found = max(nominal) / intervals
    if config.params is not None and not (1 - TOLERANCE) * wanted <= count(found) <= wanted:
        finer = max(nominal) / (intervals + 1)
        raise ConfigError(
            f"--params {wanted} cannot be met within 5 % by a feature grid in {len(regions)} regions "
            f"(--pitch {found:.4g} gives {count(found):,}, --pitch {finer:.4g} gives {count(finer):,})",
            hint=f"--params {count(finer)} can; or set --pitch, --feature-channels or --hidden-features",
        )
    return _checked(sized(found))


def _half(partition: Partition, nominal: Sequence[float], units: tuple[str, ...]) -> tuple[float, ...]:
    """Return the samples per unit coordinate of the frame of a region of this nominal size."""
    return replace(partition.regions[0], nominal=tuple(nominal)).frame(units).half


def _checked(config: ModelConfig) -> ModelConfig:
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
    return config
