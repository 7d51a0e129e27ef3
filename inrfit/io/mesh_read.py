"""Files of meshes and point clouds to bodies: one reader per format; what a body is used for is not known here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import PurePath

import numpy as np
from numpy.typing import NDArray

from inrfit.errors import InputError
from inrfit.io import cloud, cloud_text, mesh_gltf, mesh_obj, mesh_off, mesh_ply, mesh_stl, npz
from inrfit.io.libraries import guarded
from inrfit.io.mesh_clean import clean
from inrfit.io.mesh_polygons import Polygons, triangles
from inrfit.io.mesh_text import plain
from inrfit.surface import Body, Points

MESHES = (".obj", ".ply", ".stl", ".glb", ".gltf", ".off")
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
    readers = {".obj": _obj, ".ply": _ply, ".stl": _stl, ".off": _off, ".npz": _npz}
    with guarded(
        lambda reason: InputError(f"{name}: is damaged ({reason})", hint="make or download it again")
    ):
        if suffix in readers:
            return readers[suffix](data, name)
        if suffix in CLOUDS:
            return _cloud(*cloud_text.read(data, name), suffix, name)
        held = mesh_gltf.read(data, name)
        return _mesh(held.vertices, held.faces, suffix, name, held.notes)


def _mesh(
    vertices: Points, faces: NDArray[np.int64], suffix: str, name: str, notes: tuple[str, ...] = ()
) -> Read:
    if not len(faces):
        what = f"{len(vertices):,} vertices and no faces" if len(vertices) else "no vertices and no faces"
        raise InputError(
            f"{name}: holds {what}",
            hint="save the faces with it; a cloud of points is read from .xyz, .pts, .ply and .npz",
        )
    surface, sides, wrong = clean(vertices, faces, name)
    counts = {"faces": str(len(surface.faces)), "vertices": str(len(surface.vertices))}
    return Read(body=surface, suffix=suffix, counts=counts, notes=(*notes, *wrong), sides=sides)


def _cloud(places: Points, normals: Points | None, suffix: str, name: str) -> Read:
    made, notes = cloud.of_points(places, normals, name)
    return Read(body=made, suffix=suffix, counts={"points": str(len(made.places))}, notes=notes)


def _obj(data: bytes, name: str) -> Read:
    """Read an OBJ file."""
    held = mesh_obj.read(data, name)
    notes = (f"lines that could not be read: {held.broken:,}",) if held.broken else ()
    return _mesh(held.vertices, held.faces, ".obj", name, notes)


def _stl(data: bytes, name: str) -> Read:
    """Read an STL file."""
    held = mesh_stl.read(data, name)
    return _mesh(held.vertices, held.faces, ".stl", name, held.notes)


def _off(data: bytes, name: str) -> Read:
    """Read an OFF file."""
    held = mesh_off.read(data, name)
    return _mesh(held.vertices, held.faces, ".off", name, held.notes)


def _ply(data: bytes, name: str) -> Read:
    """Read a PLY file: a mesh where it has faces, else a cloud of points."""
    held = mesh_ply.read(data, name)
    if len(held.faces):
        return _mesh(held.vertices, held.faces, ".ply", name, held.notes)
    found = _cloud(held.vertices, held.normals, ".ply", name)
    return replace(found, notes=(*held.notes, *found.notes))


def _npz(data: bytes, name: str) -> Read:
    """Read arrays: `points` and `normals` of a cloud, or `vertices` and `faces` of a mesh."""
    held, keys = npz.read(data, ("points", "normals", "vertices", "faces"), name)
    faces = held.pop("faces", np.zeros((0, 3), np.int64))
    arrays = {key: np.asarray(value, np.float64) for key, value in held.items()}
    bad = [key for key, value in arrays.items() if value.ndim != 2 or value.shape[1] != 3]
    if bad:
        raise InputError(f"{name}: the array {bad[0]} of shape {arrays[bad[0]].shape} is not [number, 3]")
    if "vertices" in arrays and faces.ndim == 2 and faces.shape[1] >= 3 and len(faces):
        polygons = Polygons.of_rows(faces)
        return _mesh(arrays["vertices"], triangles(arrays["vertices"], polygons, name), ".npz", name)
    if "points" not in arrays:
        raise InputError(
            f"{name}: holds {', '.join(keys) or 'nothing'}",
            hint="give points [number, 3], normals too where there are some, or vertices and faces",
        )
    normals = arrays.get("normals")
    if normals is not None and len(normals) != len(arrays["points"]):
        raise InputError(f"{name}: holds {len(arrays['points'])} points and {len(normals)} normals")
    return _cloud(arrays["points"], normals, ".npz", name)
