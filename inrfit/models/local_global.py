"""Local-Global: a small network per region, one shared trunk, and one shared merge after every hidden layer.

Only the shared trunk and the merge tie the regions together, so a region can be dropped with its weights.
Source: Nistor et al., NeurIPS 2024, arXiv 2409.19472 ("Towards Croppable Implicit Neural Representations"). There
both branches see global coordinates; here each has its own frame.
"""

from __future__ import annotations

from functools import partial

import numpy as np
from numpy.typing import NDArray

from inrfit.models.config import ModelConfig
from inrfit.models.description import COORDS, TRUNK_COORDS, Description, Stack, Step
from inrfit.models.layers import affine_stacks, encoded
from inrfit.registry import load
from inrfit.steps.activations import Activate, Activation
from inrfit.steps.affine import AddAffine, Affine


def describe(config: ModelConfig, in_features: int, out_features: int) -> Description:
    """Describe G_k = act(trunk_k(G_{k-1})), L_k = act(local_k(M_{k-1})), M_k = act([L_k, G_k] W + b), M_0 = coords.

    k counts the input layer and the hidden layers; W and b are the same for all regions and all k. The output is a
    linear map of the last M, one per region.

    Args:
        config: a resolved configuration: widths and omegas are numbers.
        in_features: coordinates per sample.
        out_features: channels.
    """
    activation: Activation = load("activation", config.activation)
    inputs = encoded(config, in_features)
    hidden, trunk = config.hidden_features or 0, config.trunk_features or 0
    width, omega = activation.pre_activations, config.hidden_omega_0 or 1.0
    layers = config.hidden_layers + 1
    activate = partial(Activate, activation=activation, scale_0=config.scale_0)

    stacks: list[Stack] = list(inputs.stacks)
    steps: list[Step] = []
    merged, shared = COORDS, TRUNK_COORDS
    for k in range(layers):
        first = k == 0
        own, common = (f"weight{k}", f"bias{k}"), (f"trunk_weight{k}", f"trunk_bias{k}")
        fan_in, trunk_in = (inputs.features, inputs.features) if first else (hidden, trunk)
        stacks += affine_stacks(activation, own, (fan_in, hidden * width), is_first=first, omega=omega)
        stacks += affine_stacks(
            activation, common, (trunk_in, trunk * width), is_first=first, omega=omega, local=False
        )
        local_omega = (config.first_omega_0 or 1.0) if first else omega
        trunk_omega = (config.trunk_omega_0 or 1.0) if first else omega
        steps += [
            Affine(source=shared, target=f"trunk_affine{k}", weight=common[0], bias=common[1]),
            activate(source=f"trunk_affine{k}", target=f"trunk{k}", omega_0=trunk_omega),
            Affine(source=f"trunk{k}", target=f"addend{k}", weight="merge_trunk", bias="merge_bias"),
            Affine(source=merged, target=f"affine{k}", weight=own[0], bias=own[1]),
            activate(source=f"affine{k}", target=f"local{k}", omega_0=local_omega),
            AddAffine(source=f"local{k}", addend=f"addend{k}", target=f"merge{k}", weight="merge_local"),
            activate(source=f"merge{k}", target=f"merged{k}", omega_0=omega),
        ]
        merged, shared = f"merged{k}", f"trunk{k}"

    last = (f"weight{layers}", f"bias{layers}")
    stacks += affine_stacks(activation, last, (hidden, out_features), is_first=False, omega=omega)
    stacks += _merge_stacks(activation, hidden, trunk, omega)
    steps += [
        Affine(source=merged, target="affine_out", weight=last[0], bias=last[1]),
        Activate(
            source="affine_out",
            target="out",
            activation=load("output", config.output),
            omega_0=omega,
            scale_0=config.scale_0,
        ),
    ]
    return Description(
        frames={COORDS: config.frame, TRUNK_COORDS: "local" if config.trunk_frame == "local" else "folded"},
        encoding=inputs.encoding,
        frequencies=inputs.frequencies,
        steps=tuple(steps),
        stacks=tuple(stacks),
        output="out",
    )


def _merge_stacks(activation: Activation, hidden: int, trunk: int, omega: float) -> list[Stack]:
    """Return the merge's bias and its matrix in two parts, the rows of local and those of trunk features."""
    both, out = hidden + trunk, hidden * activation.pre_activations
    weight, bias = affine_stacks(
        activation, ("merge", "merge_bias"), (both, out), is_first=False, omega=omega, local=False
    )

    def part(random: np.random.Generator, rows: slice) -> NDArray[np.float32]:
        return weight.init(random)[rows]

    return [
        Stack(
            name="merge_local", shape=(hidden, out), init=partial(part, rows=slice(0, hidden)), local=False
        ),
        Stack(
            name="merge_trunk", shape=(trunk, out), init=partial(part, rows=slice(hidden, both)), local=False
        ),
        bias,
    ]
