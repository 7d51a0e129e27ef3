"""The loop of a fit: steps until every signal is done, with the parts that go along; the same bits after a break.

Several signals of one shape are fitted at once; each gives the same field as alone.
"""

from __future__ import annotations

import math
import time
from collections.abc import Mapping, Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from inrfit.decibel import unit_decibel
from inrfit.errors import FitError, Interrupted
from inrfit.field import Field
from inrfit.fitting import saving, spending, target
from inrfit.fitting.checkpoint import Checkpoint
from inrfit.fitting.clock import Clock
from inrfit.fitting.descent import Descent
from inrfit.fitting.events import FitEvent
from inrfit.fitting.finish import quantise_field
from inrfit.fitting.measure import measured
from inrfit.fitting.part import Held, Part
from inrfit.fitting.plan import Plan, check_many
from inrfit.fitting.progress import Progress
from inrfit.kernels.threads import tile_threads
from inrfit.registry import load

COMPACT_SHARE = 0.25
"""Share of the signals that are done at which the others go on without them."""


def fit(plan: Plan, progress: Progress | None = None, resume: Checkpoint | None = None) -> Field:
    """Fit a field to a signal.

    Args:
        plan: what to fit, and what it begins with.
        progress: hooks; none by default.
        resume: state to go on from; the result is the same, bit for bit on the CPU, as without the break.

    Returns:
        The field with its weights as a file keeps them, its PSNR and its errors per region measured on the decoded
        output; the errors are not yet rounded as a file keeps them, see `measure.with_stored_errors`.

    Raises:
        FitError: the fit diverged.
        Interrupted: `progress.stop` said so.
    """
    (found,) = Fits([plan], progress or Progress()).run(resume)
    if isinstance(found, FitError):
        raise found
    return found


def fit_many(plans: Sequence[Plan], progress: Progress | None = None) -> list[Field | FitError]:
    """Fit a field to each of several signals, all at once.

    Each has its own weights, optimiser state and stopping, and gets the field that it would get alone, by `waves.fit`.

    Args:
        plans: with one `batch_key`.
        progress: as for `fit`; events are about all signals together.

    Returns:
        In the order of the plans, a field, or the error of a fit that diverged.

    Raises:
        ConfigError: the configuration is for one signal alone.
        Interrupted: `progress.stop` said so.
    """
    check_many(plans[0].settings.fit)
    results = zip(Fits(plans, progress or Progress()).run(None), plans, strict=True)
    return [_quantised(found, plan) for found, plan in results]


def _quantised(found: Field | FitError, plan: Plan) -> Field | FitError:
    """Return a field as its file gives it back; an error as it is."""
    try:
        return found if isinstance(found, FitError) else quantise_field(found, plan)
    except FitError as error:
        return error


