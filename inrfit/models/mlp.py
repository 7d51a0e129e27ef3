"""One multilayer perceptron for the whole signal: SIREN and its relatives."""

from __future__ import annotations

from functools import partial

import numpy as np

from inrfit.config import ModelConfig
from inrfit.models.description import COORDS, Description, Stack, Step
from inrfit.registry import load
from inrfit.steps.activations import Activate, Activation
from inrfit.steps.affine import Affine


def describe(config: ModelConfig, in_features: int, out_features: int) -> Description:
    """Describe an input layer, `hidden_layers` hidden layers and a linear output.

    Args:
        config: a resolved configuration: width and omegas are numbers.
        in_features: coordinates per sample.
        out_features: channels.
    """
    activation: Activation = load("activation", config.activation)
    encoding = load("encoding", config.encoding)
    stacks: list[Stack] = []
    frequencies = None
    if encoding.drawn:
        frequencies = "frequencies"
        draw = partial(encoding.frequencies, in_features=in_features, config=config)
        stacks.append(
            Stack(
                name=frequencies, shape=(config.features, in_features), init=draw, local=False, trained=False
            )
        )
    elif (fixed := encoding.frequencies(None, in_features, config)) is not None:
        frequencies = fixed

    hidden = config.hidden_features or 0
    fan_ins = [encoding.features(in_features, config)] + [hidden] * (config.hidden_layers + 1)
    fan_outs = [hidden * activation.pre_activations] * (config.hidden_layers + 1) + [out_features]
    steps: list[Step] = []
    register = COORDS
    for number, shape in enumerate(zip(fan_ins, fan_outs, strict=True)):
        last = number == len(fan_outs) - 1
        weight, bias = f"weight{number}", f"bias{number}"
        stacks += _affine_stacks(activation, weight, bias, shape, number == 0, config.hidden_omega_0 or 1.0)
        steps.append(Affine(source=register, target=f"affine{number}", weight=weight, bias=bias))
        omega = config.first_omega_0 if number == 0 else config.hidden_omega_0
        register = "out" if last else f"hidden{number}"
        steps.append(
            Activate(
                source=f"affine{number}",
                target=register,
                activation=load("output", config.output) if last else activation,
                omega_0=omega or 1.0,
                scale_0=config.scale_0,
            )
        )
    return Description(
        frame=config.frame,
        encoding=encoding,
        frequencies=frequencies,
        steps=tuple(steps),
        stacks=tuple(stacks),
        output=register,
    )


def _affine_stacks(
    activation: Activation, weight: str, bias: str, shape: tuple[int, int], is_first: bool, omega: float
) -> list[Stack]:
    """Return the two stacks of an affine map; both draw from the same stream, so that neither is a copy."""

    def draw(random: np.random.Generator, part: int) -> np.ndarray:
        return activation.init(random, shape, is_first, omega)[part]

    return [
        Stack(name=weight, shape=shape, init=partial(draw, part=0)),
        Stack(name=bias, shape=(1, shape[1]), init=partial(draw, part=1)),
    ]
