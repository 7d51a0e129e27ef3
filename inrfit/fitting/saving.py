"""Bits in the loss of a fit: when weights begin to learn rounded, what a bit costs, and how a file comes to have its size.

The weights and their steps are `rounding`'s; how a step is run is `loop`'s.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from inrfit.codec.weights import dumps, with_tables
from inrfit.config import FitConfig
from inrfit.errors import FitError
from inrfit.field import Field
from inrfit.fitting.rate import price_of
from inrfit.fitting.rounding import Errors, Rounding
from inrfit.fitting.size import FINE, meet
from inrfit.fitting.stacks import Stacks
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

Written = Callable[[int], Field]
"""Place of a signal -> its field with the weights as they are; its steps, tables and errors do not matter."""


def wanted(config: FitConfig) -> bool:
    """Return whether bits are part of the loss at the end of a fit."""
    return config.weights == "quantised" and bool(config.rate) and config.target_psnr is None


def onset(steps: int) -> int:
    """Return the step from which on weights are rounded."""
    return steps - math.floor(SHARE * steps)


class Saving:
    """The bits of some signals that are fitted at once.

    Args:
        stacks: their weights, which are rounded from here on.
        config: `rate`, `quality` and `target_size`.
        signals: how many.
        regions: of each.
        written: gives their fields.

    Attributes:
        rounding: the weights that learn, and the rounded ones.
    """

    def __init__(
        self, stacks: Stacks, config: FitConfig, signals: int, regions: int, written: Written
    ) -> None:
        self.rounding = Rounding(stacks, signals, regions)
        self._config, self._signals, self._written = config, signals, written
        self._overhead: NDArray[np.float64] | None = None
        self._tables: dict[int, Coding] = {}

    def begin(self, errors: Errors, peak: float) -> None:
        """Choose steps and price by the weights as they are.

        Args:
            errors: evaluates.
            peak: see `SignalInfo.peak`.
        """
        quality, limit = self._config.quality, self._config.target_size
        price = None if quality is None else price_of(quality, peak)
        self.rounding.choose(errors, self._config.rate or 0.0, price)
        if limit is not None:
            self.rounding.reach(np.full(self._signals, AHEAD * 8 * limit))

    def steer(self, step: int, steps: int) -> None:
        """Now and then learn anew what bits weights take, and change their price so that each file gets the size wanted.

        What a file takes beyond the bits that its weights are thought to take is looked at less often. In the last steps
        the price stays, so that weights come to rest.
        """
        if step % STEER_EVERY:
            return
        self.rounding.look()
        limit = self._config.target_size
        if limit is None or step > steps - REST_SHARE * steps:
            return
        every = max(LOOK_EVERY, steps // 16 // STEER_EVERY * STEER_EVERY)
        if self._overhead is None or step % every == 0:
            sizes = np.array([self._size(place) for place in range(self._signals)])
            self._overhead = 8.0 * sizes - self.rounding.bits()
        bits = np.maximum(8.0 * limit - self._overhead, LEAST * 8 * limit)
        self.rounding.steer(bits, steady=step > steps - STEADY_SHARE * steps)

    def meet(self) -> dict[int, FitError]:
        """Round less and less up, then make steps coarser, until each file has at most the size that is wanted.

        Returns:
            The errors of those that cannot, by place.
        """
        limit = self._config.target_size
        if limit is None:
            return {}
        # Tables stay while sizes are tried.
        self._tables = {place: self._coded(place) for place in range(self._signals)}
        shifted = np.zeros(self._signals, np.int64)

        def change(coarse: NDArray[np.int64]) -> None:
            nonlocal shifted
            shift = np.maximum(coarse - FINE, 0)
            if shift.any():  # the tables do not suit much coarser steps
                self._tables = {}
            self.rounding.shift(shift - shifted)
            shifted = shift
            self.rounding.round_from(LOWEST + (HIGHEST - LOWEST) * np.minimum(coarse, FINE) / FINE)

        met = meet(change, [lambda place=place: self._size(place) for place in range(self._signals)], limit)
        return {
            place: FitError(
                f"the file has at least {self._size(place):,} bytes, which is more than --target-size {limit:,}",
                hint="take fewer weights with --params, or larger regions with --grid or --cell",
            )
            for place in np.flatnonzero(~met).tolist()
        }

    def coded(self, place: int, field: Field) -> Field:
        """Return a field of a signal with the steps and the tables of its file."""
        coding, kept = self.rounding.coding(place), self._tables.get(place)
        if kept is not None:
            coding = coding.with_tables_of(kept)
        return with_tables(replace(field, coding=coding))

    def _coded(self, place: int) -> Coding:
        found = self.coded(place, self._written(place)).coding
        return self.rounding.coding(place) if found is None else found

    def _size(self, place: int) -> int:
        """Return the bytes of the file of a signal with the weights as they are; what errors take does not change."""
        field = self._written(place)
        guess = replace(field, mse=(1.0,) * len(field.partition), psnr=math.pi)
        return len(dumps(self.coded(place, guess)))

    def select(self, places: Sequence[int], rows: Mapping[str, Tensor]) -> None:
        """Go on with some signals, which have some rows of each matrix."""
        self.rounding.select(places, rows)
        self._signals = len(places)
        self._overhead = None if self._overhead is None else self._overhead[list(places)]

    def state(self) -> dict[str, NDArray[np.generic]]:
        """Return what a resumed fit must be given, by name."""
        beside = {} if self._overhead is None else {"overhead": self._overhead}
        return {**self.rounding.state(), **beside}

    def restore(self, state: Mapping[str, NDArray[np.generic]]) -> None:
        """Go on from a state."""
        self.rounding.restore(state)
        if "overhead" in state:
            self._overhead = np.array(state["overhead"], np.float64)
