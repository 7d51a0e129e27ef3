"""Samples of a shape to files: meshes of the surface between them, or the lattice itself; it reads nothing."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from inrfit.domain import Domain
from inrfit.errors import OutputError
from inrfit.io.arrays import npy_start
from inrfit.io.libraries import guarded
from inrfit.isosurface import isosurface
from inrfit.signal import Bands, SignalInfo
from inrfit.surface import Surface

MESHES = (".ply", ".obj", ".stl", ".glb", ".off")
"""Suffixes of the mesh formats that are written."""

WRITTEN = (*MESHES, ".npy")

SHARE = 1e-3
"""Share of a lattice step to which places are kept."""

ROWS = 1 << 16
"""Rows that are written at once."""


def check(info: SignalInfo, channels: int, suffix: str, name: str) -> None:
    """Refuse a format that is not written.

    Raises:
        OutputError: the suffix is unknown, or there is more than one value per sample.
    """
    if suffix.lower() not in WRITTEN:
        raise OutputError(
            f"{name}: {suffix or 'no suffix'} is not a format a shape is written to",
            hint=f"write {', '.join(WRITTEN)}",
        )
    if channels != 1 and info.colour:
        raise OutputError(f"{name}: a shape has one value per sample, not {channels}")


def encode(samples: Bands, suffix: str, name: str) -> Iterator[bytes]:
    """Yield the pieces of a file; see `ShapeIO.encode`."""
    check(samples.info, samples.channels, suffix, name)
    if suffix.lower() == ".npy":
        yield npy_start(samples.shape, np.dtype(samples.info.dtype))
        yield from (np.ascontiguousarray(band).tobytes() for band in samples.bands)
        return
    try:
        surface = isosurface(samples.bands, samples.domain, samples.info)
    except OutputError as error:
        raise OutputError(f"{name}: {error.message}", hint=error.hint) from error
    fine = max(samples.domain.spacing) * SHARE
    writers = {".ply": _ply, ".obj": _obj, ".off": _off}
    if suffix.lower() in writers:
        yield from writers[suffix.lower()](surface, fine)
    else:
        yield _by_trimesh(surface, suffix.lower().lstrip("."), name)


def losses(domain: Domain, suffix: str) -> str:
    """Return what a format loses of the places of a shape, in words; "" where nothing that counts."""
    step = _float_step(_reach(domain))
    if suffix.lower() != ".stl" or step <= max(domain.spacing) * SHARE:
        return ""
    return (
        f".stl holds single precision only, in which coordinates up to {_reach(domain):,.0f} have steps of {step:.2g}, "
        f"{step / max(domain.spacing):.2g} of a lattice step; .ply, .obj, .off and .glb keep the places"
    )


def _reach(domain: Domain) -> float:
    """Return the largest coordinate of a lattice."""
    low = np.array(domain.corner)
    return float(np.abs([low, low + np.array(domain.spacing) * domain.shape]).max())


def _float_step(value: float) -> float:
    """Return how far apart numbers of single precision are."""
    return float(np.spacing(np.float32(value)))


def _ply(surface: Surface, fine: float) -> Iterator[bytes]:
    """Yield a binary PLY file, in double precision where single has steps above `fine`."""
    wide = _float_step(float(np.abs(surface.vertices).max())) > fine
    form = "double" if wide else "float"
    yield (
        f"ply\nformat binary_little_endian 1.0\nelement vertex {len(surface.vertices)}\n"
        f"property {form} x\nproperty {form} y\nproperty {form} z\n"
        f"element face {len(surface.faces)}\nproperty list uchar int vertex_indices\nend_header\n"
    ).encode()
    yield surface.vertices.astype("<f8" if wide else "<f4").tobytes()
    for start in range(0, len(surface.faces), ROWS):
        part = surface.faces[start : start + ROWS]
        rows = np.zeros(len(part), [("count", "u1"), ("corners", "<i4", (3,))])
        rows["count"], rows["corners"] = 3, part
        yield rows.tobytes()


def _obj(surface: Surface, fine: float) -> Iterator[bytes]:
    """Yield an OBJ file."""
    number = _number(surface, fine)
    yield from _lines(f"v {number} {number} {number}\n", surface.vertices)
    yield from _lines("f %d %d %d\n", surface.faces + 1)


def _off(surface: Surface, fine: float) -> Iterator[bytes]:
    """Yield an OFF file."""
    number = _number(surface, fine)
    yield f"OFF\n{len(surface.vertices)} {len(surface.faces)} 0\n".encode()
    yield from _lines(f"{number} {number} {number}\n", surface.vertices)
    yield from _lines("3 %d %d %d\n", surface.faces)


def _number(surface: Surface, fine: float) -> str:
    """Return how coordinates are written so that they are exact to `fine`, with nine digits or more."""
    digits = math.log10(max(float(np.abs(surface.vertices).max()), fine) / fine)
    return f"%.{min(17, max(9, math.ceil(digits) + 1))}g"


def _lines(row: str, values: NDArray[Any]) -> Iterator[bytes]:
    """Yield rows of numbers as text."""
    for start in range(0, len(values), ROWS):
        part = values[start : start + ROWS]
        yield ((row * len(part)) % tuple(part.reshape(-1).tolist())).encode()


def _by_trimesh(surface: Surface, form: str, name: str) -> bytes:
    """Return an STL or GLB file; the node of a GLB file puts the shape in its place, so that its numbers stay small."""
    import trimesh

    with guarded(
        lambda reason: OutputError(f"{name}: cannot be written as {form} ({reason})", hint="write .ply")
    ):
        middle = np.mean(surface.box, axis=0) if form == "glb" else np.zeros(3)
        mesh = trimesh.Trimesh(surface.vertices - middle, surface.faces, process=False)
        scene = trimesh.Scene()
        scene.add_geometry(mesh, transform=trimesh.transformations.translation_matrix(middle))
        made: Any = (scene if form == "glb" else mesh).export(file_type=form)
    return bytes(made)
