"""A transformer that reads the tokens of a signal and answers learned queries; what the answers mean is not known here.

Its numbers are in a table by name, so that they are learned, stored and differentiated like any others.
Source: Chen & Wang, ECCV 2022 (TransINR), and Kim et al., CVPR 2023 (instance pattern composers), with their code.
"""

from __future__ import annotations

import math
import zlib
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn.functional import gelu, layer_norm, linear, pad, scaled_dot_product_attention

WIDER = 4
"""Width of the hidden layer of a block's perceptron, in widths of the transformer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """A set of queries.

    Attributes:
        name: of what the answers are, as in the names of its numbers.
        queries: how many.
        outputs: numbers in the answer to each.
    """

    name: str
    queries: int
    outputs: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Dropout:
    """What is left out in training.

    Attributes:
        share: of the numbers that a block adds, 0 to 1.
        random: draws them.
    """

    share: float
    random: torch.Generator

    def __call__(self, x: Tensor) -> Tensor:
        """Return x with some numbers 0 and the others larger by as much."""
        kept = torch.rand(x.shape, generator=self.random, device=x.device) >= self.share
        return x * kept / (1 - self.share)


@dataclass(frozen=True, slots=True, kw_only=True)
class Transformer:
    """Sizes of a transformer: pre-norm blocks with GELU in which all tokens see each other, no norm at the end.

    Attributes:
        features, blocks, heads: width, depth and attention heads.
        tokens: of a signal.
        values: numbers in a token.
        answers: the queries and what they are answered with.
    """

    features: int
    blocks: int
    heads: int
    tokens: int
    values: int
    answers: tuple[Answer, ...]

    @property
    def queries(self) -> int:
        """All queries together."""
        return sum(answer.queries for answer in self.answers)

    def shapes(self) -> dict[str, tuple[int, ...]]:
        """Return the shapes of its numbers by name, with none of them allocated."""
        width, made = self.features, {}

        def affine(name: str, fan_in: int, fan_out: int) -> None:
            made[f"{name}.weight"], made[f"{name}.bias"] = (fan_out, fan_in), (fan_out,)

        affine("hyper.patch", self.values, width)
        made["hyper.position"] = (self.tokens, width)
        made["hyper.query"] = (self.queries, width)
        for number in range(self.blocks):
            block = f"hyper.block{number}"
            affine(f"{block}.qkv", width, 3 * width)
            affine(f"{block}.out", width, width)
            affine(f"{block}.wide", width, WIDER * width)
            affine(f"{block}.narrow", WIDER * width, width)
            for norm in ("norm1", "norm2"):
                made[f"{block}.{norm}.weight"] = made[f"{block}.{norm}.bias"] = (width,)
        for answer in self.answers:
            made[f"hyper.{answer.name}.norm.weight"] = made[f"hyper.{answer.name}.norm.bias"] = (width,)
            affine(f"hyper.{answer.name}", width, answer.outputs)
        return made

    def parameters(self, seed: int) -> dict[str, NDArray[np.float32]]:
        """Draw its numbers: positions and queries ~ N(0, 1), matrices U(+-1/sqrt(fan_in)), biases 0, norms 1."""
        made = {}
        for name, shape in self.shapes().items():
            random = np.random.default_rng([seed, zlib.crc32(name.encode()), 0])
            if name in ("hyper.position", "hyper.query"):
                values = random.normal(size=shape)
            elif len(shape) == 2:
                values = random.uniform(-1, 1, shape) / math.sqrt(shape[1])
            else:
                values = np.full(shape, float(name.endswith("weight")))
            made[name] = values.astype(np.float32)
        return made

    def run(
        self, params: Mapping[str, Tensor], tokens: Tensor, dropout: Dropout | None = None
    ) -> dict[str, Tensor]:
        """Return what the queries are answered with.

        Args:
            params: its numbers, and any others.
            tokens: [signal, token, value].
            dropout: what is left out in training.

        Returns:
            Name of an answer -> [signal, query, output].
        """
        x = (
            linear(tokens, params["hyper.patch.weight"], params["hyper.patch.bias"])
            + params["hyper.position"]
        )
        x = torch.cat([x, params["hyper.query"].expand(len(x), -1, -1)], 1)
        for number in range(self.blocks):
            block = f"hyper.block{number}"
            x = x + _dropped(self._attended(params, block, _normed(params, f"{block}.norm1", x)), dropout)
            wide = gelu(_affine(params, f"{block}.wide", _normed(params, f"{block}.norm2", x)))
            x = x + _dropped(_affine(params, f"{block}.narrow", wide), dropout)
        parts = x[:, self.tokens :].split([answer.queries for answer in self.answers], 1)
        return {
            answer.name: _affine(
                params, f"hyper.{answer.name}", _normed(params, f"hyper.{answer.name}.norm", part)
            )
            for answer, part in zip(self.answers, parts, strict=True)
        }

    def _attended(self, params: Mapping[str, Tensor], block: str, x: Tensor) -> Tensor:
        """Return what each token takes from all others, [signal, token, feature]."""
        three = _affine(params, f"{block}.qkv", x).unflatten(-1, (3, self.heads, -1))
        query, key, value = three.permute(2, 0, 3, 1, 4)
        seen = scaled_dot_product_attention(query, key, value)
        return _affine(params, f"{block}.out", seen.transpose(1, 2).flatten(2))


def tokens(values: Tensor, patch: int) -> Tensor:
    """Cut signals into patches that do not overlap.

    What a side lacks to whole patches is added at both ends: mirrored where there is one axis, as published for sounds,
    0 where there are more (a picture of 178 with patches of 9 gets 1 at each side).

    Args:
        values: [signal, channel, *shape].
        patch: samples along each axis; at most a side.

    Returns:
        [signal, token, value], patches and the samples in them row-major, channels last.
    """
    axes = values.ndim - 2
    missing = [-size % patch for size in values.shape[2:]]
    around = [part for count in reversed(missing) for part in (count // 2, count - count // 2)]
    if any(missing):
        values = pad(values, around, mode="reflect" if axes == 1 else "constant")
    for axis in range(axes):
        values = values.unflatten(2 + 2 * axis, (-1, patch))
    places, samples = range(2, 2 + 2 * axes, 2), range(3, 2 + 2 * axes, 2)
    return values.permute(0, *places, *samples, 1).flatten(1 + axes).flatten(1, axes)


def count_tokens(size: int, patch: int, axes: int) -> int:
    """Return how many tokens a signal of `size` samples along each axis has."""
    return (-(-size // patch)) ** axes


def _affine(params: Mapping[str, Tensor], name: str, x: Tensor) -> Tensor:
    return linear(x, params[f"{name}.weight"], params[f"{name}.bias"])


def _normed(params: Mapping[str, Tensor], name: str, x: Tensor) -> Tensor:
    return layer_norm(x, x.shape[-1:], params[f"{name}.weight"], params[f"{name}.bias"])


def _dropped(x: Tensor, dropout: Dropout | None) -> Tensor:
    return x if dropout is None else dropout(x)
