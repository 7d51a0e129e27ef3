"""Meta-learning, part `composers`: instance pattern composers, TransINR and MAML at equal adapted numbers per signal.

After Kim et al. (CVPR 2023): with no step (hypernetworks) and after two (Algorithm 1), on faces and on speech; test-time
optimisation of the factor and of all weights; activation maps. `--scale gpu` has the ablations as well.
"""

from __future__ import annotations

import time
from typing import Any

import common
import numpy as np
from meta_runs import Runs, adapted_numbers, summary
from PIL import Image

from inrfit.meta.init import Init
from inrfit.signal import Signal

STEPS = 2
LONG = 100
"""Steps of test-time optimisation."""

TUNED_ON = 8
RATES = {"sgd": (1e-3, 1e-2, 3e-2, 0.1), "adam": (3e-4, 1e-3, 3e-3, 1e-2, 3e-2, 0.1)}
LONG_RATES = (1e-3, 5e-3, 3e-2)
"""Rates that are tried for `LONG` steps of Adam, on half of those signals."""


FACES = {"folder": "images/faces/train", "test": "images/faces/val"}
SPEECH = {"folder": "audio/speech3s/train", "test": "audio/speech3s/val"}


def run(runs: Runs) -> dict[str, Any]:
    """Return the tables of faces and of speech, the curves of test-time optimisation, and write activation maps."""
    tables, curves, sheets = [], [], []
    for what in ("faces", "speech"):
        place = FACES if what == "faces" else SPEECH
        words = _words(runs, what)
        signals = runs.held_out(place["test"], runs.scale.test, **words)
        tune = runs.held_out(place["folder"], TUNED_ON, **words)
        found = inits(runs, what, place["folder"])
        for name, init in found.items():
            tables += [{"signals": what, **row} for row in _rows(runs, name, init, signals, tune)]
        curves += [{"signals": what, **row} for row in _optimised(runs, found, signals, tune)]
        if what == "faces":
            sheets.append(_maps(runs, found["composer, 2 steps"], signals[0]))
    ablations = _ablations(runs) if runs.scale.size > 32 else []
    return {"table": tables, "optimised": curves, "pictures": sheets, "ablations": ablations}


def _words(runs: Runs, what: str) -> dict[str, Any]:
    """Return the words of the windows and of the network that all methods of a kind share."""
    if what == "faces":
        return runs.words(hidden_layers=2)
    words = runs.words(hidden_layers=2, size=runs.scale.sound)
    return {**words, "view": "crop", "kind": "audio"}


