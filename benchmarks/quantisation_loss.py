"""What the file costs in quality: PSNR of float32 weights, of the file at its defaults, and of weights rounded naively.

One fit for each model and kind of signal; the same weights are then kept in several ways. *Default* is what `inrfit fit`
writes. *One step* rounds every weight to a multiple of one and the same step, *ranges* every array to steps in
proportion to its range: both take the finest with which the file has no more bytes than the default's. *8 bits* is what
is often done instead: 256 values over the range of every array. All files are coded by the same coder.

    python benchmarks/quantisation_loss.py [--data FOLDER] [--steps N] [--models NAME ...] [--kinds NAME ...]
        [--out FILE] [--table FILE]
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import common
import numpy as np
from signals import CLIP, DATA

from inrfit import api
from inrfit.device import Device
from inrfit.errors import InputError, InrfitError
from inrfit.field import Field
from inrfit.fitting.finish import quantise_field
from inrfit.fitting.measure import measured
from inrfit.fitting.size import with_steps
from inrfit.io.config import ReadConfig
from inrfit.models.coding import PER_OCTAVE, Coding, exponent_of
from inrfit.registry import names
from inrfit.signal import ArraySignal, Signal

NAME = "quantisation_loss"
SIDE, SECONDS, FRAMES, FRAME, RESOLUTION, VOLUME = 256, 2, 8, 64, 48, 24
"""Pixels of the picture's side, seconds of the sound, frames of the clip and their side, samples along the shape, and
along the volume."""

STEPS = 100
LEVELS = 256
"""Values of an array that is rounded over its range."""


def image(data: Path) -> Signal:
    """Return the middle of a picture."""
    samples = common.read_colour(data / "images/kodak/kodim05.png")
    top, left = ((length - SIDE) // 2 for length in samples.shape[:2])
    return api.read(samples[top : top + SIDE, left : left + SIDE])


def sound(data: Path) -> Signal:
    """Return the start of some speech."""
    return part(api.read(data / "audio/speech3s/val/118-121721-0000.flac"), (SECONDS * 16_000,))


def clip(data: Path) -> Signal:
    """Return the middle of the first frames of a clip."""
    whole = api.read(data / CLIP, ReadConfig(kind="video", sound="none"))
    return part(whole, (FRAMES, FRAME, FRAME))


def shape(data: Path) -> Signal:
    """Return a shape on a coarse lattice."""
    return api.read(data / "mesh/spot.obj", ReadConfig(kind="shape", resolution=RESOLUTION))


def volume(data: Path) -> Signal:
    """Return the distances to a shape as a volume."""
    coarse = api.read(data / "mesh/spot.obj", ReadConfig(kind="shape", resolution=VOLUME))
    return api.read(np.asarray(coarse.dense(None))[..., 0], ReadConfig(kind="volume"))


KINDS: Mapping[str, Callable[[Path], Signal]] = {
    "image": image,
    "audio": sound,
    "video": clip,
    "shape": shape,
    "volume": volume,
}


def part(signal: Signal, lengths: tuple[int, ...]) -> ArraySignal:
    """Return so many samples of a signal from its first on."""
    window = tuple(
        (first, min(first + length, last))
        for (first, last), length in zip(signal.domain.box, lengths, strict=True)
    )
    values = np.array(signal.dense(window))
    domain = replace(signal.domain, shape=values.shape[:-1])
    return ArraySignal(values=values, domain=domain, info=signal.info)


def finest(field: Field, exponents: Mapping[str, int], size: int) -> Field:
    """Return a field with steps in some proportion, the finest with which its file has at most `size` bytes.

    Args:
        field: with weights that are not rounded.
        exponents: of the steps, which are all changed by one factor; see `models.coding`.
        size: bytes; where even steps 4,096 times as coarse take more, they are those.
    """
    low, high = -12 * PER_OCTAVE, 12 * PER_OCTAVE

    def at(shift: int) -> Field:
        shifted = {name: exponent + shift for name, exponent in exponents.items()}
        return with_steps(field, Coding(exponents=shifted))

    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if len(api.to_bytes(at(middle))) <= size else (middle, high)
    return at(high)


def same(field: Field) -> dict[str, int]:
    """Return exponents of one step for all weights: a 256th of the largest of them."""
    largest = max(float(np.abs(field.weights[name]).max()) for name in _trained(field))
    return dict.fromkeys(_trained(field), exponent_of(max(largest, 1e-9) / LEVELS))


def by_range(field: Field) -> dict[str, int]:
    """Return exponents of steps of a 255th of the range of each array."""
    exponents = {}
    for name in _trained(field):
        weights = field.weights[name]
        extent = float(weights.max() - weights.min()) or float(np.abs(weights).max()) or 1.0
        exponents[name] = exponent_of(extent / (LEVELS - 1))
    return exponents


def _trained(field: Field) -> list[str]:
    return [stack.name for stack in field.description.stacks if stack.trained]


def measure(kind: str, model: str, signal: Signal, steps: int, device: Device) -> dict[str, Any]:
    """Fit one model to one signal, and keep its weights in every way."""
    row: dict[str, Any] = {"kind": kind, "model": model, "steps": steps}
    words: dict[str, Any] = {"points": None} if kind == "video" else {}
    began = time.perf_counter()
    try:
        plan = api.plan(signal, device=device.name, threads=device.threads, model=model, steps=steps, **words)
        fitted = plan.fitting(weights="float32", saving=None).run()
    except InrfitError as error:
        return {**row, "error": error.message}
    seconds = time.perf_counter() - began
    exact = measured(fitted, signal, device)
    free = replace(exact, weight_type="quantised")
    usual = quantise_field(free, replace(plan, signal=signal))
    size = len(api.to_bytes(usual))
    ways = {
        "default": usual,
        "one_step": finest(free, same(free), size),
        "ranges": finest(free, by_range(free), size),
        "eight_bits": with_steps(free, Coding(exponents=by_range(free))),
    }
    row |= {"params": plan.params, "regions": len(plan.partition), "float32_psnr": exact.psnr}
    row |= {"float32_bytes": len(api.to_bytes(exact)), "seconds": round(seconds, 2)}
    for name, field in ways.items():
        data = api.to_bytes(field)
        read = measured(api.load(data), signal, device)
        told = api.info(data)["bytes_by_part"]
        weights = told["shared"] + told["regions"]
        row |= {
            f"{name}_bytes": len(data),
            f"{name}_bits": 8 * weights / plan.params,
            f"{name}_loss": _loss(exact.psnr, read.psnr),
        }
    return row


def _loss(before: float | None, after: float | None) -> float:
    """Return by how many dB a PSNR is lower than another."""
    return math.nan if before is None or after is None else before - after


def table(data: dict[str, Any]) -> str:
    """Return a result as a Markdown table."""
    lines = [
        "| signal | model | weights | float32 dB | bits | default: loss dB | one step | ranges | 8 bits: bits | loss dB |",
        "|---|---|" + "---:|" * 8,
    ]
    for row in data["rows"]:
        if row.get("error"):
            lines.append(f"| {row['kind']} | {row['model']} | {row['error']} |" + " |" * 7)
            continue
        cells = [row["kind"], row["model"], f"{row['params']:,}", f"{row['float32_psnr']:.2f}"]
        cells.append(f"{row['default_bits']:.2f}")
        cells += [f"{row[f'{name}_loss']:.2f}" for name in ("default", "one_step", "ranges")]
        cells += [f"{row['eight_bits_bits']:.2f}", f"{row['eight_bits_loss']:.2f}"]
        lines.append("| " + " | ".join(cells) + " |")
    made = data["provenance"]
    lines += ["", f"`{made['command']}`, {made['date']}, commit {made['commit']}, {made['processor']}."]
    return "\n".join(lines)


def main() -> None:
    """Run, or print the table of a result."""
    parser = common.parser(__doc__ or "")
    parser.add_argument("--data", type=Path, default=DATA, help="folder with the test material")
    parser.add_argument("--steps", type=int, default=STEPS, help="steps of a fit")
    parser.add_argument(
        "--models", nargs="+", choices=names("model"), default=names("model"), help="models to run"
    )
    parser.add_argument(
        "--kinds", nargs="+", choices=tuple(KINDS), default=tuple(KINDS), help="signals to run"
    )
    parser.add_argument("--threads", type=int, help="threads on the CPU; one per core when not given")
    parser.add_argument("--table", type=Path, metavar="FILE", help="print the table of a result")
    chosen = parser.parse_args()
    if chosen.table:
        print(table(common.read_json(chosen.table)))
        return
    if not chosen.data.is_dir():
        raise InputError(f"{chosen.data}: no such folder", hint="name the test material with --data")
    device = common.device_for(chosen.scale, threads=chosen.threads)
    out = chosen.out or common.default_out(f"{NAME}_{chosen.scale}")
    data: dict[str, Any] = {"provenance": common.provenance(device), "rows": []}
    for kind in chosen.kinds:
        signal = KINDS[kind](chosen.data)
        for model in chosen.models:
            row = measure(kind, model, signal, chosen.steps, device)
            data["rows"].append(row)
            told = (
                row.get("error")
                or f"default {row['default_loss']:.3f}, one step {row['one_step_loss']:.2f} dB lost"
            )
            common.log(f"{kind} {model}: {told}")
            common.write_json(out, data)


if __name__ == "__main__":
    common.start(main)
