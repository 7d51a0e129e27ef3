"""Peak memory of the command line against the length of a signal: songs and clips of one, two and four times a length.

Sounds and clips are made by formula. Peaks are those that the system counts for the process, as GNU `time -v` tells
them; few steps are done, as their number does not change what is held.

    python benchmarks/streaming.py [--out FILE] [--table FILE]
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import common
import numpy as np

from inrfit import io
from inrfit.errors import InrfitError
from inrfit.io.config import ReadConfig
from inrfit.signal import Bands, SignalInfo

RATE, SECONDS = 44_100, 60
FRAMES, HEIGHT, WIDTH, FPS = 60, 360, 640, 25.0
TIMES = (1, 2, 4)
STEPS = 3
STARTER = """
import resource, subprocess, sys
code = subprocess.run(sys.argv[1:], stdout=subprocess.DEVNULL).returncode
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)
sys.exit(code)
"""
"""Runs a command and prints its peak memory in KiB."""


def song(seconds: int) -> np.ndarray:
    """Return a stereo sound [sample, 2] int16: tones that change twice a second, over some noise."""
    random = np.random.default_rng(0)
    t = np.arange(RATE * seconds) / RATE
    tone = 220 * 2 ** (np.floor(2 * t) % 12 / 12)
    wave = 0.4 * np.sin(2 * np.pi * tone * t) + 0.2 * np.sin(4 * np.pi * tone * t)
    both = np.stack([wave, np.roll(wave, 40)], axis=1) + random.normal(0, 0.01, (len(t), 2))
    return np.rint(both * 20_000).astype(np.int16)


def frames(count: int) -> Iterator[np.ndarray]:
    """Yield frames [1, row, column, colour] uint8 of waves that move."""
    y, x = np.mgrid[0:HEIGHT, 0:WIDTH]
    for number in range(count):
        phase = number / 7
        planes = [np.sin(x / (30 + 5 * c) + phase) * np.cos(y / (20 + 3 * c) - phase) for c in range(3)]
        yield np.rint(127 + 100 * np.stack(planes, axis=-1)).astype(np.uint8)[None]


def peak_of(*words: str) -> tuple[float, float]:
    """Run inrfit; return its peak memory in MiB and its seconds.

    A small process starts it, as a process counts what the one that started it held.
    """
    began = time.perf_counter()
    done = subprocess.run(
        [sys.executable, "-c", STARTER, sys.executable, "-m", "inrfit", *words],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        check=False,
    )
    if done.returncode:
        raise InrfitError(f"inrfit {' '.join(words)} ended with {done.returncode}")
    return int(done.stdout) / 1024, time.perf_counter() - began


def made(kind: str, times: int, folder: Path) -> Path:
    """Write a signal of so many times the length."""
    if kind == "song":
        values = song(SECONDS * times)
        known = io.read(values[:10], ReadConfig(kind="audio", spacing=(1 / RATE,)))
        path = folder / f"song{times}.flac"
        io.write(Bands.of(values, known.domain, known.info), path, overwrite=True)
        return path
    known = io.read(next(frames(1)), ReadConfig(kind="video", spacing=(1 / FPS,)))
    count, path = FRAMES * times, folder / f"clip{times}.mp4"
    domain = replace(known.domain, shape=(count, HEIGHT, WIDTH))
    info: SignalInfo = known.info
    io.write(Bands(bands=frames(count), domain=domain, channels=3, info=info), path, overwrite=True)
    return path


def table(data: dict[str, Any]) -> str:
    """Return a result as a Markdown table."""
    lines = ["| signal | length | fit MiB | more | decode MiB | more |", "|---|---|---|---|---|---|"]
    before: dict[str, dict[str, Any]] = {}
    for row in data["rows"]:
        last = before.get(row["signal"])
        more = [
            "" if last is None else f"{100 * (row[key] / last[key] - 1):+.1f} %" for key in ("fit", "decode")
        ]
        lines.append(
            f"| {row['signal']} | {row['length']} | {row['fit']:.0f} | {more[0]} | {row['decode']:.0f} | {more[1]} |"
        )
        before[row["signal"]] = row
    return "\n".join(lines)


def main() -> None:
    """Run, or print the table of a result."""
    parser = common.parser(__doc__ or "")
    parser.add_argument("--table", type=Path, metavar="FILE", help="print the table of a result")
    chosen = parser.parse_args()
    if chosen.table:
        print(table(common.read_json(chosen.table)))
        return
    out = chosen.out or common.default_out("streaming_cpu")
    data: dict[str, Any] = {"provenance": common.provenance(common.device_for("cpu")), "rows": []}
    for kind, length, back in (("song", f"{SECONDS} s", ".flac"), ("clip", f"{FRAMES} frames", ".mp4")):
        for times in TIMES:
            with tempfile.TemporaryDirectory() as name:
                path = made(kind, times, Path(name))
                field, decoded = path.with_suffix(".inr"), path.with_name(f"back{back}")
                fit, seconds = peak_of("fit", str(path), "--steps", str(STEPS), "-o", str(field))
                decode, _ = peak_of("decode", str(field), "-o", str(decoded))
                row = {"signal": kind, "length": f"{times} x {length}", "fit": fit, "decode": decode}
                data["rows"].append({**row, "seconds": round(seconds, 1), "bytes": field.stat().st_size})
            common.log(f"{kind} x{times}: fit {fit:.0f} MiB, decode {decode:.0f} MiB")
            common.write_json(out, data)


if __name__ == "__main__":
    common.start(main)
