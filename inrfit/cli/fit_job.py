"""One fit of `inrfit fit`: plan, fit or go on, write, check what was written."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from signal import SIGINT
from typing import TYPE_CHECKING, Any

from inrfit.cli import reports
from inrfit.cli.checkpoints import Kept
from inrfit.cli.inputs import Item, content, make_room
from inrfit.cli.interrupt import Interruptible, status
from inrfit.cli.outputs import put
from inrfit.cli.progress import Display
from inrfit.errors import FitError, Interrupted

if TYPE_CHECKING:
    from inrfit.api import Plan
    from inrfit.field import Field
    from inrfit.fitting.checkpoint import Checkpoint
    from inrfit.fitting.events import FitEvent
    from inrfit.fitting.progress import Progress
    from inrfit.report import Entry


@dataclass(kw_only=True)
class Job:
    """What the fits of a batch share.

    Attributes:
        words: options of the fit.
        device: device asked for.
        resume: go on from checkpoints.
        takes_up: go on from those that are there.
        force: checkpoints that are there may go.
        again: options that a command needs to go on after an interruption.
        talk: say a line to the user, unless they want silence.
        verbose: say more.
        display: shows the progress.
        report: whether to keep what a report shows.
        keeps: whether checkpoints are kept, to go on from.
        interrupted: whether the user asked to stop.
        asked_by: number of the signal that did.
        entries: what the report shows.
    """

    words: dict[str, Any]
    device: str
    resume: bool
    again: tuple[str, ...]
    talk: Callable[[str], None]
    verbose: bool
    display: Display
    report: bool
    takes_up: bool = False
    force: bool = False
    keeps: bool = True
    interrupted: bool = False
    asked_by: int = SIGINT
    entries: list[Entry] = field(default_factory=list)

    def work(self, item: Item) -> dict[str, Any]:
        """Fit one input and write its file."""
        self.check(item)
        plan = self.plan(item)
        make_room(item.output)
        kept = Kept(item.output, plan.identity()) if self.keeps else None
        begin = self._begin(item, kept)
        self.tell(item, plan)
        began = time.monotonic()
        with Interruptible(self):
            fitted, events = self._fit(item, plan, kept, begin)
            return self.finish(item, plan, fitted, events, time.monotonic() - began, kept)

    def check(self, item: Item) -> None:
        """Begin with no input when the user asked to stop while the one before it was finished.

        Raises:
            Interrupted: they did.
        """
        if self.interrupted:
            error = self.unkept(Interrupted(f"stopped before {item.name}"))
            error.exit_code = status(self.asked_by)
            raise error

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
        kept: Kept | None = None,
    ) -> dict[str, Any]:
        """Write the file of a fit, check what was written, and return what is told of it."""
        from inrfit import api

        data = api.to_bytes(fitted)
        checked = self.verify(data, plan)
        written = put(item, (data,), twin=None if kept is None else kept.saved)
        if kept is not None:
            kept.drop()
        missed = self._missed(checked.psnr, plan)
        if self.report:
            self.entries.append(_entry(item, plan, checked, events, len(data)))
        return {
            "bpp": 8 * len(data) / plan.partition.domain.size,
            "params": fitted.params,
            **checked.info.figures(checked.psnr),
            "steps": fitted.steps,
            "seconds": round(seconds, 3),
            "device": plan.device.name,
            **({} if missed is None else {"missed": missed}),
            **written,
        }

    def _begin(self, item: Item, kept: Kept | None) -> Checkpoint | None:
        """Return the state to go on from, where one is wanted and there."""
        if kept is None:
            return None
        return kept.begin(item.name, self.talk, resume=self.resume, takes_up=self.takes_up, force=self.force)

    def _fit(
        self, item: Item, plan: Plan, kept: Kept | None, begin: Checkpoint | None
    ) -> tuple[Any, list[FitEvent]]:
        """Fit, or go on with a fit; return the field and what happened."""
        from inrfit.fitting.progress import Progress

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
                save=None if kept is None or kept.path is None else kept.save,
            )
            try:
                return self.run(plan, hooks, begin), events
            except Interrupted as error:
                told = self.unkept(error) if kept is None else kept.interruption(error, self.again)
                raise told from None

    def unkept(self, error: Interrupted) -> Interrupted:
        """Return an interruption of which no checkpoint is kept, with what to do."""
        if not self.again:
            return Interrupted(error.message, hint="nothing was written; run the command again")
        return Interrupted(error.message, hint=f"go on with: {reports.command_line(*self.again)}")

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
    from inrfit.decibel import unit_decibel

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
