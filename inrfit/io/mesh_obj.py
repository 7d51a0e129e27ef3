"""The geometry of OBJ files: vertices and faces, nothing else; broken lines are counted, not repaired."""

from __future__ import annotations

import numpy as np

from inrfit.io.mesh_held import Held
from inrfit.io.mesh_polygons import NOWHERE, Polygons, triangles
from inrfit.io.mesh_text import number, plain


def read(data: bytes, name: str) -> Held:
    """Read the bytes of a file.

    Raises:
        InputError: its polygons cannot be cut into triangles.
    """
    vertices: list[tuple[float, ...]] = []
    corners: list[int] = []
    sizes: list[int] = []
    broken = 0
    for line in plain(data).replace(b"\\\n", b" ").split(b"\n"):
        words = line.split(b"#", 1)[0].split()
        if not words:
            continue
        if words[0] in (b"v", b"V"):
            place = _numbers(words[1:4])
            broken += len(place) != 3
            vertices.append(place if len(place) == 3 else (np.nan,) * 3)
        elif words[0] in (b"f", b"F", b"fo"):
            found = [_corner(word, len(vertices)) for word in words[1:]]
            if len(found) < 3 or None in found:
                broken += 1
                continue
            corners += [corner for corner in found if corner is not None]
            sizes.append(len(found))
    places = np.array(vertices, np.float64).reshape(-1, 3)
    polygons = Polygons(corners=np.array(corners, np.int64), sizes=np.array(sizes, np.int64))
    notes = (f"lines that could not be read: {broken:,}",) if broken else ()
    return Held(places, triangles(places, polygons, name), notes)


def _numbers(words: list[bytes]) -> tuple[float, ...]:
    """Return numbers; none at all where a word is none."""
    try:
        return tuple([float(word) for word in words])
    except ValueError:
        found = tuple(number(word) for word in words)
        return () if any(np.isnan(value) for value in found) else found


def _corner(word: bytes, count: int) -> int | None:
    """Return the number of the vertex that a corner such as "3/1/2" or "-1//2" names, from 0."""
    try:
        corner = int(word.split(b"/", 1)[0])
    except ValueError:
        return None
    if corner > 0:
        return min(corner - 1, 1 << 62)
    return max(count + corner, NOWHERE) if corner < 0 else NOWHERE