def inits(runs: Runs, what: str, folder: str) -> dict[str, Init]:
    """Return the methods, by what the table calls them; about as many numbers adapt in each."""
    hidden = runs.scale.hidden
    features = hidden // 2 if what == "faces" else 2 * hidden
    sigma = runs.scale.size / 2 if what == "faces" else runs.scale.sound / 16
    network = {
        "encoding": "geometric",
        "features": features,
        "sigma": sigma,
        "first_omega_0": 4.0,
        "hidden_omega_0": 30.0,
    }
    words = {**_words(runs, what), **network}
    composer = {**words, "model": "composer", "rank": hidden}
    hyper = {
        "hyper_features": 96,
        "hyper_blocks": 2,
        "hyper_heads": 4,
        "patch": runs.scale.size // 8 if what == "faces" else runs.scale.sound // 32,
        "inner_steps": 0,
        "outer_lr": 1e-3,
        "batch_size": 8,
    }
    if runs.scale.size > 32:
        hyper |= {"hyper_features": 384, "hyper_blocks": 6, "hyper_heads": 6}
    inputs, wanted = 2 * features, hidden * hidden
    groups = max(1, round((wanted - 3 * hidden) / (inputs + 2 * hidden)))
    width = _equal_width(wanted, 2 if what == "faces" else 1, 3 if what == "faces" else 1)
    plain = {**_words(runs, what), "hidden_features": width, "hidden_layers": 3}
    if what == "speech":
        plain |= {"first_omega_0": 200.0}
    learned = {"inner_steps": STEPS, "inner_lr": 3e-2, "outer_lr": 1e-2, "rates": "tensor"}
    if what == "speech":
        learned |= {"clip": 0.1, "steps": runs.steps // 2}
        hyper |= {"clip": 0.1, "steps": runs.steps // 2}

    def made(name: str, told: dict[str, Any], **more: Any) -> Init:
        return runs.init(f"{what}-{name}", folder, **{**told, **more})

    return {
        "composer, 2 steps": made("ipc", {**composer, **learned}, method="ipc"),
        "composer, hypernetwork": made("ipc-hypernet", {**composer, **hyper}, method="ipc-hypernet"),
        "TransINR": made("transinr", {**words, **hyper, "groups": groups}, method="transinr"),
        "MAML, all weights": made(
            "maml-equal", {**plain, "inner_steps": STEPS, "inner_lr": 1e-2}, method="maml"
        ),
        "Standard": made("standard-equal", {**plain, "inner_steps": STEPS}, method="standard"),
        "Standard composer": made("ipc-untrained", {**composer, **learned, "steps": 0}, method="ipc"),
    }


def _equal_width(wanted: int, axes: int, channels: int) -> int:
    """Return the width of a network with three hidden layers and at most so many weights."""
    width = 4
    while 3 * (width + 1) ** 2 + (4 + axes + channels) * (width + 1) + channels <= wanted:
        width += 1
    return width


def _rows(
    runs: Runs, name: str, init: Init, signals: list[Signal], tune: list[Signal]
) -> list[dict[str, Any]]:
    """Return the rows of a method: its own steps, and where it has none that were learned, tuned SGD and Adam."""
    about = {
        "method": name,
        "adapted": adapted_numbers(init, signals[0]),
        "values": signals[0].domain.size * signals[0].channels,
    }
    if not name.startswith("Standard"):
        path = runs.curves(init, signals, init.config.inner_steps)
        psnr = {f"psnr_{step}": summary(psnr) for step, psnr in enumerate(path)}
        print(name, [p["mean"] for p in psnr.values()], flush=True)
        return [{**about, "optimiser": "learned", **psnr}]
    rows = []
    for optimiser, rates in RATES.items():
        rate = runs.tuned(init, tune, STEPS, optimiser, rates)
        path = runs.curves(init, signals, STEPS, optimiser=optimiser, lr=rate)
        psnr = {f"psnr_{step}": summary(psnr) for step, psnr in enumerate(path)}
        rows.append({**about, "optimiser": optimiser, "lr": rate, **psnr})
        print(name, optimiser, rate, [p["mean"] for p in psnr.values()], flush=True)
    return rows


def _optimised(
    runs: Runs, found: dict[str, Init], signals: list[Signal], tune: list[Signal]
) -> list[dict[str, Any]]:
    """Return curves of test-time optimisation by Adam, of what adapts and of all weights, from three starts."""
    rows = []
    for start in ("Standard composer", "composer, 2 steps", "composer, hypernetwork"):
        for everything in (False, True):
            init = found[start]
            rate = runs.tuned(init, tune[: TUNED_ON // 2], LONG, "adam", LONG_RATES, everything=everything)
            began = time.perf_counter()
            path = runs.curves(init, signals, LONG, optimiser="adam", lr=rate, everything=everything)
            seconds = (time.perf_counter() - began) / LONG / len(signals)
            rows.append(
                {
                    "start": start,
                    "what": "all weights" if everything else "V",
                    "lr": rate,
                    "seconds_per_step_and_signal": round(seconds, 5),
                    "psnr": [round(float(v), 3) for v in path.mean(1)],
                }
            )
            print(start, rows[-1]["what"], rate, rows[-1]["psnr"][:: LONG // 4], flush=True)
    return rows


def _maps(runs: Runs, init: Init, signal: Signal) -> str:
    """Write the activation maps of the modulated layer of one face as a picture; return its name."""
    from inrfit import api
    from inrfit.report.patterns import maps, sheet

    field = api.adapt(signal, init, steps=STEPS)
    sheets = [sheet(maps(field, layer), columns=16) for layer in (0, 1, 2)]
    path = common.default_out("meta_activations").with_suffix(".png")
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.concatenate(sheets)).save(path)
    return path.name


def _ablations(runs: Runs) -> list[dict[str, Any]]:
    """Return the rows of the ablations: factorisation, modulated layer, width and rank."""
    rows, base = [], inits(runs, "faces", FACES["folder"])["composer, 2 steps"]
    signals = runs.held_out(FACES["test"], runs.scale.test, **_words(runs, "faces"))
    words = {**_words(runs, "faces"), "method": "ipc", "model": "composer", "rank": base.config.rank}
    words |= {
        n: getattr(base.model, n)
        for n in ("encoding", "features", "sigma", "first_omega_0", "hidden_omega_0")
    }
    words |= {n: getattr(base.config, n) for n in ("inner_steps", "inner_lr", "outer_lr", "rates")}
    cases: list[dict[str, Any]] = [{"factor": factor} for factor in ("uv", "v", "unvn", "uov")]
    cases += [{"modulated": layer} for layer in range(base.model.hidden_layers + 2)]
    cases += [
        {"hidden_features": width, "rank": rank}
        for width in (128, 256)
        for rank in (32, 64, 128, 256)
        if rank <= width
    ]
    for case in cases:
        told = {**words, **case}
        if case.get("factor") == "v":
            told["rank"] = told["hidden_features"]
        init = runs.init("faces-" + "-".join(f"{k}{v}" for k, v in case.items()), FACES["folder"], **told)
        psnr = runs.curves(init, signals, init.config.inner_steps)[-1]
        rows.append({**case, "adapted": adapted_numbers(init, signals[0]), "psnr": summary(psnr)})
    return rows
