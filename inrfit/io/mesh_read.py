"""Files of meshes and point clouds to bodies: one reader per format; what a body is used for is not known here."""

from __future__ import annotations

import struct
from collections.abc import Mapping
from dataclasses import dataclass
from io import BytesIO
from pathlib import PurePath
from typing import Any

import numpy as np
from numpy.typing import NDArray

from inrfit.errors import InputError
from inrfit.io import cloud, mesh_obj
from inrfit.io.libraries import guarded
from inrfit.io.mesh_clean import clean
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
    """

    body: Body
    suffix: str
    counts: Mapping[str, str]
    notes: tuple[str, ...]


def recognise(start: bytes) -> str | None:
    """Return the suffix of the format of a file by its first bytes; None where they do not tell."""
    if start[:4] in (b"ply\n", b"ply\r"):
        return ".ply"
    if start[:4] == b"glTF":
        return ".glb"
    if start.lstrip()[:3] in (b"OFF",) or start.lstrip()[:4] in (b"COFF", b"NOFF"):
        return ".off"
    if start[:5].lower() == b"solid":
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
    suffix = suffix if suffix in SUFFIXES else found or (".xyz" if _is_numbers(data[:4096]) else "")
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
    if suffix == ".obj":
        return _obj(data, name)
    if suffix == ".npz":
        return _npz(data, name)
    if suffix in CLOUDS:
        return _cloud(*_columns(data, name), suffix, name)
    return _by_trimesh(data, suffix, name)


def _mesh(
    vertices: Points, faces: NDArray[np.int64], suffix: str, name: str, notes: tuple[str, ...] = ()
) -> Read:
    surface, wrong = clean(vertices, faces, name)
    counts = {"faces": str(len(surface.faces)), "vertices": str(len(surface.vertices))}
    return Read(body=surface, suffix=suffix, counts=counts, notes=(*notes, *wrong))


def _cloud(places: Points, normals: Points | None, suffix: str, name: str) -> Read:
    made, notes = cloud.of_points(places, normals, name)
    return Read(body=made, suffix=suffix, counts={"points": str(len(made.places))}, notes=notes)


def _obj(data: bytes, name: str) -> Read:
    """Read an OBJ file."""
    held = mesh_obj.read(data)
    if not len(held.faces):
        what = (
            f"{len(held.vertices):,} vertices and no faces"
            if len(held.vertices)
            else "no vertices and no faces"
        )
        raise InputError(
            f"{name}: holds {what}",
            hint="save faces with it; a cloud of points is read from .xyz, .ply and .npz",
        )
    notes = (f"lines that could not be read: {held.broken:,}",) if held.broken else ()
    return _mesh(held.vertices, held.faces, ".obj", name, notes)


def _by_trimesh(data: bytes, suffix: str, name: str) -> Read:
    """Read a file by trimesh; the parts of a scene are put where they belong."""
    _check_length(data, suffix, name)
    import trimesh

    def refused(reason: str) -> InputError:
        words = f" ({reason})" if "module" not in reason.lower() else ""
        return InputError(
            f"{name}: cannot be read as {suffix.lstrip('.')}: it is damaged, cut off or another format{words}",
            hint="save it again as binary .ply or .glb, which hold everything in one file",
        )

    with guarded(refused):
        scene: Any = trimesh.load_scene(BytesIO(data), file_type=suffix.lstrip("."), process=False)
        parts = list(scene.geometry.values())
        points = [part for part in parts if isinstance(part, trimesh.PointCloud)]
        mesh: Any = scene.to_mesh() if any(isinstance(part, trimesh.Trimesh) for part in parts) else None
        if mesh is not None:
            vertices, faces = np.array(mesh.vertices, np.float64), np.array(mesh.faces, np.int64)
        elif points:
            vertices, faces = np.array(points[0].vertices, np.float64), np.zeros((0, 3), np.int64)
        else:
            vertices, faces = np.zeros((0, 3)), np.zeros((0, 3), np.int64)
    if len(faces):
        return _mesh(vertices, faces, suffix, name)
    if points and suffix == ".ply":
        return _cloud(vertices, _ply_normals(points[0], len(vertices)), suffix, name)
    what = f"{len(vertices):,} vertices and no faces" if len(vertices) else "no vertices and no faces"
    raise InputError(f"{name}: holds {what}", hint="save the faces with it")


def _check_length(data: bytes, suffix: str, name: str) -> None:
    """Refuse a binary STL file that is cut off."""
    if suffix != ".stl" or b"facet" in data[:1024] or (data[:5].lower() == b"solid" and len(data) < 84):
        return
    count = struct.unpack_from("<I", data, 80)[0] if len(data) >= 84 else 0
    if len(data) < 84 + 50 * count or len(data) < 84:
        raise InputError(
            f"{name}: is cut off or no STL file: {84 + 50 * count:,} bytes announced, {len(data):,} there",
            hint="make or download it again",
        )


def _ply_normals(part: Any, count: int) -> Points | None:
    """Return the normals of the points of a PLY file, where it has them."""
    held = part.metadata.get("_ply_raw", {}).get("vertex", {}).get("data")
    try:
        normals = np.stack([np.asarray(held[axis], np.float64).reshape(-1) for axis in ("nx", "ny", "nz")], 1)
    except (KeyError, ValueError, TypeError, IndexError):
        return None
    return normals if normals.shape == (count, 3) else None


def _is_numbers(start: bytes) -> bool:
    """Tell whether the first line of a file holds at least three numbers and nothing else."""
    words = start.split(b"\n", 1)[0].replace(b",", b" ").split()
    try:
        return len([float(word) for word in words]) >= 3
    except ValueError:
        return False


def _columns(data: bytes, name: str) -> tuple[Points, Points | None]:
    """Read lines of numbers: x y z, and normals where there are six; others are colours and go.

    A line of one number in front, the count of a .pts file, is passed over.
    """
    rows: list[list[float]] = []
    for number, line in enumerate(data.decode("utf-8", "replace").splitlines(), 1):
        words = line.split("#", 1)[0].replace(",", " ").replace(";", " ").split()
        if not words or (not rows and len(words) == 1):
            continue
        try:
            row = [float(word) for word in words]
        except ValueError:
            row = []
        if len(row) < 3 or (rows and len(row) != len(rows[0])):
            wanted = f"the {len(rows[0])} numbers" if rows else "three numbers"
            raise InputError(
                f"{name}: line {number} does not hold {wanted} of a point: {line[:40]!r}",
                hint="give x y z, or x y z nx ny nz, on every line",
            )
        rows.append(row)
    if not rows:
        raise InputError(f"{name}: holds no points", hint="give x y z, or x y z nx ny nz, on every line")
    table = np.array(rows)
    normals = table[:, 3:6] if table.shape[1] == 6 and (table[:, 3:6] < 0).any() else None
    return table[:, :3], normals


def _npz(data: bytes, name: str) -> Read:
    """Read arrays: `points` and `normals` of a cloud, or `vertices` and `faces` of a mesh."""
    with guarded(lambda reason: InputError(f"{name}: is no .npz file or is damaged ({reason})")):
        with np.load(BytesIO(data), allow_pickle=False) as file:
            held = {key: file[key] for key in ("points", "normals", "vertices", "faces") if key in file.files}
            keys = sorted(file.files)
        faces = np.array(held.pop("faces", np.zeros((0, 3))), np.int64)
        arrays = {key: np.array(value, np.float64) for key, value in held.items()}
    bad = [key for key, value in arrays.items() if value.ndim != 2 or value.shape[1] != 3]
    if bad:
        raise InputError(f"{name}: the array {bad[0]} of shape {arrays[bad[0]].shape} is not [number, 3]")
    if "vertices" in arrays and faces.ndim == 2 and faces.shape[1] == 3 and len(faces):
        return _mesh(arrays["vertices"], faces, ".npz", name)
    if "points" not in arrays:
        raise InputError(
            f"{name}: holds {', '.join(keys) or 'nothing'}",
            hint="give points [number, 3], normals too where there are some, or vertices and faces",
        )
    normals = arrays.get("normals")
    if normals is not None and len(normals) != len(arrays["points"]):
        raise InputError(f"{name}: holds {len(arrays['points'])} points and {len(normals)} normals")
    return _cloud(arrays["points"], normals, ".npz", name)
