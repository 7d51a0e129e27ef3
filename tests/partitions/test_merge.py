from __future__ import annotations

import numpy as np
import pytest
from scipy import ndimage

from inrfit.partitions.merge import adjacency, components, merge

SHAPES = [(1, 1), (1, 9), (9, 1), (6, 7), (17, 23), (40,), (5, 6, 7)]


def random_labels(shape, values, seed):
    return np.random.default_rng(seed).integers(0, values, shape)


def plain_components(labels):
    """Label by label with scipy; pieces then numbered as their first samples come."""
    pieces = np.zeros(labels.shape, np.int64)
    for value in np.unique(labels):
        found, _ = ndimage.label(labels == value, np.ones((3,) * labels.ndim))
        pieces[found > 0] = found[found > 0] + pieces.max()
    return plain_renumbered(pieces)


def plain_renumbered(labels):
    seen = list(dict.fromkeys(labels.ravel().tolist()))
    return np.vectorize(seen.index, otypes=[np.int64])(labels)


def plain_adjacency(labels):
    pairs = set()
    for at in np.ndindex(labels.shape):
        around = tuple(slice(max(0, i - 1), i + 2) for i in at)
        pairs |= {tuple(sorted((int(labels[at]), int(b)))) for b in labels[around].ravel() if b != labels[at]}
    return sorted(pairs)


def plain_merge(labels, k):
    """Algorithm 1 as it reads: a pass over the image for every merge."""
    labels = labels.copy()
    while len(np.unique(labels)) > k:
        areas = {int(v): int((labels == v).sum()) for v in np.unique(labels)}
        small = min(areas, key=lambda v: (areas[v], v))
        touching = {a if b == small else b for a, b in plain_adjacency(labels) if small in (a, b)}
        labels[labels == small] = min(touching, key=lambda v: (areas[v], v))
    return plain_renumbered(labels)


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("values", [1, 2, 5])
def test_components_agree_with_the_plain_version(shape, values):
    labels = random_labels(shape, values, seed=values)
    assert np.array_equal(components(labels), plain_components(labels))


def test_components_join_at_corners_and_split_what_does_not_touch():
    labels = np.array([[7, 0, 0], [0, 7, 0], [0, 0, 0], [7, 0, 0]])
    assert components(labels).tolist() == [[0, 1, 1], [1, 0, 1], [1, 1, 1], [2, 1, 1]]


def test_components_take_negative_and_unsigned_labels():
    assert components(np.array([[-1, -1, 3]])).tolist() == [[0, 0, 1]]
    assert components(np.array([[0, 65535, 0]], np.uint16)).tolist() == [[0, 1, 2]]


@pytest.mark.parametrize("shape", SHAPES)
def test_adjacency_agrees_with_the_plain_version(shape):
    labels = random_labels(shape, 6, seed=1)
    assert adjacency(labels) == plain_adjacency(labels)


def test_corners_make_neighbours_and_uncovered_samples_do_not():
    assert adjacency(np.array([[0, 0, 1], [0, 0, 1], [2, 2, 3]])) == [
        (0, 1),
        (0, 2),
        (0, 3),
        (1, 2),
        (1, 3),
        (2, 3),
    ]
    assert adjacency(np.array([[0, -1, 1]])) == []


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("k", [1, 2, 3, 7, 12])
def test_merge_agrees_with_the_plain_version(seed, k):
    coarse = random_labels((5, 6), 9, seed).repeat(2, 0).repeat(3, 1)
    labels = plain_components(coarse) if seed % 2 else plain_components(random_labels((8, 9), 4, seed))
    assert np.array_equal(merge(labels, k), plain_merge(labels, k))


@pytest.mark.parametrize("shape", [(1, 30), (30, 1), (30,), (4, 5, 6)])
def test_merge_works_on_any_number_of_axes(shape):
    labels = components(random_labels(shape, 5, seed=2))
    assert np.array_equal(merge(labels, 3), plain_merge(labels, 3))


def test_the_smallest_region_joins_its_smallest_neighbour_not_the_smallest_of_all():
    labels = np.array([[0] * 6 + [1] + [2] * 4 + [3] * 2])
    assert merge(labels, 3).tolist() == [[0] * 6 + [1] * 5 + [2] * 2]


def test_ties_go_to_the_lower_label():
    assert merge(np.array([[0, 1, 2, 3]]), 3).tolist() == [[0, 0, 1, 2]]
    assert merge(np.array([[3, 2, 1, 0]]), 3).tolist() == [[0, 1, 2, 2]]


def test_fewer_labels_than_asked_for_stay_and_are_renumbered():
    assert merge(np.array([[9, 9, 4]]), 5).tolist() == [[0, 0, 1]]


def test_a_hundred_thousand_regions_merge_in_seconds():
    labels = np.arange(320 * 320).reshape(320, 320)
    merged = merge(labels, 4)
    assert np.unique(merged).tolist() == [0, 1, 2, 3]
    assert merged[0, 0] == 0
