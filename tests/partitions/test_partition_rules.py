"""What every rule of the registry promises."""

from __future__ import annotations

import numpy as np
import pytest

from inrfit.partitions import build
from inrfit.partitions.config import PartitionConfig
from inrfit.registry import names

SHAPES = [(1, 1), (1, 9), (9, 1), (2, 3), (33, 47)]


@pytest.fixture
def configure(tmp_path):
    """Make a configuration for a rule; label images are written where the rule needs one."""

    def make(rule, shape):
        if rule != "labels":
            return PartitionConfig(rule=rule, cell=8 if rule == "grid" else None, segmenter="hfs")
        np.save(tmp_path / "labels.npy", np.random.default_rng(1).integers(0, 3, shape, np.uint8))
        return PartitionConfig(rule=rule, labels=str(tmp_path / "labels.npy"))

    return make


@pytest.mark.parametrize("rule", names("partition"))
@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("flat", [True, False])
def test_every_sample_belongs_to_exactly_one_region(image_of, configure, rule, shape, flat):
    random = np.random.default_rng(0).integers(0, 256, (*shape, 3), np.uint8)
    signal = image_of(np.full_like(random, 9) if flat else random)
    partition = build(signal, configure(rule, shape))
    points = np.concatenate([region.points() for region in partition.regions])
    assert len(points) == shape[0] * shape[1] == len(np.unique(points, axis=0))
    assert points.min() >= 0 and (points < shape).all()
    painted = np.full(shape, -1)
    for number, region in enumerate(partition.regions):
        painted[tuple(region.points().T)] = number
    assert np.array_equal(partition.labels(), painted)
    for y, x in np.ndindex(*(min(n, 3) for n in shape)):
        part = partition.labels(((y, shape[0] - y // 2), (x, x + 1)))
        assert np.array_equal(part, painted[y : shape[0] - y // 2, x : x + 1])
    assert sum(partition.areas) == signal.domain.size and min(partition.areas) >= 1
    assert [region.id for region in partition.regions] == list(range(len(partition)))
    assert all(side > 0 for region in partition.regions for side in region.nominal)


@pytest.mark.parametrize("rule", names("partition"))
def test_the_same_request_gives_the_same_regions(image_of, textured, configure, rule):
    config = configure(rule, textured.shape[:2])
    first, second = (build(image_of(textured.copy()), config) for _ in range(2))
    assert np.array_equal(first.labels(), second.labels())
    assert [(r.id, r.box, r.nominal) for r in first.regions] == [
        (r.id, r.box, r.nominal) for r in second.regions
    ]


@pytest.mark.parametrize("rule", ["grid", "seg"])
@pytest.mark.parametrize("heads", [1, 2, 3, 4, 9, 16])
def test_heads_are_met_exactly(image_of, textured, rule, heads):
    assert len(build(image_of(textured), PartitionConfig(rule=rule, heads=heads))) == heads
