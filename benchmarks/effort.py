"""The front of time and quality behind `--effort`: steps, cell side and depth at half a weight per sample.

Each setting fits the middles of a few photos on one thread; its PSNR is that of the written weights, decoded, and its
cost the CPU time of the fit. The front is what no other setting beats in both.

    python benchmarks/effort.py [--images FOLDER] [--out FILE] [--table FILE] [--figure FILE]
"""

from __future__ import annotations

import itertools
import time
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import common
import numpy as np
from defaults import crop

from inrfit import api
from inrfit.presets import EFFORTS

NAME = "effort"
PHOTOS = ("kodak/kodim05.png", "kodak/kodim13.png", "kodak/kodim15.png")
SIDE = {"cpu": 192, "gpu": 512}
STEPS = (10, 20, 40, 80, 160, 320, 640, 1280)
CELLS, LAYERS = (12, 16, 24, 32, 48, 64), (1, 2)
LONGEST = {1: 640, 2: 1280}
"""Steps beyond which shallow networks are not followed: they are behind by then."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """One setting on one photo."""

    image: Path
    side: int
    words: dict[str, Any]
    device: str


def trials(images: list[Path], scale: str, device: str) -> list[Trial]:
    """Return all settings on all photos, and the levels as they are."""
    settings = [
        {"cell": cell, "hidden_layers": layers, "steps": steps}
        for layers, cell, steps in itertools.product(LAYERS, CELLS, STEPS)
        if steps <= LONGEST[layers]
    ]
    settings += [{"effort": level} for level in EFFORTS]
    return [
        Trial(image=image, side=SIDE[scale], words=words, device=device)
        for words in settings
        for image in images
    ]


def measure(trial: Trial) -> dict[str, Any]:
    """Fit once on one thread, after a fit that is not measured in every process."""
    _warm(trial.device)
    picture = crop(trial.image, trial.side)
    began = time.process_time()
    fitted = api.fit(picture, device=trial.device, threads=1, **trial.words)
    return {
        **trial.words,
        "image": trial.image.stem,
        "psnr": fitted.psnr,
        "params": fitted.params,
        "width": fitted.model.hidden_features,
        "cpu_seconds": time.process_time() - began,
    }


@cache
def _warm(device: str) -> None:
    """Import what a fit needs, and start what it starts."""
    api.fit(np.zeros((64, 64, 3), np.uint8), device=device, threads=1, steps=2)


def means(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return each setting with its PSNR averaged over the photos and its time in microseconds a sample."""
    keys = ("effort", "cell", "hidden_layers", "steps")
    grouped: dict[tuple[Any, ...], list[dict[str, Any]]] = {}
    for row in rows:
        grouped.setdefault(tuple(row.get(key) for key in keys), []).append(row)
    return [
        {
            **dict(zip(keys, key, strict=True)),
            "width": members[0]["width"],
            "psnr": float(np.mean([m["psnr"] for m in members])),
            "cpu_seconds": float(np.mean([m["cpu_seconds"] for m in members])),
        }
        for key, members in grouped.items()
    ]


def front(found: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the settings that no other beats in both time and quality, the fastest first."""
    best, kept = -np.inf, []
    for row in sorted(found, key=lambda row: row["cpu_seconds"]):
        if row["psnr"] > best:
            best = row["psnr"]
            kept.append(row)
    return kept


def table(data: dict[str, Any]) -> str:
    """Return the front and the levels as Markdown."""
    found = means(data["rows"])
    samples = data["side"] ** 2
    lines = []
    for title, rows in (
        ("the front", front([row for row in found if row["effort"] is None])),
        ("the levels", [row for row in found if row["effort"] is not None]),
    ):
        lines += [
            f"**{title}**",
            "",
            "| effort | cell | hidden layers | width | steps | PSNR (dB) | CPU µs a sample |",
            "|---|---|---|---|---|---|---|",
        ]
        for row in rows:
            words = row if row["effort"] is None else {**row, **EFFORTS[row["effort"]]}
            lines.append(
                f"| {row['effort'] or ''} | {words['cell']} | {words['hidden_layers']} | {row['width']} | "
                f"{words['steps']} | {row['psnr']:.2f} | {1e6 * row['cpu_seconds'] / samples:.1f} |"
            )
        lines.append("")
    made = data["provenance"]
    return "\n".join([*lines, f"`{made['command']}`, {made['date']}, {made['processor']}, {made['device']}."])


def figure(data: dict[str, Any], path: Path) -> None:
    """Draw time against quality."""
    import matplotlib

    matplotlib.use("agg")
    import matplotlib.pyplot as plt

    found = means(data["rows"])
    drawn, axes = plt.subplots(figsize=(7, 4.2), layout="constrained")
    for cell in CELLS:
        for layers, style in ((1, ":"), (2, "-")):
            rows = sorted(
                (r for r in found if (r["cell"], r["hidden_layers"]) == (cell, layers)),
                key=lambda r: r["steps"],
            )
            x, y = [1e6 * r["cpu_seconds"] / data["side"] ** 2 for r in rows], [r["psnr"] for r in rows]
            axes.plot(x, y, style, color=f"C{CELLS.index(cell)}", label=f"{cell}" if layers == 2 else None)
    levels = [row for row in found if row["effort"] is not None]
    for row in levels:
        place = (1e6 * row["cpu_seconds"] / data["side"] ** 2, row["psnr"])
        axes.plot(*place, "ko", ms=4)
        axes.annotate(str(row["effort"]), place, xytext=(4, -10), textcoords="offset points")
    axes.set(xscale="log", xlabel="CPU time of the fit, microseconds a sample", ylabel="PSNR, dB")
    axes.legend(title="cell side", fontsize="small")
    axes.grid(alpha=0.3)
    drawn.savefig(path, dpi=110)


def main() -> None:
    """Run the trials, or print the table of a result."""
    parser = common.parser((__doc__ or "").splitlines()[0])
    parser.add_argument("--table", type=Path, metavar="FILE", help="print the table of a result, run nothing")
    parser.add_argument("--figure", type=Path, metavar="FILE", help="with --table: also draw the front")
    chosen = parser.parse_args()
    if chosen.table:
        print(table(common.read_json(chosen.table)))
        if chosen.figure:
            figure(common.read_json(chosen.table), chosen.figure)
        return
    device = common.device_for(chosen.scale, threads=1 if chosen.scale == "cpu" else None)
    images = common.images_in(chosen.images) if chosen.images else common.shared_images(*PHOTOS)
    out = chosen.out or common.default_out(f"{NAME}_{chosen.scale}")
    data: dict[str, Any] = {
        "provenance": common.provenance(device),
        "side": SIDE[chosen.scale],
        "rows": [],
    }
    todo = trials(images, chosen.scale, device.name)
    with common.processes(common.cores() if chosen.scale == "cpu" else 1) as spread:
        for row in spread(measure, todo):
            data["rows"].append(row)
            common.log(f"{len(data['rows'])}/{len(todo)} {row}")
            common.write_json(out, data)


if __name__ == "__main__":
    common.start(main)
