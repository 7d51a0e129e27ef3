"""A shape at equal bytes: inrfit's file, which holds a distance field, beside Draco's, which holds the mesh.

Draco codes the mesh at two numbers of bits a coordinate; `inrfit fit --target-size` then gets as many bytes, with its
defaults. Draco keeps vertices and faces, which a field does not: what is compared is the surface alone, by Chamfer distance
in diagonals of the box and by IoU at a million places, half of them near the surface. Needs DracoPy, which inrfit does not.

    pip install DracoPy
    python benchmarks/shape_draco.py [--data FOLDER] [--bits 8,11] [--steps N] [--resolution N] [--out FILE] [--table FILE]
"""

from __future__ import annotations

import argparse
import tempfile
import time
from pathlib import Path
from typing import Any

import common
from draco import chamfer_l1, coded
from signals import DATA

from inrfit import api
from inrfit.compare import shape as metrics
from inrfit.device import Device
from inrfit.errors import InputError
from inrfit.io.config import ReadConfig
from inrfit.surface import Surface

NAME = "shape_draco"
MESH = "mesh/spot.obj"
BITS = "8,11"


def measure(signal: Any, bits: int, steps: int | None, device: Device) -> list[dict[str, Any]]:
    """Code a shape with Draco, and fit it at as many bytes; return both rows."""
    size, made = coded(signal.body, bits)
    row = {"bits": bits, "wanted_bytes": size}
    rows = [
        {
            **row,
            "method": f"Draco, {bits} bits",
            "bytes": size,
            "chamfer_l1": chamfer_l1(signal.body, made),
            "iou": _iou(signal, made),
        }
    ]
    words: dict[str, Any] = {} if steps is None else {"steps": steps}
    began = time.perf_counter()
    plan = api.plan(signal, device=device.name, threads=device.threads, target_size=size, **words)
    fitted = api.run(plan)
    seconds = time.perf_counter() - began
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "shape.inr"
        written = api.save(fitted, path)
        found = api.evaluate(path, signal, metrics=("iou", "chamfer-l1"), device=device.name)
    rows.append(
        {
            **row,
            "method": "inrfit",
            "bytes": written,
            "chamfer_l1": found["chamfer-l1"],
            "iou": found["iou"],
            "params": found["params"],
            "regions": len(plan.partition),
            "steps": plan.settings.fit.steps,
            "seconds": round(seconds, 2),
        }
    )
    return rows


def _iou(signal: Any, made: Surface) -> float:
    """Return the IoU of a shape and another mesh, at the places of the metric."""
    places = metrics._places(signal)
    truth, found = signal.inside(places), made.inside(places)
    return int((truth & found).sum()) / max(1, int((truth | found).sum()))


def table(data: dict[str, Any]) -> str:
    """Return a result as a Markdown table."""
    lines = [
        "| signal | method | bytes | Chamfer-L1 | IoU | weights | steps | seconds |",
        "|---|---|---:|---:|---:|---:|---:|---:|",
    ]
    for row in data["rows"]:
        chamfer = "none" if row["chamfer_l1"] is None else f"{row['chamfer_l1']:.1e}"
        cells = [data["signal"], row["method"], f"{row['bytes']:,}", chamfer, f"{row['iou'] or 0:.4f}"]
        fitted = "params" in row
        cells += [f"{row['params']:,}", f"{row['steps']:,}", f"{row['seconds']:.0f}"] if fitted else [""] * 3
        lines.append("| " + " | ".join(cells) + " |")
    made = data["provenance"]
    lines += ["", f"`{made['command']}`, {made['date']}, commit {made['commit']}, {made['processor']}."]
    return "\n".join(lines)


def run(chosen: argparse.Namespace) -> None:
    """Measure, and write the result after each size."""
    if not chosen.data.is_dir():
        raise InputError(f"{chosen.data}: no such folder", hint="name the test material with --data")
    device = common.device_for(chosen.scale, threads=chosen.threads)
    out = chosen.out or common.default_out(f"{NAME}_{chosen.scale}")
    data: dict[str, Any] = {
        "provenance": common.provenance(device),
        "signal": Path(MESH).stem,
        "resolution": chosen.resolution,
        "rows": [],
    }
    signal: Any = api.read(chosen.data / MESH, ReadConfig(kind="shape", resolution=chosen.resolution))
    for bits in map(int, chosen.bits.split(",")):
        data["rows"] += measure(signal, bits, chosen.steps, device)
        for row in data["rows"][-2:]:
            common.log(
                f"{row['method']}: {row['bytes']} bytes, Chamfer-L1 {row['chamfer_l1']}, IoU {row['iou']}"
            )
        common.write_json(out, data)


def main() -> None:
    """Run, or print the table of a result."""
    parser = common.parser(__doc__ or "")
    parser.add_argument("--data", type=Path, default=DATA, help="folder with the test material")
    parser.add_argument("--bits", default=BITS, help="bits of a coordinate for Draco, with commas between")
    parser.add_argument("--steps", type=int, help="steps of a fit; the default's when not given")
    parser.add_argument("--resolution", type=int, default=256, help="samples along the longest side")
    parser.add_argument("--threads", type=int, help="threads on the CPU; one per core when not given")
    parser.add_argument("--table", type=Path, metavar="FILE", help="print the table of a result")
    chosen = parser.parse_args()
    if chosen.table:
        print(table(common.read_json(chosen.table)))
    else:
        run(chosen)


if __name__ == "__main__":
    common.start(main)
