"""Meta-learning, part `partition`: the seven rows of Partition Matters' Table 3, the controls it lacks, and a better recipe.

The paper's LSUN churches cannot be had; natural pictures stand in, so differences between rows are compared and not
their levels. PoG is a grid of 2x2 cells, PoS four segments.
"""

from __future__ import annotations

import io
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import common
import numpy as np
from meta_runs import Runs, adapted_numbers, summary
from PIL import Image

from inrfit import api
from inrfit.io.files import atomic_write
from inrfit.meta.init import Init
from inrfit.partitions.config import PartitionConfig
from inrfit.signal import Signal

FOLDER, TEST = "images/natural/train", "images/natural/val"
INNER = 3
PICTURES = 3
SHOWN = ("SIREN", "PoG, PoG at test", "PoG, local frames")
"""Rows whose pictures are shown, one below the other."""

GRID = PartitionConfig(rule="grid", grid=(2, 2))
SEG = PartitionConfig(rule="seg", heads=4)
NONE = PartitionConfig(rule="none")

PUBLISHED = {
    "SIREN": (19.42, 22.60),
    "SIREN, PoG at test": (19.64, 22.95),
    "SIREN, PoS at test": (19.85, 23.09),
    "PoG, PoG at test": (19.77, 24.23),
    "PoS, PoS at test": (20.00, 23.93),
    "PoG, PoS at test": (18.11, 20.33),
    "PoS, PoG at test": (19.93, 23.89),
}
"""Table 3 of Liu et al. (ICCV 2023), dB after 1 and 3 steps; the last two as its text has them, see docs/studies/meta.md."""


@dataclass(frozen=True, kw_only=True)
class Row:
    """One row.

    Attributes:
        name, part: what the table calls it, and of which part of the table it is.
        words: how the init is trained.
        test: how new pictures are divided.
        published: dB after 1 and 3 steps in the paper.
        loss: of the inner steps at test time, where it is not that of the training.
    """

    name: str
    part: str
    words: dict[str, Any]
    test: PartitionConfig
    published: tuple[float, float] | None = field(default=None)
    loss: str | None = field(default=None)


