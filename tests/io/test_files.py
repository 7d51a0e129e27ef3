"""Whole files, read and written: every refusal is one clear line, and nothing is ever left behind."""

from __future__ import annotations

import errno
import os
import resource
import signal
import stat
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from inrfit.errors import InputError, OutputError
from inrfit.io import claims, scratch
from inrfit.io.files import atomic_write, atomic_write_blocks, disk_is_full, read_bytes, write
from inrfit.io.unfinished import PLACES, Unfinished, sweep


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


@pytest.mark.parametrize("mode", [0o600, 0o640, 0o444, 0o755])
def test_a_file_that_is_replaced_keeps_its_permissions(tmp_path: Path, mode: int) -> None:
    path = tmp_path / "a.bin"
    path.write_bytes(b"old")
    path.chmod(mode)
    atomic_write(path, b"new", overwrite=True)
    assert (path.read_bytes(), stat.S_IMODE(path.stat().st_mode)) == (b"new", mode)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root gives files away")
def test_a_file_that_is_replaced_keeps_its_owner(tmp_path: Path) -> None:
    path = tmp_path / "a.bin"
    path.write_bytes(b"old")
    os.chown(path, 12345, 54321)
    path.chmod(0o640)
    atomic_write(path, b"new", overwrite=True)
    found = path.stat()
    assert (found.st_uid, found.st_gid, stat.S_IMODE(found.st_mode)) == (12345, 54321, 0o640)


def test_a_group_that_cannot_be_kept_gives_the_new_one_no_rights(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: int) -> None:
        raise PermissionError

    path = tmp_path / "a.bin"
    path.write_bytes(b"old")
    path.chmod(0o664)
    monkeypatch.setattr(os, "fchown", refuse)
    atomic_write(path, b"new", overwrite=True)
    assert stat.S_IMODE(path.stat().st_mode) == 0o644


def test_what_is_secret_is_so_while_it_is_written(tmp_path: Path) -> None:
    path = tmp_path / "a.bin"
    path.write_bytes(b"old")
    path.chmod(0o600)

    def blocks() -> Iterator[bytes]:
        (unfinished,) = tmp_path.glob(".inrfit-*")
        yield oct(stat.S_IMODE(unfinished.stat().st_mode)).encode()

    atomic_write_blocks(path, blocks(), overwrite=True)
    assert path.read_bytes() == b"0o600"


def test_the_umask_is_for_new_files(tmp_path: Path) -> None:
    before = os.umask(0o077)
    try:
        atomic_write(tmp_path / "a.bin", b"x", overwrite=True)
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "a.bin").stat().st_mode) == 0o600


