"""How well inits do on held-out signals, step by step, under one optimiser or another; no file is written.

Many signals are adapted to at once by the plain kernel. `adapt` makes files.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from inrfit.decibel import unit_decibel
from inrfit.meta import inner
from inrfit.meta.learner import Learner, Numbers
from inrfit.meta.tasks import Tasks

OPTIMISERS = ("learned", "sgd", "adam")


def curve(
    learner: Learner,
    params: Numbers,
    tasks: Tasks,
    steps: int,
    *,
    optimiser: str = "learned",
    lr: float = 0.01,
    everything: bool = False,
) -> NDArray[np.float64]:
    """Return the PSNR of each signal in dB before the first and after every step, [step, signal].

    It is that of the network's own output, neither clamped nor rounded.

    Args:
        learner, params: what was learned.
        tasks: held-out signals.
        steps: how many.
        optimiser: "learned" (the learner's own steps and rates), "sgd" or "adam" with one rate for all.
        lr: that rate.
        everything: optimise all weights of each region, and not only what adapts.
    """
    peak = tasks.signals[0].info.peak
    found = []
    if everything and optimiser != "learned":
        learner = _apart(learner)
    for weights in _path(learner, params, tasks, steps, optimiser, lr, everything):
        with torch.no_grad():
            mse = inner.signal_mse(inner.errors(learner, weights, tasks), tasks)
        found.append([unit_decibel(float(m), peak) for m in mse])
    return np.array(found)


def _apart(learner: Learner) -> Learner:
    """Return the learner with a network of which each region has all weights of its own."""
    own, description = copy.copy(learner), learner.description
    own.description = replace(
        description, stacks=tuple(replace(stack, local=True) for stack in description.stacks)
    )
    return own


def _path(
    learner: Learner,
    params: Numbers,
    tasks: Tasks,
    steps: int,
    optimiser: str,
    lr: float,
    everything: bool,
) -> Iterator[dict[str, Tensor]]:
    """Yield the weights before the first and after every step."""
    if optimiser == "learned":
        for adapted in inner.steps(learner, params, tasks, steps, through=False):
            yield learner.weights(params, {name: value.detach() for name, value in adapted.items()})
        return
    with torch.no_grad():
        begin = learner.start(params, tasks)
        if everything:
            begin = {
                n: w.expand(tasks.groups, *w.shape[1:]) for n, w in learner.weights(params, begin).items()
            }
    leaves = {name: value.detach().clone().requires_grad_() for name, value in begin.items()}
    kind = torch.optim.SGD if optimiser == "sgd" else torch.optim.Adam
    steepest = kind(list(leaves.values()), lr=lr)

    def weights() -> dict[str, Tensor]:
        return dict(leaves) if everything else learner.weights(params, leaves)

    for number in range(steps + 1):
        with torch.no_grad():
            yield weights()
        if number == steps:
            return
        steepest.zero_grad()
        with torch.enable_grad():
            inner.inner_loss(learner, inner.errors(learner, weights(), tasks), tasks).backward()
        steepest.step()


def mean_over(curves: Sequence[NDArray[np.float64]]) -> NDArray[np.float64]:
    """Return the mean PSNR after each step over the signals of several batches, [step]."""
    return np.concatenate(curves, axis=1).mean(1)
