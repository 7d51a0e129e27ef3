"""What the results of partition_matters.py say: summaries, markdown tables and figures; it fits nothing."""

from __future__ import annotations

import base64
import io
import math
import statistics
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from tables import Block, Table

Row = Mapping[str, Any]
METHODS = ("none", "PoG", "PoS")
NETWORKS = {"sine": "SIREN", "relu": "ReLU"}
COLOURS = {"none": "tab:grey", "PoG": "tab:blue", "PoS": "tab:orange"}


def summary(data: Row) -> dict[str, Any]:
    """Return the statistics over images of every experiment that has rows."""
    return {
        "comparison": comparison_summary(data["comparison"]),
        "omega": comparison_summary(data["omega"]),
        "heads": heads_summary(data["heads"]),
    }


def comparison_summary(rows: Sequence[Row]) -> list[dict[str, Any]]:
    """Return one entry for each network, learning rate and method.

    "against_none" is the difference to the single network on the same images, with a 95 % confidence interval.
    "psnr_equal_time" is taken when the fastest of none, PoG and PoS on that image has finished. Steps never taken
    count as infinite in a median, which is None then; so does the PSNR of a decoded picture without an error.
    """
    found = []
    for (activation, lr, method), group in _grouped(rows, "activation", "lr", "method"):
        same = [r for r in rows if r["activation"] == activation and r["lr"] == lr]
        single = {r["image"]: r["psnr"] for r in same if r["method"] == "none"}
        gains = [r["psnr"] - single[r["image"]] for r in group if single.get(r["image"]) is not None]
        found.append(
            {
                "activation": activation,
                "lr": lr,
                "method": method,
                "images": len(group),
                "weights": group[0]["weights"],
                "steps": group[0]["steps"],
                "first_omega_0": group[0]["first_omega_0"],
                "psnr_third": _mean([_at_step(r, r["steps"] / 3) for r in group]),
                "psnr": _spread([r["psnr"] for r in group]),
                "psnr_decoded": _median([r["psnr_decoded"] for r in group]),
                "against_none": _interval(gains),
                "psnr_equal_time": _spread(_at_equal_time(group, same)),
                "ms_per_step": _median([1000 * r["seconds"] / r["steps"] for r in group]),
                "steps_to_20_db": _median([r["steps_to"]["20.0"] for r in group]),
                "reached_20_db": sum(r["steps_to"]["20.0"] is not None for r in group),
                "steps_to_30_db": _median([r["steps_to"]["30.0"] for r in group]),
                "reached_30_db": sum(r["steps_to"]["30.0"] is not None for r in group),
                "edges_to_flat": _median([r["mse_edges"] / r["mse_flat"] for r in group if r["mse_flat"]]),
                "mse_edges": _mean([r["mse_edges"] for r in group if r["mse_edges"] is not None]),
                "mse_flat": _mean([r["mse_flat"] for r in group if r["mse_flat"] is not None]),
                "floor": _mean([r["floor"]["psnr"] for r in group if r["floor"]["psnr"] is not None]),
                "floor_reason": group[0]["floor"]["reason"],
            }
        )
    return found


def heads_summary(rows: Sequence[Row]) -> list[dict[str, Any]]:
    """Return one entry for each ratio, rule and number of heads.

    The target of an image is 30 dB, or what one head reaches in its last step where that is less. Proposition 1
    says that k >= 3 heads need less. Its sum adds up the steps of the heads ("sum_holds": k times the steps is less than those of one head);
    when heads learn side by side, the steps themselves are what one waits for ("parallel_holds").
    """
    found = []
    rows = [row for row in rows if row.get("error") is None]
    for (ratio, rule, heads), group in _grouped(rows, "ratio", "rule", "heads"):
        pairs = [
            (r, one)
            for r in group
            for one in rows
            if (one["image"], one["ratio"], one["heads"]) == (r["image"], ratio, 1)
        ]
        taken = [(_target_steps(r), _target_steps(one)) for r, one in pairs]
        gains = [r["psnr"] - one["psnr"] for r, one in pairs]
        found.append(
            {
                "ratio": ratio,
                "rule": rule,
                "heads": heads,
                "images": len(group),
                "lr": group[0]["lr"],
                "weights": group[0]["weights"],
                "psnr_third": _mean([_at_step(r, r["steps"] / 3) for r in group]),
                "psnr": _spread([r["psnr"] for r in group]),
                "against_none": _interval(gains),
                "floor": _mean([r["floor"]["psnr"] for r in group if r["floor"]["psnr"] is not None]),
                "target_steps": _median([steps for steps, _ in taken]),
                "target_seconds": _median([_target_seconds(r) for r in group]),
                "seconds": _median([r["seconds"] for r in group]),
                "parallel_holds": sum(steps < one for steps, one in taken),
                "sum_holds": sum(heads * steps < one for steps, one in taken),
            }
        )
    rules = ("none", "grid", "seg")
    return sorted(found, key=lambda e: (e["ratio"], rules.index(e["rule"]), e["heads"]))