def rows(runs: Runs, interleaved: Path) -> list[Row]:
    """Return all rows."""
    hidden = runs.scale.hidden
    grid, seg = {"partition": "grid", "grid": (2, 2)}, {"partition": "seg", "heads": 4}
    local = {"frame": "local", "first_omega_0": 15.0}
    made = [
        Row(name=name, part="table 3", words=words, test=test, published=PUBLISHED[name])
        for name, words, test in (
            ("SIREN", {}, NONE),
            ("SIREN, PoG at test", {}, GRID),
            ("SIREN, PoS at test", {}, SEG),
            ("PoG, PoG at test", grid, GRID),
            ("PoS, PoS at test", seg, SEG),
            ("PoG, PoS at test", grid, SEG),
            ("PoS, PoG at test", seg, GRID),
        )
    ]
    mean = {"loss": "signal", "inner_lr": 4e-2}
    made += [
        Row(name=f"{name}, global mean", part="crossed", words={**words, **mean}, test=test)
        for name, words, test in (
            ("PoG, PoG at test", grid, GRID),
            ("PoS, PoS at test", seg, SEG),
            ("PoG, PoS at test", grid, SEG),
            ("PoS, PoG at test", seg, GRID),
        )
    ]
    made += [
        Row(name=f"SIREN, {name} at test, global mean", part="crossed", words={}, test=test, loss="signal")
        for name, test in (("PoG", GRID), ("PoS", SEG))
    ]
    parts = PartitionConfig(rule="labels", labels=str(interleaved))
    made += [
        Row(name="PoG, local frames", part="recipe", words={**grid, **local}, test=GRID),
        Row(
            name="16 cells of half the width, local frames",
            part="recipe",
            words={
                "partition": "grid",
                "grid": (4, 4),
                **local,
                "first_omega_0": 10.0,
                "hidden_features": hidden // 2,
            },
            test=PartitionConfig(rule="grid", grid=(4, 4)),
        ),
        Row(
            name="PoG, local frames, last step in closed form",
            part="recipe",
            words={**grid, **local, "solve": "last"},
            test=GRID,
        ),
        Row(
            name="four networks of half the width, PoG",
            part="control",
            words={**grid, "hidden_features": hidden // 2},
            test=GRID,
        ),
        Row(
            name="four interleaved parts",
            part="control",
            words={"partition": str(interleaved)},
            test=parts,
        ),
        Row(
            name="four networks of half the width, PoG, local frames",
            part="control",
            words={**grid, **local, "hidden_features": hidden // 2},
            test=GRID,
        ),
        Row(
            name="one network, 2x as wide",
            part="control",
            words={"hidden_features": 2 * hidden, "clip": 0.1},
            test=NONE,
        ),
    ]
    return made


def run(runs: Runs, only: str | None = None) -> dict[str, Any]:
    """Return the rows of the table, and how often each of Table 3's rows is the best of a picture."""
    place = runs.kept / f"interleaved-{runs.scale.size}.png"
    runs.kept.mkdir(parents=True, exist_ok=True)
    atomic_write(place, _interleaved(runs.scale.size), overwrite=True)
    return _run(runs, place, only)


def _run(runs: Runs, interleaved: Path, only: str | None) -> dict[str, Any]:
    signals = runs.held_out(TEST, 50, **runs.words())
    found, inits, table = {}, {}, []
    for row in rows(runs, interleaved):
        if only is not None and row.part != only:
            continue
        words = runs.words(method="maml", inner_steps=INNER, **row.words)
        name = "natural-" + "-".join(str(v) for v in row.words.values()).replace(
            str(interleaved), "interleaved"
        )
        init = runs.init(_plain(name), FOLDER, **words)
        tried = init if row.loss is None else replace(init, config=replace(init.config, loss=row.loss))
        psnr = runs.curves(tried, signals, INNER, partition=row.test)
        found[row.name], inits[row.name] = psnr, (tried, row.test)
        table.append(
            {
                "row": row.name,
                "part": row.part,
                "adapted": adapted_numbers(init, signals[0], row.test),
                "values": 3 * runs.scale.size**2,
                "macs_per_pixel": init.learner.description.macs(),
                "published": row.published,
                **{f"psnr_{step}": summary(psnr[step]) for step in range(INNER + 1)},
            }
        )
        print(row.name, [t["mean"] for k, t in table[-1].items() if k.startswith("psnr_")], flush=True)
    names = [t["row"] for t in table if t["part"] == "table 3"]
    wins = {}
    for step in (1, 3):
        if names:
            best = np.argmax([found[name][step] for name in names], axis=0)
            wins[f"wins_{step}"] = {name: int((best == at).sum()) for at, name in enumerate(names)}
    return {"table": table, **wins, "pictures": _pictures(runs, signals[:PICTURES], inits)}


def _pictures(runs: Runs, signals: list[Signal], inits: dict[str, tuple[Init, PartitionConfig]]) -> str:
    """Write pictures after 0 to 3 steps, a row for each signal and method, beside what they should be; return the file's name."""
    rows = []
    for signal in signals:
        for name in SHOWN:
            if name not in inits:
                continue
            init, division = inits[name]
            fields = [
                api.adapt(
                    signal, init, steps=step, device=runs.device, partition=division.rule, grid=division.grid
                )
                for step in range(INNER + 1)
            ]
            rows.append(np.concatenate([*(f.decode() for f in fields), signal.dense()], axis=1))
    if not rows:
        return ""
    picture = Image.fromarray(np.concatenate(rows).astype(np.uint8))
    path = common.default_out("meta_steps").with_suffix(".png")
    path.parent.mkdir(parents=True, exist_ok=True)
    picture.resize((picture.width * 2, picture.height * 2), Image.Resampling.NEAREST).save(path)
    return path.name


def _plain(name: str) -> str:
    return "".join(c if c.isalnum() or c in "-." else "" for c in name)


def _interleaved(size: int) -> bytes:
    """Return a label image of four parts, every second pixel of every second row each: as many regions, none of them local."""
    y, x = np.indices((size, size))
    file = io.BytesIO()
    Image.fromarray((y % 2 * 2 + x % 2).astype(np.uint8)).save(file, "PNG")
    return file.getvalue()
