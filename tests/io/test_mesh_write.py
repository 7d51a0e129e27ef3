"""Meshes that are written keep their places, far from 0 and at any scale; where a format cannot, it is told."""

from __future__ import annotations

import numpy as np
import pytest

from inrfit import io
from inrfit.io import mesh_read, mesh_write
from inrfit.io.config import ReadConfig
from inrfit.signal import Bands

UTM = np.array([431234.5, 5412345.6, 312.3])


def written(centre: np.ndarray, radius: float, form: str):
    """Return the vertices of a ball that was read and written, its lattice, and the bytes."""
    import trimesh

    ball = trimesh.creation.icosphere(subdivisions=3)
    text = "".join("v " + " ".join(map(repr, (centre + radius * v).tolist())) + "\n" for v in ball.vertices)
    text += "".join(f"f {a + 1} {b + 1} {c + 1}\n" for a, b, c in ball.faces)
    signal = io.read(text.encode(), ReadConfig(resolution=24), name="ball.obj")
    samples = Bands.of(signal.dense(), signal.domain, signal.info)
    data = b"".join(io.encode(samples, f".{form}", name="x"))
    return mesh_read.read(data, f"x.{form}"), signal.domain, data


@pytest.mark.parametrize("form", ["ply", "obj", "off", "glb"])
@pytest.mark.parametrize(("centre", "radius"), [(UTM, 5.0), (np.zeros(3), 1e-9), (UTM * 100, 5e-1)])
def test_places_are_kept_far_from_0_and_at_any_scale(form: str, centre: np.ndarray, radius: float) -> None:
    held, _, _ = written(centre, radius, form)
    distance = np.linalg.norm(held.body.vertices - centre, axis=1)  # type: ignore[attr-defined]
    assert np.abs(distance / radius - 1).max() < 0.02
    assert not any("open" in note for note in held.notes)


def test_double_precision_is_for_shapes_that_need_it() -> None:
    assert b"property double x" in written(UTM, 5.0, "ply")[2]
    assert b"property float x" in written(np.ones(3), 5.0, "ply")[2]


def test_a_format_of_single_precision_says_what_it_loses() -> None:
    domain = written(UTM, 5.0, "stl")[1]
    assert "coordinates up to 5,412,354 have steps of 0.5" in mesh_write.losses(domain, ".stl")
    assert [mesh_write.losses(domain, suffix) for suffix in (".ply", ".obj", ".off", ".glb", ".npy")] == [
        ""
    ] * 5
    assert mesh_write.losses(written(np.ones(3), 5.0, "stl")[1], ".stl") == ""
