"""PSNR of pictures at equal bytes: ways to fit, one beside the other, and JPEG, WebP and AVIF; files that exist.

Every picture is fitted at every rate in every way, written, read and decoded, and the result is written after each fit,
so that a run that was stopped goes on where it was. A way is a model of the registry, with options of the fit behind
a colon: `partitioned:hidden_layers=3,steps=500`. Regions are cells of 128 pixels, so that the files can be cropped; a
single network has one region. `--scale cpu` takes the middle 256x256 pixels of a few pictures; `--scale whole` takes whole pictures on the CPU, `--scale gpu` takes
whole pictures and needs nothing but torch, numpy, pillow, scipy and what the container is made with.

    python benchmarks/rate_distortion.py [--scale cpu|gpu] [--images FOLDER] [--ways WAY ...] [--bpp 0.15,0.3]
        [--steps N] [--limit N] [--time SECONDS] [--out FILE]
    python benchmarks/rate_distortion.py --part codecs --scale gpu     # the codecs on whole pictures; needs no GPU
    python benchmarks/rate_distortion.py --table FITS.json CODECS.json
"""

from __future__ import annotations

import argparse
import json
import math
import tempfile
import time
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import common
import numpy as np
import rate_distortion_report as report
from numpy.typing import NDArray
from tables import markdown

from inrfit import api
from inrfit.compare import pictures
from inrfit.decibel import decibel
from inrfit.device import Device
from inrfit.errors import ConfigError, InputError, InrfitError
from inrfit.metrics import fidelity
from inrfit.metrics.bits import bpp
from inrfit.registry import check, names

NAME = "rate_distortion"
CELL = 128
"""Side of a region, in pixels."""

RATES = (0.15, 0.3, 0.5, 0.75, 1.0)
"""Bits per pixel."""

