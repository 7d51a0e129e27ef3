"""One fit of `inrfit fit`: plan, fit or go on, write, check what was written; and how Ctrl-C stops it."""

from __future__ import annotations

import signal as signals
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from inrfit.cli import reports
from inrfit.cli.console import out_bytes
from inrfit.cli.inputs import Item, content, make_room
from inrfit.cli.progress import Display
from inrfit.config import FitOptions
from inrfit.errors import FitError, Interrupted

if TYPE_CHECKING:
    from inrfit.api import Plan
    from inrfit.fitting.checkpoint import Checkpoint
    from inrfit.fitting.events import FitEvent
    from inrfit.fitting.loop import Progress
    from inrfit.models.field import Field
    from inrfit.report import Entry


@dataclass(kw_only=True)
class Job:
    """What the fits of a batch share.

    Attributes:
        words: options of the fit.
        device: device asked for.
        resume: go on from checkpoints.
        again: options that a command needs to go on after an interruption.
        talk: say a line to the user, unless they want silence.
        verbose: say more.
        display: shows the progress.
        report: whether to keep what a report shows.
        keeps: whether checkpoints are kept, to go on from.
        interrupted: whether the user asked to stop.
        entries: what the report shows.
    """

    words: FitOptions
    device: str
    resume: bool
    again: tuple[str, ...]
    talk: Callable[[str], None]
    verbose: bool
    display: Display
    report: bool
    keeps: bool = True
    interrupted: bool = False
    entries: list[Entry] = field(default_factory=list)

    def work(self, item: Item) -> dict[str, Any]:
        """Fit one input and write its file."""
        plan = self.plan(item)
        make_room(item.output)
        self.tell(item, plan)
        began = time.monotonic()
        fitted, events, kept = self._fit(item, plan)
        return self.finish(item, plan, fitted, events, time.monotonic() - began, kept)

    def plan(self, item: Item) -> Plan:
        """Read an input and decide how it is fitted."""
        from inrfit import api

        return api.plan(content(item), device=self.device, name=item.name, **self.words)

    def run(self, plan: Plan, progress: Progress, begin: Checkpoint | None) -> Field:
        """Carry a plan out."""
        from inrfit import api

        return api.run(plan, progress=progress, resume=begin)

    def verify(self, data: bytes, plan: Plan) -> Field:
        """Return what was written, measured."""
        from inrfit import api

        return api.verify(data, plan.signal, plan.device)

    def finish(
        self,
        item: Item,
        plan: Plan,
        fitted: Field,
        events: list[FitEvent],
        seconds: float,
        kept: Path | None = None,
    ) -> dict[str, Any]:
        """Write the file of a fit, check what was written, and return what is told of it."""
        from inrfit import api

        data = api.to_bytes(fitted)
        checked = self.verify(data, plan)
        _write(item, data)
        if kept is not None:
            with suppress(OSError):
                kept.unlink(missing_ok=True)
        missed = self._missed(checked.psnr, plan)
        if self.report:
            self.entries.append(_entry(item, plan, checked, events, len(data)))
        return {
            "bytes": len(data),
            "bpp": 8 * len(data) / plan.partition.domain.size,
            "params": fitted.params,
            "psnr": checked.psnr,
            "steps": fitted.steps,
            "seconds": round(seconds, 3),
            "device": plan.device.name,
            **({} if missed is None else {"missed": missed}),
        }

    def _fit(self, item: Item, plan: Plan) -> tuple[Any, list[FitEvent], Path | None]:
        """Fit, or go on with a fit; return the field, what happened and where the checkpoint may be."""
        from inrfit.fitting import checkpoint
        from inrfit.fitting.loop import Progress

        kept = checkpoint_path(item.output) if self.keeps else None
        identity = plan.identity() if self.keeps else {}
        begin = self._checkpoint(item, kept, identity) if self.keeps else None
        events: list[FitEvent] = []
        with self.display.fit(item.name) as show:

            def on_event(event: FitEvent) -> None:
                events.append(event)
                show(event)

            def on_again(psnr: float, weights: int) -> None:
                events.clear()
                self.talk(f"{item.name}: {psnr:.2f} dB; tries again with {weights:,} weights")

            hooks = Progress(
                on_event=on_event,
                on_again=on_again,
                stop=lambda: self.interrupted,
                save=None if kept is None else lambda state: checkpoint.save(state, kept, identity),
            )
            try:
                return self.run(plan, hooks, begin), events, kept
            except Interrupted as error:
                raise self._resumable(error, kept) from None

    def _checkpoint(self, item: Item, kept: Path | None, identity: dict[str, str]) -> Checkpoint | None:
        """Return the state to go on from, where one is wanted and there."""
        from inrfit.fitting import checkpoint

        there = kept is not None and kept.exists()
        if self.resume and there and kept is not None:
            begin = checkpoint.load(kept, identity)
            self.talk(f"{item.name}: goes on after {begin.step} of {begin.steps} steps")
            return begin
        if self.resume:
            self.talk(f"{item.name}: there is no checkpoint {kept or ''}; starts afresh")
        elif there:
            self.talk(f"{item.name}: starts afresh; --resume would have gone on from {kept}")
        return None

    def _resumable(self, error: Interrupted, kept: Path | None) -> Interrupted:
        """Return the interruption with the command that goes on."""
        if not self.keeps:
            return Interrupted(error.message, hint="nothing was written; run the command again")
        if kept is None:
            return Interrupted(error.message, hint="name an output file to be able to resume")
        if not kept.exists():
            return Interrupted(f"{error.message}; there is no checkpoint yet", hint="run the command again")
        again = reports.command_line(*self.again)
        return Interrupted(f"{error.message}; the checkpoint is {kept}", hint=f"go on with: {again}")

    def tell(self, item: Item, plan: Plan) -> None:
        """Say what will be done, and what was noticed on the way."""
        for note in (*plan.signal.info.notes, *plan.partition.warnings):
            self.talk(f"{item.name}: {note}")
        from inrfit import io

        model, kind = plan.settings.model, io.kind_of(plan.signal.info.kind)
        self.talk(
            f"{plan.device.why} · {item.name} {kind.describe(plan.signal)} · "
            f"{_division(plan)} · {model.name} {model.activation} {model.hidden_features} wide · "
            f"{plan.params:,} weights"
        )
        if self.verbose:
            self.talk(f"{item.name}: {model}")
            self.talk(f"{item.name}: {plan.settings.fit}")

    def _missed(self, psnr: float | None, plan: Plan) -> FitError | None:
        """Return the error of a file, which is written all the same, that is not as good as was asked for."""
        target = self.words.get("target_psnr")
        if target is None or psnr is None or psnr >= target:
            return None
        return FitError(
            f"{psnr:.2f} dB is below --target-psnr {target:g}; the file is written", hint=self.mend(plan)
        )

    def mend(self, plan: Plan) -> str:
        """Return what may help where a target PSNR was missed: what the user set, not what was chosen for them."""
        longer = "more --steps" if plan.settings.fit.max_time is None else "a longer --max-time"
        if plan.open_model is not None:
            return (
                f"{longer} may reach it; larger networks were tried, as far as they helped and time allowed"
            )
        if self.words.get("pitch") is not None:
            return f"it needs {longer} or a smaller --pitch"
        size = "--params" if self.words.get("hidden_features") is None else "--hidden-features"
        return f"it needs {longer} or a larger {size}"


