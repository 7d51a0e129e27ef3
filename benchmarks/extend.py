"""Extension against fitting the whole from scratch: the left half of a picture fitted, the right half added to it.

All fits have the same cells, widths and number of steps. Told for each picture and
model: the PSNR of the right half, how far the left half is kept, the error at the seam, and seconds.

    python benchmarks/extend.py [--scale cpu|gpu] [--images FOLDER] [--out FILE] [--table FILE]
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import common
import numpy as np
from numpy.typing import NDArray

from inrfit import api
from inrfit.device import Device
from inrfit.errors import InputError
from inrfit.field import Field
from inrfit.metrics.fidelity import mse, psnr

NAME = "extend"
PHOTOS = ("kodak/kodim05.png", "kodak/kodim13.png", "kodak/kodim15.png")
SIDE, STEPS = {"cpu": 256, "gpu": 512}, {"cpu": 300, "gpu": 1000}
MODELS: dict[str, dict[str, Any]] = {
    "partitioned": {"model": "partitioned"},
    "local-global": {"model": "local-global"},
    "local-global, trunk global": {"model": "local-global", "trunk_frame": "global"},
}
"""Label -> words of the fit."""
FAR = 4
"""Columns from the seam at which its error no longer counts."""
TARGETS = {"strict": 1.0, "joint": 0.5}
"""How far, in dB, an extension may stay behind a fit of the whole."""


def pictures(folder: Path | None) -> list[Path]:
    """Return the pictures to use: those named, the project's, or the example where those are absent."""
    if folder is not None:
        return common.images_in(folder)
    try:
        return common.shared_images(*PHOTOS)
    except InputError:
        return common.images_in(common.ROOT / "examples")


def middle(path: Path, side: int) -> NDArray[np.uint8]:
    """Return the middle of a picture, [at most side, at most side, 3], of even width."""
    picture = common.read_colour(path)
    height, width = (min(side, n) for n in picture.shape[:2])
    width -= width % 2
    y, x = (picture.shape[0] - height) // 2, (picture.shape[1] - width) // 2
    return np.ascontiguousarray(picture[y : y + height, x : x + width])


def seam_error(picture: NDArray[np.uint8], decoded: NDArray[Any]) -> float:
    """Return the MSE of the two columns at the seam over that of the columns at least `FAR` away from them."""
    seam = picture.shape[1] // 2
    distance = np.minimum(
        abs(np.arange(picture.shape[1]) - seam), abs(np.arange(picture.shape[1]) - seam + 1)
    )
    at, away = (mse(picture[:, c], decoded[:, c], (0, 255)) for c in (distance == 0, distance >= FAR))
    return at / away


def described(
    method: str, picture: NDArray[np.uint8], field: Field, seconds: float, device: Device
) -> dict[str, Any]:
    """Return what is told of a field of the whole picture."""
    half = picture.shape[1] // 2
    decoded = field.decode(device=device.name, threads=device.threads)
    return {
        "method": method,
        "psnr_new": psnr(picture[:, half:], decoded[:, half:], (0, 255)),
        "psnr_old": psnr(picture[:, :half], decoded[:, :half], (0, 255)),
        "seam_error": seam_error(picture, decoded),
        "params": field.params,
        "bytes": len(api.to_bytes(field)),
        "seconds": seconds,
    }


def measure(path: Path, label: str, side: int, steps: int, device: Device) -> list[dict[str, Any]]:
    """Fit a picture from scratch, its left half, and the right half beside that in both modes."""
    picture, where = middle(path, side), {"device": device.name, "threads": device.threads}
    half = picture.shape[1] // 2
    words: dict[str, Any] = {**MODELS[label], "steps": steps, **where}
    plan = api.plan(picture, **words)
    began = time.perf_counter()
    rows = [described("scratch", picture, api.run(plan), time.perf_counter() - began, device)]
    widths: dict[str, Any] = {"hidden_features": plan.settings.model.hidden_features}
    if plan.settings.model.trunk_features:
        widths["trunk_features"] = plan.settings.model.trunk_features
    left = api.fit(np.ascontiguousarray(picture[:, :half]), **words, **widths)
    before = left.decode(**where)
    for mode in TARGETS if plan.settings.model.trunk_features else ("strict",):
        began = time.perf_counter()
        right = np.ascontiguousarray(picture[:, half:])
        made = api.extend(left, right, side="right", mode=mode, steps=steps, **where)
        seconds = time.perf_counter() - began
        row = described(mode, picture, made, seconds, device)
        after = made.decode(**where)[:, :half]
        row |= {"old_kept": psnr(before, after, (0, 255)), "old_same": bool(np.array_equal(before, after))}
        row["behind"] = rows[0]["psnr_new"] - row["psnr_new"]
        rows.append(row)
    return [{"image": path.name, "model": label, **row} for row in rows]


def table(data: dict[str, Any]) -> str:
    """Return the means over the pictures as Markdown."""
    rows = data["rows"]
    lines = [
        "| model | method | new part (dB) | behind scratch (dB), worst | target | old part (dB) | old part kept | "
        "seam error | seconds |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for model, method in dict.fromkeys((row["model"], row["method"]) for row in rows):
        chosen = [row for row in rows if (row["model"], row["method"]) == (model, method)]

        def mean(key: str, chosen: list[dict[str, Any]] = chosen) -> float:
            return float(np.mean([row[key] for row in chosen]))

        behind, target, kept = "", "", ""
        if method != "scratch":
            behind = f"{mean('behind'):.2f}, {max(row['behind'] for row in chosen):.2f}"
            target = f"{TARGETS[method]:g}"
            same = all(row["old_same"] for row in chosen)
            kept = (
                "same bits" if same else f"{min(row['old_kept'] or np.inf for row in chosen):.1f} dB at least"
            )
        lines.append(
            f"| {model} | {method} | {mean('psnr_new'):.2f} | {behind} | {target} | {mean('psnr_old'):.2f} | {kept} | "
            f"{mean('seam_error'):.2f} | {mean('seconds'):.1f} |"
        )
    made = data["provenance"]
    lines += ["", f"`{made['command']}`, {made['date']}, {made['processor']}, {made['device']}."]
    return "\n".join(lines)


def main() -> None:
    """Run the benchmark, or print the table of a result."""
    parser = common.parser(__doc__ or "")
    parser.add_argument("--side", type=int, help="side of the crops, in place of that of the scale")
    parser.add_argument("--steps", type=int, help="steps of every fit, in place of those of the scale")
    parser.add_argument(
        "--table", type=Path, metavar="FILE", help="print the table of a result, measure nothing"
    )
    chosen = parser.parse_args()
    if chosen.table:
        print(table(common.read_json(chosen.table)))
        return
    device = common.device_for(chosen.scale)
    side, steps = chosen.side or SIDE[chosen.scale], chosen.steps or STEPS[chosen.scale]
    out = chosen.out or common.default_out(f"{NAME}_{chosen.scale}")
    data: dict[str, Any] = {
        "provenance": common.provenance(device),
        "side": side,
        "steps": steps,
        "rows": [],
    }
    for path in pictures(chosen.images):
        for model in MODELS:
            rows = measure(path, model, side, steps, device)
            data["rows"] += rows
            for row in rows:
                common.log(f"{path.name} {model} {row['method']}: {row['psnr_new']:.2f} dB")
            common.write_json(out, data)
    print(table(data))


if __name__ == "__main__":
    common.start(main)
