"""Feature grid: each region has lattices of features, and one small network that all regions share reads them.

A region costs its features alone, most of them on the finest lattice. A feature tells of its neighbourhood and of nothing
else, so each learns from few samples, and what regions have in common is in the network.
Source: multi-resolution latents as in Ladune et al., ICCV 2023, arXiv 2212.05458 ("COOL-CHIC"), interpolated
linearly as in Muller et al., ACM Transactions on Graphics 2022, arXiv 2201.05989 ("Instant neural graphics primitives").
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from functools import partial

import numpy as np
from numpy.typing import NDArray

from inrfit.errors import ConfigError
from inrfit.models.config import MAX_LEVELS, ModelConfig
from inrfit.models.description import COORDS, Description, Stack, Step
from inrfit.models.layers import affine_stacks, encoded
from inrfit.registry import load
from inrfit.steps.activations import Activate, Activation
from inrfit.steps.affine import Affine
from inrfit.steps.encodings import beside
from inrfit.steps.feature_grid import LookUp

FEATURES = "features"
"""Name of the stack of a level without its number, and of the register that holds what was looked up."""

SPREAD = 0.1
"""Bound of the drawn features, which are uniform about 0."""

FEATURE_RATE = 4.0
"""Learning rate of features, as a factor of the fit's. On two crops of Kodak pictures 150 steps gave 31.7 dB at 1, 32.3
at 2 and 32.4 at 4; SOAP for the network and its own betas were better than Adam's by 1.1 dB."""

NETWORK_RATE = 1.0
"""Learning rate of the network, as a factor of the fit's."""


def describe(config: ModelConfig, in_features: int, out_features: int) -> Description:
    """Describe the look-up, an input layer, `hidden_layers` hidden layers and the output.

    Args:
        config: a resolved configuration: width, omegas, lattice and levels are numbers.
        in_features: coordinates per sample.
        out_features: channels.

    Raises:
        ConfigError: the lattice has another number of axes, or the frame is global.
    """
    _check(config, in_features)
    activation: Activation = load("activation", config.activation)
    inputs = encoded(config, in_features)
    coords = config.encoding != "none"
    behind = inputs.features if coords else 0
    sides = level_sides(config.lattice, config.levels)
    tables = tuple(f"{FEATURES}{level}" for level in range(len(sides)))
    channels = config.feature_channels
    hidden, omega = config.hidden_features or 0, config.hidden_omega_0 or 1.0
    steps: list[Step] = [
        LookUp(
            source=COORDS,
            target=FEATURES,
            tables=tables,
            sides=sides,
            extent=config.extent or (1.0,) * in_features,
            channels=channels,
            behind=behind,
        )
    ]
    stacks: list[Stack] = list(inputs.stacks)
    fan_ins = [len(tables) * channels + behind] + [hidden] * (config.hidden_layers + 1)
    fan_outs = [hidden * activation.pre_activations] * (config.hidden_layers + 1) + [out_features]
    register = FEATURES
    for number, shape in enumerate(zip(fan_ins, fan_outs, strict=True)):
        last = number == len(fan_outs) - 1
        names = (f"weight{number}", f"bias{number}")
        layer = affine_stacks(activation, names, shape, is_first=number == 0, omega=omega, local=False)
        stacks += [replace(stack, lr_factor=NETWORK_RATE) for stack in layer]
        steps.append(Affine(source=register, target=f"affine{number}", weight=names[0], bias=names[1]))
        register = "out" if last else f"hidden{number}"
        steps.append(
            Activate(
                source=f"affine{number}",
                target=register,
                activation=load("output", config.output) if last else activation,
                omega_0=(config.first_omega_0 or 1.0) if number == 0 else omega,
                scale_0=config.scale_0,
            )
        )
    for name, points in zip(tables, sides, strict=True):
        shape = (math.prod(points), channels)
        drawn = partial(_drawn, shape)
        stacks.append(Stack(name=name, shape=shape, init=drawn, lr_factor=FEATURE_RATE, points=points))
    return Description(
        frames={COORDS: config.frame},
        encoding=beside(inputs.encoding) if coords else inputs.encoding,
        frequencies=inputs.frequencies,
        steps=tuple(steps),
        stacks=tuple(stacks),
        output=register,
    )


def level_sides(points: Sequence[int], levels: int) -> tuple[tuple[int, ...], ...]:
    """Return the points of each level along each axis: half the intervals of the level before, rounded up."""
    return tuple(tuple(-(-(count - 1) // 2**level) + 1 for count in points) for level in range(levels))


def levels_that_fit(points: Sequence[int]) -> int:
    """Return how many levels there can be, at most `MAX_LEVELS`: the last has one interval on its longest axis."""
    intervals = max(points) - 1
    return min(MAX_LEVELS, 1 + math.ceil(math.log2(intervals)) if intervals > 1 else 1)


def _check(config: ModelConfig, axes: int) -> None:
    if config.frame != "local":
        raise ConfigError(
            f"--frame {config.frame} is not for --model feature-grid, whose lattices lie in each region's own frame",
            hint="leave --frame out",
        )
    if len(config.lattice) != axes or len(config.extent) not in (0, axes) or config.levels < 1:
        raise ConfigError(
            f"a feature grid over {axes} axes needs a lattice of as many numbers and a level or more, got "
            f"{len(config.lattice)} numbers and {config.levels} levels",
            hint="inrfit.models.sizing.resolve fills them in",
        )


def _drawn(shape: tuple[int, int], random: np.random.Generator) -> NDArray[np.float32]:
    return random.uniform(-SPREAD, SPREAD, shape).astype(np.float32)
