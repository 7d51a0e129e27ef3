"""Weights that learn while they are rounded: multiples of their steps, gradients of the bits, and going on after a break."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from inrfit.config import ModelConfig
from inrfit.fitting.rounding import BITS_AT_REST, Rounding
from inrfit.fitting.stacks import Stacks
from inrfit.models.coding import step_of
from inrfit.models.description import describe, initial_weights

SIGNALS, REGIONS = 3, 4


def made(model: str = "local-global") -> tuple[Stacks, Rounding]:
    """Return the weights of some signals, each with steps of its own."""
    config = ModelConfig(name=model, hidden_features=6, hidden_layers=1, trunk_features=5)
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


@pytest.mark.parametrize("model", ["local-global", "composer", "partitioned"])
def test_the_charge_is_the_gradient_of_the_bits(model):
    stacks, rounding = made(model)
    counts = {True: torch.full((SIGNALS * REGIONS, 1, 1), 7.0), False: torch.full((SIGNALS, 1, 1), 28.0)}
    latent = {name: value.clone().requires_grad_() for name, value in rounding.latent.items()}
    total = torch.zeros(())
    for part in rounding._parts:
        own = latent[part.matrix][:, part.rows]
        mean = (own / rounding._steps[part.matrix][:, part.rows]).abs().mean((1, 2))
        bits = own[0].numel() * torch.log2(1 + BITS_AT_REST * mean)
        price = torch.tensor(rounding.price).repeat_interleave(REGIONS if part.local else 1)
        total = total + (price / counts[part.local][:, 0, 0] * bits).sum()
    total.backward()
    rounding.charge(counts)
    for name, value in latent.items():
        assert value.grad is not None
        torch.testing.assert_close(stacks.gradients[name], value.grad, rtol=1e-4, atol=1e-6)
        assert stacks.gradients[name].abs().max() > 0


def test_bits_are_those_of_the_signals():
    _, rounding = made()
    told, before = np.zeros(SIGNALS), rounding.bits()
    for part in rounding._parts:
        own = (rounding.latent[part.matrix] / rounding._steps[part.matrix])[:, part.rows].abs().double()
        mean = own.flatten(1).mean(1).numpy()
        each = own[0].numel() * np.log2(1 + 2 * math.e * mean)
        told += each.reshape(SIGNALS, -1).sum(1)
    np.testing.assert_allclose(before, told, rtol=1e-5)
    rounding.shift(np.array([32, 0, -32]))
    after = rounding.bits()
    assert (after[0] < before[0], after[1] == before[1], after[2] > before[2]) == (True, True, True)


def test_to_go_on_with_some_signals_is_to_have_had_them_alone():
    stacks, rounding = made()
    before = {name: weights.clone() for name, weights in stacks.weights.items()}
    bits, coding = rounding.bits(), rounding.coding(2)
    rounding.select([0, 2], stacks.select([0, 2]))
    rounding.round()
    np.testing.assert_allclose(rounding.bits(), bits[[0, 2]])
    assert rounding.coding(1) == coding
    for name, weights in stacks.weights.items():
        rows = before[name].view(SIGNALS, -1, *weights.shape[1:])[[0, 2]].flatten(0, 1)
        assert torch.equal(weights, rows), name


def test_a_state_holds_all_there_is():
    stacks, rounding = made()
    state = rounding.state()
    wanted = {name: value.clone() for name, value in stacks.values.items()}
    others, again = made()
    again.shift(np.array([9, -9, 40]))
    for value in again.latent.values():
        value.zero_()
    again.round()
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
