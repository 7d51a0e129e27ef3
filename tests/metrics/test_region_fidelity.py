from __future__ import annotations

import math
import tracemalloc
from dataclasses import dataclass

import numpy as np
import pytest

from inrfit.domain import image_domain
from inrfit.errors import InputError
from inrfit.metrics import regions
from inrfit.metrics.fidelity import psnr
from inrfit.metrics.regions import border_error, region_psnr
from inrfit.partitions import Partition, Region

BYTES = (0.0, 255.0)


@dataclass
class Painted:
    """A partition that is nothing but its labels."""

    map: np.ndarray

    def __len__(self) -> int:
        return int(self.map.max()) + 1

    def labels(self) -> np.ndarray:
        return self.map.astype(np.int32)


def halves(height: int, width: int) -> Partition:
    """A grid of two cells side by side, built from the fixed types."""
    middle = width // 2
    boxes = [((0, height), (0, middle)), ((0, height), (middle, width))]
    return Partition(
        domain=image_domain(height, width),
        regions=tuple(Region(id=n, box=box, nominal=(height, middle)) for n, box in enumerate(boxes)),
        kind="grid",
        edges=((0, height), (0, middle, width)),
    )


def images(height: int, width: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    reference = rng.integers(0, 256, (height, width, 3), dtype=np.uint8)
    return reference, rng.integers(0, 256, (height, width, 3), dtype=np.uint8)


def test_region_psnr_of_a_grid_is_the_psnr_of_its_cells():
    reference, decoded = images(6, 10)
    assert region_psnr(reference, decoded, halves(6, 10), BYTES) == pytest.approx(
        [psnr(reference[:, cell], decoded[:, cell], BYTES) for cell in (slice(0, 5), slice(5, 10))]
    )


def test_region_psnr_of_a_label_map_is_the_psnr_of_its_samples():
    reference, decoded = images(9, 8)
    labels = np.random.default_rng(1).integers(-1, 3, (9, 8))
    expected = [psnr(reference[labels == n], decoded[labels == n], BYTES) for n in range(3)]
    assert region_psnr(reference, decoded, Painted(labels), BYTES) == pytest.approx(expected)


def test_an_exact_region_is_infinite_and_leaves_the_others_alone():
    reference, decoded = images(4, 8)
    decoded[:, :4] = reference[:, :4]
    left, right = region_psnr(reference, decoded, halves(4, 8), BYTES)
    assert left == math.inf
    assert 0 < right < 20


def test_border_error_by_hand():
    reference = np.zeros((5, 20, 1), np.float32)
    decoded = np.full((5, 20, 1), 0.1, np.float32)
    decoded[:, 9] = 0.3  # the border samples are columns 9 and 10
    decoded[:, 11:14] = 0.9  # neither at the border nor 4 away from it: not counted
    expected = (0.3**2 + 0.1**2) / 2 / 0.1**2
    assert border_error(reference, decoded, halves(5, 20), (0.0, 1.0)) == pytest.approx(expected, rel=1e-5)


def test_samples_four_away_count_and_three_away_do_not():
    reference = np.zeros((1, 20, 1), np.float32)
    for column, counts in ((5, True), (6, False), (13, False), (14, True)):
        decoded = np.zeros((1, 20, 1), np.float32)
        decoded[0, 9] = 1.0
        decoded[0, column] = 1.0
        ratio = border_error(reference, decoded, halves(1, 20), (0.0, 1.0))
        assert ratio == (pytest.approx(0.5 / (1 / 12)) if counts else math.inf)


def test_distance_is_chebyshev():
    labels = np.zeros((12, 12), int)
    labels[0, 0] = 1  # border samples: (0, 0), (0, 1), (1, 0)
    reference = np.zeros((12, 12, 1), np.float32)
    decoded = reference.copy()
    decoded[0, 0] = 1.0
    decoded[3, 3] = 1.0  # 3 away by Chebyshev, 5 by city blocks
    assert border_error(reference, decoded, Painted(labels), (0.0, 1.0)) == math.inf


def test_a_uniform_error_gives_one():
    reference = np.full((16, 16, 3), 100, np.uint8)
    assert border_error(reference, reference + np.uint8(5), halves(16, 16), BYTES) == pytest.approx(1)


def test_border_error_is_zero_when_only_the_rest_has_errors():
    reference = np.zeros((4, 20, 1), np.uint8)
    decoded = reference.copy()
    decoded[:, 0] = 9
    assert border_error(reference, decoded, halves(4, 20), BYTES) == 0


@pytest.mark.parametrize(
    "labels",
    [
        np.zeros((12, 12), int),  # one region
        np.indices((12, 12)).sum(0) % 2,  # every sample lies at a border
        np.where(np.arange(12) < 5, 0, np.where(np.arange(12) < 8, -1, 1))[None].repeat(12, 0),  # apart
    ],
)
def test_border_error_is_not_defined_without_a_border_or_a_rest(labels):
    reference, decoded = images(12, 12)
    assert border_error(reference, decoded, Painted(labels), BYTES) is None


def test_border_error_of_identical_images_is_not_defined():
    reference, _ = images(4, 20)
    assert border_error(reference, reference, halves(4, 20), BYTES) is None


def test_removed_regions_are_not_counted():
    labels = np.repeat([0, 1, -1], 10)[None].repeat(4, 0)
    reference = np.zeros((4, 30, 1), np.uint8)
    decoded = np.full((4, 30, 1), 3, np.uint8)
    decoded[:, 20:] = 255
    assert border_error(reference, decoded, Painted(labels), BYTES) == pytest.approx(1)
    assert region_psnr(reference, decoded, Painted(labels), BYTES) == pytest.approx(
        [20 * math.log10(255 / 3)] * 2
    )


@pytest.mark.parametrize("metric", [region_psnr, border_error])
def test_a_partition_of_another_size_is_an_error(metric):
    reference, decoded = images(4, 6)
    with pytest.raises(InputError, match=r"\(4, 6, 3\).*\(4, 8\)"):
        metric(reference, decoded, halves(4, 8), BYTES)
    with pytest.raises(InputError, match="cannot be compared"):
        metric(reference, decoded[:2], halves(4, 6), BYTES)


def test_channels_are_not_in_double_precision_together(monkeypatch):
    reference = np.random.default_rng(0).random((8192, 2, 32), np.float32)
    decoded, labels = reference * np.float32(0.9), np.arange(2 * 8192).reshape(8192, 2) // 8192
    before = region_psnr(reference, decoded, Painted(labels), (0.0, 1.0))
    monkeypatch.setattr(regions, "PART", 1 << 12)
    tracemalloc.start()
    assert region_psnr(reference, decoded, Painted(labels), (0.0, 1.0)) == before
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < reference.size * 8 / 3
