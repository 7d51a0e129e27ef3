"""Masks of label maps: bytes and back, in little memory, and regions that claim one sample twice."""

from __future__ import annotations

import itertools
import tracemalloc
import zlib

import numpy as np
import pytest

from inrfit.codec import masks
from inrfit.errors import ContainerError
from inrfit.partitions import Region

MEGABYTE = 1 << 20


def region(number: int, *box: tuple[int, int], mask: np.ndarray | None = None) -> Region:
    return Region(id=number, box=box, nominal=(1.0,) * len(box), mask=mask)


@pytest.mark.parametrize("shape", [(1,), (3, 5), (8, 8), (2, 3, 7)])
@pytest.mark.parametrize("at_once", [8, 1 << 24])
def test_a_mask_comes_back_as_it_was(
    shape: tuple[int, ...], at_once: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(masks, "AT_ONCE", at_once)
    mask = np.random.default_rng(0).random(shape) < 0.5
    mask.flat[0] = False
    payload = masks.pack(mask) + b"weights"
    found, rest = masks.split(payload, shape, int(mask.sum()), "it")
    assert found is not None
    assert (np.array_equal(found, mask), found.dtype, rest) == (True, np.bool_, b"weights")
    assert masks.size(payload) == len(payload) - len(b"weights")


def test_a_mask_of_the_wrong_area_is_damage() -> None:
    mask = np.eye(3, dtype=bool)
    with pytest.raises(ContainerError, match="it does not cover the 4 samples it should"):
        masks.split(masks.pack(mask), (3, 3), 4, "it")


def test_a_mask_that_is_all_of_its_box_is_none() -> None:
    assert masks.split(masks.pack(np.ones((3, 5), bool)), (3, 5), 15, "it") == (None, b"")
    assert masks.split(masks.pack(None), (3, 5), 15, "it") == (None, b"")


def test_a_mask_of_many_ones_costs_its_bits() -> None:
    side = 1 << 14
    packed = zlib.compress(b"\xff" * (side * side // 8), 9)
    payload = len(packed).to_bytes(4, "little") + packed
    tracemalloc.start()
    try:
        assert masks.split(payload, (side, side), side * side, "it") == (None, b"")
        assert tracemalloc.get_traced_memory()[1] < 100 * MEGABYTE
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("at_once", [1, 7, 1 << 24])
def test_regions_that_share_a_sample_are_found_in_every_band(
    at_once: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(masks, "AT_ONCE", at_once)
    rng = np.random.default_rng(1)
    for _ in range(60):
        regions, painted, shared = [], np.zeros((9, 12), int), False
        for number in range(4):
            (a, b), (c, d) = (np.sort(rng.choice(n + 1, 2, replace=False)).tolist() for n in painted.shape)
            mask = rng.random((b - a, d - c)) < 0.3 if rng.random() < 0.8 else None
            regions.append(region(number, (a, b), (c, d), mask=mask))
            painted[a:b, c:d] += 1 if mask is None else mask
        shared = painted.max() > 1
        assert (masks.overlap(regions) is not None) == shared


def test_large_regions_beside_each_other_cost_a_band() -> None:
    side = 1 << 14
    half = [region(k, (0, side), (k * side, (k + 1) * side)) for k in range(2)]
    tracemalloc.start()
    try:
        assert masks.overlap(half[:1]) is None
        assert masks.overlap(half) is None
        assert tracemalloc.get_traced_memory()[1] < 64 * MEGABYTE
        both = [half[0], region(2, (side - 1, side), (side - 1, side))]
        assert masks.overlap(both) is both[1]
    finally:
        tracemalloc.stop()


def test_the_order_of_regions_does_not_matter() -> None:
    three = [region(0, (0, 2), (0, 2)), region(1, (5, 6), (5, 6)), region(2, (1, 3), (1, 3))]
    assert all(masks.overlap(order) is not None for order in itertools.permutations(three))
