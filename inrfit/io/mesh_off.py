"""The geometry of OFF files: vertices and polygons, nothing else. Colours, normals and what else may follow are passed over."""

from __future__ import annotations

import re

import numpy as np

from inrfit.errors import InputError
from inrfit.io.mesh_held import Held
from inrfit.io.mesh_polygons import Polygons, triangles
from inrfit.io.mesh_text import number, numbers, plain
from inrfit.surface import Points

START = re.compile(rb"\s*(?:(ST)?(C)?(N)?(4)?(n)?OFF|off)(?![A-Za-z])")
"""How a file begins: texture coordinates, colours and normals of vertices, four numbers of each, any number of them."""

_REMARK = re.compile(rb"#[^\n]*")


def read(data: bytes, name: str) -> Held:
    """Read the bytes of a file. The counts may stand in its first line, and there may be remarks anywhere.

    Raises:
        InputError: it is cut off, damaged, binary, or is no such file.
    """
    text = _REMARK.sub(b"", plain(data))
    start = START.match(text)
    head = start[0].strip().decode() if start else "OFF"
    rest = text[start.end() :] if start else text
    if head.endswith("nOFF") or rest.split(None, 1)[:1] == [b"BINARY"]:
        raise InputError(
            f"{name}: is a binary OFF file, or one of other than three dimensions, which are not read",
            hint="save it as text, or as .ply",
        )
    lines = [line for line in rest.split(b"\n") if line.strip()]
    counts, lines = _counts(lines, name)
    if sum(counts) > len(lines):
        raise InputError(
            f"{name}: is cut off: {counts[0]:,} vertices and {counts[1]:,} faces announced, {len(lines):,} lines there",
            hint="make or download it again, one vertex or face a line",
        )
    vertices = _vertices(lines[: counts[0]], fourth="4" in head)
    polygons, broken = _polygons(lines[counts[0] : sum(counts)])
    notes = (f"faces that could not be read: {broken:,}",) if broken else ()
    return Held(vertices, triangles(vertices, polygons, name), notes)


def _counts(lines: list[bytes], name: str) -> tuple[tuple[int, int], list[bytes]]:
    """Return the numbers of vertices and faces, which may have a line each, and the lines behind them."""
    used = 1 if lines and len(lines[0].split()) > 1 else 2
    words = b" ".join(lines[:used]).split()
    try:
        vertices, faces = (int(word) for word in words[:2])
        if min(vertices, faces) < 0:
            raise ValueError
    except ValueError as error:
        raise InputError(
            f"{name}: cannot be read as off: it does not begin with the numbers of its vertices and faces",
            hint="save it again as binary .ply or .glb",
        ) from error
    return (vertices, faces), lines[used:]


def _vertices(lines: list[bytes], *, fourth: bool) -> Points:
    """Return places [vertex, 3]; NaN where a line has no three numbers."""
    least = 4 if fourth else 3
    widths = {len(line.split()) for line in lines}
    if len(widths) == 1 and min(widths) >= least:
        table = numbers(b"\n".join(lines)).reshape(len(lines), -1)[:, :least]
    else:
        rows = [[number(word) for word in line.split()[:least]] for line in lines]
        table = np.array([row if len(row) == least else [np.nan] * least for row in rows]).reshape(-1, least)
    if not fourth:
        return table
    with np.errstate(all="ignore"):
        return table[:, :3] / table[:, 3:]


def _polygons(lines: list[bytes]) -> tuple[Polygons, int]:
    """Return the polygons of lines "3 0 1 2", and how many could not be read."""
    corners, sizes, broken = list[int](), list[int](), 0
    for line in lines:
        words = line.split()
        try:
            size = int(words[0])
            row = [min(max(int(word), -1), 1 << 62) for word in words[1 : 1 + max(size, 0)]]
        except ValueError:
            size, row = 0, []
        if len(row) != size or size < 3:
            broken += 1
            continue
        corners += row
        sizes.append(size)
    return Polygons(corners=np.array(corners, np.int64), sizes=np.array(sizes, np.int64)), broken
