"""Fits decided and carried out: one with its sound track and the sizes that a target takes, or many, at once where they can be."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from inrfit import io
from inrfit.codec.container import MAX_METADATA
from inrfit.codec.write import dumps
from inrfit.device import Device
from inrfit.errors import FitError, InputError, Interrupted
from inrfit.field import Field
from inrfit.fitting import loop, tries
from inrfit.fitting.checkpoint import Checkpoint
from inrfit.fitting.plan import Plan
from inrfit.fitting.progress import Progress
from inrfit.fitting.rate import decided, decides_on_size
from inrfit.fitting.settings import Settings, settings
from inrfit.models.coarser import coarser, shortfall
from inrfit.models.sizing import resolve
from inrfit.partitions import build, occupied
from inrfit.partitions.counted import counted
from inrfit.signal import Signal, SignalInfo


class Fit(Plan):
    """A fit, with the sound track of a clip and the sizes that a target takes."""

    def run(self, progress: Progress | None = None, resume: Checkpoint | None = None) -> Field:
        """Fit what was planned; see `Plan.run`."""
        info = _with_sound(self, progress)
        return replace(tries.fit(self, progress, resume), info=info)


def decide(signal: Signal, settings: Settings, device: Device, *, divided: bool) -> Fit:
    """Decide how a signal will be fitted.

    Args:
        signal: what to fit.
        settings: how; what is open in them is decided here.
        device: where.
        divided: whether the user says how the signal is divided; else it may be in larger cells.

    Raises:
        InputError, ConfigError: an option does not go with the signal.
    """
    settings.fit.check_axes(signal.domain.axes)
    division = build(signal, settings.partition)
    if not divided and (fitting := coarser(settings.model, division, signal.channels)) is not division:
        division = occupied(signal, fitting)
        settings = replace(settings, partition=replace(settings.partition, grid=division.grid, cell=None))
    open_model = settings.model if decides_on_size(settings) else None
    settings = decided(settings, signal, division)
    model = resolve(settings.model, division, signal.channels)
    if (note := shortfall(settings.model.params, model, division, signal.channels)) is not None:
        division = replace(division, warnings=(*division.warnings, note))
    return Fit(
        signal=counted(signal, division),
        partition=division,
        settings=replace(settings, model=model),
        device=device,
        open_model=open_model,
    )


def run_many(plans: Sequence[Plan], progress: Progress | None = None) -> list[Field | FitError]:
    """Carry out plans, those at once that have a `batch_key` in common.

    Returns:
        In the order of the plans, a field, or the error of a fit that diverged.

    Raises:
        Interrupted: `progress.stop` said so.
    """
    alone = [number for number, plan in enumerate(plans) if plan.batch_key is None]
    found = {number: _alone(plans[number], progress) for number in alone}
    sizes = {number: tries.Tries(plan) for number, plan in enumerate(plans) if number not in found}
    left = list(sizes)
    while left:
        fitted = _at_once([sizes[number].plan for number in left], progress)
        left = [number for number, one in zip(left, fitted, strict=True) if sizes[number].go_on(one)]
    found |= {number: one.best for number, one in sizes.items()}
    return [found[number] for number in range(len(plans))]


def _at_once(plans: Sequence[Plan], progress: Progress | None) -> list[Field | FitError]:
    """Fit what was planned once, those at once that have a `batch_key` in common."""
    groups: dict[object, list[int]] = {}
    for number, one in enumerate(plans):
        groups.setdefault(one.batch_key, []).append(number)
    found: dict[int, Field | FitError] = {}
    for numbers in groups.values():
        results = loop.fit_many([plans[number] for number in numbers], progress)
        found |= dict(zip(numbers, results, strict=True))
    return [found[number] for number in range(len(plans))]


def _alone(plan: Plan, progress: Progress | None) -> Field | FitError:
    """Carry out a plan; return the field, or the error of a fit that diverged."""
    try:
        return plan.run(progress)
    except FitError as error:
        return error


def _with_sound(plan: Plan, progress: Progress | None) -> SignalInfo:
    """Return what is known of a signal, the sound track of a clip as a field of its own where that is asked for.

    Raises:
        InputError: the track cannot be read, or is too large for a file.
        Interrupted: `progress.stop` said so; nothing is kept of the track.
    """
    info = plan.signal.info
    if info.sound is None:
        return info
    if plan.fits_sound:
        info = replace(info, sound=_fitted_sound(info.sound, plan, progress))
    if len(info.sound or b"") > MAX_METADATA:
        raise InputError(
            f"the sound track has {len(info.sound or b''):,} bytes, a file holds at most {MAX_METADATA:,}",
            hint="leave it out with --sound none, or cut the clip into parts",
        )
    return info


def _fitted_sound(sound: bytes, plan: Plan, progress: Progress | None) -> bytes:
    """Return the `.inr` file of a sound track; errors as for `_with_sound`."""
    fit, kind = plan.settings.fit, io.kind_of("audio")
    words: dict[str, Any] = {"kind": kind.kind, "seed": fit.seed, "threads": fit.threads}
    words["metadata"] = plan.settings.read.metadata
    signal = io.read(sound, settings(**words).read)
    wanted = settings(kind.defaults_for(signal), **words)
    hooks = None if progress is None else Progress(stop=progress.stop)
    try:
        return dumps(decide(signal, wanted, plan.device, divided=False).run(hooks))
    except Interrupted as error:
        raise Interrupted(f"its sound track {error.message}", hint=error.hint) from None
