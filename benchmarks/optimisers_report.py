"""Tables and the figure of the benchmark of optimisers; it measures nothing."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from tables import Block, Table, source

Row = Mapping[str, Any]

DEFAULT = "soap"
"""Candidate that is inrfit's default."""


def table(data: Mapping[str, Any]) -> list[Block]:
    """Return the tables of a result."""
    parts: list[Block] = [_candidates(data["rows"])]
    if data.get("searches"):
        parts.append(_searches(data["searches"]))
    if data.get("gauss_newton"):
        parts.append(_small(data["gauss_newton"]))
    made = data["provenance"]
    return [*parts, source(made, made["device"], f"{data.get('minutes')} minutes")]


def means(rows: Iterable[Row]) -> dict[str, dict[int, dict[str, Any]]]:
    """Return name -> steps -> what the images have in common, with PSNR and CPU seconds averaged over them.

    PSNR is None where a fit diverged.
    """
    grouped: dict[str, dict[int, list[Row]]] = {}
    for row in rows:
        grouped.setdefault(row["name"], {}).setdefault(row["steps"], []).append(row)
    return {
        name: {steps: _mean(same) for steps, same in by_steps.items()} for name, by_steps in grouped.items()
    }


def _mean(rows: list[Row]) -> dict[str, Any]:
    psnr = [row["psnr"] for row in rows]
    return {
        **{key: rows[0].get(key) for key in ("kind", "lr", "steps")},
        "each": psnr,
        "psnr": None if None in psnr else float(np.mean(psnr)),
        "cpu_seconds": float(np.mean([row["cpu_seconds"] for row in rows])),
        "ms_per_step": float(np.mean([row["ms_per_step"] for row in rows])),
    }


def _candidates(rows: list[Row]) -> Table:
    """Return a row per candidate: PSNR after each number of steps, each photo's after the last, and the time."""
    found = means(rows)
    lengths = sorted({row["steps"] for row in rows})
    heads = ["candidate", "rate", *(f"{steps} steps (dB)" for steps in lengths)]
    heads += [
        f"against {DEFAULT}",
        f"each photo, {lengths[-1]} steps",
        "ms a step",
        f"CPU s, {lengths[-1]} steps",
    ]
    lines = []
    for name, by_steps in found.items():
        last = by_steps[max(by_steps)]
        each = " / ".join(_number(psnr) for psnr in last["each"]) if lengths[-1] in by_steps else ""
        cells = [name, f"{last['lr']:.2g}"]
        cells += [_number(by_steps[steps]["psnr"]) if steps in by_steps else "" for steps in lengths]
        cells += [_against(found, name), each]
        took = np.mean([row["ms_per_step"] for row in by_steps.values()])
        cells += [f"{took:.1f}", f"{last['cpu_seconds']:.1f}" if lengths[-1] in by_steps else ""]
        lines.append(cells)
    return Table(heads, lines)


def _against(found: Mapping[str, Mapping[int, Row]], name: str) -> str:
    """Return the differences to the default at as many steps, where both have a PSNR."""
    there = found.get(DEFAULT, {})
    pairs = [
        (row["psnr"], there[steps]["psnr"]) for steps, row in sorted(found[name].items()) if steps in there
    ]
    return "" if name == DEFAULT else " / ".join(f"{a - b:+.2f}" for a, b in pairs if None not in (a, b))


def _searches(searches: list[Row]) -> Table:
    """Return the rates that were tried, with the PSNR of each."""
    lines = []
    for row in searches:
        tried = ", ".join(
            f"**{rate:.2g}: {_number(psnr)}**" if rate == row["lr"] else f"{rate:.2g}: {_number(psnr)}"
            for rate, psnr in row["rates"]
        )
        lines.append([row["name"], tried])
    return Table(["candidate", "rates tried: PSNR (dB) on the first photo"], lines)


def _small(rows: list[Row]) -> Table:
    """Return what the small crop gave; of many steps those whose number is a power of two, and the last."""
    names = list(dict.fromkeys(row["name"] for row in rows))
    lines = []
    for name in names:
        same = [row for row in rows if row["name"] == name]
        kept = (
            {*(2**power - 1 for power in range(10)), len(same) - 1}
            if len(same) > 8
            else set(range(len(same)))
        )
        lines += [
            [row["name"], str(row["steps"]), f"{row['cpu_seconds']:.1f}", _number(row["psnr"])]
            for place, row in enumerate(same)
            if place in kept
        ]
    return Table(["fit of the small crop", "steps", "CPU s", "PSNR (dB)"], lines)


def _number(psnr: float | None) -> str:
    return "diverged" if psnr is None else f"{psnr:.2f}"


def best_of_kinds(found: Mapping[str, Mapping[int, Row]]) -> dict[str, str]:
    """Return kind -> the name of its best: that with the highest PSNR over the lengths all have, on average."""
    common = set.intersection(*(set(by_steps) for by_steps in found.values()))
    best: dict[str, tuple[float, str]] = {}
    for name, by_steps in found.items():
        scores = [by_steps[steps]["psnr"] for steps in common]
        score = -np.inf if None in scores else float(np.mean(scores))
        kind = next(iter(by_steps.values()))["kind"]
        best[kind] = max(best.get(kind, (-np.inf, name)), (score, name))
    return {kind: name for kind, (_, name) in best.items()}


def figure(data: Mapping[str, Any], path: Path) -> None:
    """Draw PSNR against CPU seconds for the best of each kind and for the default; and those of the small crop."""
    import matplotlib

    matplotlib.use("agg")
    import matplotlib.pyplot as plt

    small = data.get("gauss_newton") or []
    drawn, axes = plt.subplots(
        1, 2 if small else 1, figsize=(11 if small else 7, 4.4), layout="constrained", squeeze=False
    )
    found = means(data["rows"])
    names = dict.fromkeys(
        [name for name in (DEFAULT,) if name in found] + list(best_of_kinds(found).values())
    )
    for name in names:
        rows = [row for _, row in sorted(found[name].items()) if row["psnr"] is not None]
        style = {"color": "black", "lw": 2} if name == DEFAULT else {}
        x, y = [row["cpu_seconds"] for row in rows], [row["psnr"] for row in rows]
        axes[0, 0].plot(x, y, "o-", ms=3, label=name, **style)
    axes[0, 0].set_title("three photos, 256x256", fontsize="medium")
    for name in dict.fromkeys(row["name"] for row in small):
        same = [row for row in small if row["name"] == name]
        x, y = [row["cpu_seconds"] for row in same], [row["psnr"] for row in same]
        axes[0, -1].plot(x, y, "o-", ms=3, label=name, **({"color": "black"} if name == DEFAULT else {}))
        axes[0, -1].set_title("one photo, 128x128", fontsize="medium")
    for axis in axes[0]:
        axis.set(xscale="log", xlabel="CPU seconds of the fit", ylabel="PSNR, dB")
        axis.legend(fontsize="small")
        axis.grid(alpha=0.3)
    drawn.savefig(path, dpi=110)
    plt.close(drawn)
