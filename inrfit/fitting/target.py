"""A PSNR to stop at: how near each signal is, how small that makes its rate, and the weights that hit it; it fits nothing."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from inrfit.field import Field

SLACK = 0.5
"""How far, in dB, the PSNR of the decoded output may lie above that of the network's own output."""

DRIFT = 0.05
"""By how much, in dB, that difference may grow after it has been measured, before it is measured again."""

OVERSHOOT = 0.1
"""A target PSNR is reached or exceeded by at most this many dB."""

DISTANCE, LEAST = 10.0, 0.05
"""The rate falls with the dB that are left, from so many down to this factor: large rates keep errors up, and small
ones take long, so a fit anneals as it comes near."""

Values = Mapping[str, Tensor]
Measure = Callable[[int, Values], Field]
"""(place, matrices) -> the field of a signal, measured as its file will be."""


class Target:
    """The target of some signals that are fitted at once.

    Args:
        psnr: dB, of the decoded output.
        signals: how many.
        measure: measures one of them.
    """

    def __init__(self, psnr: float, signals: int, measure: Measure) -> None:
        self._psnr, self._measure = psnr, measure
        self._gaps: NDArray[np.float64] = np.full(signals, math.inf)
        self._slack: NDArray[np.float64] = np.full(signals, SLACK)
        self._before: dict[str, Tensor] | None = None

    def factors(self) -> NDArray[np.float64]:
        """Return the largest factor of the rate that each signal should have, by what was last estimated."""
        return np.clip(self._gaps / DISTANCE, LEAST, 1)

    def reached(self, place: int, values: Values, estimate: float = math.inf) -> Field | None:
        """Return the field of a signal if it has reached the target.

        Args:
            place: of the signal.
            values: the matrices as they are.
            estimate: PSNR in dB of the network's own output; infinite to measure in any case.

        Raises:
            FitError: the field cannot be measured.
        """
        if math.isfinite(estimate):
            self._gaps[place] = self._psnr - estimate
        if estimate < self._psnr - self._slack[place]:
            return None
        now = self._measure(place, values)
        if math.isfinite(estimate):
            self._slack[place] = min(SLACK, (now.psnr or 0.0) - estimate + DRIFT)
        if (now.psnr or 0.0) < self._psnr:
            return None
        return now if self._before is None else self._between(place, self._before, values, now)

    def remember(self, values: Values) -> None:
        """Keep the matrices before a step, between which and those after it the target may lie."""
        self._before = {name: value.clone() for name, value in values.items()}

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

    def state(self) -> dict[str, NDArray[np.generic]]:
        """Return what a resumed fit must be given, by name."""
        before = {f"before.{name}": value.cpu().numpy() for name, value in (self._before or {}).items()}
        return {"gaps": self._gaps, "slack": self._slack, **before}

    def restore(self, state: Mapping[str, NDArray[np.generic]], device: str) -> None:
        """Go on from a state."""
        self._gaps = np.array(state["gaps"], np.float64)
        self._slack = np.array(state["slack"], np.float64)
        before = {name.partition(".")[2]: v for name, v in state.items() if name.startswith("before.")}
        self._before = {name: torch.tensor(value, device=device) for name, value in before.items()} or None
