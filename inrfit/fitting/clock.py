"""How many steps a fit has, and how many fit into a time."""

from __future__ import annotations

import time

import torch

from inrfit.device import Device
from inrfit.fitting.part import Part, State

TIMED_STEPS = 8
"""Steps after which `max_time` fixes how many there will be; fewer where they take half of it."""


class Clock(Part):
    """The steps and the time of a fit; it begins with the first step of a run.

    Args:
        steps: how many, at most.
        limit: seconds that they may take; None without one.
        device: where they run.

    Attributes:
        steps: how many; a limit lowers it once.
    """

    def __init__(self, steps: int, limit: float | None, device: Device) -> None:
        self.steps, self._limit, self._device = steps, limit, device
        self._fixed = limit is None
        self._began = self._warm = 0.0
        self._first: int | None = None

    @property
    def seconds(self) -> float:
        """Seconds since this run began."""
        return time.monotonic() - self._began

    def before(self, step: int) -> None:
        """Begin with the first step."""
        if self._first is None:
            self._first, self._began = step, time.monotonic()

    def after(self, step: int) -> None:
        """Fix the number of steps, once per fit, by the time of those after the first, which also prepares."""
        if self._fixed or self._limit is None or self._first is None:
            return
        if self._device.is_cuda:
            torch.cuda.synchronize(self._device.name)
        now, done = time.monotonic(), step + 1 - self._first
        if done == 1:
            self._warm = now
        if done < TIMED_STEPS and now - self._began < self._limit / 2:
            return
        each = (now - self._warm) / (done - 1) if done > 1 else now - self._began
        left = max(0.0, self._began + self._limit - now)
        self.steps = min(self.steps, step + 1 + int(left / max(each, 1e-9)))
        self._fixed = True

    def state(self) -> State:
        """Return how many steps there are, and whether that is fixed."""
        return {"steps": torch.tensor([self.steps, self._fixed])}

    def restore(self, state: State) -> None:
        """Go on with that number."""
        self.steps, fixed = state["steps"].tolist()
        self._fixed = bool(fixed)
