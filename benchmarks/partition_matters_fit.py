"""One fit of partition_matters.py and what is measured of it; which fits there are stands elsewhere."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from partition_matters_images import Grey, Method, Subject, png
from trials.dct_floor import dct_floor, psnr

from inrfit.device import Device
from inrfit.errors import FitError
from inrfit.field import Field
from inrfit.fitting import loop
from inrfit.fitting.events import FitEvent
from inrfit.fitting.plan import Plan
from inrfit.fitting.progress import Progress
from inrfit.fitting.settings import settings
from inrfit.models.budget import widest
from inrfit.models.description import describe
from inrfit.models.sizing import resolve

LEVELS = (20.0, 25.0, 30.0, 35.0)
"""PSNRs in dB for which the steps to reach them are recorded."""

EDGE = 0.15
"""Sobel magnitude (scikit-image's scale, grey values on [0, 1]) above which a pixel is an edge."""

EDGE_REACH = 2.0
"""Pixels around an edge that count as near it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One fit: what is learned how; `first_omega_0` is that of the paper when None."""

    activation: str
    method: Method
    width: int
    lr: float
    steps: int
    first_omega_0: float | None = None

    @property
    def identity(self) -> dict[str, Any]:
        """What tells the rows of a table apart, beside the image."""
        method = self.method
        return {
            "activation": self.activation,
            "lr": self.lr,
            "method": method.name,
            "rule": method.rule,
            "heads": method.heads,
            "frame": method.frame,
            "first_omega_0": self.first_omega_0,
        }


class Trace:
    """The course of a fit: steps done, PSNR in dB before the update, seconds since it began."""

    def __init__(self, excess: float) -> None:
        self.excess = excess
        self.step: list[int] = []
        self.psnr: list[float] = []
        self.seconds: list[float] = []

    def add(self, event: FitEvent) -> None:
        """Note an event."""
        self.step.append(event.step)
        self.psnr.append(event.psnr - self.excess)
        self.seconds.append(event.seconds)

    def first(self, level: float) -> int | None:
        """Return the number of the first event with at least this PSNR."""
        return next((number for number, value in enumerate(self.psnr) if value >= level), None)

    def thinned(self, points: int = 40) -> dict[str, list[float]]:
        """Return about so many points of the curve, the first and the last among them."""
        stride = max(1, len(self.step) // points)
        chosen = sorted({*range(0, len(self.step), stride), len(self.step) - 1})
        return {
            "step": [self.step[i] for i in chosen],
            "psnr": [round(self.psnr[i], 3) for i in chosen],
            "seconds": [round(self.seconds[i], 4) for i in chosen],
        }


def fit_case(subject: Subject, case: Case, device: Device) -> tuple[Field, Trace]:
    """Fit with the settings of the paper.

    Raises:
        FitError: the fit diverged.
    """
    rule = case.method.rule
    options: dict[str, Any] = {
        "preset": "paper",
        "activation": case.activation,
        "partition": rule,
        "hidden_features": case.width,
        "frame": case.method.frame,
        "lr": case.lr,
        "steps": case.steps,
    }
    if rule != "none":
        options["heads"] = case.method.heads
    if case.first_omega_0 is not None:
        options["first_omega_0"] = case.first_omega_0
    chosen = settings(**options)
    chosen = replace(chosen, model=resolve(chosen.model, subject.partition, 1))
    trace = Trace(subject.excess)
    plan = Plan(signal=subject.signal, partition=subject.partition, settings=chosen, device=device)
    return loop.fit(plan, Progress(on_event=trace.add)), trace


def measure(
    subject: Subject, case: Case, device: Device, *, target: float | None = None, keep: bool = False
) -> dict[str, Any]:
    """Fit and return a row of results.

    Args:
        subject: what to fit.
        case: how.
        device: where.
        target: dB; when given, the steps and seconds until they are reached become part of the row.
        keep: add the decoded picture to the row, as a PNG file in base64.
    """
    row: dict[str, Any] = {"image": subject.name, **case.identity, "pixels": subject.values.size}
    began = time.process_time()
    try:
        field, trace = fit_case(subject, case, device)
    except FitError as error:
        return {**row, "psnr": None, "error": str(error)}
    spent = time.process_time() - began
    decoded = subject.picture(field, device)
    row |= {
        "width": case.width,
        "weights": field.params,
        "areas": list(subject.partition.areas),
        "padding": round(subject.partition.padding(field.tile), 3),
        "macs_per_step": subject.values.size * field.description.macs(),
        "steps": case.steps,
        "psnr": round(trace.psnr[-1], 3),
        "psnr_decoded": psnr((decoded.astype(float) - subject.values) / 255),
        "seconds": round(trace.seconds[-1], 3),
        "cpu_seconds": round(spent, 3),
        "steps_to": {str(level): _at(trace.step, trace.first(level)) for level in LEVELS},
        **edge_errors(subject.values, decoded),
        "floor": dct_floor(subject.values / 255, subject.partition, field.params // len(subject.partition)),
        "curve": trace.thinned(),
    }
    if target is not None:
        reached = trace.first(target)
        row |= {
            "target": round(target, 3),
            "target_steps": _at(trace.step, reached),
            "target_seconds": _at(trace.seconds, reached),
        }
    if keep:
        row["png"] = png(decoded)
    return row


def _at(values: Sequence[float], number: int | None) -> float | None:
    return None if number is None else values[number]


def edge_errors(values: Grey, decoded: Grey) -> dict[str, float | None]:
    """Return the mean squared errors, with values on [0, 1], near edges of the picture and away from them."""
    from scipy.ndimage import distance_transform_edt
    from skimage.filters import sobel

    edges = sobel(values / 255) > EDGE
    near = np.asarray(distance_transform_edt(~edges)) <= EDGE_REACH if edges.any() else edges
    squares = np.square((decoded.astype(float) - values) / 255)
    if near.all() or not near.any():
        return {"near_edges": float(near.mean()), "mse_edges": None, "mse_flat": None}
    return {
        "near_edges": round(float(near.mean()), 3),
        "mse_edges": float(squares[near].mean()),
        "mse_flat": float(squares[~near].mean()),
    }


def count_weights(activation: str, width: int, heads: int) -> int:
    """Return the weights of so many networks of the paper's kind."""
    chosen = settings(preset="paper", activation=activation, partition="none", hidden_features=width)
    return describe(chosen.model, 2, 1).count(heads)


def matched_widths(activation: str, heads: Sequence[int], budget: float) -> dict[int, int]:
    """Return the width for each number of heads so that all have about `budget` weights together.

    Of the single networks within 3 % of the budget, the one that the others can match best sets the number.
    """

    def nearest(number: int, wanted: float) -> int:
        low = max(1, widest(lambda width: count_weights(activation, width, number), int(wanted)))
        return min((low, low + 1), key=lambda width: abs(count_weights(activation, width, number) - wanted))

    def mismatch(single: int) -> float:
        wanted = count_weights(activation, single, 1)
        counts = [count_weights(activation, nearest(number, wanted), number) for number in heads]
        return max(abs(count / wanted - 1) for count in counts)

    middle = nearest(1, budget)
    near = [w for w in range(1, 2 * middle) if abs(count_weights(activation, w, 1) / budget - 1) <= 0.03]
    single = min(near or [middle], key=mismatch)
    return {number: nearest(number, count_weights(activation, single, 1)) for number in heads}


def paper_widths(activation: str, heads: Sequence[int]) -> dict[int, int]:
    """Return the widths of the paper's Table 1 for one head and for four."""
    widths = {}
    for number in heads:
        chosen = settings(preset="paper", activation=activation, partition="none" if number == 1 else "grid")
        widths[number] = chosen.model.hidden_features or 0
    return widths
