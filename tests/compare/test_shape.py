"""Metrics of shapes, against balls whose numbers are known."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from make.shapes import CENTRE, RADIUS, ball, file

from inrfit import io
from inrfit.compare import shape
from inrfit.coords import global_frame
from inrfit.device import pick_device
from inrfit.io.config import ReadConfig
from inrfit.signal import Bands

DEVICE = pick_device("cpu", 1)


class BallField:
    """A field that is a ball of any radius, in place of networks."""

    def __init__(self, signal: Any, radius: float, covered: bool = True) -> None:
        self.domain, self.info, self.radius = signal.domain, signal.info, radius
        self.frame, self.whole = global_frame(signal.domain), covered

    def _native(self, index: np.ndarray) -> np.ndarray:
        places = (np.array(self.domain.offset) + index * np.array(self.domain.spacing))[..., ::-1]
        distance = np.linalg.norm(places - CENTRE, axis=-1, keepdims=True) - self.radius
        if self.info.colour == "occupancy":
            return self.info.value_range[1] * (distance < 0)
        return np.clip(distance, *self.info.value_range)

    def __call__(self, coords: np.ndarray, device: str) -> np.ndarray:
        index = self.frame.positions(coords)
        unit = self.info.to_unit(self._native(index))
        if not self.whole:  # places that no region covers are 0
            unit[index[:, 2] < (self.domain.shape[2] - 1) / 2] = 0
        return unit

    def bands(self, device: str, threads: int) -> Bands:
        index = np.moveaxis(np.indices(self.domain.shape), 0, -1)
        return Bands.of(self._native(index).astype(self.info.dtype), self.domain, self.info)


@pytest.fixture(scope="module")
def signal() -> Any:
    return io.read(file(ball(4), "ply"), ReadConfig(kind="shape", resolution=48), name="ball.ply")


@pytest.fixture(autouse=True)
def fewer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shape, "PLACES", 40_000)
    monkeypatch.setattr(shape, "ON_SURFACE", 5_000)


def test_the_same_ball_has_all_in_common(signal: Any) -> None:
    same = BallField(signal, RADIUS)
    diagonal = 2 * RADIUS * 3**0.5
    assert shape.iou(signal, same, DEVICE) > 0.985
    assert shape.chamfer_l1(signal, same, DEVICE) < 0.005 * RADIUS / diagonal
    assert shape.normal_consistency(signal, same, DEVICE) > 0.995


def test_a_larger_ball_is_farther_by_the_difference_of_the_radii(signal: Any) -> None:
    larger = BallField(signal, 1.1 * RADIUS)
    away = 0.1 * RADIUS / (2 * RADIUS * 3**0.5)
    assert shape.chamfer_l1(signal, larger, DEVICE) == pytest.approx(away, rel=0.05)
    assert shape.chamfer_l2(signal, larger, DEVICE) == pytest.approx(away**2, rel=0.1)


def test_the_union_counts_a_half_that_is_not_covered_as_outside(signal: Any) -> None:
    half = shape.iou(signal, BallField(signal, RADIUS, covered=False), DEVICE)
    assert half == pytest.approx(0.5, abs=0.02)


def test_occupancy_is_compared_where_it_says_inside() -> None:
    config = ReadConfig(kind="shape", resolution=24, target="occupancy")
    occupied = io.read(file(ball(4), "ply"), config, name="ball.ply")
    assert shape.iou(occupied, BallField(occupied, RADIUS), DEVICE) > 0.98


def test_an_empty_field_has_no_surface(signal: Any) -> None:
    empty = BallField(signal, -10 * RADIUS)
    assert shape.iou(signal, empty, DEVICE) == 0
    assert shape.chamfer_l1(signal, empty, DEVICE) is None


def test_the_inside_of_a_cloud_is_no_truth() -> None:
    text = "\n".join(" ".join(map(str, row)) for row in ball(2).vertices)
    cloud = io.read(text.encode(), ReadConfig(resolution=16), name="ball.xyz")
    assert shape.iou(cloud, BallField(cloud, RADIUS), DEVICE) is None
