"""The fast way on a CPU: tiles walk through the whole network and back in cache, each step's derivative written by hand.

It interprets the same descriptions as `reference` and gives the same numbers up to rounding. What is different: points
lie last ([tile, feature, point]), buffers are made once per thread and used again, there is no autograd graph, and the
functions of single values are NumPy's, whose sine takes less than half the time of PyTorch's. A block of tiles should be
small enough for its buffers to stay in cache and large enough for the calls not to count.
"""

from __future__ import annotations

import math
import threading
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import ClassVar

import numpy as np
import torch
from torch import Tensor

from inrfit.device import Device
from inrfit.kernels.batch import Batch, Pulled, Sums, Tiles
from inrfit.kernels.by_autograd import by_hand
from inrfit.kernels.proof import proven
from inrfit.models.description import TRUNK_COORDS, ByHand, Description
from inrfit.steps.activations import Activate
from inrfit.steps.affine import AddAffine, Affine, second_moments
from inrfit.steps.pullback import Into

TOGETHER = (16, 4)
"""Tiles that may be run in one call of a decode, if their values stay in cache."""

IN_CACHE = 1 << 20
"""Bytes that the values of one layer should not exceed then."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Laid:
    """Tiles with their points last.

    Attributes:
        features: register -> [tile or row, feature, point].
        owner: [tile], the group of each tile in the local stacks; None where tile and group are the same.
        weight: [tile, 1, point]; None where all points count 1.
        trunk_rows: [tile], as for `Tiles`.
    """

    features: Mapping[str, Tensor]
    owner: Tensor | None
    weight: Tensor | None
    trunk_rows: Tensor | None

    @property
    def count(self) -> int:
        """Number of tiles."""
        known = self.trunk_rows if self.owner is None else self.owner
        return len(next(iter(self.features.values())) if known is None else known)


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepared(Laid):
    """A batch with its points last.

    Attributes:
        targets: [tile, channel, point].
        mask: [tile, 1, point]; None where all samples count, with weight 1.
    """

    targets: Tensor
    mask: Tensor | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Move:
    """A step with what is known about it before any numbers are.

    Attributes:
        step: what is done.
        inside: whether it is done once for each row of the trunk, not for each tile.
        spread: sources that have the rows of the trunk while the step is done for each tile.
        betas: per source and stack, 0 where this step is the first to write its gradient, 1 where it adds, None where
            none is wanted.
        width: features that it gives.
    """

    step: ByHand
    inside: bool
    spread: tuple[str, ...]
    betas: tuple[int | None, ...]
    width: int


class Cpu:
    """The fast kernel of a description; it may be run by several threads at a time.

    Args:
        description: the network.
    """

    recorded: ClassVar[bool] = False

    def __init__(self, description: Description) -> None:
        self.description = description
        self.shapes = {stack.name: stack.shape for stack in description.stacks}
        self.local = {stack.name for stack in description.stacks if stack.local}
        self.trained = {stack.name for stack in description.stacks if stack.trained}
        steps, self.scales = _folded(tuple(map(by_hand, description.steps)))
        self.moves = _moves(description, steps)
        self._thread = threading.local()
        self._proofs: dict[tuple[int, ...], bool] = {}

    @staticmethod
    def refuses(description: Description, device: Device) -> str | None:
        """Return why the kernel cannot run a description on a device; None when it can."""
        return f"it is for the CPU, not for {device.name}" if device.is_cuda else None

    def prepare(self, tiles: Tiles) -> Laid:
        """Return tiles as `values` takes them, a batch as `sums` does too; to be kept where they are used again."""
        features = {name: points_last(values) for name, values in tiles.features.items()}
        if not isinstance(tiles, Batch):
            weight = None if tiles.weight is None else points_last(tiles.weight)
            return Laid(features=features, owner=tiles.owner, weight=weight, trunk_rows=tiles.trunk_rows)
        plain = bool((tiles.mask == 1).all()) and bool((tiles.weight == 1).all())
        own = torch.equal(tiles.owner, torch.arange(len(tiles.owner)))
        return Prepared(
            features=features,
            owner=None if own else tiles.owner,
            trunk_rows=tiles.trunk_rows,
            targets=points_last(tiles.targets),
            mask=None if plain else points_last(tiles.mask),
            weight=None if plain else points_last(tiles.weight),
        )

    def sizes(self, points: int, axes: int) -> tuple[int, ...]:
        """Return how many tiles may be put together, see `Kernel`; more than one where that was seen to change no bit."""
        widest = max(shape[-1] for shape in self.shapes.values())
        fitting = (size for size in TOGETHER if size * widest * points * 4 <= IN_CACHE)
        return (*(size for size in fitting if self._proven(points, axes, size)), 1)

    def _proven(self, *case: int) -> bool:
        """Return what `proven` finds out, once."""
        if case not in self._proofs:
            self._proofs[case] = proven(self, self.description, *case)
        return self._proofs[case]

    def together(self, tiles: Sequence[Laid], owner: Sequence[int]) -> Laid:
        """Return tiles as one; a row of the trunk once, where all tiles share it."""
        features, rows = {}, None
        for name, first in tiles[0].features.items():
            if name == TRUNK_COORDS and all(tile.features[name] is first for tile in tiles):
                features[name], rows = first, torch.zeros(len(tiles), dtype=torch.int64)
            else:
                features[name] = torch.cat([tile.features[name] for tile in tiles])
        rows = rows if len(tiles) > 1 else None
        return Laid(features=features, owner=torch.tensor(owner), weight=None, trunk_rows=rows)

    def values(self, weights: Mapping[str, Tensor], tiles: Laid) -> Tensor:
        """Return the values of tiles [tile, channel, point], in memory that the next call of this thread uses again."""
        made, owner = self._pass(tiles, learns=False), tiles.owner
        if owner is not None:  # of many regions only these are made ready
            weights = {name: w[owner] if name in self.local else w for name, w in weights.items()}
        with np.errstate(all="ignore"):  # whoever asked looks for values that are not finite
            return made.forward(tiles.features, self._groups(weights, made, None), tiles.trunk_rows)

    def pull(
        self, weights: Mapping[str, Tensor], tiles: Laid, gradient: Tensor, *, moments: bool = False
    ) -> Pulled:
        """Return the gradients of stacks by that of the values, and second moments; see `Kernel`."""
        with np.errstate(all="ignore"):
            made, out = self._learning(weights, tiles)
            return self._pulled(weights, tiles, made, out.copy_(gradient), moments)

    def sums(self, weights: Mapping[str, Tensor], batch: Prepared, *, moments: bool = False) -> Sums:
        """Return errors and gradients of a batch as the reference does; see `Sums`."""
        with np.errstate(all="ignore"):
            made, out = self._learning(weights, batch)
            error = out.sub_(batch.targets)
            squares = torch.mul(error, error, out=made.squares)
            if batch.mask is not None:
                squares.mul_(batch.mask)
            errors = squares.sum((1, 2))
            error.mul_(2.0 if batch.weight is None else batch.weight * 2.0)
            pulled = self._pulled(weights, batch, made, error, moments)
            return Sums(errors=errors, gradients=pulled.gradients, moments=pulled.moments)

    def _learning(self, weights: Mapping[str, Tensor], tiles: Laid) -> tuple[Pass, Tensor]:
        """Walk through the network; return the pass, to be walked backwards, and its output."""
        made = self._pass(tiles, learns=True)
        return made, made.forward(tiles.features, self._groups(weights, made, tiles.owner), tiles.trunk_rows)

    def _pulled(
        self, weights: Mapping[str, Tensor], tiles: Laid, made: Pass, gradient: Tensor, moments: bool
    ) -> Pulled:
        """Walk back from a gradient in the memory of the output."""
        found: dict[str, Tensor] = {}
        for name, own in made.moments(tiles.weight) if moments else ():
            summed = self._reduced(name, own, weights, tiles.owner)
            found[name] = found[name].add_(summed) if name in found else summed
        gradients = {
            name: self._reduced(name, own, weights, tiles.owner).mul_(self.scales.get(name, 1.0))
            for name, own in made.backward(gradient, tiles.trunk_rows).items()
        }
        return Pulled(gradients=gradients, moments=found)

    def _pass(self, tiles: Laid, *, learns: bool) -> Pass:
        """Return this thread's memory for tiles of these sizes."""
        count, shares = tiles.count, tiles.trunk_rows is not None
        rows = tiles.features[TRUNK_COORDS].shape[0] if shares else count
        points = next(iter(tiles.features.values())).shape[-1]
        if not hasattr(self._thread, "passes"):
            self._thread.passes, self._thread.buffers = {}, {}
        key = (count, rows, points, shares, learns)
        passes = self._thread.passes
        if key not in passes:
            memory = partial(_buffer, self._thread.buffers)
            passes[key] = Pass(self, count, rows, points, memory, shares=shares, learns=learns)
        return passes[key]

    def _groups(
        self, weights: Mapping[str, Tensor], made: Pass, owner: Tensor | None
    ) -> list[tuple[Tensor, ...]]:
        """Return the weights of each move for each of its tiles."""
        ready: dict[str, Tensor] = {}
        for name in self.shapes:
            whole = weights[name] * self.scales[name] if name in self.scales else weights[name]
            ready[name] = whole[owner] if owner is not None and name in self.local else whole
        groups = []
        for move in self.moves:
            tiles = made.rows if move.inside else made.tiles
            stacks = (ready[name] for name in move.step.stacks)
            groups.append(tuple(w if w.shape[0] == tiles else w[:1].expand(tiles, -1, -1) for w in stacks))
        return groups

    def _reduced(
        self, name: str, tiles: Tensor, weights: Mapping[str, Tensor], owner: Tensor | None
    ) -> Tensor:
        """Return the sums for each group of a stack from those of tiles, added in their order."""
        if name not in self.local:
            return tiles.sum(0, keepdim=True)
        if owner is None:
            return tiles.clone()
        return tiles.new_zeros((weights[name].shape[0], *tiles.shape[1:])).index_add_(0, owner, tiles)


