"""Pipes with a path: read once and whole, up to a limit; devices are not read."""

from __future__ import annotations

import io
import os
import threading
import wave
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from make.data import textured

import inrfit
from inrfit import pipes
from inrfit.errors import InputError
from inrfit.io import read

Pipe = Callable[[bytes], Path]


@pytest.fixture
def pipe(tmp_path: Path) -> Pipe:
    """Make a pipe with a path, from which some bytes can be read once."""

    def made(data: bytes) -> Path:
        path = tmp_path / f"pipe{len(list(tmp_path.iterdir()))}"
        os.mkfifo(path)
        threading.Thread(target=path.write_bytes, args=(data,), daemon=True).start()
        return path

    return made


def npy(values: np.ndarray) -> bytes:
    file = io.BytesIO()
    np.save(file, values)
    return file.getvalue()


def wav() -> bytes:
    file = io.BytesIO()
    with wave.open(file, "wb") as sound:
        sound.setnchannels(1)
        sound.setsampwidth(2)
        sound.setframerate(8000)
        sound.writeframes((8000 * np.sin(np.arange(900) / 9)).astype("<i2").tobytes())
    return file.getvalue()


OBJ = (
    b"# "
    + b"a long comment " * 40
    + b"""
v 0 0 0\nv 1 0 0\nv 0 1 0\nv 0 0 1
f 1 3 2\nf 1 2 4\nf 2 3 4\nf 3 1 4
"""
)


@pytest.mark.parametrize(
    ("data", "kind"), [(npy(textured(40, 30)), "image"), (wav(), "audio"), (OBJ, "shape")]
)
def test_no_byte_of_a_pipe_is_lost(pipe: Pipe, tmp_path: Path, data: bytes, kind: str) -> None:
    assert len(data) > 300
    config = inrfit.io.config.ReadConfig(kind=kind, resolution=12)
    there, whole = read(pipe(data), config), read(data, config)
    assert there.info.kind == kind
    assert there.info.sha256 == whole.info.sha256
    assert np.array_equal(there.dense(), whole.dense())


def test_the_kind_is_told_by_the_content(pipe: Pipe) -> None:
    assert read(pipe(wav())).info.kind == "audio"
    assert read(pipe(npy(textured(8, 8)))).info.kind == "image"
    with pytest.raises(InputError, match=r"pipe2: is no file inrfit knows"):
        read(pipe(b"nonsense" * 100))
    with pytest.raises(InputError, match=r"pipe3: is empty \(0 bytes\)"):
        read(pipe(b""))


def test_fields_are_read_from_pipes(pipe: Pipe) -> None:
    data = (Path(__file__).parent / "golden" / "grid.inr").read_bytes()
    assert np.array_equal(inrfit.decode(pipe(data)), inrfit.decode(data))


def test_a_pipe_without_end_is_read_up_to_a_limit(pipe: Pipe, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pipes, "LIMIT", 1000)
    monkeypatch.setattr(pipes, "BLOCK", 100)
    assert pipes.whole(pipe(bytes(1000))) == bytes(1000)
    with pytest.raises(InputError, match="gives more than 1,000 bytes") as caught:
        pipes.whole(pipe(bytes(1001)))
    assert caught.value.hint == "save it as a file, and name that"


def test_devices_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="/dev/zero: is a device"):
        read("/dev/zero")
    with pytest.raises(InputError, match=r"/dev/null: is empty"):
        read("/dev/null")
    with pytest.raises(InputError, match="/dev/zero: is a device"):
        inrfit.load("/dev/zero")
    assert pipes.whole(tmp_path / "absent") == tmp_path / "absent"
    assert pipes.whole(tmp_path) == tmp_path
