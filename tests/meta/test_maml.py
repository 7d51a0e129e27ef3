"""MAML: its outer gradients against finite differences and against a plain torch.func implementation."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from make.meta import MODEL, TRUNK, doubled, learner_of, leaves, pictures, tasks_of, thirds, trained
from torch.func import functional_call, grad

from inrfit.meta import inner

DIVIDED = {"none": (1, 1), "grid": (2, 2), "segments": None}


def made(learner, how, count=2):
    """Return tasks in double precision, and what is learned, moved a little so that nothing is zero."""
    signals = pictures(count)
    grid = DIVIDED[how]
    partitions = [thirds(signal) for signal in signals] if grid is None else None
    tasks = doubled(tasks_of(learner, signals, partitions, grid or (1, 1)))
    params = {}
    for place, (name, value) in enumerate(leaves(learner).items()):
        moved = torch.randn(value.shape, generator=torch.Generator().manual_seed(place), dtype=torch.double)
        params[name] = (value.detach().double() + 0.05 * moved).requires_grad_()
    return tasks, params


def by_differences(learner, tasks, params, direction, step=1e-5):
    """Return the derivative of the summed errors after the inner steps along a direction."""

    def total(sign):
        moved = {n: (v + sign * step * direction[n]).detach().requires_grad_() for n, v in params.items()}
        return float(learner.outer_gradients(moved, tasks)[1].sum())

    return (total(1) - total(-1)) / (2 * step)


def directions(params, seed=0):
    random = np.random.default_rng(seed)
    return {name: torch.tensor(random.normal(size=value.shape)) for name, value in params.items()}


@pytest.mark.parametrize("how", DIVIDED)
@pytest.mark.parametrize(
    "words",
    [
        {},
        {"rates": "tensor", "loss": "signal"},
        {"rates": "linear"},
        {"rates": "fixed", "inner_steps": 3},
        {"solve": "first"},
        {"solve": "last", "rates": "tensor"},
        {"model": TRUNK},
        {"model": TRUNK, "solve": "last"},
    ],
    ids=str,
)
def test_the_outer_gradient_is_that_of_finite_differences(words, how):
    learner = learner_of(**words)
    tasks, params = made(learner, how)
    found, _ = learner.outer_gradients(params, tasks)
    assert set(found) == set(params)
    direction = directions(params)
    for names in (set(params), {n for n in params if "." in n or n == inner.RIDGE}):
        along = {n: d if n in names else torch.zeros_like(d) for n, d in direction.items()}
        expected = sum(float((found[n] * along[n]).sum()) for n in names)
        assert by_differences(learner, tasks, params, along) == pytest.approx(expected, rel=1e-4, abs=1e-7)


class Siren(torch.nn.Module):
    """The network of `MODEL` as anybody would write it: one hidden layer, weights [in, out]."""

    def __init__(self):
        super().__init__()
        shapes = {"weight0": (2, 8), "bias0": (1, 8), "weight1": (8, 8), "bias1": (1, 8)}
        for name, shape in {**shapes, "weight2": (8, 3), "bias2": (1, 3)}.items():
            setattr(self, name, torch.nn.Parameter(torch.zeros(shape)))

    def forward(self, x):
        x = torch.sin(8 * (x @ self.weight0 + self.bias0))
        x = torch.sin(8 * (x @ self.weight1 + self.bias1))
        return x @ self.weight2 + self.bias2


def plain_maml(params, images, boxes, rate, steps):
    """Return the errors of the images after steps of descent from one start for each head, one image at a time."""
    net = Siren()
    axis = (2 * torch.arange(8.0, dtype=torch.double) + 1) / 8 - 1

    def loss(weights, coords, target):
        return (functional_call(net, weights, (coords,)) - target).square().mean()

    total = torch.zeros((), dtype=torch.double)
    for image in images:
        summed = torch.zeros((), dtype=torch.double)
        for rows, columns in boxes:
            y, x = torch.meshgrid(axis[rows], axis[columns], indexing="ij")
            coords, target = torch.stack([y, x], -1).reshape(-1, 2), image[rows, columns].reshape(-1, 3)
            weights = dict(params)
            for _ in range(steps):
                slope = grad(loss)(weights, coords, target)
                weights = {name: value - rate * slope[name] for name, value in weights.items()}
            summed = summed + loss(weights, coords, target) * target.numel()
        total = total + summed / image.numel()
    return total


@pytest.mark.parametrize("cells", [(1, 1), (2, 2)])
def test_it_is_what_a_plain_loop_of_torch_func_does(cells):
    learner = learner_of(rates="fixed")
    signals = pictures(2)
    tasks = doubled(tasks_of(learner, signals, grid=cells))
    params = {n: v.detach().double().requires_grad_() for n, v in leaves(learner).items()}
    found, mse = learner.outer_gradients(params, tasks)
    images = [torch.tensor(s.info.to_unit(s.dense())).double() for s in signals]
    half = [slice(0, 8)] if cells == (1, 1) else [slice(0, 4), slice(4, 8)]
    boxes = [(rows, columns) for rows in half for columns in half]
    start = {n: v.detach() for n, v in params.items()}
    slope = grad(lambda p: plain_maml(p, images, boxes, 0.1, 2))(start)
    assert float(mse.sum()) == pytest.approx(float(plain_maml(start, images, boxes, 0.1, 2)), rel=1e-5)
    for name, value in slope.items():
        assert found[name].numpy() == pytest.approx(value.numpy(), rel=1e-3, abs=1e-6), name


def test_first_order_takes_the_inner_gradients_for_constants():
    """The gradient of the start is that of the adapted; that of a rate is minus the product of the two gradients."""
    second, first = learner_of(inner_steps=1), learner_of(inner_steps=1, order="first")
    tasks, params = made(first, "grid")
    found, mse = first.outer_gradients(params, tasks)
    through, same = second.outer_gradients(params, tasks)
    assert torch.equal(mse, same)
    begin = {n: params[n].detach().expand(8, *params[n].shape).clone() for n in first.adapted}
    inside = slopes(first, tasks, begin, lambda squares: inner.inner_loss(first, squares, tasks))
    rates = {n: params[f"rate.{n}"][0].detach().exp() for n in first.adapted}
    ends = {n: begin[n] - rates[n] * inside[n] for n in first.adapted}
    outside = slopes(first, tasks, ends, lambda squares: inner.signal_mse(squares, tasks).sum())
    for name in first.adapted:
        assert torch.allclose(found[name], outside[name].sum(0))
        by_rate = -(rates[name] * inside[name] * outside[name]).sum(0)
        assert torch.allclose(found[f"rate.{name}"][0], by_rate)
        assert not torch.allclose(found[name], through[name], rtol=1e-2)


def slopes(learner, tasks, weights, loss):
    """Return the gradients of a loss of the squared errors, [group, ...]."""
    held = {n: w.detach().requires_grad_() for n, w in weights.items()}
    found = torch.autograd.grad(loss(inner.errors(learner, held, tasks)), list(held.values()))
    return dict(zip(held, found, strict=True))


@pytest.mark.parametrize("model", [MODEL, TRUNK], ids=["partitioned", "local-global"])
@pytest.mark.parametrize("order", ["second", "first"])
def test_training_lowers_the_error_after_the_steps(model, order):
    learner = learner_of(model=model, order=order)
    _, losses = trained(learner, tasks_of(learner, pictures(3), grid=(2, 1)), 25)
    assert losses[-1] < 0.5 * losses[0]