class Pass:
    """The memory of one thread for batches of one size, and a walk through it: all that depends on sizes alone.

    Args:
        kernel: whose.
        tiles, rows, points: sizes of the batch; rows are those of the trunk.
        memory: (name, shape) -> an array whose content does not matter; equal names share it.
        shares: whether tiles share rows of the trunk.
        learns: whether it will be walked backwards.
    """

    def __init__(
        self,
        kernel: Cpu,
        tiles: int,
        rows: int,
        points: int,
        memory: Callable[[str, Sequence[int]], Tensor],
        *,
        shares: bool,
        learns: bool,
    ) -> None:
        self._kernel, self._shares, self._memory = kernel, shares, memory
        self.tiles, self.rows = tiles, rows
        self.registers: dict[str, Tensor] = {}
        self.memos: list[Tensor | None] = []
        self._inputs: list[list[Tensor]] = []
        for move in kernel.moves:
            step, shape = move.step, (rows if move.inside else tiles, move.width, points)
            read = self.registers.get(step.sources[0])
            spent = step.passes == step.sources[0] or (step.remembers and not learns)
            if read is not None and read.shape == shape and spent:
                self.registers[step.target] = read
            else:
                self.registers[step.target] = memory(step.target, shape)
            memo = None
            if read is not None and step.remembers and learns:
                memo = memory("memo." + step.target, read.shape)
            self.memos.append(memo)
        if learns:
            self.squares = memory("squares", self.registers[kernel.description.output].shape)
            self._into = self._destinations()

    def forward(
        self, features: Mapping[str, Tensor], groups: Sequence[tuple[Tensor, ...]], rows: Tensor | None
    ) -> Tensor:
        """Run the steps; return the output register."""
        registers = {**self.registers, **features}
        self._inputs = []
        for move, memo, weights in zip(self._kernel.moves, self.memos, groups, strict=True):
            step = move.step
            inputs = [
                self._spread(name, registers[name], rows) if name in move.spread else registers[name]
                for name in step.sources
            ]
            inputs += weights
            step.write(self.registers[step.target], memo, inputs)
            self._inputs.append(inputs)
        return self.registers[self._kernel.description.output]

    def backward(self, grad: Tensor, rows: Tensor | None) -> dict[str, Tensor]:
        """Run the steps backwards from the gradient of the output; return the gradients of stacks, per tile."""
        for move, memo, inputs, (given, into) in zip(
            reversed(self._kernel.moves),
            reversed(self.memos),
            reversed(self._inputs),
            reversed(self._into),
            strict=True,
        ):
            if given is None:
                continue
            move.step.pull(given, memo, inputs, into)
            for name, put in zip(move.step.sources, into, strict=False):
                if name in move.spread and put is not None and self._shares:
                    self._gather(put.values, self._gathered[name], rows)
        return self._stacks

    def moments(self, weight: Tensor | None) -> Iterator[tuple[str, Tensor]]:
        """Yield the second moments of what each trained matrix was multiplied with, per tile."""
        joined = self._kernel.description.joined
        for move, inputs in zip(self._kernel.moves, self._inputs, strict=True):
            for name, reads, bias in joined(move.step):
                yield name, second_moments(inputs[0] if reads else inputs[0][:, :0], weight, bias=bias)

    def _destinations(self) -> list[tuple[Tensor | None, list[Into | None]]]:
        """Return the gradient that each step is given, and where it puts those of what it read."""
        self._stacks: dict[str, Tensor] = {}
        self._gathered: dict[str, Tensor] = {}
        # The memory of what left a memo behind is free after that, and takes gradients.
        spent = {
            move.step.target: self.registers[move.step.sources[0]]
            for move, memo in zip(self._kernel.moves, self.memos, strict=True)
            if memo is not None and memo.shape == self.registers[move.step.target].shape
        }
        output = self._kernel.description.output
        grads: dict[str, Tensor] = {output: self.registers[output]}
        found = []
        for move in reversed(self._kernel.moves):
            if all(beta is None for beta in move.betas):
                found.append((None, []))
                continue
            given = grads[move.step.target]
            into: list[Into | None] = []
            for name, beta in zip((*move.step.sources, *move.step.stacks), move.betas, strict=True):
                made = None if beta is None else self._destination(move, name, given, grads, spent)
                into.append(None if made is None or beta is None else Into(made, beta))
            found.append((given, into))
        return found[::-1]

    def _destination(
        self,
        move: Move,
        name: str,
        given: Tensor,
        grads: dict[str, Tensor],
        spent: Mapping[str, Tensor],
    ) -> Tensor:
        """Return the memory for the gradient of something that a step reads."""
        step, tiles = move.step, self.rows if move.inside else self.tiles
        if name in step.stacks:
            if name not in self._stacks:
                self._stacks[name] = self._memory("grad." + name, (tiles, *self._kernel.shapes[name]))
            return self._stacks[name]
        register, passed = self.registers[name], name == step.passes
        if step.remembers:
            grads[name] = register
        elif name in move.spread and self._shares:
            self._gathered[name] = grads[name] = self._memory("gathered." + name, register.shape)
            return given if passed else self._memory("grad." + name, (tiles, *register.shape[1:]))
        elif name not in grads:
            free = given if passed else spent.get(name)
            grads[name] = self._memory("grad." + name, register.shape) if free is None else free
        return grads[name]

    def _spread(self, name: str, register: Tensor, rows: Tensor | None) -> Tensor:
        """Return a register of the trunk with a row for each tile."""
        if rows is None:
            return register
        if register.shape[0] == 1:
            return register.expand(self.tiles, -1, -1)
        out = self._memory("spread." + name, (self.tiles, *register.shape[1:]))
        return torch.index_select(register, 0, rows, out=out)

    def _gather(self, grad: Tensor, out: Tensor, rows: Tensor | None) -> None:
        """Add up the gradient of a register of the trunk from those of the tiles that saw its rows."""
        if out.shape[0] == 1:
            torch.sum(grad, 0, keepdim=True, out=out)
        elif rows is not None:
            out.zero_().index_add_(0, rows, grad)