class Fits:
    """Fits of several signals at once.

    Args:
        plans: all with the regions, the settings, the device and the start of the first.
        progress: hooks.

    Attributes:
        descent: their weights.
        present: numbers of the signals whose weights those are.
        found: number -> what came of those that are done.
        parts: what goes along, in the order in which it acts.
    """

    def __init__(self, plans: Sequence[Plan], progress: Progress) -> None:
        first = plans[0]
        self.config, self.device, self.progress = first.settings.fit, first.device, progress
        start = first.start(first.partition)
        self.descent = Descent(first, [plan.signal for plan in plans], start)
        steps = self.config.steps if start.steps is None else start.steps
        self.clock = Clock(steps, self.config.max_time, self.device)
        self.parts: dict[str, Part] = {"clock": self.clock}
        if target.wanted(self.config) is not None:
            self.parts["target"] = target.Target(self.descent, self._measured)
        if saving.wanted(self.config):
            self.parts["saving"] = saving.Saving(self.descent, self.clock)
        if spending.wanted(self.config):
            self.parts["spending"] = spending.Spending(self.descent)
        self.present = list(range(len(plans)))
        self.found: dict[int, Field | FitError] = {}

    @property
    def going(self) -> list[int]:
        """Places in `present` of the signals that are not done."""
        return [place for place, number in enumerate(self.present) if number not in self.found]

    def run(self, resume: Checkpoint | None) -> list[Field | FitError]:
        """Fit until every signal is done; return what came of each."""
        if resume is not None:
            self._restore(resume)
        descent, signals, saved = self.descent, len(self.present), time.monotonic()
        with tile_threads(1 if self.device.is_cuda else self.device.threads) as descent.map_blocks:
            while descent.step < self.clock.steps and self.going:
                if self.progress.stop():
                    raise self._interrupted()
                self._step(descent.step)
                if 0 < len(self.going) <= (1 - COMPACT_SHARE) * len(self.present):
                    self._compact()
                if self.progress.save and time.monotonic() - saved > self.progress.save_every:
                    self.progress.save(self.checkpoint())
                    saved = time.monotonic()
            self._note({place: self._end(place) for place in self.going})
        return [self.found[number] for number in range(signals)]

    def _step(self, step: int) -> None:
        """Run a step; its update only if it is still needed."""
        descent, parts = self.descent, self.parts.values()
        for part in parts:
            part.before(step)
        descent.find_gradients()
        if step % (10 if self.device.is_cuda else 1) == 0 or step == self.clock.steps - 1:
            self._look(step)
            if not self.going:
                return
        for part in parts:
            part.during(step, descent.squares)
        descent.update(self._factors(step))
        for part in parts:
            part.after(step)

    def _factors(self, step: int) -> NDArray[np.float64]:
        """Return the factor of each signal's learning rate."""
        factors = np.full(len(self.present), load("schedule", self.config.schedule)(step, self.clock.steps))
        for part in self.parts.values():
            factors = np.minimum(factors, part.factors())
        return factors

    def _look(self, step: int) -> None:
        """Tell how the fits are, and note those that are done: diverged, or as a part says."""
        losses = self.descent.losses()
        hint = f"use a lower learning rate than --lr {self.descent.lr:g}"
        self._note(
            {
                place: FitError(
                    f"the fit diverged: the loss is {losses[place]} after {step} steps", hint=hint
                )
                for place in self.going
                if not math.isfinite(losses[place])
            }
        )
        alive = self.going
        if not alive:
            return
        loss, peak = float(np.mean(losses[alive])), self.descent.blank.info.peak
        self.progress.on_event(
            FitEvent(
                step=step,
                steps=self.clock.steps,
                loss=loss,
                psnr=unit_decibel(loss, peak),
                seconds=self.clock.seconds,
                signals=len(alive),
            )
        )
        for part in self.parts.values():
            self._note(part.look({place: float(losses[place]) for place in alive}))

    def _note(self, found: Mapping[int, Field | FitError]) -> None:
        """Note what came of the signals at some places."""
        self.found |= {self.present[place]: what for place, what in found.items()}

    def _end(self, place: int) -> Field | FitError:
        """Return what came of a signal when there are no more steps."""
        try:
            for part in self.parts.values():
                if (done := part.done(place)) is not None:
                    return done
            return self._measured(place, self.descent.stacks.values)
        except FitError as error:
            return error

    def _measured(self, place: int, values: Mapping[str, Tensor]) -> Field:
        """Return the field of a signal as its file will hold it, with the errors of its decoded output.

        Weights that will be quantised when the fit is finished are taken as they are.
        """
        descent, weights = self.descent, self.config.weights
        stored = descent.stacks.stored(place, values, "float32" if weights == "quantised" else weights)
        if not all(np.isfinite(w).all() for w in stored.values()):
            raise FitError(
                f"the fit diverged: after {descent.step} steps its weights do not fit into {weights}",
                hint=f"use a lower learning rate than --lr {descent.lr:g}, or --weights float32",
            )
        fitted = descent.field(place, stored)
        for part in self.parts.values():
            fitted = part.stored(place, fitted)
        return measured(fitted, descent.signals[place], self.device)

    def _compact(self) -> None:
        """Go on without the signals that are done."""
        places = self.going
        rows = self.descent.select(places)
        for part in self.parts.values():
            part.select(places, rows)
        self.present = [self.present[place] for place in places]

    @property
    def _held(self) -> dict[str, Held]:
        """What a checkpoint holds, by name, in the order in which it is taken up."""
        return {"stacks": self.descent.stacks, "optimiser": self.descent.optimiser, **self.parts}

    def checkpoint(self) -> Checkpoint:
        """Return the state of a fit of one signal after `step` steps."""
        state = Checkpoint(step=self.descent.step, steps=self.clock.steps, tensors={})
        for name, one in self._held.items():
            state = state.beside(name, {key: value.cpu().numpy() for key, value in one.state().items()})
        return state

    def _restore(self, checkpoint: Checkpoint) -> None:
        self.descent.step = checkpoint.step
        for name, one in self._held.items():
            kept = checkpoint.of(name).items()
            one.restore({key: torch.tensor(value, device=self.device.name) for key, value in kept})

    def _interrupted(self) -> Interrupted:
        if self.progress.save:
            self.progress.save(self.checkpoint())
        return Interrupted(f"stopped after {self.descent.step} of {self.clock.steps} steps")
