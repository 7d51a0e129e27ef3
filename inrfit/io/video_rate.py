"""When the frames of a clip are shown, as one rate: even times, or the average of uneven ones."""

from __future__ import annotations

import re
from array import array
from dataclasses import dataclass, field
from fractions import Fraction

import numpy as np

from inrfit.domain import Domain
from inrfit.signal import SignalInfo

USUAL = Fraction(25)
"""Frames per second of a clip that does not tell."""

LARGEST = 1001
"""Denominators of frames per second, or of seconds per frame where that is more than one, are at most this."""

_CONFIG = re.compile(r"config in time_base: (\d+)/(\d+), frame_rate: (\d+)/(\d+)")
_FRAME = re.compile(r"n: *\d+ pts: *(\S+) ")
_DURATION = re.compile(r" duration: *(\d+) ")


def ratio(seconds: float) -> Fraction:
    """Return the frames per second of a clip whose frames last so many seconds, as a ratio of small numbers."""
    if seconds > 1:
        return 1 / Fraction(seconds).limit_denominator(LARGEST)
    return Fraction(1 / seconds).limit_denominator(LARGEST)


@dataclass(slots=True, kw_only=True)
class Times:
    """The times of frames, as ffmpeg's filter showinfo tells of them line by line.

    Attributes:
        tick: seconds of one unit of time.
        nominal: frames per second by the header; None when not told.
        shown: when each frame is shown, in ticks.
        last: how long the last frame is shown, in ticks; 0 when not told.
    """

    tick: Fraction = Fraction(0)
    nominal: Fraction | None = None
    shown: array[int] = field(default_factory=lambda: array("q"))
    last: int = 0

    def hear(self, line: str) -> None:
        """Take what a line of ffmpeg tells."""
        if found := _CONFIG.search(line):
            up, down, frames, seconds = map(int, found.groups())
            if up and down:
                self.tick = Fraction(up, down)
            if frames and seconds:
                self.nominal = Fraction(frames, seconds)
        elif found := _FRAME.match(line):
            if found[1].lstrip("-").isdigit():
                self.shown.append(int(found[1]))
            length = _DURATION.search(line)
            self.last = int(length[1]) if length else 0

    @property
    def start(self) -> float:
        """When the first frame is shown, in seconds."""
        return float(self.shown[0] * self.tick) if self.shown else 0.0

    def rate(self, *, to_the_end: bool) -> tuple[Fraction, str]:
        """Return frames per second, and words on times that are uneven; no words when they are even.

        Times are even when each lies within one and a half ticks or a tenth of a frame of where an even rate puts it.

        Args:
            to_the_end: go by the times alone, that of the last frame too, as for a GIF; other formats are not exact
                about the last, and state a rate that times on coarse ticks are rounded from.
        """
        times = np.sort(np.array(self.shown, np.int64))
        ends = [times[-1] + self.last] if to_the_end and len(times) and self.last else []
        times = np.append(times, ends).astype(np.int64)
        span = int(times[-1] - times[0]) if len(times) > 1 else 0
        if span <= 0 or not self.tick:
            return self.nominal or USUAL, ""
        count = len(times) - 1
        average = count / (span * self.tick)
        off = np.abs(times - times[0] - np.arange(count + 1) * (span / count)).max()
        if off > max(1.5, 0.1 * span / count):
            gaps = np.diff(times) * float(self.tick)
            return average, f"{gaps.min():.3g} to {gaps.max():.3g} s"
        stated = None if to_the_end else self.nominal
        slack = min(1.5, 0.1 * span / count) if span > count else 1.5  # frames shorter than a tick
        if stated is not None and abs(span - count / (stated * self.tick)) <= slack:
            return stated, ""
        return average, ""


def shown_from(info: SignalInfo, domain: Domain) -> float:
    """Return from when on the first frame is shown, in seconds of the clip and of its sound track.

    A frame of the source is shown from its place on; that of another rate has its place in the middle of its share of
    them, half of the difference of both later.
    """
    return domain.corner[0] - lateness(info, domain)


def lateness(info: SignalInfo, domain: Domain) -> float:
    """Return by how many seconds the place of a frame is later than when it is first shown; see `shown_from`."""
    return (domain.spacing[0] - _frame(info, domain)) / 2


def _frame(info: SignalInfo, domain: Domain) -> float:
    """Return how long a frame of the source lasts, in seconds; as long as one here where that is not known."""
    try:
        return float(1 / Fraction(info.tags["fps"]))
    except (KeyError, ValueError, ZeroDivisionError):
        return domain.spacing[0]
