"""A fit in waves: some regions after the others, so that memory does not grow with the signal; `loop` fits each wave.

Regions that share no weights do not know of each other, so a wave gives the weights that a fit of all regions would
give. What is kept of it is what the file will hold. Where regions share weights, or a target or a time limit is for
all of them together, there is one wave.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from inrfit.coords import global_frame
from inrfit.decibel import unit_decibel
from inrfit.errors import Interrupted
from inrfit.field import Field
from inrfit.fitting import loop
from inrfit.fitting.checkpoint import Checkpoint
from inrfit.fitting.events import FitEvent
from inrfit.fitting.finish import quantise_field
from inrfit.fitting.plan import Plan
from inrfit.fitting.progress import Progress
from inrfit.kernels.tiles import tile_points
from inrfit.models.coding import Coding
from inrfit.models.description import without

WAVE = 48 << 20
"""Bytes of weights, optimiser state, coordinates and targets that a wave may need."""

STATE = 10
"""Numbers that a fit holds for each weight: it, its gradient, two means, moments and bases of what it reads."""

WAVES, DONE = "waves", "done"
"""What the waves and their finished weights are called in a checkpoint."""


def fit(
    plan: Plan, progress: Progress | None = None, resume: Checkpoint | None = None, *, wave: int = WAVE
) -> Field:
    """Fit a field to a signal; see `loop.fit`. The result does not depend on the waves; its errors are rounded as a file does.

    With `points` each wave has its share of them, by area; how they are spent by error then differs from a fit
    in one wave.

    Args:
        plan, progress, resume: as for `loop.fit`. A wave begins with what the plan says of its regions, in the frame and
            with the tile of the whole.
        wave: bytes that a wave may need; a fit that goes on keeps the waves it had.
    """
    config = plan.settings.fit
    if resume is not None:
        parts = _as_before(resume)
    elif plan.device.is_cuda:
        parts = [range(len(plan.partition))]
    else:
        parts = cut(plan, wave if config.points is not None else min(wave, config.memory))
    if len(parts) <= 1:
        start = plan.start(plan.partition)
        return quantise_field(loop.fit(plan.begun(start), progress, resume), plan, start.coding)
    waves = _Waves(plan, progress or Progress(), parts)
    return quantise_field(waves.run(resume), plan, waves.coding)


def cut(plan: Plan, limit: int) -> list[range]:
    """Return the places of the regions of each wave, as many as fit into `limit` bytes; at least one region."""
    partition, channels, config = plan.partition, plan.signal.channels, plan.settings.fit
    description = without(plan.description, plan.start(partition.select([0])).frozen)
    shared = any(stack.trained and not stack.local for stack in description.stacks)
    whole = (config.target_psnr, config.max_time, config.target_size)
    if shared or config.saving or any(value is not None for value in whole):
        return [range(len(partition))]
    numbers = sum(math.prod(s.shape) for s in description.stacks if s.local)
    features = next(stack.shape[0] for stack in description.stacks if stack.trained)
    sample = 4 * (features * len(description.frames) + channels + 2) if config.points is None else 0
    sizes = np.cumsum([4 * STATE * numbers + sample * area for area in partition.areas])
    waves = max(1, math.ceil(sizes[-1] / limit))
    edges = np.unique([0, *np.searchsorted(sizes, sizes[-1] * np.arange(1, waves) / waves), len(partition)])
    return [range(int(a), int(b)) for a, b in itertools.pairwise(edges)]


def _as_before(resume: Checkpoint) -> list[range]:
    """Return the places of the regions of each wave of an interrupted fit; none where it had one wave.

    They do not depend on the memory and the device that it goes on with.
    """
    edges = resume.of(WAVES).get("edges", np.zeros(0, np.int64)).tolist()
    return [range(a, b) for a, b in itertools.pairwise(edges)]


@dataclass(kw_only=True)
class _Finished:
    """What is kept of the waves that are done."""

    weights: dict[str, list[NDArray[np.floating]]] = field(default_factory=dict)
    mse: list[float] = field(default_factory=list)


class _Waves:
    """A fit in waves of the regions at some places; other arguments as for `fit`."""

    def __init__(self, plan: Plan, progress: Progress, parts: Sequence[range]) -> None:
        self.plan, self.progress, self.parts = plan, progress, parts
        self.partition, self.config = plan.partition, plan.settings.fit
        self.frame = global_frame(self.partition.domain, self.config.span)
        self.tile = tile_points(self.partition.areas)
        self.done = _Finished()
        self.coding: Coding | None = None
        self.before = self.seconds = 0.0

    def run(self, resume: Checkpoint | None) -> Field:
        """Fit wave after wave; go on with the one that was interrupted."""
        first, inner = self._restored(resume)
        fitted = None
        for number in range(first, len(self.parts)):
            fitted = self._wave(number, inner)
            inner = None
            local = {stack.name for stack in fitted.description.stacks if stack.local}
            kind = self._kinds(fitted)
            for name, weights in fitted.weights.items():
                rows = self.done.weights.setdefault(name, [])
                if name in local or not rows:
                    rows.append(weights.astype(kind[name]))
            self.done.mse += fitted.mse
        if fitted is None:
            raise ValueError("a checkpoint of a fit that is done")
        mse = tuple(self.done.mse)
        weights = {n: np.concatenate(rows, dtype=np.float32) for n, rows in self.done.weights.items()}
        self.done = _Finished()
        total = math.fsum(m * area for m, area in zip(mse, self.partition.areas, strict=True))
        return replace(
            fitted,
            partition=self.partition,
            weights=weights,
            mse=mse,
            psnr=unit_decibel(total / sum(self.partition.areas), fitted.info.peak),
        )

    def _kinds(self, fitted: Field) -> dict[str, str]:
        """Return the type in which the file keeps each stack, which holds the weights without loss."""
        kind = "float32" if self.config.weights == "quantised" else self.config.weights
        return {s.name: kind if s.trained else "float32" for s in fitted.description.stacks}

    def _wave(self, number: int, resume: Checkpoint | None) -> Field:
        """Fit the regions of one wave."""
        part = replace(self.partition, regions=tuple(self.partition.regions[p] for p in self.parts[number]))
        start = replace(self.plan.start(part), frame=self.frame, tile=self.tile)
        self.coding = start.coding
        plan = self.plan.begun(start, partition=part)
        if self.config.points is not None:
            share = sum(part.areas) / sum(self.partition.areas)
            plan = plan.fitting(points=max(1, round(self.config.points * share)))
        hooks = replace(self.progress, on_event=lambda event: self._tell(number, event))
        try:
            return loop.fit(plan, hooks.keeping(lambda state: self._whole(number, state)), resume)
        except Interrupted as error:
            raise Interrupted(
                f"wave {number + 1} of {len(self.parts)} {error.message}", hint=error.hint
            ) from None

    def _tell(self, number: int, event: FitEvent) -> None:
        """Pass an event on, with its step counted over all waves."""
        if event.step == 0:
            self.before = self.seconds
        self.seconds = self.before + event.seconds
        step, steps = number * event.steps + event.step, len(self.parts) * event.steps
        self.progress.on_event(replace(event, step=step, steps=steps, seconds=self.seconds))

    def _whole(self, number: int, state: Checkpoint) -> Checkpoint:
        """Return the state of a wave with what is left of those before it."""
        edges = np.array([0, *(part.stop for part in self.parts)], np.int64)
        waves = {"at": np.array([number, state.step]), "mse": np.array(self.done.mse), "edges": edges}
        done = {name: np.concatenate(rows) for name, rows in self.done.weights.items()}
        step, steps = number * state.steps + state.step, len(self.parts) * state.steps
        return state.beside(WAVES, waves).beside(DONE, done, step=step, steps=steps)

    def _restored(self, resume: Checkpoint | None) -> tuple[int, Checkpoint | None]:
        """Take up what an interrupted fit had done; return the wave to go on with and its state."""
        if resume is None:
            return 0, None
        waves = resume.of(WAVES)
        number, step = waves["at"].tolist()
        self.done.mse = waves["mse"].tolist()
        self.done.weights = {name: [value] for name, value in resume.of(DONE).items()}
        return number, replace(resume, step=step)
