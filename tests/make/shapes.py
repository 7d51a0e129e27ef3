"""Small meshes that several test modules need; trimesh makes them, so that they do not come from what is tested."""

from __future__ import annotations

from typing import Any

import numpy as np

CENTRE = np.array([10.0, -20.0, 30.0])
RADIUS = 2.5


def ball(subdivisions: int = 3) -> Any:
    """Return a closed ball away from the origin, with flat faces."""
    import trimesh

    mesh = trimesh.creation.icosphere(subdivisions=subdivisions, radius=RADIUS)
    mesh.apply_translation(CENTRE)
    return mesh


def file(mesh: Any, form: str) -> bytes:
    made = mesh.export(file_type=form)
    return made.encode() if isinstance(made, str) else bytes(made)


def loaded(data: bytes, form: str) -> Any:
    """Return a mesh as trimesh reads it."""
    import io

    import trimesh

    return trimesh.load_mesh(io.BytesIO(data), file_type=form, process=False)
