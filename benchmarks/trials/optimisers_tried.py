"""Optimisers that were tried beside inrfit's and not taken; the package does without them.

Each has the protocol of `inrfit.fitting.optim` and keeps its groups apart; `register` gives them names in this process.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import ClassVar

import torch
from torch import Tensor

from inrfit import registry
from inrfit.fitting.config import FitConfig
from inrfit.fitting.optim import REFRESH_EARLY, REFRESH_EVERY, Adam, Soap
from inrfit.fitting.schedule import WARM_UP
from inrfit.kernels import aligned
from inrfit.models.description import Matrix

Tensors = Mapping[str, Tensor]
Matrices = Mapping[str, Matrix]


def register() -> None:
    """Add what is tried here to the tables of this process."""
    here = __name__
    registry.TABLE["optimiser"] |= {name: f"{here}:{made.__name__}" for name, made in TRIED.items()}
    registry.TABLE["schedule"] |= {
        "linear": f"{here}:linear",
        "power-0.75": f"{here}:power",
        "cosine-at-once": f"{here}:cosine_at_once",
    }


def linear(step: int, steps: int) -> float:
    """Return a straight line to nearly 0 at the last of `steps`, after the rise that `cosine` has."""
    return _rise(step) * (1 - step / steps)


def power(step: int, steps: int) -> float:
    """Return the line to the power 0.75, which stays high longer and ends steeper, after the same rise."""
    return _rise(step) * (1 - step / steps) ** 0.75


def _rise(step: int) -> float:
    return min(1.0, (step + 1) / (WARM_UP + 1))


def cosine_at_once(step: int, steps: int) -> float:
    """Return half a cosine without a rise before it."""
    return 0.5 * (1 + math.cos(math.pi * step / steps))


class Drawn(Soap):
    """Soap that begins with the drawn output layer."""

    def __init__(self, values: Tensors, matrices: Matrices, config: FitConfig) -> None:
        super().__init__(values, matrices, config)
        self._solved = 0


class SolvedAdam(Soap):
    """Adam after the closed-form start of Soap."""

    def wants_moments(self, step: int) -> bool:
        """Return True at the first step."""
        return step == 0

    def update(self, step: int, gradients: Tensors, moments: Tensors, rates: Tensors) -> None:
        """Change the values."""
        (Soap if step < self._solved else Adam).update(self, step, gradients, moments, rates)


class Refreshed(Soap):
    """Soap that looks at its bases at other steps."""

    early: ClassVar[tuple[int, ...]] = REFRESH_EARLY
    every: ClassVar[int | None] = REFRESH_EVERY

    def wants_moments(self, step: int) -> bool:
        """Return True at the first steps and every few, if ever."""
        return step in self.early or (self.every is not None and step % self.every == 0)


class Once(Refreshed):
    """Bases of the drawn weights only."""

    early, every = (0,), None


class Early(Refreshed):
    """Bases of the first steps only."""

    every = None


class Every5(Refreshed):
    """Bases twice as often as by default."""

    every = 5


class Every30(Refreshed):
    """Bases a third as often as by default."""

    every = 30


class SolvedAgain(Soap):
    """Soap that spends its last step on least squares for a linear output layer."""

    ridge: ClassVar[float] = 1e-5
    """As a share of the mean of the diagonal; single precision wants some."""

    def __init__(self, values: Tensors, matrices: Matrices, config: FitConfig) -> None:
        super().__init__(values, matrices, config)
        self._end = config.steps - 1

    def wants_moments(self, step: int) -> bool:
        """Return True at the last step too."""
        return step == self._end or super().wants_moments(step)

    def update(self, step: int, gradients: Tensors, moments: Tensors, rates: Tensors) -> None:
        """Change the values."""
        if step != self._end:
            return super().update(step, gradients, moments, rates)
        for name, matrix in self._matrices.items():
            if matrix.last:
                _newton(self._values[name], gradients[name], moments[name], self.ridge)
        return None


def _newton(value: Tensor, gradient: Tensor, moment: Tensor, ridge: float) -> None:
    """Move values [group, in, channel] to the least squares that gradient and second moments tell of."""
    diagonal = moment.diagonal(dim1=1, dim2=2)
    damping = torch.diag_embed((ridge * diagonal.mean(-1, keepdim=True)).expand_as(diagonal))
    value.sub_(aligned.solved(moment + damping, gradient * (value.shape[-1] / 2)))


class BothSides(Soap):
    """Soap that also turns its outputs, into the eigenbasis of the products of gradients there."""

    memory: ClassVar[float] = 0.9
    """Weight of the past in the running mean of those products."""

    def update(self, step: int, gradients: Tensors, moments: Tensors, rates: Tensors) -> None:
        """Change the values."""
        if step < self._solved:
            return super().update(step, gradients, moments, rates)
        refresh = self.wants_moments(step)
        for name, value in self._values.items():
            if refresh:
                self._refresh(name, moments[name])
            _mean_of_products(self._state, f"out.{name}", gradients[name].mT, self.memory)
            if refresh or f"out_basis.{name}" not in self._state:
                _turn_outputs(self._state, name)
            left, right = self._state[f"basis.{name}"], self._state[f"out_basis.{name}"]
            turned = left.mT @ gradients[name] @ right
            value.sub_((left @ self._direction(name, turned) @ right.mT).mul_(rates[name]))
        return None


class Published(Adam):
    """SOAP with both factors from gradients. Source: Vyas et al., arXiv 2409.11321, algorithm 3.

    The first step only looks, as there. The bases are exact ones, where the authors take a step of power iteration.
    """

    sides: ClassVar[tuple[str, ...]] = ("in", "out")
    memory: ClassVar[float] = 0.95
    every: ClassVar[int] = 10
    _solved = 1

    def update(self, step: int, gradients: Tensors, moments: Tensors, rates: Tensors) -> None:
        """Change the values."""
        for name, value in self._values.items():
            gradient = gradients[name]
            for side, matrix in (("in", gradient), ("out", gradient.mT)):
                if side in self.sides:
                    _mean_of_products(self._state, f"{side}.{name}", matrix, self.memory)
            if step % self.every == 0:
                if "in" in self.sides:
                    _turn_inputs(self._state, name)
                if "out" in self.sides:
                    _turn_outputs(self._state, name)
            if step >= self._solved:
                turned = self._direction(name, self._turned(name, gradient, there=True))
                value.sub_(self._turned(name, turned, there=False).mul_(rates[name]))

    def _turned(self, name: str, values: Tensor, *, there: bool) -> Tensor:
        """Return values [group, in, out] in the bases, or back from them."""
        if "in" in self.sides:
            left = self._state[f"basis.{name}"]
            values = (left.mT if there else left) @ values
        if "out" in self.sides:
            right = self._state[f"out_basis.{name}"]
            values = values @ (right if there else right.mT)
        return values.clone()


class OneSided(Published):
    """Published SOAP on the inputs alone: Soap with its basis from gradients."""

    sides = ("in",)


def _mean_of_products(state: dict[str, Tensor], key: str, matrix: Tensor, memory: float) -> None:
    """Take products over the columns of [group, n, m] into a running mean."""
    product = matrix @ matrix.mT
    state[key] = state[key] * memory + product * (1 - memory) if key in state else product


def _turn_inputs(state: dict[str, Tensor], name: str) -> None:
    """Take up the eigenbasis of the inputs' factor."""
    new = torch.linalg.eigh(_scaled(state[f"in.{name}"]))[1]
    if (old := state.get(f"basis.{name}")) is not None:
        state[f"exp_avg.{name}"] = new.mT @ old @ state[f"exp_avg.{name}"]
    state[f"basis.{name}"] = new


