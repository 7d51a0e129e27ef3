"""The contract of a meta-learner."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import torch
from torch import Tensor

from inrfit import api, registry
from inrfit.meta import inner
from inrfit.meta.config import MetaConfig
from inrfit.meta.curves import curve
from inrfit.meta.init import Init, loads
from inrfit.meta.learner import Learner, as_tensors
from inrfit.meta.tasks import Tasks, gather
from inrfit.models.config import ModelConfig
from inrfit.partitions import Partition
from inrfit.partitions.config import PartitionConfig
from inrfit.partitions.grid import divide
from inrfit.signal import Signal
from inrfit.testing.networks import picture

MODEL = ModelConfig(
    name="partitioned",
    hidden_features=8,
    hidden_layers=1,
    trunk_features=0,
    features=8,
    bands=4,
    sigma=4.0,
    first_omega_0=8.0,
    hidden_omega_0=8.0,
    trunk_omega_0=8.0,
    frame="global",
)
"""A network that takes no time."""

CONFIG = MetaConfig(
    inner_steps=2, inner_lr=0.02, rank=4, patch=4, groups=4, hyper_features=8, hyper_blocks=1, hyper_heads=2
)


def check_meta_learner(method: str, model: str | None = None) -> None:
    """Check a meta-learner: what it starts with, its outer gradients, that it learns, its file, and what it adapts.

    Args:
        method: of the table.
        model: one of those that it can learn; all that there are when None.

    Raises:
        AssertionError: something does not hold.
    """
    known = [one for one in registry.load("meta", method).models if registry.knows("model", one)]
    assert known, f"{method} learns no model that there is"
    for name in [model] if model else known:
        learner = _learner(method, name)
        signals = [_signal(number) for number in range(2)]
        tasks = _tasks(learner, signals)
        starts_with_its_weights(learner, tasks)
        seeds_decide(learner)
        has_outer_gradients(learner, tasks)
        if learner.trains:
            learns(learner, tasks)
        comes_back_from_its_file(learner)
        steps_leave_what_was_learned(learner, tasks)
        for grid in ((1, 1), (2, 2)):
            adapts_to_a_field(learner, signals[0], grid)


def starts_with_its_weights(learner: Learner, tasks: Tasks) -> None:
    """Check that every region starts with what adapts, and has the weights of the description."""
    params = _leaves(learner)
    start = learner.start(params, tasks)
    assert set(start) == set(learner.adapted), f"it starts with {set(start)}, and adapts {learner.adapted}"
    assert all(len(value) == tasks.groups for value in start.values()), "not every region has a start"
    weights = learner.weights(params, start)
    stacks = {stack.name: stack.shape for stack in learner.description.stacks}
    assert set(weights) == set(stacks), f"it has the weights {set(weights)}, the network {set(stacks)}"
    for name, value in weights.items():
        assert value.shape[1:] == stacks[name], f"{name} has the shape {value.shape[1:]}"
        assert len(value) == tasks.groups or (len(value) == 1 and name not in start), f"{name}: {len(value)}"


def seeds_decide(learner: Learner) -> None:
    """Check that a seed gives the same numbers again, in single precision, and another one others."""
    one, same, two = (learner.parameters(seed) for seed in (1, 1, 2))
    assert set(one) == set(two), "the names of what is learned depend on the seed"
    assert all(value.dtype == np.float32 for value in one.values()), "not all of it is float32"
    assert all(np.array_equal(one[name], same[name]) for name in one), "a seed gives two starts"
    assert any(not np.array_equal(one[name], two[name]) for name in one), "two seeds give one start"


def has_outer_gradients(learner: Learner, tasks: Tasks) -> None:
    """Check that the outer step has a finite gradient of all that is learned."""
    params = _leaves(learner)
    found, mse = learner.outer_gradients(params, tasks)
    wanted = {name for name, value in params.items() if value.requires_grad}
    assert set(found) == wanted, f"gradients of {set(found)}, learned is {wanted}"
    assert mse.shape == (2,), f"the errors of two signals have the shape {tuple(mse.shape)}"
    assert torch.isfinite(mse).all(), "the error is not finite"
    for name, value in found.items():
        assert value.shape == params[name].shape, f"the gradient of {name} has the shape {tuple(value.shape)}"
        assert torch.isfinite(value).all(), f"the gradient of {name} is not finite"
    assert any(torch.count_nonzero(value) for value in found.values()), "all gradients are 0"


def learns(learner: Learner, tasks: Tasks) -> None:
    """Check that a few steps of Adam lower the error."""
    params, errors = _leaves(learner), list[float]()
    adam = torch.optim.Adam([value for value in params.values() if value.requires_grad], lr=3e-3)
    for _ in range(8):
        found, mse = learner.outer_gradients(params, tasks)
        for name, value in found.items():
            params[name].grad = value
        adam.step()
        errors.append(float(mse.mean()))
    assert min(errors[-2:]) < errors[0], f"8 steps bring the error from {errors[0]:.3g} to {errors[-1]:.3g}"


def comes_back_from_its_file(learner: Learner) -> None:
    """Check that an init and its file hold the same."""
    init = _init(learner, PartitionConfig(rule="none"))
    back = loads(init.data)
    assert type(back.learner) is type(learner), f"the file gives a {type(back.learner).__name__}"
    assert back.hash == init.hash, "the file gives another hash"
    assert set(back.params) == set(init.params), f"the file gives {set(back.params)}"
    for name, value in init.params.items():
        assert np.array_equal(back.params[name], value), f"the file gives other numbers for {name}"


def steps_leave_what_was_learned(learner: Learner, tasks: Tasks) -> None:
    """Check that inner steps have finite errors, and do not touch what was learned."""
    params = as_tensors(learner.parameters(0))
    before = {name: value.clone() for name, value in params.items()}
    found = curve(learner, params, tasks, 3)
    assert found.shape == (4, 2), f"3 steps of two signals have a curve of the shape {found.shape}"
    assert np.isfinite(found).all(), "the curve is not finite"
    assert all(torch.equal(before[name], value) for name, value in params.items()), "steps changed it"


def adapts_to_a_field(learner: Learner, signal: Signal, grid: tuple[int, int]) -> None:
    """Check that a field of what adapted decodes to what the network of the inner loop gives."""
    init = _init(learner, PartitionConfig(rule="grid", grid=(1, 1)))
    field = api.adapt(signal, init, steps=2, optimiser="learned", grid=grid, weights="float32", device="cpu")
    params, tasks = as_tensors(init.params), _tasks(learner, [signal], [field.partition])
    *_, adapted = inner.steps(learner, params, tasks, 2, through=False)
    with torch.no_grad():
        out = inner.output(learner, learner.weights(params, adapted), tasks).numpy()
    decoded = api.decode(api.to_bytes(field), device="cpu")
    for group, region in enumerate(field.partition.regions):
        own = (tasks.batch.owner == group)[:, None] & (tasks.batch.mask[..., 0] > 0)
        there = decoded[tuple(region.points().T)].astype(float)
        off = np.abs(there - signal.info.from_unit(out[own.numpy()]).astype(float)).max()
        assert off <= 1, f"a region of a grid of {grid} decodes {off:g} levels beside what it learned"


def _learner(method: str, model: str) -> Learner:
    network = replace(MODEL, name=model, trunk_features=5 if model == "local-global" else 0)
    return registry.load("meta", method)(network, 2, 3, replace(CONFIG, method=method))


def _init(learner: Learner, partition: PartitionConfig) -> Init:
    return Init(
        kind="image",
        axes=("y", "x"),
        channels=3,
        model=learner.model,
        partition=partition,
        config=learner.config,
        params=learner.parameters(0),
    )


def _signal(number: int) -> Signal:
    return api.read(np.roll(picture(12, 12), 3 * number, axis=1))


def _leaves(learner: Learner) -> dict[str, Tensor]:
    """Return what is learned as it is at the start, ready for an outer step."""
    params, fixed = as_tensors(learner.parameters(0)), learner.fixed()
    return {name: value if name in fixed else value.requires_grad_() for name, value in params.items()}


def _tasks(learner: Learner, signals: list[Signal], partitions: list[Partition] | None = None) -> Tasks:
    """Return tasks of whole signals, or of divided ones."""
    divided = partitions or [divide(signal.domain, (1, 1)) for signal in signals]
    fixed = as_tensors(learner.parameters(0))
    frequencies = {name: fixed[name][None] for name in learner.fixed() if name in fixed}
    return gather(signals, divided, learner.description, frequencies)