def test_the_target_of_a_link_is_replaced(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    target, link = tmp_path / "real" / "a.bin", tmp_path / "link.bin"
    target.write_bytes(b"old")
    target.chmod(0o600)
    link.symlink_to("real/a.bin")
    with pytest.raises(OutputError, match="exists already"):
        atomic_write(link, b"new", overwrite=False)
    atomic_write(link, b"new", overwrite=True)
    assert link.is_symlink()
    assert (target.read_bytes(), stat.S_IMODE(target.stat().st_mode)) == (b"new", 0o600)
    target.unlink()
    with pytest.raises(OutputError, match="exists already"):
        atomic_write(link, b"new", overwrite=False)
    atomic_write(link, b"anew", overwrite=True)
    assert (link.is_symlink(), target.read_bytes()) == (True, b"anew")
    assert (names(tmp_path), names(tmp_path / "real")) == (["link.bin", "real"], ["a.bin"])


def appears(path: Path) -> Iterator[bytes]:
    """Yield bytes while another program writes the file."""
    yield b"new"
    path.write_bytes(b"another's")


@pytest.mark.parametrize("links", [True, False], ids=["links", "no links"])
def test_a_file_that_appears_meanwhile_stays(
    tmp_path: Path, links: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not links:
        monkeypatch.setattr(os, "link", no_links)
    path = tmp_path / "a.bin"
    with pytest.raises(OutputError, match="exists already"):
        atomic_write_blocks(path, appears(path), overwrite=False)
    assert (names(tmp_path), path.read_bytes()) == (["a.bin"], b"another's")
    path.unlink()
    (tmp_path / "a.1.bin").write_bytes(b"mine")
    assert write(path, appears(path), taken="beside") == tmp_path / "a.2.bin"
    assert (path.read_bytes(), (tmp_path / "a.2.bin").read_bytes()) == (b"another's", b"new")
    assert names(tmp_path) == ["a.1.bin", "a.2.bin", "a.bin"]
    (tmp_path / "a.2.bin").unlink()
    path.chmod(0o600)
    assert write(path, [b"x"], taken="beside") == tmp_path / "a.2.bin"
    assert stat.S_IMODE((tmp_path / "a.2.bin").stat().st_mode) != 0o600


def no_links(*_: object) -> None:
    raise OSError(errno.EPERM, os.strerror(errno.EPERM))


def test_a_result_with_a_long_name_finds_a_shorter_one(tmp_path: Path) -> None:
    path = tmp_path / ("x" * 251 + ".inr")
    path.write_bytes(b"old")
    assert write(path, [b"new"], taken="beside").read_bytes() == b"new"


KILLED = """
import os, signal, sys
from pathlib import Path
from inrfit.io import scratch
from inrfit.io.files import atomic_write_blocks

def blocks():
    yield bytes(1000)
    with scratch.folder() as folder:
        (folder / "part").write_bytes(bytes(1000))
        os.kill(os.getpid(), signal.SIGKILL)

atomic_write_blocks(Path(sys.argv[1]), blocks(), overwrite=True)
"""


def kill(path: Path, scratch_in: Path) -> None:
    """Kill a process that writes a file."""
    root = str(Path(__file__).resolve().parents[2])
    paths = os.pathsep.join([root, os.environ.get("PYTHONPATH", "")])
    env = {**os.environ, "TMPDIR": str(scratch_in), "PYTHONPATH": paths}
    done = subprocess.run([sys.executable, "-c", KILLED, path], env=env, check=False)
    assert done.returncode == -signal.SIGKILL


def test_what_a_killed_run_left_goes_with_the_next(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    place, path = tmp_path / "tmp", tmp_path / "a.bin"
    place.mkdir()
    kill(path, place)
    assert len(names(tmp_path)) == 2
    assert len(names(place)) == 1
    atomic_write(tmp_path / "b.bin", b"other", overwrite=False)
    assert len(names(tmp_path)) == 3  # what is left belongs to a.bin
    atomic_write(path, b"x", overwrite=False)
    assert names(tmp_path) == ["a.bin", "b.bin", "tmp"]
    kill(path, place)
    with pytest.raises(OutputError):
        atomic_write(path, b"x", overwrite=False)
    sweep(path)
    assert names(tmp_path) == ["a.bin", "b.bin", "tmp"]
    monkeypatch.setattr(tempfile, "tempdir", str(place))
    with scratch.folder() as folder:
        assert names(place) == [folder.name]
    assert names(place) == []


def test_what_is_at_work_or_not_ours_stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    path, mine = tmp_path / "a.bin", tmp_path / "inrfit-pictures"
    mine.mkdir()

    def slow() -> Iterator[bytes]:
        yield b"slow"
        with scratch.folder() as outer:
            (outer / "part").touch()
            atomic_write(path, b"fast", overwrite=False)
            with scratch.folder() as inner:
                assert inner != outer
            assert (outer / "part").exists()

    assert write(path, slow(), taken="beside") == tmp_path / "a.1.bin"
    assert names(tmp_path) == ["a.1.bin", "a.bin", "inrfit-pictures"]


def test_no_more_files_are_named_after_one_than_are_looked_for(tmp_path: Path) -> None:
    path = tmp_path / "a.bin"
    several = [Unfinished(path, replaces=True) for _ in range(2 * PLACES)]
    assert len(names(tmp_path)) == 2 * PLACES
    for number, one in enumerate(several):
        one.write(bytes([number]))
        one.finish()
        one.replace(path)
        one.close()
        assert path.read_bytes() == bytes([number])
    assert names(tmp_path) == ["a.bin"]


def test_without_locks_files_are_written_and_nothing_is_swept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(claims, "fcntl", None)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    with scratch.folder(), scratch.folder():
        assert len(names(tmp_path)) == 2
    path = tmp_path / "a.bin"
    kill(path, tmp_path)
    left = names(tmp_path)
    atomic_write(path, b"x", overwrite=False)
    atomic_write(path, b"y", overwrite=True)
    with scratch.folder():
        pass
    assert names(tmp_path) == sorted([*left, "a.bin"])


def test_a_twin_gets_the_time_of_the_file(tmp_path: Path) -> None:
    twin, path = tmp_path / "twin", tmp_path / "a.bin"
    twin.touch()
    os.utime(twin, ns=(1, 1))
    write(path, [b"x"], taken="beside", twin=twin)
    assert twin.stat().st_mtime_ns == path.stat().st_mtime_ns


def test_errors_of_the_blocks_are_not_those_of_the_file(tmp_path: Path) -> None:
    def blocks() -> Iterator[bytes]:
        yield b"x"
        raise OSError(errno.ENOSPC, "of another disk")

    with pytest.raises(OSError, match="of another disk"):
        atomic_write_blocks(tmp_path / "a.bin", blocks(), overwrite=False)
    assert names(tmp_path) == []


def test_a_full_disk_is_told_from_other_refusals(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for number, full in ((errno.ENOSPC, True), (errno.EDQUOT, True), (errno.EIO, False)):

        def fail(_: int, number: int = number) -> None:
            raise OSError(number, os.strerror(number))

        monkeypatch.setattr(os, "fsync", fail)
        with pytest.raises(OutputError) as caught:
            atomic_write(tmp_path / "a.bin", b"new", overwrite=False)
        assert disk_is_full(caught.value) == full
    assert not disk_is_full(None)
    assert not disk_is_full(OSError(errno.ENOSPC, "of another disk"))


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
