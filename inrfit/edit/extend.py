"""Extend: new regions beside those of a field, fitted with all that is old frozen (strict) or tuned a little (joint).

Strict trains the weights of the new regions alone, so that the old part decodes to the same bits. Joint goes on with
all weights, the decode of the old part as its target (replay), as far as the old part bears it.
"""

from __future__ import annotations

import math
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TypedDict

import numpy as np
from numpy.typing import NDArray

from inrfit.codec.container import Reader
from inrfit.codec.mse import rounded
from inrfit.codec.weights import loads
from inrfit.config import FitConfig
from inrfit.device import Device
from inrfit.domain import Box
from inrfit.edit.sides import MODES, placed
from inrfit.field import Field, pooled_psnr
from inrfit.fitting.events import FitEvent
from inrfit.fitting.finish import finished
from inrfit.fitting.loop import Progress, Start, fit
from inrfit.fitting.measure import with_errors
from inrfit.fitting.size import kept_as
from inrfit.metrics.fidelity import psnr
from inrfit.models.description import initial_weights
from inrfit.models.sizing import default_lr
from inrfit.partitions import Partition, occupied
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

Weights = Mapping[str, NDArray[np.float32]]


class ExtendOptions(TypedDict, total=False):
    """The words of `inrfit.extend` and of the command line that say how weights are found; see `FitConfig`."""

    steps: int
    lr: float | None
    overlap: int | tuple[int, ...]
    seed: int
    threads: int | None
    memory: int


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Plan:
    """An extension that is decided and not yet fitted.

    Attributes:
        old: the field to extend.
        new: the part to add, at its place in the domain of the field.
        whole: the division of both.
        added: places in `whole` of the new regions.
        joint: whether the shared weights are tuned.
        config: steps, rates, seed.
        device: where it runs.
        notes: what the user should know, in words.
    """

    old: Field
    new: ArraySignal
    whole: Partition
    added: tuple[int, ...]
    joint: bool
    config: FitConfig
    device: Device
    notes: tuple[str, ...]


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


def configured(options: ExtendOptions) -> FitConfig:
    """Return the configuration of a fit from the words of an extension.

    Raises:
        ConfigError: an unknown word, or a value that is not allowed.
    """
    for word in options:
        if word not in ExtendOptions.__annotations__:
            raise unknown(word, tuple(ExtendOptions.__annotations__), option="option")
    return FitConfig(**options)


def plan(old: Field, new: Signal, *, side: str, mode: str, config: FitConfig, device: Device) -> Plan:
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
    return Plan(
        old=old,
        new=part,
        whole=whole,
        added=tuple(row for row, place in enumerate(order) if place >= len(old.partition)),
        joint=mode == "joint" and _shares(old) and known,
        config=replace(config, weights=old.weight_type, rate=0.0),
        device=device,
        notes=notes,
    )


def run(plan: Plan, progress: Progress | None = None) -> Field:
    """Fit what was planned; return the field with both parts.

    Raises:
        FitError, Interrupted: see `loop.fit`.
    """
    hooks, steps = progress or Progress(), plan.config.steps
    joint = min(math.ceil(TUNING * steps), steps - 1) if plan.joint else 0
    alone, began = steps - joint, time.monotonic()
    both = plan.old.append(_strict(plan, alone, _phase(hooks, 0, steps, began)))
    both = replace(both, steps=steps)
    if not joint:
        return both
    return _held(plan, both, _tuned(plan, both, joint, _phase(hooks, alone, steps, began)))


def verify(plan: Plan, data: bytes) -> Extended:
    """Return what the bytes of a file hold, measured anew against the new part and the field that was extended."""
    with Reader(data) as reader:
        field = loads(reader)
    old = plan.old
    new = with_errors(field.select(plan.added), plan.new, plan.device)
    errors = dict(zip(plan.added, new.mse, strict=True))
    mse = tuple(errors.get(row, error) for row, error in enumerate(field.mse))
    covered, place = old.covered(), _counted(old.domain.box, field.domain.origin)
    parts = (old, Output()), (field, Output(region=place))
    before, after = (of.bands(shown, plan.device).array()[covered] for of, shown in parts)
    return Extended(
        field=replace(field, mse=mse, psnr=pooled_psnr(mse, field.counts, field.info.peak)),
        psnr_new=math.inf if new.psnr is None else new.psnr,
        psnr_old_kept=psnr(before, after, old.info.peak_range),
    )


