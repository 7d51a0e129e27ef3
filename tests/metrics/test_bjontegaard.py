from __future__ import annotations

import numpy as np
import pytest

from inrfit.errors import InputError
from inrfit.metrics.bjontegaard import bd_psnr, bd_rate, front

CURVE = [(0.25, 28.0), (0.5, 30.5), (1.0, 33.5), (2.0, 36.0), (4.0, 38.0)]


@pytest.mark.parametrize("factor", [0.5, 0.9, 1.0, 1.25, 3.0])
def test_a_curve_at_a_factor_of_the_rate_takes_that_much_more(factor: float) -> None:
    shifted = [(rate * factor, psnr) for rate, psnr in CURVE]
    assert bd_rate(CURVE, shifted) == pytest.approx(100 * (factor - 1), abs=1e-9)


@pytest.mark.parametrize("gain", [-1.5, 0.0, 0.75])
def test_a_curve_above_another_is_that_much_better(gain: float) -> None:
    assert bd_psnr(CURVE, [(rate, psnr + gain) for rate, psnr in CURVE]) == pytest.approx(gain, abs=1e-9)


def test_straight_lines_give_what_their_formulas_do() -> None:
    # ln rate = (psnr - 28) / 3 and (psnr - 28) / 4; both are there from 28 to 40 dB, where the mean of
    # (psnr - 28) is 6, so that the mean difference of the logarithms is 6 (1/4 - 1/3) = -1/2.
    steep = [(float(np.exp((psnr - 28) / 3)), psnr) for psnr in (28.0, 31.0, 36.0, 40.0)]
    flat = [(float(np.exp((psnr - 28) / 4)), psnr) for psnr in (28.0, 30.0, 33.0, 40.0)]
    assert bd_rate(steep, flat) == pytest.approx(100 * (np.exp(-0.5) - 1), abs=1e-9)
    # By rate both are there for ln rate from 0 to 3, where psnr is 28 + 3 x and 28 + 4 x: 1.5 dB on average.
    assert bd_psnr(steep, flat) == pytest.approx(1.5, abs=1e-9)


def test_it_is_close_to_the_sum_over_fine_steps_of_an_own_interpolation() -> None:
    # Slopes of the monotone pieces by hand: harmonic means of the slopes beside a point, weighted by the other's width.
    other = [(0.3, 29.0), (0.7, 31.0), (1.5, 34.5), (3.0, 36.5)]

    def fine(points: list[tuple[float, float]], at: np.ndarray) -> np.ndarray:
        x, y = np.array([p for _, p in points]), np.log([r for r, _ in points])
        h, d = np.diff(x), np.diff(y) / np.diff(x)
        w1, w2 = 2 * h[1:] + h[:-1], h[1:] + 2 * h[:-1]
        inner = (w1 + w2) / (w1 / d[:-1] + w2 / d[1:])
        first = ((2 * h[0] + h[1]) * d[0] - h[0] * d[1]) / (h[0] + h[1])
        last = ((2 * h[-1] + h[-2]) * d[-1] - h[-1] * d[-2]) / (h[-1] + h[-2])
        assert first > 0
        assert last > 0
        slopes = np.array([first, *inner, last])
        k = np.clip(np.searchsorted(x, at, "right") - 1, 0, len(h) - 1)
        t = (at - x[k]) / h[k]
        return (
            (1 + 2 * t) * (1 - t) ** 2 * y[k]
            + t * (1 - t) ** 2 * h[k] * slopes[k]
            + t**2 * (3 - 2 * t) * y[k + 1]
            + t**2 * (t - 1) * h[k] * slopes[k + 1]
        )

    middles = 29.0 + (np.arange(100_000) + 0.5) * (36.5 - 29.0) / 100_000
    mean = float(np.mean(fine(other, middles) - fine(CURVE, middles)))
    assert bd_rate(CURVE, other) == pytest.approx(100 * (np.exp(mean) - 1), abs=1e-6)


def test_the_order_of_points_and_the_unit_of_rates_do_not_count() -> None:
    other = [(rate * 1.1, psnr - 0.2 * psnr / 30) for rate, psnr in CURVE]
    found = bd_rate(CURVE, other)
    assert bd_rate(CURVE[::-1], other[::-1]) == found
    bits = [[(rate * 49152, psnr) for rate, psnr in curve] for curve in (CURVE, other)]
    assert bd_rate(*bits) == pytest.approx(found, rel=1e-9)


@pytest.mark.parametrize(
    ("tested", "said"),
    [
        (CURVE[:3], "tested curve has 3 points, a BD-rate needs at least 4"),
        (
            [(r, p + 20) for r, p in CURVE],
            "no PSNR in common: the anchor goes from 28 to 38, the tested from 48 to 58",
        ),
        ([*CURVE, (8.0, 37.0)], "does not rise: 38.00 dB at rate 4, 37.00 dB at 8"),
        ([*CURVE, (4.0, 38.5)], "does not rise"),
        ([*CURVE[:-1], (4.0, float("inf"))], "not a finite number"),
        ([(0.0, 20.0), *CURVE], "rates above 0"),
    ],
)
def test_curves_without_an_answer_are_errors(tested: list[tuple[float, float]], said: str) -> None:
    with pytest.raises(InputError, match=said):
        bd_rate(CURVE, tested)


def test_rates_without_overlap_are_told_as_rates() -> None:
    far = [(rate * 100, psnr) for rate, psnr in CURVE]
    assert bd_rate(CURVE, far) == pytest.approx(9900)
    with pytest.raises(
        InputError, match=r"no rate in common: the anchor goes from 0\.25 to 4, the tested from 25 to 400"
    ):
        bd_psnr(CURVE, far)


def test_the_front_leaves_out_what_costs_more_and_gives_less() -> None:
    assert front([(3, 32), (1, 30), (2, 29), (3, 31), (4, 32)]) == [(1, 30), (3, 32)]
