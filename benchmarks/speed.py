"""inrfit against the yardstick, one after the other on one machine: time to its quality, time a step, and what users wait for.

Sections: `target` (time to the PSNR that the reference has after its whole schedule), `step` (the same maths, and the
share of the matrix-product peak), `kodak` (`inrfit fit` without flags, and decoding), `cifar` (a folder of small
pictures with --batch), `growth` (time and memory from 256x256 to 4096x4096). Ratios hold within a run; machines differ.

    python benchmarks/speed.py [--only target,step] [--images FOLDER] [--out FILE] [--table FILE]
"""

from __future__ import annotations

import json
import math
import statistics
import subprocess
import sys
import tempfile
import time
import zipfile
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import common
import numpy as np
import torch
from defaults import crop
from PIL import Image

from inrfit import api
from inrfit.errors import InputError
from inrfit.fitting.events import FitEvent
from inrfit.fitting.progress import Progress
from inrfit.models.description import describe

NAME = "speed"
SECTIONS = ("target", "step", "kodak", "cifar", "growth")
REFERENCE = common.ROOT.parent / "shared" / "bench" / "reference_inr.py"
CIFAR = common.ROOT.parent / "shared" / "data" / "classification" / "cifar10_test_1000.zip"
PHOTOS = ("kodak/kodim05.png", "kodak/kodim13.png", "kodak/kodim15.png")
HIDDEN = 14
STEPS, REPEATS = 1000, 3
CIFAR_IMAGES, CIFAR_PARAMS, CIFAR_PSNR = 500, 800, 30.0
GROWTH, GROWTH_STEPS = (256, 512, 1024, 2048, 4096), 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Yardstick:
    """The reference's Local-Global network at a size: samples and cells a side, and the width of its trunk."""

    side: int
    grid: int
    trunk: int

    def run(self, picture: np.ndarray, device: str, *, steps: int, every: int) -> list[dict[str, Any]]:
        """Fit it to a picture [side, side, 3]; return what it prints every so many steps."""
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "crop.png"
            Image.fromarray(picture).save(path)
            numbers = {"size": self.side, "grid": self.grid, "hidden": HIDDEN, "global-hidden": self.trunk}
            options = {**numbers, "steps": steps, "every": every, "device": device}
            words = [word for name, value in options.items() for word in (f"--{name}", str(value))]
            command = [sys.executable, str(REFERENCE), "lg", str(path), *words]
            done = subprocess.run(command, capture_output=True, text=True, check=True)
        return [json.loads(line) for line in done.stdout.splitlines()]


SMALL, LARGE = Yardstick(side=256, grid=8, trunk=42), Yardstick(side=512, grid=16, trunk=84)
USUAL = {"cpu": SMALL, "gpu": LARGE}
"""Scale -> the size at which the time to a PSNR is taken."""


def timed(picture: np.ndarray, device: str, **words: Any) -> dict[str, Any]:
    """Fit some times; return the median wall time of everything after planning, and what came of it."""
    seconds, fields = [], []
    for _ in range(REPEATS):
        plan = api.plan(picture, device=device, **words)
        began = time.perf_counter()
        fields.append(api.run(plan))
        seconds.append(time.perf_counter() - began)
    last = fields[-1]
    return {
        "seconds": statistics.median(seconds),
        "psnr": last.psnr,
        "steps": last.steps,
        "params": last.params,
    }


