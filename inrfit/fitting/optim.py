"""Optimisers: from gradients to new weights, one matrix per layer and group, each group on its own.

Weight and bias of a layer are one matrix [group, in + 1, out], so an optimiser needs no names of layers. Nothing here
mixes groups: a region learns the same alone and among others. A new optimiser is a class here and a line in the registry.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

import torch
from torch import Tensor

from inrfit.fitting.config import FitConfig
from inrfit.kernels import aligned
from inrfit.models.description import Matrix

EPS = 1e-8
"""Added to the root of the second moment, as is usual for Adam."""

REFRESH_EARLY, REFRESH_EVERY = (0, 1, 3, 6), 10
"""Steps at which `Soap` looks at its bases again: the first ones, when much changes, and every so many."""

NEWEST_SHARE = 0.5
"""Weight of the newest second moments in the running mean that the bases are taken from."""

RIDGE = 0.2
"""Added to the diagonal of the second moments, as a share of its mean, where the output layer is solved for."""


class Adam:
    """Adam on every matrix, with the corrections of its means in the rate. Source: Kingma & Ba, ICLR 2015, section 2.

    Args:
        values: matrix name -> [group, in (+ 1), out], changed in place.
        matrices: what is known of them.
        config: `beta1` and `beta2`.
    """

    _solved = 0
    """Steps that are spent on a closed form."""

    def __init__(
        self, values: Mapping[str, Tensor], matrices: Mapping[str, Matrix], config: FitConfig
    ) -> None:
        self._values, self._matrices = dict(values), matrices
        self._beta1, self._beta2 = config.beta1, config.beta2
        self._state = {
            f"{kind}.{name}": aligned.zeros(*value.shape, device=value.device)
            for name, value in values.items()
            for kind in ("exp_avg", "exp_avg_sq")
        }

    def wants_moments(self, step: int) -> bool:
        """Return whether `update` needs the second moments at a step; see `kernels.batch.Sums`."""
        return False

    def update(
        self,
        step: int,
        gradients: Mapping[str, Tensor],
        moments: Mapping[str, Tensor],
        rates: Mapping[str, Tensor],
    ) -> None:
        """Change the values.

        Args:
            step: steps done before this one.
            gradients: matrix name -> [group, in (+ 1), out], of mean squared errors; may be overwritten.
            moments: matrix name -> [group, in (+ 1), in (+ 1)], means over samples; empty where none are wanted.
            rates: matrix name -> learning rates [group, 1, 1], times `correction`.
        """
        for name, value in self._values.items():
            change = self._direction(name, gradients[name]).mul_(rates[name])
            value.sub_(change)

    def correction(self, step: int) -> float:
        """Return the factor of the rates that corrects the means for their beginning at zero."""
        done = max(1, step + 1 - self._solved)
        return math.sqrt(1 - self._beta2**done) / (1 - self._beta1**done)

    def _direction(self, name: str, gradient: Tensor) -> Tensor:
        mean, square = self._state[f"exp_avg.{name}"], self._state[f"exp_avg_sq.{name}"]
        # One rounding per operation: products that are added in one go round differently at the end of an array.
        mean.mul_(self._beta1).add_(gradient * (1 - self._beta1))
        square.mul_(self._beta2).add_(gradient.mul_(gradient).mul_(1 - self._beta2))
        size = square.sqrt().add_(EPS)
        return torch.div(mean, size, out=size)

    def state(self) -> dict[str, Tensor]:
        """Return what a resumed fit must be given, by name."""
        return dict(self._state)

    def restore(self, state: Mapping[str, Tensor]) -> None:
        """Go on from a state."""
        self._state |= {key: aligned.copy(value) for key, value in state.items()}

    def select(self, values: Mapping[str, Tensor], rows: Mapping[str, Tensor]) -> None:
        """Go on with some groups only.

        Args:
            values: the matrices of those groups, in place of those before.
            rows: matrix name -> the groups that are kept.
        """
        self._values = dict(values)
        self._state = {
            key: aligned.copy(kept[rows[key.partition(".")[2]]]) for key, kept in self._state.items()
        }


class Sgd(Adam):
    """Plain gradient descent; betas have no meaning for it."""

    def __init__(
        self, values: Mapping[str, Tensor], matrices: Mapping[str, Matrix], config: FitConfig
    ) -> None:
        self._values, self._matrices = dict(values), matrices
        self._state: dict[str, Tensor] = {}

    def correction(self, step: int) -> float:
        """Return 1: there is no mean to correct."""
        return 1.0

    def _direction(self, name: str, gradient: Tensor) -> Tensor:
        return gradient


class Soap(Adam):
    """Adam in the eigenbasis of what each layer reads, with a closed-form start for the output layer.

    SOAP (Vyas et al., arXiv 2409.11321) runs Adam in the eigenbasis of Shampoo's factors, means of products of
    gradients. Here it is that of the input factor of K-FAC (Martens & Grosse, ICML 2015): the second moments of the
    features that a matrix is multiplied with, which are exact after one pass over the samples. The first step sets
    a linear output layer to the ridge regression of the samples on the features of the drawn weights.
    """

    def __init__(
        self, values: Mapping[str, Tensor], matrices: Mapping[str, Matrix], config: FitConfig
    ) -> None:
        super().__init__(values, matrices, config)
        self._solved = int(any(matrix.last for matrix in matrices.values()))

    def wants_moments(self, step: int) -> bool:
        """Return True at the first steps and every few."""
        return step in REFRESH_EARLY or step % REFRESH_EVERY == 0

    def update(
        self,
        step: int,
        gradients: Mapping[str, Tensor],
        moments: Mapping[str, Tensor],
        rates: Mapping[str, Tensor],
    ) -> None:
        """Change the values; see `Adam.update`."""
        if self.wants_moments(step):
            for name, moment in moments.items():
                self._refresh(name, moment)
        if step < self._solved:
            for name, matrix in self._matrices.items():
                if matrix.last:
                    _regress(self._values[name], gradients[name], moments[name])
            return
        for name, value in self._values.items():
            if self._matrices[name].table:  # what its rows are multiplied with is different for every sample
                value.sub_(self._direction(name, gradients[name]).mul_(rates[name]))
                continue
            basis = self._state[f"basis.{name}"]
            turned = aligned.product(basis.mT, gradients[name])
            change = aligned.product(basis, aligned.copy(self._direction(name, turned)))
            value.sub_(change.mul_(rates[name]))

    def _refresh(self, name: str, moment: Tensor) -> None:
        """Take up new second moments and turn the running mean of the gradients into the new basis."""
        mean, basis = self._state.get(f"moment.{name}"), self._state.get(f"basis.{name}")
        mean = moment if mean is None else mean * (1 - NEWEST_SHARE) + moment * NEWEST_SHARE
        new = aligned.eigenbasis(mean)
        if basis is not None:
            turn = aligned.product(new.mT, basis)
            self._state[f"exp_avg.{name}"].copy_(aligned.product(turn, self._state[f"exp_avg.{name}"]))
        for key, values in ((f"moment.{name}", mean), (f"basis.{name}", new)):
            if key in self._state:
                self._state[key].copy_(values)  # a recorded step reads it where it is
            else:
                self._state[key] = aligned.copy(values)


def _regress(value: Tensor, gradient: Tensor, moment: Tensor) -> None:
    """Put a ridge regression in place of the values of a linear output layer.

    Args:
        value: [group, in (+ 1), channel].
        gradient: of the mean squared error over samples and channels.
        moment: second moments of the features, means over samples.
    """
    channels = value.shape[-1]
    products = aligned.product(moment, value) - gradient * (channels / 2)
    diagonal = moment.diagonal(dim1=1, dim2=2)
    ridge = torch.diag_embed((RIDGE * diagonal.mean(-1, keepdim=True)).expand_as(diagonal))
    value.copy_(aligned.solved(moment + ridge, products))
