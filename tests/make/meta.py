"""Small tasks and learners that tests of meta-learning share."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from torch import Tensor

from inrfit import registry
from inrfit.meta.config import MetaConfig
from inrfit.meta.learner import Learner, as_tensors
from inrfit.meta.tasks import Tasks, gather
from inrfit.models.config import ModelConfig
from inrfit.partitions import Partition
from inrfit.partitions.grid import divide
from inrfit.partitions.labels import from_labels
from inrfit.signal import ArraySignal, Signal
from make.images import image_of

MODEL = ModelConfig(
    name="partitioned",
    hidden_features=8,
    hidden_layers=1,
    first_omega_0=8.0,
    hidden_omega_0=8.0,
    trunk_omega_0=8.0,
    trunk_features=0,
    frame="global",
)
"""A network so small that finite differences of it are quick."""

TRUNK = ModelConfig(
    name="local-global",
    hidden_features=6,
    hidden_layers=1,
    trunk_features=5,
    first_omega_0=8.0,
    hidden_omega_0=8.0,
    trunk_omega_0=8.0,
)
"""The same with a trunk."""


def pictures(count: int, height: int = 8, width: int = 8, channels: int = 3) -> list[ArraySignal]:
    """Return smooth pictures, no two alike but all bright on the left."""
    y, x = np.mgrid[0:height, 0:width] / max(height, width)
    made = []
    for number in range(count):
        random = np.random.default_rng(number)
        phase = random.uniform(0, 1, channels)
        base = 150 - 90 * x[..., None] + 60 * np.sin(4 * y[..., None] + 6 * phase)
        made.append(image_of(np.clip(base, 0, 255).astype(np.uint8)))
    return made


def thirds(signal: Signal) -> Partition:
    """Return three unequal, ragged segments."""
    height, width = signal.domain.shape
    y, x = np.mgrid[0:height, 0:width]
    labels = np.where(x + y < 0.6 * width, 0, np.where(y < x, 1, 2))
    return from_labels(signal.domain, labels)


def learner_of(
    method: str = "maml", model: ModelConfig = MODEL, axes: int = 2, channels: int = 3, **words: Any
) -> Learner:
    """Return a learner; it takes two inner steps at a rate of 0.1 unless something else is said."""
    words = {"inner_steps": 2, "inner_lr": 0.1, **words}
    return registry.load("meta", method)(model, axes, channels, MetaConfig(method=method, **words))


def leaves(learner: Learner, seed: int = 0) -> dict[str, Tensor]:
    """Return what is learned as it is at the start, ready for an outer step."""
    params, fixed = as_tensors(learner.parameters(seed)), learner.fixed()
    return {n: v if n in fixed else v.requires_grad_() for n, v in params.items()}


def tasks_of(
    learner: Learner,
    signals: Sequence[Signal],
    partitions: Sequence[Partition] | None = None,
    grid: Sequence[int] = (1, 1),
    **words: Any,
) -> Tasks:
    """Return tasks: each signal cut into a grid unless partitions are given."""
    divided = partitions or [divide(signal.domain, grid) for signal in signals]
    fixed = as_tensors(learner.parameters(0))
    frequencies = {name: fixed[name][None] for name in learner.fixed() if name in fixed}
    return gather(signals, divided, learner.description, frequencies, **words)


def trained(
    learner: Learner, tasks: Tasks, steps: int, lr: float = 5e-3
) -> tuple[dict[str, Tensor], list[float]]:
    """Return what is learned after steps of Adam on one batch, and the mean error of each step."""
    params, losses = leaves(learner), []
    adam = torch.optim.Adam([v for v in params.values() if v.requires_grad], lr=lr)
    for _ in range(steps):
        gradients, mse = learner.outer_gradients(params, tasks)
        for name, gradient in gradients.items():
            params[name].grad = gradient
        adam.step()
        losses.append(float(mse.mean()))
    return params, losses


def doubled(tasks: Tasks) -> Tasks:
    """Return tasks in double precision, for what is compared with finite differences."""
    batch = tasks.batch
    exact = replace(
        batch,
        features={name: value.double() for name, value in batch.features.items()},
        **{name: getattr(batch, name).double() for name in ("targets", "mask", "weight")},
    )
    return replace(tasks, batch=exact, areas=tasks.areas.double())