def tables(data: Row) -> list[Block]:
    """Return the tables of the results, with a caption that says where they come from."""
    made = summary(data)
    return [
        _caption(data),
        *_comparison_tables(made["comparison"]),
        *_comparison_tables(made["omega"]),
        *_heads_table(made["heads"]),
        *_coordinates_table(data),
        *_search_table(data["lr_search"]),
    ]


def _caption(data: Row) -> str:
    source, chosen = data["provenance"], data["settings"]
    versions = ", ".join(f"{name} {value}" for name, value in source["versions"].items() if value)
    state = "" if data["complete"] else " The run was stopped before its end; the rows are those it had."
    notes = f" {'; '.join(data['notes'])}." if data["notes"] else ""
    return (
        f"`{source['command']}`, {source['date']}, commit {source['commit']}, {source['processor']}, "
        f"{source['workers']} fits at a time, each on {source['device']}; {versions}. {chosen['images']} grey images of about {chosen['pixels']} pixels, "
        f"one seed.{notes}{state}"
    )


def _comparison_tables(entries: Sequence[Row]) -> list[Block]:
    """Return a table for each network and learning rate."""
    made: list[Block] = []
    for (activation, lr), group in _grouped(entries, "activation", "lr"):
        first = group[0]
        title = f"**{NETWORKS[activation]}, {first['steps']} steps, learning rate {lr:g}, {first['images']} images**"
        if first["first_omega_0"] is not None:
            title += f", first omega {first['first_omega_0']}: as many cycles per pixel as the paper's"
        head = [
            "method", "weights", "PSNR after a third", "at the end, mean ± std (median)", "decoded, median",
            "against none, 95 % interval", "at equal time", "ms a step", "steps to 20 dB (reached)",
            "steps to 30 dB (reached)", "MSE near edges / flat", "linear DCT",
        ]  # fmt: skip
        body = [
            [
                e["method"],
                f"{e['weights']:,}",
                _number(e["psnr_third"]),
                _spread_text(e["psnr"]),
                _number(e["psnr_decoded"], absent="exact"),
                "" if e["method"] == "none" else _interval_text(e["against_none"]),
                _number(e["psnr_equal_time"]["mean"]),
                _number(e["ms_per_step"], 1),
                f"{_number(e['steps_to_20_db'], 0)} ({e['reached_20_db']}/{e['images']})",
                f"{_number(e['steps_to_30_db'], 0)} ({e['reached_30_db']}/{e['images']})",
                _number(e["edges_to_flat"], 1, absent=""),
                _number(e["floor"], absent="exact"),
            ]
            for e in group
        ]
        made += [title, Table(head, body)]
    return made


