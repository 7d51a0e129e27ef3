"""Standard, Mean, Matched and Shuffled: what each keeps of what, and what it loses."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from make.meta import MODEL, TRUNK, learner_of, leaves, pictures, tasks_of, trained

from inrfit.errors import ConfigError
from inrfit.meta import inner
from inrfit.meta.config import MetaConfig
from inrfit.meta.curves import curve
from inrfit.meta.init import Init
from inrfit.models.config import ModelConfig
from inrfit.models.description import initial_weights
from inrfit.partitions.config import PartitionConfig

RFF = ModelConfig(
    name="partitioned",
    activation="relu",
    encoding="rff",
    features=32,
    hidden_features=8,
    hidden_layers=1,
    first_omega_0=1.0,
    hidden_omega_0=1.0,
)


def init_of(model=MODEL, method="maml", seed=5):
    learner = learner_of(method, model)
    params = {n: (v + 0.3).astype(np.float32) for n, v in learner.parameters(seed).items()}
    return Init(
        kind="image",
        axes=("y", "x"),
        channels=3,
        model=model,
        partition=PartitionConfig(rule="none"),
        config=MetaConfig(method=method, inner_steps=2),
        params=params,
    )


def test_standard_is_what_a_fit_draws_and_does_not_train():
    learner = learner_of("standard")
    assert not learner.trains
    drawn = initial_weights(learner.description, [0], 4)
    made = learner.parameters(4)
    assert set(made) == set(drawn)
    assert all(np.array_equal(made[name], drawn[name][0]) for name in made)


def test_the_mean_is_the_network_of_the_mean_signal():
    """The least error of one picture against several is that of their mean, and what is left is how they differ."""
    model = replace(MODEL, hidden_features=16)
    learner = learner_of("mean", model)
    signals = pictures(3)
    tasks = tasks_of(learner, signals)
    params, losses = trained(learner, tasks, 120, lr=2e-2)
    target = tasks.batch.targets.mean(0)
    out = inner.output(learner, learner.weights(params, learner.start(params, tasks)), tasks)[0].detach()
    spread = float((tasks.batch.targets - target).square().mean())
    assert float((out - target).square().mean()) < 0.2 * spread
    assert spread < losses[-1] < 1.2 * spread


def test_the_mean_looks_at_the_start_whatever_the_inner_steps():
    found = []
    for steps in (0, 3):
        learner = learner_of("mean", inner_steps=steps)
        found.append(learner.outer_gradients(leaves(learner), tasks_of(learner, pictures(2), grid=(2, 1))))
    assert torch.equal(found[0][1], found[1][1])
    assert all(torch.equal(found[0][0][name], value) for name, value in found[1][0].items())
    learner = learner_of("mean", inner_steps=3)
    psnr = curve(learner, leaves(learner), tasks_of(learner, pictures(2)), 3)
    assert (np.diff(psnr, axis=0) > 0).all()


@pytest.mark.parametrize("model", [MODEL, TRUNK, RFF], ids=["partitioned", "local-global", "rff"])
def test_shuffled_has_the_same_numbers_elsewhere(model):
    other, learner = init_of(model), learner_of("shuffled", model)
    made = learner.derive(other, 0)
    assert set(made) == set(learner.parameters(0))
    for stack in learner.description.stacks:
        old, new = other.params[stack.name], made[stack.name]
        assert old.shape == new.shape
        assert np.array_equal(np.sort(old, axis=None), np.sort(new, axis=None))
        if not stack.trained or stack.name == "weight1":
            assert np.array_equal(old, new) == (not stack.trained)


def test_matched_has_mean_and_deviation_of_each_stack_alone():
    model = replace(MODEL, hidden_features=64)
    other, learner = init_of(model), learner_of("matched", model)
    made = learner.derive(other, 0)
    old, new = other.params["weight1"], made["weight1"]
    assert new.mean() == pytest.approx(float(old.mean()), abs=float(4 * old.std() / 64))
    assert new.std() == pytest.approx(float(old.std()), rel=0.05)
    assert np.abs(new).max() > np.abs(old).max()
    assert np.isin(new, old).mean() < 0.05


def test_matched_keeps_drawn_frequencies():
    other, learner = init_of(RFF), learner_of("matched", RFF)
    (drawn,) = (stack.name for stack in learner.description.stacks if not stack.trained)
    assert np.array_equal(learner.derive(other, 0)[drawn], other.params[drawn])


@pytest.mark.parametrize("method", ["matched", "shuffled"])
def test_the_seed_decides_and_the_learned_rates_go(method):
    other, learner = init_of(), learner_of(method)
    assert learner.derived
    assert not learner.trains
    one, same, two = (learner.derive(other, seed) for seed in (1, 1, 2))
    assert not any(name.startswith("rate.") for name in one)
    assert all(np.array_equal(one[name], same[name]) for name in one)
    assert not np.array_equal(one["weight1"], two["weight1"])
    back = Init(**{**vars_of(other), "config": MetaConfig(method=method), "params": one})
    assert back.learner.derived


def vars_of(init):
    return {name: getattr(init, name) for name in Init.__dataclass_fields__}


def test_an_init_of_another_network_is_refused():
    with pytest.raises(ConfigError, match="--method shuffled needs an init") as caught:
        learner_of("shuffled", replace(MODEL, hidden_features=9)).derive(init_of(), 0)
    assert "maml" in (caught.value.hint or "")
