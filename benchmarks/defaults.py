"""The trials behind the defaults: each option of a fit varied around its default, all else left as it is.

PSNR of the decoded file on 128x128 crops from the middle of a few photos. Not a search: one option at a time.

    python benchmarks/defaults.py [--images FOLDER] [--out FILE] [--table FILE]
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import common
import numpy as np
from numpy.typing import NDArray

from inrfit import api
from inrfit.models.sizing import default_lr

NAME = "defaults"
PHOTOS = ("kodak/kodim05.png", "kodak/kodim13.png", "kodak/kodim15.png")
CROP, STEPS = {"cpu": 128, "gpu": 512}, {"cpu": 300, "gpu": 1000}


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """One option at one value, on a grid of `cells` x `cells`."""

    option: str
    value: str
    cells: int
    words: dict[str, Any] = field(default_factory=dict)


def trials() -> Iterator[Trial]:
    """Yield the trials; the value "default" leaves an option as it is."""
    for cells in (4, 2, 1):
        side = CROP["cpu"] // cells
        yield Trial(option="all", value="default", cells=cells)
        for factor in (0.5, 2.0):
            omega = factor * 15 * (side / 32) ** 0.75
            yield Trial(
                option="first_omega_0",
                value=f"{factor:g} x default",
                cells=cells,
                words={"first_omega_0": omega},
            )
        for factor in (0.5, 2.0):
            yield Trial(option="lr", value=f"{factor:g} x default", cells=cells, words={"lr": factor})
        yield Trial(
            option="frame",
            value="global, omega 30/30",
            cells=cells,
            words={"frame": "global", "first_omega_0": 30.0, "hidden_omega_0": 30.0},
        )
        yield Trial(option="weights", value="float32", cells=cells, words={"weights": "float32"})
    for omega in (8.0, 30.0):
        yield Trial(option="hidden_omega_0", value=f"{omega:g}", cells=4, words={"hidden_omega_0": omega})
    for layers in (1, 3):
        yield Trial(option="hidden_layers", value=str(layers), cells=4, words={"hidden_layers": layers})
    for beta2 in (0.9, 0.99, 0.999):
        yield Trial(option="beta2", value=f"{beta2:g}", cells=4, words={"beta2": beta2})
    yield Trial(option="schedule", value="constant", cells=4, words={"schedule": "constant"})
    for activation in ("relu", "finer", "gauss", "wire"):
        yield Trial(option="activation", value=activation, cells=4, words={"activation": activation})
    for encoding in ("harmonic", "rff"):
        words = {"activation": "relu", "encoding": encoding}
        yield Trial(option="activation", value=f"relu with {encoding}", cells=4, words=words)


def crop(path: Path, side: int) -> NDArray[np.uint8]:
    """Return the middle of a photo, [side, side, 3]."""
    picture = common.read_colour(path)
    y, x = ((n - side) // 2 for n in picture.shape[:2])
    return picture[y : y + side, x : x + side]


def measure(trial: Trial, pictures: list[NDArray[np.uint8]], steps: int, device: str) -> dict[str, Any]:
    """Fit all pictures with the words of a trial."""
    words = {"partition": "grid", "grid": (trial.cells, trial.cells), "steps": steps, **trial.words}
    psnr, began = [], time.process_time()
    fitted = None
    for picture in pictures:
        if trial.option == "lr":
            plan = api.plan(picture, device=device, **{**words, "lr": None})
            words["lr"] = trial.words["lr"] * default_lr(plan.settings.model)
        fitted = api.fit(picture, device=device, **words)
        psnr.append(fitted.psnr)
    assert fitted is not None
    return {
        "option": trial.option,
        "value": trial.value,
        "cell": pictures[0].shape[0] // trial.cells,
        "width": fitted.model.hidden_features,
        "params": fitted.params,
        "psnr": psnr,
        "mean": float(np.mean(psnr)),
        "cpu_ms_per_step": 1000 * (time.process_time() - began) / (steps * len(pictures)),
    }


def table(data: dict[str, Any]) -> str:
    """Return the results as Markdown."""
    base = {row["cell"]: row["mean"] for row in data["trials"] if row["option"] == "all"}
    lines = [
        "| cell | option | value | width | weights | PSNR (dB) | against default | CPU ms a step |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for row in sorted(data["trials"], key=lambda row: row["cell"]):
        change = row["mean"] - base[row["cell"]]
        against = "" if row["option"] == "all" else f"{change:+.2f}"
        lines.append(
            f"| {row['cell']} | {row['option']} | {row['value']} | {row['width']} | {row['params']:,} | "
            f"{row['mean']:.2f} | {against} | {row['cpu_ms_per_step']:.1f} |"
        )
    made = data["provenance"]
    lines += ["", f"`{made['command']}`, {made['date']}, {made['processor']}, {made['device']}."]
    return "\n".join(lines)


def main() -> None:
    """Run the trials, or print the table of a result."""
    parser = common.parser(__doc__ or "")
    parser.add_argument(
        "--table", type=Path, metavar="FILE", help="print the table of a result, measure nothing"
    )
    chosen = parser.parse_args()
    if chosen.table:
        print(table(common.read_json(chosen.table)))
        return
    device = common.device_for(chosen.scale)
    paths = common.images_in(chosen.images) if chosen.images else common.shared_images(*PHOTOS)
    pictures = [crop(path, CROP[chosen.scale]) for path in paths]
    out = chosen.out or common.default_out(f"{NAME}_{chosen.scale}")
    data: dict[str, Any] = {
        "provenance": common.provenance(device),
        "images": [path.name for path in paths],
        "steps": STEPS[chosen.scale],
        "trials": [],
    }
    for trial in trials():
        data["trials"].append(measure(trial, pictures, STEPS[chosen.scale], device.name))
        row = data["trials"][-1]
        common.log(f"{row['cell']} {row['option']} {row['value']}: {row['mean']:.2f} dB")
        common.write_json(out, data)


if __name__ == "__main__":
    common.start(main)
