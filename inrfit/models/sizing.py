"""From what the user asked for to a concrete model: which one, which omegas, how wide."""

from __future__ import annotations

import bisect
import itertools
import math
import statistics
from collections.abc import Callable, Iterator
from dataclasses import replace

from inrfit.config import ModelConfig
from inrfit.errors import ConfigError
from inrfit.models.description import Description
from inrfit.partitions import Partition
from inrfit.registry import load
from inrfit.steps.activations import Activation

SMALLEST_WIDTH = 4
"""Narrowest network the size rule gives: tiny signals get more weights than the rule's share of their samples."""

TOLERANCE = 0.05
"""A budget of weights is met to within this share, or it is an error."""


REFERENCE_SIDE = 32.0
"""Nominal side of a region, in samples, for which the activations' own first omegas of local frames are meant."""


def default_lr(config: ModelConfig) -> float:
    """Return the peak learning rate of Adam for a width: 0.05 / width^0.6.

    Found by trial with sine networks in local frames: about 0.01 was best at width 14, 0.007 at 30, 0.004 at 62.
    """
    return 0.05 / (config.hidden_features or 1) ** 0.6


def first_omega_0(config: ModelConfig, activation: Activation, partition: Partition) -> float:
    """Return the first factor when the user gives none.

    In a global frame it is the field's usual one. In local frames it grows with the side of the regions (the median
    one) to the power 0.75, within a factor of 8: less than in proportion, as larger regions have wider networks.
    """
    if config.frame == "global":
        return activation.first_omega_0
    side = statistics.median(math.prod(r.nominal) ** (1 / len(r.nominal)) for r in partition.regions)
    return activation.local_omega_0 * min(8.0, max(1 / 8, (side / REFERENCE_SIDE) ** 0.75))


def describe(config: ModelConfig, in_features: int, out_features: int) -> Description:
    """Describe the model a resolved configuration names."""
    return load("model", config.name or "mlp")(config, in_features, out_features)


def resolve(config: ModelConfig, partition: Partition, channels: int) -> ModelConfig:
    """Fill in what the user left open: model, omegas and width.

    The size rule: as wide as `params` allows when given, else as wide as `weights_per_sample` allows, but never
    narrower than `SMALLEST_WIDTH`.

    Raises:
        ConfigError: `mlp` with several regions, or a budget that no width meets to within 5 %.
    """
    regions = len(partition)
    name = config.name or ("mlp" if regions == 1 else "partitioned")
    if name == "mlp" and regions > 1:
        raise ConfigError(
            f"--model mlp is one network for the whole signal, but the partition has {regions} regions",
            hint="use --model partitioned, or --partition none",
        )
    activation = load("activation", config.activation)
    config = replace(
        config,
        name=name,
        first_omega_0=config.first_omega_0 or first_omega_0(config, activation, partition),
        hidden_omega_0=config.hidden_omega_0 or activation.hidden_omega_0,
    )
    if config.hidden_features is not None:
        return config

    def count(width: int) -> int:
        sized = replace(config, hidden_features=width, params=None)
        return describe(sized, partition.domain.dimensions, channels).count(regions)

    if config.params is None:
        budget = int(config.weights_per_sample * partition.domain.size)
        return replace(config, hidden_features=max(SMALLEST_WIDTH, widest(count, budget)))
    width = widest(count, config.params)
    if width == 0 or count(width) < (1 - TOLERANCE) * config.params:
        raise _budget_error(config, partition, channels, count, width)
    return replace(config, hidden_features=width, params=None)


def widest(count: Callable[[int], int], budget: int) -> int:
    """Return the largest width whose `count` of weights is at most `budget`; 0 when none is."""
    low, high = 0, 1
    while count(high) <= budget:
        low, high = high, high * 2
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if count(middle) <= budget else (low, middle)
    return low


def _budget_error(
    config: ModelConfig, partition: Partition, channels: int, count: Callable[[int], int], width: int
) -> ConfigError:
    """Explain a budget that is missed, with the nearest partition that meets it."""
    regions, budget = len(partition), config.params or 0
    near = f"width {width} gives {count(width):,}, " if width else ""
    message = f"--params {budget} cannot be met within 5 % by {regions} equal networks ({near}width {width + 1} gives {count(width + 1):,})"
    sizes = (count(width) // regions for width in itertools.count(1))
    networks = list(itertools.takewhile(lambda weights: weights <= budget, sizes))

    def meets(cells: tuple[int, ...]) -> bool:
        number = math.prod(cells)
        found = bisect.bisect(networks, budget // number)
        return found > 0 and networks[found - 1] * number >= (1 - TOLERANCE) * budget

    choices = filter(meets, _other_divisions(partition))
    other = min(choices, key=lambda cells: abs(math.prod(cells) - regions), default=None)
    if other is None:
        return ConfigError(message, hint="give a larger --params, or set --hidden-features")
    asked = "x".join(map(str, other))
    asked = f"--grid {asked}" if partition.kind == "grid" else f"--heads {asked}"
    return ConfigError(message, hint=f"{asked} can; or set --hidden-features")


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
