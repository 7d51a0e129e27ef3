"""How a number of steps grows with a count: exponential against power law, by likelihood; it runs no fits of images.

Steps are positive and their spread grows with their size, so each law is fitted to the single runs (not to means) in
log space with Gaussian errors of one width. A run that was stopped at the cap is censored: it adds the probability of
taking longer than the cap (a Tobit likelihood), not a value. Laws are compared by AICc; intervals and the stability of
the choice come from resampling the repeats within each count.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.special import log_ndtr
from scipy.stats import rankdata, spearmanr

Array = NDArray[np.float64]

SPREAD = (0.01, 5.0)
"""Bounds of the standard deviation of the logarithm of the steps."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Runs:
    """Runs of a series: one entry each, with two or more counts.

    Attributes:
        x: count, for example of boundaries; positive.
        steps: steps taken, or the cap where the run did not arrive; at least 1.
        reached: False for a run that was stopped at the cap.
    """

    x: Array
    steps: Array
    reached: NDArray[np.bool_]

    def pick(self, index: NDArray[Any]) -> Runs:
        """Return some of the runs, by index or mask."""
        return Runs(x=self.x[index], steps=self.steps[index], reached=self.reached[index])


@dataclass(frozen=True, slots=True, kw_only=True)
class Law:
    """A formula for the steps at a count.

    The parameters are the logarithm of the steps at the smallest x, the rise to the largest x (of the logarithm, or
    the logarithm of the rise where there is an offset), and a shape; so every law stays positive over the range.

    Attributes:
        formula: in words of x.
        starts: values of the shape parameter to start from; none for a law without one.
        log_steps: (parameters, x from 0 exclusive to 1, its smallest) -> logarithm of the steps.
        growth: (parameters, smallest x, largest x) -> p of p^x, or q of x^q.
    """

    formula: str
    starts: tuple[float, ...]
    log_steps: Callable[[Array, Array, float], Array]
    growth: Callable[[Array, float, float], float]


def _exponential(theta: Array, u: Array, low: float) -> Array:
    return theta[0] + theta[1] * (u - low) / (1 - low)


def _power(theta: Array, u: Array, low: float) -> Array:
    return theta[0] + theta[1] * np.log(u / low) / -np.log(low)


def _exponential_offset(theta: Array, u: Array, low: float) -> Array:
    rate = theta[2] if abs(theta[2]) > 1e-6 else 1e-6
    return np.logaddexp(theta[0], theta[1] + _log(np.expm1(rate * (u - low)) / np.expm1(rate * (1 - low))))


def _power_offset(theta: Array, u: Array, low: float) -> Array:
    share = (u ** theta[2] - low ** theta[2]) / (1 - low ** theta[2])
    return np.logaddexp(theta[0], theta[1] + _log(share))


def _log(values: Array) -> Array:
    return np.log(np.maximum(values, 1e-300))


