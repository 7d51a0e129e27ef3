"""The awkward clips beside the project: each gives what a reference decoder gives, or what is better and why."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from inrfit import io
from inrfit.errors import InputError
from inrfit.io.config import ReadConfig

DATA = Path(__file__).resolve().parents[2].parent / "shared" / "data"
AWKWARD = DATA / "awkward" / "video"

OTHERWISE = {  # frames that are there, in place of those that the reference doubled to fill an even rate
    "corrupted.mp4": (49, 9.796),  # one cannot be decoded
    "nasa_13013.mp4": (390, 29.97),  # the reference tells the rate of another stream than the one it read
    "newtonscradle.gif": (36, 43.9),  # delays of 0.02 and 0.05 s
    "vfr_odd_213x121.mkv": (82, 16.29),
}
NOTED = {
    "corrupted.mp4": "it is damaged",
    "truncated.mp4": "it is damaged",
    "newtonscradle.gif": "frame rate varies (0.02 to 0.05 s",
    "vfr_odd_213x121.mkv": "frame rate varies (0.033 to 0.1",
    "nasa_13013.mp4": "one of its 2 video streams was read",
}


def reference() -> dict[str, str]:
    """Return the reference decoder's word on each clip by its name."""
    table = DATA / "awkward" / "REFERENCE_DECODE.tsv"
    rows = [line.split("\t") for line in table.read_text().splitlines()] if table.exists() else []
    return {Path(row[0]).name: row[1] for row in rows if row[0].startswith("awkward/video/")}


pytestmark = [
    pytest.mark.shared,
    pytest.mark.skipif(not AWKWARD.is_dir(), reason="the real test material is not here"),
]


@pytest.mark.parametrize(("name", "verdict"), sorted(reference().items()))
def test_size_frames_and_rate(name, verdict):
    if verdict.startswith("FAIL"):
        with pytest.raises(InputError, match=name):
            io.read(AWKWARD / name, ReadConfig(kind="video"))
        return
    found = re.match(r"ok (\d+)x(\d+) fps=([\d.]+) frames=(\d+) rotate=\S+ codec=(\w+)", verdict)
    width, height, rate, frames, codec = found.groups()
    expected = OTHERWISE.get(name, (int(frames), float(rate)))
    signal = io.read(AWKWARD / name, ReadConfig(kind="video"))
    assert signal.domain.shape == (expected[0], int(height), int(width))
    assert signal.domain.per_unit == pytest.approx(expected[1], rel=1e-3)
    assert signal.info.tags["codec"] == codec
    assert signal.info.dtype == ("uint16" if "10bits" in name else "uint8")
    assert any(NOTED[name] in note for note in signal.info.notes) if name in NOTED else not signal.info.notes


@pytest.mark.parametrize("path", sorted((DATA / "video").glob("*.mp4")), ids=lambda path: path.name)
def test_ordinary_clips_are_read_without_a_word(path):
    signal = io.read(path)
    size = re.search(r"_(\d+)x(\d+)", path.name)
    assert signal.info.kind == "video"
    assert signal.info.notes == ()
    assert size is None or signal.domain.shape[1:] == (int(size[2]), int(size[1]))
    frames = re.search(r"_(\d+)f_", path.name)
    assert frames is None or len(signal.values) == int(frames[1])
