"""A fit to a target PSNR that decides on the number of weights: larger sizes are tried until it is reached; `waves` fits each.

The first size is a guess from the signal, see `rate.decided`. The best of the tries is kept, and the size of a fit without
a target is one of them wherever the target is missed, so that a target never gives less than no target.
"""

from __future__ import annotations

import math
import time
from dataclasses import replace

import numpy as np

from inrfit.codec.container import Reader
from inrfit.codec.read import loads
from inrfit.codec.write import dumps
from inrfit.errors import FitError
from inrfit.field import Field
from inrfit.fitting import waves
from inrfit.fitting.checkpoint import Checkpoint
from inrfit.fitting.plan import Plan
from inrfit.fitting.progress import Progress
from inrfit.models.config import ModelConfig
from inrfit.models.sizing import resolve

DOUBLING = 3.0
"""dB that twice the weights are thought to bring: of a chime they brought 5.7, of pictures 3 to 4."""

LEAST, MOST = 1.5, 4.0
"""Factors between which a size below the usual one grows."""

BELOW = 2
"""Most tries below the usual size."""

BEYOND = 4
"""Largest size, as a multiple of the usual one, that a target leads to; from the usual one on sizes double."""

SATURATED = 0.3
"""dB that twice the weights must bring for larger ones to be tried."""

USUAL = 0
"""Stands for the size of a fit without a target, where the others are numbers of weights."""

PART = "tries"
"""What earlier tries are called in a checkpoint."""


def fit(plan: Plan, progress: Progress | None = None, resume: Checkpoint | None = None) -> Field:
    """Fit what was planned, in larger sizes until a target is reached where it decides on the size.

    Args:
        plan: what to fit.
        progress, resume: as for `loop.fit`.

    Raises:
        FitError: the fit diverged, in every size.
        Interrupted: `progress.stop` said so.
    """
    tries, progress = Tries(plan), progress or Progress()
    if resume is not None:
        tries.restore(resume)
    while True:
        try:
            found = waves.fit(tries.plan, tries.keeping(progress), resume)
        except FitError as error:
            found = error
        resume = None
        if not tries.go_on(found):
            break
        progress.on_again(tries.psnr, tries.plan.params)
    if isinstance(tries.best, FitError):
        raise tries.best
    return tries.best


class Tries:
    """The sizes that are tried for one signal.

    Args:
        plan: what to fit, first.

    Attributes:
        plan: what to fit now.
        best: the best field so far, or the error of a fit that diverged.
    """

    def __init__(self, plan: Plan) -> None:
        self.plan, self._first = plan, plan
        self.best: Field | FitError = FitError("nothing was fitted")
        self._budgets: list[int] = []
        self._seen: list[tuple[int, float]] = []
        self._began = time.monotonic()

    @property
    def psnr(self) -> float:
        """PSNR in dB of the best field so far; minus infinity where there is none."""
        return -math.inf if isinstance(self.best, FitError) else self.best.psnr or 0.0

    def go_on(self, found: Field | FitError) -> bool:
        """Take what came of a try; return whether another is worth it, which `plan` then is."""
        psnr = -math.inf if isinstance(found, FitError) else found.psnr or 0.0
        if psnr > self.psnr or not self._seen:
            self.best = found
        self._seen.append((self.plan.params, psnr))
        wanted = self._first.settings.fit.target_psnr
        if self._first.open_model is None or wanted is None or self.psnr >= wanted or self._late():
            return False
        budget = self._next(wanted - psnr)
        if budget is None:
            return False
        self._take(budget)
        return True

    def _late(self) -> bool:
        """Return whether more than half of the time that a fit may take is over."""
        limit = self._first.settings.fit.max_time
        return limit is not None and time.monotonic() - self._began > limit / 2

    def _next(self, gap: float) -> int | None:
        """Return the weights that the next try may have, `USUAL`, or None where there is none.

        Args:
            gap: dB that the last try lacked.
        """
        usual = self._planned(USUAL).params
        (params, psnr), before = self._seen[-1], self._seen[:-1]
        if params < usual:
            budget = int(params * float(np.clip(2 ** (min(gap, 60) / DOUBLING), LEAST, MOST)))
            small = budget < usual / LEAST and len(self._seen) < BELOW
            return budget if small and self._planned(budget).params > params else USUAL
        sizes = [size for size, _ in before]
        grows = not before or psnr >= max(seen for _, seen in before) + SATURATED
        if grows and params > max(sizes, default=0):
            larger = self._planned(2 * params).params
            if params < larger <= BEYOND * usual * 1.01:
                return 2 * params
        return None if usual in (*sizes, params) else USUAL

    def _take(self, budget: int) -> None:
        """Let a size be the one that is tried now."""
        self._budgets.append(budget)
        self.plan = self._planned(budget)
        limit = self.plan.settings.fit.max_time
        if limit is not None:
            self.plan = self.plan.fitting(max_time=max(limit - (time.monotonic() - self._began), 1e-3))

    def _planned(self, budget: int) -> Plan:
        """Return the plan with at most so many weights."""
        first, model = self._first, self._first.open_model or ModelConfig()
        model = model if budget == USUAL else replace(model, budget=budget)
        sized = resolve(model, first.partition, first.signal.channels)
        return replace(first, settings=replace(first.settings, model=sized))

    def keeping(self, progress: Progress) -> Progress:
        """Return hooks whose checkpoints hold the earlier tries as well."""
        if not self._seen:
            return progress
        held = {"budgets": np.array(self._budgets), "seen": np.array(self._seen)}
        if isinstance(self.best, Field):
            held["best"] = np.frombuffer(dumps(self.best), np.uint8)
        return progress.keeping(lambda state: state.beside(PART, held))

    def restore(self, state: Checkpoint) -> None:
        """Take up what an interrupted fit had tried; the state itself is that of the try to go on with."""
        if held := state.of(PART):
            self._seen = [(int(params), float(psnr)) for params, psnr in held["seen"]]
            if "best" in held:
                with Reader(held["best"].tobytes()) as reader:
                    self.best = loads(reader)
            for budget in held["budgets"].tolist():
                self._take(int(budget))
