"""Pieces that descriptions share: encoded inputs, and the weight stacks of affine maps."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray

from inrfit.models.config import ModelConfig
from inrfit.models.description import Stack
from inrfit.registry import load
from inrfit.steps.activations import Activation
from inrfit.steps.encodings import Encoding


@dataclass(frozen=True, slots=True, kw_only=True)
class Encoded:
    """The encoding of a configuration.

    Attributes:
        encoding: the function.
        frequencies: as in `Description`.
        stacks: the stack of drawn frequencies, if there are any.
        features: what one sample's coordinates become.
    """

    encoding: Encoding
    frequencies: NDArray[np.float64] | str | None
    stacks: tuple[Stack, ...]
    features: int


def encoded(config: ModelConfig, in_features: int) -> Encoded:
    """Return the encoding of `in_features` coordinates that a configuration names."""
    encoding: Encoding = load("encoding", config.encoding)
    features = encoding.features(in_features, config)
    if not encoding.drawn:
        fixed = encoding.frequencies(np.random.default_rng(0), in_features, config)
        return Encoded(encoding=encoding, frequencies=fixed, stacks=(), features=features)

    def draw(random: np.random.Generator) -> NDArray[np.float32]:
        return np.asarray(encoding.frequencies(random, in_features, config), np.float32)

    shape = (config.features, in_features)
    stack = Stack(name="frequencies", shape=shape, init=draw, local=False, trained=False)
    return Encoded(encoding=encoding, frequencies=stack.name, stacks=(stack,), features=features)


def affine_stacks(
    activation: Activation,
    names: tuple[str, str],
    shape: tuple[int, int],
    *,
    is_first: bool,
    omega: float,
    local: bool = True,
) -> tuple[Stack, Stack]:
    """Return weight and bias of an affine map; both draw from the same stream, so that neither is a copy.

    Args:
        activation: decides on the initial weights.
        names: of the two stacks.
        shape: (fan_in, fan_out).
        is_first: whether the map sees the coordinates.
        omega: factor of the hidden activations.
        local: one group per region, or one for the signal.
    """

    def draw(random: np.random.Generator, part: int) -> np.ndarray:
        return activation.init(random, shape, is_first, omega)[part]

    weight, bias = names
    return (
        Stack(name=weight, shape=shape, init=partial(draw, part=0), local=local),
        Stack(name=bias, shape=(1, shape[1]), init=partial(draw, part=1), local=local),
    )
