"""Tables and a figure of the Local-Global benchmark; it measures nothing."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from tables import Block, Table, source

COLUMNS: tuple[tuple[str, str, Callable[[Mapping[str, Any]], float | None], str], ...] = (
    ("weights", "params", lambda row: row.get("params"), ",.0f"),
    ("width / trunk", "widths", lambda row: None, ""),
    ("shared weights", "shared", lambda row: None, ""),
    ("PSNR (dB)", "psnr", lambda row: row.get("psnr"), ".2f"),
    ("min-max PSNR", "minmax", lambda row: row.get("psnr-minmax"), ".2f"),
    ("SSIM", "ssim", lambda row: row.get("ssim"), ".4f"),
    ("border error", "border", lambda row: row.get("border_error"), ".2f"),
    ("worst tenth (dB)", "worst", lambda row: row.get("worst_tenth"), ".2f"),
    ("fit, CPU s", "seconds", lambda row: row.get("cpu_seconds"), ".0f"),
    ("decode, CPU s", "decode", lambda row: row.get("decode_seconds"), ".2f"),
)
"""Heading, name, value in a row of the results, and format."""

TITLES = {
    "models": "Models at equal weights",
    "long": "1,000 steps",
    "frames": "Coordinates",
    "budgets": "Few weights",
    "shares": "Share of shared weights, and other activations",
    "grids": "Grids",
}


def table(data: Mapping[str, Any]) -> list[Block]:
    """Return all tables of a result."""
    parts: list[Block] = []
    for section, title in TITLES.items():
        rows = [row for row in data["rows"] if row["section"] == section]
        if rows:
            parts += [f"### {title}", _section(rows), *_curves(rows)]
    made = data["provenance"]
    return [*parts, source(made, f"{made['cores']} cores", f"{data.get('minutes')} minutes")]


def _section(rows: list[Mapping[str, Any]]) -> Table:
    heads = ["setting", "steps", "runs", *(head for head, *_ in COLUMNS)]
    lines = []
    for label in dict.fromkeys(row["label"] for row in rows):
        same = [row for row in rows if row["label"] == label]
        good = [row for row in same if "error" not in row]
        if not good:
            lines.append([label, "", "0", same[0]["error"], *[""] * (len(COLUMNS) - 1)])
            continue
        cells = [_cell(name, value, shown, good) for _, name, value, shown in COLUMNS]
        lines.append([label, str(good[0]["steps"]), str(len(good)), *cells])
    return Table(heads, lines)


def _cell(
    name: str, value: Callable[[Mapping[str, Any]], float | None], shown: str, rows: list[Mapping[str, Any]]
) -> str:
    """Return the mean over the runs, with the standard deviation over the seeds of an image for the PSNR."""
    if name == "widths":
        return f"{rows[0]['hidden']} / {rows[0]['trunk']}" if "hidden" in rows[0] else ""
    if name == "shared":
        shared, params = rows[0].get("shared", 0), rows[0]["params"]
        return f"{shared:,} ({shared / params:.1%})" if shared else ""
    found = [number for row in rows if (number := value(row)) is not None]
    if not found:
        return ""
    text = format(float(np.mean(found)), shown)
    if name == "psnr" and (spread := _over_seeds(rows)) is not None:
        text += f" ± {spread:.2f}"
    return text


def _over_seeds(rows: list[Mapping[str, Any]]) -> float | None:
    """Return the standard deviation over seeds, averaged over images."""
    images = dict.fromkeys(row["image"] for row in rows)
    groups = [[row["psnr"] for row in rows if row["image"] == image] for image in images]
    if any(len(group) < 2 for group in groups):
        return None
    return float(np.mean([np.std(group, ddof=1) for group in groups]))


def _curves(rows: list[Mapping[str, Any]]) -> list[Table]:
    """Return the mean PSNR and CPU time at some steps of each setting; every step is taken to cost the same."""
    steps = sorted({step for row in rows for step, *_ in row.get("curve", []) if step})
    wanted = [step for step in steps if step in (50, 100, 200, 300, 500, 1000)]
    if not wanted or rows[0]["section"] not in ("models", "long"):
        return []
    heads = ["PSNR (dB) and CPU s after", *(f"{step} steps" for step in wanted)]
    lines = []
    for label in dict.fromkeys(row["label"] for row in rows):
        same = [row for row in rows if row["label"] == label and "curve" in row]
        cells = []
        for step in wanted:
            found = [psnr for row in same for at, psnr, _ in row["curve"] if at == step]
            seconds = np.mean([row["cpu_seconds"] * step / row["steps"] for row in same])
            cells.append(f"{np.mean(found):.2f}, {seconds:.1f}" if found else "")
        lines.append([label, *cells])
    return [Table(heads, lines)]


def figure(data: Mapping[str, Any], path: Path) -> None:
    """Draw the mean PSNR of the models against steps and against CPU time."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    rows = [row for row in data["rows"] if row["section"] == "models" and "curve" in row]
    drawn, (by_step, by_time) = pyplot.subplots(1, 2, figsize=(10, 4), sharey=True, layout="constrained")
    for label in dict.fromkeys(row["label"] for row in rows):
        same = [row for row in rows if row["label"] == label]
        steps = sorted({step for row in same for step, *_ in row["curve"] if step})
        means = [np.mean([p for row in same for at, p, _ in row["curve"] if at == step]) for step in steps]
        each = np.mean([row["cpu_seconds"] / row["steps"] for row in same])
        by_step.plot(steps, means, marker=".", label=label)
        by_time.plot(np.multiply(steps, each), means, marker=".")
    by_step.set(xlabel="step", ylabel="PSNR (dB)")
    by_time.set(xlabel="CPU seconds", xscale="log")
    by_step.legend(fontsize="small")
    for axes in (by_step, by_time):
        axes.grid(alpha=0.3)
    path.parent.mkdir(parents=True, exist_ok=True)
    drawn.savefig(path, dpi=100)
    pyplot.close(drawn)
