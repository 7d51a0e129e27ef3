"""Folders: what lies in them, through links once each, and what cannot be listed."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from inrfit.io.folders import listed


def names(folder: Path, *, recursive: bool = True) -> list[str]:
    return [str(path.relative_to(folder)) for path in listed(folder, recursive=recursive)[0]]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    top = tmp_path / "top"
    for name in ("b.png", "a.png", "._a.png", "in/c.png", "in/._c.png", "in/deep/d.png", ".DS_Store"):
        (top / name).parent.mkdir(parents=True, exist_ok=True)
        (top / name).write_bytes(b"x")
    return top


def test_files_come_in_order_without_resource_forks(folder: Path) -> None:
    assert names(folder, recursive=False) == [".DS_Store", "a.png", "b.png"]
    assert names(folder) == [".DS_Store", "a.png", "b.png", "in/c.png", "in/deep/d.png"]


def test_linked_folders_are_followed_once_each(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "e.png").write_bytes(b"x")
    for link in ("more", "again"):
        (folder / link).symlink_to(tmp_path / "elsewhere")
    (folder / "a-link").symlink_to(folder / "in")
    (folder / "in" / "loop").symlink_to(folder)
    (tmp_path / "elsewhere" / "back").symlink_to(folder / "in")
    (folder / "itself").symlink_to(folder / "itself")
    found = names(folder)
    assert found == [".DS_Store", "a.png", "again/e.png", "b.png", "in/c.png", "in/deep/d.png", "itself"]
    assert names(folder, recursive=False) == [".DS_Store", "a.png", "b.png", "itself"]


def test_links_to_files_are_files_also_those_that_lead_nowhere(folder: Path, tmp_path: Path) -> None:
    (folder / "link.png").symlink_to(folder / "in" / "c.png")
    (folder / "nowhere.png").symlink_to(tmp_path / "gone.png")
    os.mkfifo(folder / "pipe.png")
    assert names(folder, recursive=False) == [".DS_Store", "a.png", "b.png", "link.png", "nowhere.png"]


def test_what_cannot_be_listed_is_told(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    scandir = os.scandir

    def refusing(path: Path) -> object:
        if Path(path).name == "in":
            raise PermissionError(13, "Permission denied")
        return scandir(path)

    monkeypatch.setattr(os, "scandir", refusing)
    files, refused = listed(folder, recursive=True)
    assert [path.name for path in files] == [".DS_Store", "a.png", "b.png"]
    assert refused == [(folder / "in", "Permission denied")]
