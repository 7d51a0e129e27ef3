"""From the triangles of a file to a surface that tells inside from outside; what had to go is counted; no files."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from inrfit.errors import InputError
from inrfit.io.mesh_orient import Edges, oriented
from inrfit.io.words import counted, were
from inrfit.surface import Points, Surface

FLAT = 1e-12
"""Area, as a share of the squared diagonal of the box, up to which a triangle has none."""

PROBES = 4096
"""Places beside the surface at which it is asked whether it encloses anything."""


class Clean(NamedTuple):
    """A surface that tells inside from outside.

    Attributes:
        surface: its triangles.
        sides: shortest side of the box around each closed part, [part].
        notes: what was wrong, in words.
    """

    surface: Surface
    sides: NDArray[np.float64]
    notes: tuple[str, ...]


def clean(vertices: Points, faces: NDArray[np.int64], name: str) -> Clean:
    """Return a surface without what is no part of one.

    Args:
        vertices: places [vertex, 3], also such as are not finite.
        faces: vertices of each triangle [face, 3], also such as are not there.
        name: what messages call the file.

    Raises:
        InputError: nothing is left, or it encloses nothing.
    """
    notes: list[str] = []
    total = len(faces)

    def left_out(bad: NDArray[np.bool_], what: str) -> None:
        nonlocal faces
        if count := int(bad.sum()):
            notes.append(f"{counted(count, 'face')} {what} {were(count)} left out")
            faces = faces[~bad]

    left_out(np.any((faces < 0) | (faces >= len(vertices)), axis=1), "with vertices that are not there")
    left_out(np.any(~np.isfinite(vertices[faces]), axis=(1, 2)), "with vertices that are NaN or infinite")
    if len(faces):
        vertices, faces = _merged(vertices, faces)
        surface = Surface(vertices=vertices, faces=faces)
        diagonal = _diagonal(surface, name)
        left_out(np.linalg.norm(surface.crosses(), axis=1) / diagonal <= 2 * FLAT * diagonal, "without area")
    if len(faces):
        left_out(~first_of(np.sort(faces, axis=1))[0], "that are there twice")
    if not len(faces):
        raise InputError(
            f"{name}: of its {counted(total, 'face')} none is a triangle with an area"
            + (f" ({'; '.join(notes)})" if notes else ""),
            hint="look at the file in a mesh viewer",
        )
    edges = Edges.of(faces)
    surface, sides, turned = oriented(Surface(vertices=vertices, faces=faces), edges)
    used, places = np.unique(surface.faces, return_inverse=True)
    surface = Surface(vertices=surface.vertices[used], faces=places.reshape(-1, 3))
    if edges.border:
        notes.append(
            f"the mesh is open ({counted(edges.border, 'border edge')}): inside and outside go by the winding number"
        )
    _check_encloses(surface, name, closed=not edges.border)
    return Clean(surface, sides, (*notes, *turned))


def first_of(rows: NDArray[Any]) -> tuple[NDArray[np.bool_], NDArray[np.int64]]:
    """Return which rows [row, 3] are the first of those like them, and the number of each row among those that differ.

    The numbers rise with the rows: by their first column, then the second, then the third.
    """
    order = np.lexsort(rows.T[::-1])
    new = np.ones(len(rows), bool)
    new[1:] = (rows[order[1:]] != rows[order[:-1]]).any(1)
    number = np.empty(len(rows), np.int64)
    number[order] = np.cumsum(new) - 1
    first = np.zeros(len(rows), bool)
    first[order[new]] = True  # The order is stable: of equal rows the first comes first.
    return first, number


def _merged(vertices: Points, faces: NDArray[np.int64]) -> tuple[Points, NDArray[np.int64]]:
    """Return the vertices that faces use, those at one place once."""
    used = np.zeros(len(vertices), bool)
    used[faces] = True
    places = vertices[used] + 0.0
    first, number = first_of(places)
    merged = np.empty((int(first.sum()), 3))
    merged[number[first]] = places[first]
    return merged, number[(np.cumsum(used) - 1)[faces]]


def _diagonal(surface: Surface, name: str) -> float:
    """Return the diagonal of the box around a surface."""
    with np.errstate(over="ignore"):
        diagonal = float(np.linalg.norm(surface.box[1] - surface.box[0]))
    if not 1e-25 < diagonal < 1e25:
        raise InputError(
            f"{name}: spans {diagonal:.3g} units, between 1e-25 and 1e25 can be read", hint="scale the mesh"
        )
    return diagonal


def _check_encloses(surface: Surface, name: str, *, closed: bool) -> None:
    """Raise an InputError where nothing lies inside a surface."""
    diagonal = float(np.linalg.norm(surface.box[1] - surface.box[0]))
    if closed and surface.volume / diagonal**3 > 1e-9:
        return
    scaled = surface.moved(surface.box[0], diagonal)
    places, normals = scaled.points(PROBES, np.random.default_rng(0))
    depth = np.geomspace(1e-4, 0.1, 8)[np.arange(PROBES) % 8, None]
    if not scaled.inside(places - depth * normals).any():
        raise InputError(
            f"{name}: encloses nothing: {counted(len(surface.faces), 'face')} "
            + ("without a volume" if closed else "that make up an open sheet"),
            hint="close the mesh, or give the sheet a thickness",
        )
