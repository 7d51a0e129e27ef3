"""Whole files, read and written: every refusal is one clear line, and nothing is ever left behind."""

from __future__ import annotations

import errno
import os
import resource
from pathlib import Path

import pytest

from inrfit.errors import InputError, OutputError
from inrfit.io.files import atomic_write, read_bytes


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_written_bytes_are_read_back(tmp_path: Path) -> None:
    atomic_write(tmp_path / "a.bin", b"\0\xff data", overwrite=False)
    assert read_bytes(tmp_path / "a.bin") == b"\0\xff data"
    assert names(tmp_path) == ["a.bin"]


def test_a_new_file_gets_the_usual_permissions(tmp_path: Path) -> None:
    (tmp_path / "plain").touch()
    atomic_write(tmp_path / "ours", b"x", overwrite=False)
    assert (tmp_path / "ours").stat().st_mode == (tmp_path / "plain").stat().st_mode


def test_an_existing_file_is_replaced_only_when_told(tmp_path: Path) -> None:
    path = tmp_path / "a.bin"
    path.write_bytes(b"old")
    with pytest.raises(OutputError, match="exists already") as caught:
        atomic_write(path, b"new", overwrite=False)
    assert "--force" in (caught.value.hint or "")
    assert path.read_bytes() == b"old"
    atomic_write(path, b"new", overwrite=True)
    assert path.read_bytes() == b"new"
    assert names(tmp_path) == ["a.bin"]


def test_a_folder_is_no_target(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    with pytest.raises(OutputError, match="is a folder"):
        atomic_write(tmp_path / "folder", b"x", overwrite=True)
    with pytest.raises(OutputError, match="is a folder"):
        atomic_write(Path(), b"x", overwrite=True)
    assert list((tmp_path / "folder").iterdir()) == []


def test_a_device_is_no_target() -> None:
    with pytest.raises(OutputError, match="not a regular file"):
        atomic_write(Path(os.devnull), b"x", overwrite=True)


def test_a_missing_folder_is_named(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match=r"nowhere/a\.bin: cannot be written \(No such file") as caught:
        atomic_write(tmp_path / "nowhere" / "a.bin", b"x", overwrite=False)
    assert "make the folder" in (caught.value.hint or "")


def test_a_file_as_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(OutputError, match="cannot be written"):
        atomic_write(tmp_path / "file" / "a.bin", b"x", overwrite=False)


def test_a_full_disk_leaves_the_old_file_and_no_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "a.bin"
    path.write_bytes(b"old")

    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OutputError, match="No space left on device") as caught:
        atomic_write(path, b"new", overwrite=True)
    assert "free some space" in (caught.value.hint or "")
    assert path.read_bytes() == b"old"
    assert names(tmp_path) == ["a.bin"]


def test_a_write_that_the_system_cuts_short_leaves_nothing(tmp_path: Path) -> None:
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, limits[1]))
    try:
        with pytest.raises(OutputError, match="File too large"):
            atomic_write(tmp_path / "a.bin", bytes(1_000_000), overwrite=False)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert names(tmp_path) == []


def test_an_interrupt_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(_: int) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "fsync", interrupt)
    with pytest.raises(KeyboardInterrupt):
        atomic_write(tmp_path / "a.bin", b"x", overwrite=False)
    assert names(tmp_path) == []


@pytest.mark.parametrize("name", ["x" * 300, "a\0b"])
def test_an_impossible_name_is_refused_both_ways(tmp_path: Path, name: str) -> None:
    with pytest.raises(OutputError, match="cannot be written") as written:
        atomic_write(tmp_path / name, b"x", overwrite=False)
    with pytest.raises(InputError, match="cannot be read") as read:
        read_bytes(tmp_path / name)
    assert "\0" not in written.value.message + read.value.message
    assert names(tmp_path) == []


def test_a_long_name_that_the_system_allows_is_written(tmp_path: Path) -> None:
    path = tmp_path / ("x" * 255)
    atomic_write(path, b"x", overwrite=False)
    assert read_bytes(path) == b"x"


def test_reading_refuses_what_is_no_file(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no such file"):
        read_bytes(tmp_path / "missing.png")
    with pytest.raises(InputError, match="is a folder"):
        read_bytes(tmp_path)
    (tmp_path / "empty.png").touch()
    with pytest.raises(InputError, match="file is empty"):
        read_bytes(tmp_path / "empty.png")
    with pytest.raises(InputError, match="cannot be read"):
        read_bytes(tmp_path / "empty.png" / "inner.png")


def test_reading_says_when_it_may_not(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def forbidden(_: Path, mode: str) -> None:
        assert mode == "rb"
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(Path, "open", forbidden)
    with pytest.raises(InputError, match="may not be read"):
        read_bytes(tmp_path / "secret.png")
