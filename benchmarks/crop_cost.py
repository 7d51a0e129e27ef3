"""What a crop costs: seconds and peak memory of `inrfit crop` on a large file, against `cp` of the bytes it keeps.

The files hold random bytes in place of weights, which a crop does not look at: one with many cells and one with
few large ones. `cp` copies a file of the size of the crop, and that copy is brought to the disk as a crop is. The
time of `inrfit crop` has the start of Python in it, which a crop of a tiny file shows alone.

    python benchmarks/crop_cost.py [--megabytes N] [--repeats N] [--out FILE]
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import common
import numpy as np

from inrfit.codec import chunks
from inrfit.codec import header as h
from inrfit.io.files import atomic_write_blocks

NAME = "crop_cost"
GRIDS = (64, 4)
"""Cells along each side of the files."""

CELL = 32
"""Samples along each side of a cell."""

RUN = """
import sys
from pathlib import Path
from inrfit.cli.app import main
try:
    main()
finally:
    status = Path("/proc/self/status")
    lines = status.read_text().splitlines() if status.exists() else []
    print(*[line.split()[1] for line in lines if line.startswith("VmHWM")], file=sys.stderr)
"""
"""Runs the command line and tells its largest resident memory in KiB, where the system knows it."""


def synthesise(path: Path, cells: int, part: int) -> None:
    """Write a file of `cells` x `cells` regions of `part` random bytes each."""
    side = CELL * cells
    edges = list(range(0, side + 1, CELL))
    header = h.Header(
        signal=h.SignalHeader(
            kind="image",
            shape=[side, side],
            axes=["y", "x"],
            units=["px", "px"],
            spacing=[1.0, 1.0],
            origin=[0, 0],
            channels=3,
            dtype="uint8",
            value_low=0.0,
            value_high=255.0,
            colour="rgb",
            suffix=".png",
        ),
        model=h.ModelHeader(
            name="partitioned",
            activation="sine",
            hidden_features=32,
            hidden_layers=2,
            first_omega_0=15.0,
            hidden_omega_0=15.0,
            scale_0=3.0,
            encoding="none",
            bands=6,
            features=16,
            sigma=1.0,
            output="linear",
            frame="local",
        ),
        partition=h.PartitionHeader(kind="grid", edges=[edges, edges], nominal=[float(CELL)] * 2),
        frame=h.FrameHeader(centre=[side / 2, side / 2], half=[side / 2, side / 2]),
        weights="float16",
        tile=1024,
        seed=0,
        steps=1,
        psnr=30.0,
        writer=NAME,
    )
    count = cells * cells
    index = h.Index(ids=list(range(count)), lengths=[part] * count, mse=[0.004] * count)
    random = np.random.default_rng(0)

    def blocks() -> Iterator[bytes]:
        yield chunks.front_matter(header, index, b"", {})
        for _ in range(count):
            weights = random.bytes(part)
            yield weights + chunks.part_end(weights)

    atomic_write_blocks(path, blocks(), overwrite=True)


def crop(source: Path, output: Path, keep: str) -> tuple[float, float | None]:
    """Run `inrfit crop`; return its seconds and its peak memory in MB."""
    words = ["crop", str(source), "--keep", keep, "-o", str(output), "--force", "--quiet"]
    path = os.pathsep.join([str(common.ROOT), os.environ.get("PYTHONPATH", "")])
    began = time.perf_counter()
    done = subprocess.run(
        [sys.executable, "-c", RUN, *words],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "PYTHONPATH": path},
    )
    seconds = time.perf_counter() - began
    return seconds, float(done.stderr) * 1024 / 1e6 if done.stderr.strip() else None


def copy(source: Path, output: Path) -> float:
    """Run `cp` and bring the copy to the disk; return the seconds of both."""
    began = time.perf_counter()
    subprocess.run(["cp", str(source), str(output)], check=True)
    with output.open("rb+") as file:
        os.fsync(file.fileno())
    return time.perf_counter() - began


def measure(source: Path, cells: int, keep: str, repeats: int) -> dict[str, Any]:
    """Crop a file and copy the crop, in turn."""
    output, twin = source.with_name("crop.inr"), source.with_name("copy.inr")
    crops, memory, copies = [], [], []
    for _ in range(repeats):
        seconds, peak = crop(source, output, keep)
        crops.append(seconds)
        memory.append(peak)
        copies.append(copy(output, twin))
        twin.unlink()
    size = output.stat().st_size
    output.unlink()
    return {
        "cells": cells * cells,
        "source_bytes": source.stat().st_size,
        "keep": keep,
        "crop_bytes": size,
        "crop_seconds": statistics.median(crops),
        "cp_seconds": statistics.median(copies),
        "crop_peak_mb": None if None in memory else statistics.median(m for m in memory if m is not None),
    }


def table(data: dict[str, Any]) -> str:
    """Return a result as Markdown, with where it comes from."""
    lines = [
        "| cells of the file | bytes of the file | kept | bytes of the crop | crop (s) | copy of as many bytes (s) "
        "| peak memory |",
        "|---|---|---|---|---|---|---|",
    ]
    for row in [*data["crops"], data["start"]]:
        peak = "" if row["crop_peak_mb"] is None else f"{row['crop_peak_mb']:.0f} MB"
        lines.append(
            f"| {row['cells']:,} | {row['source_bytes']:,} | {row['keep']} | {row['crop_bytes']:,} "
            f"| {row['crop_seconds']:.2f} | {row['cp_seconds']:.2f} | {peak} |"
        )
    made = data["provenance"]
    source = f"`{made['command']}`, {made['date']}, commit {made['commit']}, {made['processor']}"
    return "\n".join([*lines, "", f"{source}, {made['cores']} cores."])


def main() -> None:
    """Write the files, crop them, and print what it cost."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--megabytes", type=int, default=100, help="size of the large files")
    parser.add_argument("--repeats", type=int, default=5, help="runs of which the median counts")
    parser.add_argument("--out", type=Path, metavar="FILE", help="JSON file to write")
    chosen = parser.parse_args()
    out = chosen.out or common.default_out(NAME)
    data: dict[str, Any] = {"provenance": common.provenance(common.device_for("cpu")), "crops": []}
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "source.inr"
        synthesise(path, 1, 1000)
        data["start"] = measure(path, 1, "0,0", chosen.repeats)
        for cells in GRIDS:
            synthesise(path, cells, chosen.megabytes * 1_000_000 // (cells * cells))
            for rows in (cells, cells // 2, cells // 4):
                keep = f"0:{rows},0:{rows}"
                data["crops"].append(measure(path, cells, keep, chosen.repeats))
                row = data["crops"][-1]
                common.log(
                    f"{row['cells']} cells, --keep {keep}: {row['crop_bytes']:,} B in {row['crop_seconds']:.2f} s "
                    f"(cp {row['cp_seconds']:.2f} s), peak {row['crop_peak_mb'] or 0:.0f} MB"
                )
    common.write_json(out, data)
    print(out.read_text(), end="")


if __name__ == "__main__":
    common.start(main)