class Stoppable(Protocol):
    """Work that looks after every step whether the user asked to stop."""

    interrupted: bool


class Interruptible:
    """While it lasts, the first Ctrl-C asks the work to stop after its step, the second stops at once."""

    def __init__(self, job: Stoppable) -> None:
        self.job = job

    def __enter__(self) -> None:
        def handle(number: int, frame: object) -> None:
            if self.job.interrupted:
                raise Interrupted("stopped at once")
            self.job.interrupted = True

        self.before = signals.signal(signals.SIGINT, handle)

    def __exit__(self, *exception: object) -> None:
        signals.signal(signals.SIGINT, self.before)


def checkpoint_path(output: Path | None) -> Path | None:
    """Return where the checkpoint of an output goes; None for standard output and where its name is too long."""
    if output is None:
        return None
    path = output.with_name(output.name + ".ckpt")
    try:
        path.exists()
    except OSError:
        return None
    return path


def _write(item: Item, data: bytes) -> None:
    from inrfit.io.files import atomic_write

    if item.output is None:
        out_bytes(data)
    else:
        atomic_write(item.output, data, overwrite=True)


def _division(plan: Plan) -> str:
    """Describe the partition in a few words."""
    count = len(plan.partition)
    if count == 1:
        return "one region"
    if plan.partition.grid:
        return f"grid {'×'.join(map(str, plan.partition.grid))}"
    return f"{count} {'segments' if plan.settings.partition.rule == 'seg' else 'regions'}"


def _entry(item: Item, plan: Plan, field: Any, events: list[FitEvent], bytes_written: int) -> Entry:
    """Return what the report shows of a fit."""
    from inrfit.metrics.fidelity import unit_decibel

    numbers = {
        "psnr": field.psnr,
        "bytes": bytes_written,
        "bpp": 8 * bytes_written / field.domain.size,
        "params": field.params,
        "regions": len(field.partition),
        "steps": field.steps,
    }
    per_region = [unit_decibel(error, field.info.peak) for error in field.mse]
    curve = [(event.step, event.seconds, event.psnr) for event in events]
    return reports.entry(item.name, plan.signal, field, plan.device, numbers, per_region, curve)
