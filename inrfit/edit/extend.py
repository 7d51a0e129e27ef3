"""Extend: new regions beside those of a field, fitted with all that is old frozen (strict) or tuned a little (joint).

Strict trains the weights of the new regions alone, so that the old part decodes to the same bits. Joint goes on with
all weights, the decode of the old part as its target (replay), as far as the old part bears it.
"""

from __future__ import annotations

import hashlib
import math
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from inrfit.codec.container import Reader
from inrfit.codec.mse import rounded
from inrfit.codec.read import loads
from inrfit.codec.write import dumps
from inrfit.device import Device
from inrfit.edit.sides import MODES, placed
from inrfit.field import Field, pooled_psnr
from inrfit.fitting.checkpoint import Checkpoint
from inrfit.fitting.config import FitConfig
from inrfit.fitting.events import FitEvent
from inrfit.fitting.finish import quantise_field
from inrfit.fitting.loop import fit
from inrfit.fitting.measure import with_errors
from inrfit.fitting.plan import Plan
from inrfit.fitting.progress import Progress
from inrfit.fitting.settings import Settings
from inrfit.fitting.size import kept_as
from inrfit.fitting.start import Start
from inrfit.io.config import ReadConfig
from inrfit.metrics.fidelity import psnr
from inrfit.models.description import initial_weights
from inrfit.models.sizing import default_lr
from inrfit.partitions import Partition, occupied
from inrfit.partitions.config import PartitionConfig
from inrfit.partitions.counted import counted
from inrfit.partitions.join import continued, joined
from inrfit.registry import unknown
from inrfit.render.output import Output
from inrfit.signal import ArraySignal, Signal

HEADROOM = 16.0
"""A joint extension changes the decode of the old part by an error at least so many dB below the stored one."""

TUNING = 0.1
"""Share of the steps in which a joint extension tunes all weights, after the others."""

TUNING_RATE = 0.03
"""Factor on the learning rate in the joint phase.

What it gains was measured on the right half of kodim05 at 256x256. 300 strict steps reach 29.40 dB, 375 strict steps 29.71,
300 strict and 75 joint ones 29.70, 240 and 60 29.29, 270 and 30 29.35: a joint step is worth a strict one, no more.
`HEADROOM` leaves no room: tuning all weights from the first step on and moving back what the old part does not bear,
at the end or half-way, left the new part 0.1 to 3 dB worse than strict. A rate of 0.1 did the same, 0.3 lost.
"""

HALVINGS = 6
"""Steps of the search for how much of the joint phase the old part bears."""

DRAWN = 0.6
"""Part of a fresh draw that is added to the mean of the old regions, where new ones join shared weights.

Right halves of crops, strict, local-global: kodim05, 13 and 15 at 128x128 after 200 steps end at 30.1 dB on average,
with a part of 0.3 at 30.2, with the mean alone at 29.2, with a fresh draw at 29.9; kodim05 at 256x256 after 150 steps
at 27.8, 27.2, 26.8 and 27.5. Copies of the nearest region were 1.1 to 1.5 dB worse than a fresh draw. Without shared
weights nothing was better than a fresh draw.
"""

PART = "extend"
"""What an extension is called in a checkpoint."""

Weights = Mapping[str, NDArray[np.float32]]


@dataclass(frozen=True, kw_only=True, eq=False)
class Extension(Plan):
    """An extension that is decided and not yet fitted: its signal is the new part, its partition that of both.

    Attributes:
        old: the field to extend; the new part has its place in the domain of it.
        added: places in the partition of the new regions.
        joint: whether the shared weights are tuned.
        notes: what the user should know, in words.
    """

    signal: ArraySignal
    old: Field
    added: tuple[int, ...]
    joint: bool
    notes: tuple[str, ...]

    @property
    def batch_key(self) -> None:
        """None: an extension runs alone."""

    def run(self, progress: Progress | None = None, resume: Checkpoint | None = None) -> Field:
        """Fit the new regions, then tune all; see `Plan.run`. The field has both parts."""
        hooks, steps = progress or Progress(), self.settings.fit.steps
        joint = min(math.ceil(TUNING * steps), steps - 1) if self.joint else 0
        phases = _Phases(hooks, steps, alone=steps - joint)
        both, resume = phases.restored(resume)
        if both is None:
            both = self.old.append(_strict(self, phases, resume))
            both, resume = replace(both, steps=steps), None
        if not joint:
            return both
        return _held(self, both, _tuned(self, both, phases, resume))

    def start(self, part: Partition) -> Start:
        """Return what some of the new regions begin with, beside the shared weights of the field, which stay."""
        old = self.old
        shared = {s.name: old.weights[s.name] for s in old.description.stacks if not s.local}
        return Start(
            weights={**shared, **_initial(self, part)},
            frozen=frozenset(shared),
            frame=old.frame,
            tile=old.tile,
            coding=old.coding,
        )

    def identity(self) -> dict[str, str]:
        """Return what a resumed extension must share with the interrupted one; the field by the hash of its file."""
        own = {
            "input": hashlib.sha256(self.signal.dense().tobytes()).hexdigest(),
            "extend.field": hashlib.sha256(dumps(self.old)).hexdigest(),
            "extend.place": str(self.signal.domain.box),
            "extend.joint": str(self.joint),
        }
        return {**Plan.identity(self), **own}


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Extended:
    """An extension as its file gives it back.

    Attributes:
        field: what the file holds; its PSNR is that of both parts by area.
        psnr_new: dB of the new part against its source.
        psnr_old_kept: dB of the old part against its decode before the extension; infinite where they are equal.
    """

    field: Field
    psnr_new: float
    psnr_old_kept: float


