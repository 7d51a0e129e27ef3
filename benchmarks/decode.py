"""What a decode costs: CPU seconds of its parts, seconds, and peak memory, at several sizes.

The fields are fitted for a few steps to the picture of the examples, and their cells are repeated for larger sizes: what
the weights are does not change the time. Every line is measured in a process of its own, from the file to the file and
without the start of Python and the imports; memory and whole seconds are those of `inrfit decode` as a command, the first
line being its start alone. With two threads the parts run side by side, so only their sum is given.

    python benchmarks/decode.py [--repeats N] [--out FILE] [--table FILE]
"""

from __future__ import annotations

import argparse
import json
import math
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import common
import numpy as np

from inrfit import api, io
from inrfit.coords import global_frame
from inrfit.device import pick_device
from inrfit.domain import image_domain
from inrfit.field import Field
from inrfit.io.files import atomic_write_blocks
from inrfit.kernels.network import Network
from inrfit.partitions.grid import divide
from inrfit.render.output import Output
from inrfit.render.tiles import render_bands
from inrfit.signal import Bands

NAME = "decode"
CELL, STEPS = 32, 20

RUN = """
import os, sys
from pathlib import Path
from inrfit.cli.app import main
try:
    main()
finally:
    status = Path("/proc/self/status")
    lines = status.read_text().splitlines() if status.exists() else []
    peak = [line.split()[1] for line in lines if line.startswith("VmHWM")]
    print(*peak, sum(os.times()[:2]), file=sys.stderr)
"""
"""Runs the command line and tells its largest resident memory in KiB, where the system knows it, and its CPU seconds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """A decode.

    Attributes:
        name: what the table calls it.
        height, width: of the file.
        cell: side of a region; 0 for one region that is the whole.
        scale: factor on the output.
        region: cell that is asked for alone.
    """

    name: str
    height: int
    width: int
    cell: int = CELL
    scale: int = 1
    region: bool = False

    @property
    def words(self) -> dict[str, Any]:
        """What is asked of the decode."""
        middle = self.height // CELL // 2 * CELL
        part = ((middle, middle + CELL),) * 2 if self.region else None
        return {"scale": None if self.scale == 1 else self.scale, "region": part}

    @property
    def options(self) -> list[str]:
        """The same on the command line."""
        part, scale = self.words["region"], self.words["scale"]
        spans = [] if part is None else ["--region", ",".join(f"{a}:{b}" for a, b in part)]
        return [*spans, *([] if scale is None else ["--scale", str(scale)])]


CASES = (
    Case(name="start alone", height=32, width=32),
    Case(name="256x256", height=256, width=256),
    Case(name="768x512", height=512, width=768),
    Case(name="1024x1024", height=1024, width=1024),
    Case(name="1024x1024, --scale 2", height=1024, width=1024, scale=2),
    Case(name="1024x1024 in one region", height=1024, width=1024, cell=0),
    Case(name="2048x2048", height=2048, width=2048),
    Case(name="4096x4096", height=4096, width=4096),
    Case(name="one cell of 4096x4096", height=4096, width=4096, region=True),
)


def field_of(case: Case, fitted: Field) -> Field:
    """Return a field of the size of a case, of repeated cells of another."""
    domain = image_domain(case.height, case.width)
    cells = (case.height // case.cell, case.width // case.cell) if case.cell else (1, 1)
    rows = np.arange(math.prod(cells)) % len(fitted.partition)
    return replace(
        fitted,
        partition=divide(domain, cells),
        frame=global_frame(domain),
        weights={name: w[rows] for name, w in fitted.weights.items()},
        mse=(),
        psnr=None,
    )


class Clock:
    """Adds up the CPU seconds of a part of the work."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def over(self, items: Iterable[Any]) -> Iterator[Any]:
        """Yield items, and count the time in which they are made."""
        it = iter(items)
        while True:
            began = time.process_time()
            item = next(it, None)
            self.seconds += time.process_time() - began
            if item is None:
                return
            yield item


def parts(path: Path, case: Case, threads: int) -> dict[str, float]:
    """Decode a file to another and return the seconds of each part."""
    device, clocks = pick_device("cpu", threads), {name: Clock() for name in ("render", "both", "all")}
    wall, began = time.perf_counter(), time.process_time()
    from inrfit.codec import excerpt

    shown = Output(**case.words)
    field = excerpt.read(path, shown).field
    read = time.process_time() - began
    wanted = shown.lattice(field.domain, field.channels)
    units = clocks["render"].over(render_bands(Network(field, device), wanted))
    native = clocks["both"].over(field.info.from_unit(unit) for unit in units)
    shown = Bands(
        bands=native,
        domain=field.domain.resampled(wanted.window, tuple(b for _, b in wanted.window)),
        channels=field.channels,
        info=field.info,
    )
    pieces = io.encode(shown, ".png", name=NAME)
    atomic_write_blocks(path.with_suffix(".png"), pieces, overwrite=True)
    total = time.process_time() - began
    render, both = clocks["render"].seconds, clocks["both"].seconds
    return {
        "read": read,
        "render": render,
        "convert": both - render,
        "write": total - read - both,
        "cpu": total,
        "wall": time.perf_counter() - wall,
        "samples": shown.domain.size,
        "png_bytes": path.with_suffix(".png").stat().st_size,
    }


