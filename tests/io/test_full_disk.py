"""A full disk of temporary files: it is told as such wherever they are written, and a bomb is stopped before it is full."""

from __future__ import annotations

import errno
import io as memory
import os
import shutil
import subprocess
import tempfile
from collections import namedtuple
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
import soundfile
from make.clips import clip

from inrfit import io
from inrfit.errors import InputError, OutputError
from inrfit.io import spool
from inrfit.io.config import ReadConfig
from inrfit.io.spool import check_room, gather, spooling
from inrfit.signal import Bands, Signal

Usage = namedtuple("Usage", "total used free")


def sound(samples: int = 400_000, form: str = "FLAC") -> bytes:
    """Silence of two channels: a FLAC file of a few kB that unpacks to 1.6 MB."""
    file = memory.BytesIO()
    soundfile.write(file, np.zeros((samples, 2), np.int16), 44100, format=form)
    return file.getvalue()


def written(signal: Signal, suffix: str) -> bytes:
    samples = Bands.of(signal.dense(), signal.domain, signal.info)
    return b"".join(io.encode(samples, suffix, name=f"out{suffix}"))


@pytest.fixture
def tight(monkeypatch: pytest.MonkeyPatch) -> Callable[[int], list[int]]:
    """Return a function after which so many bytes are free, and that keeps nothing in memory; it counts what is written."""

    def make(free: int) -> list[int]:
        spent = [0]
        write = spool._Spool.write

        def counted(self: spool._Spool, data: memoryview) -> None:
            write(self, data)
            spent[0] += data.nbytes

        monkeypatch.setattr(spool._Spool, "write", counted)
        monkeypatch.setattr(spool, "ASKED", 0)
        monkeypatch.setattr(gather, "__kwdefaults__", {"limit": 1000})
        monkeypatch.setattr(shutil, "disk_usage", lambda _: Usage(10**9, 0, free - spent[0]))
        return spent

    return make


def test_a_bomb_is_refused_before_the_disk_is_full(tight: Callable[[int], list[int]], tmp_path: Path) -> None:
    spent = tight(1_000_000)
    volume = np.zeros((40, 200, 200), np.int64)
    np.save(tmp_path / "v.npy", volume)
    path = clip(tmp_path / "a.mp4", size="160x120", frames=30)
    for source, config in (
        (sound(), ReadConfig(kind="audio")),
        (path, ReadConfig(kind="video", sound="none")),
        (tmp_path / "v.npy", ReadConfig(kind="volume")),
    ):
        spent[0] = 0
        with pytest.raises(InputError, match=r"no space left for temporary files in .*90% of the") as caught:
            io.read(source, config, name="bomb")
        assert caught.value.message.startswith("bomb: ")
        assert caught.value.hint == "set TMPDIR to a folder on a larger disk"
        assert spent[0] <= 900_000


def test_what_fits_is_read(tight: Callable[[int], list[int]]) -> None:
    spent = tight(2_000_000)
    assert io.read(sound(), name="x.flac").domain.shape == (400_000,)
    assert spent[0] == 1_600_000


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT])
def test_a_disk_that_is_full_meanwhile_is_told(number: int, monkeypatch: pytest.MonkeyPatch) -> None:
    class Full:
        def write(self, data: object) -> int:
            raise OSError(number, os.strerror(number))

        def close(self) -> None: ...

    monkeypatch.setattr(tempfile, "TemporaryFile", lambda **_: Full())
    monkeypatch.setattr(gather, "__kwdefaults__", {"limit": 1000})
    with pytest.raises(InputError, match=r"x\.flac: no space left for temporary files") as caught:
        io.read(sound(), name="x.flac")
    assert os.strerror(number) in caught.value.message


def test_other_errors_of_the_system_are_left_alone() -> None:
    with pytest.raises(PermissionError), spooling(InputError, "x"):
        raise PermissionError(errno.EACCES, "no")
    with (
        pytest.raises(InputError, match="x: there is no folder that takes temporary files"),
        spooling(InputError, "x"),
    ):
        raise FileNotFoundError(errno.ENOENT, "No usable temporary directory found in ['/tmp']")


def test_a_folder_with_room_and_one_that_is_gone_say_nothing(tmp_path: Path) -> None:
    check_room(tmp_path)
    check_room(tmp_path / "gone")


@pytest.fixture
def full(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder of temporary files with room for 64 kB, on a disk of its own."""
    folder = tmp_path / "full"
    folder.mkdir()
    try:
        done = subprocess.run(
            ["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", folder], check=False, capture_output=True
        )
    except OSError:
        pytest.skip("there is no mount")
    if done.returncode:
        pytest.skip("only root can mount a disk")
    try:
        monkeypatch.setattr(tempfile, "tempdir", str(folder))
        yield folder
        assert list(folder.iterdir()) == []
    finally:
        subprocess.run(["umount", folder], check=True)


@pytest.mark.parametrize("suffix", [".wav", ".flac", ".m4a", ".ogg", ".mp3", ".caf"])
def test_a_sound_that_is_written_to_a_full_disk(suffix: str, full: Path) -> None:
    noise = np.random.default_rng(0).integers(-(2**15), 2**15, (800_000, 1), np.int16)
    signal = io.read(noise, ReadConfig(kind="audio"))
    with pytest.raises(
        OutputError, match=rf"out\{suffix}: no space left for temporary files in {full}"
    ) as caught:
        written(signal, suffix)
    assert caught.value.hint == "set TMPDIR to a folder on a larger disk"


@pytest.mark.parametrize("suffix", [".mp4", ".mkv", ".webm", ".avi", ".gif"])
def test_a_clip_that_is_written_to_a_full_disk(suffix: str, full: Path) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (6, 160, 160, 3), np.uint8)
    signal = io.read(noise, ReadConfig(kind="video"))
    with pytest.raises(OutputError, match=rf"out\{suffix}: no space left for temporary files in {full}"):
        written(signal, suffix)


def test_what_is_read_through_a_full_disk(full: Path, tmp_path: Path) -> None:
    noise = np.random.default_rng(0).integers(-(2**15), 2**15, (800_000, 1), np.int16)
    file = memory.BytesIO()
    soundfile.write(file, noise, 44100, format="WAV")
    with pytest.raises(InputError, match=r"x\.wav: no space left for temporary files"):
        io.read(file.getvalue(), name="x.wav")
    heard = tmp_path / "a.mkv"
    clip(heard, "-c:v", "ffv1", "-c:a", "pcm_s16le", "-ac", "8", "-ar", "48000", size="16x16", sound=True)
    with pytest.raises(InputError, match=r"a\.mkv: no space left for temporary files"):
        io.read(heard, ReadConfig(kind="video", sound="copy"))


@pytest.mark.parametrize(
    "words", [{"kind": "image"}, {"kind": "volume"}, {"kind": "image", "range": (0.0, 0.5)}]
)
def test_samples_without_holes_or_clipped_that_have_no_room_are_told(tight, words):
    array = np.linspace(0, 1, 20 * 30 * 4, dtype=np.float32).reshape(20, 30, 4)
    if "range" not in words:
        array[0, 0] = np.nan
    tight(100)
    with pytest.raises(InputError, match="no space left for temporary files in"):
        io.read(array, ReadConfig(**words))
