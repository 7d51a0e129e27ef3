"""Meta-learning, part `inits`: steps from learned and from other starts on faces, under SGD and Adam, each tuned.

After Table 1 of Tancik et al. (CVPR 2021), at the scale of this run.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from meta_runs import Runs, summary

from inrfit.meta.init import Init

STEPS = 2
"""After which PSNR is compared; the inner steps of the training as well."""

LONGEST = 150
"""Steps after which it is no longer waited for a start to catch up."""

RATES = {
    "sgd": (1e-4, 3e-4, 1e-3, 3e-3, 1e-2, 3e-2, 0.1),
    "adam": (1e-4, 3e-4, 1e-3, 2e-3, 5e-3, 1e-2),
}
TUNED_ON = 8
"""Pictures of the training folder, held out of training, on which rates are tuned."""


def starts(runs: Runs) -> dict[str, Init]:
    """Return the starts, by what the table calls them."""
    words = {"inner_steps": STEPS, "rates": "fixed"}
    folder = "images/faces/train"

    def made(name: str, *, base: Init | None = None, **more: Any) -> Init:
        return runs.init(f"faces-{name}", folder, base=base, **runs.words(**{**words, **more}))

    maml = made("maml", method="maml")
    return {
        "MAML, learned rates": made("maml-rates", method="maml", rates="parameter"),
        "MAML": maml,
        "Reptile": made("reptile", method="reptile", inner_lr=3e-3, outer_lr=1e-3, inner_steps=4),
        "Shuffled": made("shuffled", method="shuffled", base=maml),
        "Matched": made("matched", method="matched", base=maml),
        "Mean": made("mean", method="mean"),
        "Standard": made("standard", method="standard"),
    }


def run(runs: Runs) -> dict[str, Any]:
    """Return the rows of the table."""
    signals = runs.held_out("images/faces/val", runs.scale.test, **runs.words())
    tune = runs.held_out("images/faces/train", TUNED_ON, **runs.words())
    found = starts(runs)
    rows = []
    for name, init in found.items():
        for optimiser in ("learned", "sgd", "adam"):
            if optimiser == "learned" and init.config.rates == "fixed":
                continue
            rate = (
                None if optimiser == "learned" else runs.tuned(init, tune, STEPS, optimiser, RATES[optimiser])
            )
            psnr = runs.curves(init, signals, STEPS, optimiser=optimiser, lr=rate or 0.0)
            rows.append(
                {
                    "start": name,
                    "optimiser": optimiser,
                    "lr": rate,
                    "psnr_0": summary(psnr[0]),
                    "psnr_1": summary(psnr[1]),
                    "psnr_2": summary(psnr[STEPS]),
                }
            )
            print(name, optimiser, rate, rows[-1]["psnr_2"]["mean"], flush=True)
    maml = max((r for r in rows if r["start"] == "MAML"), key=lambda r: r["psnr_2"]["mean"])
    _catch_up(runs, found, signals, tune, rows, np.array(maml["psnr_2"]["each"]))
    return {"table": rows, "steps_of_table": STEPS, "longest": LONGEST}


def _catch_up(
    runs: Runs, found: dict[str, Init], signals: Any, tune: Any, rows: list[dict[str, Any]], wanted: Any
) -> None:
    """Add to each row the steps that a start needs to what MAML has after two, at the rate that is quickest for it."""
    target = float(wanted.mean())
    for row in rows:
        if row["optimiser"] == "learned":
            continue
        init, optimiser = found[row["start"]], row["optimiser"]
        best, steps = None, np.inf
        for rate in RATES[optimiser]:
            path = runs.curves(init, tune, LONGEST, optimiser=optimiser, lr=rate)
            needed = float(_first(path, np.full(len(tune), target)).mean())
            if needed < steps:
                best, steps = rate, needed
        if best is None:
            continue
        path = runs.curves(init, signals, LONGEST, optimiser=optimiser, lr=best)
        needed = _first(path, wanted)
        row |= {
            "catch_up_lr": best,
            "catch_up_steps": round(float(needed.mean()), 2),
            "catch_up_std": round(float(needed.std()), 2),
            "catch_up_missed": int((needed > LONGEST).sum()),
        }


def _first(path: Any, wanted: Any) -> Any:
    """Return the first step at which each signal has the PSNR wanted, one more than the longest where none has."""
    reached = path >= wanted
    return np.where(reached.any(0), reached.argmax(0), LONGEST + 1).astype(float)
