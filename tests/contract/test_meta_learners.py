"""What every meta-learner of the registry must do, by name."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from make.meta import MODEL, TRUNK, leaves, pictures, tasks_of

from inrfit import api, registry
from inrfit.meta import inner
from inrfit.meta.config import MetaConfig
from inrfit.meta.curves import curve
from inrfit.meta.init import Init, loads
from inrfit.meta.learner import as_tensors
from inrfit.models.config import ModelConfig
from inrfit.partitions.config import PartitionConfig

CONFIG = MetaConfig(
    inner_steps=2,
    inner_lr=0.02,
    rank=4,
    patch=4,
    groups=4,
    hyper_features=8,
    hyper_blocks=1,
    hyper_heads=2,
)
OWN = {"partitioned": MODEL, "local-global": TRUNK}
CASES = [
    (method, model)
    for method in registry.names("meta")
    for model in registry.load("meta", method).models
    if model in registry.names("model")
]


def resolved(name: str) -> ModelConfig:
    """Return a small network of a model; one that is not known here gets features that suit most."""
    return OWN.get(name) or replace(MODEL, name=name, features=8, bands=4, sigma=4.0)


@pytest.fixture(params=CASES, ids="-".join)
def made(request):
    """A learner, what is learned, and tasks of two pictures, whole."""
    method, name = request.param
    model = resolved(name)
    learner = registry.load("meta", method)(model, 2, 3, replace(CONFIG, method=method))
    return learner, leaves(learner), tasks_of(learner, pictures(2))


def test_the_weights_are_those_of_the_description(made):
    learner, params, tasks = made
    start = learner.start(params, tasks)
    assert set(start) == set(learner.adapted)
    assert all(len(value) == tasks.groups for value in start.values())
    weights = learner.weights(params, start)
    stacks = {stack.name: stack for stack in learner.description.stacks}
    assert set(weights) == set(stacks)
    for name, value in weights.items():
        assert value.shape[1:] == stacks[name].shape, name
        assert len(value) == (tasks.groups if name in start else 1) or len(value) == tasks.groups


def test_the_same_seed_gives_the_same_numbers(made):
    learner, *_ = made
    one, same, two = (learner.parameters(seed) for seed in (1, 1, 2))
    assert set(one) == set(two)
    assert all(value.dtype == np.float32 for value in one.values())
    assert all(np.array_equal(one[name], same[name]) for name in one)
    assert any(not np.array_equal(one[name], two[name]) for name in one)


def test_outer_gradients_are_there_and_finite(made):
    learner, params, tasks = made
    found, mse = learner.outer_gradients(params, tasks)
    assert set(found) == {name for name, value in params.items() if value.requires_grad}
    assert set(params) - set(found) == set(learner.fixed())
    assert mse.shape == (2,)
    assert torch.isfinite(mse).all()
    for name, value in found.items():
        assert value.shape == params[name].shape, name
        assert torch.isfinite(value).all(), name
    assert any(torch.count_nonzero(value) for value in found.values())


def test_steps_of_adam_on_them_lower_the_error(made):
    learner, params, tasks = made
    if not learner.trains:
        pytest.skip("it learns nothing")
    errors = []
    adam = torch.optim.Adam([value for value in params.values() if value.requires_grad], lr=3e-3)
    for _ in range(8):
        found, mse = learner.outer_gradients(params, tasks)
        for name, value in found.items():
            params[name].grad = value
        adam.step()
        errors.append(float(mse.mean()))
    assert min(errors[-2:]) < errors[0]


def test_an_init_comes_back_from_its_file(made):
    learner, *_ = made
    method = learner.config.method
    init = Init(
        kind="image",
        axes=("y", "x"),
        channels=3,
        model=learner.model,
        partition=PartitionConfig(rule="none"),
        config=replace(CONFIG, method=method),
        params=learner.parameters(0),
    )
    back = loads(init.data)
    assert type(back.learner) is type(learner)
    assert back.hash == init.hash
    assert set(back.params) == set(init.params)
    assert all(np.array_equal(back.params[name], value) for name, value in init.params.items())


def test_steps_change_the_error_and_leave_what_was_learned(made):
    learner, _, tasks = made
    params = as_tensors(learner.parameters(0))
    before = {name: value.clone() for name, value in params.items()}
    found = curve(learner, params, tasks, 3)
    assert found.shape == (4, 2)
    assert np.isfinite(found).all()
    assert all(torch.equal(before[name], value) for name, value in params.items())


@pytest.mark.parametrize("grid", [(1, 1), (2, 2)])
def test_what_adapted_is_a_field_like_any_other(made, grid):
    """Decoded, it gives what the network of the inner loop gives; of many regions, too."""
    learner, *_ = made
    init = Init(
        kind="image",
        axes=("y", "x"),
        channels=3,
        model=learner.model,
        partition=PartitionConfig(rule="grid", grid=(1, 1)),
        config=learner.config,
        params=learner.parameters(0),
    )
    (signal,) = pictures(1, 12, 12)
    field = api.adapt(signal, init, steps=2, optimiser="learned", grid=grid, weights="float32", device="cpu")
    params, tasks = as_tensors(init.params), tasks_of(learner, [signal], [field.partition])
    *_, adapted = inner.steps(learner, params, tasks, 2, through=False)
    with torch.no_grad():
        out = inner.output(learner, learner.weights(params, adapted), tasks).numpy()
    decoded = api.decode(api.to_bytes(field), device="cpu")
    for group, region in enumerate(field.partition.regions):
        own = (tasks.batch.owner == group)[:, None] & (tasks.batch.mask[..., 0] > 0)
        there = decoded[tuple(region.points().T)].astype(float)
        assert np.abs(there - signal.info.from_unit(out[own.numpy()]).astype(float)).max() <= 1
