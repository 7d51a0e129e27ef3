"""MAML with learned rates as one writes it with torch.func: the yardstick of the cost of an outer step; nothing is tuned here."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor
from torch.func import grad_and_value, vmap

Numbers = dict[str, Tensor]


def network(weights: Numbers, coords: Tensor, layers: int, omega: float) -> Tensor:
    """Return a SIREN's values [point, channel] at coordinates [point, axis]."""
    for number in range(layers):
        coords = coords @ weights[f"weight{number}"] + weights[f"bias{number}"]
        if number < layers - 1:
            coords = torch.sin(omega * coords)
    return coords


def outer_step(
    params: Numbers, coords: Tensor, layers: int, omega: float, inner_steps: int, outer_lr: float
) -> Callable[[Tensor], float]:
    """Return a function that does an outer step on pictures [picture, point, channel] and returns its loss.

    Args:
        params: weights, and by `rate.` and their name the logarithms of their rates [step, *shape]; changed in place.
        coords: [point, axis].
        layers, omega: of the network.
        inner_steps: per picture.
        outer_lr: of Adam.
    """
    leaves = {name: value.clone().requires_grad_() for name, value in params.items()}
    adam = torch.optim.Adam(list(leaves.values()), lr=outer_lr)
    names = [name for name in leaves if not name.startswith("rate.")]

    def loss(weights: Numbers, target: Tensor) -> Tensor:
        return (network(weights, coords, layers, omega) - target).square().mean()

    def adapted_loss(table: Numbers, target: Tensor) -> Tensor:
        weights = {name: table[name] for name in names}
        for step in range(inner_steps):
            slopes, _ = grad_and_value(loss)(weights, target)
            weights = {n: weights[n] - table["rate." + n][step].exp() * slopes[n] for n in names}
        return loss(weights, target)

    def all_of(table: Numbers, targets: Tensor) -> Tensor:
        return vmap(adapted_loss, (None, 0))(table, targets).mean()

    def step(targets: Tensor) -> float:
        gradients, value = grad_and_value(all_of)({n: v.detach() for n, v in leaves.items()}, targets)
        for name, leaf in leaves.items():
            leaf.grad = gradients[name]
        adam.step()
        return float(value)

    return step
