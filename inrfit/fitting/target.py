"""A PSNR to stop at: how near each signal is, how small that makes its rate, and the weights that hit it."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from inrfit.decibel import unit_decibel
from inrfit.errors import FitError
from inrfit.field import Field
from inrfit.fitting.config import FitConfig
from inrfit.fitting.descent import Descent
from inrfit.fitting.part import Part, State

SLACK = 0.5
"""How far, in dB, the PSNR of the decoded output may lie above that of the network's own output."""

DRIFT = 0.05
"""By how much, in dB, that difference may grow after it has been measured, before it is measured again."""

OVERSHOOT = 0.1
"""A target PSNR is reached or exceeded by at most this many dB."""

HEADROOM = 0.3
"""How far, in dB, weights that are not rounded yet must exceed a target PSNR, which pays for coarser steps."""

DISTANCE, LEAST = 10.0, 0.05
"""The rate falls with the dB that are left, from so many down to this factor: large rates keep errors up, and small
ones take long, so a fit anneals as it comes near."""

Values = Mapping[str, Tensor]
Measure = Callable[[int, Values], Field]
"""(place, matrices) -> the field of a signal, measured as its file will be."""


def wanted(config: FitConfig) -> float | None:
    """Return the PSNR in dB at which a fit stops; None without one."""
    psnr = config.target_psnr
    return psnr if psnr is None or config.weights != "quantised" else psnr + HEADROOM


class Target(Part):
    """The target of some signals that are fitted at once.

    Args:
        descent: their weights.
        measure: measures one of them.
    """

    def __init__(self, descent: Descent, measure: Measure) -> None:
        self._descent, self._measure = descent, measure
        self._psnr, signals = wanted(descent.config) or 0.0, len(descent.signals)
        self._gaps: NDArray[np.float64] = np.full(signals, math.inf)
        self._slack: NDArray[np.float64] = np.full(signals, SLACK)
        self._before: dict[str, Tensor] | None = None

    def factors(self) -> NDArray[np.float64] | float:
        """Return smaller factors the nearer a signal was by what was last estimated; a constant rate stays."""
        if self._descent.config.schedule == "constant":
            return 1.0
        return np.clip(self._gaps / DISTANCE, LEAST, 1)

    def look(self, losses: Mapping[int, float]) -> Mapping[int, Field | FitError]:
        """Return the fields that reach the target, and the errors of those that cannot be measured."""
        found: dict[int, Field | FitError] = {}
        for place, loss in losses.items():
            try:
                done = self._reached(place, unit_decibel(loss, self._descent.blank.info.peak))
            except FitError as error:
                done = error
            if done is not None:
                found[place] = done
        self._before = {name: value.clone() for name, value in self._descent.stacks.values.items()}
        return found

    def done(self, place: int) -> Field | None:
        """Return the field of a signal if its last weights reach the target."""
        return self._reached(place)

    def _reached(self, place: int, estimate: float = math.inf) -> Field | None:
        """Return the field of a signal if it has reached the target.

        Args:
            place: of the signal.
            estimate: PSNR in dB of the network's own output; infinite to measure in any case.
        """
        if math.isfinite(estimate):
            self._gaps[place] = self._psnr - estimate
        if estimate < self._psnr - self._slack[place]:
            return None
        values = self._descent.stacks.values
        now = self._measure(place, values)
        if math.isfinite(estimate):
            self._slack[place] = min(SLACK, (now.psnr or 0.0) - estimate + DRIFT)
        if (now.psnr or 0.0) < self._psnr:
            return None
        return now if self._before is None else self._between(place, self._before, values, now)

    def _between(self, place: int, before: Values, after: Values, now: Field) -> Field:
        """Bisect the line from the weights before the last step to those after it."""
        low, high = 0.0, 1.0
        while (now.psnr or 0.0) > self._psnr + OVERSHOOT and high - low > 1e-4:
            middle = (low + high) / 2
            mixed = {name: torch.lerp(before[name], value, middle) for name, value in after.items()}
            found = self._measure(place, mixed)
            if (found.psnr or 0.0) >= self._psnr:
                now, high = found, middle
            else:
                low = middle
        return now

    def select(self, places: Sequence[int], rows: Mapping[str, Tensor]) -> None:
        """Go on with some signals, which have some rows of each matrix."""
        kept = list(places)
        self._gaps, self._slack = self._gaps[kept], self._slack[kept]
        if self._before is not None:
            self._before = {name: value[rows[name]] for name, value in self._before.items()}

    def state(self) -> State:
        """Return what is left to each signal, and the weights before the last step."""
        before = {f"before.{name}": value for name, value in (self._before or {}).items()}
        return {"gaps": torch.from_numpy(self._gaps), "slack": torch.from_numpy(self._slack), **before}

    def restore(self, state: State) -> None:
        """Go on from these."""
        self._gaps, self._slack = state["gaps"].cpu().numpy(), state["slack"].cpu().numpy()
        before = {name.partition(".")[2]: v for name, v in state.items() if name.startswith("before.")}
        self._before = before or None