def _turn_outputs(state: dict[str, Tensor], name: str) -> None:
    """Take up the eigenbasis of the outputs' factor."""
    new = torch.linalg.eigh(_scaled(state[f"out.{name}"]))[1]
    if (old := state.get(f"out_basis.{name}")) is not None:
        state[f"exp_avg.{name}"] = state[f"exp_avg.{name}"] @ (old.mT @ new)
    state[f"out_basis.{name}"] = new


def _scaled(matrix: Tensor) -> Tensor:
    """Return matrices [group, n, n] of trace 1, as products of small gradients lie near the smallest floats."""
    return matrix / matrix.diagonal(dim1=1, dim2=2).sum(-1)[:, None, None].clamp_min(1e-30)


class Muon(Adam):
    """Momentum made orthogonal for the hidden matrices, Adam for the first, the last and the biases.

    Source: Jordan et al., github.com/KellerJordan/Muon (Newton-Schulz of five steps, Nesterov's momentum), and its use on
    neural fields, McGinnis et al., arXiv 2512.14366.
    """

    momentum: ClassVar[float] = 0.9
    share: ClassVar[float] = 0.5
    """Root mean square of an entry's change, as a share of the rate."""

    def __init__(self, values: Tensors, matrices: Matrices, config: FitConfig) -> None:
        super().__init__(values, matrices, config)
        names = list(matrices)
        self._hidden = {name for name in names[1:] if not matrices[name].last and name != names[-1]}
        self._state |= {f"velocity.{name}": torch.zeros_like(values[name]) for name in self._hidden}

    def update(self, step: int, gradients: Tensors, moments: Tensors, rates: Tensors) -> None:
        """Change the values."""
        for name, value in self._values.items():
            gradient = gradients[name].clone()
            change = self._direction(name, gradients[name]).mul_(rates[name])
            if name in self._hidden:
                rows = value.shape[1] - (self._matrices[name].bias is not None)
                velocity = self._state[f"velocity.{name}"].mul_(self.momentum).add_(gradient)
                ahead = (gradient + self.momentum * velocity)[:, :rows]
                size = self.share * math.sqrt(max(ahead.shape[1:])) / self.correction(step)
                change[:, :rows] = orthogonal(ahead) * size * rates[name]
            value.sub_(change)


