"""How far the values of tiles are from what they should be, as squared errors and as a gradient for each value."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from torch import Tensor

from inrfit.kernels.batch import Batch


@dataclass(frozen=True, slots=True, kw_only=True)
class Misfit:
    """What is learned from.

    Attributes:
        squares: [group], as of `Residual.squares`.
        gradient: [tile, channel, point], that of the loss by each value; 0 for padding.
    """

    squares: Tensor
    gradient: Tensor


class Residual(Protocol):
    """What a fit makes smaller, as a function of the values [tile, channel, point] of all tiles at once.

    Where each value has a target of its own, `Kernel.sums` finds squares and gradients in one pass. Any other residual
    ties values of different tiles: it is asked for its misfit after `Kernel.values`, and before `Kernel.pull`.
    """

    def squares(self, values: Tensor) -> Tensor:
        """Return the squared errors that each group answers for, [group]; differentiable, twice."""
        ...

    def misfit(self, values: Tensor) -> Misfit:
        """Return the squared errors and the gradient of the loss; not differentiable."""
        ...


@dataclass(frozen=True, slots=True, eq=False)
class Squares:
    """Each value has a target of its own.

    Attributes:
        batch: the targets; which samples count in the squares, and what each counts in the loss.
        groups: how many there are; None where tile g is all of group g.
    """

    batch: Batch
    groups: int | None = None

    def squares(self, values: Tensor) -> Tensor:
        """Return the squared errors of each group over its own samples, [group]."""
        return self._summed((values.mT - self.batch.targets).square())

    def misfit(self, values: Tensor) -> Misfit:
        """Return the squared errors, and the gradient of their sum over all samples, each with its weight."""
        missed = values.mT - self.batch.targets
        return Misfit(squares=self._summed(missed.square()), gradient=(missed * (2 * self.batch.weight)).mT)

    def _summed(self, squares: Tensor) -> Tensor:
        tiles = (squares * self.batch.mask).sum((1, 2))
        if self.groups is None:
            return tiles
        return tiles.new_zeros(self.groups).index_add(0, self.batch.owner, tiles)
