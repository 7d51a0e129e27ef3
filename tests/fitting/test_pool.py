"""Signals with a pool: its samples alone are fitted and measured; empty cells of a grid are left out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pytest
from make.data import textured
from numpy.typing import NDArray

from inrfit import api
from inrfit.device import pick_device
from inrfit.domain import Box
from inrfit.errors import ConfigError
from inrfit.field import Field
from inrfit.fitting import measure
from inrfit.kernels.tiles import region_samples
from inrfit.partitions import build
from inrfit.partitions.config import PartitionConfig
from inrfit.render.points import values_at
from inrfit.signal import ArraySignal

CPU = pick_device("cpu", 1)
QUICK = {"hidden_features": 6, "steps": 5, "device": "cpu"}


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Pooled(ArraySignal):
    """A picture of which only some samples are counted; whoever asks for another finds nonsense.

    Attributes:
        counted: which samples are, [*shape].
    """

    counted: NDArray[np.bool_]

    @property
    def pooled(self) -> bool:
        return True

    def pool(self, box: Box) -> NDArray[np.intp]:
        return np.flatnonzero(self._there(box))

    def occupied(self, boxes: Sequence[Box]) -> NDArray[np.bool_]:
        return np.array([self._there(box).any() for box in boxes])

    def _there(self, box: Box) -> NDArray[np.bool_]:
        window = box.slices(self.domain.origin)
        return self.counted[window]


def pooled(*, nonsense: int = 0) -> Pooled:
    """A picture whose lower half and right third are not counted; one cell of 3 x 3 has a single counted sample."""
    plain = api.read(textured(24, 36))
    counted = np.random.default_rng(1).random((24, 36)) < 0.5
    counted[16:] = counted[:, 24:] = False
    counted[20, 3] = True
    values = np.where(counted[..., None], plain.dense(), np.uint8(nonsense))
    return Pooled(values=values, domain=plain.domain, info=plain.info, counted=counted)


def test_cells_without_anything_to_fit_are_left_out() -> None:
    divided = build(pooled(), PartitionConfig(grid=(3, 3)))
    assert [region.id for region in divided.regions] == [0, 1, 3, 4, 6]
    assert divided.edges == ((0, 8, 16, 24), (0, 12, 24, 36))


@pytest.mark.parametrize("there", [True, False])
def test_a_grid_that_is_full_or_empty_stays_whole(there: bool) -> None:
    signal = replace(pooled(), counted=np.full((24, 36), there))
    assert len(build(signal, PartitionConfig(grid=(3, 3)))) == 9


def test_samples_of_a_region_are_those_of_its_pool() -> None:
    signal = pooled()
    region = build(signal, PartitionConfig(grid=(3, 3))).regions[1]
    samples = region_samples(region, pool=signal.pool)
    points = samples.index(np.arange(samples.count))
    expected = np.argwhere(signal.counted[:8, 12:24]) + np.array([0, 12])
    assert np.array_equal(points, expected)
    wide = region_samples(region, (0, 2), signal.domain.box, signal.pool)
    assert wide.count == np.count_nonzero(signal.counted[:8, 10:26])


def test_what_is_not_in_the_pool_does_not_matter() -> None:
    fits = [api.fit(pooled(nonsense=value), grid=(3, 3), overlap=1, **QUICK) for value in (0, 200)]
    for name, weights in fits[0].weights.items():
        assert np.array_equal(weights, fits[1].weights[name])
    assert fits[0].mse == fits[1].mse
    assert fits[0].psnr == fits[1].psnr


def test_what_is_in_the_pool_is_learned() -> None:
    signal = pooled()
    found = [api.fit(signal, grid=(3, 3), **{**QUICK, "steps": steps}).psnr for steps in (1, 100)]
    assert found[1] > found[0] + 6


def test_the_errors_are_those_of_the_pool(monkeypatch: pytest.MonkeyPatch) -> None:
    signal = pooled()
    field = api.fit(signal, grid=(3, 3), **QUICK)
    error = (field.decode(device="cpu").astype(float) - signal.values) * (2 / 255)
    squares = np.square(error)
    counted = [signal._there(region.box) for region in field.partition.regions]
    boxes = [squares[tuple(slice(*span) for span in region.box)] for region in field.partition.regions]
    expected = [box[there].mean() for box, there in zip(boxes, counted, strict=True)]
    assert field.mse == pytest.approx(expected, rel=4e-4)  # two bytes each
    assert field.psnr == pytest.approx(10 * np.log10(4 / squares[signal.counted].mean()), abs=1e-3)
    monkeypatch.setattr(measure, "BLOCK", 7)
    assert measure.with_errors(field, signal, CPU).mse == pytest.approx(field.mse, rel=1e-5)


def test_eval_counts_the_pool() -> None:
    signal = pooled()
    field = api.fit(signal, grid=(3, 3), **QUICK)
    found = api.evaluate(field, signal, metrics=["psnr"], device="cpu")
    assert found["psnr"] == pytest.approx(field.psnr, abs=1e-3)
    assert found["region_psnr"] == pytest.approx([10 * np.log10(4 / error) for error in field.mse], abs=1e-3)
    assert found["mse"] == pytest.approx(10 ** (-field.psnr / 10), rel=1e-3)


def test_values_at_points_are_those_of_the_decode() -> None:
    field = api.fit(textured(24, 36), grid=(3, 3), **QUICK).select([0, 4])
    points = np.array([[0, 0], [7, 11], [9, 14], [2, 30]])
    values = values_at(field, points.astype(np.float64), CPU)
    native = field.info.from_unit(values)
    decoded = field.decode(device="cpu")
    corner = field.domain.origin
    for (y, x), sample in list(zip(points, native, strict=True))[:3]:
        assert np.array_equal(sample, decoded[y - corner[0], x - corner[1]])
    assert (values[3] == 0).all()


@pytest.mark.parametrize(
    ("options", "slabs"), [({"grid": (5, 3)}, 5), ({"partition": "seg", "heads": 3}, None)]
)
def test_slabs_do_not_change_the_errors(
    options: dict[str, Any], slabs: int | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    picture = textured(24, 36)
    field = api.fit(picture, **options, **QUICK)
    asked, real = [], Field.bands

    def counted(self: Field, *words: Any) -> Any:
        asked.append(self.domain.shape[0])
        return real(self, *words)

    monkeypatch.setattr(Field, "bands", counted)
    monkeypatch.setattr(measure, "SLAB", 36 * 4)
    assert measure.with_errors(field, api.read(picture), CPU).mse == field.mse
    assert sum(asked) == 24
    assert slabs is None or len(asked) == slabs


def test_the_overlap_is_one_number_for_all_axes_or_one_for_each() -> None:
    plain = build(api.read(textured(24, 36)), PartitionConfig(grid=(3, 3)))
    middle, box = plain.regions[4], plain.domain.box
    assert region_samples(middle, 2, box).shape == region_samples(middle, (2, 2), box).shape == (12, 16)
    assert region_samples(middle, (0, 3), box).shape == (8, 18)
    assert region_samples(plain.regions[0], (1, 0), box).shape == (9, 12)
    labels = build(api.read(textured(24, 36)), PartitionConfig(rule="seg", heads=3))
    region = labels.regions[0]
    tall = region_samples(region, (1, 0), box)
    there = np.zeros((26, 36), bool)
    for shift in range(3):
        there[shift : shift + 24] |= labels.labels() == 0
    points = tall.index(np.arange(tall.count))
    assert np.array_equal(points, np.argwhere(there[1:25]))


def test_the_cell_is_one_number_for_all_axes_or_one_for_each() -> None:
    signal = api.read(textured(24, 36))
    assert build(signal, PartitionConfig(cell=(8, 36))).edges == ((0, 8, 16, 24), (0, 36))
    assert (
        build(signal, PartitionConfig(cell=12)).edges == build(signal, PartitionConfig(cell=(12, 12))).edges
    )
    with pytest.raises(ConfigError, match=r"--cell 8x8x8 gives 3 axes, the signal has 2 \(y, x\)"):
        build(signal, PartitionConfig(cell=(8, 8, 8)))
    with pytest.raises(ConfigError, match="--cell 8x0 must be at least 1 sample on each axis"):
        PartitionConfig(cell=(8, 0))
