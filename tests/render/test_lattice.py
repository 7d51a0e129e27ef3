"""Which samples an output has, whose they are, and that crops agree with the whole, at every scale."""

from __future__ import annotations

import subprocess
import sys
from fractions import Fraction
from math import ceil, floor

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from inrfit.coords import nearest
from inrfit.domain import Domain, image_domain
from inrfit.errors import ConfigError
from inrfit.partitions.grid import divide
from inrfit.partitions.labels import from_labels
from inrfit.render import lattice as lattices
from inrfit.render.lattice import Axis, lattice_of, touched
from inrfit.render.output import Output


def domain_at(origin: tuple[int, int], shape: tuple[int, int]) -> Domain:
    return Domain(shape=shape, axes=("y", "x"), units=("px", "px"), spacing=(1.0, 1.0), origin=origin)


axes = st.builds(
    lambda first, length, size: Axis(first=first, length=length, size=size),
    st.integers(-50, 50),
    st.integers(1, 60),
    st.integers(1, 90),
)


@given(axes)
def test_owners_are_the_nearest_sources_with_ties_to_the_lower(axis):
    index = np.arange(axis.size)
    place = [
        axis.first + Fraction((2 * k + 1) * axis.length, 2 * axis.size) - Fraction(1, 2)
        for k in range(axis.size)
    ]
    assert axis.owners(index).tolist() == [ceil(p - Fraction(1, 2)) for p in place]
    assert np.array_equal(axis.owners(index), nearest(axis.positions(index)))
    assert axis.owners(index).min() >= axis.first
    assert axis.owners(index).max() < axis.first + axis.length


@given(axes, st.integers(-60, 120), st.integers(0, 70))
def test_the_samples_owned_by_a_range_are_those_whose_owners_lie_in_it(axis, start, count):
    owners = axis.owners(np.arange(axis.size))
    low, high = axis.owned(start, start + count)
    assert list(range(low, high)) == np.flatnonzero((owners >= start) & (owners < start + count)).tolist()


@given(axes, st.data())
def test_the_window_of_a_range_holds_the_cells_whose_centres_lie_in_it(axis, data):
    start = data.draw(st.integers(0, axis.length - 1))
    stop = data.draw(st.integers(start + 1, axis.length))
    low, high = axis.centred(axis.first + start, axis.first + stop)
    centres = [Fraction(2 * k + 1, 2) * Fraction(axis.length, axis.size) for k in range(axis.size)]
    inside = [k for k, centre in enumerate(centres) if start <= centre < stop]
    assert 0 <= low < high <= axis.size
    if inside:
        assert list(range(low, high)) == inside


def test_a_huge_axis_costs_nothing():
    axis = Axis(first=-(1 << 40), length=(1 << 28) - 1, size=1 << 28)
    assert axis.owned(axis.first + 5, axis.first + 9) == (5, 9)
    assert axis.owners(np.array([0, (1 << 28) - 1])).tolist() == [axis.first, axis.first + (1 << 28) - 2]


