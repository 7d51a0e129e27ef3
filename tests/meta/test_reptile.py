"""Reptile: the way from the start to where plain steps end, and the plain gradient of what is shared."""

from __future__ import annotations

import pytest
import torch
from make.meta import MODEL, TRUNK, learner_of, leaves, pictures, tasks_of, thirds, trained

from inrfit.meta import inner
from inrfit.meta.curves import curve
from inrfit.meta.learner import RIDGE


@pytest.mark.parametrize("model", [MODEL, TRUNK], ids=["partitioned", "local-global"])
def test_the_gradient_is_the_way_back_from_where_the_steps_end(model):
    learner = learner_of("reptile", model, inner_steps=3)
    signals = pictures(2)
    tasks = tasks_of(learner, signals, [thirds(signal) for signal in signals])
    params = leaves(learner)
    found, mse = learner.outer_gradients(params, tasks)
    now = {name: params[name].detach().expand(6, *params[name].shape).clone() for name in learner.adapted}
    shared = {name: value.detach()[None] for name, value in params.items() if name not in now}
    for _ in range(3):
        held = {name: value.requires_grad_() for name, value in now.items()}
        squares = inner.errors(learner, {**shared, **held}, tasks)
        slopes = torch.autograd.grad((squares / (3 * tasks.areas)).sum(), list(held.values()))
        now = {n: v.detach() - 0.1 * s for (n, v), s in zip(held.items(), slopes, strict=True)}
    for name, value in now.items():
        assert torch.allclose(found[name], 2 * (params[name].detach() - value.mean(0)), atol=1e-6), name
    held = {name: value.requires_grad_() for name, value in shared.items()}
    last = inner.signal_mse(inner.errors(learner, {**held, **now}, tasks), tasks)
    assert torch.allclose(mse, last)
    if held:
        slopes = torch.autograd.grad(last.sum(), list(held.values()))
        assert all(torch.allclose(found[n], s[0], atol=1e-6) for n, s in zip(held, slopes, strict=True))


@pytest.mark.parametrize("rates", ["parameter", "tensor", "linear", "fixed"])
def test_it_learns_the_weights_alone(rates):
    learner = learner_of("reptile", rates=rates)
    assert set(learner.parameters(0)) == {stack.name for stack in learner.description.stacks}
    assert learner.rate({}, "weight0", 1) == 0.1


def test_a_ridge_is_there_for_the_closed_form_and_not_learned():
    learner = learner_of("reptile", solve="last")
    params = leaves(learner)
    assert not params[RIDGE].requires_grad
    found, _ = learner.outer_gradients(params, tasks_of(learner, pictures(2)))
    assert RIDGE not in found


def test_training_lowers_the_error_after_the_steps():
    learner = learner_of("reptile")
    tasks = tasks_of(learner, pictures(3), grid=(2, 1))
    before = curve(learner, leaves(learner), tasks, 2).mean(1)
    params, _ = trained(learner, tasks, 25, lr=2e-2)
    after = curve(learner, params, tasks, 2).mean(1)
    assert after[2] > before[2] + 2