def points_last(values: Tensor) -> Tensor:
    """Return [tile, point, feature] as [tile, feature, point], in that order in memory."""
    return values.mT.contiguous()


def _buffer(buffers: dict[str, Tensor], name: str, shape: Sequence[int]) -> Tensor:
    """Return memory under a name, with the content it happens to have."""
    size = math.prod(shape)
    flat = buffers.get(name)
    if flat is None or flat.shape[0] < size:
        flat = buffers[name] = torch.empty(size)
    return flat[:size].view(*shape)


def _moves(description: Description, steps: Sequence[ByHand]) -> list[Move]:
    """Return the steps in order, with what they read of the trunk and which gradients they are the first to write."""
    wanted = {stack.name for stack in description.stacks if stack.trained}
    shapes = {stack.name: stack.shape for stack in description.stacks}
    trunk, moving, widths = {TRUNK_COORDS}, set(), dict[str, int]()
    spread: list[tuple[str, ...]] = []
    for step in steps:
        inside = trunk.issuperset(step.sources)
        spread.append(() if inside else tuple(name for name in step.sources if name in trunk))
        if inside:
            trunk.add(step.target)
        if wanted.intersection(step.stacks) or moving.intersection(step.sources):
            moving.add(step.target)
        widths[step.target] = step.width(widths.get(step.sources[0], 0), shapes)
    moves, written = [], set()
    for step, apart in zip(reversed(steps), reversed(spread), strict=True):
        betas: list[int | None] = []
        for name in (*step.sources, *step.stacks):
            if name not in moving and name not in wanted:
                betas.append(None)
                continue
            betas.append(int(name in written))
            written.add(name)
        inside = step.target in trunk
        moves.append(
            Move(step=step, inside=inside, spread=apart, betas=tuple(betas), width=widths[step.target])
        )
    return moves[::-1]