def best_of(path: Path, case: Case, threads: int, repeats: int) -> dict[str, float]:
    """Return the run with the least CPU time, after one that is not counted where there are several."""
    runs = [parts(path, case, threads) for _ in range(repeats + (repeats > 1))]
    return min(runs[repeats > 1 :], key=lambda run: run["cpu"])


def in_a_process(path: Path, case: Case, threads: int, repeats: int) -> dict[str, Any]:
    """Measure a case in a process of its own."""
    asked_for = json.dumps({"case": asdict(case), "path": str(path), "threads": threads, "repeats": repeats})
    done = subprocess.run(
        [sys.executable, __file__, "--child", asked_for],
        capture_output=True,
        text=True,
        check=True,
        env=_environment(),
    )
    return json.loads(done.stdout)


def command(path: Path, case: Case, threads: int) -> dict[str, float | None]:
    """Run `inrfit decode`; return its seconds, CPU seconds and peak memory in MB, all with its start."""
    output = path.with_suffix(".cli.png")
    words = ["decode", str(path), "-o", str(output), "--force", "--quiet", "--device", "cpu"]
    words += ["--threads", str(threads), *case.options]
    began = time.perf_counter()
    done = subprocess.run(
        [sys.executable, "-c", RUN, *words], capture_output=True, text=True, check=True, env=_environment()
    )
    seconds = time.perf_counter() - began
    *peak, cpu = (float(word) for word in done.stderr.split())
    return {
        "command_wall": seconds,
        "command_cpu": cpu,
        "peak_mb": peak[0] * 1024 / 1e6 if peak else None,
    }


def table(data: dict[str, Any]) -> str:
    """Return the results as Markdown."""
    lines = [
        "| output | threads | read | render | convert | write | CPU in all | seconds | Mpx/s | command: CPU | peak MB |",
        "|---|---|---|---|---|---|---|---|---|---|---|",
    ]
    for row in data["decodes"]:
        alone = row["threads"] == 1
        shown = [f"{row[part]:.3f}" if alone else "" for part in ("read", "render", "convert", "write")]
        speed = f"{row['samples'] / row['wall'] / 1e6:.1f}"
        peak = "" if row["peak_mb"] is None else f"{row['peak_mb']:.0f}"
        lines.append(
            f"| {row['name']} | {row['threads']} | {' | '.join(shown)} | {row['cpu']:.3f} | {row['wall']:.3f} | {speed} | "
            f"{row['command_cpu']:.2f} | {peak} |"
        )
    made = data["provenance"]
    lines += ["", f"`{made['command']}`, {made['date']}, commit {made['commit']}, {made['processor']}."]
    return "\n".join(lines)


def run(chosen: argparse.Namespace) -> None:
    """Make the files and measure every case."""
    out = chosen.out or common.default_out(f"{NAME}_cpu")
    data: dict[str, Any] = {"provenance": common.provenance(common.device_for("cpu")), "decodes": []}
    picture = common.ROOT / "examples" / "astronaut.png"
    cells = api.fit(picture, steps=STEPS, device="cpu")
    whole = api.fit(picture, steps=STEPS, partition="none", hidden_features=64, device="cpu")
    with tempfile.TemporaryDirectory() as folder:
        for case in CASES:
            path = Path(folder) / f"{case.height}-{case.width}-{case.cell}.inr"
            if not path.exists():
                api.save(field_of(case, cells if case.cell else whole), path)
            repeats = chosen.repeats if case.height * case.width * case.scale**2 < 1 << 22 else 1
            for threads in (1, 2):
                row = {**asdict(case), "threads": threads, "bytes": path.stat().st_size}
                row |= in_a_process(path, case, threads, repeats)
                row |= command(path, case, threads)
                data["decodes"].append(row)
                common.log(f"{case.name}, {threads} threads: {row['cpu']:.3f} s of CPU, {row['wall']:.3f} s")
                common.write_json(out, data)


def main() -> None:
    """Measure, or print the table of a result."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=5, help="runs of which the best counts, below 4 Mpx")
    parser.add_argument("--out", type=Path, metavar="FILE", help="JSON file to write")
    parser.add_argument(
        "--table", type=Path, metavar="FILE", help="print the table of a result, measure nothing"
    )
    parser.add_argument("--child", help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    if chosen.child:
        wanted = json.loads(chosen.child)
        found = best_of(Path(wanted["path"]), Case(**wanted["case"]), wanted["threads"], wanted["repeats"])
        print(json.dumps(found))
    elif chosen.table:
        print(table(common.read_json(chosen.table)))
    else:
        run(chosen)


def _environment() -> dict[str, str]:
    """Return the environment of a process that measures."""
    return {**os.environ, "PYTHONPATH": os.pathsep.join([str(common.ROOT), os.environ.get("PYTHONPATH", "")])}


if __name__ == "__main__":
    common.start(main)