def target(images: list[Path], scale: str, device: str) -> Iterable[dict[str, Any]]:
    """Yield the times to the reference's final PSNR at no more weights than it has."""
    usual = USUAL[scale]
    own = {"hidden_features": HIDDEN, "trunk_features": usual.trunk, "hidden_layers": 3}
    models = {
        "defaults": {},
        "local-global at its widths": {"model": "local-global", "grid": (usual.grid,) * 2, **own},
    }
    api.fit(np.zeros((64, 64, 3), np.uint8), device=device, steps=2)
    for image in images:
        picture = crop(image, usual.side)
        last = usual.run(picture, device, steps=STEPS, every=STEPS)[-1]
        for label, words in models.items():
            budget = {} if words else {"params": last["params"]}
            found = timed(picture, device, steps=STEPS, target_psnr=last["psnr"], **words, **budget)
            yield {
                "section": "target",
                "image": image.stem,
                "model": label,
                "reference_seconds": last["seconds"],
                "reference_psnr": last["psnr"],
                "reference_params": last["params"],
                **found,
                "times_faster": last["seconds"] / found["seconds"],
            }


def step(images: list[Path], scale: str, device: str) -> Iterable[dict[str, Any]]:
    """Yield the time a step of the same network takes in both, in turns, and the share of the peak."""
    fastest = peak(device, torch.get_num_threads())
    for size in (SMALL, LARGE):
        picture = crop(images[0], size.side)
        words = {"grid": (size.grid,) * 2, "hidden_features": HIDDEN, "trunk_features": size.trunk}
        plan = api.plan(picture, device=device, preset="paper-lg", **words, steps=13)
        theirs, ours = [], []
        for _ in range(REPEATS):
            clock = [row["seconds"] for row in size.run(picture, device, steps=8, every=1)]
            theirs += list(np.diff(clock)[1:])
            events: list[FitEvent] = []
            api.run(plan, progress=Progress(on_event=events.append))
            ours += list(np.diff([event.seconds for event in events])[3:])
        each = statistics.median(ours)
        flops = 3 * 2 * describe(plan.settings.model, 2, 3).macs() * size.side**2
        yield {
            "section": "step",
            "size": size.side,
            "params": plan.params,
            "reference_ms": 1000 * statistics.median(theirs),
            "ms": 1000 * each,
            "times_faster": statistics.median(theirs) / each,
            "gflops": flops / each / 1e9,
            "peak_gflops": fastest,
            "share_of_peak": flops / each / 1e9 / fastest,
        }


def peak(device: str, threads: int) -> float:
    """Return the fastest product of matrices that fit into cache, in GFLOP/s over all threads."""
    size, best = 512, math.inf
    a, b, c = (torch.randn(threads, size, size, device=device) for _ in range(3))
    for _ in range(30):
        began = time.perf_counter()
        torch.bmm(a, b, out=c)
        if device != "cpu":
            torch.cuda.synchronize()
        best = min(best, time.perf_counter() - began)
    return 2 * threads * size**3 / best / 1e9


def kodak(images: list[Path], scale: str, device: str) -> Iterable[dict[str, Any]]:
    """Yield fits of whole photos without flags, as a user gets them, and the CPU time to decode them."""
    with tempfile.TemporaryDirectory() as folder:
        for image in images:
            out = Path(folder) / f"{image.stem}.inr"
            row = _inrfit("fit", str(image), "-o", str(out), "--device", device)
            yield {
                "section": "kodak",
                "image": image.stem,
                "seconds": row["seconds"],
                "psnr": row["psnr"],
                "params": row["params"],
                "bytes": row["bytes"],
                **_decoded(out),
            }


def _inrfit(*words: str) -> dict[str, Any]:
    """Run a command line and return the one object that it prints."""
    command = [sys.executable, "-m", "inrfit", *words, "--json", "--quiet"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return json.loads(done.stdout)


DECODE = """
import json, sys, time
import numpy as np
from inrfit import api
api.decode(api.fit(np.zeros((8, 8, 3), np.uint8), device="cpu", steps=1), sys.argv[2] + ".first.png", device="cpu")
cpu, wall = time.process_time(), time.perf_counter()
api.decode(sys.argv[1], sys.argv[2], device="cpu")
print(json.dumps({"decode_cpu": time.process_time() - cpu, "decode_seconds": time.perf_counter() - wall}))
"""
"""Decodes a file to a picture after something else has been, so that nothing is left to import."""


def _decoded(path: Path) -> dict[str, float]:
    command = [sys.executable, "-c", DECODE, str(path), str(path.with_suffix(".png"))]
    return json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)


