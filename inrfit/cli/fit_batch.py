"""`inrfit fit --batch`: inputs are read ahead and fitted at once; each is still written and reported in its turn."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from inrfit.cli.inputs import Item
from inrfit.cli.interrupt import Interruptible
from inrfit.cli.job import Job
from inrfit.cli.places import make_room

if TYPE_CHECKING:
    from inrfit.field import Field
    from inrfit.fitting.events import FitEvent
    from inrfit.fitting.plan import Plan

AHEAD = 1024
"""Most inputs that are fitted at once."""

AHEAD_SAMPLES = 1 << 22
"""Samples of the inputs that are fitted at once, beyond which no more are taken in: they bound the memory."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """A fit that is done and not yet written.

    Attributes:
        field: what came of it, or what went wrong.
        seconds: its share of the time that all took that were fitted at once.
        events: what happened, of all of them.
    """

    field: Field | Exception
    seconds: float
    events: list[FitEvent]


class Batch:
    """The inputs of a batch: read ahead, and fitted with those of their kind when the first of them has its turn.

    Args:
        job: how they are fitted.
        items: all of them, in the order in which `work` will be asked for them.
    """

    def __init__(self, job: Job[Plan], items: Sequence[Item]) -> None:
        self._job = job
        self._unread = deque(item for item in items if not item.skip)
        self._read: deque[tuple[Item, Plan | Exception]] = deque()
        self._done: dict[int, Done] = {}

    def work(self, item: Item) -> dict[str, Any]:
        """Write the next input's file, after fitting it and others if it is not fitted yet."""
        if not self._read:
            self._job.check(item)
            self._read_ahead()
        _, plan = self._read.popleft()
        if isinstance(plan, Exception):
            raise plan
        with Interruptible(self._job):
            if id(plan) not in self._done:
                self._fit(item, plan)
            done = self._done.pop(id(plan))
            if isinstance(done.field, Exception):
                raise done.field
            make_room(item.output)
            return self._job.finish(item, plan, done.field, done.events, done.seconds)

    def _read_ahead(self) -> None:
        """Read some inputs and decide how they are fitted."""
        samples = 0
        while self._unread and len(self._read) < AHEAD and (not self._read or samples < AHEAD_SAMPLES):
            item = self._unread.popleft()
            try:
                plan = self._job.plan(item)
                samples += plan.partition.domain.size
                self._read.append((item, plan))
            except Exception as error:  # whatever one file breaks, the others have their turn
                self._read.append((item, error))

    def _fit(self, item: Item, plan: Plan) -> None:
        """Fit an input and those read after it that can be fitted at once with it."""
        from inrfit import api

        plans = [plan]
        if plan.batch_key is not None:
            later = (other for _, other in self._read if not isinstance(other, Exception))
            plans += [other for other in later if other.batch_key == plan.batch_key]
        self._job.tell(item, plan)
        if len(plans) > 1:
            self._job.talk(f"{len(plans)} inputs at once")
        began = time.monotonic()
        title = item.name if len(plans) == 1 else f"{len(plans)} inputs"
        fields, events = self._job.run(title, lambda progress: api.run_many(plans, progress=progress))
        seconds = (time.monotonic() - began) / len(plans)
        for one, field in zip(plans, fields, strict=True):
            self._done[id(one)] = Done(field=field, seconds=seconds, events=events)
