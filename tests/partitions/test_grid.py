from __future__ import annotations

import itertools

import numpy as np
import pytest

from inrfit.domain import Domain, image_domain
from inrfit.errors import ConfigError
from inrfit.partitions.config import PartitionConfig
from inrfit.partitions.grid import divide, from_edges, grid, near_square, whole
from inrfit.signal import ArraySignal, SignalInfo


def blank(*shape, origin=None):
    names = ("z", "y", "x")[-len(shape) :]
    domain = Domain(
        shape=shape,
        axes=names,
        units=("px",) * len(shape),
        spacing=(1.0,) * len(shape),
        origin=origin or (0,) * len(shape),
    )
    return ArraySignal(values=np.zeros((*shape, 1), np.uint8), domain=domain, info=SignalInfo(colour="grey"))


def test_whole_is_one_region_with_the_size_of_the_domain_as_nominal():
    partition = whole(blank(5, 7), PartitionConfig(rule="none"))
    assert partition.kind == "grid" and partition.grid == (1, 1)
    assert partition.edges == ((0, 5), (0, 7))
    assert partition.regions[0].nominal == (5.0, 7.0) and partition.areas == (35,)


def test_cells_differ_by_at_most_one_sample_and_follow_the_formula():
    partition = grid(blank(10, 7), PartitionConfig(grid=(3, 2)))
    assert partition.edges == ((0, 3, 6, 10), (0, 3, 7))
    assert [region.shape for region in partition.regions] == [(3, 3), (3, 4), (3, 3), (3, 4), (4, 3), (4, 4)]
    assert all(region.nominal == (10 / 3, 3.5) and region.mask is None for region in partition.regions)


def test_ids_count_cells_row_by_row():
    partition = grid(blank(4, 6), PartitionConfig(grid=(2, 3)))
    assert [region.id for region in partition.regions] == list(range(6))
    assert partition.regions[4].box == ((2, 4), (2, 4))


def test_indices_start_at_the_origin():
    partition = grid(blank(5, 6, origin=(-3, 10)), PartitionConfig(grid=(2, 3)))
    assert partition.edges == ((-3, -1, 2), (10, 12, 14, 16))
    assert partition.labels().shape == (5, 6)


@pytest.mark.parametrize("shape", [(9,), (4, 5, 6)])
def test_any_number_of_axes(shape):
    partition = grid(blank(*shape), PartitionConfig(grid=(2,) * len(shape)))
    assert partition.grid == (2,) * len(shape)
    assert sum(partition.areas) == np.prod(shape)
    assert np.array_equal(np.bincount(partition.labels().ravel()), partition.areas)


@pytest.mark.parametrize(
    ("count", "shape", "cells"),
    [
        (1, (5, 7), (1, 1)),
        (4, (100, 100), (2, 2)),
        (2, (100, 100), (1, 2)),
        (7, (100, 700), (1, 7)),
        (7, (700, 100), (7, 1)),
        (12, (300, 400), (3, 4)),
        (12, (400, 300), (4, 3)),
        (8, (100, 800), (1, 8)),
        (4, (1, 9), (1, 4)),
        (6, (90,), (6,)),
        (8, (10, 10, 10), (2, 2, 2)),
    ],
)
def test_heads_become_cells_as_square_as_they_can_be(count, shape, cells):
    assert near_square(count, shape) == cells


@pytest.mark.parametrize(("height", "width"), [(37, 91), (64, 64), (3, 50)])
def test_no_other_factoring_is_more_square(height, width):
    def elongation(rows, columns):
        return max(height / rows, width / columns) / min(height / rows, width / columns)

    for count in range(1, 60):
        fits = [
            (r, c)
            for r, c in itertools.product(range(1, count + 1), repeat=2)
            if r * c == count and r <= height and c <= width
        ]
        if fits:
            chosen = near_square(count, (height, width))
            assert chosen in fits
            assert elongation(*chosen) <= min(elongation(*pair) for pair in fits) * (1 + 1e-12)


