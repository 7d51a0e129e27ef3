"""The optimiser of the outer loop: Adam with a bounded gradient, and a rate of their own for learned inner rates."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

from inrfit.meta.config import MetaConfig
from inrfit.meta.learner import RATE, RIDGE

WARM_UP = 20
"""Outer steps over which the rate rises, in a long run; a fifth of a short one."""

BETA1, BETA2, TINY = 0.9, 0.999, 1e-8


class Outer:
    """Adam on what is learned. Source: Kingma & Ba, ICLR 2015, section 2.

    Args:
        values: name -> tensor, changed in place.
        config: rates and the bound of gradients.

    Attributes:
        done: updates so far, without those that were left out.
    """

    def __init__(self, values: Mapping[str, Tensor], config: MetaConfig) -> None:
        self._values, self._config = dict(values), config
        self._mean = {name: torch.zeros_like(value) for name, value in values.items()}
        self._square = {name: torch.zeros_like(value) for name, value in values.items()}
        self.done = 0

    def rate(self, name: str) -> float:
        """Return the peak rate of one of the things that are learned."""
        logarithm = name == RIDGE or (name.startswith(RATE) and self._config.rates != "linear")
        return self._config.outer_lr * (self._config.rate_lr if logarithm else 1.0)

    def update(self, gradients: Mapping[str, Tensor], factor: float) -> bool:
        """Change the values, unless a gradient is not finite; return whether they changed.

        Args:
            gradients: by name.
            factor: of the peak rates.
        """
        norm = global_norm(list(gradients.values()))
        if not math.isfinite(norm):
            return False
        self.done += 1
        bound = min(1.0, self._config.clip / max(norm, TINY))
        first, second = 1 - BETA1**self.done, 1 - BETA2**self.done
        with torch.no_grad():
            for name, value in self._values.items():
                gradient = gradients[name] * bound
                mean, square = self._mean[name], self._square[name]
                mean.mul_(BETA1).add_(gradient, alpha=1 - BETA1)
                square.mul_(BETA2).addcmul_(gradient, gradient, value=1 - BETA2)
                down = (square / second).sqrt_().add_(TINY)
                value.addcdiv_(mean, down, value=-self.rate(name) * factor / first)
        return True

    def state(self) -> dict[str, Tensor]:
        """Return what a resume needs, by name; `done` is apart."""
        return {
            f"{kind}.{name}": value
            for kind, table in (("mean", self._mean), ("square", self._square))
            for name, value in table.items()
        }

    def restore(self, state: Mapping[str, Tensor], done: int) -> None:
        """Go on from what `state` gave after so many updates."""
        self.done = done
        for name, value in self.state().items():
            value.copy_(state[name])


def warm_up(step: int, steps: int) -> float:
    """Return the factor of the rate at the first of `steps` steps, 1 after them."""
    return min(1.0, (step + 1) / (min(WARM_UP, steps // 5) + 1))


def global_norm(gradients: Sequence[Tensor]) -> float:
    """Return the norm of all gradients together."""
    return math.sqrt(sum(float(g.double().square().sum()) for g in gradients))
