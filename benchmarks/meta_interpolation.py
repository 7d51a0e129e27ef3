"""Meta-learning, part `interpolation`: the picture half-way between two fields in weight space, from Standard and from MAML.

After section 3.5 of Tancik et al. (CVPR 2021): its PSNR is that against the blend of the two pictures.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from meta_inits import starts
from meta_runs import Runs, summary

from inrfit import api
from inrfit.decibel import unit_decibel
from inrfit.edit.interpolate import path
from inrfit.meta.init import Init
from inrfit.signal import Signal

PAIRS = 8
POINTS = 5
"""Places on the way from one field to the other at which errors are taken."""

FITTED = {"MAML, learned rates": 2, "MAML": 2, "Standard": 40}
"""Steps with which each start is adapted before the weights are mixed: those that it was trained for, and about as many as give the same PSNR."""


def run(runs: Runs) -> dict[str, Any]:
    """Return a row for each start."""
    signals = runs.held_out("images/faces/val", 2 * PAIRS, **runs.words())
    found, rows = starts(runs), []
    for name, steps in FITTED.items():
        rows.append({"start": name, "steps": steps, **_row(found[name], signals, steps)})
        print(name, steps, {k: v["mean"] for k, v in rows[-1].items() if isinstance(v, dict)}, flush=True)
    return {"table": rows}


def _row(init: Init, signals: list[Signal], steps: int) -> dict[str, Any]:
    """Return PSNR of the ends and of the middle, over pairs of signals."""
    ends, middles, barriers = [], [], []
    for first, second in zip(signals[0::2], signals[1::2], strict=True):
        fields = [api.adapt(signal, init, steps=steps, weights="float32") for signal in (first, second)]
        ends += [field.psnr for field in fields]
        between = path(fields[0], fields[1], (first, second), points=POINTS)
        middles.append(between.midpoint_psnr)
        barriers.append(unit_decibel(between.barrier, between.peak))
    return {
        "psnr_ends": summary(np.array(ends)),
        "psnr_middle": summary(np.array(middles)),
        "psnr_worst": summary(np.array(barriers)),
    }
