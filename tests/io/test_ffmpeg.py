"""The program ffmpeg where it hangs, crashes or talks without end: one line is told, and no process is left."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

from inrfit import io
from inrfit.errors import InputError, InrfitError, OutputError
from inrfit.io import ffmpeg
from inrfit.io.config import ReadConfig
from inrfit.io.ffmpeg import Ffmpeg, source
from inrfit.signal import Bands

KINDS = [("audio", ".wma"), ("video", ".mp4")]


@pytest.fixture
def program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Return a function that puts lines of Python in the place of ffmpeg."""

    def make(*lines: str) -> None:
        path = tmp_path / "ffmpeg"
        path.write_text("\n".join((f"#!{sys.executable}", "import sys, os, time, signal", *lines)))
        path.chmod(0o755)
        monkeypatch.setenv("IMAGEIO_FFMPEG_EXE", str(path))

    return make


@pytest.mark.parametrize(("kind", "suffix"), KINDS)
def test_one_that_hangs_is_ended(kind: str, suffix: str, program, monkeypatch: pytest.MonkeyPatch) -> None:
    program("time.sleep(600)")
    monkeypatch.setattr(ffmpeg, "PATIENCE", 0.3)
    with pytest.raises(InputError, match=r"x\.\w+: cannot be read as a ") as caught:
        io.read(b"\0" * 100, ReadConfig(kind=kind), name=f"x{suffix}")
    assert "\n" not in caught.value.message


def test_one_that_hangs_while_it_is_written_to_is_ended(program, monkeypatch: pytest.MonkeyPatch) -> None:
    signal = io.read(np.zeros((40, 200, 200, 3), np.uint8), ReadConfig(kind="video"))
    program("time.sleep(600)")
    monkeypatch.setattr(ffmpeg, "PATIENCE", 0.3)
    samples = Bands.of(signal.dense(), signal.domain, signal.info)
    with pytest.raises(
        OutputError, match=r"a\.mp4: cannot be written as MP4 \(ffmpeg did nothing for 0\.3 s\)"
    ):
        b"".join(io.encode(samples, ".mp4", name="a.mp4"))


@pytest.mark.parametrize(("kind", "suffix"), KINDS)
def test_one_that_crashes_is_told(kind: str, suffix: str, program) -> None:
    program("os.kill(os.getpid(), signal.SIGSEGV)")
    with pytest.raises(InputError, match=r"x\.\w+: cannot be read as a ") as caught:
        io.read(b"\0" * 100, ReadConfig(kind=kind), name=f"x{suffix}")
    assert "\n" not in caught.value.message


def test_one_that_talks_without_end_takes_no_memory(program) -> None:
    program("for n in range(40_000): print('[error] line', n, 'x' * 100, file=sys.stderr)")
    with Ffmpeg([]) as run:
        assert run.wait() == 0
    assert len(run.errors) == 32
    assert "line 39999" in run.errors[-1]
    with pytest.raises(InputError, match=r"x\.mp4: cannot be read as a clip") as caught:
        io.read(b"\0" * 100, ReadConfig(kind="video"), name="x.mp4")
    assert len(caught.value.message) < 1000


def test_it_cannot_ask_and_opens_one_file_alone(tmp_path: Path) -> None:
    words = source(tmp_path / "concat:a|b.mp4", "mov")
    assert words[:2] == ["-protocol_whitelist", "file"]
    assert words[-1] == f"file:{tmp_path}/concat:a|b.mp4"
    with pytest.raises(InrfitError, match="cannot be read as a clip"):
        io.read(b"v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nt=0 0\nm=audio 5004 RTP/AVP 0\n", name="x.mp4")
