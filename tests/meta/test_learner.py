"""What a learner learns, what a region starts with, and which rate a step takes."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from make.meta import MODEL, TRUNK, learner_of, leaves, pictures, tasks_of, thirds

from inrfit.errors import ConfigError
from inrfit.meta import inner
from inrfit.meta.learner import RIDGE, as_tensors
from inrfit.models.config import ModelConfig


@pytest.mark.parametrize(
    ("rates", "shape", "begin"),
    [("parameter", (2, 8, 8), np.log(0.1)), ("tensor", (2, 1, 1), np.log(0.1)), ("linear", (2, 8, 8), 0.1)],
)
def test_rates_begin_at_the_inner_rate_one_line_a_step(rates, shape, begin):
    learner = learner_of(rates=rates)
    made = learner.parameters(0)["rate.weight1"]
    assert made.shape == shape
    assert np.allclose(made, begin)
    params = as_tensors(learner.parameters(0))
    params["rate.weight1"][1] += 0.5
    first, second, later = (torch.as_tensor(learner.rate(params, "weight1", k)) for k in (0, 1, 7))
    assert torch.allclose(first, torch.tensor(0.1))
    assert torch.equal(second, later)
    assert not torch.allclose(first, second)


def test_fixed_rates_learn_nothing_beside_the_weights():
    learner = learner_of(rates="fixed")
    assert set(learner.parameters(0)) == {stack.name for stack in learner.description.stacks}
    assert learner.rate({}, "weight0", 5) == 0.1


def test_all_regions_start_with_one_start_for_any_number_of_heads():
    """One init serves none, two by two and three ragged heads, and any other number."""
    learner = learner_of()
    params = leaves(learner)
    signal = pictures(1, 12, 12)[0]
    for partition, heads in ((None, 1), ([thirds(signal)], 3)):
        check_start(learner, params, tasks_of(learner, [signal], partition), heads)
    for grid in ((2, 2), (3, 4), (12, 12)):
        check_start(learner, params, tasks_of(learner, [signal], grid=grid), grid[0] * grid[1])


def check_start(learner, params, tasks, heads):
    start = learner.start(params, tasks)
    assert set(start) == set(learner.adapted)
    for name, value in start.items():
        assert value.shape == (heads, *params[name].shape)
        assert torch.equal(value[heads - 1], params[name])
    before, *_, after = (
        inner.signal_mse(inner.errors(learner, learner.weights(params, a), tasks), tasks).detach()
        for a in inner.steps(learner, params, tasks, 2, through=False)
    )
    assert float(after) < float(before)


def test_what_is_drawn_and_not_trained_gets_no_gradient():
    model = ModelConfig(
        name="partitioned",
        activation="relu",
        encoding="rff",
        features=6,
        sigma=1.0,
        hidden_features=8,
        hidden_layers=1,
        first_omega_0=1.0,
        hidden_omega_0=1.0,
    )
    learner = learner_of(model=model)
    (drawn,) = learner.fixed()
    params = leaves(learner)
    assert not params[drawn].requires_grad
    assert drawn not in learner.adapted
    found, _ = learner.outer_gradients(params, tasks_of(learner, pictures(1)))
    assert set(found) == set(params) - {drawn}


def test_a_rate_of_a_step_that_is_not_taken_has_no_gradient():
    learner = learner_of(solve="last")
    found, _ = learner.outer_gradients(leaves(learner), tasks_of(learner, pictures(1)))
    assert torch.count_nonzero(found["rate.weight1"][0])
    assert not torch.count_nonzero(found["rate.weight1"][1])
    assert torch.count_nonzero(found[RIDGE])


def test_the_closed_form_needs_a_linear_layer():
    model = replace(MODEL, output="sigmoid")
    with pytest.raises(ConfigError, match="--solve needs a linear output layer") as caught:
        learner_of(model=model, solve="last").parameters(0)
    assert "--output-activation linear" in (caught.value.hint or "")


def test_the_trunk_is_learned_and_does_not_adapt():
    learner = learner_of(model=TRUNK)
    made = learner.parameters(0)
    assert "trunk_weight0" in made
    assert "rate.trunk_weight0" not in made
    assert "rate.weight0" in made
