"""Sounds, clips and shapes: SIREN, one network per region and local-global at equal sizes, and inrfit's own settings.

Every row is a fit in a process of its own, so that its peak memory is its own; PSNR and the rest are of the file,
decoded. Sounds are at the sizes of the Local-Global paper (198k weights, 1,001 steps), of which `--scale cpu` takes a
quarter of the clip for SIREN. Clips and shapes are at a quarter of its sizes or less there. Rows that the result file
holds and that are not run again stay in it.

    python benchmarks/signals.py [--only audio|video|shape] [--signals NAME] [--methods NAME] [--scale cpu|gpu]
        [--data FOLDER] [--out FILE] [--table FILE]
"""

from __future__ import annotations

import multiprocessing
import resource
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import common
import numpy as np

from inrfit import api
from inrfit.errors import InputError
from inrfit.io.config import ReadConfig
from inrfit.signal import ArraySignal, Signal

NAME = "signals"
DATA = common.ROOT.parent / "shared" / "data"
SOUNDS = {"bach": "audio/singles/gt_bach.wav", "counting": "audio/singles/gt_counting.wav"}
CLIP = "video/bunny_132f_320x180_lossless.mp4"
MESHES = ("mesh/spot.obj", "mesh/stanford_bunny_closed.obj", "mesh/wingnut.obj")
PUBLISHED = {
    ("bach", "mlp"): 39.94,
    ("bach", "partitioned"): 39.26,
    ("bach", "local-global"): 45.18,
    ("counting", "mlp"): 32.07,
    ("counting", "partitioned"): 31.24,
    ("counting", "local-global"): 33.18,
}
"""PSNR in dB after 1,001 steps, means of 10 seeds; Table 11 of the Local-Global paper (arXiv 2409.19472)."""

FRAMES = {"cpu": 33, "gpu": 132}
"""Frames of the clip that are fitted, from its first on."""

