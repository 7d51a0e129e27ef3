"""A model as data: an encoding, a list of steps, and the weight stacks they use; kernels run it."""

from __future__ import annotations

import math
import zlib
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from inrfit.models.config import ModelConfig
from inrfit.registry import load
from inrfit.steps.activations import Activate
from inrfit.steps.encodings import Encoding
from inrfit.steps.pullback import Into

COORDS = "coords"
"""Register that holds the encoded coordinates of the regions' own networks before the first step."""

TRUNK_COORDS = "trunk_coords"
"""Register that holds the encoded coordinates of a shared trunk before the first step."""


class Step(Protocol):
    """One operation: reads registers, writes another. Where it is not `ByHand`, autograd differentiates it."""

    @property
    def sources(self) -> tuple[str, ...]:
        """Registers that `forward` takes first."""
        ...

    @property
    def target(self) -> str:
        """Register written."""
        ...

    @property
    def stacks(self) -> tuple[str, ...]:
        """Weight stacks that `forward` takes after them."""
        ...

    @property
    def matrix(self) -> tuple[str, str | None] | None:
        """The stacks of a weight and of its bias, which an optimiser takes for one matrix; None without weights."""
        ...

    @property
    def forward(self) -> Callable[..., Any]:
        """Function of inputs [tile, point, feature] and the stacks' groups, one per tile or one for all."""
        ...

    def width(self, read: int, shapes: Mapping[str, tuple[int, ...]]) -> int:
        """Return the features written, by those of the first source and the shapes of the stacks."""
        ...


