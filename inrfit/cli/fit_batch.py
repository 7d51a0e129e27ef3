"""`inrfit fit --batch`: inputs are read ahead and fitted at once; each is still written and reported in its turn."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from inrfit.cli.fit_job import Job
from inrfit.cli.inputs import Item, content, make_room
from inrfit.errors import Interrupted

if TYPE_CHECKING:
    from inrfit.api import Plan
    from inrfit.fitting.events import FitEvent
    from inrfit.models.field import Field

AHEAD = 1024
"""Most inputs that are fitted at once."""

AHEAD_SAMPLES = 1 << 22
"""Samples of the inputs that are fitted at once, beyond which no more are taken in: they bound the memory."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """A fit that is done and not yet written.

    Attributes:
        plan: what was planned.
        result: the field, or what went wrong.
        seconds: its share of the time that all took.
        events: what happened, of all that were fitted at once.
    """

    plan: Plan | None
    result: Field | Exception
    seconds: float = 0.0
    events: list[FitEvent] = field(default_factory=list)


class Batch:
    """The inputs of a batch, fitted some at a time.

    Args:
        job: how they are fitted.
        items: all of them, in the order in which `work` will be asked for them.
    """

    def __init__(self, job: Job, items: Sequence[Item]) -> None:
        self._job = job
        self._ahead = deque(item for item in items if not item.skip)
        self._done: deque[Done] = deque()

    def work(self, item: Item) -> dict[str, Any]:
        """Write the next input's file, after fitting some if it is not fitted yet."""
        if not self._done:
            self._fit()
        done = self._done.popleft()
        if isinstance(done.result, Exception):
            raise done.result
        if done.plan is None:
            raise RuntimeError("a fit without a plan")
        make_room(item.output)
        return self._job.finish(item, done.plan, done.result, done.events, done.seconds)

    def _fit(self) -> None:
        """Read some inputs and fit them."""
        from inrfit import api
        from inrfit.fitting.loop import Progress

        took: list[tuple[Item, Plan | Exception]] = []
        samples = 0
        while self._ahead and len(took) < AHEAD and (not took or samples < AHEAD_SAMPLES):
            item = self._ahead.popleft()
            try:
                plan = api.plan(content(item), device=self._job.device, name=item.name, **self._job.words)
                samples += plan.partition.domain.size
                took.append((item, plan))
            except Exception as error:  # whatever one file breaks, the others have their turn
                took.append((item, error))
        plans = [plan for _, plan in took if not isinstance(plan, Exception)]
        events: list[FitEvent] = []
        began = time.monotonic()
        self._job.tell_many(took)
        with self._job.display.fit(f"{len(plans)} inputs") as show:

            def on_event(event: FitEvent) -> None:
                events.append(event)
                show(event)

            try:
                hooks = Progress(on_event=on_event, stop=lambda: self._job.interrupted)
                results = deque(api.run_many(plans, progress=hooks))
            except Interrupted as error:
                hint = "run the command again with --skip-existing: what is written stays"
                raise Interrupted(error.message, hint=hint) from None
        seconds = (time.monotonic() - began) / max(1, len(plans))
        for _, plan in took:
            if isinstance(plan, Exception):
                self._done.append(Done(plan=None, result=plan))
            else:
                result = results.popleft()
                self._done.append(Done(plan=plan, result=result, seconds=seconds, events=events))
