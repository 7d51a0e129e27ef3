"""Polygons to triangles: they cover the polygon, no more and no less, whatever its shape."""

from __future__ import annotations

import numpy as np
import pytest

from inrfit.errors import InputError
from inrfit.io import mesh_polygons
from inrfit.io.mesh_polygons import Polygons, strips, triangles

ANGLES = np.linspace(0, 2 * np.pi, 60, endpoint=False)
WINDING = np.linspace(0, 1, 60)


def spiral(start: float) -> np.ndarray:
    return np.c_[(WINDING + start) * np.cos(12 * WINDING), (WINDING + start) * np.sin(12 * WINDING)]


SHAPES = {
    "square": [(0, 0), (1, 0), (1, 1), (0, 1)],
    "angle": [(0, 0), (3, 0), (3, 1), (1, 1), (1, 3), (0, 3)],
    "dart": [(2, 0), (0.5, 0.5), (0, 2), (0, 0)],
    "corners on a side": [(0, 0), (1, 0), (2, 0), (3, 0), (1.5, 2)],
    "all corners but one on a side": [(1.5, 2), (0, 0), (1, 0), (2, 0), (3, 0)],
    "a corner twice": [(0, 0), (1, 0), (1, 0), (1, 1), (0.5, 0.2)],
    "a hole with a bridge": [(0, 0), (4, 0), (4, 4), (0, 4), (0, 0), (1, 1), (1, 3), (3, 3), (3, 1), (1, 1)],
    "star": np.c_[np.cos(ANGLES), np.sin(ANGLES)] * np.where(np.arange(60) % 2, 1, 0.4)[:, None],
    "spiral": np.r_[spiral(1), spiral(1.1)[::-1]],
    "circle": np.c_[np.cos(ANGLES), np.sin(ANGLES)],
}


def area(flat: np.ndarray) -> float:
    x, y = flat.T
    return float((x * np.roll(y, -1) - y * np.roll(x, -1)).sum() / 2)


@pytest.mark.parametrize("name", SHAPES)
@pytest.mark.parametrize("back", [False, True])
def test_triangles_cover_a_polygon_anywhere_in_space(name: str, back: bool) -> None:
    flat = np.array(SHAPES[name], float)
    turn = np.linalg.qr(np.random.default_rng(3).normal(size=(3, 3)))[0]
    vertices = np.c_[flat, np.zeros(len(flat))] @ turn.T + [4e5, 5e6, 300]
    row = np.arange(len(flat))[:: -1 if back else 1]
    faces = triangles(vertices, Polygons.of_rows(row[None]), "x")
    assert faces.shape == (len(flat) - 2, 3)
    a, b, c = (vertices[faces[:, i]] for i in range(3))
    areas = np.cross(b - a, c - a) @ np.cross(turn[:, 0], turn[:, 1]) / 2
    wanted = area(flat[row])
    assert areas.sum() == pytest.approx(wanted, rel=1e-6)
    assert np.abs(areas).sum() == pytest.approx(abs(wanted), rel=1e-6)
    if name != "a corner twice":
        assert np.abs(areas).min() > 1e-6


def test_a_bent_polygon_is_cut_along_its_mean_plane() -> None:
    vertices = np.array([(0, 0, 0), (3, 0, 0.2), (3, 1, 0), (1, 1, 0.1), (1, 3, 0), (0, 3, 0.2)])
    faces = triangles(vertices, Polygons.of_rows(np.arange(6)[None]), "x")
    a, b, c = (vertices[faces[:, i]] * (1, 1, 0) for i in range(3))
    assert np.abs(np.cross(b - a, c - a)).sum() / 2 == pytest.approx(5)


def test_mixed_polygons_keep_their_order_and_those_of_two_corners_go() -> None:
    sizes = np.array([4, 2, 3, 4])
    corners = np.array([0, 1, 2, 3, 0, 1, 3, 2, 1, 0, 1, 2, 9])
    faces = triangles(
        np.array([(0, 0, 0), (1, 0, 0), (1, 1, 0), (0, 1, 0)], float),
        Polygons(corners=corners, sizes=sizes),
        "x",
    )
    assert faces.tolist() == [[0, 1, 2], [0, 2, 3], [3, 2, 1], [0, 1, 2], [0, 2, 9]]


def test_strips_turn_every_other_triangle_and_end_at_marks() -> None:
    corners = np.array([0, 1, 2, 3, -1, 4, 5, 6, 6, 7, 8, 9, 10])
    found = strips(Polygons(corners=corners, sizes=np.array([8, 5])))
    assert found.corners.reshape(-1, 3).tolist() == [
        [0, 1, 2],
        [2, 1, 3],
        [4, 5, 6],
        [6, 7, 8],
        [8, 7, 9],
        [8, 9, 10],
    ]


def test_concave_polygons_of_many_sizes_are_cut_side_by_side() -> None:
    rng = np.random.default_rng(7)
    flats = [np.array(flat, float) for flat in SHAPES.values()] * 3
    flats = [flats[place] + rng.normal(size=2) for place in rng.permutation(len(flats))]
    sizes = np.array([len(flat) for flat in flats])
    vertices = np.concatenate(flats)
    vertices = np.c_[vertices, np.zeros(len(vertices))]
    faces = triangles(vertices, Polygons(corners=np.arange(len(vertices)), sizes=sizes), "x")
    assert len(faces) == (sizes - 2).sum()
    owner = np.repeat(np.arange(len(sizes)), sizes)[faces]
    assert np.array_equal(owner[:, 0], np.repeat(np.arange(len(sizes)), sizes - 2))
    assert (owner == owner[:, :1]).all()
    a, b, c = (vertices[faces[:, i]] for i in range(3))
    areas = np.cross(b - a, c - a)[:, 2] / 2
    assert np.bincount(owner[:, 0], areas) == pytest.approx([area(flat) for flat in flats])
    assert np.bincount(owner[:, 0], np.abs(areas)) == pytest.approx([abs(area(flat)) for flat in flats])


def test_polygons_that_cross_themselves_end_after_few_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    """They have too few ears, and looking for more of them took a time by the cube of their corners."""
    steps, step = [], mesh_polygons._Rings.step
    monkeypatch.setattr(mesh_polygons._Rings, "step", lambda rings: (steps.append(0), step(rings))[1])
    count, polygons = 300, 5
    vertices = np.random.default_rng(5).normal(size=(polygons * count, 3)) * (1, 1, 0)
    rows = np.arange(polygons * count).reshape(polygons, count)
    faces = triangles(vertices, Polygons.of_rows(rows), "x")
    assert len(steps) < 4 * count
    assert faces.shape == (polygons * (count - 2), 3)
    a, b, c = (vertices[faces[:, i], :2] for i in range(3))
    signed = ((b - a)[:, 0] * (c - a)[:, 1] - (b - a)[:, 1] * (c - a)[:, 0]).reshape(polygons, -1).sum(1) / 2
    assert signed == pytest.approx([area(vertices[row, :2]) for row in rows])


def test_polygons_that_would_take_for_ever_are_refused() -> None:
    count = 20_000
    angles = np.linspace(0, 2 * np.pi, count, endpoint=False)
    radius = np.where(np.arange(count) % 2, 1, 0.5)
    vertices = np.stack([radius * np.cos(angles), radius * np.sin(angles), 0 * angles], 1)
    with pytest.raises(InputError, match="x: has 1 concave polygons of up to 20,000 corners"):
        triangles(vertices, Polygons.of_rows(np.arange(count)[None]), "x")
