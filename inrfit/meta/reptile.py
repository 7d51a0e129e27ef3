"""Reptile: the start moves towards where plain steps from it end; no derivative goes through them.

Source: Nichol et al., arXiv 1803.02999; Tancik et al., CVPR 2021, for neural fields.
"""

from __future__ import annotations

from dataclasses import replace

import torch
from torch import Tensor

from inrfit.meta import inner
from inrfit.meta.config import MetaConfig
from inrfit.meta.learner import RIDGE, Numbers
from inrfit.meta.maml import Maml
from inrfit.meta.tasks import Tasks
from inrfit.models.config import ModelConfig


class Plain(Maml):
    """A learner whose steps are plain descent at `MetaConfig.inner_lr`: it learns no rates, whatever `rates` says."""

    def __init__(self, model: ModelConfig, in_features: int, out_features: int, config: MetaConfig) -> None:
        super().__init__(model, in_features, out_features, replace(config, rates="fixed"))

    def fixed(self) -> tuple[str, ...]:
        """Return the names of what training leaves as it is; the ridge of a closed-form layer is among them."""
        return (*super().fixed(), *((RIDGE,) if self.config.solve != "none" else ()))


class Reptile(Plain):
    """What adapts moves to the mean of the adapted; what regions share, such as a trunk, descends where they end."""

    def outer_gradients(self, params: Numbers, tasks: Tasks) -> tuple[dict[str, Tensor], Tensor]:
        """Return theta - mean(theta') for what adapts, plain gradients for what is shared, and the errors.

        Args:
            params: what is learned; leaves that require a gradient, but for what is fixed.
            tasks: what is adapted to.

        Returns:
            Name -> gradient, summed over signals (the mean over all regions, times the signals), and the mean squared
            error of each signal after the inner steps, [signal].
        """
        with torch.no_grad():
            *_, adapted = inner.steps(self, params, tasks, self.config.inner_steps, through=False)
        with torch.enable_grad():
            ends = {name: value.detach() for name, value in adapted.items()}
            mse = inner.signal_mse(inner.errors(self, self.weights(params, ends), tasks), tasks)
            found = self.gradients(params, mse)
        count = len(tasks.signals)
        moved = {n: count * (params[n].detach() - end.mean(0)) for n, end in ends.items()}
        return {**found, **moved}, mse.detach()