@given(
    st.sampled_from(["3", "3/2", "1/2", "2/3", "1"]),
    st.tuples(st.integers(-9, 9), st.integers(-9, 9)),
    st.data(),
)
def test_a_crop_has_the_lattice_of_the_whole(scale, corner, data):
    """Where the origin of a crop falls on whole samples of both, its samples are the same to the bit."""
    unit, factor = Fraction(scale).denominator, Fraction(scale)
    first = tuple(unit * n for n in corner)
    shape = tuple(unit * data.draw(st.integers(1, 12)) for _ in range(2))
    start = tuple(unit * data.draw(st.integers(0, n // unit - 1)) for n in shape)
    stop = tuple(
        s + unit * data.draw(st.integers(1, (n - s) // unit)) for n, s in zip(shape, start, strict=True)
    )
    whole, part = (
        domain_at(first, shape),
        domain_at(
            tuple(f + s for f, s in zip(first, start, strict=True)),
            tuple(b - a for a, b in zip(start, stop, strict=True)),
        ),
    )
    region = tuple(zip(start, stop, strict=True))
    windowed = Output(scale=float(factor), region=region).lattice(whole)
    cropped = Output(scale=float(factor)).lattice(part)
    assert windowed.factors == cropped.factors
    for a, b, (x0, x1), (y0, y1) in zip(
        windowed.axes, cropped.axes, windowed.fine, cropped.fine, strict=True
    ):
        assert np.array_equal(a.positions(np.arange(x0, x1)), b.positions(np.arange(y0, y1)))
        assert np.array_equal(a.owners(np.arange(x0, x1)), b.owners(np.arange(y0, y1)))


@given(st.integers(1, 4), st.integers(1, 4), st.integers(1, 3), st.integers(0, 5), st.integers(0, 5))
def test_a_filtered_sample_has_the_same_bits_in_every_window(fy, fx, channels, y, x):
    values = np.random.default_rng(0).normal(size=(8 * fy, 9 * fx, channels)).astype(np.float32)
    domain = image_domain(8 * fy, 9 * fx)
    whole_lattice = lattice_of(domain, (8, 9))
    partition = divide(domain, (1, 1))
    whole = lattices.box_filter(values, partition, whole_lattice)
    part_lattice = lattice_of(domain, (8, 9), ((y * fy, (y + 2) * fy), (x * fx, (x + 1) * fx)))
    fine = tuple(slice(a, b) for a, b in part_lattice.fine)
    part = lattices.box_filter(values[fine], partition, part_lattice)
    assert np.array_equal(part, whole[y : y + 2, x : x + 1])
    assert whole == pytest.approx(values.reshape(8, fy, 9, fx, channels).mean((1, 3)), abs=1e-6)


def test_a_filtered_sample_is_the_mean_of_what_is_covered():
    """Four columns of cells, the second is gone; half the size: half covered, uncovered, covered."""
    domain = image_domain(2, 8)
    partition = divide(domain, (1, 4)).select([0, 2, 3])
    assert partition.domain == domain
    lattice = lattice_of(domain, (1, 3))  # three fine samples in each output sample
    values = np.arange(18, dtype=np.float32).reshape(2, 9, 1)
    fine = lattices.coverage(partition, lattice)
    assert fine.tolist() == [[True, True, False, False, False, True, True, True, True]] * 2
    values[~fine] = 0
    assert lattices.covered(partition, lattice).tolist() == [[True, True, True]]
    filtered = lattices.box_filter(values, partition, lattice)[0, :, 0]
    assert filtered.tolist() == [(0 + 1 + 9 + 10) / 4, (5 + 14) / 2, (6 + 7 + 8 + 15 + 16 + 17) / 6]


def test_coverage_follows_masks_and_windows():
    labels = np.array([[0, 0, 1], [2, 0, 1], [2, 2, 1]])
    partition = from_labels(image_domain(3, 3), labels)
    part = partition.select([0, 1])
    assert part.domain.box == ((0, 3), (0, 3))
    assert lattices.coverage(part, lattice_of(part.domain)).tolist() == (labels < 2).tolist()
    doubled = lattices.coverage(part, lattice_of(part.domain, (6, 6)))
    assert np.array_equal(doubled, (labels < 2).repeat(2, 0).repeat(2, 1))
    window = lattices.coverage(part, lattice_of(part.domain, (6, 6), ((1, 3), (0, 2))))
    assert np.array_equal(window, doubled[2:6, 0:4])
    assert lattices.coverage(partition, lattice_of(part.domain)).all()


@given(st.integers(1, 40), st.integers(1, 40), st.data())
def test_touched_regions_are_those_with_a_sample_in_the_window(height, width, data):
    domain = domain_at((-7, 3), (30, 20))
    partition = divide(domain, (5, 4))
    y, x = data.draw(st.integers(0, 29)), data.draw(st.integers(0, 19))
    box = ((-7 + y, -7 + data.draw(st.integers(y + 1, 30))), (3 + x, 3 + data.draw(st.integers(x + 1, 20))))
    lattice = lattice_of(domain, (height, width), box)
    rows, columns = (
        axis.owners(np.arange(a, b)) - axis.first
        for axis, (a, b) in zip(lattice.axes, lattice.fine, strict=True)
    )
    shown = np.unique(partition.labels()[np.ix_(rows, columns)])
    assert touched((region.box for region in partition.regions), lattice) == shown.tolist()


@pytest.mark.parametrize(
    ("region", "box"),
    [
        (((0, 3), (1, 2)), ((10, 13), (-4, -3))),
        (((-2, None), (None, -1)), ((14, 16), (-5, 0))),
        (((None, None), (-6, 6)), ((10, 16), (-5, 1))),
        ([[np.int64(1), 2], (0, 1)], ((11, 12), (-5, -4))),
    ],
)
def test_regions_count_from_the_first_sample_as_slices_do(region, box):
    assert Output(region=region).lattice(domain_at((10, -5), (6, 6))) == lattice_of(
        domain_at((10, -5), (6, 6)), None, box
    )


@pytest.mark.parametrize(
    ("region", "said"),
    [
        (((10, 13), (0, 6)), "region 10:13,0:6 is empty or outside the signal, which spans 0:6,0:6"),
        (((0, 7), (0, 6)), "region 0:7,0:6"),
        (((-7, 3), (0, 6)), "region -7:3,0:6"),
        (((3, 3), (0, 6)), "region 3:3,0:6 is empty"),
        (((4, -4), (None, 6)), "region 4:-4,:6 is empty"),
        (((0, 3),), "region 0:3 is empty or outside"),
        ("0:3", "is not one .start, stop. for each of the axes y, x"),
        (((0.5, 3), (0, 1)), "is not one .start, stop."),
    ],
)
def test_regions_that_are_not_there_are_named_as_they_were_given(region, said):
    with pytest.raises(ConfigError, match=said):
        Output(region=region).lattice(domain_at((10, -5), (6, 6)))


def test_the_lattice_needs_no_torch():
    script = "import sys, inrfit.render.lattice, inrfit.codec.excerpt; print('torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


def test_scales_round_to_whole_sizes():
    assert Output(scale=1.5).sizes(image_domain(30, 7)) == (45, floor(10.5))
    assert Output(scale=1e-3).sizes(image_domain(30, 7)) == (1, 1)