def _folded(steps: tuple[ByHand, ...]) -> tuple[tuple[ByHand, ...], dict[str, float]]:
    """Return the steps with omega_0 put into the weights before them, and the factors that do so, by stack.

    That spares two walks through the values of every layer. It is all or nothing: no stack may be wanted with two factors.
    """
    readers = Counter(name for step in steps for name in step.sources)
    factors: dict[str, float] = {}
    scales: dict[str, float] = {}
    for step in reversed(steps):
        if isinstance(step, Activate):
            folds = step.activation.folds and readers[step.source] == 1
            factors[step.source] = step.omega_0 if folds else 1.0
            continue
        factor = factors.get(step.target, 1.0)
        if factor != 1 and not isinstance(step, Affine | AddAffine):  # nobody knows whether others are linear
            return steps, {}
        if step.passes is not None:  # an addend is added as it is, so it has the factor of the sum
            if readers[step.passes] > 1 and factor != 1:
                return steps, {}
            factors[step.passes] = factor
        if any(scales.setdefault(name, factor) != factor for name in step.stacks):
            return steps, {}
    folded = (
        replace(step, omega_0=1.0) if isinstance(step, Activate) and factors[step.source] != 1 else step
        for step in steps
    )
    return tuple(folded), {name: factor for name, factor in scales.items() if factor != 1}