def _heads_table(entries: Sequence[Row]) -> list[Block]:
    head = [
        "weights per pixel", "rule", "heads", "weights", "PSNR after a third", "PSNR at the end", "against one head",
        "linear DCT", "steps to the target", "seconds to it", "seconds in all", "fewer steps", "k × steps fewer",
    ]  # fmt: skip
    body = []
    for e in entries:
        one = e["heads"] == 1
        count = e["images"]
        body.append(
            [
                {"half": "0.5", "paper": "paper's"}[e["ratio"]],
                e["rule"],
                str(e["heads"]),
                f"{e['weights']:,}",
                _number(e["psnr_third"]),
                _number(e["psnr"]["mean"]),
                "" if one else _interval_text(e["against_none"]),
                _number(e["floor"], absent="exact"),
                _number(e["target_steps"], 0),
                _number(e["target_seconds"], 1),
                _number(e["seconds"], 1),
                "" if one else f"{e['parallel_holds']}/{count}",
                "" if one else f"{e['sum_holds']}/{count}",
            ]
        )
    if not body:
        return []
    rates = ", ".join(f"{lr:g} ({ratio})" for (ratio, lr), _ in _grouped(entries, "ratio", "lr"))
    title = (
        "**SIREN heads at equal total weights.** Proposition 1 predicts fewer steps for 3 heads and more: "
        f"the last two columns count the images where it holds. The target is 30 dB, or what one head reaches "
        f"in its last step where that is less. Learning rates {rates}."
    )
    return [title, Table(head, body)]


def _coordinates_table(data: Row) -> list[Block]:
    """Return the released code's coordinates beside correct ones, and [0, 1] beside [-1, 1], on one image."""
    rows = data["coordinates"]
    if not rows:
        return []
    image = rows[0]["image"]
    correct = [{**r, "variant": "true"} for r in data["comparison"] if r["image"] == image]
    every = [r for r in [*correct, *rows] if r["method"] in METHODS]
    every.sort(key=lambda r: (list(NETWORKS).index(r["activation"]), r["lr"]))
    body = []
    for (activation, lr, variant), group in _grouped(every, "activation", "lr", "variant"):
        values = {r["method"]: r for r in group}
        cells = [_number(values[m]["psnr"]) if m in values else "" for m in METHODS]
        steps = [
            _number((values[m].get("steps_to") or {}).get("20.0"), 0) if m in values else "" for m in METHODS
        ]
        body.append([NETWORKS[activation], f"{lr:g}", variant, *cells, " / ".join(steps)])
    head = ["network", "learning rate", "image and coordinates", *METHODS, "steps to 20 dB"]
    return [f"**{image}: PSNR at the end with correct and with transposed coordinates**", Table(head, body)]


def _search_table(rows: Sequence[Row]) -> list[Block]:
    body = []
    for (purpose, lr), group in _grouped(rows, "purpose", "lr"):
        values = [f"{r['method']} {r['heads']}: {_number(r['psnr'])}" for r in group]
        body.append([purpose, f"{lr:g}", "; ".join(values)])
    head = ["chosen for", "learning rate", "PSNR at the end (method and heads)"]
    return ["**Choice of the learning rates, on an image that is not compared**", Table(head, sorted(body))]


def figures(data: Row, folder: Path) -> list[Path]:
    """Draw what there are rows for; returns the files written."""
    import matplotlib as mpl

    mpl.use("Agg")
    folder.mkdir(parents=True, exist_ok=True)
    suffix = "" if data["settings"]["name"] == "cpu" else f"_{data['settings']['name']}"
    drawings: dict[str, tuple[str, Callable[[Row], Any]]] = {
        "curves": ("comparison", _draw_curves),
        "pictures": ("pictures", _draw_pictures),
        "heads": ("heads", _draw_heads),
        "coordinates": ("coordinates", _draw_coordinates),
    }
    written = []
    for name, (section, draw) in drawings.items():
        if data[section]:
            path = folder / f"partition_matters_{name}{suffix}.png"
            draw(data).savefig(path, dpi=110, bbox_inches="tight")
            written.append(path)
    return written


def _draw_curves(data: Row) -> Any:
    """PSNR against step and against time: a row for each network and learning rate, means over the images."""
    from matplotlib.figure import Figure

    groups = _grouped([r for r in data["comparison"] if "curve" in r], "activation", "lr")
    figure = Figure(figsize=(10, 3 * len(groups)), layout="constrained")
    axes = figure.subplots(len(groups), 2, squeeze=False)
    for ((activation, lr), group), pair in zip(groups, axes, strict=True):
        for (method,), rows in _grouped(group, "method"):
            name, _, local = method.partition(",")
            style = {"color": COLOURS[name], "linestyle": "--" if local else "-", "label": method}
            for axis, key in zip(pair, ("step", "seconds"), strict=True):
                axis.plot(*mean_curve([r["curve"] for r in rows], key), **style)
                axis.set(xlabel={"step": "step", "seconds": "seconds"}[key], ylabel="PSNR, dB")
                axis.set_title(f"{NETWORKS[activation]}, learning rate {lr:g}", fontsize=9)
                axis.grid(alpha=0.3)
    axes[0, 0].legend(fontsize=7)
    return figure


