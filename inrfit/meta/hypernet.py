"""Hypernetworks: a transformer reads a signal and gives what the network of each region has of its own; no step is taken.

Steps may follow. The transformer is in `transformer`, what it predicts of a composer in `modulation`.
Source: Kim et al., CVPR 2023, arXiv 2211.13223 (instance pattern composers); Chen & Wang, ECCV 2022 (TransINR).
"""

from __future__ import annotations

import copy
import math
import zlib
from collections.abc import Mapping
from typing import ClassVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn.functional import interpolate

from inrfit.errors import ConfigError
from inrfit.meta.config import MetaConfig
from inrfit.meta.learner import Numbers
from inrfit.meta.maml import Maml
from inrfit.meta.modulation import Composer, Normalised, V
from inrfit.meta.tasks import Tasks
from inrfit.meta.transformer import Answer, Dropout, Transformer, count_tokens, tokens
from inrfit.models.config import ModelConfig
from inrfit.models.description import initial_weights

FACTOR = "factor."
"""What the names of the predicted factors of weight matrices begin with."""

LINEAR = {1: "linear", 2: "bilinear", 3: "trilinear"}
"""Axes -> what torch calls linear interpolation."""


class Predicting(Maml):
    """A learner that starts from what a transformer predicts for each region's box, zero inner steps by default.

    Attributes:
        transformer: its sizes.
        defaults: words of the configuration for those who say nothing else.
    """

    transformer: Transformer
    defaults: ClassVar[Mapping[str, object]] = {"inner_steps": 0}
    _dropout: Dropout | None = None

    def transformer_for(self, answers: tuple[Answer, ...]) -> Transformer:
        """Return the transformer that a configuration asks for.

        Raises:
            ConfigError: a patch is larger than what is read, or there are more axes than can be resized.
        """
        config = self.config
        if config.patch > config.size:
            raise ConfigError(
                f"--patch {config.patch} must be at most --size {config.size}",
                hint=f"for example --patch {max(1, config.size // 8)}",
            )
        if self.in_features not in LINEAR:
            raise ConfigError(
                f"--method {config.method} reads signals of 1 to 3 axes, not {self.in_features}",
                hint="use --method maml",
            )
        return Transformer(
            features=config.hyper_features,
            blocks=config.hyper_blocks,
            heads=config.hyper_heads,
            tokens=count_tokens(config.size, config.patch, self.in_features),
            values=config.patch**self.in_features * self.out_features,
            answers=answers,
        )

    def answers(self, params: Numbers, tasks: Tasks) -> dict[str, Tensor]:
        """Return what the transformer says about each region, [group, number, query], by the name of the answer."""
        seen = tokens(regions(tasks, self.config.size), self.config.patch)
        found = self.transformer.run(params, seen, self._dropout)
        return {name: answer.mT for name, answer in found.items()}

    def outer_gradients(self, params: Numbers, tasks: Tasks) -> tuple[dict[str, Tensor], Tensor]:
        """Return the gradients and errors of `Maml.outer_gradients`, with dropout where it is asked for.

        What is left out is a function of the seed and of the samples, so a run can go on and be shared out.
        """
        if not self.config.hyper_dropout:
            return super().outer_gradients(params, tasks)
        learner, targets = copy.copy(self), tasks.batch.targets
        seed = zlib.crc32(targets.cpu().numpy().tobytes(), self.config.seed & 0xFFFFFFFF)
        random = torch.Generator(targets.device).manual_seed(seed)
        learner._dropout = Dropout(share=self.config.hyper_dropout, random=random)
        return super(Predicting, learner).outer_gradients(params, tasks)


class ComposerHypernet(Predicting, Composer):
    """The factor V of instance pattern composers, one column for each of `rank` queries."""

    def __init__(self, model: ModelConfig, in_features: int, out_features: int, config: MetaConfig) -> None:
        super().__init__(model, in_features, out_features, config)
        fan_in, rank = self.factors[V]
        self.transformer = self.transformer_for((Answer(name=V, queries=rank, outputs=fan_in),))

    def shapes(self) -> dict[str, tuple[int, ...]]:
        """Return the shapes of all that is learned but inner rates, with none of it allocated."""
        shapes = super().shapes()
        del shapes[V]
        return {**shapes, **self.transformer.shapes()}

    def parameters(self, seed: int) -> dict[str, NDArray[np.float32]]:
        """Return what is learned before training: U and all other weights, and the transformer."""
        made = super().parameters(seed)
        del made[V]
        return {**made, **self.transformer.parameters(seed)}

    def start(self, params: Numbers, tasks: Tasks) -> dict[str, Tensor]:
        """Return what adapts as it is before the first step: V as it is predicted, [group, fan_in, rank]."""
        own = {n: params[n].expand(tasks.groups, *params[n].shape) for n in self.adapted if n != V}
        return {**self.answers(params, tasks), **own}


