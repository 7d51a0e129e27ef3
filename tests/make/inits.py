"""Small inits that were trained by hand for a few steps, and the numbers that adapting them must give."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from inrfit import api, io
from inrfit.decibel import unit_decibel
from inrfit.device import pick_device
from inrfit.field import Field
from inrfit.meta.config import MetaConfig
from inrfit.meta.curves import curve
from inrfit.meta.init import Init
from inrfit.meta.learner import as_tensors
from inrfit.meta.tasks import gather
from inrfit.models.config import ModelConfig
from inrfit.partitions import build
from inrfit.partitions.config import PartitionConfig
from inrfit.registry import load
from inrfit.render.points import values_at
from inrfit.signal import Signal
from make.data import textured


@cache
def init_of(
    *, name: str = "partitioned", method: str = "maml", outer: int = 2, channels: int = 3, **words: Any
) -> Init:
    """Return an init for images that a few steps of sign descent have moved away from where it was drawn."""
    model = ModelConfig(
        name=name,
        hidden_features=8,
        hidden_layers=1,
        first_omega_0=10.0,
        hidden_omega_0=15.0,
        trunk_features=4 if name == "local-global" else 0,
        trunk_omega_0=10.0,
    )
    config = MetaConfig(method=method, **words)
    learner = load("meta", method)(model, 2, channels, config)
    partition = PartitionConfig(rule="grid", grid=(2, 2))
    signals = [io.read(textured(16, 16, channels)), io.read(textured(16, 16, channels)[::-1].copy())]
    params = learner.parameters(0)
    for _ in range(outer):
        leaves = {n: v.requires_grad_(n not in learner.fixed()) for n, v in as_tensors(params).items()}
        tasks = gather(signals, [build(s, partition) for s in signals], learner.description, leaves)
        found, _ = learner.outer_gradients(leaves, tasks)
        moved = {n: v.detach() - 0.02 * torch.sign(found[n]) if n in found else v for n, v in leaves.items()}
        params = {n: v.detach().numpy() for n, v in moved.items()}
    return Init(
        kind="image",
        axes=("y", "x"),
        channels=channels,
        model=model,
        partition=partition,
        config=config,
        params=params,
    )


def by_inner(init: Init, signal: Signal, steps: int, **words: Any) -> NDArray[np.float64]:
    """Return the PSNR before the first and after every step by the plain inner loop, [step]."""
    plan = api.plan_adaptation(signal, init, **words)
    params = as_tensors(init.params)
    tasks = gather([signal], [plan.partition], init.learner.description, params)
    return curve(init.learner, params, tasks, steps)[:, 0]


def unrounded(field: Field, signal: Signal) -> float:
    """Return the PSNR of a field's own output, neither clamped nor rounded."""
    points = np.argwhere(np.ones(signal.domain.shape, bool))
    values = values_at(field, points.astype(float), pick_device("cpu"))
    mse = np.mean((values.astype(np.float64) - signal.sample(points)) ** 2)
    return unit_decibel(float(mse), signal.info.peak)
