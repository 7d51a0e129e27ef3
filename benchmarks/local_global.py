"""SIREN, SIREN-per-partition and Local-Global at equal numbers of weights, against the paper and the yardstick.

`--scale cpu`: 256x256 crops of three photos, a quarter of the paper's weights and under a third of its steps, one
process of one thread per core; `gpu`: the paper's sizes. Sections (`--only`):

- models: the three models at the paper's settings and at inrfit's, three seeds (SIREN on the last image only), and the
  yardstick `shared/bench/reference_inr.py` beside the project (left out where it is absent)
- long: inrfit's default model and the yardstick over 1,000 steps
- frames: global and local coordinates for the regions' networks and for the trunk
- budgets: fewer weights than that, shared or not
- shares: what share of the weights the regions share; ReLU and FINER beside sine
- grids: Local-Global from 2x2 to 32x32 cells and with sizes chosen by inrfit, on the last of the images

    python benchmarks/local_global.py [--only models,grids] [--images FOLDER] [--out FILE] [--table FILE]
"""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import common
import numpy as np
from local_global_report import figure, table
from numpy.typing import NDArray
from PIL import Image
from tables import markdown

from inrfit import api
from inrfit.errors import InputError, InrfitError
from inrfit.fitting.events import FitEvent
from inrfit.fitting.progress import Progress

NAME = "local_global"
PHOTOS = ("kodak/kodim05.png", "kodak/kodim13.png", "kodak/kodim15.png")
SEEDS = (0, 1, 2)
SIDE = {"cpu": 256, "gpu": 512}
PARAMS = {"cpu": 52_230, "gpu": 206_610}
CELLS = {"cpu": 8, "gpu": 16}
STEPS = {"cpu": 300, "gpu": 1000}
LONG = 1000
KEPT_STEPS = (0, 10, 20, 50, 100, 150, 200, 250, 300, 400, 500, 600, 700, 800, 900, 1000)
"""Steps of which a curve keeps the PSNR."""

REFERENCE = common.ROOT.parent / "shared" / "bench" / "reference_inr.py"
SECTIONS = ("models", "long", "frames", "budgets", "shares", "grids")


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """One setting, on one image with one seed."""

    section: str
    label: str
    image: Path
    seed: int
    steps: int
    side: int
    words: dict[str, Any] = field(default_factory=dict)
    device: str = "cpu"


def trials(sections: list[str], images: list[Path], scale: str) -> Iterator[Trial]:
    """Yield the trials of the sections asked for, those of one setting together."""
    for section, label, words, seeds, steps in _settings(sections, scale):
        for image in images[-1:] if section == "grids" else images:
            slow = words.get("model") == "mlp" and image != images[-1]
            for seed in seeds[:1] if slow else seeds:
                yield Trial(
                    section=section,
                    label=label,
                    image=image,
                    seed=seed,
                    steps=steps,
                    side=SIDE[scale],
                    words=words,
                    device="cpu" if scale == "cpu" else "cuda",
                )


def _settings(
    sections: list[str], scale: str
) -> Iterator[tuple[str, str, dict[str, Any], tuple[int, ...], int]]:
    """Yield section, label, words, seeds and steps of each setting."""
    cells, params, steps = CELLS[scale], PARAMS[scale], STEPS[scale]
    even = {"params": params, "grid": (cells, cells)}
    paper = {"preset": "paper-lg", "params": params}
    ours = {"model": "local-global", "trunk_frame": "global", **even}
    if "models" in sections:
        yield "models", "reference lg", {"reference": True}, SEEDS[1:], steps  # seed 0 is in "long"
        for model in ("mlp", "partitioned", "local-global"):
            grid = {} if model == "mlp" else {"grid": (cells, cells)}
            yield "models", f"{model}, paper's settings", {"model": model, **paper, **grid}, SEEDS, steps
        yield "models", "partitioned (default)", even, SEEDS, steps
        yield "models", "local-global", ours, SEEDS, steps
    if "long" in sections:
        yield "long", "reference lg", {"reference": True}, SEEDS[:1], LONG
        yield "long", "partitioned (default)", even, SEEDS, LONG
    if "frames" in sections:
        for frame in ("local", "global"):
            yield "frames", f"partitioned, {frame}", {**even, "frame": frame}, SEEDS[:1], steps
            for trunk in ("local", "global"):
                words = {**ours, "frame": frame, "trunk_frame": trunk}
                yield "frames", f"local-global, {frame}, trunk {trunk}", words, SEEDS[:1], steps
    if "budgets" in sections:
        for hidden in (2, 5, 10):
            words = {"hidden_features": hidden, "grid": (cells, cells)}
            weights = api.plan(np.zeros((SIDE[scale], SIDE[scale], 3), np.uint8), **words).params
            yield "budgets", f"partitioned, {weights:,}", words, SEEDS[:1], steps
            for share in (0.1, 0.3):
                equal = {**ours, "params": weights, "global_share": share, "trunk_frame": "local"}
                yield "budgets", f"local-global, {weights:,}, {share:.0%} shared", equal, SEEDS[:1], steps
    if "shares" in sections:
        for share in (0.01, 0.05, 0.1, 0.15, 0.3):
            yield "shares", f"sine, {share:.0%}", {**ours, "global_share": share}, SEEDS[:1], steps
        yield "shares", "sine, partitioned", even, SEEDS[:1], steps
        harmonic = {"activation": "relu", "encoding": "harmonic"}
        for label, words in (("relu with harmonic", harmonic), ("finer", {"activation": "finer"})):
            yield "shares", f"{label}, 10%", {**ours, **words}, SEEDS[:1], steps
            yield "shares", f"{label}, partitioned", {**even, **words}, SEEDS[:1], steps
    if "grids" in sections:
        for side in (2, 4, 8, 16, 32):
            words = {**paper, "grid": (side, side)}
            yield "grids", f"{side}x{side}, paper's settings", words, SEEDS[:1], steps
            yield "grids", f"{side}x{side}", {**ours, "grid": (side, side)}, SEEDS[:1], steps
        yield "grids", "automatic, paper's settings", {**paper, "cell": 32}, SEEDS[:1], steps
        automatic = {name: word for name, word in ours.items() if name != "grid"}
        yield "grids", "automatic", automatic, SEEDS[:1], steps