def cifar(images: list[Path], scale: str, device: str) -> Iterable[dict[str, Any]]:
    """Yield how many small pictures a minute a folder of them takes, files written and checked."""
    with tempfile.TemporaryDirectory() as folder:
        there = Path(folder) / "in"
        there.mkdir()
        with zipfile.ZipFile(CIFAR) as archive:
            names = sorted(n for n in archive.namelist() if n.endswith((".jpg", ".png")))
            for name in names[:: max(1, len(names) // CIFAR_IMAGES)][:CIFAR_IMAGES]:
                (there / name.replace("/", "-")).write_bytes(archive.read(name))
        words = ["--params", str(CIFAR_PARAMS), "--target-psnr", str(CIFAR_PSNR), "--device", device]
        command = [sys.executable, "-m", "inrfit", "fit", str(there), "-o", str(Path(folder) / "out")]
        began = time.perf_counter()
        done = subprocess.run(
            [*command, "--batch", *words, "--json", "--quiet"], capture_output=True, text=True, check=True
        )
        seconds = time.perf_counter() - began
        rows = [json.loads(line) for line in done.stdout.splitlines()]
    began = time.perf_counter()
    subprocess.run([sys.executable, "-c", "import inrfit.fitting.loop"], check=True)
    start = time.perf_counter() - began
    yield {
        "section": "cifar",
        "images": len(rows),
        "params": rows[0]["params"],
        "reached": sum(row["psnr"] >= CIFAR_PSNR for row in rows),
        "psnr": float(np.mean([row["psnr"] for row in rows])),
        "seconds": seconds,
        "start_seconds": start,
        "per_minute": 60 * len(rows) / (seconds - start),
        "per_minute_start_included": 60 * len(rows) / seconds,
    }


GROW = """
import json, resource, sys, time
import numpy as np
from PIL import Image
from inrfit import api
side, steps, device = int(sys.argv[2]), int(sys.argv[3]), sys.argv[4]
photo = np.asarray(Image.open(sys.argv[1]).convert("RGB"))
tiled = np.tile(photo, (-(-side // photo.shape[0]), -(-side // photo.shape[1]), 1))[:side, :side]
peak = lambda: resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
api.fit(tiled[:64, :64], device=device, steps=2)
plan, before = api.plan(tiled, device=device, steps=steps), peak()
began, cpu = time.perf_counter(), time.process_time()
field = api.run(plan)
fitted = time.perf_counter() - began, time.process_time() - cpu
print(json.dumps({"size": side, "params": field.params, "seconds": fitted[0], "cpu_seconds": fitted[1],
                  "start_mib": before, "peak_mib": peak()}))
"""
"""Fits one size in a process of its own, whose memory is then its own."""


def growth(images: list[Path], scale: str, device: str) -> Iterable[dict[str, Any]]:
    """Yield time and peak memory of a few steps of the defaults by size."""
    for side in GROWTH:
        command = [sys.executable, "-c", GROW, str(images[0]), str(side), str(GROWTH_STEPS), device]
        row = json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
        yield {
            "section": "growth",
            **row,
            "steps": GROWTH_STEPS,
            "ns_a_sample_and_step": 1e9 * row["seconds"] / GROWTH_STEPS / side**2,
            "bytes_a_sample": (row["peak_mib"] - row["start_mib"]) * 2**20 / side**2,
        }


MEASURES: dict[str, Callable[[list[Path], str, str], Iterable[dict[str, Any]]]] = {
    "target": target,
    "step": step,
    "kodak": kodak,
    "cifar": cifar,
    "growth": growth,
}
"""Section -> function of images, scale and device that yields its rows."""

COLUMNS: dict[str, tuple[str, ...]] = {
    "target": (
        "image",
        "model",
        "reference_seconds",
        "reference_psnr",
        "reference_params",
        "seconds",
        "psnr",
        "steps",
        "params",
        "times_faster",
    ),
    "step": (
        "size",
        "params",
        "reference_ms",
        "ms",
        "times_faster",
        "gflops",
        "peak_gflops",
        "share_of_peak",
    ),
    "kodak": ("image", "seconds", "psnr", "params", "bytes", "decode_cpu", "decode_seconds"),
    "cifar": ("images", "params", "reached", "psnr", "seconds", "per_minute", "per_minute_start_included"),
    "growth": (
        "size",
        "steps",
        "params",
        "seconds",
        "cpu_seconds",
        "ns_a_sample_and_step",
        "start_mib",
        "peak_mib",
        "bytes_a_sample",
    ),
}
"""What the table of a section shows."""


def table(data: dict[str, Any]) -> str:
    """Return the results as Markdown, with means where photos were measured one by one."""
    lines = []
    for name, columns in COLUMNS.items():
        rows = [row for row in data["rows"] if row["section"] == name]
        if not rows:
            continue
        shown = [*rows, *_means(name, rows)]
        lines += [f"**{name}**", "", "| " + " | ".join(c.replace("_", " ") for c in columns) + " |"]
        lines += ["|" + "---|" * len(columns)]
        lines += ["| " + " | ".join(_cell(row.get(c)) for c in columns) + " |" for row in shown]
        lines.append("")
    made = data["provenance"]
    return "\n".join([*lines, f"`{made['command']}`, {made['date']}, {made['processor']}, {made['device']}."])


def _means(name: str, rows: list[dict[str, Any]]) -> Iterable[dict[str, Any]]:
    """Yield the means over images, for each model."""
    if name not in ("target", "kodak"):
        return
    for model in dict.fromkeys(row.get("model") for row in rows):
        members = [row for row in rows if row.get("model") == model]
        numbers = {k for k, v in members[0].items() if isinstance(v, int | float)}
        yield {"image": "mean", "model": model} | {
            k: float(np.mean([m[k] for m in members])) for k in numbers
        }


def _cell(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:,.2f}" if abs(value) < 1000 else f"{value:,.0f}"
    return f"{value:,}" if isinstance(value, int) else str(value)


def main() -> None:
    """Run the sections, or print the tables of a result."""
    parser = common.parser((__doc__ or "").splitlines()[0])
    parser.add_argument("--only", default=",".join(SECTIONS), help=f"of {', '.join(SECTIONS)}")
    parser.add_argument(
        "--table", type=Path, metavar="FILE", help="print the tables of a result, run nothing"
    )
    chosen = parser.parse_args()
    if chosen.table:
        print(table(common.read_json(chosen.table)))
        return
    sections = chosen.only.split(",")
    if unknown := set(sections) - set(SECTIONS):
        raise InputError(f"--only {', '.join(sorted(unknown))}: no such section", hint=", ".join(SECTIONS))
    if {"target", "step"}.intersection(sections) and not REFERENCE.exists():
        raise InputError(
            "the yardstick (shared/bench beside the project) is absent", hint="--only kodak,growth"
        )
    device = common.device_for(chosen.scale)
    own = common.images_in(chosen.images) if chosen.images else None
    out = chosen.out or common.default_out(f"{NAME}_{chosen.scale}")
    data: dict[str, Any] = {"provenance": common.provenance(device), "scale": chosen.scale, "rows": []}
    for name in sections:
        names = ("kodak",) if name == "kodak" else PHOTOS
        for row in MEASURES[name](own or common.shared_images(*names), chosen.scale, device.name):
            data["rows"].append(row)
            common.log(json.dumps(row))
            common.write_json(out, data)


if __name__ == "__main__":
    common.start(main)