def _strict(plan: Plan, steps: int, progress: Progress) -> Field:
    """Fit the new regions alone, beside the shared weights of the field."""
    old, signal = plan.old, _with_old(plan, plan.config.overlap)
    shared = {s.name: old.weights[s.name] for s in old.description.stacks if not s.local}
    start = Start(
        weights={**shared, **_initial(plan)},
        frozen=frozenset(shared),
        frame=old.frame,
        tile=old.tile,
    )
    part = replace(plan.whole.select(plan.added), domain=signal.domain)
    config, signal = replace(plan.config, steps=steps), counted(signal, part)
    found = fit(signal, part, old.model, config, plan.device, progress, start=start)
    return finished(found, signal, config, plan.device, old.coding)


def _tuned(plan: Plan, both: Field, steps: int, progress: Progress) -> Weights:
    """Go on with all weights of both parts; return them."""
    signal = _with_old(plan, max(plan.whole.domain.shape))
    rate = TUNING_RATE * (plan.config.lr or default_lr(both.model))
    config = replace(plan.config, steps=steps, lr=rate)
    start = Start(weights=both.weights, frame=both.frame, tile=both.tile, solve=False)
    return fit(signal, plan.whole, both.model, config, plan.device, progress, start=start).weights


def _held(plan: Plan, both: Field, tuned: Weights) -> Field:
    """Return a field with its weights moved towards tuned ones as far as `HEADROOM` lets them.

    The errors of old regions are stated as those of before plus the change: what they are where the two do not
    correlate. The true ones cannot be measured without the source; at worst they are 1.3 dB above those of before.
    """
    signal = _with_old(plan, max(plan.whole.domain.shape))
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


def _initial(plan: Plan) -> Weights:
    """Return the weights that the new regions begin with; see `DRAWN`."""
    old = plan.old
    ids = [plan.whole.regions[row].id for row in plan.added]
    drawn = initial_weights(old.description, ids, plan.config.seed)
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


def _with_old(plan: Plan, margin: int | Sequence[int]) -> ArraySignal:
    """Return the new part with so many samples of the old one beside it, on each axis, as the field gives them.

    Samples that were cropped away have no value.
    """
    old, new = plan.old, plan.new
    margins = [margin] * new.domain.dimensions if isinstance(margin, int) else list(margin)
    wide = tuple((a - m, b + m) for m, (a, b) in zip(margins, new.domain.box, strict=True))
    box = _within(wide, plan.whole.domain.box)
    origin, shape = tuple(a for a, _ in box), tuple(b - a for a, b in box)
    values, known = np.zeros((*shape, old.channels), old.info.dtype), np.zeros(shape, bool)
    there = _slices(new.domain.box, origin)
    values[there], known[there] = new.dense(), True if new.known is None else new.known
    if any(margins):
        seam = _within(box, old.domain.box)
        part = Output(region=_counted(seam, old.domain.origin))
        there = _slices(seam, origin)
        values[there] = old.bands(part, plan.device).array()
        known[there] = old.covered(part)
    domain = replace(old.domain, shape=shape, origin=origin)
    return ArraySignal(values=values, domain=domain, info=old.info, known=None if known.all() else known)


def _within(box: Box, limits: Box) -> Box:
    return tuple((max(a, low), min(b, high)) for (a, b), (low, high) in zip(box, limits, strict=True))


def _counted(box: Box, origin: tuple[int, ...]) -> Box:
    """Return a box counted from an origin."""
    return tuple((a - o, b - o) for (a, b), o in zip(box, origin, strict=True))


def _slices(box: Box, origin: tuple[int, ...]) -> tuple[slice, ...]:
    return tuple(slice(a, b) for a, b in _counted(box, origin))


def _phase(progress: Progress, before: int, steps: int, began: float) -> Progress:
    """Return the hooks for one of several fits, which comes after so many of all steps; no checkpoints are kept."""

    def on_event(event: FitEvent) -> None:
        seconds = time.monotonic() - began
        progress.on_event(replace(event, step=before + event.step, steps=steps, seconds=seconds))

    return replace(progress, on_event=on_event, save=None)