class TransInr(Predicting, Normalised):
    """TransINR: all weight matrices are learned ones times predicted factors, a column of factors for a group of units.

    Unit j of a layer has the factors of its query j mod g, with g = min(groups, units). Biases are not modulated.
    """

    models: ClassVar[tuple[str, ...]] = ("mlp", "partitioned")

    def __init__(self, model: ModelConfig, in_features: int, out_features: int, config: MetaConfig) -> None:
        super().__init__(model, in_features, out_features, config)
        stacks = {stack.name: stack.shape for stack in self.description.stacks}
        answers = []
        for weight in self._lengths:
            fan_in, fan_out = stacks[weight]
            queries = min(config.groups, fan_out)
            answers.append(Answer(name=FACTOR + weight, queries=queries, outputs=fan_in))
        self.adapted = tuple(answer.name for answer in answers)
        self.transformer = self.transformer_for(tuple(answers))

    def shapes(self) -> dict[str, tuple[int, ...]]:
        """Return the shapes of all that is learned but inner rates, with none of it allocated."""
        return {**super().shapes(), **self.transformer.shapes()}

    def parameters(self, seed: int) -> dict[str, NDArray[np.float32]]:
        """Return what is learned before training: the matrices that are modulated, biases, and the transformer."""
        made = {name: w[0] for name, w in initial_weights(self.description, [0], seed).items()}
        rates = {a.name: (a.outputs, a.queries) for a in self.transformer.answers}
        return {**made, **self.transformer.parameters(seed), **self._rates(rates)}

    def start(self, params: Numbers, tasks: Tasks) -> dict[str, Tensor]:
        """Return what adapts as it is before the first step: factors of each layer, [group, fan_in, query]."""
        return self.answers(params, tasks)

    def weights(self, params: Numbers, adapted: Numbers) -> dict[str, Tensor]:
        """Return the weight stacks of the description, [group or 1, *shape]."""
        groups, made = len(next(iter(adapted.values()))), {}
        for stack in self.description.stacks:
            learned = params[stack.name][None]
            if stack.name in self._lengths:
                factors = adapted[FACTOR + stack.name]
                repeats = -(-stack.shape[1] // factors.shape[-1])
                factors = factors.repeat(1, 1, repeats)[..., : stack.shape[1]]
                made[stack.name] = self.normalised(stack.name, learned * factors)
            else:
                made[stack.name] = learned.expand(groups, *stack.shape) if stack.local else learned
        return made


def regions(tasks: Tasks, size: int) -> Tensor:
    """Return the samples of the box of each region, [group, channel, *axes] on [-1, 1], `size` along each axis.

    Boxes of other sizes are resized: averaged where they are larger, interpolated where they are smaller.
    """
    seen, device = [], tasks.batch.targets.device
    for signal, partition in zip(tasks.signals, tasks.partitions, strict=True):
        for region in partition.regions:
            unit = torch.from_numpy(signal.info.to_unit(signal.dense(region.box))).to(device)
            seen.append(resized(unit.movedim(-1, 0)[None], size))
    return torch.cat(seen)


def resized(values: Tensor, size: int) -> Tensor:
    """Return [1, channel, *shape] with `size` samples along each axis."""
    axes = values.ndim - 2
    less = [min(size, have) for have in values.shape[2:]]
    if less != list(values.shape[2:]):
        values = interpolate(values, less, mode="area")
    if less != [size] * axes:
        values = interpolate(values, [size] * axes, mode=LINEAR[axes], align_corners=False)
    return values


def shapes_on_meta(learner: ComposerHypernet | TransInr) -> dict[str, tuple[int, ...]]:
    """Run a learner's transformer on torch's meta device, where nothing is allocated or computed.

    Returns:
        "tokens" [signal, token, value], and for each answer what it becomes, [signal, number, query].
    """
    made = learner.transformer
    params = {name: torch.empty(shape, device="meta") for name, shape in learner.shapes().items()}
    channels = made.values // learner.config.patch**learner.in_features
    side = (learner.config.size,) * learner.in_features
    seen = tokens(torch.empty((1, channels, *side), device="meta"), learner.config.patch)
    found = made.run(params, seen)
    return {"tokens": tuple(seen.shape), **{name: tuple(a.mT.shape) for name, a in found.items()}}


def count(learner: ComposerHypernet | TransInr) -> int:
    """Return how many numbers are learned, but for inner rates."""
    return sum(math.prod(shape) for shape in learner.shapes().values())
