"""The geometry of OBJ files: vertices and faces, nothing else; broken lines are counted, not repaired."""

from __future__ import annotations

from itertools import pairwise
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

NOWHERE = -1
"""Vertex of a face that names none."""


class Obj(NamedTuple):
    """What a file holds.

    Attributes:
        vertices: places [vertex, 3]; NaN where a line has no three numbers.
        faces: vertices of each triangle [face, 3]; polygons are cut into fans. `NOWHERE` for such as are not there.
        broken: lines of vertices and faces that could not be read.
    """

    vertices: NDArray[np.float64]
    faces: NDArray[np.int64]
    broken: int


def read(data: bytes) -> Obj:
    """Read the bytes of a file."""
    vertices: list[tuple[float, ...]] = []
    faces: list[tuple[int, int, int]] = []
    broken = 0
    text = data.decode("utf-8", "replace").replace("\\\r\n", " ").replace("\\\n", " ")
    for line in text.splitlines():
        words = line.split("#", 1)[0].split()
        if not words:
            continue
        if words[0] == "v":
            place = _numbers(words[1:4])
            broken += len(place) != 3
            vertices.append(place if len(place) == 3 else (np.nan,) * 3)
        elif words[0] == "f":
            corners = [_corner(word, len(vertices)) for word in words[1:]]
            if len(corners) < 3 or None in corners:
                broken += 1
                continue
            ends = [corner for corner in corners if corner is not None]
            faces += [(ends[0], b, c) for b, c in pairwise(ends[1:])]
    return Obj(
        vertices=np.array(vertices, np.float64).reshape(-1, 3),
        faces=np.array(faces, np.int64).reshape(-1, 3),
        broken=broken,
    )


def _numbers(words: list[str]) -> tuple[float, ...]:
    """Return numbers; none at all where one of them is not."""
    try:
        return tuple(float(word) for word in words)
    except ValueError:
        return ()


def _corner(word: str, count: int) -> int | None:
    """Return the number of the vertex that a corner such as "3/1/2" or "-1//2" names, from 0."""
    try:
        number = int(word.split("/", 1)[0])
    except ValueError:
        return None
    if number > 0:
        return min(number - 1, 1 << 62)
    return max(count + number, NOWHERE) if number < 0 else NOWHERE
