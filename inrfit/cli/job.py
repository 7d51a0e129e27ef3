"""Plans of `fit`, `adapt` and `extend` carried out: run or go on, write, check what was written, tell and report."""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from inrfit.cli import batch, reports
from inrfit.cli.checkpoints import Kept
from inrfit.cli.console import listener
from inrfit.cli.inputs import Item
from inrfit.cli.interrupt import Interruptible, status
from inrfit.cli.outputs import put
from inrfit.cli.places import make_room
from inrfit.cli.stepwise import Stepwise
from inrfit.errors import FitError, Interrupted

if TYPE_CHECKING:
    from inrfit.field import Field
    from inrfit.fitting.events import FitEvent
    from inrfit.fitting.plan import Plan
    from inrfit.fitting.progress import Progress
    from inrfit.report import Entry
    from inrfit.signal import Signal

    Made = TypeVar("Made")

Planned = TypeVar("Planned", bound="Plan")

REPORTED = ("psnr", "bytes", "bpp", "params", "regions", "steps")
"""What a report tells of every file."""


@dataclass(kw_only=True)
class Job(Stepwise, ABC, Generic[Planned]):
    """What the plans of a command share; a verb says how it plans, and what is its own to tell.

    Attributes:
        words: options of the plan, as the library takes them.
        report: path of the report; None for none.
        entries: what the report shows.
    """

    words: dict[str, Any]
    report: str | None
    entries: list[Entry] = field(default_factory=list)

    @abstractmethod
    def plan(self, item: Item) -> Planned:
        """Read an input and decide what is done."""

    def title(self, item: Item) -> str:
        """Return what messages call the work on an input."""
        return item.name

    def notes(self, plan: Planned) -> Sequence[str]:
        """Return what was noticed while it was planned."""
        return (*plan.signal.info.notes, *plan.partition.warnings)

    def line(self, item: Item, plan: Planned) -> str:
        """Return what will be done, in a line."""
        from inrfit import io

        model, kind = plan.settings.model, io.kind_of(plan.signal.info.kind)
        return (
            f"{item.name} {kind.describe(plan.signal)} · {_division(plan)} · "
            f"{model.name} {model.activation} {model.hidden_features} wide · {plan.params:,} weights"
        )

    def verify(self, data: bytes, plan: Planned) -> tuple[Field, dict[str, Any]]:
        """Return the field that was written, measured, and what else is told of it."""
        from inrfit import api

        return api.verify(data, plan.signal, plan.device), {}

    def reported(self, field: Field, plan: Planned) -> tuple[Signal, Field]:
        """Return what a report shows side by side."""
        return plan.signal, field

    def mend(self, plan: Planned) -> str:
        """Return what may help where a target PSNR was missed."""
        return "it needs more --steps"

    def carry_out(
        self,
        items: Sequence[Item],
        work: Callable[[Item], dict[str, Any]] | None = None,
        *,
        keys: Mapping[str, str],
        summary: Callable[[dict[str, Any]], str | list[str]],
        json: bool,
        debug: bool,
    ) -> None:
        """Work on all inputs, write the report, and end the command.

        Args:
            items: the inputs.
            work: does one; `work` by default.
            keys, summary, json, debug: see `batch.run`.
        """
        to_stdout = any(item.writes and item.output is None for item in items)
        talk = listener(quiet=self.quiet, data_on_stdout=to_stdout)
        _, code = batch.run(
            items,
            work or self.work,
            keys=keys,
            as_json=json,
            debug=debug,
            summary=summary,
            talk=talk,
            again=self.again,
        )
        reports.write(self.report, self.entries, force=self.force, quiet=self.quiet)
        batch.leave(code)

    def work(self, item: Item) -> dict[str, Any]:
        """Carry out the plan of one input and write its file."""
        self.check(item)
        plan = self.plan(item)
        make_room(item.output)
        kept = Kept(item.output, plan.identity())
        begin = self.begin(kept, self.title(item))
        self.tell(item, plan)
        began = time.monotonic()
        with Interruptible(self):
            made, events = self.run(self.title(item), lambda progress: plan.run(progress, begin), kept)
            return self.finish(item, plan, made, events, time.monotonic() - began, kept)

    def check(self, item: Item) -> None:
        """Begin with no input when the user asked to stop while the one before it was finished.

        Raises:
            Interrupted: they did.
        """
        if self.interrupted:
            error = self.interruption(Interrupted(f"stopped before {item.name}"))
            error.exit_code = status(self.asked_by)
            raise error

    def tell(self, item: Item, plan: Planned) -> None:
        """Say what will be done, and what was noticed on the way."""
        for note in self.notes(plan):
            self.talk(f"{self.title(item)}: {note}")
        self.talk(f"{plan.device.why} · {self.line(item, plan)}")
        if self.verbose:
            self.talk(f"{item.name}: {plan.settings.model}")
            self.talk(f"{self.title(item)}: {plan.settings.fit}")

    def run(
        self, title: str, run: Callable[[Progress], Made], kept: Kept | None = None
    ) -> tuple[Made, list[FitEvent]]:
        """Fit, or go on with a fit, while its progress is shown; return what came of it and what happened."""
        events: list[FitEvent] = []
        with self.display.fit(title) as show:

            def on_event(event: FitEvent) -> None:
                events.append(event)
                show(event)

            def on_again(psnr: float, weights: int) -> None:
                events.clear()
                self.talk(f"{title}: {psnr:.2f} dB; tries again with {weights:,} weights")

            return self.stepped(run, kept, on_event=on_event, on_again=on_again), events

    def finish(
        self,
        item: Item,
        plan: Planned,
        made: Field,
        events: list[FitEvent],
        seconds: float,
        kept: Kept | None = None,
    ) -> dict[str, Any]:
        """Write the file of a field, check what was written, and return what is told of it."""
        from inrfit import api

        data = api.to_bytes(made)
        checked, more = self.verify(data, plan)
        written = put(item, (data,), twin=None if kept is None else kept.saved)
        if kept is not None:
            kept.drop()
        told = {
            "bytes": len(data),
            "bpp": 8 * len(data) / plan.partition.domain.size,
            "params": made.params,
            **checked.info.figures(checked.psnr),
            "regions": len(checked.partition),
            "steps": made.steps,
            "seconds": round(seconds, 3),
            "device": plan.device.name,
            **more,
        }
        if self.report is not None:
            numbers = {name: told[name] for name in REPORTED}
            self.entries.append(_entry(item.name, *self.reported(checked, plan), plan, numbers, events))
        missed = self._missed(checked.psnr, plan)
        return told | ({} if missed is None else {"missed": missed}) | written

    def _missed(self, psnr: float | None, plan: Planned) -> FitError | None:
        """Return the error of a file, which is written all the same, that is not as good as was asked for."""
        target = self.words.get("target_psnr")
        if target is None or psnr is None or psnr >= target:
            return None
        said = f"{psnr:.2f} dB is below --target-psnr {target:g}; the file is written"
        return FitError(said, hint=self.mend(plan))


def _division(plan: Plan) -> str:
    """Describe the partition in a few words."""
    count = len(plan.partition)
    if count == 1:
        return "one region"
    if plan.partition.grid:
        return f"grid {'×'.join(map(str, plan.partition.grid))}"
    return f"{count} {'segments' if plan.settings.partition.rule == 'seg' else 'regions'}"


def _entry(
    name: str,
    signal: Signal,
    field: Field,
    plan: Plan,
    numbers: dict[str, Any],
    events: list[FitEvent],
) -> Entry:
    """Return what the report shows of a file."""
    from inrfit.decibel import unit_decibel

    per_region = [unit_decibel(error, field.info.peak) for error in field.mse]
    curve = [(event.step, event.seconds, event.psnr) for event in events]
    return reports.entry(name, signal, field, plan.device, numbers, per_region, curve)
