"""Features are interpolated as by hand, on any number of axes, and their gradients are those of autograd."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
import torch

from inrfit.steps import feature_grid
from inrfit.steps.feature_grid import LookUp
from inrfit.steps.pullback import Into

CASES = [
    {"sides": ((9,), (5,), (3,)), "extent": (1.0,), "channels": 1, "behind": 0},
    {"sides": ((6, 9), (4, 5), (2, 3)), "extent": (0.8, 1.25), "channels": 1, "behind": 0},
    {"sides": ((6, 5), (4, 3)), "extent": (1.0, 1.0), "channels": 3, "behind": 2},
    {"sides": ((5, 4, 3), (3, 3, 2), (2, 2, 2)), "extent": (1.0, 0.9, 1.1), "channels": 2, "behind": 0},
    {"sides": ((1, 4),), "extent": (1.0, 1.0), "channels": 1, "behind": 1},
]
TILES, POINTS = 3, 40


def step_of(case):
    tables = tuple(f"features{level}" for level in range(len(case["sides"])))
    return LookUp(source="coords", target="features", tables=tables, **case)


def numbers(case, seed=0):
    """Return what the step reads, some of it beyond the lattice, and the tables."""
    random = np.random.default_rng(seed)
    width = len(case["extent"]) + case["behind"]
    x = torch.tensor(random.uniform(-1.4, 1.4, (TILES, POINTS, width)), dtype=torch.float32)
    tables = [
        torch.tensor(random.normal(size=(TILES, math.prod(sides), case["channels"])), dtype=torch.float32)
        for sides in case["sides"]
    ]
    return x, tables


def by_hand(point, sides, extent, table):
    """Interpolate at one point: the sum over the corners around it."""
    places = [
        min(max((x / end + 1) * (count - 1) / 2, 0.0), count - 1.0)
        for x, end, count in zip(point, extent, sides, strict=True)
    ]
    lows = [min(math.floor(place), max(count - 2, 0)) for place, count in zip(places, sides, strict=True)]
    lattice, found = table.reshape(*sides, -1), 0.0
    for corner in itertools.product((0, 1), repeat=len(sides)):
        index = tuple(low + side for low, side in zip(lows, corner, strict=True))
        shares = [
            (place - low) if side else 1 - (place - low)
            for place, low, side in zip(places, lows, corner, strict=True)
        ]
        if math.prod(shares):
            found = found + math.prod(shares) * lattice[index]
    return found


def written(step, x, tables):
    out = torch.empty((TILES, step.width(0, {}), POINTS))
    step.write(out, None, [x.mT.contiguous(), *tables])
    return out


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{len(case['extent'])}d-{case['channels']}")
def test_both_ways_interpolate_as_by_hand(case):
    step, (x, tables) = step_of(case), numbers(case)
    axes = len(case["extent"])
    expected = np.array(
        [
            [
                np.concatenate(
                    [
                        by_hand(point[:axes], sides, case["extent"], table[tile].astype(float))
                        for sides, table in zip(case["sides"], (t.numpy() for t in tables), strict=True)
                    ]
                    + [point[axes:]]
                )
                for point in x[tile].double().numpy()
            ]
            for tile in range(TILES)
        ]
    )
    assert step.forward(x, *tables).numpy() == pytest.approx(expected, abs=2e-5)
    assert written(step, x, tables).mT.numpy() == pytest.approx(expected, abs=2e-5)


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{len(case['extent'])}d-{case['channels']}")
@pytest.mark.parametrize("beta", [0, 1])
def test_gradients_by_hand_are_those_of_autograd(case, beta):
    step, (x, tables) = step_of(case), numbers(case)
    given = torch.randn((TILES, step.width(0, {}), POINTS), generator=torch.Generator().manual_seed(1))
    leaves = [table.clone().requires_grad_() for table in tables]
    expected = torch.autograd.grad((step.forward(x, *leaves) * given.mT).sum(), leaves)
    into = [Into(torch.full_like(table, 2.0), beta) for table in tables]
    step.pull(given, None, [x.mT.contiguous(), *tables], [None, *into])
    for put, gradient in zip(into, expected, strict=True):
        assert put.values.numpy() == pytest.approx(gradient.numpy() + 2.0 * beta, abs=2e-5)


def test_a_table_that_all_tiles_share_serves_them_all():
    step, (x, tables) = step_of(CASES[2]), numbers(CASES[2])
    one = [table[:1] for table in tables]
    each = [table[:1].expand(TILES, -1, -1) for table in tables]
    assert torch.equal(step.forward(x, *one), step.forward(x, *each))
    assert torch.equal(written(step, x, each), written(step, x, [t.contiguous() for t in each]))


def test_second_derivatives_are_there():
    """Those of a square of what is looked up, whose Hessian is twice the matrix of shares times its transpose."""
    case = CASES[1]
    x, tables = numbers(case)
    step = step_of(case)
    double = [table.double() for table in tables]

    def loss(*tables):
        return step.forward(x.double(), *tables).square().sum()

    assert torch.autograd.gradgradcheck(loss, [table.requires_grad_() for table in double])


def test_beyond_the_lattice_features_are_those_of_its_border():
    case = CASES[1]
    step, (x, tables) = step_of(case), numbers(case)
    ends = torch.tensor(case["extent"])
    inside = torch.maximum(torch.minimum(x, ends), -ends)
    assert not torch.equal(inside, x)
    assert written(step, inside, tables).numpy() == pytest.approx(written(step, x, tables).numpy(), abs=2e-5)


def test_kept_matrices_have_a_limit_and_change_no_bit(monkeypatch):
    monkeypatch.setattr(feature_grid, "_kept", {})
    entries = 3 * POINTS * 4  # of one tile: levels, points and corners
    monkeypatch.setattr(feature_grid, "KEPT_ENTRIES", 2 * entries)
    case = CASES[1]
    step, (x, tables) = step_of(case), numbers(case)
    first = written(step, x, tables)
    assert len(feature_grid._kept) == 2
    assert torch.equal(written(step, x, tables), first)
    assert len(feature_grid._kept) == 2
