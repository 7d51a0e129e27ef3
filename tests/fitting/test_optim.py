"""Optimisers: groups are independent, Adam is the textbook's, the eigenbasis and the closed form are what they say."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from inrfit import api, registry
from inrfit.fitting import optim
from inrfit.fitting.config import FitConfig
from inrfit.fitting.progress import Progress
from inrfit.fitting.schedule import WARM_UP, constant, cosine
from inrfit.models.description import Matrix
from inrfit.registry import load

SHAPE = (3, 5, 4)
HIDDEN = {"a": Matrix(weight="a", bias="b", local=True, last=False)}
LAST = {"a": replace(HIDDEN["a"], last=True)}


def draw(seed, shape=SHAPE):
    return torch.tensor(np.random.default_rng(seed).normal(size=shape), dtype=torch.float32)


def moment(seed, groups=SHAPE[0], size=SHAPE[1]):
    features = draw(seed, (groups, size, 40))
    return features @ features.mT / 40


def rates(value=0.01):
    return {"a": torch.full((SHAPE[0], 1, 1), value)}


def run(name, values, matrices, steps, rows=slice(None)):
    config = FitConfig(optimiser=name, beta1=0.8, beta2=0.7)
    made = load("optimiser", name)({"a": values}, matrices, config)
    for step in range(steps):
        moments = {"a": moment(100 + step)[rows]} if made.wants_moments(step) else {}
        corrected = rates(0.01 * made.correction(step))["a"][rows]
        made.update(step, {"a": draw(step)[rows].clone()}, moments, {"a": corrected})
    return values


def test_adam_is_that_of_torch():
    leaf = draw(50).requires_grad_()
    other = torch.optim.Adam([leaf], lr=0.01, betas=(0.8, 0.7))
    for step in range(6):
        leaf.grad = draw(step)
        other.step()
    assert torch.allclose(run("adam", draw(50), HIDDEN, 6), leaf.detach(), atol=1e-6)


@pytest.mark.parametrize("name", registry.names("optimiser"))
@pytest.mark.parametrize("matrices", [HIDDEN, LAST], ids=["hidden", "last"])
def test_a_group_goes_the_same_way_alone(name, matrices):
    together = run(name, draw(50), matrices, 12)
    for group in range(SHAPE[0]):
        rows = slice(group, group + 1)
        assert torch.equal(run(name, draw(50)[rows].clone(), matrices, 12, rows), together[rows])


def test_in_a_fixed_basis_soap_is_adam_on_turned_axes(monkeypatch):
    monkeypatch.setattr(optim, "REFRESH_EVERY", 10**9)
    monkeypatch.setattr(optim, "REFRESH_EARLY", (0,))
    basis = torch.linalg.eigh(moment(100))[1]
    turned = run("soap", draw(50), HIDDEN, 6)
    config = FitConfig(beta1=0.8, beta2=0.7)
    values = basis.mT @ draw(50)
    adam = optim.Adam({"a": values}, HIDDEN, config)
    for step in range(6):
        adam.update(step, {"a": basis.mT @ draw(step)}, {}, rates(0.01 * adam.correction(step)))
    assert torch.allclose(basis @ values, turned, atol=1e-5)


def test_the_first_step_solves_for_a_linear_output_layer():
    """Of features and targets at hand: what it gives is the ridge regression, and other layers stay."""
    features, targets, values = draw(1, (3, 5, 40)), draw(2, (3, 4, 40)), draw(3)
    gradient = 2 / (40 * 4) * features @ (values.mT @ features - targets).mT
    moments = features @ features.mT / 40
    others = draw(4)
    matrices = {**LAST, "other": replace(HIDDEN["a"], weight="other")}
    made = optim.Soap({"a": values, "other": others}, matrices, FitConfig())
    made.update(
        0,
        {"a": gradient, "other": draw(5)},
        {"a": moments, "other": moments},
        {"a": rates()["a"], "other": rates()["a"]},
    )
    for group in range(3):
        ridge = optim.RIDGE * float(moments[group].diagonal().mean()) * np.eye(5)
        expected = np.linalg.solve(
            moments[group].numpy() + ridge, (features @ targets.mT / 40)[group].numpy()
        )
        assert values[group].numpy() == pytest.approx(expected, abs=1e-4)
    assert torch.equal(others, draw(4))


def test_the_closed_form_of_a_fit_is_far_better_than_the_drawn_weights(picture):
    events = []
    api.fit(picture, steps=2, grid=(1, 1), hidden_features=16, progress=Progress(on_event=events.append))
    assert events[1].psnr > events[0].psnr + 3.5


@pytest.mark.parametrize("name", registry.names("optimiser"))
def test_a_state_taken_up_goes_on_the_same_way(name):
    config = FitConfig(optimiser=name)
    first, second = draw(50), draw(50)
    whole = load("optimiser", name)({"a": first}, LAST, config)
    for step in range(9):
        whole.update(step, {"a": draw(step)}, {"a": moment(step)}, rates())
        if step == 4:
            state, second = {k: v.clone() for k, v in whole.state().items()}, first.clone()
    again = load("optimiser", name)({"a": second}, LAST, config)
    again.restore(state)
    for step in range(5, 9):
        again.update(step, {"a": draw(step)}, {"a": moment(step)}, rates())
    assert torch.equal(first, second)


@pytest.mark.parametrize("name", registry.names("optimiser"))
def test_the_groups_that_are_kept_go_on_the_same_way(name):
    config, kept = FitConfig(optimiser=name), torch.tensor([0, 2])
    whole, part = draw(50), draw(50)
    made = [load("optimiser", name)({"a": values}, LAST, config) for values in (whole, part)]
    for step in range(8):
        made[0].update(step, {"a": draw(step)}, {"a": moment(step)}, rates())
        if step == 4:
            part = part[kept]
            made[1].select({"a": part}, {"a": kept})
        rows = kept if step >= 4 else slice(None)
        made[1].update(step, {"a": draw(step)[rows]}, {"a": moment(step)[rows]}, {"a": rates()["a"][rows]})
    assert torch.equal(whole[kept], part)


def test_schedules():
    assert constant(3, 10) == 1
    heights = [cosine(step, 100) for step in range(100)]
    assert heights[0] == pytest.approx(1 / (WARM_UP + 1))
    assert max(heights) == heights[WARM_UP]
    assert heights[WARM_UP + 1 :] == sorted(heights[WARM_UP + 1 :], reverse=True)
    assert 0 < heights[-1] < 1e-3


def test_towards_a_target_the_rate_falls_with_what_is_left(picture):
    """With a target the fit is there in fewer steps than the schedule of all its steps would take."""
    words = {"grid": (1, 1), "hidden_features": 16, "steps": 1000, "device": "cpu"}
    target = api.fit(picture, **{**words, "steps": 60}).psnr
    assert api.fit(picture, **words, target_psnr=target).steps < 150


def test_sgd_goes_down_the_gradient() -> None:
    values = {"weight": torch.ones(2, 3, 4)}
    matrix = Matrix(weight="weight", bias=None, local=True, last=False)
    descent = optim.Sgd(values, {"weight": matrix}, FitConfig())
    gradient = torch.arange(24.0).view(2, 3, 4)
    rates = torch.tensor([0.5, 0.25]).view(2, 1, 1)
    assert descent.correction(0) == 1.0
    descent.update(0, {"weight": gradient.clone()}, {}, {"weight": rates})
    torch.testing.assert_close(values["weight"], 1 - rates * gradient)
    assert descent.state() == {}
