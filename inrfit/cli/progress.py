"""How far fits are: a bar on a terminal, a plain line every ten seconds elsewhere, on standard error."""

from __future__ import annotations

import math
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from inrfit.cli.console import say, visible

if TYPE_CHECKING:
    from inrfit.fitting.events import FitEvent

    Show = Callable[[FitEvent], None]

PLAIN_EVERY = 10.0
"""Seconds between plain lines, over all fits of a batch."""

LONG = 60.0
"""Seconds of fitting beyond which the user is told how long it will take."""

TIMED = 5
"""Steps, or seconds, after which that is known well enough."""

NAME_WIDTH = 40
"""Characters of a long name that a bar shows."""


class Display:
    """Shows the events of one fit after another.

    Args:
        quiet: show nothing.
        limited: a limit on the time is set, so that a long fit is no surprise.
        shorten: what the user is told of a long fit: the options that shorten it.
    """

    def __init__(
        self, *, quiet: bool, limited: bool, shorten: str = "--steps or --max-time shorten it"
    ) -> None:
        self._quiet, self._limited, self._shorten = quiet, limited, shorten
        self._last = -math.inf

    @contextmanager
    def fit(self, name: str) -> Iterator[Show]:
        """Yield a function that shows the events of a fit."""
        if self._quiet:
            yield lambda event: None
        elif sys.stderr.isatty():
            with _bar(name) as show:
                yield self._with_prediction(name, show)
        else:
            yield self._with_prediction(name, self._lines(name))

    def _lines(self, name: str) -> Show:
        left = TimeLeft()

        def show(event: FitEvent) -> None:
            seconds = left(event)
            if time.monotonic() - self._last >= PLAIN_EVERY:
                self._last = time.monotonic()
                known = f", {seconds:.0f} s left" if left.done > 1 else ""
                say(f"{name}: step {event.step + 1} of {event.steps}, {event.psnr:.2f} dB{known}")

        return show

    def _with_prediction(self, name: str, show: Show) -> Show:
        left = TimeLeft()
        told = self._limited

        def both(event: FitEvent) -> None:
            nonlocal told
            seconds = left(event)
            if not told and (left.done >= TIMED or event.seconds >= TIMED):
                told = True
                if seconds > LONG:
                    say(
                        f"{name}: about {seconds / 60:.0f} min to go for {event.steps} steps; {self._shorten}"
                    )
            show(event)

        return both


class TimeLeft:
    """Seconds left of a fit, from the time of its steps since it began or went on."""

    def __init__(self) -> None:
        self._first: int | None = None
        self.done = 0

    def __call__(self, event: FitEvent) -> float:
        """Return the seconds left after an event."""
        if self._first is None:
            self._first = event.step
        self.done = event.step - self._first + 1
        return event.seconds / self.done * (event.steps - event.step - 1)


@contextmanager
def _bar(name: str) -> Iterator[Show]:
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[psnr]}"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        shown = visible(name)
        short = shown if len(shown) <= NAME_WIDTH else "..." + shown[-NAME_WIDTH:]
        task = progress.add_task(short, total=None, psnr="")

        def show(event: FitEvent) -> None:
            progress.update(task, completed=event.step + 1, total=event.steps, psnr=f"{event.psnr:.2f} dB")

        yield show
