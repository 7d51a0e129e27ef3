"""Instance pattern composers: the one matrix that a region has of its own is a product of which a small factor adapts.

Source: Kim et al., CVPR 2023, arXiv 2211.13223, with its Algorithm 1, which is CAVIA (Zintgraf et al., ICML 2019) with a
learned start. How a transformer predicts the factor is in `hypernet`.
"""

from __future__ import annotations

import math
import zlib
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray
from torch import Tensor
from torch.nn.functional import normalize

from inrfit.errors import ConfigError
from inrfit.meta.config import MetaConfig
from inrfit.meta.learner import Numbers
from inrfit.meta.maml import Maml
from inrfit.models import composer
from inrfit.models.config import ModelConfig
from inrfit.models.description import initial_weights
from inrfit.registry import load

V, U = "V", "U"
"""Names of the factor that adapts, [fan_in, rank], and of the learned one, [rank, fan_out]."""


class Normalised(Maml):
    """A learner whose networks have weight matrices with columns of one length; it says nothing about what adapts.

    A column (all that one unit reads) has the length 1, as published. Behind the first layer of networks whose
    activation is a function of omega z, such as a sine, it is sqrt(2) / omega, that of the columns of a SIREN.
    """

    def __init__(self, model: ModelConfig, in_features: int, out_features: int, config: MetaConfig) -> None:
        super().__init__(model, in_features, out_features, config)
        if model.name not in self.models:
            raise ConfigError(
                f"--method {config.method} does not know how to adapt --model {model.name}",
                hint=f"use --model {' or '.join(self.models)}",
            )
        folds = load("activation", model.activation).folds
        hidden = math.sqrt(2) / (model.hidden_omega_0 or 1.0) if folds else 1.0
        self._matrices = [step.matrix for step in self.description.steps if step.matrix is not None]
        first, last = self._matrices[0][0], self._matrices[-1][0]
        self._lengths = {weight: 1.0 if weight in (first, last) else hidden for weight, _ in self._matrices}

    def normalised(self, name: str, weight: Tensor) -> Tensor:
        """Return a matrix [..., fan_in, fan_out] with columns of the length that those of a layer have."""
        return normalize(weight, dim=-2) * self._lengths[name]

    def drawn(self, seed: int) -> dict[str, NDArray[np.float32]]:
        """Return the stacks of the description before training; biases are 0."""
        made = {name: w[0] for name, w in initial_weights(self.description, [0], seed).items()}
        for _, bias in self._matrices:
            if bias is not None:
                made[bias] = np.zeros_like(made[bias])
        return made

    def steepened(
        self, params: Numbers, adapted: Numbers, gradients: Numbers, number: int
    ) -> dict[str, Tensor]:
        """Return what adapts after the step F <- F - rate ||F||^2 gradient, with the norm of each group's own.

        With columns of one length the loss does not depend on that of F, so its gradient falls as F grows; the squared
        norm makes up for it. Derivatives go through the norm.
        """
        moved = {}
        for name, value in adapted.items():
            size = value.square().sum(tuple(range(1, value.ndim)), keepdim=True)
            moved[name] = value - self.rate(params, name, number) * size * gradients[name]
        return moved

    def step(self, params: Numbers, adapted: Numbers, gradients: Numbers, number: int) -> dict[str, Tensor]:
        """Return what adapts after an inner step; see `steepened`."""
        return self.steepened(params, adapted, gradients, number)


class Composer(Normalised):
    """A region's matrix is V U with columns of one length: V adapts, U and all other weights are learned and shared."""

    models: ClassVar[tuple[str, ...]] = ("composer",)

    def __init__(self, model: ModelConfig, in_features: int, out_features: int, config: MetaConfig) -> None:
        super().__init__(model, in_features, out_features, config)
        self._own = composer.modulated(model)
        fan_in, fan_out = next(s.shape for s in self.description.stacks if s.name == self._own)
        most = max(fan_in, fan_out)
        product = config.factor in ("uv", "unvn")
        if product and config.rank > most:
            raise ConfigError(
                f"--rank {config.rank} must be at most {most} for layer {model.modulated} ({fan_in} x {fan_out})",
                hint=f"leave it out, or take --rank {min(fan_in, fan_out)}",
            )
        rank = config.rank if product else fan_out
        self.factors: dict[str, tuple[int, ...]] = {V: (fan_in, rank)}
        if config.factor != "v":
            self.factors[U] = (rank, fan_out) if product else (fan_in, fan_out)
        self.adapted = (V, U) if config.factor == "unvn" else (V,)

    def shapes(self) -> dict[str, tuple[int, ...]]:
        """Return the shapes of all that is learned but inner rates, with none of it allocated."""
        shapes = super().shapes()
        del shapes[self._own]
        return {**shapes, **self.factors}

    def parameters(self, seed: int) -> dict[str, NDArray[np.float32]]:
        """Return what is learned before training: V ~ N(0, 1), U ~ N(0, 1) / sqrt(rank fan_in) where it is a factor."""
        made = self.drawn(seed)
        del made[self._own]
        for name, shape in self.factors.items():
            scale = 1.0
            if name == U and self.config.factor in ("uv", "unvn"):
                scale = (shape[0] * self.factors[V][0]) ** -0.5
            random = np.random.default_rng([seed, zlib.crc32(name.encode()), 0])
            made[name] = (scale * random.normal(size=shape)).astype(np.float32)
        return {**made, **self._rates({name: self.factors[name] for name in self.adapted})}

    def weights(self, params: Numbers, adapted: Numbers) -> dict[str, Tensor]:
        """Return the weight stacks of the description, [group or 1, *shape]."""
        made = {}
        for stack in self.description.stacks:
            if stack.name == self._own:
                made[stack.name] = self.normalised(stack.name, self._composed(params, adapted))
            elif stack.name in self._lengths:
                made[stack.name] = self.normalised(stack.name, params[stack.name])[None]
            else:
                made[stack.name] = params[stack.name][None]
        return made

    def _composed(self, params: Numbers, adapted: Numbers) -> Tensor:
        """Return the region's own matrix before its columns get their length, [group, fan_in, fan_out]."""
        own = adapted[V]
        if self.config.factor == "v":
            return own
        learned = adapted[U] if U in adapted else params[U]
        return own * learned if self.config.factor == "uov" else own @ learned
