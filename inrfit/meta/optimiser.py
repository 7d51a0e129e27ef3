"""The steps of an adaptation as an optimiser of the fit: those of a learner, then those of another one.

The kernel of the fit gives gradients of concrete weights; here they are pulled back to what adapts, so that no graph
over the samples of a large photo is kept.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from inrfit.fitting.config import FitConfig
from inrfit.fitting.optim import Adam
from inrfit.fitting.stacks import views
from inrfit.meta.learner import RIDGE, Learner, Numbers
from inrfit.models.description import Matrix
from inrfit.registry import load


@dataclass(frozen=True, slots=True, kw_only=True)
class Way:
    """Which steps are taken.

    Attributes:
        learner: whose.
        trained: so many of the first ones are the learner's own, at its rates.
        solves: numbers of the steps that are the closed form of the output layer.
        after: name of the optimiser of all others.
        everything: whether that one changes all weights of each region, and not only what adapts.
    """

    learner: Learner
    trained: int
    solves: frozenset[int]
    after: str
    everything: bool

    @property
    def plain(self) -> bool:
        """Whether what adapts are weights as the network uses them."""
        return {stack.name for stack in self.learner.description.stacks}.issuperset(self.learner.adapted)


class Adapting(Adam):
    """The optimiser of an adaptation.

    Args:
        values: matrix name -> [group, in (+ 1), out], changed in place; they hold the weights of the start.
        matrices: what is known of them.
        config: of the fit.
        way: which steps are taken.
        params: what was learned.
        adapted: what adapts as it is before the first step, [group, *shape].
        shares: part of the signal's samples that each group has, [group], where the inner loss is over the signal;
            None where it is over the region.
    """

    def __init__(
        self,
        values: Mapping[str, Tensor],
        matrices: Mapping[str, Matrix],
        config: FitConfig,
        *,
        way: Way,
        params: Numbers,
        adapted: Numbers,
        shares: Tensor | None,
    ) -> None:
        self._way, self._params = way, params
        self._shares = None if shares is None else shares[:, None, None]
        self._matrices = matrices
        self._take(values, {name: value.detach().clone() for name, value in adapted.items()})
        direct = way.plain or way.everything
        self._direct = direct
        changed = self._values if direct else {name: _flat(value) for name, value in self._own.items()}
        self._after: Adam = load("optimiser", way.after)(changed, matrices if direct else {}, config)

    def _take(self, values: Mapping[str, Tensor], own: Mapping[str, Tensor]) -> None:
        self._values = dict(values)
        self._stacks = views(self._values, self._matrices)
        plain = self._way.plain
        self._own = {name: self._stacks[name] for name in self._way.learner.adapted} if plain else dict(own)

    @property
    def adapted(self) -> dict[str, Tensor]:
        """What adapts as it is now, [group, *shape]."""
        return {name: value.detach().clone() for name, value in self._own.items()}

    def wants_moments(self, step: int) -> bool:
        """Return whether `update` needs the second moments at a step."""
        if step in self._way.solves:
            return True
        return step >= self._way.trained and self._after.wants_moments(self._later(step))

    def update(
        self,
        step: int,
        gradients: Mapping[str, Tensor],
        moments: Mapping[str, Tensor],
        rates: Mapping[str, Tensor],
    ) -> None:
        """Change the values; see `Adam.update`."""
        if step in self._way.solves:
            self._solve(gradients, moments)
            return
        if self._shares is not None and self._way.after != "soap":
            local = {name for name, matrix in self._matrices.items() if matrix.local}
            gradients = {n: g * self._shares if n in local else g for n, g in gradients.items()}
        if step < self._way.trained:
            own = self._pulled(gradients)
            self._put(self._way.learner.step(self._params, self._own, own, step))
        elif self._direct:
            self._after.update(self._later(step), gradients, moments, rates)
        else:
            rate = next(rates[name] for name, matrix in self._matrices.items() if matrix.local)
            pulled = {name: _flat(g.contiguous()) for name, g in self._pulled(gradients).items()}
            self._after.update(self._later(step), pulled, {}, dict.fromkeys(pulled, rate))
            self._put(self._own)

    def correction(self, step: int) -> float:
        """Return the factor of the rates of a step."""
        return self._after.correction(self._later(step)) if step >= self._way.trained else 1.0

    def _later(self, step: int) -> int:
        """Return how many steps of the other optimiser come before a step."""
        skipped = sum(self._way.trained <= number < step for number in self._way.solves)
        return max(0, step - self._way.trained - skipped)

    def _pulled(self, gradients: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Return the gradients of what adapts, by those of the matrices."""
        of_stacks = views(gradients, self._matrices)
        if self._way.plain:
            return {name: of_stacks[name] for name in self._own}
        with torch.enable_grad():
            leaves = {name: value.detach().requires_grad_() for name, value in self._own.items()}
            made = self._way.learner.weights(self._params, leaves)
            names = [name for name in of_stacks if made[name].requires_grad]
            found = torch.autograd.grad(
                [made[name] for name in names],
                list(leaves.values()),
                grad_outputs=[of_stacks[name] for name in names],
            )
        return dict(zip(leaves, found, strict=True))

    def _put(self, own: Mapping[str, Tensor]) -> None:
        """Take up new numbers and the weights that they make."""
        with torch.no_grad():
            for name, value in own.items():
                if value is not self._own[name]:
                    self._own[name].copy_(value)
            if not self._way.plain:
                for name, value in self._way.learner.weights(self._params, self._own).items():
                    if name in self._stacks:
                        self._stacks[name].copy_(value)

    def _solve(self, gradients: Mapping[str, Tensor], moments: Mapping[str, Tensor]) -> None:
        """Put the closed form in place of the output layer; see `meta.inner.solved`."""
        name, _ = self._way.learner.last_matrix
        channels = self._values[name].shape[-1]
        ridge = torch.diag_embed(self._params[RIDGE].double().exp())
        right = gradients[name].double() * (-channels / 2)
        self._values[name] += torch.linalg.solve(moments[name].double() + ridge, right).float()

    def state(self) -> dict[str, Tensor]:
        """Return what a resumed fit must be given, by name; the matrices are not part of it."""
        own = {} if self._way.plain else {f"own.{name}": value for name, value in self._own.items()}
        return {**own, **{f"after.{key}": value for key, value in self._after.state().items()}}

    def restore(self, state: Mapping[str, Tensor]) -> None:
        """Go on from a state."""
        for name, value in self._own.items():
            if f"own.{name}" in state:
                value.copy_(state[f"own.{name}"])
        after = {k.removeprefix("after."): v for k, v in state.items() if k.startswith("after.")}
        self._after.restore(after)

    def select(self, values: Mapping[str, Tensor], rows: Mapping[str, Tensor]) -> None:
        """Go on with some groups only; see `Adam.select`."""
        kept = next(rows[name] for name, matrix in self._matrices.items() if matrix.local)
        self._take(values, {name: value[kept] for name, value in self._own.items()})
        if self._shares is not None:
            self._shares = self._shares[kept]
        changed = self._values if self._direct else {n: _flat(v) for n, v in self._own.items()}
        self._after.select(changed, rows if self._direct else dict.fromkeys(changed, kept))


def _flat(value: Tensor) -> Tensor:
    """Return [group, *shape] as [group, row, column] in the same memory."""
    return value if value.ndim == 3 else value.view(value.shape[0], 1, -1)
