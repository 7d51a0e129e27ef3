"""What a planned fit will take: seconds, by a few steps that are thrown away, and bytes, by what weights usually take."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace

import numpy as np

from inrfit.fitting import loop
from inrfit.fitting.events import FitEvent
from inrfit.fitting.plan import Plan
from inrfit.fitting.progress import Progress
from inrfit.fitting.rate import BITS, EACH, FRONT
from inrfit.models.config import WITH_GRID

TRIAL = 11
"""Steps that are tried."""

SAMPLES = 1 << 17
"""Samples of the regions that they are tried on, where regions share no weights; at least one region."""

PLAIN, FEATURES, SAVED = 9.0, 6.0, 3.0
"""Bits that a weight takes which is as good as a float32 one, those of feature grids, and where bits are saved alone.

Seen after 100 to 200 steps on 192x192 samples of a photo: 9.1 (partitioned), 8.7 (local-global), 5.9 (feature-grid), 2.3
(`--saving 2`); of a pure tone 12.6.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimate:
    """What a fit will take, about.

    Attributes:
        seconds: of the fit alone; where a target or a time ends it early, at most.
        bytes: of the file, without metadata; where a size is asked for, at most.
    """

    seconds: float
    bytes: int


def estimate(plan: Plan) -> Estimate:
    """Return what a plan will take; some of its regions are fitted for a few steps, and forgotten."""
    return Estimate(seconds=_seconds(plan), bytes=_bytes(plan))


def _seconds(plan: Plan) -> float:
    """Return the seconds of a fit, by those of its first steps on some of its regions."""
    fit, partition = plan.settings.fit, plan.partition
    shared = any(stack.trained and not stack.local for stack in plan.description.stacks)
    count = len(partition)
    if not shared and fit.points is None:
        count = max(1, int(np.searchsorted(np.cumsum(partition.areas), SAMPLES, side="right")))
    some = replace(partition, regions=partition.regions[:count])
    free = {"target_psnr": None, "target_size": None, "target_bpp": None, "quality": None, "max_time": None}
    trial = replace(plan, partition=some).fitting(**free, saving=None, steps=min(TRIAL, fit.steps))
    events: list[FitEvent] = []
    began = time.monotonic()
    loop.fit(trial, Progress(on_event=events.append))
    whole = time.monotonic() - began
    steps = max(1, events[-1].step - events[0].step)
    step = (events[-1].seconds - events[0].seconds) / steps
    beside = max(0.0, whole - step * trial.settings.fit.steps)
    seconds = (step * fit.steps + beside) * sum(partition.areas) / sum(some.areas)
    return seconds if fit.max_time is None else min(seconds, fit.max_time)


def _bytes(plan: Plan) -> int:
    """Return the bytes of a file, by the type of its weights."""
    fit, model = plan.settings.fit, plan.settings.model
    if fit.target_size is not None:
        return fit.target_size
    bits = {"float32": 32.0, "float16": 16.0}.get(fit.weights)
    if bits is None and (fit.quality is not None or plan.open_model is not None):
        bits = BITS
    elif bits is None:
        bits = SAVED if fit.saving else FEATURES if model.name in WITH_GRID else PLAIN
    return round(plan.params * bits / 8) + FRONT + EACH * len(plan.partition)