class ByHand(Step, Protocol):
    """A step with its derivative beside it, which the CPU's kernel asks for."""

    @property
    def remembers(self) -> bool:
        """Whether `write` leaves something for `pull` in a memo as large as what it reads, which is not needed then."""
        ...

    @property
    def passes(self) -> str | None:
        """The source whose gradient is that of the target, unchanged; None where there is none."""
        ...

    def write(self, out: Any, memo: Any, inputs: Sequence[Any]) -> None:
        """Do the same for inputs [tile, feature, point] and one group per tile, into memory that is there."""
        ...

    def pull(self, grad: Any, memo: Any, inputs: Sequence[Any], into: Sequence[Into | None]) -> None:
        """Add the gradients of what was read, by the gradient of what was written."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Stack:
    """Weights of one kind with a group axis in front: one group per region, or one for the signal.

    Attributes:
        name: unique in the description.
        shape: shape of one group.
        init: random generator -> initial weights of one group.
        local: one group per region when True, one for the whole signal when False.
        trained: False for numbers that are drawn once and kept, such as Fourier frequencies.
        lr_factor: factor of the fit's learning rate; None for the usual one of a local or of a shared stack.
        points: along each axis where the rows of a group are those of a lattice, row-major; empty elsewhere.
    """

    name: str
    shape: tuple[int, ...]
    init: Callable[[np.random.Generator], NDArray[np.float32]]
    local: bool = True
    trained: bool = True
    lr_factor: float | None = None
    points: tuple[int, ...] = ()

    @property
    def size(self) -> int:
        """Numbers in one group."""
        return math.prod(self.shape)


@dataclass(frozen=True, slots=True, kw_only=True)
class Matrix:
    """A weight and its bias as one matrix [in (+ 1), out] per group, the bias as its last row.

    Attributes:
        weight: name of the weight stack, and of the matrix. A bias that has not the groups of its weight is a matrix of
            its own, of one row.
        bias: name of the bias stack; None where there is none that is trained with it.
        local: one group per region, or one for the signal.
        last: whether its outputs are those of the network, so that the best values follow from the others' in closed form.
        table: whether its rows are looked up, not multiplied with features: it has no second moments, and an optimiser
            steps each number on its own.
        lr_factor: as of its weight stack.
    """

    weight: str
    bias: str | None
    local: bool
    last: bool
    table: bool = False
    lr_factor: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Description:
    """A network as a pure function of weights and coordinates.

    Attributes:
        frames: register -> the coordinates it starts with: "local" (those of the region), "global" (those of the
            signal) or "folded" (the global ones folded back into the first frame, see `coords.fold`).
        encoding: how they become the register `coords`.
        frequencies: fixed frequencies [frequency, coord] of the encoding, the name of the stack that holds
            them, or None.
        steps: what happens, in order.
        stacks: the weights used, in the order in which a file keeps them.
        output: register that holds the result [tile, point, out_features].
    """

    frames: Mapping[str, str]
    encoding: Encoding
    frequencies: NDArray[np.float64] | str | None
    steps: tuple[Step, ...]
    stacks: tuple[Stack, ...]
    output: str

    def count(self, regions: int) -> int:
        """Return the number of trained weights for so many regions."""
        return sum(s.size * (regions if s.local else 1) for s in self.stacks if s.trained)

    def matrices(self) -> tuple[Matrix, ...]:
        """Return the matrices that an optimiser may change, in the order of the steps.

        A trained stack that a step uses and that is no part of a matrix of it is a table.
        """
        stacks = {stack.name: stack for stack in self.stacks}
        linear = {step.sources[0] for step in self.steps if step.target == self.output and _is_identity(step)}
        found: dict[str, Matrix] = {}
        for step in self.steps:
            for name, reads, with_bias in self.joined(step):
                found[name] = Matrix(
                    weight=name,
                    bias=step.matrix[1] if step.matrix is not None and reads and with_bias else None,
                    local=stacks[name].local,
                    last=reads and step.target in linear and stacks[name].local,
                    lr_factor=stacks[name].lr_factor,
                )
            for name in step.stacks if step.matrix is None else ():
                if stacks[name].trained:
                    own = stacks[name]
                    found[name] = Matrix(
                        weight=name,
                        bias=None,
                        local=own.local,
                        last=False,
                        table=True,
                        lr_factor=own.lr_factor,
                    )
        return tuple(found.values())

    def joined(self, step: Step) -> tuple[tuple[str, bool, bool], ...]:
        """Return the trained matrices of a step: name, whether it is that of the features, whether a bias is its last row.

        A bias that has not the groups of its weight is a matrix of its own, which reads nothing but the constant 1.
        """
        if step.matrix is None:
            return ()
        stacks = {stack.name: stack for stack in self.stacks}
        weight, bias = (stacks[name] if name else None for name in step.matrix)
        if weight is None or not weight.trained:
            return ()
        if bias is None or not bias.trained:
            return ((weight.name, True, False),)
        if bias.local == weight.local:
            return ((weight.name, True, True),)
        return (weight.name, True, False), (bias.name, False, True)

    def macs(self) -> int:
        """Return the multiply-accumulates of the affine steps for one sample."""
        sizes = {s.name: s.size for s in self.stacks if s.shape[0] > 1}
        affine = (step for step in self.steps if step.matrix is not None)
        return sum(sizes.get(name, 0) for step in affine for name in step.stacks)


def _is_identity(step: Step) -> bool:
    return isinstance(step, Activate) and step.activation.is_identity


@lru_cache(maxsize=64)
def describe(config: ModelConfig, in_features: int, out_features: int) -> Description:
    """Describe the model a resolved configuration names.

    Args:
        config: name and widths are set.
        in_features: coordinates per sample.
        out_features: channels.
    """
    return load("model", config.name or "mlp")(config, in_features, out_features)


def without(description: Description, frozen: Collection[str]) -> Description:
    """Return the description with some stacks not trained."""
    stacks = (replace(s, trained=s.trained and s.name not in frozen) for s in description.stacks)
    return replace(description, stacks=tuple(stacks))


def initial_weights(
    description: Description, region_ids: Sequence[int], seed: int
) -> dict[str, NDArray[np.float32]]:
    """Draw initial weights; those of a region depend on the seed and the region's id, on nothing else."""
    weights = {}
    for stack in description.stacks:
        purpose = zlib.crc32(stack.name.encode())
        ids = region_ids if stack.local else [-1]
        groups = [stack.init(np.random.default_rng([seed, purpose, number + 1])) for number in ids]
        weights[stack.name] = np.stack(groups).astype(np.float32, copy=False)
    return weights
