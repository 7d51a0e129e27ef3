"""Bits of integers by those next to them: the size of `codec.context`, the gradient of the bits, one signal beside others."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from inrfit.codec.context import BOUNDS, fronts
from inrfit.fitting.nearby import Nearby, theta_of

CASES = [((9,), 2), ((5, 7), 1), ((4, 3, 5), 2), ((2, 1), 1)]


def integers(sides, channels, groups=4, seed=0):
    """Return integers [group, point, channel], large in places and 0 in others."""
    draw = np.random.default_rng(seed)
    scale = np.abs(draw.normal(0, 3, (groups, *sides, 1))).cumsum(1) * (
        draw.random((groups, *sides, 1)) < 0.7
    )
    found = np.rint(draw.laplace(0, 1, (groups, *sides, channels)) * scale)
    return torch.from_numpy(found.reshape(groups, math.prod(sides), channels).astype(np.float32))


def plain_bits(magnitudes, sides, slope, level):
    """Return the bits of all of [group, point, channel], by sizes of neighbourhoods that are added up point by point."""
    held = magnitudes.reshape(len(magnitudes), *sides, -1)
    total = torch.zeros((), dtype=held.dtype)
    for index in np.ndindex(*sides):
        size = torch.zeros_like(held[:, 0].reshape(len(held), -1)[:, : held.shape[-1]])
        backs = [(axis, by, weight) for axis in range(len(sides)) for by, weight in ((1, 2), (2, 1))]
        steps = [({axis: by}, weight) for axis, by, weight in backs]
        steps += [({a: 1, b: 1}, 1) for a in range(len(sides)) for b in range(a + 1, len(sides))]
        for step, weight in steps:
            there = tuple(i - step.get(axis, 0) for axis, i in enumerate(index))
            if min(there) >= 0:
                size = size + weight * held[(slice(None), *there)]
        theta = theta_of(slope * size + level)
        k = held[(slice(None), *index)]
        total = total + (torch.log2((1 + theta) / (1 - theta)) - k * torch.log2(theta)).sum()
    return total


@pytest.mark.parametrize(("sides", "channels"), CASES)
def test_bits_and_slopes_are_those_of_the_plain_sum(sides, channels):
    q = integers(sides, channels)
    near = Nearby(sides, 1)
    near.take(np.array([[0.17, 0.4]]), q)
    magnitudes = q.abs().double().requires_grad_()
    wanted = plain_bits(magnitudes, sides, *near.lines[0].astype(float).tolist())
    assert near.bits(q).sum() == pytest.approx(float(wanted.detach()), rel=1e-5)
    (slopes,) = torch.autograd.grad(wanted, magnitudes)
    found = near.slopes(q)
    inside = q != 0
    torch.testing.assert_close(found[inside], slopes[inside].float(), rtol=1e-3, atol=1e-4)
    zeros = found[~inside]
    assert (zeros >= slopes[~inside].float() - 1e-3).all()
    assert (zeros > 0).all()


def test_the_size_is_that_of_the_file():
    q = integers((6, 5), 1, groups=1)[0]
    near = fronts((6, 5)).known(q.numpy().astype(np.int64))
    own = Nearby((6, 5), 1)._size(q.abs().reshape(1, 6, 5, 1)).reshape(-1)[fronts((6, 5)).rows]
    assert np.array_equal(np.searchsorted(BOUNDS, own.numpy(), side="right"), near.context[:, 0])


def test_looking_finds_what_is_there_and_makes_bits_fewer():
    near, q = Nearby((17, 17), 1), integers((17, 17), 1)
    before = near.bits(q).sum()
    near.look(q)
    slope, level = near.lines[0]
    assert slope > 0
    assert level > 0
    assert near.bits(q).sum() < before
    near.look(torch.zeros_like(q))
    assert near.lines[0].tolist() == pytest.approx([0, 1e-3])
    assert near.bits(torch.zeros_like(q)).sum() < 0.01 * q.numel()


def test_signals_do_not_know_of_each_other():
    one, other = integers((9, 9), 1), integers((9, 9), 1, seed=5)
    both, alone = Nearby((9, 9), 2), Nearby((9, 9), 1)
    both.look(torch.cat([other, one]))
    alone.look(one)
    assert np.array_equal(both.lines[1], alone.lines[0])
    assert np.array_equal(both.bits(torch.cat([other, one]))[4:], alone.bits(one))
    assert torch.equal(both.slopes(torch.cat([other, one]))[4:], alone.slopes(one))
    kept = both.lines[[1]].copy()
    both.take(kept, one)
    assert torch.equal(both.slopes(one), alone.slopes(one))