LAWS = {
    "exponential": Law(
        formula="a p^x",
        starts=(),
        log_steps=_exponential,
        growth=lambda theta, low, high: float(np.exp(theta[1] / (high - low))),
    ),
    "power": Law(
        formula="a x^q",
        starts=(),
        log_steps=_power,
        growth=lambda theta, low, high: float(theta[1] / np.log(high / low)),
    ),
    "exponential+offset": Law(
        formula="a p^x + c",
        starts=(0.5, 4.0),
        log_steps=_exponential_offset,
        growth=lambda theta, low, high: float(np.exp(theta[2] / high)),
    ),
    "power+offset": Law(
        formula="a x^q + c",
        starts=(1.2, 4.0),
        log_steps=_power_offset,
        growth=lambda theta, low, high: float(theta[2]),
    ),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Fitted:
    """A law fitted to runs.

    Attributes:
        law: its name.
        theta: its parameters, then the logarithm of the spread.
        low, high: smallest and largest x it was fitted to.
        log_likelihood: of the logarithms of the steps.
        aicc: Akaike's criterion with the correction for few runs.
    """

    law: str
    theta: Array
    low: float
    high: float
    log_likelihood: float
    aicc: float

    @property
    def growth(self) -> float:
        """Return p of an exponential, q of a power."""
        return LAWS[self.law].growth(self.theta, self.low, self.high)

    def steps(self, x: Array) -> Array:
        """Return the median steps the law gives at x."""
        return np.exp(LAWS[self.law].log_steps(self.theta, x / self.high, self.low / self.high))


def fit_law(name: str, runs: Runs, start: Array | None = None) -> Fitted:
    """Fit a law by maximum likelihood.

    Args:
        name: a key of `LAWS`.
        runs: what to fit.
        start: parameters to start from; None tries several.
    """
    law = LAWS[name]
    low, high = float(runs.x.min()), float(runs.x.max())
    u, target = runs.x / high, np.log(runs.steps)

    def cost(theta: Array) -> float:
        z = (target - law.log_steps(theta, u, low / high)) / np.exp(theta[-1])
        density = -0.5 * z**2 - theta[-1] - 0.5 * np.log(2 * np.pi)
        return -float(np.where(runs.reached, density, log_ndtr(-z)).sum())

    first, last = (float(target[runs.x == end].mean()) for end in (low, high))
    rise = [np.log(max(np.exp(last) - np.exp(first), 1e-2))] if law.starts else [last - first]
    shapes = [[shape] for shape in law.starts] or [[]]
    starts = [np.array([first, *rise, *shape, -1.0]) for shape in shapes] if start is None else [start]
    bounds = [(-3.0, 20.0), (-6.0, 20.0) if law.starts else (-20.0, 20.0)]
    bounds += [(-8.0, 20.0) if name.startswith("exp") else (0.05, 20.0)] if law.starts else []
    bounds += [tuple(np.log(SPREAD))]
    found = min((minimize(cost, s, method="SLSQP", bounds=bounds) for s in starts), key=lambda r: r.fun)
    k, n = len(found.x), len(target)
    aicc = 2 * k + 2 * found.fun + (2 * k * (k + 1) / (n - k - 1) if n > k + 1 else np.inf)
    return Fitted(law=name, theta=found.x, low=low, high=high, log_likelihood=-found.fun, aicc=float(aicc))


def resampled(runs: Runs, random: np.random.Generator) -> Runs:
    """Return as many runs, drawn with replacement within each count."""
    groups = [np.flatnonzero(runs.x == x) for x in np.unique(runs.x)]
    return runs.pick(np.concatenate([random.choice(group, len(group)) for group in groups]))


def compare(runs: Runs, *, resamples: int, seed: int = 0) -> dict[str, Any]:
    """Fit every law and say which the runs prefer.

    Returns:
        "preferred": law with the lowest AICc. "margin": AICc by which the best law of the other shape (exponential
        against power) is worse. "laws": for each, "formula", "aicc", "delta" (above the lowest), "weight" (Akaike),
        "growth" (p or q), "interval" (95 %, bootstrap), "growth_without_censored" (None where no run is censored) and
        what `curve` needs. "stable": share of resamples that prefer the same shape.
    """
    fits = {name: fit_law(name, runs) for name in LAWS}
    best = min(fits.values(), key=lambda fitted: fitted.aicc)
    rivals = [fitted.aicc for fitted in fits.values() if _shape(fitted) != _shape(best)]
    random = np.random.default_rng(seed)
    again = [
        {name: fit_law(name, drawn, fits[name].theta) for name in LAWS}
        for drawn in (resampled(runs, random) for _ in range(resamples))
    ]
    same = [_shape(min(drawn.values(), key=lambda f: f.aicc)) == _shape(best) for drawn in again]
    total = sum(np.exp((best.aicc - fitted.aicc) / 2) for fitted in fits.values())
    laws = {}
    for name, fitted in fits.items():
        laws[name] = {
            "formula": LAWS[name].formula,
            "aicc": fitted.aicc,
            "delta": fitted.aicc - best.aicc,
            "weight": np.exp((best.aicc - fitted.aicc) / 2) / total,
            "growth": fitted.growth,
            "interval": _interval([drawn[name].growth for drawn in again]),
            "growth_without_censored": _without_censored(name, runs),
            "theta": [float(value) for value in fitted.theta],
            "range": [fitted.low, fitted.high],
        }
    stable = float(np.mean(same)) if same else None
    return {"preferred": best.law, "margin": min(rivals) - best.aicc, "stable": stable, "laws": laws}


def curve(name: str, entry: dict[str, Any], x: Array) -> Array:
    """Return the steps that a law of `compare` gives at x."""
    theta, (low, high) = np.asarray(entry["theta"]), entry["range"]
    return Fitted(law=name, theta=theta, low=low, high=high, log_likelihood=0.0, aicc=0.0).steps(x)


def _shape(fitted: Fitted) -> str:
    return fitted.law.partition("+")[0]


def _interval(values: Sequence[float]) -> list[float] | None:
    """Return the middle 95 % of the values."""
    return [float(v) for v in np.percentile(values, (2.5, 97.5))] if values else None


def _without_censored(name: str, runs: Runs) -> float | None:
    """Return the growth when the censored runs are left out: how much hangs on their treatment."""
    kept = runs.pick(runs.reached)
    if runs.reached.all() or len(np.unique(kept.x)) < 4:
        return None
    return fit_law(name, kept).growth


def compare_series(cells: Sequence[dict[str, Any]], *, resamples: int) -> list[dict[str, Any]]:
    """Compare the laws for each target and network that has four counts or more.

    Args:
        cells: what `exponential_increase.py` writes, one per count, those of a series in a row.
        resamples: of the bootstrap.
    """
    found = []
    for (target, network), group in itertools.groupby(cells, key=lambda c: (c["target"], c["network"])):
        rows = [
            (c["x"], max(1, steps), reached)
            for c in group
            for steps, reached in zip(c["each_steps"], c["each_reached"], strict=True)
        ]
        x, steps, reached = (np.array(column) for column in zip(*rows, strict=True))
        if len(np.unique(x)) < 4:
            continue
        compared = compare(
            Runs(x=x.astype(float), steps=steps.astype(float), reached=reached), resamples=resamples
        )
        censored = int((~reached).sum())
        found.append({"target": target, "network": network, "runs": len(x), "censored": censored, **compared})
    return found


def gap_effect(cells: Sequence[dict[str, Any]]) -> dict[str, float] | None:
    """Correlate steps with the smallest gap among random thresholds of one count (Spearman, ranks within a count)."""
    steps, gaps = [], []
    for c in cells:
        if (c["target"], c["network"]) == ("random", "single") and c["count"] > 1 and c["runs"] > 2:
            steps += list(rankdata(c["each_steps"]) / c["runs"])
            gaps += list(rankdata(c["each_gap"]) / c["runs"])
    if len(steps) < 10:
        return None
    correlation, p_value = np.asarray(spearmanr(steps, gaps))
    return {"correlation": float(correlation), "p_value": float(p_value), "runs": len(steps)}
