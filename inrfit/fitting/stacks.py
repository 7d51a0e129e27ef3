"""The weights of a fit as an optimiser and as a kernel see them: matrices, and the stacks that are views of them.

A stack has a group for each region of each signal, or for each signal: group g of a local one belongs to region g % regions
of signal g // regions. Nothing here is about how weights change.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from inrfit.fitting.sampling import Block
from inrfit.kernels import aligned
from inrfit.models.description import Description, Matrix


def views(values: Mapping[str, Tensor], matrices: Mapping[str, Matrix]) -> dict[str, Tensor]:
    """Return the stacks that matrices [group, in (+ 1), out] are made of, in their memory."""
    found = {}
    for name, matrix in matrices.items():
        rows = values[name].shape[1] - (matrix.bias is not None)
        found[name] = values[name][:, :rows]
        if matrix.bias is not None:
            found[matrix.bias] = values[name][:, rows:]
    return found


class Stacks:
    """The weights of some signals that are fitted at once, and their gradients.

    Args:
        description: the network; what is not trained in it gets no gradient.
        initial: stack name -> [group of one signal, *shape], with which every signal begins.
        signals: how many.
        regions: of each.
        device: as torch calls it.
        solve: whether the last matrix may be solved for, whatever its weights.

    Attributes:
        matrices: matrix name -> what is known of it.
        values: matrix name -> [group, in (+ 1), out], trained.
        weights: stack name -> [group, *shape], those of the matrices as views of them.
        gradients: matrix name -> of the shape of its values.
        of_stacks: stack name -> the views of those gradients.
        local: stack name -> whether it has a group for each region.
        lattices: stack name -> points along each axis, where rows are those of a lattice.
    """

    def __init__(
        self,
        description: Description,
        initial: Mapping[str, NDArray[np.float32]],
        signals: int,
        regions: int,
        device: str,
        *,
        solve: bool,
    ) -> None:
        self._regions, self._device = regions, device
        self.local = {stack.name: stack.local for stack in description.stacks}
        self.lattices = {stack.name: stack.points for stack in description.stacks if stack.points}
        matrices = (replace(m, last=m.last and solve) for m in description.matrices())
        self.matrices = {matrix.weight: matrix for matrix in matrices}
        values, fixed = {}, dict(initial)
        for name, matrix in self.matrices.items():
            parts = [fixed.pop(stack) for stack in (name, matrix.bias) if stack is not None]
            both = np.concatenate([np.concatenate(parts, axis=1)] * signals)
            values[name] = aligned.copy(torch.from_numpy(both)).to(device)
        fixed = {n: torch.tensor(np.concatenate([w] * signals), device=device) for n, w in fixed.items()}
        self._take(values, fixed)

    def _take(self, values: dict[str, Tensor], fixed: Mapping[str, Tensor]) -> None:
        self.values, self.weights = values, {**fixed, **self.views(values)}
        self.gradients = {
            name: aligned.zeros(*value.shape, device=value.device) for name, value in values.items()
        }
        self.of_stacks = self.views(self.gradients)

    def views(self, values: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Return the stacks that matrices are made of."""
        return views(values, self.matrices)

    def rows(self, name: str, block: Block) -> slice:
        """Return the groups of a stack that a block has to do with."""
        if self.local[name]:
            return slice(block.first, block.last + 1)
        return slice(block.signal, block.signal + 1)

    def stored(self, place: int, values: Mapping[str, Tensor], kind: str) -> dict[str, NDArray[np.float32]]:
        """Return the weights of one signal rounded to the type in which a file keeps them; too large ones are infinite.

        Args:
            place: of the signal.
            values: the matrices, of which `weights` need not be the views.
            kind: type of trained weights; others are kept as they are.
        """
        found, regions = {}, self._regions
        for name, stack in {**self.weights, **self.views(values)}.items():
            first, count = (place * regions, regions) if self.local[name] else (place, 1)
            rounded = kind if name in self.of_stacks else "float32"
            with np.errstate(over="ignore"):
                own = stack[first : first + count].cpu().numpy()
                found[name] = own.astype(rounded).astype(np.float32)
        return found

    def select(self, places: Sequence[int]) -> dict[str, Tensor]:
        """Go on with some signals; return, for each stack, the groups that are kept."""
        keep = torch.tensor(places, device=self._device)
        regions = torch.arange(self._regions, device=self._device)
        groups = (keep[:, None] * self._regions + regions).view(-1)
        rows = {name: groups if local else keep for name, local in self.local.items()}
        fixed = {name: w[rows[name]] for name, w in self.weights.items() if name not in self.of_stacks}
        self._take({name: aligned.copy(value[rows[name]]) for name, value in self.values.items()}, fixed)
        return rows

    def state(self) -> dict[str, Tensor]:
        """Return what a resumed fit must be given, by name."""
        return dict(self.values)

    def restore(self, state: Mapping[str, Tensor]) -> None:
        """Go on from a state."""
        for name, value in state.items():
            self.values[name].copy_(value)