def plan(old: Field, new: Signal, *, side: str, mode: str, config: FitConfig, device: Device) -> Extension:
    """Decide where a part goes beside a field and how it is divided.

    Args:
        old: the field.
        new: the part to add, on a domain of its own.
        side: a key of `sides.SIDES`.
        mode: one of `sides.MODES`. Joint is strict, with a note, where no weights are shared.
        config: how the new weights are found; the type of the stored weights is that of the field.
        device: where it runs.

    Raises:
        ConfigError: the side or mode is not known, or the field has no such axis.
        InputError: the part does not fit to the field: its size, channels, sample type or values.
    """
    if mode not in MODES:
        raise unknown(mode, MODES, option="--mode")
    config.check_axes(old.domain.axes)
    part, notes = placed(old, new, side)
    division = occupied(part, continued(old.partition, part))
    whole, order = joined(old.partition, division)
    known = old.psnr is not None and math.isfinite(old.psnr)
    if mode == "joint" and not _shares(old):
        notes += (f"--mode joint is strict here: regions of the model {old.model.name} share no weights",)
    elif mode == "joint" and not known:
        notes += ("--mode joint is strict here: the field does not state a PSNR that it could keep",)
    fit = replace(config, weights=old.weight_type, saving=0.0)
    return Extension(
        signal=part,
        partition=whole,
        settings=Settings(read=ReadConfig(), partition=PartitionConfig(), model=old.model, fit=fit),
        device=device,
        old=old,
        added=tuple(row for row, place in enumerate(order) if place >= len(old.partition)),
        joint=mode == "joint" and _shares(old) and known,
        notes=notes,
    )


def verify(plan: Extension, data: bytes) -> Extended:
    """Return what the bytes of a file hold, measured anew against the new part and the field that was extended."""
    with Reader(data) as reader:
        field = loads(reader)
    old = plan.old
    new = with_errors(field.select(plan.added), plan.signal, plan.device)
    errors = dict(zip(plan.added, new.mse, strict=True))
    mse = tuple(errors.get(row, error) for row, error in enumerate(field.mse))
    covered, place = old.covered(), old.domain.box.from_origin(field.domain.origin)
    parts = (old, Output()), (field, Output(region=place))
    before, after = (of.bands(shown, plan.device).array()[covered] for of, shown in parts)
    return Extended(
        field=replace(field, mse=mse, psnr=pooled_psnr(mse, field.counts, field.info.peak)),
        psnr_new=math.inf if new.psnr is None else new.psnr,
        psnr_old_kept=psnr(before, after, old.info.peak_range),
    )


def _strict(plan: Extension, phases: _Phases, resume: Checkpoint | None) -> Field:
    """Fit the new regions alone, beside the shared weights of the field."""
    signal = _with_old(plan, plan.settings.fit.overlap)
    part = replace(plan.partition.select(plan.added), domain=signal.domain)
    start = plan.start(part)
    alone = plan.begun(start, signal=counted(signal, part), partition=part).fitting(steps=phases.alone)
    return quantise_field(fit(alone, phases.strict(), resume), alone, start.coding)


def _tuned(plan: Extension, both: Field, phases: _Phases, resume: Checkpoint | None) -> Weights:
    """Go on with all weights of both parts; return them."""
    rate = TUNING_RATE * (plan.settings.fit.lr or default_lr(both.model))
    start = Start(weights=both.weights, frame=both.frame, tile=both.tile, solve=False)
    joint = plan.begun(start, signal=_with_old(plan, max(plan.partition.domain.shape)))
    return fit(joint.fitting(steps=phases.steps - phases.alone, lr=rate), phases.joint(both), resume).weights


