"""Samples of a shape to files: meshes of the surface between them, or the lattice itself; it reads nothing."""

from __future__ import annotations

from collections.abc import Iterator
from io import BytesIO
from typing import Any

import numpy as np

from inrfit.errors import OutputError
from inrfit.io.arrays import npy_start
from inrfit.io.libraries import guarded
from inrfit.isosurface import isosurface
from inrfit.signal import Bands, SignalInfo

MESHES = (".ply", ".obj", ".stl", ".glb", ".off")
"""Suffixes of the mesh formats that are written."""

WRITTEN = (*MESHES, ".npy")


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
    import trimesh

    try:
        surface = isosurface(samples.bands, samples.domain, samples.info)
    except OutputError as error:
        raise OutputError(f"{name}: {error.message}", hint=error.hint) from error
    form = suffix.lower().lstrip(".")
    with guarded(
        lambda reason: OutputError(f"{name}: cannot be written as {form} ({reason})", hint="write .ply")
    ):
        mesh = trimesh.Trimesh(surface.vertices, surface.faces, process=False)
        made: Any = mesh.export(file_type=form)
    yield (
        made.encode()
        if isinstance(made, str)
        else made.getvalue()
        if isinstance(made, BytesIO)
        else bytes(made)
    )
