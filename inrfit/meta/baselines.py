"""The starts that meta-learning is compared with, as learners of their own: they learn nothing, or no inner steps.

Source: Tancik et al., CVPR 2021.
"""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING, ClassVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from inrfit.errors import ConfigError
from inrfit.meta import inner
from inrfit.meta.learner import Numbers
from inrfit.meta.reptile import Plain
from inrfit.meta.tasks import Tasks

if TYPE_CHECKING:
    from inrfit.meta.init import Init

Array = NDArray[np.float32]


class Standard(Plain):
    """Weights as they are drawn for any fit; every region starts with the same."""

    trains: ClassVar[bool] = False
    descends: ClassVar[bool] = False


class Mean(Plain):
    """The start with the least error over all signals before any step: a network that gives the mean signal.

    Nothing is said to training of the steps that follow: they are plain ones, as many as `MetaConfig.inner_steps`.
    """

    descends: ClassVar[bool] = False

    def outer_gradients(self, params: Numbers, tasks: Tasks) -> tuple[dict[str, Tensor], Tensor]:
        """Return the gradients of the errors of the start, and those errors; see `Learner.outer_gradients`."""
        with torch.enable_grad():
            weights = self.weights(params, self.start(params, tasks))
            mse = inner.signal_mse(inner.errors(self, weights, tasks), tasks)
            found = self.gradients(params, mse)
        return found, mse.detach()


class Derived(Plain):
    """A start made of the weights of another init, which keeps something of them and loses the rest."""

    trains: ClassVar[bool] = False
    derived: ClassVar[bool] = True
    descends: ClassVar[bool] = False

    def derive(self, other: Init, seed: int) -> dict[str, Array]:
        """Return what this learner would have learned, made of the weights of another init.

        What is drawn once and not trained, such as frequencies, stays that of the other.

        Args:
            other: of the same network.
            seed: of the random numbers.

        Raises:
            ConfigError: the other init is of another network, or holds no weights that regions start with.
        """
        made = self.parameters(seed)
        for stack in self.description.stacks:
            weights = other.params.get(stack.name)
            if weights is None or weights.shape != made[stack.name].shape:
                raise ConfigError(
                    f"--method {self.config.method} needs an init with the weights of its network, the {stack.name} of this "
                    f"{other.config.method} init does not fit",
                    hint="give an init of --method maml or reptile of the same model with --from",
                )
            random = np.random.default_rng([seed, zlib.crc32(stack.name.encode())])
            made[stack.name] = self._remade(weights, random) if stack.trained else weights
        return made

    def _remade(self, weights: Array, random: np.random.Generator) -> Array:
        """Return other weights that have in common with the given ones what this baseline keeps."""
        raise NotImplementedError


class Matched(Derived):
    """Weights from a normal distribution with the mean and the standard deviation of each stack of another init."""

    def _remade(self, weights: Array, random: np.random.Generator) -> Array:
        drawn = random.normal(weights.mean(dtype=np.float64), weights.std(dtype=np.float64), weights.shape)
        return drawn.astype(np.float32)


class Shuffled(Derived):
    """The weights of another init, those of each stack in a random order."""

    def _remade(self, weights: Array, random: np.random.Generator) -> Array:
        return random.permutation(weights.ravel()).reshape(weights.shape)
