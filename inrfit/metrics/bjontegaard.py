"""How much two rate-distortion curves differ on average, in rate and in PSNR; where the points come from is not known here.

Both numbers are integrals between two curves over what they have in common. A curve goes through its points by
monotone cubic pieces (PCHIP) over the logarithm of the rate.

Source: Bjontegaard, Calculation of average PSNR differences between RD-curves, ITU-T VCEG-M33, 2001, for both measures;
ITU-T technical paper HSTP-VID-WPOM, 2020, for the pieces in place of one polynomial, as JVET uses them.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from inrfit.errors import InputError

FEWEST = 4
"""Points that a curve needs."""

Curve = Sequence[tuple[float, float]]
"""Points (rate, PSNR in dB), in any order; the unit of the rate only has to be that of the other curve."""


def bd_rate(anchor: Curve, tested: Curve) -> float:
    """Return how much more rate one curve takes than another at equal PSNR, on average, in percent.

    Args:
        anchor: points (rate, PSNR in dB) that are compared with, four at least.
        tested: those that are judged; below 0 they take less rate than `anchor`.

    Raises:
        InputError: a curve has fewer than four points or does not rise, or they have no PSNR in common.
    """
    (rate, psnr), (rate_tested, psnr_tested) = _checked(anchor, "anchor"), _checked(tested, "tested")
    mean = _mean_difference(psnr, rate, psnr_tested, rate_tested, "PSNR")
    return float(100 * np.expm1(mean))


def bd_psnr(anchor: Curve, tested: Curve) -> float:
    """Return how much higher the PSNR of one curve is than that of another at equal rate, on average, in dB.

    Args:
        anchor, tested: as for `bd_rate`; above 0 `tested` is better.

    Raises:
        InputError: as for `bd_rate`, or the curves have no rate in common.
    """
    (rate, psnr), (rate_tested, psnr_tested) = _checked(anchor, "anchor"), _checked(tested, "tested")
    return _mean_difference(rate, psnr, rate_tested, psnr_tested, "rate")


def front(points: Curve) -> list[tuple[float, float]]:
    """Return those points, by rising rate, that have a higher PSNR than every point of no more rate."""
    found: list[tuple[float, float]] = []
    for rate, psnr in sorted(points, key=lambda point: (point[0], -point[1])):
        if not found or psnr > found[-1][1]:
            found.append((rate, psnr))
    return found


def _checked(points: Curve, name: str) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return natural logarithms of the rates, and the PSNRs, by rising rate."""
    if len(points) < FEWEST:
        raise InputError(
            f"the {name} curve has {len(points)} points, a BD-rate needs at least {FEWEST}",
            hint=f"give {FEWEST} files of one picture, of different sizes",
        )
    values = np.array(sorted(points), np.float64)
    if not np.isfinite(values).all() or (values[:, 0] <= 0).any():
        raise InputError(f"the {name} curve has a rate or a PSNR that is not a finite number, rates above 0")
    for (rate, psnr), (more, higher) in pairwise(values):
        if more <= rate or higher <= psnr:
            raise InputError(
                f"the {name} curve does not rise: {psnr:.2f} dB at rate {rate:.6g}, {higher:.2f} dB at {more:.6g}",
                hint="leave out the point that costs more and gives less",
            )
    return np.log(values[:, 0]), values[:, 1]


def _mean_difference(
    x: NDArray[np.float64],
    y: NDArray[np.float64],
    x_tested: NDArray[np.float64],
    y_tested: NDArray[np.float64],
    what: str,
) -> float:
    """Return the mean of `y_tested` minus `y` over the span of x that both have."""
    from scipy.interpolate import PchipInterpolator

    low, high = max(x[0], x_tested[0]), min(x[-1], x_tested[-1])
    if not low < high:
        ends = np.array([x[0], x[-1], x_tested[0], x_tested[-1]])
        first, last, first_tested, last_tested = np.exp(ends) if what == "rate" else ends
        raise InputError(
            f"the curves have no {what} in common: the anchor goes from {first:.6g} to {last:.6g}, "
            f"the tested from {first_tested:.6g} to {last_tested:.6g}",
            hint="give files whose curve meets the other",
        )
    areas = [
        float(PchipInterpolator(*curve).integrate(low, high)) for curve in ((x, y), (x_tested, y_tested))
    ]
    return (areas[1] - areas[0]) / float(high - low)
