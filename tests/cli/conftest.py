"""A folder to work in, with a photo and a field of it."""

from __future__ import annotations

from pathlib import Path

import pytest
from make.cli import inrfit, save
from make.data import textured


@pytest.fixture(scope="session")
def fitted(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """The bytes of a field of `textured(24, 36)` in 2 x 2 cells."""
    photo = save(tmp_path_factory.mktemp("fitted") / "photo.png", textured(24, 36))
    ran = inrfit("fit", photo, "--grid", "2x2", "--steps", "30", "--hidden-features", "8", "--quiet")
    assert ran.code == 0, ran.err
    return photo.with_suffix(".inr").read_bytes()


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working folder, which holds photo.png of 24 x 36 pixels."""
    monkeypatch.chdir(tmp_path)
    save(tmp_path / "photo.png", textured(24, 36))
    return tmp_path


@pytest.fixture
def field(here: Path, fitted: bytes) -> Path:
    """The file photo.inr in the working folder."""
    path = here / "photo.inr"
    path.write_bytes(fitted)
    return path
