"""From what the user asked for to a concrete model: which one, which omegas, how wide."""

from __future__ import annotations

import math
import statistics
from dataclasses import replace
from functools import partial

from inrfit.errors import ConfigError
from inrfit.models.budget import Sizes, Widths, too_few
from inrfit.models.config import WITH_GRID, WITH_TRUNK, ModelConfig
from inrfit.models.pitch import with_lattice
from inrfit.partitions import Partition
from inrfit.registry import load
from inrfit.steps.activations import Activation

SMALLEST_WIDTH = 4
"""Narrowest network the size rule gives: tiny signals get more weights than the rule's share of their samples."""

REFERENCE_SIDE = 32.0
"""Nominal side of a region, in samples, for which the activations' own first omegas of local frames are meant."""


LONG = 800
"""Steps beyond which the default rate falls: large rates for so long leave weights that float16 is too coarse for."""


LONG_LINE, LEAST_LINE = 100, 0.5
"""On one axis: steps beyond which the rate falls as well, and how far. Of the rates tried on 12 s of speech, 200 steps
were best at 0.7 of the full one (38.8 dB, 37.7 at all of it), 400 at half of it (40.2 dB, 35.7), 1,001 at half (41.1)."""


def default_lr(config: ModelConfig, share: float = 1.0, steps: int = 1, axes: int = 2) -> float:
    """Return the peak learning rate for a width, the share of the samples that a step uses, and the number of steps.

    0.11 / width^0.6 with all of them, found by trial with sine networks in local frames: about 0.04 was best at width 6,
    0.02 at 18, 0.015 at 30. With fewer, in proportion to the root of their share: gradients are as much noisier, and
    a quarter or a sixteenth of them did badly at more. Beyond `LONG` steps, in proportion to the root of their number:
    after 4,000 steps at the full rate, rounding the weights to float16 cost 5 dB.

    Args:
        config: the model, with its width.
        share: 0 to 1.
        steps: planned.
        axes: of the signal.
    """
    noise, length = math.sqrt(min(1.0, share)), math.sqrt(min(1.0, LONG / steps))
    if axes == 1:
        length *= max(LEAST_LINE, math.sqrt(min(1.0, LONG_LINE / steps)))
    return 0.11 / (config.hidden_features or 1) ** 0.6 * noise * length


GRID_OMEGA = 5.0
"""Largest factor of the network of a feature grid, which sees features and no coordinates. On two crops of Kodak pictures
150 steps gave 31.7 dB at 5, 31.3 at 15 with 30 first and 30.9 at 15; ReLU gave 31.5."""

PER_FEATURE = 2 / 15
"""Largest first factor on one axis for each hidden feature, as a share of the activation's own factor of local frames."""


def first_omega_0(config: ModelConfig, activation: Activation, partition: Partition) -> float:
    """Return the first factor when the user gives none.

    In a global frame it is the field's usual one. In local frames it grows with the side of the regions (the median
    one) to the power 0.75, within a factor of 8: less than in proportion, as larger regions have wider networks. On one
    axis it is at most 2 a hidden feature for sines: with fewer features than that the frequencies that they are drawn
    from lie too far apart to be put together to a sound (docs/studies/signals.md).
    """
    if config.frame == "global":
        return activation.first_omega_0
    side = statistics.median(math.prod(r.nominal) ** (1 / len(r.nominal)) for r in partition.regions)
    factor = min(8.0, max(1 / 8, (side / REFERENCE_SIDE) ** 0.75))
    if partition.domain.dimensions == 1:
        factor = min(factor, PER_FEATURE * (config.hidden_features or 1))
    return activation.local_omega_0 * factor


def resolve(config: ModelConfig, partition: Partition, channels: int) -> ModelConfig:
    """Fill in what the user left open: model, omegas and widths.

    The size rule: as wide as `params` allows when given, else as wide as `weights_per_sample` allows, but never
    narrower than `SMALLEST_WIDTH`. With a trunk, of all widths that meet the budget, those whose share of shared weights
    is nearest to `global_share`.

    Raises:
        ConfigError: `mlp` with several regions, a trunk for a model that has none, or a budget of fewer
            weights than networks of width 1 have.
    """
    regions = len(partition)
    name = config.name or ("mlp" if regions == 1 else "partitioned")
    if name == "mlp" and regions > 1:
        raise ConfigError(
            f"--model mlp is one network for the whole signal, but the partition has {regions} regions",
            hint="use --model partitioned, or --partition none",
        )
    config = replace(config, name=name)
    if name in WITH_GRID:
        return _with_omegas(with_lattice(config, partition, channels), partition)
    sizes = Sizes(config, partition.domain.dimensions, channels)
    if config.trunk_features and not sizes.has_trunk:
        raise ConfigError(
            f"--trunk-features {config.trunk_features} is for a shared trunk, which --model {name} does not have",
            hint=f"use --model {' or '.join(WITH_TRUNK)}",
        )
    widths = _widths(config, sizes, partition)
    sized = replace(
        config, hidden_features=widths.hidden, trunk_features=widths.trunk, params=None, budget=None
    )
    return _with_omegas(sized, partition)


def _with_omegas(config: ModelConfig, partition: Partition) -> ModelConfig:
    """Fill in the factors of the activations."""
    activation: Activation = load("activation", config.activation)
    if config.name in WITH_GRID:
        return replace(
            config,
            first_omega_0=config.first_omega_0 or min(GRID_OMEGA, activation.first_omega_0),
            hidden_omega_0=config.hidden_omega_0 or min(GRID_OMEGA, activation.hidden_omega_0),
            trunk_omega_0=config.trunk_omega_0 or 1.0,
        )
    first = config.first_omega_0 or first_omega_0(config, activation, partition)
    trunk = first if config.trunk_frame == "local" else activation.first_omega_0
    return replace(
        config,
        first_omega_0=first,
        hidden_omega_0=config.hidden_omega_0 or activation.hidden_omega_0,
        trunk_omega_0=config.trunk_omega_0 or trunk,
    )


def _widths(config: ModelConfig, sizes: Sizes, partition: Partition) -> Widths:
    """Choose the widths that are left open."""
    regions, hidden, trunk = len(partition), config.hidden_features, config.trunk_features
    if hidden is not None:
        if sizes.has_trunk and not trunk:
            local = sizes.widths(regions, hidden, 1)
            budget = int((local.weights - local.shared) / (1 - config.global_share))
            trunk = max(1, sizes.widest_trunk(regions, hidden, budget))
        return sizes.widths(regions, hidden, trunk or 0)
    if config.params is not None:
        chosen = sizes.best(regions, config.params, config.global_share)
        if chosen is None:
            raise too_few(sizes, partition, config.params)
        return chosen

    away = partial(sizes.away, share=config.global_share)
    budget = config.budget or int(config.weights_per_sample * partition.domain.size)
    best = min(sizes.meeting(regions, budget), key=away, default=None)
    if best is None or best.hidden < SMALLEST_WIDTH:
        widest = min(sizes.within(regions, budget), key=away, default=None)
        width = max(SMALLEST_WIDTH, widest.hidden if widest else 0)
        beside = trunk or max(SMALLEST_WIDTH, widest.trunk if widest else 0)
        best = sizes.widths(regions, width, beside if sizes.has_trunk else 0)
    return best
