"""A shape through the whole way: fitted, written, cropped, decoded to a mesh and compared with where it came from."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from make.shapes import CENTRE, RADIUS, ball, file, loaded

import inrfit
from inrfit import api
from inrfit.errors import ConfigError
from inrfit.render.output import Output


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("shape") / "ball.ply"
    path.write_bytes(file(ball(), "ply"))
    return path


@pytest.fixture(scope="module")
def field(source: Path) -> Any:
    return inrfit.fit(source, resolution=48, cell=8, hidden_features=8, steps=60, points=8000, device="cpu")


def test_cells_that_are_wholly_outside_have_no_network(field: Any) -> None:
    assert len(field.partition) == 208  # all of 6 x 6 x 6 but the corners
    assert field.uncovered() == int((~field.covered()).sum()) == 8 * 8**3
    assert field.uncovered(Output(size=(24, 60, 48))) == int(
        (~field.covered(Output(size=(24, 60, 48)))).sum()
    )


def test_the_mesh_of_the_file_is_the_ball_again(field: Any, tmp_path: Path) -> None:
    inrfit.save(field, tmp_path / "ball.inr")
    inrfit.decode(tmp_path / "ball.inr", tmp_path / "again.ply", device="cpu")
    mesh = loaded((tmp_path / "again.ply").read_bytes(), "ply")
    away = np.linalg.norm(mesh.vertices - CENTRE, axis=1) / RADIUS - 1
    assert np.abs(away).max() < 0.1
    assert mesh.is_watertight
    assert mesh.volume > 0


def test_it_is_measured_on_the_lattice_it_was_fitted_on(field: Any, source: Path) -> None:
    measured = api.evaluate(field, source, metrics=["psnr", "chamfer-l1"], device="cpu")
    assert measured["psnr"] == pytest.approx(field.psnr, abs=0.01)
    assert measured["chamfer-l1"] < 0.005


def test_a_slab_is_compared_with_its_part_of_the_shape(field: Any, source: Path, tmp_path: Path) -> None:
    inrfit.save(field, tmp_path / "ball.inr")
    inrfit.crop(tmp_path / "ball.inr", tmp_path / "slab.inr", keep="0:2")
    assert inrfit.load(tmp_path / "slab.inr").domain.shape == (16, 48, 48)
    measured = api.evaluate(tmp_path / "slab.inr", source, metrics=["chamfer-l1"], device="cpu")
    assert measured["chamfer-l1"] < 0.02


def test_a_shape_cannot_be_extended(field: Any, source: Path) -> None:
    with pytest.raises(ConfigError, match="cannot be extended"):
        inrfit.extend(field, source, side="right")
