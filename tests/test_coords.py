from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from inrfit.coords import global_frame, local_frame, nearest, resampled_positions
from inrfit.domain import Domain, image_domain
from inrfit.errors import ConfigError


def test_global_frame_puts_sample_centres_inside_minus_one_to_one():
    coords = global_frame(image_domain(4, 1)).coords([[0, 0], [3, 0]])
    assert coords.tolist() == [[-0.75, 0.0], [0.75, 0.0]]


def test_frames_invert():
    frame = global_frame(image_domain(7, 13))
    points = np.array([[0, 12], [6, 3]])
    assert frame.positions(frame.coords(points)) == pytest.approx(points)


def test_local_frames_have_one_scale_for_axes_of_one_unit():
    frame = local_frame((10.0, 20.0), (16.0, 4.0), ("px", "px"))
    assert frame.half == (4.0, 4.0)
    assert local_frame((0.0, 0.0), (16.0, 4.0), ("s", "px")).half == (8.0, 2.0)


def test_resampling_to_the_same_size_gives_the_integer_indices_exactly():
    for n in (1, 3, 7, 255, 1000):
        assert np.array_equal(resampled_positions((-2, n - 2), n), np.arange(-2, n - 2))


@given(
    st.integers(-(2**40), 2**40),
    st.integers(1, 300),
    st.integers(1, 300),
    st.integers(0, 40),
    st.integers(1, 300),
)
def test_a_place_has_the_same_position_in_a_part_of_the_range(first, length, size, offset, parts):
    """The part begins at a whole number of samples of both kinds and has the same ratio of them."""
    ratio = Fraction(length, size)
    start, wanted = offset * ratio.numerator, offset * ratio.denominator
    n, m = parts * ratio.numerator, parts * ratio.denominator
    whole = resampled_positions((first, first + 2 * start + n), 2 * wanted + m)
    part = resampled_positions((first + start, first + start + n), m)
    assert np.array_equal(part, whole[wanted : wanted + m])


@given(st.integers(-1000, 1000), st.integers(1, 500), st.integers(1, 500))
def test_positions_are_those_of_exact_arithmetic(first, length, size):
    exact = [first + Fraction(2 * k + 1, 2) * Fraction(length, size) - Fraction(1, 2) for k in range(size)]
    positions = resampled_positions((first, first + length), size)
    assert positions == pytest.approx([float(e) for e in exact], rel=2**-52, abs=2**-53)
    some = np.arange(size, dtype=np.int64)[::3]
    assert np.array_equal(resampled_positions((first, first + length), size, some), positions[::3])


def test_nearest_gives_ties_to_the_lower_index():
    assert nearest(np.array([-0.5, 0.5, 1.49, 1.51])).tolist() == [-1, 0, 1, 2]


def test_doubling_gives_each_sample_to_both_halves():
    assert nearest(resampled_positions((0, 3), 6)).tolist() == [0, 0, 1, 1, 2, 2]


def test_a_domain_needs_samples_and_equal_lengths():
    with pytest.raises(ConfigError, match="at least one sample"):
        image_domain(0, 3)
    with pytest.raises(ConfigError, match="one entry per axis"):
        Domain(shape=(3,), axes=("y", "x"), units=("px",), spacing=(1.0,), origin=(0,))
    assert image_domain(2, 3).box == ((0, 2), (0, 3))
    assert image_domain(2, 3).size == 6
