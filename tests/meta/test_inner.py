"""The inner loop: losses of regions, steps that do not see each other, and the closed form of the output layer."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from make.meta import MODEL, TRUNK, doubled, learner_of, leaves, pictures, tasks_of, thirds

from inrfit.meta import inner
from inrfit.meta.learner import as_tensors
from inrfit.models.description import initial_weights
from inrfit.partitions.grid import divide


def adapted_to(learner, tasks, steps=2):
    kind = tasks.batch.targets.dtype
    params = {name: value.to(kind) for name, value in as_tensors(learner.parameters(0)).items()}
    *_, found = inner.steps(learner, params, tasks, steps, through=False)
    return {name: value.detach() for name, value in found.items()}


def close(one, two):
    return all(torch.allclose(one[name], two[name], rtol=1e-4, atol=1e-6) for name in one)


@pytest.mark.parametrize("model", [MODEL, TRUNK], ids=["partitioned", "local-global"])
@pytest.mark.parametrize("solve", ["none", "last"])
def test_ragged_regions_together_adapt_as_each_alone(model, solve):
    """Padding on the right, tiles and other groups change nothing."""
    learner = learner_of(model=model, solve=solve)
    signal = pictures(1, 40, 44)[0]
    partition = thirds(signal)
    together = doubled(tasks_of(learner, [signal], [partition]))
    assert not together.one_each or (together.batch.mask == 0).any()
    found = adapted_to(learner, together)
    for group, region in enumerate(partition.regions):
        own = together.batch.owner == group
        single = adapted_to(learner, alone(together, own, region.area))
        assert close(single, {name: value[group : group + 1] for name, value in found.items()})


def alone(tasks, own, count):
    """Return tasks of one group without any padding."""
    batch = tasks.batch

    def cut(value):
        return value[own].reshape(1, -1, value.shape[-1])[:, :count]

    one = replace(
        batch,
        features={name: cut(value) for name, value in batch.features.items()},
        **{name: cut(getattr(batch, name)) for name in ("targets", "mask", "weight")},
        owner=torch.zeros(1, dtype=torch.long),
        trunk_rows=None if batch.trunk_rows is None else torch.zeros(1, dtype=torch.long),
    )
    assert bool(one.mask.all())
    return replace(
        tasks,
        batch=one,
        groups=1,
        areas=torch.tensor([count], dtype=tasks.areas.dtype),
        signal_of=torch.zeros(1, dtype=torch.long),
        one_each=True,
    )


def test_a_step_of_a_head_depends_on_its_own_samples_alone():
    """With the loss of regions: not on the rest of the picture, not on how many signals there are."""
    learner = learner_of()
    first, second = pictures(2)
    changed = np.array(first.dense())
    changed[:, 4:] = 255 - changed[:, 4:]
    other = replace(first, values=changed)
    found = [
        adapted_to(learner, tasks_of(learner, s, grid=(1, 2))) for s in ([first], [other], [first, second])
    ]
    left = [{name: value[:1] for name, value in one.items()} for one in found]
    assert close(left[0], left[1])
    assert close(left[0], left[2])
    right = [{name: value[1:2] for name, value in one.items()} for one in found]
    assert not close(right[0], right[1])


def test_the_loss_of_a_region_does_not_depend_on_the_size_of_the_signal():
    """Four equal quarters, seen in local frames, adapt as the quarter alone; with the loss of the signal they do not."""
    small = pictures(1)[0]
    large = replace(pictures(1, 16, 16)[0], values=np.tile(small.dense(), (2, 2, 1)))
    local = replace(MODEL, frame="local")
    for loss, same in (("region", True), ("signal", False)):
        learner = learner_of(model=local, loss=loss)
        one = adapted_to(learner, tasks_of(learner, [small]))
        four = adapted_to(learner, tasks_of(learner, [large], grid=(2, 2)))
        assert close(one, {name: value[3:] for name, value in four.items()}) == same


def test_the_loss_of_a_signal_is_the_mean_over_all_of_it():
    learner = learner_of(loss="signal")
    signals = pictures(2, 8, 12)
    partitions = [divide(signals[0].domain, (1, 2)), thirds(signals[1])]
    tasks = tasks_of(learner, signals, partitions)
    weights = learner.weights(
        as_tensors(learner.parameters(0)), learner.start(as_tensors(learner.parameters(0)), tasks)
    )
    squares = inner.errors(learner, weights, tasks)
    out = inner.output(learner, weights, tasks)
    expected = []
    for number in range(2):
        own = tasks.signal_of[tasks.batch.owner] == number
        missed = ((out - tasks.batch.targets) * tasks.batch.mask)[own]
        expected.append(float(missed.square().sum()) / (8 * 12 * 3))
    assert inner.signal_mse(squares, tasks).tolist() == pytest.approx(expected, rel=1e-5)
    assert float(inner.inner_loss(learner, squares, tasks)) == pytest.approx(sum(expected), rel=1e-5)


@pytest.mark.parametrize("how", ["one", "grid", "segments"])
def test_the_closed_form_is_that_of_least_squares(how):
    learner = learner_of(solve="last")
    signal = pictures(1, 12, 12)[0]
    partitions = {"one": None, "grid": None, "segments": [thirds(signal)]}[how]
    tasks = doubled(tasks_of(learner, [signal], partitions, (2, 2) if how == "grid" else (1, 1)))
    params = {n: v.detach().double() for n, v in leaves(learner).items()}
    ridges = torch.linspace(-9, -3, 9, dtype=torch.double)
    params = {**params, inner.RIDGE: ridges}
    begin = {n: v.clone() for n, v in learner.start(params, tasks).items()}
    found = inner.solved(learner, params, begin, tasks)
    assert all(torch.equal(found[n], begin[n]) for n in begin if n not in ("weight2", "bias2"))
    batch = tasks.batch
    for group in range(tasks.groups):
        own = (batch.owner == group)[:, None] & (batch.mask[..., 0] > 0)
        x, y = batch.features["coords"][own].numpy(), batch.targets[own].numpy()
        for k in range(2):
            x = np.sin(8 * (x @ begin[f"weight{k}"][group].numpy() + begin[f"bias{k}"][group].numpy()))
        x = np.concatenate([x, np.ones((len(x), 1))], 1)
        old = np.concatenate([begin["weight2"][group].numpy(), begin["bias2"][group].numpy()])
        pull = np.diag(np.sqrt(len(x) * np.exp(ridges.numpy())))
        best, *_ = np.linalg.lstsq(np.concatenate([x, pull]), np.concatenate([y, pull @ old]), rcond=None)
        now = np.concatenate([found["weight2"][group].numpy(), found["bias2"][group].numpy()])
        assert now == pytest.approx(best, rel=1e-6, abs=1e-8)


def test_the_closed_form_leaves_the_least_error_of_all_output_layers():
    learner = learner_of(solve="last", inner_steps=1)
    tasks = tasks_of(learner, pictures(2), grid=(2, 2))
    params = {**as_tensors(learner.parameters(0)), inner.RIDGE: torch.full((9,), -12.0)}
    begin = learner.start(params, tasks)
    found = inner.solved(learner, params, begin, tasks)
    errors = [inner.errors(learner, learner.weights(params, a), tasks) for a in (begin, found)]
    assert (errors[1] < 0.5 * errors[0]).all()
    for sign in (-1, 1):
        moved = {**found, "bias2": found["bias2"] + sign * 0.01}
        assert (inner.errors(learner, learner.weights(params, moved), tasks) > errors[1]).all()


def test_a_shared_trunk_stays_and_learns():
    learner = learner_of(model=TRUNK)
    shared = {stack.name for stack in learner.description.stacks if not stack.local}
    assert shared
    assert shared.isdisjoint(learner.adapted)
    tasks = tasks_of(learner, pictures(2), grid=(2, 2))
    params = leaves(learner)
    found, _ = learner.outer_gradients(params, tasks)
    assert all(found[name].abs().max() > 0 for name in shared)
    *_, adapted = inner.steps(learner, params, tasks, 2, through=False)
    weights = learner.weights(params, adapted)
    assert all(torch.equal(weights[name][0], params[name]) for name in shared)
    assert all(weights[name].shape[0] == tasks.groups for name in learner.adapted)


def test_a_region_without_samples_stays_as_it_is():
    """The pool of a shape may leave a region out; its group must not spoil the others."""
    for solve in ("none", "last"):
        learner = learner_of(solve=solve)
        tasks = tasks_of(learner, pictures(1), grid=(2, 2))
        full = adapted_to(learner, tasks)
        batch = tasks.batch
        rows = [0, 1, 3]
        without = replace(
            batch,
            features={name: value[rows] for name, value in batch.features.items()},
            **{name: getattr(batch, name)[rows] for name in ("targets", "mask", "weight", "owner")},
        )
        areas = torch.where(torch.arange(4) == 2, 1.0, tasks.areas)
        found = adapted_to(learner, replace(tasks, batch=without, areas=areas, one_each=False))
        assert close({n: v[rows] for n, v in found.items()}, {n: v[rows] for n, v in full.items()})
        begin = initial_weights(learner.description, [0], 0)
        assert all(np.allclose(found[name][2].numpy(), begin[name][0]) for name in learner.adapted)
