"""What `exponential_increase.py` measured, as markdown tables and a figure; it measures and estimates nothing."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from tables import Block, Table

Record = dict[str, Any]

NAMES = {
    "sine": "sin(ωx)",
    "square": "sign sin(ωx)",
    "random": "random steps",
    "spaced": "spaced steps",
    "board": "checkerboard",
}
"""Targets, for people."""

NETWORKS = {
    "single": "one, width 32",
    "single-33": "one, width 33",
    "single-33-fine": "one, width 33, first ω₀ raised",
    "heads-global": "4 heads, global frame",
    "heads-local": "4 heads, local frame",
}
"""Networks, for people; all but the first have equal weights to within 1 %."""

COLOURS = ("tab:blue", "tab:orange", "tab:green", "tab:red", "tab:purple")


def line(cell: Record) -> str:
    """Return a cell in one line, for the log of a run."""
    late = f", {cell['censored']} at the cap" if cell["censored"] else ""
    return (
        f"{cell['target']} {cell['network']} count {cell['count']}: {_steps(cell)} steps in {cell['runs']} runs"
        f"{late}, {cell['seconds']:.1f} s each"
    )


def tables(record: Record) -> list[Block]:
    """Return the tables of the study's page: growth, steps, equal weights."""
    parts: list[Block] = [_caption(record)]
    if not record.get("complete"):
        parts.append("The run is not complete: `--resume` finishes it.")
    parts += _growth(record["fits"])
    if gap := record.get("gap_effect"):
        parts.append(
            f"Smallest gap and steps at one count of random steps: rank correlation {gap['correlation']:+.2f} "
            f"(p = {gap['p_value']:.2g}, {gap['runs']} runs)."
        )
    parts += _sweep(record["cells"])
    for target in NAMES:
        if _partners(record["cells"], target):
            parts += _equal_weights(record["cells"], target)
    return parts


