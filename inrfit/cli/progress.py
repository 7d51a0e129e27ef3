"""How far a fit is: a bar on a terminal, a plain line every ten seconds elsewhere, on standard error."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from inrfit.cli.console import say

if TYPE_CHECKING:
    from inrfit.fitting.events import FitEvent

PLAIN_EVERY = 10.0
"""Seconds between plain lines."""


@contextmanager
def shown(name: str, *, quiet: bool) -> Iterator[Callable[[FitEvent], None]]:
    """Yield a function that shows fit events."""
    if quiet:
        yield lambda event: None
    elif sys.stderr.isatty():
        with _bar(name) as show:
            yield show
    else:
        yield _lines(name)


def _lines(name: str) -> Callable[[FitEvent], None]:
    last = time.monotonic()

    def show(event: FitEvent) -> None:
        nonlocal last
        if time.monotonic() - last >= PLAIN_EVERY:
            last = time.monotonic()
            say(f"{name}: step {event.step}/{event.steps}, {event.psnr:.2f} dB, {_left(event):.0f} s left")

    return show


def _left(event: FitEvent) -> float:
    """Return the seconds left, from the time of the steps so far."""
    return event.seconds / max(event.step, 1) * (event.steps - event.step)


@contextmanager
def _bar(name: str) -> Iterator[Callable[[FitEvent], None]]:
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.completed}/{task.total}"),
        TextColumn("{task.fields[psnr]}"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task(name, total=None, psnr="")

        def show(event: FitEvent) -> None:
            progress.update(task, completed=event.step, total=event.steps, psnr=f"{event.psnr:.2f} dB")

        yield show
