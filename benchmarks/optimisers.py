"""The candidates for the fewest steps to a given PSNR, under one protocol; what inrfit does without is `trials/optimisers_tried`.

Middles of three photos in 8x8 cells, about 51,000 weights, one thread, one process. Every number of steps is a fit of its
own, as schedules are planned for their length. A candidate's learning rate is searched for on the first photo at 60
steps, except where it is known: inrfit's defaults, and rates as published.

    python benchmarks/optimisers.py [--only soap,muon] [--steps 30,60] [--out FILE] [--table FILE] [--figure FILE]
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import common
import numpy as np
from defaults import crop
from numpy.typing import NDArray
from optimisers_report import figure, means, table
from tables import markdown
from trials.optimisers_gauss_newton import curve
from trials.optimisers_tried import register

from inrfit import api
from inrfit.errors import FitError, InputError
from inrfit.fitting import loop
from inrfit.fitting.plan import Plan
from inrfit.fitting.start import Start
from inrfit.models.description import describe, initial_weights
from inrfit.models.sizing import default_lr

NAME = "optimisers"
PHOTOS = ("kodak/kodim05.png", "kodak/kodim13.png", "kodak/kodim15.png")
SIDE, CELLS = {"cpu": 256, "gpu": 512}, {"cpu": 8, "gpu": 16}
PARAMS = {"cpu": 52_230, "gpu": 206_610}
STEPS = (30, 60, 100, 300)
SEARCH_STEPS = 60
SPACING, MOST_RATES = 1.5, 5
"""Factor between the rates of a search, and how many it tries at most."""

GAUSS_NEWTON = "block Gauss-Newton"
SMALL_SIDE, SMALL_STEPS, SMALL_SECONDS = 128, (30, 100, 300, 1000), 30.0
"""Crop of the trials of block Gauss-Newton, the steps of the default beside it, and the CPU seconds of each."""

SLOW = {"optimiser": "adam", "beta1": 0.9}
"""Adam as most use it, but for the decay of its second mean."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """A way to fit.

    Attributes:
        name: what the table calls it.
        kind: candidates of one kind are drawn as the best of them.
        words: options of the fit.
        rate: where the search for a learning rate begins, or the rate itself; None takes inrfit's own.
        search: whether the rate is searched for.
        scale: factor of the initial hidden matrices.
        times: steps for each step planned, where each sees a share of the samples.
        longest: planned steps beyond which it is not followed: it is behind by then.
    """

    name: str
    kind: str
    words: dict[str, Any] = field(default_factory=dict)
    rate: float | None = None
    search: bool = True
    scale: float = 1.0
    times: int = 1
    longest: int = STEPS[-1]


def candidates(samples: int) -> Iterator[Candidate]:
    """Yield the candidates for pictures of so many samples, inrfit's default first."""
    yield Candidate(name="soap", kind="soap", search=False)
    yield Candidate(name="soap, seed 1", kind="soap", words={"seed": 1}, search=False)
    yield from _adam()
    yield from _soap()
    yield from _others()
    yield from _starts()
    yield from _schedules()
    yield from _samples(samples // 4)


def _adam() -> Iterator[Candidate]:
    at_once = {"schedule": "cosine-at-once"}
    for name, words, rate, search in (
        ("adam 0.9 / 0.999, constant 5e-4", {**SLOW, "beta2": 0.999, "schedule": "constant"}, 5e-4, False),
        ("adam 0.9 / 0.999, cosine", {**SLOW, "beta2": 0.999, **at_once}, 0.0113, True),
        ("adam 0.9 / 0.95, cosine", {**SLOW, "beta2": 0.95, **at_once}, 0.0113, True),
        ("adam 0.8 / 0.8, cosine with warm-up", {"optimiser": "adam"}, 0.0194, True),
    ):
        yield Candidate(name=name, kind="adam", words=words, rate=rate, search=search)
    yield Candidate(
        name="adam, closed-form start", kind="adam", words={"optimiser": "adam-solved"}, rate=0.0194
    )


def _soap() -> Iterator[Candidate]:
    for name, optimiser in (
        ("soap, drawn start", "soap-drawn"),
        ("soap, bases of step 0 only", "soap-once"),
        ("soap, bases of steps 0 to 6 only", "soap-early"),
        ("soap, bases every 5", "soap-5"),
        ("soap, bases every 30", "soap-30"),
        ("soap, output layer solved again", "soap-solved-again"),
        ("soap, outputs turned too", "soap-both-sides"),
    ):
        yield Candidate(name=name, kind="soap", words={"optimiser": optimiser}, rate=0.0194)
    published = {"beta1": 0.95, "beta2": 0.95}
    for name, words in (
        ("SOAP as published, 0.95 / 0.95", {"optimiser": "soap-published", **published}),
        ("SOAP as published, 0.8 / 0.8", {"optimiser": "soap-published"}),
        ("SOAP on inputs by gradients, 0.8 / 0.8", {"optimiser": "soap-one-sided"}),
    ):
        yield Candidate(name=name, kind="SOAP by gradients", words=words, rate=0.0194)


def _others() -> Iterator[Candidate]:
    for name, kind, words, rate, longest in (
        ("Muon", "Muon", {"optimiser": "muon"}, 0.0129, 300),
        ("Muon, closed-form start", "Muon", {"optimiser": "muon-solved"}, 0.0129, 300),
        ("iRprop-, constant", "Rprop", {"optimiser": "rprop", "schedule": "constant"}, 0.015, 300),
        ("Lion 0.9 / 0.99", "Lion", {"optimiser": "lion", "beta1": 0.9, "beta2": 0.99}, 0.004, 100),
        ("Lion 0.8 / 0.8", "Lion", {"optimiser": "lion"}, 0.006, 100),
    ):
        yield Candidate(name=name, kind=kind, words=words, rate=rate, longest=longest)


def _starts() -> Iterator[Candidate]:
    for scale, longest in ((1.3, 300), (2.0, 100), (2.5, 100)):
        name = f"hidden weights x {scale:g}"
        yield Candidate(name=name, kind="start", rate=0.0194, scale=scale, longest=longest)
    yield Candidate(name="first omega x 1.33", kind="start", words={"first_omega_0": 20.0}, rate=0.0194)


def _schedules() -> Iterator[Candidate]:
    yield Candidate(name="constant", kind="schedule", words={"schedule": "constant"}, rate=0.0086)
    for name in ("linear", "power-0.75"):
        yield Candidate(name=name, kind="schedule", words={"schedule": name}, rate=0.0194)
        words = {"schedule": name, "first_omega_0": 20.0}
        yield Candidate(
            name=f"{name}, first omega x 1.33", kind="schedule and start", words=words, rate=0.0194
        )


def _samples(points: int) -> Iterator[Candidate]:
    for sampling in ("error", "uniform"):
        words = {"points": points, "sampling": sampling}
        name = f"a quarter of the samples, {sampling}"
        yield Candidate(name=name, kind="samples", words=words, rate=0.0086, times=4)


@dataclass(frozen=True, slots=True, kw_only=True)
class Protocol:
    """What all candidates have in common."""

    scale: str
    device: str
    images: list[Path]

    def plan(self, candidate: Candidate, image: Path, steps: int, rate: float | None) -> Plan:
        """Decide a fit; `steps` are those planned, of all samples."""
        cells = CELLS[self.scale]
        words = {"grid": (cells, cells), "params": PARAMS[self.scale], "weights": "float32", "lr": rate}
        words |= {"threads": 1} if self.device == "cpu" else {}
        words |= {"steps": steps * candidate.times, **candidate.words}
        return api.plan(crop(image, SIDE[self.scale]), device=self.device, **words)

    def fit(self, candidate: Candidate, image: Path, steps: int, rate: float | None) -> dict[str, Any]:
        """Fit once; a fit that diverged has no PSNR."""
        planned = self.plan(candidate, image, steps, rate)
        start = Start(weights=_scaled(planned, candidate.scale))
        began = time.process_time()
        try:
            psnr = loop.fit(planned.begun(start)).psnr
        except FitError:
            psnr = None
        seconds = time.process_time() - began
        return {
            "image": image.stem,
            "steps": steps,
            "psnr": psnr,
            "cpu_seconds": seconds,
            "ms_per_step": 1000 * seconds / (steps * candidate.times),
            "params": planned.params,
            "width": planned.settings.model.hidden_features,
        }

    def searched(self, candidate: Candidate) -> tuple[float, list[tuple[float, float | None]]]:
        """Return the learning rate of a candidate, and the rates tried for it with their PSNR."""
        image = self.images[0]
        if candidate.rate is None:
            model = self.plan(candidate, image, SEARCH_STEPS, None).settings.model
            return default_lr(model), []
        if not candidate.search:
            return candidate.rate, []
        tried: dict[int, float] = {}
        for _ in range(MOST_RATES):
            if (power := _next(tried)) is None:
                break
            found = self.fit(candidate, image, SEARCH_STEPS, candidate.rate * SPACING**power)
            tried[power] = found["psnr"] or -np.inf
        rates = [(candidate.rate * SPACING**power, tried[power]) for power in sorted(tried)]
        return max(rates, key=lambda pair: pair[1])[0], rates


def _next(tried: dict[int, float]) -> int | None:
    """Return the power to try next: the first three, then beyond the best while that is at an end."""
    if left := [power for power in (0, -1, 1) if power not in tried]:
        return left[0]
    best = max(tried, key=lambda power: tried[power])
    beyond = [power for power in (best - 1, best + 1) if power not in tried]
    return beyond[0] if beyond else None


def _scaled(plan: Plan, scale: float) -> dict[str, NDArray[np.float32]]:
    """Return the initial hidden matrices times a factor; none where it is 1."""
    if scale == 1:
        return {}
    domain, settings = plan.partition.domain, plan.settings
    description = describe(settings.model, domain.dimensions, plan.signal.channels)
    ids = [region.id for region in plan.partition.regions]
    drawn = initial_weights(description, ids, settings.fit.seed)
    hidden = [matrix.weight for matrix in description.matrices()[1:-1]]
    return {name: drawn[name] * np.float32(scale) for name in hidden}


def against_gauss_newton(image: Path) -> Iterator[dict[str, Any]]:
    """Yield PSNR and CPU seconds of block Gauss-Newton and of the default, on a small crop."""
    cells = CELLS["cpu"] * SMALL_SIDE // SIDE["cpu"]
    words = {"grid": (cells, cells), "params": PARAMS["cpu"] * SMALL_SIDE**2 // SIDE["cpu"] ** 2}
    words |= {"weights": "float32", "threads": 1}
    picture = crop(image, SMALL_SIDE)
    fits = []
    for steps in SMALL_STEPS:
        began = time.process_time()
        fitted = api.fit(picture, device="cpu", steps=steps, **words)
        fits.append((fitted, time.process_time() - began))
        row = {"steps": steps, "cpu_seconds": fits[-1][1], "psnr": fitted.psnr}
        yield {"name": "soap", "image": image.stem, **row}
    planned = api.plan(picture, device="cpu", **words)
    for name, weights, before in (
        (GAUSS_NEWTON, None, 0.0),
        (f"{GAUSS_NEWTON} after soap, {SMALL_STEPS[0]} steps", fits[0][0].weights, fits[0][1]),
    ):
        for row in curve(planned, SMALL_SECONDS, weights):
            yield {"name": name, "image": image.stem, **row, "cpu_seconds": row["cpu_seconds"] + before}


def chosen_candidates(only: str | None, samples: int) -> list[Candidate]:
    """Return the candidates whose names begin with one of the words of `--only`, or all.

    Raises:
        InputError: a word that no name begins with.
    """
    every = list(candidates(samples))
    if only is None:
        return every
    for word in only.split(","):
        if not any(candidate.name.startswith(word) for candidate in every):
            raise InputError(f"--only {word}: no such candidate", hint="; ".join(c.name for c in every))
    return [candidate for candidate in every if candidate.name.startswith(tuple(only.split(",")))]


def run(
    protocol: Protocol, chosen: list[Candidate], lengths: list[int], data: dict[str, Any], out: Path
) -> None:
    """Measure the candidates, and write the file after each."""
    for number, candidate in enumerate(chosen, 1):
        rate, rates = protocol.searched(candidate)
        named = {"name": candidate.name, "kind": candidate.kind, "lr": rate}
        if rates:
            data["searches"].append({**named, "rates": rates})
        for steps in (steps for steps in lengths if steps <= candidate.longest):
            for image in protocol.images:
                data["rows"].append({**named, **protocol.fit(candidate, image, steps, rate)})
        found = means(row for row in data["rows"] if row["name"] == candidate.name)[candidate.name]
        psnr = {steps: row["psnr"] and round(row["psnr"], 2) for steps, row in found.items()}
        common.log(f"{number}/{len(chosen)} {candidate.name}, lr {rate:.4g}: {psnr}")
        common.write_json(out, data)


def main() -> None:
    """Run the candidates, or print the table of a result."""
    parser = common.parser((__doc__ or "").splitlines()[0])
    parser.add_argument("--only", metavar="NAMES", help="candidates whose names begin with these, by commas")
    parser.add_argument("--steps", default=",".join(map(str, STEPS)), help="planned steps, by commas")
    parser.add_argument("--table", type=Path, metavar="FILE", help="print the table of a result, run nothing")
    parser.add_argument("--figure", type=Path, metavar="FILE", help="with --table: also draw it")
    chosen = parser.parse_args()
    if chosen.table:
        print(markdown(table(common.read_json(chosen.table))))
        if chosen.figure:
            figure(common.read_json(chosen.table), chosen.figure)
        return
    register()
    device = common.device_for(chosen.scale, threads=1 if chosen.scale == "cpu" else None)
    images = common.images_in(chosen.images) if chosen.images else common.shared_images(*PHOTOS)
    out = chosen.out or common.default_out(f"{NAME}_{chosen.scale}")
    todo = chosen_candidates(chosen.only, SIDE[chosen.scale] ** 2)
    protocol = Protocol(scale=chosen.scale, device=device.name, images=images)
    provenance = common.provenance(device)
    data: dict[str, Any] = {"provenance": provenance, "rows": [], "searches": [], "gauss_newton": []}
    began = time.monotonic()
    protocol.fit(todo[0], images[0], 3, None)  # what is loaded once is nobody's time
    run(protocol, todo, [int(steps) for steps in chosen.steps.split(",")], data, out)
    if chosen.only is None and chosen.scale == "cpu":
        data["gauss_newton"] = list(against_gauss_newton(images[0]))
    data["minutes"] = round((time.monotonic() - began) / 60, 1)
    common.write_json(out, data)


if __name__ == "__main__":
    common.start(main)