class SolvedMuon(Muon):
    """Muon after the closed-form start of Soap."""

    def __init__(self, values: Tensors, matrices: Matrices, config: FitConfig) -> None:
        super().__init__(values, matrices, config)
        self._start = Soap(values, matrices, config)
        self._solved = self._start._solved

    def wants_moments(self, step: int) -> bool:
        """Return True at the first step."""
        return step == 0

    def update(self, step: int, gradients: Tensors, moments: Tensors, rates: Tensors) -> None:
        """Change the values."""
        (self._start if step < self._solved else super()).update(step, gradients, moments, rates)


def orthogonal(matrices: Tensor) -> Tensor:
    """Return about the nearest orthogonal matrices to [group, n, m], by Newton-Schulz steps of degree five."""
    x = matrices / matrices.square().sum((1, 2), keepdim=True).sqrt().clamp_min(1e-30)
    for _ in range(5):
        square = x @ x.mT
        x = 3.4445 * x + (-4.7750 * square + 2.0315 * square @ square) @ x
    return x


class Rprop(Adam):
    """A step of its own for each weight, by the signs of its gradients; iRprop-, Igel & Huesken, Neurocomputing 50, 2003.

    The steps are factors of the rate, so that a schedule can bring them to rest.
    """

    grow, shrink = 1.2, 0.5
    least, most = 1e-4, 50.0

    def __init__(self, values: Tensors, matrices: Matrices, config: FitConfig) -> None:
        super().__init__(values, matrices, config)
        self._state = {f"size.{name}": torch.ones_like(value) for name, value in values.items()}
        self._state |= {f"before.{name}": torch.zeros_like(value) for name, value in values.items()}

    def correction(self, step: int) -> float:
        """Return 1: there is no mean to correct."""
        return 1.0

    def update(self, step: int, gradients: Tensors, moments: Tensors, rates: Tensors) -> None:
        """Change the values."""
        for name, value in self._values.items():
            agree = (gradients[name] * self._state[f"before.{name}"]).sign()
            factor = torch.where(agree > 0, self.grow, torch.where(agree < 0, self.shrink, 1.0))
            size = self._state[f"size.{name}"].mul_(factor).clamp_(self.least, self.most)
            kept = torch.where(agree < 0, 0.0, gradients[name])
            self._state[f"before.{name}"] = kept
            value.sub_(kept.sign() * size * rates[name])


class Lion(Adam):
    """The sign of a running mean of gradients. Source: Chen et al., arXiv 2302.06675."""

    def correction(self, step: int) -> float:
        """Return 1: a sign needs none."""
        return 1.0

    def _direction(self, name: str, gradient: Tensor) -> Tensor:
        mean = self._state[f"exp_avg.{name}"]
        sign = (mean * self._beta1 + gradient * (1 - self._beta1)).sign()
        mean.mul_(self._beta2).add_(gradient * (1 - self._beta2))
        return sign


TRIED: dict[str, type[Adam]] = {
    "soap-drawn": Drawn,
    "adam-solved": SolvedAdam,
    "soap-once": Once,
    "soap-early": Early,
    "soap-5": Every5,
    "soap-30": Every30,
    "soap-solved-again": SolvedAgain,
    "soap-both-sides": BothSides,
    "soap-published": Published,
    "soap-one-sided": OneSided,
    "muon": Muon,
    "muon-solved": SolvedMuon,
    "rprop": Rprop,
    "lion": Lion,
}
"""Name -> what was tried."""
