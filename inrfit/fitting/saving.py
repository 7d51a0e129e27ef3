"""Bits in the loss of a fit: when weights begin to learn rounded, what a bit costs, and how a file comes to have its size.

The weights and their steps are `rounding`'s; how a step is run is `loop`'s.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from inrfit.codec.write import dumps, with_tables
from inrfit.errors import FitError
from inrfit.field import Field
from inrfit.fitting.clock import Clock
from inrfit.fitting.config import FitConfig
from inrfit.fitting.descent import Descent
from inrfit.fitting.part import Part, State
from inrfit.fitting.rate import price_of
from inrfit.fitting.rounding import Rounding
from inrfit.fitting.size import FINE, bisect_size
from inrfit.models.coding import Coding

SHARE = 0.9
"""Share of the steps, at the end, in which weights learn rounded. On four crops of Kodak pictures 0.9 gave 0.03 dB more
than 0.75 with 500 steps of feature grids, and 0.07 dB more with 200 steps of a network per cell."""

STEER_EVERY, LOOK_EVERY = 5, 40
"""Steps after which bits are looked at, and their price changed where a size is wanted, and those, at least, after which
the file is measured."""

STEADY_SHARE, REST_SHARE = 0.4, 0.15
"""Shares of the steps, at the end, in which the steps of weights and then the price stay: steps that change make weights
near a threshold jump, and what jumps late is not learned any more."""

AHEAD = 2.0
"""Size in which rounded weights begin, by steps alone, as a factor of the one wanted; what they learn saves the rest."""

LEAST = 0.1
"""Share of a size that weights get at least, however much the rest of the file seems to take."""

LOWEST, HIGHEST = 0.3, 0.9
"""Thresholds of rounding between which a size is met."""


def wanted(config: FitConfig) -> bool:
    """Return whether bits are part of the loss at the end of a fit."""
    return config.weights == "quantised" and bool(config.saving) and config.target_psnr is None


def onset(steps: int) -> int:
    """Return the step from which on weights are rounded."""
    return steps - math.floor(SHARE * steps)


class Saving(Part):
    """The bits of some signals that are fitted at once.

    Args:
        descent: their weights, which are rounded from `onset` on; its `rate`, `quality` and `target_size` count.
        clock: how many steps there are.
    """

    def __init__(self, descent: Descent, clock: Clock) -> None:
        self._descent, self._config, self._clock = descent, descent.config, clock
        self._rounding: Rounding | None = None
        self._overhead: NDArray[np.float64] | None = None
        self._tables: dict[int, Coding | None] = {}
        self._missed: dict[int, FitError] | None = None

    @property
    def _signals(self) -> int:
        return len(self._descent.signals)

    def before(self, step: int) -> None:
        """Begin when it is time to."""
        if self._rounding is None and step >= onset(self._clock.steps):
            self._begin()

    def _begin(self) -> Rounding:
        """Choose steps and price by the weights as they are, which are rounded from now on."""
        quality, limit = self._config.quality, self._config.target_size
        price = None if quality is None else price_of(quality, self._descent.blank.info.peak)
        rounding = self._unchosen()
        rounding.choose(self._descent.errors, self._config.saving or 0.0, price)
        if limit is not None:
            rounding.reach(np.full(self._signals, AHEAD * 8 * limit))
        return self._take(rounding)

    def _unchosen(self) -> Rounding:
        return Rounding(self._descent.stacks, self._signals, len(self._descent.blank.partition))

    def _take(self, rounding: Rounding) -> Rounding:
        self._rounding = rounding
        self._descent.round_with(rounding)
        return rounding

    def during(self, step: int, squares: Tensor) -> None:
        """Now and then learn anew what bits weights take, and change their price so that each file gets the size wanted.

        What a file takes beyond the bits that its weights are thought to take is looked at less often. In the last steps
        the price stays, so that weights come to rest.
        """
        rounding, steps = self._rounding, self._clock.steps
        if rounding is None or step % STEER_EVERY:
            return
        rounding.look()
        limit = self._config.target_size
        if limit is None or step > steps - REST_SHARE * steps:
            return
        every = max(LOOK_EVERY, steps // 16 // STEER_EVERY * STEER_EVERY)
        if self._overhead is None or step % every == 0:
            sizes = np.array([self._size(place) for place in range(self._signals)])
            self._overhead = 8.0 * sizes - rounding.bits()
        bits = np.maximum(8.0 * limit - self._overhead, LEAST * 8 * limit)
        rounding.steer(bits, steady=step > steps - STEADY_SHARE * steps)

    def done(self, place: int) -> FitError | None:
        """Return the error of a signal whose file cannot have the size that is wanted; the others then have it."""
        if self._missed is None:
            self._missed = self._meet(self._rounding or self._begin())
        return self._missed.get(place)

    def _meet(self, rounding: Rounding) -> dict[int, FitError]:
        """Round less and less up, then make steps coarser, until each file has at most the size that is wanted.

        Returns:
            The errors of those that cannot, by place.
        """
        limit = self._config.target_size
        if limit is None:
            return {}
        # Tables stay while sizes are tried.
        fields = map(self._descent.field, range(self._signals))
        self._tables = {place: self.stored(place, field).coding for place, field in enumerate(fields)}
        shifted = np.zeros(self._signals, np.int64)

        def change(coarse: NDArray[np.int64]) -> None:
            nonlocal shifted
            shift = np.maximum(coarse - FINE, 0)
            if shift.any():  # the tables do not suit much coarser steps
                self._tables = {}
            rounding.shift(shift - shifted)
            shifted = shift
            rounding.round_from(LOWEST + (HIGHEST - LOWEST) * np.minimum(coarse, FINE) / FINE)

        met = bisect_size(
            change, [lambda place=place: self._size(place) for place in range(self._signals)], limit
        )
        return {
            place: FitError(
                f"the file has at least {self._size(place):,} bytes, which is more than --target-size {limit:,}",
                hint="take fewer weights with --params, or larger regions with --grid or --cell",
            )
            for place in np.flatnonzero(~met).tolist()
        }

    def stored(self, place: int, fitted: Field) -> Field:
        """Return a field of a signal with the steps and the tables of its file."""
        if self._rounding is None:
            return fitted
        coding, kept = self._rounding.coding(place), self._tables.get(place)
        if kept is not None:
            coding = coding.with_tables_of(kept)
        return with_tables(replace(fitted, coding=coding))

    def _size(self, place: int) -> int:
        """Return the bytes of the file of a signal with the weights as they are; what errors take does not change."""
        field = self._descent.field(place)
        guess = replace(field, mse=(1.0,) * len(field.partition), psnr=math.pi)
        return len(dumps(self.stored(place, guess)))

    def select(self, places: Sequence[int], rows: Mapping[str, Tensor]) -> None:
        """Go on with some signals, which have some rows of each matrix."""
        if self._rounding is not None:
            self._rounding.select(places, rows)
        self._overhead = None if self._overhead is None else self._overhead[list(places)]

    def state(self) -> State:
        """Return rounded weights, steps and prices, and the sizes beside them; nothing before they are."""
        if self._rounding is None:
            return {}
        beside = {} if self._overhead is None else {"overhead": torch.from_numpy(self._overhead)}
        return {**self._rounding.state(), **beside}

    def restore(self, state: State) -> None:
        """Go on from these."""
        if state:
            rounding = self._unchosen()
            rounding.restore(state)
            self._take(rounding)
        if "overhead" in state:
            self._overhead = state["overhead"].cpu().numpy()
