"""The plain way to run a description: PyTorch operations, gradients by autograd. No speed is sought here."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar

import torch
from torch import Tensor

from inrfit.device import Device
from inrfit.kernels.batch import Batch, Pulled, Sums, Tiles
from inrfit.kernels.residual import Squares
from inrfit.models.description import TRUNK_COORDS, Description, Step
from inrfit.steps.affine import second_moments

COMPANY = 64
"""Tiles that are run in one call of a decode; less are filled up, as libraries on CUDA choose kernels by the number."""


def apply(
    description: Description,
    weights: Mapping[str, Tensor],
    features: Mapping[str, Tensor],
    owner: Tensor | None,
    trunk_rows: Tensor | None = None,
    watch: Callable[[Step, Sequence[Tensor]], None] | None = None,
) -> Tensor:
    """Run the steps on encoded tiles.

    Args:
        description: the network.
        weights: stack name -> [group, *shape]; shared stacks have one group.
        features: register -> [tile, point, feature].
        owner: [tile], the group of each tile in the local stacks; None where tile g belongs to group g.
        trunk_rows: [tile], the row of the trunk's registers that belongs to each tile, where tiles that see the same
            trunk coordinates share a row; None when each tile has its own.
        watch: told of every step and the registers it reads.

    Returns:
        [tile, point, out_features].
    """
    local = {stack.name: stack.local for stack in description.stacks}
    registers = dict(features)
    trunk = {TRUNK_COORDS}
    for step in description.steps:
        inputs = [registers[name] for name in step.sources]
        if trunk.issuperset(step.sources):
            trunk.add(step.target)
        elif trunk_rows is not None:
            pairs = zip(step.sources, inputs, strict=True)
            inputs = [x[trunk_rows] if name in trunk else x for name, x in pairs]
        if watch is not None:
            watch(step, inputs)
        gathered = owner is not None
        groups = [weights[name][owner] if gathered and local[name] else weights[name] for name in step.stacks]
        registers[step.target] = step.forward(*inputs, *groups)
    return registers[description.output]


class Reference:
    """The plain kernel of a description, on any device.

    Args:
        description: the network.
    """

    recorded: ClassVar[bool] = False

    def __init__(self, description: Description) -> None:
        self._description = description

    @staticmethod
    def refuses(description: Description, device: Device) -> str | None:
        """Return why the kernel cannot run a description on a device; None when it can."""
        return None

    def prepare(self, tiles: Tiles) -> Any:
        """Return tiles as they are."""
        return tiles

    def sizes(self, points: int, axes: int) -> tuple[int, ...]:
        """Return how many tiles may be put together: any number up to `COMPANY`, as always so many are run."""
        return tuple(range(COMPANY, 0, -1))

    def together(self, tiles: Sequence[Tiles], owner: Sequence[int]) -> Tiles:
        """Return tiles as one, filled up with the last of them; see `Kernel`."""
        missing = COMPANY - len(tiles)
        filled = [*tiles, *[tiles[-1]] * missing]
        features = {name: torch.cat([tile.features[name] for tile in filled]) for name in tiles[0].features}
        where = next(iter(features.values())).device
        owners = torch.tensor([*owner, *[owner[-1]] * missing], device=where)
        return Tiles(features=features, owner=owners, weight=None)

    def values(self, weights: Mapping[str, Tensor], tiles: Any) -> Tensor:
        """Return the values [tile, channel, point] of tiles; differentiable."""
        return apply(self._description, weights, tiles.features, tiles.owner, tiles.trunk_rows).mT

    def pull(
        self, weights: Mapping[str, Tensor], tiles: Any, gradient: Tensor, *, moments: bool = False
    ) -> Pulled:
        """Return the gradients of stacks by that of the values, and second moments; see `Kernel`."""
        return self._pulled(weights, tiles, moments, lambda out: gradient.mT)

    def sums(self, weights: Mapping[str, Tensor], batch: Any, *, moments: bool = False) -> Sums:
        """Return errors and gradients of a batch, by autograd; see `Sums`."""
        errors: list[Tensor] = []

        def missed(out: Tensor) -> Tensor:
            misfit = Squares(batch).misfit(out.mT)
            errors.append(misfit.squares)
            return misfit.gradient.mT

        pulled = self._pulled(weights, batch, moments, missed)
        return Sums(errors=errors[0], gradients=pulled.gradients, moments=pulled.moments)

    def _pulled(
        self,
        weights: Mapping[str, Tensor],
        tiles: Tiles,
        moments: bool,
        gradient: Callable[[Tensor], Tensor],
    ) -> Pulled:
        """Run the steps, and pull back what `gradient` makes of their output [tile, point, channel]."""
        description = self._description
        local = {stack.name: stack.local for stack in description.stacks}
        trained = [stack.name for stack in description.stacks if stack.trained]
        leaves = {name: w.detach().requires_grad_(name in trained) for name, w in weights.items()}
        found: dict[str, Tensor] = {}

        def watch(step: Step, inputs: Sequence[Tensor]) -> None:
            weight = None if tiles.weight is None else tiles.weight.mT
            for name, reads, bias in description.joined(step):
                features = inputs[0].detach().mT
                own = second_moments(features if reads else features[:, :0], weight, bias=bias)
                if not local[name]:
                    own = own.sum(0, keepdim=True)
                elif tiles.owner is not None:
                    groups = own.new_zeros((len(weights[name]), *own.shape[1:]))
                    own = groups.index_add_(0, tiles.owner, own)
                found[name] = found[name] + own if name in found else own

        with torch.enable_grad():
            out = apply(
                description, leaves, tiles.features, tiles.owner, tiles.trunk_rows, watch if moments else None
            )
            gradients = torch.autograd.grad(out, [leaves[name] for name in trained], gradient(out.detach()))
        return Pulled(gradients=dict(zip(trained, gradients, strict=True)), moments=found)


def errors_and_gradients(
    description: Description, weights: Mapping[str, Tensor], batch: Batch
) -> tuple[Tensor, dict[str, Tensor]]:
    """Return the squared errors of each tile [tile], and gradients by stack name; see `Sums`."""
    sums = Reference(description).sums(weights, batch)
    return sums.errors, sums.gradients
