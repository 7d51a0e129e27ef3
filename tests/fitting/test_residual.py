"""A fit to data that are no samples: values of all regions, an operator of the test's own, and a second pass."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch
from make.data import textured
from torch import Tensor

from inrfit import api
from inrfit.fitting import sampling
from inrfit.fitting.descent import Descent
from inrfit.fitting.start import Start
from inrfit.kernels.residual import Misfit
from inrfit.kernels.threads import tile_threads
from inrfit.kernels.tiles import region_samples

SIDE = 18
KERNELS = ["cpu", "reference"]
KINDS = [{"model": "partitioned"}, {"model": "local-global"}]


class Observed:
    """What an operator makes of the values at all samples of a lattice should be some data.

    Args:
        descent: of one signal.
        operator: [sample, channel] -> [datum, channel].
        first: a sample that each datum depends on; the datum is its region's.
    """

    def __init__(self, descent: Descent, operator: Callable[[Tensor], Tensor], first: Tensor) -> None:
        partition, signal = descent.blank.partition, descent.signals[0]
        every = [tile for block in descent.samples.blocks for tile in block.tiles]
        place, owner = (torch.zeros(signal.domain.size, dtype=torch.long) for _ in range(2))
        for row, tile in enumerate(every):
            index = region_samples(partition.regions[tile.position]).index(np.arange(tile.start, tile.stop))
            flat = torch.from_numpy(np.ravel_multi_index(tuple(index.T), signal.domain.shape))
            place[flat] = row * descent.samples._tile + torch.arange(len(flat))
            owner[flat] = tile.position
        lattice = np.indices(signal.domain.shape).reshape(2, -1).T
        self.data = operator(torch.from_numpy(signal.sample(lattice)))
        self.operator, self.place, self.owner = operator, place, owner[first]
        self.groups = len(partition)

    def squares(self, values: Tensor) -> Tensor:
        flat = values.mT.reshape(-1, values.shape[1])[self.place]
        squares = (self.operator(flat) - self.data).square().sum(1)
        return squares.new_zeros(self.groups).index_add(0, self.owner, squares)

    def misfit(self, values: Tensor) -> Misfit:
        leaf = values.detach().requires_grad_()
        squares = self.squares(leaf)
        (gradient,) = torch.autograd.grad(squares.sum(), leaf)
        return Misfit(squares=squares.detach(), gradient=gradient)


def halved(values: Tensor) -> Tensor:
    """Return the means of 2x2 samples, some of which lie across the border of regions."""
    half = SIDE // 2
    return values.view(half, 2, half, 2, -1).mean((1, 3)).view(half * half, -1)


FIRST = torch.arange(SIDE * SIDE).view(SIDE, SIDE)[::2, ::2].flatten()


def descent_of(**words) -> Descent:
    """Return the descent of a small picture of 2x2 regions of 9x9 samples."""
    small = {"grid": (2, 2), "hidden_features": 8, "hidden_layers": 1, "device": "cpu", "optimiser": "adam"}
    plan = api.plan(textured(SIDE, SIDE), **{**small, **words})
    return Descent(plan, [plan.signal], Start(solve=False))


@pytest.mark.parametrize("kernel", KERNELS)
@pytest.mark.parametrize("words", KINDS, ids=str)
def test_with_the_identity_squares_and_gradients_are_those_of_a_plain_fit(kernel, words):
    plain, observed = (descent_of(kernel=kernel, optimiser="soap", **words) for _ in range(2))
    observed.learn_from(Observed(observed, lambda values: values, torch.arange(SIDE * SIDE)))
    for _ in range(3):
        for descent in (plain, observed):
            descent.find_gradients()
        assert torch.allclose(observed.squares, plain.squares, rtol=1e-4)
        for name, gradient in plain.stacks.gradients.items():
            close = (observed.stacks.gradients[name] - gradient).abs().max() <= 1e-4 * gradient.abs().max()
            assert close, name
        for descent in (plain, observed):
            descent.update(np.ones(1))


def fitted(threads: int, **words) -> Descent:
    """Return a descent after some steps towards the means of 2x2 samples."""
    descent = descent_of(**words)
    descent.learn_from(Observed(descent, halved, FIRST))
    with tile_threads(threads) as descent.map_blocks:
        for _ in range(60):
            descent.find_gradients()
            descent.update(np.ones(1))
        descent.find_gradients()
    return descent


@pytest.mark.parametrize("kernel", KERNELS)
@pytest.mark.parametrize("words", KINDS, ids=str)
def test_a_fit_to_means_of_samples_lowers_its_error(kernel, words):
    start = descent_of(kernel=kernel, **words)
    start.learn_from(Observed(start, halved, FIRST))
    start.find_gradients()
    assert fitted(1, kernel=kernel, **words).squares.sum() < start.squares.sum() / 8


@pytest.mark.parametrize("words", KINDS, ids=str)
def test_threads_change_no_bit(words, monkeypatch):
    monkeypatch.setattr(sampling, "SMALL_BLOCK_FLOATS", 1)  # a block for each tile
    one, more = fitted(1, **words), fitted(3, **words)
    assert len(one.samples.blocks) == 4
    for name, values in one.stacks.values.items():
        assert torch.equal(more.stacks.values[name], values)
