"""Taking some regions of a partition."""

from __future__ import annotations

import numpy as np
import pytest

from inrfit.domain import image_domain
from inrfit.errors import ConfigError
from inrfit.partitions import OUTSIDE, Partition
from inrfit.partitions.grid import divide, from_edges
from inrfit.partitions.labels import from_labels


def described(partition: Partition) -> list[tuple]:
    return [(region.id, region.box, region.nominal, region.area) for region in partition.regions]


def test_the_domain_becomes_the_box_around_what_is_kept_and_nothing_else_changes() -> None:
    whole = divide(image_domain(20, 30), (4, 3))
    part = whole.select([10, 4])
    assert part.domain.box == ((5, 20), (10, 20))
    assert (part.domain.axes, part.domain.units) == (whole.domain.axes, whole.domain.units)
    assert part.edges == whole.edges
    assert described(part) == [described(whole)[4], described(whole)[10]]
    labels = part.labels()
    assert labels.shape == (15, 10)
    assert (labels[:5] == 0).all()
    assert (labels[5:10] == OUTSIDE).all()
    assert (labels[10:] == 1).all()


def test_a_selection_is_what_a_file_of_it_gives_back() -> None:
    whole = divide(image_domain(20, 30), (4, 3))
    part = whole.select([4, 5])
    again = from_edges(part.domain, part.edges, part.regions[0].nominal, [4, 5])
    assert described(again) == described(part)
    assert described(part.select([1])) == described(whole.select([5]))


def test_segments_keep_their_masks() -> None:
    labels = np.array([[0, 0, 1, 1], [2, 0, 0, 1], [2, 2, 0, 0]])
    whole = from_labels(image_domain(3, 4), labels)
    part = whole.select([1, 2])
    assert part.domain.box == ((0, 3), (0, 4))
    assert np.array_equal(part.labels(), np.array([OUTSIDE, 0, 1])[labels])
    assert whole.select([2]).domain.box == ((1, 3), (0, 2))


@pytest.mark.parametrize("positions", [[], [-1], [12], [0, 99]])
def test_positions_that_are_not_there_are_named(positions: list[int]) -> None:
    with pytest.raises(ConfigError, match="do not name some of the 12 regions"):
        divide(image_domain(20, 30), (4, 3)).select(positions)
