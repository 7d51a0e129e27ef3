"""The inner loop: the steps that turn what a learner starts with into the networks of signals; the outer loop calls it.

The plain kernel runs the networks, so that derivatives go through the steps where they are wanted.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial

import torch
from torch import Tensor

from inrfit.kernels import reference
from inrfit.meta.learner import RIDGE, Learner, Numbers
from inrfit.meta.tasks import Tasks
from inrfit.models.description import Step
from inrfit.steps.affine import second_moments


def output(learner: Learner, weights: Numbers, tasks: Tasks) -> Tensor:
    """Return what the networks give for the samples of tasks, [tile, point, channel]."""
    batch = tasks.batch
    owner = None if tasks.one_each else batch.owner
    return reference.apply(learner.description, weights, batch.features, owner, batch.trunk_rows)


def errors(learner: Learner, weights: Numbers, tasks: Tasks) -> Tensor:
    """Return the squared errors of each group, summed over its samples and channels, [group]."""
    return tasks.residual.squares(output(learner, weights, tasks).mT)


def signal_mse(squares: Tensor, tasks: Tasks) -> Tensor:
    """Return the mean squared error of each signal, [signal], by the squared errors of its groups."""
    count = len(tasks.signals)
    summed = squares.new_zeros(count).index_add(0, tasks.signal_of, squares)
    areas = tasks.areas.new_zeros(count).index_add(0, tasks.signal_of, tasks.areas)
    return summed / (areas * tasks.channels)


def inner_loss(learner: Learner, squares: Tensor, tasks: Tasks) -> Tensor:
    """Return the inner losses of all groups, summed: each group's gradient is that of its own loss."""
    areas = tasks.areas
    if learner.config.loss == "signal":
        areas = areas.new_zeros(len(tasks.signals)).index_add(0, tasks.signal_of, areas)[tasks.signal_of]
    return (squares / (areas * tasks.channels)).sum()


def step(
    learner: Learner, params: Numbers, adapted: Numbers, tasks: Tasks, number: int, *, through: bool
) -> dict[str, Tensor]:
    """Return what adapts after one inner step.

    Args:
        learner, params: what was learned.
        adapted: as it is.
        tasks: what is adapted to.
        number: of the step.
        through: whether derivatives go through the gradient of the step.
    """
    if learner.config.solves(number):
        return solved(learner, params, adapted, tasks)
    with torch.enable_grad():
        leaves = {
            name: value if through and value.requires_grad else value.detach().requires_grad_()
            for name, value in adapted.items()
        }
        loss = inner_loss(learner, errors(learner, learner.weights(params, leaves), tasks), tasks)
        found = torch.autograd.grad(loss, list(leaves.values()), create_graph=through)
    gradients = dict(zip(leaves, found, strict=True))
    return learner.step(params, adapted, gradients, number)


def steps(
    learner: Learner, params: Numbers, tasks: Tasks, count: int, *, through: bool
) -> Iterator[dict[str, Tensor]]:
    """Yield what adapts before the first and after every inner step."""
    adapted = learner.start(params, tasks)
    yield adapted
    for number in range(count):
        adapted = step(learner, params, adapted, tasks, number, through=through)
        yield adapted


def solved(learner: Learner, params: Numbers, adapted: Numbers, tasks: Tasks) -> dict[str, Tensor]:
    """Return what adapts with its output layer in closed form.

    Of all output layers it is the one with the least mean squared error plus ridge times the squared distance to the
    layer that there was, with a learned ridge for each feature. Source: Bertinetto et al., ICLR 2019 (R2-D2).
    """
    weight, bias = learner.last_matrix
    batch, seen = tasks.batch, []

    def watch(name: str, one: Step, inputs: Sequence[Tensor]) -> None:
        if one.matrix is not None and one.matrix[0] == name:
            seen.append(inputs[0])

    owner = None if tasks.one_each else batch.owner
    weights = learner.weights(params, adapted)
    out = reference.apply(
        learner.description, weights, batch.features, owner, batch.trunk_rows, partial(watch, weight)
    )
    (features,) = seen
    missing = (batch.targets - out) * batch.mask
    moments = second_moments(features.mT, batch.mask.mT, bias=True).double()
    products = torch.cat([features.mT @ missing, missing.sum(1, keepdim=True)], 1).double()
    if not tasks.one_each:
        moments, products = (
            x.new_zeros((tasks.groups, *x.shape[1:])).index_add(0, batch.owner, x)
            for x in (moments, products)
        )
    areas = tasks.areas[:, None, None].double()
    ridge = torch.diag_embed(params[RIDGE].double().exp())
    change = torch.linalg.solve(moments / areas + ridge, products / areas).to(missing.dtype)
    return {
        **adapted,
        weight: adapted[weight] + change[:, :-1],
        bias: adapted[bias] + change[:, -1:],
    }
