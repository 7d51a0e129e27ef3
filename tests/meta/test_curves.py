"""The PSNR of held-out signals after every step, by hand and by the learner's own rates."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from make.meta import learner_of, pictures, tasks_of

from inrfit.meta import inner
from inrfit.meta.curves import curve, mean_over
from inrfit.meta.learner import as_tensors


def started(**words):
    learner = learner_of(**words)
    return learner, as_tensors(learner.parameters(0)), tasks_of(learner, pictures(2), grid=(2, 1))


def test_it_is_the_psnr_of_the_network_before_and_after_each_step():
    learner, params, tasks = started()
    found = curve(learner, params, tasks, 4)
    assert found.shape == (5, 2)
    for row, adapted in zip(found, inner.steps(learner, params, tasks, 4, through=False), strict=True):
        out = inner.output(learner, learner.weights(params, adapted), tasks).detach().numpy()
        for number in range(2):
            missed = (
                out[2 * number : 2 * number + 2] - tasks.batch.targets[2 * number : 2 * number + 2].numpy()
            )
            assert row[number] == pytest.approx(10 * np.log10(4 / np.square(missed).mean()), abs=1e-4)


def test_descent_with_one_rate_is_that_of_fixed_rates():
    learner, params, tasks = started(rates="fixed")
    learned, sgd = (curve(learner, params, tasks, 3, optimiser=o, lr=0.1) for o in ("learned", "sgd"))
    assert sgd == pytest.approx(learned, abs=1e-3)


def test_more_than_the_steps_trained_goes_on_with_the_last_rates():
    learner, params, tasks = started(inner_steps=1)
    long, *_ = started(inner_steps=3)
    assert curve(learner, params, tasks, 3) == pytest.approx(
        curve(long, as_tensors(long.parameters(0)), tasks, 3), abs=1e-4
    )


@pytest.mark.parametrize("everything", [False, True])
def test_adam_climbs_and_changes_nothing_that_was_learned(everything):
    learner, params, tasks = started()
    before = {name: value.clone() for name, value in params.items()}
    found = curve(learner, params, tasks, 20, optimiser="adam", lr=0.01, everything=everything)
    assert (found[-1] > found[0] + 1).all()
    assert all(torch.equal(before[name], params[name]) for name in params)
    assert not any(value.requires_grad for value in params.values())


def test_means_are_over_signals_and_not_over_batches():
    one, two = np.array([[1.0, 2.0], [3.0, 4.0]]), np.array([[9.0], [8.0]])
    assert mean_over([one, two]).tolist() == [4.0, 5.0]
