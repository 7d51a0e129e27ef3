"""Bodies that look inward are turned, cavities stay, wherever they lie and however they nest."""

from __future__ import annotations

import numpy as np
import pytest

from inrfit.io.mesh_clean import clean

HERE, BETWEEN, OUTER = (0.0, 0.0, 0.0), (1.5, 0.0, 0.0), (2.5, 0.0, 0.0)
TURNED = "the faces looked inward and were turned"
ONE = "1 part of {} that looked inward and was no cavity was turned"


def boxes(*parts: tuple[tuple[float, float, float], float, int]) -> tuple[np.ndarray, np.ndarray]:
    """Return cubes of a middle, half a side, and 1 for outward or -1 for inward."""
    import trimesh

    vertices, faces = [], []
    for number, (middle, half, sign) in enumerate(parts):
        cube = trimesh.creation.box(extents=[2 * half] * 3)
        vertices.append(cube.vertices + np.array(middle))
        faces.append(np.array(cube.faces)[:, ::sign] + 8 * number)
    return np.concatenate(vertices), np.concatenate(faces).astype(np.int64)


@pytest.mark.parametrize("away", [0.0, 1e6])
@pytest.mark.parametrize(
    ("parts", "inside", "note"),
    [
        ([(HERE, 1, 1), ((5, 0, 0), 1, -1)], {HERE: True, (5.0, 0.0, 0.0): True}, ONE.format(2)),
        ([(HERE, 1, -1), ((5, 0, 0), 1, -1)], {HERE: True, (5.0, 0.0, 0.0): True}, TURNED),
        ([(HERE, 1, 1), ((2, 0.3, 0.4), 1, -1)], {HERE: True, (2.0, 0.3, 0.4): True}, ONE.format(2)),
        ([(HERE, 1, 1), ((2, 2, 0), 1, -1)], {HERE: True, (2.0, 2.0, 0.0): True}, ONE.format(2)),
        ([(HERE, 2, 1), (HERE, 1, -1)], {HERE: False, BETWEEN: True}, None),
        ([(HERE, 2, -1), (HERE, 1, 1)], {HERE: False, BETWEEN: True}, TURNED),
        ([(HERE, 2, 1), (HERE, 1, 1)], {HERE: True, BETWEEN: True}, None),
        ([(HERE, 2, -1), (HERE, 1, -1)], {HERE: True, BETWEEN: True}, TURNED),
        ([(HERE, 3, 1), (HERE, 2, -1), (HERE, 1, 1)], {HERE: True, BETWEEN: False, OUTER: True}, None),
        (
            [(HERE, 3, 1), (HERE, 2, -1), (HERE, 1, -1)],
            {HERE: True, BETWEEN: False, OUTER: True},
            ONE.format(3),
        ),
        ([(HERE, 3, -1), (HERE, 2, 1), (HERE, 1, -1)], {HERE: True, BETWEEN: False, OUTER: True}, TURNED),
    ],
)
def test_what_lies_in_no_body_is_turned_and_a_cavity_stays(parts, inside, note, away: float) -> None:
    vertices, faces = boxes(*parts)
    found = clean(vertices + away, faces, "x")
    assert found.notes == (() if note is None else (note,))
    assert found.surface.inside(np.array(list(inside)) + away).tolist() == list(inside.values())
    assert sorted(found.sides) == pytest.approx(sorted(2 * half for _, half, _ in parts))


def test_a_cavity_with_a_face_that_is_turned_stays_a_cavity() -> None:
    vertices, faces = boxes((HERE, 2, 1), (HERE, 1, -1))
    faces[15] = faces[15, ::-1]
    found = clean(vertices, faces, "x")
    assert found.notes == ("1 face looked another way than the faces beside and was turned",)
    assert found.surface.inside(np.array([HERE, BETWEEN])).tolist() == [False, True]


def test_an_open_body_is_turned_as_a_whole_beside_a_closed_one() -> None:
    vertices, faces = boxes((HERE, 1, 1), ((5, 0, 0), 1, -1))
    found = clean(vertices, faces[:-1], "x")
    assert found.surface.inside(np.array([HERE, (5.0, 0, 0)])).tolist() == [True, True]
    assert any("open (3 border edges)" in note for note in found.notes)
