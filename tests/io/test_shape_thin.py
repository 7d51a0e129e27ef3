"""Parts that a lattice is too coarse for are told, with the resolution that holds them; others are not."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest
from make.shapes import file

from inrfit import io
from inrfit.io.config import ReadConfig


def notes(*sizes: tuple[float, float, float], resolution: int) -> tuple[str, ...]:
    """Return the notes on boxes of these sizes, in a row."""
    import trimesh

    scene = trimesh.Scene()
    for number, size in enumerate(sizes):
        scene.add_geometry(
            trimesh.creation.box(extents=size),
            transform=trimesh.transformations.translation_matrix((0, 0, 60 * number)),
        )
    signal = io.read(file(scene, "glb"), ReadConfig(resolution=resolution), name="x.glb")
    return signal.info.notes


def test_a_plate_thinner_than_a_step_is_told_and_the_resolution_holds_it() -> None:
    (note,) = notes((100, 100, 2), resolution=32)
    assert note.startswith(
        "too thin for the lattice, whose step is 4.35: 1 of 1 part below two steps and walls of "
    )
    wanted = re.search(r"--resolution (\d+) would", note)
    assert wanted is not None
    assert 100 / 2 * 2 <= int(wanted[1]) <= 150
    assert notes((100, 100, 2), resolution=int(wanted[1])) == ()


def test_a_small_part_beside_a_large_one_is_told() -> None:
    (note,) = notes((50, 50, 50), (1, 1, 1), resolution=32)
    assert "1 of 2 parts below two steps, down to 1;" in note


def test_a_thin_wall_of_a_solid_is_told() -> None:
    import trimesh

    outer, inner = trimesh.creation.box(extents=[50] * 3), trimesh.creation.box(extents=[49] * 3)
    inner.invert()
    hollow: Any = trimesh.util.concatenate([outer, inner])
    signal = io.read(file(hollow, "stl"), ReadConfig(resolution=32), name="x.stl")
    share = re.search(r": walls of (\d+)% of the surface below one, down to 0.4", signal.info.notes[0])
    assert share is not None
    assert int(share[1]) > 95


def test_a_plate_of_a_fraction_of_the_highest_resolution_cannot_be_held() -> None:
    (note,) = notes((100, 100, 0.01), resolution=32)
    assert "2,048 is the highest" in note


@pytest.mark.parametrize("size", [(50, 50, 50), (50, 30, 12)])
def test_solid_bodies_are_not_told(size: tuple[float, float, float]) -> None:
    assert notes(size, resolution=32) == ()


def test_a_lattice_that_is_given_is_not_judged() -> None:
    import trimesh

    data = file(trimesh.creation.box(extents=(100, 100, 2)), "stl")
    config = ReadConfig(resolution=32)
    lattice = io.read(data, config, name="x.stl").domain
    signal = io.read(data, ReadConfig(kind="shape", lattice=lattice), name="x.stl")
    assert np.isfinite(signal.dense()).all()
    assert signal.info.notes == ()
