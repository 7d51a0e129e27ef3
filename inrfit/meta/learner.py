"""What a meta-learner is: what it learns, what a region starts with, and how a step changes that. No loop is here."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import ClassVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from inrfit.errors import ConfigError
from inrfit.meta.config import MetaConfig
from inrfit.meta.sine import swift
from inrfit.meta.tasks import Tasks
from inrfit.models.config import ModelConfig
from inrfit.models.description import describe, initial_weights

Numbers = Mapping[str, Tensor]
"""Name -> tensor: what is learned, or what adapts ([group, ...]), or weight stacks ([group or 1, ...])."""

RATE = "rate."
"""What the names of learned inner rates begin with."""

RIDGE = "ridge"
"""Name of the learned logarithms of the ridges of a closed-form output layer, one for each feature and the bias."""


class Learner(ABC):
    """A meta-learner: all weights of a region adapt from one learned start, by gradient steps with learned rates.

    Others derive from it, most of them from `maml.Maml`, and say what differs. What is learned is a table of named tensors; an init file holds it.
    Functions take it as an argument and keep nothing, so that they can be differentiated.

    Args:
        model: a resolved configuration.
        in_features: coordinates per sample.
        out_features: channels.
        config: how it is learned.

    Attributes:
        description: the network.
        adapted: names of what adapts, which for this learner are weight stacks.
        trains: whether there is anything to learn from signals.
        derived: whether it is made from another init.
        descends: whether steps of plain descent lead on from its start, as they do where it was learned for steps.
        models: names of the models that it knows how to adapt.
    """

    trains: ClassVar[bool] = True
    derived: ClassVar[bool] = False
    descends: ClassVar[bool] = True
    models: ClassVar[tuple[str, ...]] = ("mlp", "partitioned", "local-global")

    def __init__(self, model: ModelConfig, in_features: int, out_features: int, config: MetaConfig) -> None:
        self.model, self.config = model, config
        self.in_features, self.out_features = in_features, out_features
        self.description = swift(describe(model, in_features, out_features))
        self.adapted: tuple[str, ...] = tuple(
            s.name for s in self.description.stacks if s.local and s.trained
        )

    def parameters(self, seed: int) -> dict[str, NDArray[np.float32]]:
        """Return what is learned as it is before any training."""
        made = {name: w[0] for name, w in initial_weights(self.description, [0], seed).items()}
        shapes = {name: made[name].shape for name in self.adapted}
        return {**made, **self._rates(shapes)}

    def shapes(self) -> dict[str, tuple[int, ...]]:
        """Return the shapes of all that is learned but inner rates, with none of it allocated."""
        return {stack.name: stack.shape for stack in self.description.stacks}

    def fixed(self) -> tuple[str, ...]:
        """Return the names of what `parameters` gives and training leaves as it is, such as drawn frequencies."""
        return tuple(stack.name for stack in self.description.stacks if not stack.trained)

    def start(self, params: Numbers, tasks: Tasks) -> dict[str, Tensor]:
        """Return what adapts as it is before the first step, [group, *shape]."""
        return {name: params[name].expand(tasks.groups, *params[name].shape) for name in self.adapted}

    def weights(self, params: Numbers, adapted: Numbers) -> dict[str, Tensor]:
        """Return the weight stacks of the description, [group or 1, *shape]."""
        groups = len(next(iter(adapted.values()))) if adapted else 1
        found = {}
        for stack in self.description.stacks:
            if stack.name in adapted:
                found[stack.name] = adapted[stack.name]
            else:
                shape = (groups if stack.local else 1, *stack.shape)
                found[stack.name] = params[stack.name].expand(shape)
        return found

    def step(self, params: Numbers, adapted: Numbers, gradients: Numbers, number: int) -> dict[str, Tensor]:
        """Return what adapts after an inner step.

        Args:
            params: what is learned.
            adapted: as it is, [group, *shape].
            gradients: of the inner loss of each group, of the same shape.
            number: of the step, from 0; beyond the inner steps that were trained the rates are those of the last.
        """
        return {
            name: value - self.rate(params, name, number) * gradients[name] for name, value in adapted.items()
        }

    def rate(self, params: Numbers, name: str, number: int) -> Tensor | float:
        """Return the rate of an inner step for one of the things that adapt."""
        if self.config.rates == "fixed" or RATE + name not in params:
            return self.config.inner_lr
        learned = params[RATE + name][min(number, self.config.inner_steps - 1)]
        return learned if self.config.rates == "linear" else learned.exp()

    @abstractmethod
    def outer_gradients(self, params: Numbers, tasks: Tasks) -> tuple[dict[str, Tensor], Tensor]:
        """Return the gradients by what is learned, and the errors.

        Args:
            params: what is learned; leaves that require a gradient, but for what is fixed.
            tasks: what is adapted to.

        Returns:
            Name -> gradient, summed over signals, and the mean squared error of each signal, [signal].
        """

    @staticmethod
    def gradients(params: Numbers, mse: Tensor) -> dict[str, Tensor]:
        """Return the gradient of errors [signal], summed, by all that is learned; zeros where there is none."""
        leaves = {name: value for name, value in params.items() if value.requires_grad}
        if not mse.requires_grad:
            return {name: torch.zeros_like(value) for name, value in leaves.items()}
        found = torch.autograd.grad(mse.sum(), list(leaves.values()), allow_unused=True)
        pairs = zip(leaves.items(), found, strict=True)
        return {n: torch.zeros_like(v) if g is None else g for (n, v), g in pairs}

    def _rates(self, shapes: Mapping[str, tuple[int, ...]]) -> dict[str, NDArray[np.float32]]:
        """Return the learned rates before training: a line for each inner step."""
        config, made = self.config, {}
        if config.rates != "fixed" and config.inner_steps:
            begin = config.inner_lr if config.rates == "linear" else np.log(config.inner_lr)
            for name, shape in shapes.items():
                own = tuple(1 for _ in shape) if config.rates == "tensor" else shape
                made[RATE + name] = np.full((config.inner_steps, *own), begin, np.float32)
        if config.solve != "none":
            last = self.last_matrix
            inputs = next(s.shape[0] for s in self.description.stacks if s.name == last[0]) + 1
            made[RIDGE] = np.full((inputs,), np.log(1e-2), np.float32)
        return made

    @property
    def last_matrix(self) -> tuple[str, str]:
        """Names of weight and bias of a linear output layer, which has a closed form.

        Raises:
            ConfigError: the output layer is not linear, or has no weights of the region's own.
        """
        for matrix in self.description.matrices():
            if matrix.last and matrix.bias is not None and matrix.weight in self.adapted:
                return matrix.weight, matrix.bias
        raise ConfigError(
            "--solve needs a linear output layer that adapts",
            hint="leave out --solve, or take --output-activation linear",
        )


def as_tensors(params: Mapping[str, NDArray[np.float32]], device: str = "cpu") -> dict[str, Tensor]:
    """Return learned numbers as tensors."""
    return {name: torch.tensor(value, device=device) for name, value in params.items()}
