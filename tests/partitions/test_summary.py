from __future__ import annotations

import json

import numpy as np
import pytest

from inrfit.domain import image_domain
from inrfit.errors import ConfigError
from inrfit.partitions import Partition, Region, build
from inrfit.partitions.config import PartitionConfig
from inrfit.partitions.grid import divide, from_edges
from inrfit.partitions.labels import from_file, from_labels
from inrfit.partitions.summary import PALETTE, label_image, overlay, summary


def test_the_facts_of_a_grid():
    facts = summary(divide(image_domain(4, 6), (2, 2)), tile=4)
    assert json.loads(json.dumps(facts)) == {
        "kind": "grid",
        "regions": 4,
        "ids": [0, 1, 2, 3],
        "grid": [2, 2],
        "areas": [6, 6, 6, 6],
        "smallest": 6,
        "largest": 6,
        "adjacent": [[0, 1], [0, 2], [0, 3], [1, 2], [1, 3], [2, 3]],
        "padding": 0.25,
        "warnings": [],
    }


def test_the_facts_of_a_label_map():
    facts = summary(from_labels(image_domain(2, 3), np.array([[3, 3, 8], [3, 8, 8]])), tile=3)
    assert (facts["kind"], facts["grid"], facts["areas"]) == ("labels", None, [3, 3])
    assert facts["adjacent"] == [[0, 1]] and facts["padding"] == 0


def test_neighbours_are_named_by_id_after_a_crop():
    full = divide(image_domain(4, 4), (2, 2))
    facts = summary(from_edges(full.domain, full.edges, (2, 2), [1, 3]), tile=4)
    assert facts["ids"] == [1, 3] and facts["adjacent"] == [[1, 3]]


@pytest.mark.parametrize(("cells", "dtype"), [((16, 16), np.uint8), ((16, 17), np.uint16)])
def test_label_images_are_as_narrow_as_they_can_be(cells, dtype):
    partition = divide(image_domain(40, 40), cells)
    image = label_image(partition)
    assert image.dtype == dtype and np.array_equal(image, partition.labels())


def test_uncovered_samples_get_a_number_of_their_own():
    full = divide(image_domain(2, 2), (2, 2))
    assert label_image(from_edges(full.domain, full.edges, (1, 1), [0, 3])).tolist() == [[0, 2], [2, 1]]


def test_too_many_regions_for_a_label_image():
    region = Region(id=0, box=((0, 1), (0, 1)), nominal=(1.0, 1.0))
    many = Partition(domain=image_domain(300, 300), regions=(region,) * 65536, kind="labels")
    with pytest.raises(ConfigError, match="at most 65535 regions, the partition has 65536"):
        label_image(many)


def test_a_label_image_read_back_gives_the_same_regions(tmp_path, image_of, textured):
    signal = image_of(textured)
    first = build(signal, PartitionConfig(rule="seg", heads=9))
    np.save(tmp_path / "labels.npy", label_image(first))
    again = from_file(signal, PartitionConfig(rule="labels", labels=str(tmp_path / "labels.npy")))
    assert np.array_equal(again.labels(), first.labels())
    assert [r.box for r in again.regions] == [r.box for r in first.regions]


def test_neighbours_have_different_tints_and_the_picture_shows_through(image_of):
    grey = image_of(np.full((32, 48, 3), 100, np.uint8))
    partition = divide(grey.domain, (4, 6))
    drawn = overlay(grey, partition)
    assert drawn.dtype == np.uint8 and drawn.shape == (32, 48, 3)
    centres = drawn[4::8, 4::8].astype(int)
    assert (np.abs(np.diff(centres, axis=0)).sum(-1) > 0).all()
    assert (np.abs(np.diff(centres, axis=1)).sum(-1) > 0).all()
    assert np.array_equal(centres[0, 0], (100 * 3 + PALETTE[0].astype(int) * 2) // 5)
    bright = overlay(image_of(np.full((32, 48, 3), 200, np.uint8)), partition)
    assert (bright[4, 4] > drawn[4, 4]).all()


def test_lines_contrast_with_what_they_cross(image_of):
    values = np.zeros((20, 20, 3), np.uint8)
    values[:, 10:] = 255
    partition = divide(image_domain(20, 20), (2, 1))
    drawn = overlay(image_of(values), partition)
    assert (drawn[9, :10] == 255).all() and (drawn[9, 10:] == 0).all()
    assert (drawn[10, :10] < 255).all() and not (drawn[10, 10:] == 0).all()


def test_small_images_keep_their_tints_without_lines(image_of):
    drawn = overlay(image_of(np.full((4, 4, 3), 100, np.uint8)), divide(image_domain(4, 4), (4, 4)))
    assert not (drawn == 255).all(-1).any() and not (drawn == 0).all(-1).any()


def test_uncovered_samples_keep_their_colour(image_of):
    signal = image_of(np.full((40, 40, 3), 100, np.uint8))
    full = divide(signal.domain, (2, 2))
    drawn = overlay(signal, from_edges(full.domain, full.edges, (20, 20), [0]))
    assert (drawn[30, 30] == 100).all() and not (drawn[10, 10] == 100).all()


def test_the_preview_is_the_same_twice_and_leaves_the_picture_alone(image_of, textured):
    before = textured.copy()
    signal = image_of(textured)
    partition = build(signal, PartitionConfig(rule="seg", heads=9))
    assert np.array_equal(overlay(signal, partition), overlay(signal, partition))
    assert np.array_equal(textured, before)


def test_more_neighbours_than_tints_still_get_one(image_of):
    labels = np.zeros((30, 60), np.int64)
    labels[10, 2::4] = np.arange(1, 16)
    drawn = overlay(image_of(np.full((30, 60, 3), 100, np.uint8)), from_labels(image_domain(30, 60), labels))
    assert drawn.shape == (30, 60, 3)
