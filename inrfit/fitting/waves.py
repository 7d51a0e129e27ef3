"""A fit in waves: some regions after the others, so that memory does not grow with the signal; `loop` fits each wave.

Regions that share no weights do not know of each other, so a wave gives the weights that a fit of all regions would
give. What is kept of it is what the file will hold. Where regions share weights, or a target or a time limit is for
all of them together, there is one wave.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from inrfit.config import FitConfig, ModelConfig
from inrfit.coords import global_frame
from inrfit.decibel import unit_decibel
from inrfit.device import Device
from inrfit.errors import Interrupted
from inrfit.field import Field
from inrfit.fitting import loop
from inrfit.fitting.checkpoint import Checkpoint
from inrfit.fitting.events import FitEvent
from inrfit.fitting.finish import finished
from inrfit.fitting.loop import Progress, Start
from inrfit.kernels.tiles import tile_points
from inrfit.models.coding import Coding
from inrfit.models.description import Description, describe, without
from inrfit.partitions import Partition
from inrfit.signal import Signal

WAVE = 48 << 20
"""Bytes of weights, optimiser state, coordinates and targets that a wave may need."""

STATE = 10
"""Numbers that a fit holds for each weight: it, its gradient, two means, moments and bases of what it reads."""

DONE = "done."
"""What the names of finished weights begin with in a checkpoint."""


def fit(
    signal: Signal,
    partition: Partition,
    model: ModelConfig,
    config: FitConfig,
    device: Device,
    progress: Progress | None = None,
    resume: Checkpoint | None = None,
    *,
    begin: Callable[[Partition], Start] | None = None,
    wave: int = WAVE,
) -> Field:
    """Fit a field to a signal; see `loop.fit`. The result does not depend on the waves; its errors are rounded as a file does.

    With `config.points` each wave has its share of them, by area; how they are spent by error then differs from a fit
    in one wave.

    Args:
        signal, partition, model, config, device, progress, resume: as for `loop.fit`.
        begin: gives what the regions of a wave begin with, a part of the partition; frame and tile are those of the
            whole. A fresh field when None.
        wave: bytes that a wave may need; a fit that goes on keeps the waves it had.
    """
    if resume is not None:
        parts = _as_before(resume)
    elif device.is_cuda:
        parts = [range(len(partition))]
    else:
        description = describe(model, partition.domain.dimensions, signal.channels)
        if begin is not None:
            description = without(
                description, begin(replace(partition, regions=partition.regions[:1])).frozen
            )
        limit = wave if config.points is not None else min(wave, config.memory)
        parts = cut(partition, description, signal.channels, config, limit)
    if len(parts) <= 1:
        start = None if begin is None else begin(partition)
        found = loop.fit(signal, partition, model, config, device, progress, resume, start)
        return finished(found, signal, config, device, None if start is None else start.coding)
    begin = begin or (lambda part: Start())
    waves = _Waves(signal, partition, model, config, device, progress or Progress(), parts, begin)
    return finished(waves.run(resume), signal, config, device, waves.coding)


def cut(
    partition: Partition, description: Description, channels: int, config: FitConfig, limit: int
) -> list[range]:
    """Return the places of the regions of each wave, as many as fit into `limit` bytes; at least one region."""
    shared = any(stack.trained and not stack.local for stack in description.stacks)
    whole = (config.target_psnr, config.max_time, config.target_size)
    if shared or config.rate or any(value is not None for value in whole):
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
    edges = resume.tensors.get("wave.edges", np.zeros(0, np.int64)).tolist()
    return [range(a, b) for a, b in itertools.pairwise(edges)]


@dataclass(kw_only=True)
class _Finished:
    """What is kept of the waves that are done."""

    weights: dict[str, list[NDArray[np.floating]]] = field(default_factory=dict)
    mse: list[float] = field(default_factory=list)


class _Waves:
    """A fit in waves; arguments as for `fit`."""

    def __init__(
        self,
        signal: Signal,
        partition: Partition,
        model: ModelConfig,
        config: FitConfig,
        device: Device,
        progress: Progress,
        parts: Sequence[range],
        begin: Callable[[Partition], Start],
    ) -> None:
        self.signal, self.partition, self.model = signal, partition, model
        self.config, self.device, self.progress, self.parts = config, device, progress, parts
        self.begin = begin
        self.frame, self.tile = global_frame(partition.domain, config.span), tile_points(partition.areas)
        self.done = _Finished()
        self.coding: Coding | None = None
        self.seconds = 0.0

    def run(self, resume: Checkpoint | None) -> Field:
        """Fit wave after wave; go on with the one that was interrupted."""
        first, inner = self._restored(resume)
        fitted = None
        for number in range(first, len(self.parts)):
            fitted = self._wave(number, inner)
            inner = None
            kind = self._kinds(fitted)
            for name, weights in fitted.weights.items():
                self.done.weights.setdefault(name, []).append(weights.astype(kind[name]))
            self.done.mse += fitted.mse
        if fitted is None:
            raise ValueError("a checkpoint of a fit that is done")
        mse = tuple(self.done.mse)
        local = {stack.name for stack in fitted.description.stacks if stack.local}
        weights = {
            name: np.concatenate(rows if name in local else rows[:1], dtype=np.float32)
            for name, rows in self.done.weights.items()
        }
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
        config, total = self.config, sum(self.partition.areas)
        if config.points is not None:
            config = replace(config, points=max(1, round(config.points * sum(part.areas) / total)))
        hooks = replace(
            self.progress,
            on_event=lambda event: self._tell(number, event),
            save=None if self.progress.save is None else lambda state: self._save(number, state),
        )
        start = replace(self.begin(part), frame=self.frame, tile=self.tile)
        self.coding = start.coding
        try:
            return loop.fit(self.signal, part, self.model, config, self.device, hooks, resume, start)
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

    def _save(self, number: int, state: Checkpoint) -> None:
        """Keep the state of a wave with what is left of those before it."""
        if self.progress.save is None:
            return
        kept = {DONE + name: np.concatenate(rows) for name, rows in self.done.weights.items()}
        kept |= {"wave": np.array([number, state.step]), "wave.mse": np.array(self.done.mse)}
        kept |= {"wave.edges": np.array([0, *(part.stop for part in self.parts)], np.int64)}
        step, steps = number * state.steps + state.step, len(self.parts) * state.steps
        self.progress.save(replace(state, step=step, steps=steps, tensors={**state.tensors, **kept}))

    def _restored(self, resume: Checkpoint | None) -> tuple[int, Checkpoint | None]:
        """Take up what an interrupted fit had done; return the wave to go on with and its state."""
        self.before = 0.0
        if resume is None:
            return 0, None
        number, step = (int(value) for value in resume.tensors["wave"])
        self.done.mse = resume.tensors["wave.mse"].tolist()
        own = {}
        for name, value in resume.tensors.items():
            if name.startswith(DONE):
                self.done.weights[name.removeprefix(DONE)] = [value]
            elif not name.startswith("wave"):
                own[name] = value
        steps = resume.steps // len(self.parts)
        return number, replace(resume, step=step, steps=steps, tensors=own)
