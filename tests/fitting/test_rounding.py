"""Weights that learn while they are rounded: multiples of their steps, gradients of the bits, and going on after a break."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from inrfit.fitting.nearby import theta_of
from inrfit.fitting.rounding import Rounding
from inrfit.fitting.stacks import Stacks
from inrfit.models.coding import step_of
from inrfit.models.config import ModelConfig
from inrfit.models.description import describe, initial_weights

SIGNALS, REGIONS = 3, 4


def made(model: str = "local-global") -> tuple[Stacks, Rounding]:
    """Return the weights of some signals, each with steps of its own."""
    config = ModelConfig(name=model, hidden_features=6, hidden_layers=1, trunk_features=5)
    if model == "feature-grid":
        config = replace(config, trunk_features=0, frame="local", encoding="none", lattice=(9, 5), levels=2)
    description = describe(config, 2, 3)
    initial = initial_weights(description, range(REGIONS), 0)
    stacks = Stacks(description, initial, SIGNALS, REGIONS, "cpu", solve=False)
    torch.manual_seed(0)
    for value in stacks.values.values():
        value.add_(torch.randn_like(value) / 10)
    rounding = Rounding(stacks, SIGNALS, REGIONS)
    for number, name in enumerate(rounding.exponents):
        rounding.exponents[name] = np.array([-150, -170, -130]) + number
    rounding.price = np.array([0.5, 0.0, 2.0])
    rounding._tensors()
    rounding.round()
    rounding.look()
    return stacks, rounding


@pytest.mark.parametrize("model", ["local-global", "composer", "partitioned"])
def test_what_kernels_see_are_the_nearest_multiples_of_the_steps(model):
    stacks, rounding = made(model)
    for name, exponents in rounding.exponents.items():
        per = REGIONS if stacks.local[name] else 1
        seen = stacks.weights[name].numpy().reshape(SIGNALS, per, -1)
        for signal, exponent in enumerate(exponents):
            ratio = seen[signal].astype(np.float64) / step_of(int(exponent))
            assert np.abs(ratio - np.rint(ratio)).max() < 1e-4, name
    for name, value in stacks.values.items():
        off = (value - rounding.latent[name]).abs() / rounding._steps[name]
        assert 0 < off.max() <= 0.501


def entropy(mean):
    """Return the bits of an integer whose magnitude has this mean, with the probability proportional to theta^|k|."""
    theta = theta_of(mean)
    return torch.log2((1 + theta) / (1 - theta)) - mean * torch.log2(theta)


def test_theta_is_that_of_the_mean_and_its_entropy_is_the_largest():
    k = torch.arange(-4000, 4001, dtype=torch.float64).abs()
    for mean in (0.01, 0.5, 3.0, 40.0):
        theta = theta_of(torch.tensor(mean, dtype=torch.float64))
        share = theta**k / (theta**k).sum()
        assert float((share * k).sum()) == pytest.approx(mean, rel=1e-6)
        told = float(-(share * torch.log2(share.clamp_min(1e-300))).sum())
        assert told == pytest.approx(float(entropy(torch.tensor(mean, dtype=torch.float64))), rel=1e-6)


@pytest.mark.parametrize("model", ["local-global", "composer", "partitioned"])
def test_the_charge_is_the_gradient_of_the_bits(model):
    """By the mean magnitude, along the sign of each weight; a group of n weights has n times the entropy of its mean."""
    stacks, rounding = made(model)
    counts = {True: torch.full((SIGNALS * REGIONS, 1, 1), 7.0), False: torch.full((SIGNALS, 1, 1), 28.0)}
    wanted = {name: torch.zeros_like(value) for name, value in rounding.latent.items()}
    for part in rounding._parts:
        steps = rounding._steps[part.matrix][:, part.rows]
        held = (stacks.values[part.matrix][:, part.rows] / steps).abs().mean((1, 2)).double().requires_grad_()
        (slope,) = torch.autograd.grad(entropy(held).sum(), held)
        price = torch.tensor(rounding.price).repeat_interleave(REGIONS if part.local else 1)
        each = (price / counts[part.local][:, 0, 0] * slope)[:, None, None].float()
        wanted[part.matrix][:, part.rows] = each / steps * rounding.latent[part.matrix][:, part.rows].sign()
    rounding.charge(counts)
    for name, gradient in stacks.gradients.items():
        torch.testing.assert_close(gradient, wanted[name], rtol=1e-3, atol=1e-6)
        assert gradient.abs().max() > 0


def test_bits_are_those_of_the_signals():
    stacks, rounding = made()
    told, before = np.zeros(SIGNALS), rounding.bits()
    for part in rounding._parts:
        own = (stacks.values[part.matrix] / rounding._steps[part.matrix])[:, part.rows].abs().double()
        each = own[0].numel() * entropy(own.flatten(1).mean(1).clamp_min(1e-9))
        told += each.reshape(SIGNALS, -1).sum(1).numpy()
    np.testing.assert_allclose(before, told, rtol=1e-5)
    rounding.shift(np.array([32, 0, -32]))
    after = rounding.bits()
    assert (after[0] < before[0], after[1] == before[1], after[2] > before[2]) == (True, True, True)


def test_a_higher_threshold_leaves_more_at_zero():
    stacks, rounding = made()
    name = next(iter(stacks.values))
    nearest = stacks.values[name].clone()
    rounding.round_from(np.full(SIGNALS, 0.9))
    ratio = rounding.latent[name] / rounding._steps[name]
    kept = (stacks.values[name] / rounding._steps[name]).round()
    assert torch.equal(kept.abs(), torch.floor(ratio.abs() + 0.1))
    assert (stacks.values[name].abs() <= nearest.abs() + 1e-6).all()


def test_bits_come_to_those_that_are_wanted():
    _, rounding = made()
    wanted = np.array([900.0, 1500.0, 2500.0])
    rounding._shape = {part.stack: np.zeros(SIGNALS) for part in rounding._parts}
    rounding.reach(wanted)
    np.testing.assert_allclose(rounding.bits(), wanted, rtol=0.03)
    before = rounding.price.copy()
    rounding.steer(wanted / 2, steady=False)
    assert (rounding.price > before).all()


@pytest.mark.parametrize("model", ["local-global", "feature-grid"])
def test_to_go_on_with_some_signals_is_to_have_had_them_alone(model):
    stacks, rounding = made(model)
    before = {name: weights.clone() for name, weights in stacks.weights.items()}
    bits, coding = rounding.bits(), rounding.coding(2)
    rounding.select([0, 2], stacks.select([0, 2]))
    rounding.round()
    np.testing.assert_allclose(rounding.bits(), bits[[0, 2]])
    assert rounding.coding(1) == coding
    for name, weights in stacks.weights.items():
        rows = before[name].view(SIGNALS, -1, *weights.shape[1:])[[0, 2]].flatten(0, 1)
        assert torch.equal(weights, rows), name


@pytest.mark.parametrize("model", ["local-global", "feature-grid"])
def test_a_state_holds_all_there_is(model):
    stacks, rounding = made(model)
    state = rounding.state()
    wanted = {name: value.clone() for name, value in stacks.values.items()}
    others, again = made(model)
    again.shift(np.array([9, -9, 40]))
    for value in again.latent.values():
        value.zero_()
    again.round()
    again.look()
    again.restore(state)
    assert all(torch.equal(others.values[name], value) for name, value in wanted.items())
    assert [again.coding(n) for n in range(SIGNALS)] == [rounding.coding(n) for n in range(SIGNALS)]
    assert again.price.tolist() == rounding.price.tolist()
    np.testing.assert_array_equal(again.bits(), rounding.bits())


def test_small_changes_add_up_though_weights_are_rounded():
    stacks, rounding = made()
    name = next(iter(stacks.values))
    step = float(rounding._steps[name].max())
    before = stacks.values[name].clone()
    for _ in range(10):
        rounding.show()
        stacks.values[name].add_(step / 8)
        rounding.keep()
    moved = stacks.values[name] - before
    assert (moved > 0).all()
    assert float(moved.mean()) == pytest.approx(1.25 * step, abs=step / 2)
