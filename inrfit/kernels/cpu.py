"""The fast way on a CPU: tiles walk through the whole network and back in cache, each step's derivative written by hand.

It interprets the same descriptions as `reference` and gives the same numbers up to rounding. What is different: points
lie last ([tile, feature, point]), buffers are made once per thread and used again, there is no autograd graph, and the
functions of single values are NumPy's, whose sine takes less than half the time of PyTorch's. A block of tiles should be
small enough for its buffers to stay in cache and large enough for the calls not to count.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from inrfit.kernels.reference import Batch, Sums
from inrfit.models.description import TRUNK_COORDS, Description, Step
from inrfit.steps.activations import Activate
from inrfit.steps.affine import second_moments
from inrfit.steps.pullback import Into


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepared:
    """A batch with its points last.

    Attributes:
        features: register -> [tile or row, feature, point].
        targets: [tile, channel, point].
        mask, weight: [tile, 1, point]; None where all samples count, with weight 1.
        owner: [tile], the group of each tile in the local stacks; None where tile and group are the same.
        trunk_rows: [tile], as for `reference.apply`.
    """

    features: Mapping[str, Tensor]
    targets: Tensor
    mask: Tensor | None
    weight: Tensor | None
    owner: Tensor | None
    trunk_rows: Tensor | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Move:
    """A step with what is known about it before any numbers are.

    Attributes:
        step: what is done.
        spread: sources that have the rows of the trunk while the step is done for each tile.
        betas: per source and stack, 0 where this step is the first to write its gradient, 1 where it adds, None where
            none is wanted.
    """

    step: Step
    spread: tuple[str, ...]
    betas: tuple[int | None, ...]


class Cpu:
    """The fast kernel of a description; it may be run by several threads at a time.

    Args:
        description: the network.
    """

    def __init__(self, description: Description) -> None:
        self._description = description
        self._shapes = {stack.name: stack.shape for stack in description.stacks}
        self._local = {stack.name for stack in description.stacks if stack.local}
        self._trained = {stack.name for stack in description.stacks if stack.trained}
        self._moves = _moves(description)
        self._thread = threading.local()

    def prepare(self, batch: Batch) -> Prepared:
        """Return a batch as `sums` takes it, to be kept where it is used again."""
        plain = bool((batch.mask == 1).all()) and bool((batch.weight == 1).all())
        own = torch.equal(batch.owner, torch.arange(len(batch.owner)))
        return Prepared(
            features={name: points_last(values) for name, values in batch.features.items()},
            targets=points_last(batch.targets),
            mask=None if plain else points_last(batch.mask),
            weight=None if plain else points_last(batch.weight),
            owner=None if own else batch.owner,
            trunk_rows=batch.trunk_rows,
        )

    def values(self, weights: Mapping[str, Tensor], features: Mapping[str, Tensor]) -> Tensor:
        """Run the network on tiles that all belong to one group, or each to its own.

        Args:
            weights: stack name -> [1, *shape], or [tile, *shape] for stacks of regions.
            features: register -> [tile, feature, point], encoded; one row of the trunk's may serve all tiles.

        Returns:
            [tile, out_features, point], in memory that the next call of this thread uses again.
        """
        tiles = max(map(len, features.values()))
        shared = TRUNK_COORDS in features and len(features[TRUNK_COORDS]) < tiles
        rows = torch.zeros(tiles, dtype=torch.int64) if shared else None
        run = _Run(self, weights, features, tiles, None, rows)
        return run.forward(remember=False)

    def sums(self, weights: Mapping[str, Tensor], batch: Prepared, *, moments: bool = False) -> Sums:
        """Return errors and gradients of a batch as the reference does; see `Sums`."""
        tiles = len(batch.targets)
        run = _Run(self, weights, batch.features, tiles, batch.owner, batch.trunk_rows)
        out = run.forward(remember=True)
        error = out.sub_(batch.targets)
        squares = run.buffer("squares", error.shape)
        torch.mul(error, error, out=squares)
        if batch.mask is not None:
            squares.mul_(batch.mask)
        errors = squares.sum((1, 2))
        error.mul_(2.0 if batch.weight is None else batch.weight * 2.0)
        found = run.moments(batch.weight) if moments else {}
        return Sums(errors=errors, gradients=run.backward(error), moments=found)

    def workspace(self) -> dict[str, Tensor]:
        """Return the flat buffers of this thread, by name."""
        if not hasattr(self._thread, "buffers"):
            self._thread.buffers = {}
        return self._thread.buffers


def points_last(values: Tensor) -> Tensor:
    """Return [tile, point, feature] as [tile, feature, point], in that order in memory."""
    return values.mT.contiguous()


class _Run:
    """One pass of one block through a program: registers, gradients and where they lie."""

    def __init__(
        self,
        program: Cpu,
        weights: Mapping[str, Tensor],
        features: Mapping[str, Tensor],
        tiles: int,
        owner: Tensor | None,
        trunk_rows: Tensor | None,
    ) -> None:
        self._program, self._description = program, program._description
        self._buffers = program.workspace()
        self._tiles, self._rows = tiles, trunk_rows
        self._points = next(iter(features.values())).shape[-1]
        self._registers = dict(features)
        self._inputs: list[list[Tensor]] = []
        self._memos: list[Tensor | None] = []
        self._weights, self._owner = weights, owner
        self._groups: dict[str, Tensor] = {}
        self._spent: dict[str, Tensor] = {}

    def buffer(self, name: str, shape: Sequence[int]) -> Tensor:
        """Return memory of this thread under a name, with the content it happens to have."""
        size = 1
        for n in shape:
            size *= n
        flat = self._buffers.get(name)
        if flat is None or len(flat) < size:
            flat = self._buffers[name] = torch.empty(size)
        return flat[:size].view(*shape)

    def forward(self, *, remember: bool) -> Tensor:
        """Run the steps; with `remember`, keep what `backward` needs."""
        for move in self._program._moves:
            step = move.step
            inputs = [
                self._spread(name) if name in move.spread else self._registers[name] for name in step.sources
            ]
            tiles = len(inputs[0])
            inputs += [self._group(name, tiles) for name in step.stacks]
            shape = (tiles, self._features(step, inputs), self._points)
            in_place = not remember and isinstance(step, Activate) and shape == inputs[0].shape
            out = inputs[0] if in_place else self.buffer(step.target, shape)
            memo = None
            if remember and isinstance(step, Activate) and step.activation.derivative is not None:
                memo = self.buffer("slope." + step.target, inputs[0].shape)
                if out.shape == inputs[0].shape:
                    self._spent[step.target] = inputs[0]
            step.write(out, memo, inputs)
            self._registers[step.target] = out
            self._inputs.append(inputs)
            self._memos.append(memo)
        return self._registers[self._description.output]

    def backward(self, grad: Tensor) -> dict[str, Tensor]:
        """Run the steps backwards from the gradient of the output; return gradients by stack name."""
        grads = {self._description.output: grad}
        found: dict[str, Tensor] = {}
        for move, inputs, memo in zip(
            reversed(self._program._moves), reversed(self._inputs), reversed(self._memos), strict=True
        ):
            if all(beta is None for beta in move.betas):
                continue
            step, given = move.step, grads.pop(move.step.target)
            into = [
                None if beta is None else Into(self._gradient(move, name, values, given, grads, found), beta)
                for name, values, beta in zip((*step.sources, *step.stacks), inputs, move.betas, strict=True)
            ]
            step.pull(given, memo, inputs, into)
            for name, put in zip(step.sources, into, strict=False):
                if name in move.spread and put is not None:
                    self._gather(name, put.values, grads)
        return {name: self._reduced(name, values) for name, values in found.items()}

    def moments(self, sample_weight: Tensor | None) -> dict[str, Tensor]:
        """Return the second moments of what the trained matrices were multiplied with; see `Sums`."""
        trained, found = self._program._trained, {}
        for move, inputs in zip(self._program._moves, self._inputs, strict=True):
            if move.step.matrix is None or move.step.matrix[0] not in trained:
                continue
            weight, bias = move.step.matrix
            has_bias = bias is not None and bias in trained
            tiles = second_moments(inputs[0], sample_weight, bias=has_bias)
            summed = self._reduced(weight, tiles)
            found[weight] = found[weight].add_(summed) if weight in found else summed
        return found

    def _features(self, step: Step, inputs: Sequence[Tensor]) -> int:
        """Return how many features a step gives."""
        if isinstance(step, Activate):
            return inputs[0].shape[1] // step.activation.pre_activations
        return inputs[-1].shape[-1]

    def _spread(self, name: str) -> Tensor:
        """Return a register of the trunk with a row for each tile."""
        register = self._registers[name]
        if self._rows is None:
            return register
        if len(register) == 1:
            return register.expand(self._tiles, -1, -1)
        out = self.buffer("spread." + name, (self._tiles, *register.shape[1:]))
        return torch.index_select(register, 0, self._rows, out=out)

    def _group(self, name: str, tiles: int) -> Tensor:
        """Return the weights of a stack for each tile."""
        key = name if name in self._program._local else f"{name}.{tiles}"
        if key not in self._groups:
            weights = self._weights[name]
            if name not in self._program._local or len(weights) == 1:
                weights = weights[:1].expand(tiles, -1, -1)
            elif self._owner is not None:
                weights = weights[self._owner]
            self._groups[key] = weights
        return self._groups[key]

    def _gradient(
        self,
        move: Move,
        name: str,
        values: Tensor,
        given: Tensor,
        grads: dict[str, Tensor],
        found: dict[str, Tensor],
    ) -> Tensor:
        """Return the memory for the gradient of something that a step read."""
        step = move.step
        if name in step.stacks:
            if name not in found:
                found[name] = self.buffer("grad." + name, (len(values), *self._program._shapes[name]))
            return found[name]
        if isinstance(step, Activate):
            # What was read is not needed any more: its memory takes its gradient.
            grads[name] = given if step.activation.derivative is None else values
            return grads[name]
        if name == getattr(step, "addend", None) and (name in move.spread or name not in grads):
            made = given
        elif name in grads:
            return grads[name]
        else:
            made = self._spent.get(name)
            made = self.buffer("grad." + name, values.shape) if made is None else made
        if name not in move.spread:
            grads[name] = made
        return made

    def _gather(self, name: str, grad: Tensor, grads: dict[str, Tensor]) -> None:
        """Add up the gradient of a register of the trunk from those of the tiles that saw its rows."""
        register = self._registers[name]
        if self._rows is None:
            rows = grad
        elif len(register) == 1:
            rows = torch.sum(grad, 0, keepdim=True, out=self.buffer("gathered." + name, register.shape))
        else:
            rows = self.buffer("gathered." + name, register.shape).zero_()
            rows.index_add_(0, self._rows, grad)
        grads[name] = grads[name].add_(rows) if name in grads else rows

    def _reduced(self, name: str, values: Tensor) -> Tensor:
        """Return the gradient of a stack [group, *shape] from those of tiles, added in their order."""
        if name not in self._program._local:
            return values.sum(0, keepdim=True)
        if self._owner is None:
            return values.clone()
        total = values.new_zeros((len(self._weights[name]), *values.shape[1:]))
        return total.index_add_(0, self._owner, values)


def _moves(description: Description) -> list[Move]:
    """Return the steps in order, with what they read of the trunk and which gradients they are the first to write."""
    wanted = {stack.name for stack in description.stacks if stack.trained}
    trunk, moving = {TRUNK_COORDS}, set()
    spread: list[tuple[str, ...]] = []
    for step in description.steps:
        inside = trunk.issuperset(step.sources)
        spread.append(() if inside else tuple(name for name in step.sources if name in trunk))
        if inside:
            trunk.add(step.target)
        if wanted.intersection(step.stacks) or moving.intersection(step.sources):
            moving.add(step.target)
    moves, written = [], set()
    for step, apart in zip(reversed(description.steps), reversed(spread), strict=True):
        betas: list[int | None] = []
        for name in (*step.sources, *step.stacks):
            if name not in moving and name not in wanted:
                betas.append(None)
                continue
            betas.append(int(name in written and name not in apart))
            written.add(name)
        moves.append(Move(step=step, spread=apart, betas=tuple(betas)))
    return moves[::-1]