def _held(plan: Extension, both: Field, tuned: Weights) -> Field:
    """Return a field with its weights moved towards tuned ones as far as `HEADROOM` lets them.

    The errors of old regions are stated as those of before plus the change: what they are where the two do not
    correlate. The true ones cannot be measured without the source; at worst they are 1.3 dB above those of before.
    """
    signal = _with_old(plan, max(plan.partition.domain.shape))
    kept = [row for row in range(len(both.partition)) if row not in plan.added]
    wanted = (plan.old.psnr or 0.0) + HEADROOM
    best, low, high = both, 0.0, 1.0
    share = high
    for _ in range(HALVINGS):
        found = with_errors(_between(both, tuned, share), signal, plan.device)
        if (_psnr(found, kept) or 0.0) >= wanted:
            best, low = found, share
        else:
            high = share
        if low == high:
            break
        share = (low + high) / 2
    if best is both:
        return both
    before = [0.0 if row in plan.added else error for row, error in enumerate(both.mse)]
    mse = rounded([a + b for a, b in zip(before, best.mse, strict=True)]) if before else ()
    return replace(best, mse=mse, psnr=pooled_psnr(mse, both.counts, both.info.peak))


def _psnr(field: Field, rows: Sequence[int]) -> float | None:
    """Return the PSNR in dB over some regions, by their errors."""
    counts = field.counts
    return pooled_psnr([field.mse[row] for row in rows], [counts[row] for row in rows], field.info.peak)


def _initial(plan: Extension, part: Partition) -> Weights:
    """Return the weights that some new regions begin with; see `DRAWN`."""
    old, ids = plan.old, [region.id for region in part.regions]
    drawn = initial_weights(old.description, ids, plan.settings.fit.seed)
    local = [stack.name for stack in old.description.stacks if stack.local]
    if not _shares(old):
        return {name: drawn[name] for name in local}
    return {
        name: old.weights[name].mean(0, keepdims=True) + np.float32(DRAWN) * drawn[name] for name in local
    }


def _shares(field: Field) -> bool:
    """Return whether the regions of a field share trained weights."""
    return any(stack.trained and not stack.local for stack in field.description.stacks)


def _between(field: Field, other: Weights, share: float) -> Field:
    """Return a field with its trained weights part of the way to others, as a file keeps them."""
    moved = dict(field.weights)
    for stack in field.description.stacks:
        if stack.trained:
            mixed = moved[stack.name] + share * (other[stack.name] - moved[stack.name])
            moved[stack.name] = mixed.astype(np.float32)
    return kept_as(replace(field, weights=moved))


def _with_old(plan: Extension, margin: int | Sequence[int]) -> ArraySignal:
    """Return the new part with so many samples of the old one beside it, on each axis, as the field gives them.

    Samples that were cropped away have no value.
    """
    old, new = plan.old, plan.signal
    box = new.domain.box.grown(margin) & plan.partition.domain.box
    values, known = np.zeros((*box.shape, old.channels), old.info.dtype), np.zeros(box.shape, bool)
    there = new.domain.box.slices(box.origin)
    values[there], known[there] = new.dense(), True if new.known is None else new.known
    if box != new.domain.box:
        seam = box & old.domain.box
        part, there = Output(region=seam.from_origin(old.domain.origin)), seam.slices(box.origin)
        values[there] = old.bands(part, plan.device).array()
        known[there] = old.covered(part)
    domain, known = old.domain.over(box), None if known.all() else known
    return ArraySignal(values=values, domain=domain, info=old.info, known=known)


class _Phases:
    """Hooks and checkpoints of an extension, whose steps are those of one fit and of another after it.

    Args:
        progress: of the extension.
        steps: of both.
        alone: of the first, which fits the new regions.
    """

    def __init__(self, progress: Progress, steps: int, *, alone: int) -> None:
        self._progress, self.steps, self.alone = progress, steps, alone
        self._began = time.monotonic()

    def strict(self) -> Progress:
        """Return the hooks of the first fit."""
        return self._from(0, {})

    def joint(self, both: Field) -> Progress:
        """Return the hooks of the second, whose checkpoints hold the field that came of the first."""
        kept = {} if self._progress.save is None else {"both": np.frombuffer(dumps(both), np.uint8)}
        return self._from(self.alone, kept)

    def restored(self, resume: Checkpoint | None) -> tuple[Field | None, Checkpoint | None]:
        """Return the field that came of the first fit where that is done, and the state of the fit to go on with."""
        if resume is None or "both" not in (kept := resume.of(PART)):
            return None, resume
        with Reader(kept["both"].tobytes()) as reader:
            return loads(reader), replace(resume, step=resume.step - self.alone)

    def _from(self, before: int, kept: Mapping[str, NDArray[np.uint8]]) -> Progress:
        def on_event(event: FitEvent) -> None:
            seconds = time.monotonic() - self._began
            step = before + event.step
            self._progress.on_event(replace(event, step=step, steps=self.steps, seconds=seconds))

        def whole(state: Checkpoint) -> Checkpoint:
            return state.beside(PART, kept, step=before + state.step, steps=self.steps)

        return replace(self._progress, on_event=on_event).keeping(whole)