def crop(path: Path, side: int) -> NDArray[np.uint8]:
    """Return the middle of a photo, [side, side, 3]."""
    picture = common.read_colour(path)
    y, x = ((n - side) // 2 for n in picture.shape[:2])
    return picture[y : y + side, x : x + side]


def measure(trial: Trial) -> dict[str, Any]:
    """Run one trial; an impossible one is reported as such."""
    named = {"section": trial.section, "label": trial.label, "image": trial.image.stem, "seed": trial.seed}
    try:
        if trial.words.get("reference"):
            return named | _reference(trial)
        return named | _fit(trial)
    except InrfitError as error:
        return named | {"error": error.message}


def _fit(trial: Trial) -> dict[str, Any]:
    """Fit with inrfit on one thread."""
    picture = crop(trial.image, trial.side)
    events: list[FitEvent] = []
    words: dict[str, Any] = {**trial.words, "steps": trial.steps, "seed": trial.seed}
    began = time.process_time()
    fitted = api.fit(
        picture, device=trial.device, threads=1, progress=Progress(on_event=events.append), **words
    )
    seconds = time.process_time() - began
    began = time.process_time()
    fitted.decode(device=trial.device, threads=1)
    decoded = time.process_time() - began
    found = api.evaluate(fitted, picture, metrics=("psnr", "psnr-minmax", "ssim"), device=trial.device)
    regions = np.sort(found["region_psnr"])
    curve = [(e.step, round(e.psnr, 3), round(e.seconds, 2)) for e in events if e.step in KEPT_STEPS]
    return {
        "params": fitted.params,
        "regions": len(fitted.partition),
        "hidden": fitted.model.hidden_features,
        "trunk": fitted.model.trunk_features,
        "shared": fitted.description.count(0),
        "steps": trial.steps,
        **{name: found[name] for name in ("psnr", "psnr-minmax", "ssim", "border_error", "bytes")},
        "worst_tenth": float(np.mean(regions[: max(1, len(regions) // 10)])),
        "cpu_seconds": seconds,
        "decode_seconds": decoded,
        "curve": [*curve, (trial.steps, round(found["psnr"], 3), round(seconds, 2))],
    }


def _reference(trial: Trial) -> dict[str, Any]:
    """Run the yardstick on one thread."""
    widths = ("14", "42") if trial.side == SIDE["cpu"] else ("14", "84")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "crop.png"
        Image.fromarray(crop(trial.image, trial.side)).save(path)
        options = ["--size", str(trial.side), "--grid", str(trial.side // 32), "--hidden", widths[0]]
        options += ["--global-hidden", widths[1], "--steps", str(trial.steps), "--seed", str(trial.seed)]
        command = [sys.executable, str(REFERENCE), "lg", str(path), *options, "--device", trial.device]
        threads = {"OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"} if trial.device == "cpu" else {}
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        done = subprocess.run(
            command, capture_output=True, text=True, check=True, env={**os.environ, **threads}
        )
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    rows = [json.loads(line) for line in done.stdout.splitlines()]
    return {
        "params": rows[-1]["params"],
        "steps": trial.steps,
        "psnr": rows[-1]["psnr"],
        "cpu_seconds": after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime,
        "curve": [(row["step"], row["psnr"], row["seconds"]) for row in rows if row["step"] in KEPT_STEPS],
    }


def main() -> None:
    """Run the sections, or print the tables of a result."""
    parser = common.parser((__doc__ or "").splitlines()[0])
    parser.add_argument("--only", default=",".join(SECTIONS), help=f"of {', '.join(SECTIONS)}")
    parser.add_argument(
        "--table", type=Path, metavar="FILE", help="print the tables of a result, run nothing"
    )
    parser.add_argument("--figure", type=Path, metavar="FILE", help="with --table: also draw the curves")
    chosen = parser.parse_args()
    if chosen.table:
        print(markdown(table(common.read_json(chosen.table))))
        if chosen.figure:
            figure(common.read_json(chosen.table), chosen.figure)
        return
    sections = chosen.only.split(",")
    if unknown := set(sections) - set(SECTIONS):
        raise InputError(f"--only {', '.join(sorted(unknown))}: no such section", hint=", ".join(SECTIONS))
    device = common.device_for(chosen.scale, threads=1 if chosen.scale == "cpu" else None)
    images = common.images_in(chosen.images) if chosen.images else common.shared_images(*PHOTOS)
    out = chosen.out or common.default_out(f"{NAME}_{chosen.scale}")
    todo = [
        trial
        for trial in trials(sections, images, chosen.scale)
        if REFERENCE.exists() or not trial.words.get("reference")
    ]
    data: dict[str, Any] = {"provenance": common.provenance(device), "scale": chosen.scale, "rows": []}
    began = time.monotonic()
    with common.processes(common.cores() if chosen.scale == "cpu" else 1) as spread:
        for row in spread(measure, todo):
            data["rows"].append(row)
            data["minutes"] = round((time.monotonic() - began) / 60, 1)
            common.log(f"{len(data['rows'])}/{len(todo)} {row['section']} {row['label']}: {row.get('psnr')}")
            common.write_json(out, data)


if __name__ == "__main__":
    common.start(main)
