"""The lattice of a signal: places in units, what a user types, and the lattice of an output."""

from __future__ import annotations

import pytest

from inrfit.domain import Domain, image_domain
from inrfit.errors import ConfigError

CLIP = Domain(
    shape=(50, 8, 12),
    axes=("t", "y", "x"),
    units=("s", "px", "px"),
    spacing=(0.04, 1.0, 1.0),
    origin=(-25, 0, 2),
    offset=(10.0, 0.0, 0.0),
)


def test_the_corner_is_the_place_of_the_first_sample() -> None:
    assert CLIP.corner == pytest.approx((9.0, 0.0, 2.0))
    assert image_domain(3, 4).corner == (0.0, 0.0)


def test_the_rate_counts_samples_per_unit_of_the_first_axis() -> None:
    assert CLIP.rate == pytest.approx(25)


def test_an_end_is_in_seconds_on_an_axis_of_time_and_in_samples_on_others() -> None:
    assert CLIP.end(0, 1.5) == 38  # 37.5 rounds to even
    assert CLIP.end(0, 1) == 25
    assert CLIP.end(0, -0.4) == -10
    assert CLIP.end(1, 3.0) == 3
    assert isinstance(CLIP.end(2, -2.0), int)
    with pytest.raises(ConfigError, match=r"1\.5 is no whole number of samples on the axis y"):
        CLIP.end(1, 1.5)


def test_the_output_at_the_fitted_size_lies_where_the_signal_lies() -> None:
    same = CLIP.resampled(((0, 50), (0, 8), (0, 12)), CLIP.shape)
    assert (same.shape, same.origin, same.units) == (CLIP.shape, (0, 0, 0), CLIP.units)
    assert same.spacing == pytest.approx(CLIP.spacing)
    assert same.corner == pytest.approx(CLIP.corner)


@pytest.mark.parametrize("factor", [2, 3])
def test_the_samples_of_a_larger_output_share_the_extent_of_those_of_the_signal(factor: int) -> None:
    sizes = tuple(factor * n for n in CLIP.shape)
    fine = CLIP.resampled(tuple((0, n) for n in sizes), sizes)
    for old, new, a, b, n in zip(
        CLIP.corner, fine.corner, CLIP.spacing, fine.spacing, CLIP.shape, strict=True
    ):
        assert b == pytest.approx(a / factor)
        assert new - b / 2 == pytest.approx(old - a / 2)
        assert new + (factor * n - 0.5) * b == pytest.approx(old + (n - 0.5) * a)


def test_a_window_of_an_output_lies_at_its_place_in_the_whole() -> None:
    sizes = (100, 8, 6)
    whole = CLIP.resampled(((0, 100), (0, 8), (0, 6)), sizes)
    part = CLIP.resampled(((30, 40), (2, 8), (1, 3)), sizes)
    assert part.shape == (10, 6, 2)
    assert part.spacing == whole.spacing
    steps = (30, 2, 1)
    there = [c + k * s for c, k, s in zip(whole.corner, steps, whole.spacing, strict=True)]
    assert part.corner == pytest.approx(there)


def test_an_offset_has_one_number_for_each_axis() -> None:
    with pytest.raises(ConfigError, match="one entry per axis"):
        Domain(
            shape=(2, 2), axes=("y", "x"), units=("px", "px"), spacing=(1, 1), origin=(0, 0), offset=(1.0,)
        )