def draw(record: Record, path: Path) -> None:
    """Draw steps against count, with the fitted laws and with the networks of equal weights."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(1, 3, figsize=(15, 4.6), layout="constrained")
    for colour, target in zip(COLOURS, ("sine", "square", "random", "spaced"), strict=False):
        _points(axes[0], record, target, "single", colour, NAMES[target])
    axes[0].set(title="One network of width 32", xlabel="ω, or number of jumps")
    for axis, target in ((axes[1], "random"), (axes[2], "board")):
        for colour, network in zip(COLOURS, NETWORKS, strict=True):
            _points(axis, record, target, network, colour, NETWORKS[network])
    axes[1].set(title="Random steps, equal weights", xlabel="number of jumps")
    axes[2].set(title="Checkerboards, equal weights", xlabel="number of boundaries")
    for axis in axes:
        axis.set(yscale="log", ylabel=f"steps to a mean squared error of {record['goal']}")
        axis.plot([], [], "k-", label="a pˣ + c")
        axis.plot([], [], "k:", label="a x^q + c")
        axis.legend(fontsize=8)
        axis.grid(alpha=0.3)
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=110)
    pyplot.close(figure)


def _points(axis: Any, record: Record, target: str, network: str, colour: str, label: str) -> None:
    """Draw a series: means with deviations (censored runs at the cap, hollow) and its two laws with offset."""
    from trials.growth_laws import curve  # needs scipy, which a machine that only measures may lack

    cells = [c for c in record["cells"] if (c["target"], c["network"]) == (target, network)]
    if not cells:
        return
    for some, face in ((False, colour), (True, "none")):
        shown = [c for c in cells if bool(c["censored"]) == some]
        x, mean = [c["x"] for c in shown], np.array([c["mean"] for c in shown])
        spread = np.array([c["std"] or 0.0 for c in shown])
        below = np.minimum(spread, mean * 0.9)  # a log axis has no room for more
        axis.errorbar(
            x, mean, yerr=[below, spread], fmt="o", ms=4, color=colour, mfc=face, capsize=2, lw=0.8,
            label=None if some else label,
        )  # fmt: skip
    for fit in record["fits"]:
        if (fit["target"], fit["network"]) == (target, network):
            xs = np.linspace(cells[0]["x"], cells[-1]["x"], 200)
            for law, style in (("exponential+offset", "-"), ("power+offset", ":")):
                axis.plot(xs, curve(law, fit["laws"][law], xs), style, color=colour, lw=1)


def _caption(record: Record) -> str:
    where = f"{record['device']}, {record['processor']}, {record['cores']} cores"
    versions = ", ".join(f"{name} {record['versions'][name]}" for name in ("inrfit", "torch"))
    minutes = f", {record['minutes']:.0f} minutes" if record.get("minutes") else ""
    return (
        f"`{record['command']}` on {record['date']}, commit {record['commit']}; {where}; {versions}{minutes}."
    )


def _growth(fits: Sequence[Record]) -> list[Block]:
    rows = []
    for fit in fits:
        laws = fit["laws"]
        p, q = laws["exponential+offset"], laws["power+offset"]
        deltas = [f"{laws[name]['delta']:.1f}" for name in laws]
        rows.append(
            [
                NAMES[fit["target"]],
                NETWORKS[fit["network"]],
                f"{fit['runs']} ({fit['censored']})",
                _estimate(p, 4),
                _estimate(q, 2),
                *deltas,
                f"{fit['preferred']}, by {fit['margin']:.1f} ({fit['stable']:.0%})",
            ]
        )
    formulas = [law["formula"] for law in fits[0]["laws"].values()] if fits else []
    head = ["target", "network", "runs (censored)", "p [95 %]", "q [95 %]"]
    note = (
        "p of a p^x + c and q of a x^q + c, fitted to the single runs in log space with censored runs by a Tobit "
        "likelihood, bootstrap intervals over repeats; ΔAICc of each law; the preferred law, by how much it beats the "
        "best of the other shape, and the share of resamples that prefer the same shape."
    )
    return [note, Table([*head, *(f"Δ {formula}" for formula in formulas), "preferred"], rows)]


def _estimate(law: Record, digits: int) -> str:
    low, high = law["interval"] or (float("nan"),) * 2
    without = law["growth_without_censored"]
    text = f"{law['growth']:.{digits}f} [{low:.{digits}f}, {high:.{digits}f}]"
    return text if without is None else f"{text}; {without:.{digits}f} without the censored"


def _sweep(cells: Sequence[Record]) -> list[Block]:
    """Return the steps of the single network: one row per target and count."""
    rows = [
        [
            NAMES[c["target"]],
            str(c["count"]),
            str(c["boundaries"]),
            f"{c['mean']:.0f}",
            "" if c["std"] is None else f"{c['std']:.0f}",
            f"{c['median']:.0f}",
            f"{c['censored']} of {c['runs']}",
        ]
        for c in cells
        if c["network"] == "single"
    ]
    head = ["target", "count", "boundaries", "mean steps", "std", "median", "censored"]
    return ["Steps of one network of width 32; a censored run counts as the cap.", Table(head, rows)]


def _partners(cells: Sequence[Record], target: str) -> list[Record]:
    return [c for c in cells if c["target"] == target and c["network"] != "single"]


def _equal_weights(cells: Sequence[Record], target: str) -> list[Block]:
    """Return steps and seconds of the networks of equal weights on one target: one row per count."""
    found = {(c["network"], c["count"]): c for c in _partners(cells, target)}
    networks = [name for name in NETWORKS if any(key[0] == name for key in found)]
    counts = sorted({count for _, count in found})
    weights = ", ".join(
        f"{NETWORKS[name]}: {next(c for k, c in found.items() if k[0] == name)['weights']:,}"
        for name in networks
    )
    rows = [
        [str(count), *(_steps_and_seconds(found.get((name, count))) for name in networks)] for count in counts
    ]
    note = (
        f"{NAMES[target].capitalize()}: steps ± std, and seconds, of networks of equal weights ({weights})."
    )
    return [note, Table(["count", *(NETWORKS[name] for name in networks)], rows)]


def _steps_and_seconds(cell: Record | None) -> str:
    return "" if cell is None else f"{_steps(cell)}, {cell['seconds']:.1f} s"


def _steps(cell: Record) -> str:
    least = "≥ " if cell["censored"] else ""
    spread = "" if cell["std"] is None else f" ± {cell['std']:.0f}"
    return f"{least}{cell['mean']:.0f}{spread}"