def mean_curve(curves: Sequence[Row], key: str) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the mean PSNR over curves on a common axis ("step" or "seconds") that all of them cover."""
    grid = np.linspace(max(c[key][0] for c in curves), min(c[key][-1] for c in curves), 80)
    return grid, np.mean([np.interp(grid, c[key], c["psnr"]) for c in curves], axis=0)


def _draw_pictures(data: Row) -> Any:
    """Original, none, PoG and PoS after few steps: a row for each image and learning rate."""
    from matplotlib.figure import Figure
    from PIL import Image

    groups = _grouped(data["pictures"], "image", "lr")
    figure = Figure(figsize=(11, 2.6 * len(groups)), layout="constrained")
    axes = figure.subplots(len(groups), 1 + len(METHODS), squeeze=False)
    for ((image, lr), rows), line in zip(groups, axes, strict=True):
        shown = {"original": {"png": data["originals"][image]}, **{r["method"]: r for r in rows}}
        for axis, method in zip(line, ("original", *METHODS), strict=True):
            axis.axis("off")
            if method in shown:
                row = shown[method]
                decoded = np.asarray(Image.open(io.BytesIO(base64.b64decode(row["png"]))))
                axis.imshow(decoded, cmap="gray", vmin=0, vmax=255)
                quality = f"{row['psnr_decoded']:.1f} dB" if method != "original" else image
                axis.set_title(f"{method}, {quality}", fontsize=8)
        line[1].set_title(f"lr {lr:g}, {rows[0]['steps']} steps: {line[1].get_title()}", fontsize=8)
    return figure


def _draw_heads(data: Row) -> Any:
    """PSNR and steps against the number of heads: a row for each ratio of weights to pixels."""
    from matplotlib.figure import Figure

    entries = heads_summary(data["heads"])
    groups = _grouped(entries, "ratio")
    figure = Figure(figsize=(10, 3 * len(groups)), layout="constrained")
    axes = figure.subplots(len(groups), 2, squeeze=False)
    for ((ratio,), group), (quality, steps) in zip(groups, axes, strict=True):
        single = [e for e in group if e["heads"] == 1]
        for rule, colour, name in (("grid", COLOURS["PoG"], "PoG"), ("seg", COLOURS["PoS"], "PoS")):
            line = single + [e for e in group if e["rule"] == rule]
            heads = [e["heads"] for e in line]
            quality.plot(heads, [e["psnr"]["mean"] for e in line], "o-", color=colour, label=name)
            floors = [(e["heads"], e["floor"]) for e in line if e["floor"] is not None]
            if floors:
                quality.plot(*zip(*floors, strict=True), "s:", color=colour, label=f"linear DCT, {name}")
            taken = [(e["heads"], e["target_steps"]) for e in line if e["target_steps"] is not None]
            if taken:
                steps.plot(*zip(*taken, strict=True), "o-", color=colour, label=name)
        name = {"half": "half a weight per pixel", "paper": "the paper's weights per pixel"}[ratio]
        quality.set(title=name, xlabel="heads", ylabel="PSNR at the end, dB", xscale="log")
        steps.set(title=name, xlabel="heads", ylabel="steps to the target", xscale="log")
        for axis in (quality, steps):
            shown = sorted({e["heads"] for e in group})
            axis.set_xticks(shown, [str(n) for n in shown])
            axis.minorticks_off()
            axis.grid(alpha=0.3)
        quality.legend(fontsize=7)
    return figure


def _draw_coordinates(data: Row) -> Any:
    """PSNR against step on one image: correct coordinates as full lines, transposed ones dotted."""
    from matplotlib.figure import Figure

    image = data["coordinates"][0]["image"]
    correct = [{**r, "variant": "true"} for r in data["comparison"] if r["image"] == image]
    rows = [r for r in [*correct, *data["coordinates"]] if r["method"] in METHODS and "curve" in r]
    groups = _grouped(rows, "activation", "lr")
    figure = Figure(figsize=(5 * len(groups), 3.4), layout="constrained")
    lines = {"true": "-", "scrambled": ":", "samples on [0, 1]": "--"}
    for ((activation, lr), group), axis in zip(
        groups, figure.subplots(1, len(groups), squeeze=False)[0], strict=True
    ):
        for r in group:
            label = f"{r['method']}, {r['variant']}"
            style = {"color": COLOURS[r["method"]], "linestyle": lines[r["variant"]], "label": label}
            axis.plot(r["curve"]["step"], r["curve"]["psnr"], **style)
        title = f"{image}, {NETWORKS[activation]}, lr {lr:g}"
        axis.set(title=title, xlabel="step", ylabel="PSNR, dB")
        axis.grid(alpha=0.3)
        axis.legend(fontsize=6)
    return figure


def _grouped(rows: Sequence[Row], *keys: str) -> list[tuple[tuple[Any, ...], list[Row]]]:
    """Return the rows that did not diverge by the values of some keys, in order of first appearance."""
    groups: dict[tuple[Any, ...], list[Row]] = {}
    for row in rows:
        if row.get("error") is None:
            groups.setdefault(tuple(row.get(key) for key in keys), []).append(row)
    return list(groups.items())


def _at_step(row: Row, step: float) -> float:
    return float(np.interp(step, row["curve"]["step"], row["curve"]["psnr"]))


def _at_equal_time(group: Sequence[Row], same: Sequence[Row]) -> list[float]:
    """Return the PSNR of each row when the fastest of the three methods on its image has finished."""
    values = []
    for row in group:
        rivals = [r for r in same if r["image"] == row["image"] and r["method"] in METHODS and "curve" in r]
        end = min(r["curve"]["seconds"][-1] for r in [*rivals, row])
        values.append(float(np.interp(end, row["curve"]["seconds"], row["curve"]["psnr"])))
    return values


def _target_steps(row: Row) -> float:
    """Return the steps a row of the experiment on heads took to its target; infinity where it was not reached."""
    if row["heads"] == 1:
        steps = row["steps_to"]["30.0"]
        return row["curve"]["step"][-1] if steps is None else steps
    return math.inf if row["target_steps"] is None else row["target_steps"]


def _target_seconds(row: Row) -> float:
    steps = _target_steps(row)
    return (
        float(np.interp(steps, row["curve"]["step"], row["curve"]["seconds"])) if steps < math.inf else steps
    )


def _mean(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return round(statistics.fmean(known), 6) if known else None


def _median(values: Sequence[float | None]) -> float | None:
    """Return the median, with None as infinity."""
    if not values:
        return None
    middle = statistics.median([math.inf if value is None else value for value in values])
    return round(middle, 4) if math.isfinite(middle) else None


def _spread(values: Sequence[float | None]) -> dict[str, float | None]:
    known = [value for value in values if value is not None]
    deviation = round(statistics.stdev(known), 3) if len(known) > 1 else None
    return {"mean": _mean(known), "std": deviation, "median": _median(known)}


def _interval(gains: Sequence[float]) -> dict[str, float | int | None]:
    """Return the mean of paired differences, half its 95 % interval by Student's t, and how many are positive."""
    from scipy.stats import t

    half = None
    if len(gains) > 1:
        half = float(t.ppf(0.975, len(gains) - 1)) * statistics.stdev(gains) / math.sqrt(len(gains))
        half = round(half, 3)
    return {"mean": _mean(gains), "half": half, "better": sum(gain > 0 for gain in gains), "of": len(gains)}


def _number(value: float | None, digits: int = 2, *, absent: str = "never") -> str:
    return absent if value is None else f"{value:.{digits}f}"


def _spread_text(spread: Row) -> str:
    deviation = "" if spread["std"] is None else f" ± {spread['std']:.2f}"
    return f"{_number(spread['mean'])}{deviation} ({_number(spread['median'])})"


def _interval_text(interval: Row) -> str:
    if interval["mean"] is None:
        return ""
    half = "" if interval["half"] is None else f" ± {interval['half']:.2f}"
    return f"{interval['mean']:+.2f}{half} ({interval['better']}/{interval['of']} better)"
