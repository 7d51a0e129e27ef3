"""Files of meshes and point clouds to bodies: one reader per format; what a body is used for is not known here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import PurePath

import numpy as np
from numpy.typing import NDArray

from inrfit.errors import InputError
from inrfit.io import cloud, cloud_text, mesh_gltf, mesh_obj, mesh_off, mesh_ply, mesh_stl, npz
from inrfit.io.libraries import guarded
from inrfit.io.mesh_clean import clean
from inrfit.io.mesh_held import Held
from inrfit.io.mesh_polygons import Polygons, triangles
from inrfit.io.mesh_text import plain
from inrfit.surface import Body, Points

READERS = {
    ".obj": mesh_obj.read,
    ".ply": mesh_ply.read,
    ".stl": mesh_stl.read,
    ".glb": mesh_gltf.read,
    ".gltf": mesh_gltf.read,
    ".off": mesh_off.read,
}
"""Readers of meshes by suffix: (bytes, name) -> `Held`."""

MESHES = tuple(READERS)
CLOUDS = (".xyz", ".pts", ".npz")
SUFFIXES = (*MESHES, *CLOUDS)
"""Suffixes of the formats that are read."""

MOST_BYTES = 1 << 30
"""Largest file that is read; text takes about ten times its size in memory."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Read:
    """What a file holds.

    Attributes:
        body: the shape.
        suffix: of its format.
        counts: number of faces, vertices or points, as text by name.
        notes: what was wrong, in words.
        sides: shortest side of the box around each closed part of a mesh, [part].
    """

    body: Body
    suffix: str
    counts: Mapping[str, str]
    notes: tuple[str, ...]
    sides: NDArray[np.float64] = field(default_factory=lambda: np.zeros(0))


def recognise(start: bytes) -> str | None:
    """Return the suffix of the format of a file by its first bytes; None where they do not tell."""
    if start[:4] in (b"ply\n", b"ply\r"):
        return ".ply"
    if start[:4] == b"glTF":
        return ".glb"
    start = plain(start)
    if mesh_off.START.match(start):
        return ".off"
    if start.lstrip()[:5].lower() == b"solid":
        return ".stl"
    lines = [line.split() for line in start.splitlines()[:-1]]
    if any(words and words[0] in (b"v", b"vn", b"vt", b"mtllib") for words in lines):
        return ".obj"
    return None


def read(data: bytes, name: str) -> Read:
    """Read the bytes of a file; its suffix decides the format where it is known, then its first bytes.

    Raises:
        InputError: it is none of these formats, damaged, or holds no shape.
    """
    suffix = PurePath(name).suffix.lower()
    found = recognise(data[:4096])
    suffix = suffix if suffix in SUFFIXES else found or (".xyz" if cloud_text.recognise(data[:4096]) else "")
    if not suffix:
        raise InputError(
            f"{name}: is no shape inrfit knows, it begins with {data[:8]!r}",
            hint=f"readable are {', '.join(SUFFIXES)}",
        )
    if len(data) > MOST_BYTES:
        raise InputError(
            f"{name}: {len(data):,} bytes are more than the {MOST_BYTES:,} that are read",
            hint="simplify the mesh",
        )
    with guarded(
        lambda reason: InputError(f"{name}: is damaged ({reason})", hint="make or download it again")
    ):
        if suffix == ".npz":
            return _npz(data, name)
        if suffix in CLOUDS:
            return _cloud(*cloud_text.read(data, name), suffix, name)
        held = READERS[suffix](data, name)
        if suffix == ".ply" and not len(held.faces):
            return _cloud(held.vertices, held.normals, suffix, name, held.notes)
        return _mesh(held, suffix, name)


def _mesh(held: Held, suffix: str, name: str) -> Read:
    vertices = held.vertices
    if not len(held.faces):
        what = f"{len(vertices):,} vertices and no faces" if len(vertices) else "no vertices and no faces"
        raise InputError(
            f"{name}: holds {what}",
            hint="save the faces with it; a cloud of points is read from .xyz, .pts, .ply and .npz",
        )
    surface, sides, wrong = clean(vertices, held.faces, name)
    counts = {"faces": str(len(surface.faces)), "vertices": str(len(surface.vertices))}
    return Read(body=surface, suffix=suffix, counts=counts, notes=(*held.notes, *wrong), sides=sides)


def _cloud(
    places: Points, normals: Points | None, suffix: str, name: str, notes: tuple[str, ...] = ()
) -> Read:
    made, told = cloud.of_points(places, normals, name)
    return Read(body=made, suffix=suffix, counts={"points": str(len(made.places))}, notes=(*notes, *told))


def _npz(data: bytes, name: str) -> Read:
    """Read arrays: `points` and `normals` of a cloud, or `vertices` and `faces` of a mesh."""
    found, keys = npz.read(data, ("points", "normals", "vertices", "faces"), name)
    faces = found.pop("faces", np.zeros((0, 3), np.int64))
    arrays = {key: np.asarray(value, np.float64) for key, value in found.items()}
    bad = [key for key, value in arrays.items() if value.ndim != 2 or value.shape[1] != 3]
    if bad:
        raise InputError(f"{name}: the array {bad[0]} of shape {arrays[bad[0]].shape} is not [number, 3]")
    if "vertices" in arrays and faces.ndim == 2 and faces.shape[1] >= 3 and len(faces):
        polygons = Polygons.of_rows(faces)
        held = Held(arrays["vertices"], triangles(arrays["vertices"], polygons, name))
        return _mesh(held, ".npz", name)
    if "points" not in arrays:
        raise InputError(
            f"{name}: holds {', '.join(keys) or 'nothing'}",
            hint="give points [number, 3], normals too where there are some, or vertices and faces",
        )
    normals = arrays.get("normals")
    if normals is not None and len(normals) != len(arrays["points"]):
        raise InputError(f"{name}: holds {len(arrays['points'])} points and {len(normals)} normals")
    return _cloud(arrays["points"], normals, ".npz", name)