METRICS = {
    "audio": ("psnr", "snr", "si-sdr", "lsd"),
    "video": ("psnr", "ssim"),
    "shape": ("psnr", "iou", "chamfer-l1", "chamfer-l2", "normal-consistency"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One fit.

    Attributes:
        part: "audio", "video" or "shape".
        signal: its name.
        source: file below the data folder.
        method: what the table calls it.
        model: a name of the registry.
        share: part of a sound or of a clip's frames that is fitted, from its beginning on.
        words: options of the fit.
    """

    part: str
    signal: str
    source: str
    method: str
    model: str
    share: float = 1.0
    words: dict[str, Any] = field(default_factory=dict)


def audio_rows(scale: str) -> Iterator[Row]:
    """Yield the fits of sounds."""
    for signal, source in SOUNDS.items():
        yield Row(
            part="audio",
            signal=signal,
            source=source,
            method="inrfit",
            model="partitioned",
            words={"grid": (490,), "hidden_features": 13, "steps": 1001},
        )
        for model in ("partitioned", "local-global", "mlp"):
            share = 0.25 if scale == "cpu" and model == "mlp" else 1.0
            words = {"preset": "paper-lg", "model": model}
            yield Row(
                part="audio",
                signal=signal,
                source=source,
                method="paper",
                model=model,
                share=share,
                words=words,
            )


PAPER_WIDTHS = {
    "cpu": {
        "mlp": {"hidden_features": 256},
        "partitioned": {"hidden_features": 13},
        "local-global": {"hidden_features": 12, "trunk_features": 80},
    },
    "gpu": {"mlp": {}, "partitioned": {}, "local-global": {}},
}
"""Widths of the paper's models on a clip of 5x8x8 cells: those of 200k weights, and those of its own 3.2M."""


def video_rows(scale: str) -> Iterator[Row]:
    """Yield the fits of a clip: models, samples a step and grids at equal weights."""
    samples = FRAMES[scale] * 180 * 320
    budget, steps = (200_000, 300) if scale == "cpu" else (3_192_400, 5001)
    for share in (0.0038, 0.02):
        points = round(share * samples)
        for grid in ((1, 8, 8), (5, 8, 8), (5, 4, 4)):
            for model in ("partitioned", "local-global"):
                words = {"grid": grid, "points": points, "budget": budget, "steps": steps}
                yield _clip(f"inrfit, {100 * share:g} %", model, words)
        for model, widths in PAPER_WIDTHS[scale].items():
            words = {"preset": "paper-lg", "points": points, "steps": steps, **widths}
            yield _clip(f"paper, {100 * share:g} %", model, words)


def _clip(method: str, model: str, words: dict[str, Any]) -> Row:
    return Row(
        part="video", signal="bunny", source=CLIP, method=method, model=model, words={"model": model, **words}
    )


def shape_rows(scale: str) -> Iterator[Row]:
    """Yield the fits of shapes."""
    steps = {"cpu": 600, "gpu": 4000}[scale]
    for source in MESHES:
        for target in ("sdf", "occupancy"):
            for model in ("partitioned", "local-global", "mlp"):
                words = {"target": target, "model": model, "budget": 200_000, "steps": steps}
                yield Row(
                    part="shape",
                    signal=f"{Path(source).stem} {target}",
                    source=source,
                    method="inrfit",
                    model=model,
                    words=words,
                )


ROWS = {"audio": audio_rows, "video": video_rows, "shape": shape_rows}


def read(row: Row, data: Path, scale: str) -> Signal:
    """Return what a row fits."""
    target = row.words.get("target", "sdf")
    signal = api.read(data / row.source, ReadConfig(kind=row.part, sound="none", target=target))
    count = FRAMES[scale] if row.part == "video" else round(row.share * signal.domain.shape[0])
    if row.part == "shape" or count >= signal.domain.shape[0]:
        return signal
    (first, _), *others = signal.domain.box
    values = np.array(signal.dense(((first, first + count), *others)))
    domain = replace(signal.domain, shape=values.shape[:-1])
    return ArraySignal(values=values, domain=domain, info=signal.info)


def run(job: tuple[Row, Path, str, str]) -> dict[str, Any]:
    """Fit one row and measure the file."""
    row, data, scale, device = job
    signal = read(row, data, scale)
    words = {name: value for name, value in row.words.items() if name != "target"}
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    began, cpu = time.perf_counter(), time.process_time()
    plan = api.plan(signal, device=device, **words)
    fitted = api.run(plan)
    seconds, cpu = time.perf_counter() - began, time.process_time() - cpu
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "row.inr"
        size = api.save(fitted, path)
        found = api.evaluate(path, signal, metrics=METRICS[row.part], device=device)
    kept = {name: found[name] for name in (*METRICS[row.part], "border_error", "params")}
    return {
        **{key: value for key, value in asdict(row).items() if key not in ("words", "source", "part")},
        "published": PUBLISHED.get((row.signal, row.model)) if row.method == "paper" else None,
        **kept,
        "bytes": size,
        "steps": plan.settings.fit.steps,
        "hidden_features": plan.settings.model.hidden_features,
        "grid": list(plan.partition.grid),
        "regions": len(plan.partition),
        "points": plan.settings.fit.points,
        "seconds": round(seconds, 2),
        "cpu_seconds": round(cpu, 2),
        "peak_mib": round(peak / 1024),
        "before_mib": round(before / 1024),
        "words": {key: list(v) if isinstance(v, tuple) else v for key, v in row.words.items()},
    }


def table(data: dict[str, Any]) -> str:
    """Return a result as a Markdown table."""
    part = data["part"]
    metrics = METRICS[part]
    head = [
        "signal",
        "method",
        "model",
        "part",
        "grid",
        *metrics,
        "border error",
        "published",
        "weights",
        "steps",
    ]
    head += ["seconds", "peak MiB", "KiB"]
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    for row in data["rows"]:
        cells = [
            row["signal"],
            row["method"],
            row["model"],
            f"{row['share']:g}",
            "x".join(map(str, row["grid"])),
        ]
        cells += [_number(row[name]) for name in (*metrics, "border_error", "published")]
        cells += [f"{row['params']:,}", f"{row['steps']:,}", f"{row['seconds']:.1f}", f"{row['peak_mib']:,}"]
        cells += [f"{row['bytes'] / 1024:,.0f}"]
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)


def _number(value: float | None) -> str:
    if value is None:
        return ""
    return f"{value:.2f}" if abs(value) >= 1 else f"{value:.5f}" if abs(value) >= 1e-3 else f"{value:.1e}"


def _is_of(found: dict[str, Any], rows: list[Row]) -> bool:
    """Return whether a result is that of one of some rows, which are measured anew."""
    keys = [(row.signal, row.method, row.model, row.words.get("grid")) for row in rows]
    grid = found["words"].get("grid")
    return (found["signal"], found["method"], found["model"], tuple(grid) if grid else None) in keys


def main() -> None:
    """Run the rows, or print the table of a result."""
    parser = common.parser(__doc__ or "")
    parser.add_argument("--only", choices=tuple(ROWS), default="audio", help="part to run")
    parser.add_argument("--data", type=Path, default=DATA, help="folder with the test material")
    parser.add_argument("--methods", help="only rows whose method and model begin so, such as 'paper mlp'")
    parser.add_argument("--signals", help="only rows whose signal begins so, such as 'bach'")
    parser.add_argument("--table", type=Path, metavar="FILE", help="print the table of a result")
    chosen = parser.parse_args()
    if chosen.table:
        print(table(common.read_json(chosen.table)))
        return
    if not chosen.data.is_dir():
        raise InputError(f"{chosen.data}: no such folder", hint="name the test material with --data")
    device = common.device_for(chosen.scale)
    out = chosen.out or common.default_out(f"{NAME}_{chosen.only}_{chosen.scale}")
    provenance = common.provenance(device)
    data: dict[str, Any] = {"provenance": provenance, "part": chosen.only, "rows": []}
    when = {"date": provenance["date"], "commit": provenance["commit"]}
    wanted = [
        row
        for row in ROWS[chosen.only](chosen.scale)
        if f"{row.method} {row.model}".startswith(chosen.methods or "")
        and row.signal.startswith(chosen.signals or "")
    ]
    if out.exists():
        data["rows"] = [found for found in common.read_json(out)["rows"] if not _is_of(found, wanted)]
    for row in wanted:
        with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as pool:
            data["rows"].append(
                pool.submit(run, (row, chosen.data, chosen.scale, device.name)).result() | when
            )
        found = data["rows"][-1]
        common.log(f"{row.signal} {row.method} {row.model}: {found['psnr']:.2f} dB in {found['seconds']} s")
        common.write_json(out, data)


if __name__ == "__main__":
    common.start(main)
