"""Clouds whose normals are given: which way they look decides what is inside."""

from __future__ import annotations

import numpy as np

from inrfit.io import cloud


def ball() -> tuple[np.ndarray, np.ndarray]:
    """Return places on an ellipsoid far from 0 and normals that look outward, [point, 3] each."""
    normals = np.random.default_rng(0).normal(size=(800, 3))
    normals /= np.linalg.norm(normals, axis=1, keepdims=True)
    return normals * (2, 3, 4) + 100, normals


INSIDE = np.array([(100.0, 100, 100), (105, 105, 105), (101.8, 100, 100), (102.3, 100, 100)])


def test_normals_that_look_inward_are_turned() -> None:
    places, normals = ball()
    for given, told in ((normals, False), (-normals, True)):
        made, notes = cloud.of_points(places, given, "x")
        assert made.inside(INSIDE).tolist() == [True, False, True, False]
        assert ("the normals looked inward and were turned" in notes) == told


def test_normals_of_no_common_side_are_told() -> None:
    places, normals = ball()
    mixed = np.where(np.arange(800)[:, None] % 3 == 0, -normals, normals)
    assert any(
        "look another way than the one next to them" in note
        for note in cloud.of_points(places, mixed, "x")[1]
    )
    assert len(cloud.of_points(places, normals, "x")[1]) == 1
