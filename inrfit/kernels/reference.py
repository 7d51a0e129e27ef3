"""The plain way to run a description: PyTorch operations, gradients by autograd. No speed is sought here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from inrfit.models.description import COORDS, Description


def encode(description: Description, weights: Mapping[str, Tensor], coords: Tensor) -> Tensor:
    """Encode coordinates [tile, point, coord] (double) into features [tile, point, feature] (single)."""
    frequencies = description.frequencies
    if isinstance(frequencies, str):
        table = weights[frequencies][0].to(coords.dtype)
    elif frequencies is not None:
        table = torch.as_tensor(frequencies, device=coords.device)
    else:
        table = None
    return description.encoding.function(coords, table).to(torch.float32)


def apply(description: Description, weights: Mapping[str, Tensor], features: Tensor, owner: Tensor) -> Tensor:
    """Run the steps on encoded tiles.

    Args:
        description: the network.
        weights: stack name -> [group, *shape]; shared stacks have one group.
        features: [tile, point, feature].
        owner: [tile], the group of each tile in the local stacks.

    Returns:
        [tile, point, out_features].
    """
    local = {stack.name: stack.local for stack in description.stacks}
    registers = {COORDS: features}
    for step in description.steps:
        used = [
            weights[name][owner] if local[name] else weights[name].expand(len(owner), -1, -1)
            for name in step.stacks
        ]
        registers[step.target] = step.forward(registers[step.source], *used)
    return registers[description.output]


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """Encoded tiles with what they should become.

    Attributes:
        features: [tile, point, feature].
        targets: [tile, point, channel] on [-1, 1].
        mask: [tile, point, 1]: 1 for samples, 0 for padding.
        owner: [tile], the group of each tile in the weights it is run with.
    """

    features: Tensor
    targets: Tensor
    mask: Tensor
    owner: Tensor


def errors_and_gradients(
    description: Description, weights: Mapping[str, Tensor], batch: Batch
) -> tuple[Tensor, dict[str, Tensor]]:
    """Return the sum of squared errors of each tile [tile], and the gradients of their sum by stack name."""
    trained = [stack.name for stack in description.stacks if stack.trained]
    leaves = {name: w.detach().requires_grad_(name in trained) for name, w in weights.items()}
    with torch.enable_grad():
        error = (apply(description, leaves, batch.features, batch.owner) - batch.targets) * batch.mask
        squares = error.square().sum((1, 2))
        gradients = torch.autograd.grad(squares.sum(), [leaves[name] for name in trained])
    return squares.detach(), dict(zip(trained, gradients, strict=True))
