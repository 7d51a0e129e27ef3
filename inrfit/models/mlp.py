"""One multilayer perceptron for the whole signal: SIREN and its relatives."""

from __future__ import annotations

from inrfit.models.config import ModelConfig
from inrfit.models.description import COORDS, Description, Stack, Step
from inrfit.models.layers import affine_stacks, encoded
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
    inputs = encoded(config, in_features)
    hidden, omega = config.hidden_features or 0, config.hidden_omega_0 or 1.0
    fan_ins = [inputs.features] + [hidden] * (config.hidden_layers + 1)
    fan_outs = [hidden * activation.pre_activations] * (config.hidden_layers + 1) + [out_features]
    stacks: list[Stack] = list(inputs.stacks)
    steps: list[Step] = []
    register = COORDS
    for number, shape in enumerate(zip(fan_ins, fan_outs, strict=True)):
        last = number == len(fan_outs) - 1
        names = (f"weight{number}", f"bias{number}")
        stacks += affine_stacks(activation, names, shape, is_first=number == 0, omega=omega)
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
    return Description(
        frames={COORDS: config.frame},
        encoding=inputs.encoding,
        frequencies=inputs.frequencies,
        steps=tuple(steps),
        stacks=tuple(stacks),
        output=register,
    )