@pytest.mark.parametrize(
    ("samples", "cell", "count"),
    [(1, 32, 1), (31, 32, 1), (45, 32, 2), (42, 32, 1), (64, 32, 2), (256, 32, 8), (5, 1, 5), (3, 2, 2)],
)
def test_without_a_request_cells_are_near_the_cell_size(samples, cell, count):
    assert grid(blank(samples, samples), PartitionConfig(cell=cell)).grid == (count, count)


@pytest.mark.parametrize("cell", [1, 2, 5, 32])
def test_no_other_count_is_nearer_the_cell_size(cell):
    for samples in range(1, 80):
        (count,) = grid(blank(samples), PartitionConfig(cell=cell)).grid
        assert abs(samples / count - cell) == min(abs(samples / c - cell) for c in range(1, samples + 1))


def test_more_cells_than_samples_names_size_request_and_limit():
    with pytest.raises(ConfigError, match=r"--grid 3x9 .* 10x8 samples .*at most --grid 10x8"):
        grid(blank(10, 8), PartitionConfig(grid=(3, 9)))


def test_a_grid_needs_one_count_per_axis():
    with pytest.raises(ConfigError, match=r"--grid 3x9 gives 2 axes, the signal has 1"):
        grid(blank(10), PartitionConfig(grid=(3, 9)))


def test_more_heads_than_samples():
    with pytest.raises(ConfigError, match=r"--heads 21 .* 4x5 samples .*at most 20"):
        grid(blank(4, 5), PartitionConfig(heads=21))


def test_heads_that_no_rows_and_columns_give_name_the_next_that_do():
    with pytest.raises(ConfigError, match=r"--heads 7 .* 5x5") as caught:
        grid(blank(5, 5), PartitionConfig(heads=7))
    assert caught.value.hint == "the next lower number that can is --heads 6"


def test_from_edges_gives_the_same_cells_again():
    first = grid(blank(10, 7), PartitionConfig(grid=(3, 2)))
    again = from_edges(first.domain, first.edges, first.regions[0].nominal)
    assert [(r.id, r.box, r.nominal) for r in again.regions] == [
        (r.id, r.box, r.nominal) for r in first.regions
    ]


def test_absent_cells_leave_holes_and_keep_the_other_ids():
    full = divide(image_domain(4, 4), (2, 2))
    part = from_edges(full.domain, full.edges, (2, 2), present=[1, 2])
    assert [region.id for region in part.regions] == [1, 2]
    assert part.labels().tolist() == [[-1, -1, 0, 0]] * 2 + [[1, 1, -1, -1]] * 2


@pytest.mark.parametrize(
    ("edges", "nominal", "present"),
    [
        (((0, 2, 2), (0, 4)), (2, 4), None),
        (((0,), (0, 4)), (2, 4), None),
        (((0, 4),), (4,), None),
        (((0, 4), (0, 4)), (4,), None),
        (((0, 5), (0, 4)), (4, 4), None),
        (((-1, 4), (0, 4)), (4, 4), None),
        (((0, 2, 4), (0, 4)), (2, 4), [1, 0]),
        (((0, 2, 4), (0, 4)), (2, 4), [0, 0]),
        (((0, 2, 4), (0, 4)), (2, 4), [2]),
        (((0, 2, 4), (0, 4)), (2, 4), [-1]),
    ],
)
def test_from_edges_refuses_what_is_no_grid_of_the_domain(edges, nominal, present):
    with pytest.raises(ConfigError):
        from_edges(image_domain(4, 4), edges, nominal, present)


def test_default_cells_grow_where_they_would_be_too_many(monkeypatch):
    monkeypatch.setattr("inrfit.partitions.grid.MAX_CELLS", 16)
    assert grid(blank(128, 128), PartitionConfig()).grid == (4, 4)
    assert grid(blank(129, 256), PartitionConfig()).grid == (2, 4)
    with pytest.raises(ConfigError, match="at most 16"):
        grid(blank(128, 128), PartitionConfig(grid=(5, 5)))
