"""The outer optimiser against torch's, and when it refuses a step."""

from __future__ import annotations

import pytest
import torch

from inrfit.meta.config import MetaConfig
from inrfit.meta.outer import Outer, global_norm, warm_up


def test_it_is_adam_with_a_bounded_gradient_and_two_rates() -> None:
    start = {"w": torch.randn(3, 4), "rate.w": torch.randn(2, 3, 4)}
    mine = {name: value.clone() for name, value in start.items()}
    theirs = {name: value.clone().requires_grad_() for name, value in start.items()}
    config = MetaConfig(outer_lr=1e-3, rate_lr=7.0, clip=1.0)
    outer = Outer(mine, config)
    adam = torch.optim.Adam([{"params": theirs["w"]}, {"params": theirs["rate.w"], "lr": 7e-3}], lr=1e-3)
    for scale in (0.01, 5.0, 0.3):
        gradients = {name: torch.randn_like(value) * scale for name, value in start.items()}
        for name, value in theirs.items():
            value.grad = gradients[name].clone()
        torch.nn.utils.clip_grad_norm_(list(theirs.values()), 1.0)
        adam.step()
        assert outer.update(gradients, 1.0)
    for name, value in theirs.items():
        torch.testing.assert_close(mine[name], value.detach(), atol=1e-6, rtol=1e-5)
        assert not torch.allclose(mine[name], start[name])


def test_rates_with_a_sign_have_the_outer_rate() -> None:
    outer = Outer({}, MetaConfig(outer_lr=1e-3, rate_lr=7.0, rates="linear"))
    assert (outer.rate("rate.w"), outer.rate("ridge")) == (1e-3, pytest.approx(7e-3))


def test_a_gradient_that_is_not_finite_changes_nothing() -> None:
    values = {"w": torch.ones(3)}
    outer = Outer(values, MetaConfig())
    assert not outer.update({"w": torch.tensor([1.0, float("nan"), 0.0])}, 1.0)
    assert not outer.update({"w": torch.tensor([1.0, float("inf"), 0.0])}, 1.0)
    assert values["w"].tolist() == [1.0, 1.0, 1.0]
    assert outer.done == 0
    assert all(not value.any() for value in outer.state().values())


def test_the_rate_rises_first() -> None:
    assert [warm_up(step, 1000) for step in (0, 9, 20, 999)] == [1 / 21, 10 / 21, 1.0, 1.0]
    assert warm_up(0, 3) == 1.0


def test_the_norm_is_of_all_together() -> None:
    assert global_norm([torch.tensor([3.0]), torch.tensor([[4.0]])]) == 5.0
