"""The lattice of a signal: places in units, what a user types, and the lattice of an output."""

from __future__ import annotations

import pickle

import pytest

from inrfit.domain import Box, Domain, image_domain
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
    assert CLIP.per_unit == pytest.approx(25)


def test_an_end_is_in_seconds_on_an_axis_of_time_and_in_samples_on_others() -> None:
    assert CLIP.end(0, 1.5) == 38  # 37.5 rounds to even
    assert CLIP.end(0, 1) == 25
    assert CLIP.end(0, -0.4) == -10
    assert CLIP.end(1, 3.0) == 3
    assert isinstance(CLIP.end(2, -2.0), int)
    with pytest.raises(ConfigError, match=r"1\.5 is no whole number of samples on the axis y"):
        CLIP.end(1, 1.5)


def test_the_output_at_the_fitted_size_lies_where_the_signal_lies() -> None:
    same = CLIP.resampled(Box.of((0, 0, 0), CLIP.shape), CLIP.shape)
    assert (same.shape, same.origin, same.units) == (CLIP.shape, (0, 0, 0), CLIP.units)
    assert same.spacing == pytest.approx(CLIP.spacing)
    assert same.corner == pytest.approx(CLIP.corner)


@pytest.mark.parametrize("factor", [2, 3])
def test_the_samples_of_a_larger_output_share_the_extent_of_those_of_the_signal(factor: int) -> None:
    sizes = tuple(factor * n for n in CLIP.shape)
    fine = CLIP.resampled(Box.of((0, 0, 0), sizes), sizes)
    for old, new, a, b, n in zip(
        CLIP.corner, fine.corner, CLIP.spacing, fine.spacing, CLIP.shape, strict=True
    ):
        assert b == pytest.approx(a / factor)
        assert new - b / 2 == pytest.approx(old - a / 2)
        assert new + (factor * n - 0.5) * b == pytest.approx(old + (n - 0.5) * a)


def test_a_window_of_an_output_lies_at_its_place_in_the_whole() -> None:
    sizes = (100, 8, 6)
    whole = CLIP.resampled(Box.of((0, 0, 0), sizes), sizes)
    part = CLIP.resampled(Box(((30, 40), (2, 8), (1, 3))), sizes)
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


BOX = Box(((-3, 5), (2, 9)))


def test_a_box_is_a_tuple_of_ranges() -> None:
    assert BOX == ((-3, 5), (2, 9)) == Box.of((-3, 2), (8, 7))
    assert {((-3, 5), (2, 9)): 1}[BOX] == 1
    assert pickle.loads(pickle.dumps(BOX)) == BOX
    assert (BOX.origin, BOX.shape, BOX.size) == ((-3, 2), (8, 7), 56)
    assert CLIP.box == ((-25, 25), (0, 8), (2, 14))


def test_boxes_meet_and_lie_in_each_other() -> None:
    assert BOX & ((0, 9), (0, 4)) == ((0, 5), (2, 4))
    assert (BOX & Box(((0, 9), (9, 12)))).size == 0
    assert (BOX & ((7, 9), (20, 22))).shape == (0, 0)
    box = Box(BOX)
    assert [box <= other for other in (box, box.grown(1), box.along(1, 3, 9))] == [True, True, False]
    assert box & ((0, 9), (0, 4)) <= box
    assert Box.around([BOX, Box(((4, 6), (0, 1)))]) == ((-3, 6), (0, 9))


def test_a_box_grows_and_is_counted_from_an_origin() -> None:
    assert BOX.grown(2) == ((-5, 7), (0, 11))
    assert BOX.grown((0, 1)) == ((-3, 5), (1, 10))
    assert BOX.from_origin((-4, 2)) == ((1, 9), (0, 7))
    assert BOX.slices((-4, 2)) == (slice(1, 9), slice(0, 7))
    assert BOX.middle(1) == ((-3, 5), (5, 6))
    assert BOX.along(0, 1, 2) == ((1, 2), (2, 9))


def test_bands_of_a_box_are_whole_rows() -> None:
    assert list(BOX.bands(21)) == [((-3, 0), (2, 9)), ((0, 3), (2, 9)), ((3, 5), (2, 9))]
    assert [band[1] for band in BOX.bands(16, axis=1)] == [(2, 4), (4, 6), (6, 8), (8, 9)]
    assert len(list(BOX.bands(1))) == 8


def test_a_domain_over_a_box_keeps_its_lattice() -> None:
    part = CLIP.over(Box(((0, 10), (2, 4), (5, 6))))
    assert (part.shape, part.origin, part.spacing) == ((10, 2, 1), (0, 2, 5), CLIP.spacing)
    assert part.corner == pytest.approx((10.0, 2.0, 5.0))