MODELS = tuple(name for name in ("partitioned", "local-global", "feature-grid") if name in names("model"))
"""Ways that are compared when none is named: the models whose regions can be cropped."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scale:
    """How large a run is.

    Attributes:
        side: pixels of the square that is cut from the middle of a picture; None for the whole.
        limit: pictures; None for all.
        steps: of a fit.
    """

    side: int | None
    limit: int | None
    steps: int


SCALES = {
    "cpu": Scale(side=256, limit=4, steps=200),
    "whole": Scale(side=None, limit=None, steps=200),
    "gpu": Scale(side=None, limit=None, steps=2000),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Way:
    """A way to fit a picture.

    Attributes:
        name: as it was written.
        model: a name of the registry.
        words: options of the fit.
    """

    name: str
    model: str
    words: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Picture:
    """What is fitted: a name, and samples [height, width, 3]."""

    name: str
    samples: NDArray[np.uint8]


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """One fit: a picture, a rate in bits per pixel, a way and a number of steps."""

    picture: Picture
    rate: float
    way: Way
    steps: int

    @property
    def key(self) -> dict[str, Any]:
        """What tells its row from others."""
        return {
            "image": self.picture.name,
            "way": self.way.name,
            "wanted_bpp": self.rate,
            "steps": self.steps,
        }


def way_of(text: str) -> Way:
    """Read a way, such as `local-global:global_share=0.2,steps=500`; values are JSON, or else text.

    Raises:
        ConfigError: the model is not known, or an option has no value.
    """
    model, _, options = text.partition(":")
    words: dict[str, Any] = {}
    for option in filter(None, options.split(",")):
        word, equals, value = option.partition("=")
        if not equals:
            raise ConfigError(f"--ways {text!r}: {option!r} has no value", hint=f"write {option}=VALUE")
        try:
            words[word] = json.loads(value)
        except ValueError:
            words[word] = value
    return Way(name=text, model=check("model", model, option="--ways"), words=words)


def rates_of(text: str) -> tuple[float, ...]:
    """Read rates, such as `0.15,0.3`.

    Raises:
        ConfigError: one is not a number above 0.
    """
    try:
        found = tuple(float(part) for part in text.split(","))
    except ValueError:
        found = ()
    if not found or not all(0 < rate < math.inf for rate in found):
        raise ConfigError(
            f"--bpp {text!r} must be numbers above 0 with commas between", hint="for example 0.15,0.3,0.5"
        )
    return found


def read(path: Path, side: int | None) -> Picture:
    """Read a picture, or the square in its middle.

    Raises:
        InputError: it is smaller than the square.
    """
    samples = common.read_colour(path)
    height, width = samples.shape[:2]
    if side is None:
        return Picture(name=path.name, samples=samples)
    if min(height, width) < side:
        raise InputError(
            f"{path}: has {width}x{height} pixels, {side}x{side} are needed",
            hint="leave it out of the folder",
        )
    top, left = (height - side) // 2, (width - side) // 2
    return Picture(name=path.name, samples=samples[top : top + side, left : left + side])


def jobs(chosen: list[Picture], rates: tuple[float, ...], ways: list[Way], steps: int) -> Iterator[Job]:
    """Yield fits, all of one picture before those of the next, so that an early end leaves whole pictures."""
    for picture in chosen:
        for rate in rates:
            for way in ways:
                own = int(way.words.get("steps", steps))
                yield Job(picture=picture, rate=rate, way=way, steps=own)


def measure(job: Job, device: Device) -> dict[str, Any]:
    """Fit, write, read and decode one picture; return what it cost and how good it is, or why there is no fit."""
    words: dict[str, Any] = {"target_bpp": job.rate, "model": job.way.model}
    words |= {} if job.way.model == "mlp" else {"cell": CELL}
    words |= {**job.way.words, "steps": job.steps}
    began = time.perf_counter()
    try:
        plan = api.plan(job.picture.samples, device=device.name, threads=device.threads, **words)
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "picture.inr"
            api.save(api.run(plan), path)
            seconds = time.perf_counter() - began
            decoded = api.decode(path, device=device.name, threads=device.threads)
            size, told = path.stat().st_size, api.info(path)
    except InrfitError as error:
        return {**job.key, "error": error.message, "psnr": None}
    height, width = job.picture.samples.shape[:2]
    error = fidelity.mse(job.picture.samples, decoded, (0.0, 255.0))
    return {
        **job.key,
        "pixels": height * width,
        "bytes": size,
        "bpp": bpp(size, height * width),
        "psnr": decibel(error),
        "mse": error,
        "regions": told["regions"],
        "params": told["params"],
        "parts": told["bytes_by_part"],
        "macs_per_pixel": told["macs_per_sample"],
        "seconds": round(seconds, 2),
    }


class Results:
    """The rows found so far, in a file that is valid whenever the run is stopped.

    Raises:
        InputError: the file was made with other settings.
    """

    def __init__(
        self, path: Path, part: str, provenance: Mapping[str, Any], settings: Mapping[str, Any]
    ) -> None:
        self.path = path
        self.data: dict[str, Any] = {
            "benchmark": NAME,
            "part": part,
            "provenance": dict(provenance),
            "settings": json.loads(json.dumps(settings)),
            "rows": [],
        }
        self._when = {name: provenance[name] for name in ("date", "commit", "device")}
        if path.exists():
            before = common.read_json(path)
            if (before.get("part"), before.get("settings")) != (part, self.data["settings"]):
                raise InputError(f"{path} was made with other settings", hint="give another file with --out")
            self.data = before

    def find(self, key: Mapping[str, Any]) -> Mapping[str, Any] | None:
        """Return the row with some values, None where there is none."""
        rows = self.data["rows"]
        return next((row for row in rows if all(row[name] == value for name, value in key.items())), None)

    def put(self, row: Mapping[str, Any]) -> None:
        """Take a row, and write the file."""
        self.data["rows"].append({**row, **self._when})
        common.write_json(self.path, self.data)


def fit_all(wanted: list[Job], device: Device, results: Results, seconds: float) -> bool:
    """Fit what is not there yet; stop before a fit that would end late, going by the longest of its way so far.

    Returns:
        Whether all is there.
    """
    began, longest = time.monotonic(), {}
    for job in wanted:
        if results.find(job.key) is not None:
            continue
        left, before = seconds - (time.monotonic() - began), longest.get((job.way.name, job.steps), 0.0)
        if left <= before:
            return False
        at = time.monotonic()
        row = measure(job, device)
        longest[job.way.name, job.steps] = max(before, time.monotonic() - at)
        results.put(row)
        told = row.get("error") or f"{row['psnr']:.2f} dB, {row['bpp']:.4f} bpp in {row['seconds']} s"
        common.log(f"{job.picture.name} {job.way.name} at {job.rate:g} bpp, {job.steps:,} steps: {told}")
    return True


def encode_all(chosen: list[Picture], results: Results) -> None:
    """Encode what is not there yet with every codec at several qualities."""
    for picture in chosen:
        for codec in names("picture-codec"):
            key = {"image": picture.name, "codec": codec}
            if results.find(key) is not None:
                continue
            began = time.perf_counter()
            points = [asdict(point) for point in pictures.curve(picture.samples, codec)]
            height, width = picture.samples.shape[:2]
            row = {
                **key,
                "setting": pictures.codec(codec).setting,
                "pixels": height * width,
                "points": points,
            }
            results.put({**row, "seconds": round(time.perf_counter() - began, 2)})
            common.log(f"{picture.name} {codec}: {len(points)} qualities")


def codec_versions() -> dict[str, Any]:
    """Return the versions of the libraries behind the codecs."""
    import PIL
    from PIL import features

    libraries = {"jpeg": "jpg", "webp": "webp", "avif": "avif"}
    return {"pillow": PIL.__version__, **{name: features.version(part) for name, part in libraries.items()}}


def run(chosen: argparse.Namespace) -> None:
    """Run the part that was asked for."""
    scale = SCALES[chosen.scale]
    paths = common.images_in(chosen.images) if chosen.images else common.shared_images("kodak")
    codecs = chosen.part == "codecs"
    limit = chosen.limit or scale.limit
    taken = [read(path, scale.side) for path in (paths if limit is None else paths[:limit])]
    settings: dict[str, Any] = {"scale": chosen.scale, "side": scale.side}
    if codecs:
        out = chosen.out or common.default_out(f"{NAME}_codecs_{'whole' if scale.side is None else 'crops'}")
        made = common.provenance(common.device_for("cpu", threads=1))
        made["versions"] |= codec_versions()
        settings["qualities"] = list(pictures.QUALITIES)
        encode_all(taken, Results(out, "codecs", made, settings))
        return
    device = common.device_for("gpu" if chosen.scale == "gpu" else "cpu", threads=chosen.threads)
    ways = [way_of(text) for text in chosen.ways or MODELS]
    wanted = list(jobs(taken, rates_of(chosen.bpp), ways, chosen.steps or scale.steps))
    out = chosen.out or common.default_out(f"{NAME}_{chosen.scale}")
    results = Results(out, "fits", common.provenance(device), {**settings, "cell": CELL})
    if not fit_all(wanted, device, results, chosen.time):
        done = sum(results.find(job.key) is not None for job in wanted)
        common.log(
            f"{done} of {len(wanted)} fits are done; the same command goes on, with {out} in its place"
        )


def main() -> None:
    """Run, or print the tables of results."""
    parser = common.parser(__doc__ or "", tuple(SCALES))
    parser.add_argument("--part", choices=("fits", "codecs"), default="fits", help="what to run")
    parser.add_argument("--ways", nargs="+", metavar="WAY", help="models, each with options behind a colon")
    parser.add_argument("--bpp", default=",".join(f"{rate:g}" for rate in RATES), help="bits per pixel")
    parser.add_argument("--steps", type=int, help="steps of a fit, where its way says nothing")
    parser.add_argument("--limit", type=int, help="pictures, the first by name")
    parser.add_argument("--threads", type=int, help="threads on the CPU; one per core when not given")
    parser.add_argument("--time", type=float, default=math.inf, help="seconds after which no fit is begun")
    parser.add_argument("--table", type=Path, nargs="+", metavar="FILE", help="print the tables of results")
    chosen = parser.parse_args()
    if chosen.table:
        print(markdown(report.tables([common.read_json(path) for path in chosen.table])))
    else:
        run(chosen)


if __name__ == "__main__":
    common.start(main)
