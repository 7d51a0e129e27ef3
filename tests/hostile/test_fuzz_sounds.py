"""Sounds and clips with bytes changed, lost and doubled: read, or refused in one line, with little memory."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

CASES = 24
"""Mutations of each seed through libsndfile; those that start ffmpeg are fewer."""

SCRIPT = """
import io as memory, resource, sys
import numpy as np, soundfile
from make.clips import clip
from pathlib import Path
from inrfit import io
from inrfit.io.config import ReadConfig
from inrfit.errors import InrfitError

CASES, folder = int(sys.argv[1]), Path(sys.argv[2])
tone = (np.sin(np.arange(3000) / 9)[:, None] * [9000, 5000, 3000]).astype(np.int16)
seeds = {}
for form, suffix, encoding, channels in (
    ("WAV", ".wav", "PCM_16", 1), ("WAVEX", ".wav", "PCM_24", 3), ("RF64", ".wav", "PCM_16", 2), ("FLAC", ".flac", "PCM_16", 3),
    ("OGG", ".ogg", "VORBIS", 3), ("OGG", ".opus", "OPUS", 1), ("AIFF", ".aiff", "PCM_16", 2), ("AU", ".au", "PCM_16", 1),
    ("CAF", ".caf", "ALAC_16", 1), ("MP3", ".mp3", "MPEG_LAYER_III", 1),
):
    file = memory.BytesIO()
    soundfile.write(file, tone[:, :channels], 48000, encoding, format=form)
    seeds[form + suffix] = "audio", suffix, file.getvalue()
small = {"size": "16x16", "frames": 3, "sound": True}
seeds["mp4"] = "video", ".mp4", clip(folder / "a.mp4", **small).read_bytes()
seeds["mkv"] = "video", ".mkv", clip(folder / "a.mkv", **small).read_bytes()

size = int(Path("/proc/self/statm").read_text().split()[0]) * 4096
resource.setrlimit(resource.RLIMIT_AS, (size + (1 << 30),) * 2)
read = refused = 0
for name, (kind, suffix, seed) in seeds.items():
    for case in range(CASES if kind == "audio" else max(2, CASES // 10)):
        rng = np.random.default_rng([case, len(name), len(seed)])
        data = bytearray(seed)
        for _ in range(rng.integers(1, 6)):
            at, what = int(rng.integers(len(data))) if rng.random() < 0.4 else int(rng.integers(80)), rng.integers(5)
            if what == 0: data[at] = rng.integers(256)
            elif what == 1: data[at:at + 4] = bytes([255]) * 4
            elif what == 2: data[at:at + 4] = bytes(4)
            elif what == 3: del data[at:at + int(rng.integers(1, 40))]
            else: data[at:at] = data[max(0, at - 8):at]
        if rng.random() < 0.2: del data[int(rng.integers(len(data))):]
        try:
            signal = io.read(bytes(data) or b"x", ReadConfig(kind=kind), name="x" + suffix)
            assert signal.values.size > 0
            read += 1
        except InrfitError as error:
            assert "\\n" not in error.message, error.message
            refused += 1
        except BaseException:
            print(name, case, file=sys.stderr)
            raise
print(read, refused)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells the size of a process")
def test_mutated_sounds_and_clips_raise_only_errors_of_ours(tmp_path: Path) -> None:
    tests = str(Path(__file__).resolve().parents[1])
    words = [sys.executable, "-W", "error", "-c", f"import sys; sys.path.insert(0, {tests!r})\n{SCRIPT}"]
    done = subprocess.run([*words, str(CASES), str(tmp_path)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    read, refused = map(int, done.stdout.split())
    assert read > 30
    assert refused > 30
