"""How a command is interrupted: by Ctrl-C, by a system that wants it to end, by a terminal that goes."""

from __future__ import annotations

import signal as signals
import threading
from types import FrameType, TracebackType
from typing import Protocol

from inrfit.errors import Interrupted

ASKING = tuple(
    signals.Signals[name] for name in ("SIGINT", "SIGTERM", "SIGHUP") if name in signals.Signals.__members__
)
"""Signals that ask a command to end."""


class Endings:
    """While it lasts, every signal that asks for the end is an exception, so that what was begun is cleared away.

    Attributes:
        number: of the last of these signals; 0 when there was none.
    """

    def __init__(self) -> None:
        self.number = 0

    def __enter__(self) -> Endings:
        self._before = {number: signals.signal(number, self._handle) for number in _heard()}
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for number, handler in self._before.items():
            signals.signal(number, handler)

    def _handle(self, number: int, frame: FrameType | None) -> None:
        self.number = number
        raise KeyboardInterrupt


class Stoppable(Protocol):
    """Work that looks after every step whether it was asked to stop, and by which signal."""

    interrupted: bool
    asked_by: int


class Interruptible(Endings):
    """While it lasts, the first signal asks the work to stop after its step, the second stops at once.

    Args:
        job: the work.
    """

    def __init__(self, job: Stoppable) -> None:
        super().__init__()
        self._job = job

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        super().__exit__(kind, error, trace)
        if isinstance(error, Interrupted) and self._job.interrupted:
            error.exit_code = status(self._job.asked_by)

    def _handle(self, number: int, frame: FrameType | None) -> None:
        if self._job.interrupted:
            raise Interrupted("stopped at once")
        self._job.interrupted, self._job.asked_by = True, number


def status(number: int) -> int:
    """Return the exit status of a command that a signal ended, as shells know it."""
    return 128 + number


def _heard() -> list[signals.Signals]:
    """Return the signals that are for us; one that was ignored from the start, as `nohup` does, stays so.

    Only the main thread of a process hears them. Ctrl-C is heard in any case: shells ignore it for what runs in the
    background, where nobody presses it, and who sends it there means it.
    """
    if threading.current_thread() is not threading.main_thread():
        return []
    unheard = (signals.SIG_IGN, None)
    return [n for n in ASKING if n == signals.SIGINT or signals.getsignal(n) not in unheard]
