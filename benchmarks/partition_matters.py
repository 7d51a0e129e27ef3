"""The experiments of "Partition Matters" (Liu et al., ICCV 2023) on real images, with correct coordinates.

One network, or k small ones with as many weights together: on a grid (PoG) or on segments (PoS). What differs from
the paper: samples lie on [-1, 1] (one experiment here puts them on [0, 1], as the paper does), each head's gradient
is that of its own mean squared error (Adam does not see the difference), and coordinates sit at pixel centres.
Run `python benchmarks/partition_matters.py --help`; the numbers go to a JSON file, which `--table` and `--figures`
turn into what the documentation shows.
"""

from __future__ import annotations

import argparse
import json
import math
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

import common
import partition_matters_report as report
from partition_matters_fit import EDGE, EDGE_REACH, Case, matched_widths, measure, paper_widths
from partition_matters_images import (
    METHODS,
    PAPER_PIXELS,
    Material,
    Method,
    Picture,
    png,
    read_picture,
    scrambled_subject,
    true_subject,
    unit_subject,
)
from tables import markdown

from inrfit.device import Device, cores
from inrfit.errors import InputError, InrfitError

NAME = "partition_matters"
PAPER_WEIGHTS = {"sine": 790_017, "relu": 911_873}
"""Weights of the single networks of the paper's Table 1, for one image of `PAPER_PIXELS`."""

PAPER_LR = 1e-4

SHOWN = common.ROOT / "examples" / "astronaut.png"
"""The photo whose fits are kept as pictures: it is in the public domain, the images compared are not."""
PAPER_OMEGA = 60.0
TARGET = 30.0
"""PSNR in dB to which numbers of heads are timed."""

ENOUGH = 50.0
"""PSNR in dB beyond which a learning rate is not credited for more: 8-bit samples hardly show it."""


Row = Mapping[str, Any]
"""What was measured of one fit."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scale:
    """How large the experiments are.

    Attributes:
        name: "cpu", "gpu" or "quick".
        pixels: pixels of an image; the weights follow in the paper's proportion.
        half_pixels: pixels of the images that get half a weight per pixel.
        images: images compared.
        head_images: images on which the number of heads is varied.
        heads: numbers of heads.
        steps: steps by activation.
        picture_steps: steps after which pictures are kept.
        lrs: learning rates from which one is chosen beside the paper's.
        paper_widths: take the widths of the paper rather than such as match best.
    """

    name: str
    pixels: int
    half_pixels: int
    images: int = 20
    head_images: int = 5
    heads: tuple[int, ...] = (1, 2, 3, 4, 9, 16)
    steps: Mapping[str, int]
    picture_steps: int = 100
    lrs: tuple[float, ...] = (1e-4, 3e-4, 1e-3, 3e-3)
    paper_widths: bool = False


SCALES = {
    "cpu": Scale(name="cpu", pixels=80 * 54, half_pixels=156 * 104, steps={"sine": 300, "relu": 1000}),
    "gpu": Scale(
        name="gpu",
        pixels=PAPER_PIXELS,
        half_pixels=PAPER_PIXELS,
        steps={"sine": 300, "relu": 1000},
        paper_widths=True,
    ),
}


def quick(scale: Scale) -> Scale:
    """Return a scale that runs every part in about a minute and shows nothing."""
    return replace(
        scale,
        name=f"{scale.name}_quick",
        pixels=1000,
        half_pixels=2000,
        images=2,
        head_images=1,
        heads=(1, 2, 4),
        steps={"sine": 30, "relu": 30},
        picture_steps=10,
        lrs=(1e-4, 1e-3),
        paper_widths=False,
    )


def image_paths(folder: Path | None) -> list[Path]:
    """Return the images of a run: those of a folder, else the landscape and natural images of the project."""
    if folder is not None:
        return common.images_in(folder)
    return common.shared_images("singles/001_L.png", "natural/val")


def prepare(paths: Sequence[Path], scale: Scale) -> Material:
    """Read, shrink and segment what a run needs.

    Raises:
        InputError: there are too few images.
    """
    if len(paths) < scale.images + 1:
        raise InputError(
            f"{scale.images} images to compare and one to choose learning rates on are needed, {len(paths)} found",
            hint=f"give --images-count {max(1, len(paths) - 1)} or a folder with more images",
        )
    heads = {*scale.heads, *(method.heads for method in METHODS)} - {1}
    chosen = list(paths[: scale.images + 1])
    few = [*chosen[:-1][: scale.head_images], chosen[-1]]
    return Material(
        compared=[read_picture(path, scale.pixels, heads) for path in chosen],
        half=[read_picture(path, scale.half_pixels, heads) for path in few],
        shown=[read_picture(SHOWN, scale.pixels, heads)],
    )


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Job:
    """Fits of one picture that are made one after the other.

    Attributes:
        picture: what is fitted.
        cases: how, in order.
        present: name of the way it is presented, one of `SUBJECTS`.
        extra: what is added to each row.
        relative: time the others to `TARGET`, or to what the first fit reaches where that is less.
        keep: add the decoded picture to each row.
    """

    picture: Picture
    cases: Sequence[Case]
    present: str = "true"
    extra: Mapping[str, Any] = field(default_factory=dict)
    relative: bool = False
    keep: bool = False


SUBJECTS = {"true": true_subject, "scrambled": scrambled_subject, "samples on [0, 1]": unit_subject}


def work(section: str, job: Job, device: Device, known: Sequence[Row]) -> list[Row]:
    """Return the rows of a job, those that are known as they are; a picture with too few segments has none."""
    rows: list[Row] = []
    for case in job.cases:
        subject = SUBJECTS[job.present](job.picture, case.method)
        if subject is None:
            continue
        identity = {"image": subject.name, **case.identity, **job.extra}
        row = next((r for r in known if all(r.get(k) == v for k, v in identity.items())), None)
        if row is None:
            target = min(TARGET, rows[0]["psnr"] or TARGET) if job.relative and rows else None
            row = {**measure(subject, case, device, target=target, keep=job.keep), **job.extra}
            quality = "diverged" if row["psnr"] is None else f"{row['psnr']:.2f} dB in {row['seconds']:.2f} s"
            words = [section, subject.name, *map(str, job.extra.values()), case.activation]
            common.log(
                f"{' '.join(words)}, lr {case.lr:g}, {case.method.name} x{case.method.heads}: {quality}"
            )
        rows.append(row)
    return rows


class Results:
    """The numbers found so far, kept in a file that is valid whenever the run is stopped."""

    def __init__(self, path: Path, header: Mapping[str, Any], *, resume: bool) -> None:
        self.path = path
        self.data: dict[str, Any] = {**header, "complete": False}
        for section in ("lr_search", "comparison", "omega", "heads", "coordinates", "pictures"):
            self.data[section] = []
        if resume and path.exists():
            before = common.read_json(path)
            if before.get("settings") != json.loads(json.dumps(header["settings"])):
                raise InputError(f"{path} was made with other settings", hint="give another --out")
            self.data = {**before, "resumed": [*before.get("resumed", []), header["provenance"]["date"]]}

    def put(self, section: str, rows: Sequence[Row]) -> None:
        """Take the rows that are new, and write the file with the summary of what is there."""
        self.data[section] += [row for row in rows if row not in self.data[section]]
        self.save()

    def save(self) -> None:
        """Write the file."""
        self.data["summary"] = report.summary(self.data)
        common.write_json(self.path, self.data)


@dataclass(frozen=True, slots=True, kw_only=True)
class Bench:
    """What every experiment needs; `spread` runs a function on many arguments, maybe in several processes."""

    scale: Scale
    material: Material
    device: Device
    results: Results
    spread: common.Spread

    def do(self, section: str, jobs: Sequence[Job]) -> list[Row]:
        """Run jobs, and write the file after each; returns all their rows."""
        rows: list[Row] = []
        known = list(self.results.data[section])
        for found in self.spread(partial(work, section, device=self.device, known=known), jobs):
            self.results.put(section, found)
            rows += found
        return rows


def run(bench: Bench) -> None:
    """Run everything, and write the file after each image."""
    scale, pictures, half = bench.scale, bench.material.compared, bench.material.half
    lrs = {}
    for activation in scale.steps:
        cases = fits(scale, activation, 0, METHODS[:3])
        best = best_lr(bench, pictures[-1], cases, purpose=f"comparison, {activation}")
        lrs[activation] = list(dict.fromkeys([PAPER_LR, best]))
    every = [(activation, lr) for activation in scale.steps for lr in lrs[activation]]

    cases = [case for activation, lr in every for case in fits(scale, activation, lr, METHODS)]
    bench.do("comparison", [Job(picture=picture, cases=cases) for picture in pictures[:-1]])

    if scale.pixels < PAPER_PIXELS:
        few_pictures = pictures[:-1][: scale.head_images]
        bench.do("omega", [same_frequency(scale, picture, lrs["sine"]) for picture in few_pictures])

    few = tuple(dict.fromkeys((1, 4, scale.heads[-1])))
    half_lr = best_lr(
        bench, half[-1], by_heads(scale, "half", 0, few, ["grid"]), purpose="half a weight per pixel"
    )
    jobs = [heads_job(scale, "half", half_lr, picture) for picture in half[:-1]]
    jobs += [heads_job(scale, "paper", PAPER_LR, picture) for picture in pictures[:-1][: scale.head_images]]
    bench.do("heads", jobs)

    bench.do("coordinates", misplaced(scale, pictures[:-1], every))
    bench.do("pictures", [early_pictures(scale, picture, lrs["sine"]) for picture in bench.material.shown])
    bench.results.data["complete"] = True
    bench.results.save()


def fits(scale: Scale, activation: str, lr: float, methods: Sequence[Method]) -> list[Case]:
    """Return the fits of the paper's comparison: one head and four with as many weights together."""
    if scale.paper_widths:
        widths = paper_widths(activation, (1, 4))
    else:
        widths = matched_widths(activation, (1, 4), budget(scale, activation))
    steps = scale.steps[activation]
    return [Case(activation=activation, method=m, width=widths[m.heads], lr=lr, steps=steps) for m in methods]


def budget(scale: Scale, activation: str) -> float:
    """Return the weights of an image in the paper's proportion to its pixels."""
    return PAPER_WEIGHTS[activation] * scale.pixels / PAPER_PIXELS


def best_lr(bench: Bench, picture: Picture, cases: Sequence[Case], *, purpose: str) -> float:
    """Return the learning rate with which some fits are best: mean over their steps of the PSNR, up to `ENOUGH`."""
    jobs = [
        Job(
            picture=picture,
            cases=[replace(case, lr=lr) for case in cases],
            extra={"purpose": purpose},
        )
        for lr in bench.scale.lrs
    ]
    rows = bench.do("lr_search", jobs)

    def mean(lr: float) -> float:
        curves = [row["curve"]["psnr"] if "curve" in row else [-math.inf] for row in rows if row["lr"] == lr]
        return sum(sum(min(value, ENOUGH) for value in curve) / len(curve) for curve in curves)

    return max(bench.scale.lrs, key=mean)


def same_frequency(scale: Scale, picture: Picture, lrs: Sequence[float]) -> Job:
    """Return SIRENs whose first omega is smaller by as much as the image's side is.

    Coordinates span [-1, 1] on an image of any size, so the paper's omega on a smaller image is more cycles
    per pixel than the paper's network began with.
    """
    omega = round(PAPER_OMEGA * math.sqrt(scale.pixels / PAPER_PIXELS), 1)
    cases = [replace(case, first_omega_0=omega) for lr in lrs for case in fits(scale, "sine", lr, METHODS)]
    return Job(picture=picture, cases=cases)


def heads_job(scale: Scale, ratio: str, lr: float, picture: Picture) -> Job:
    """Return the fits of one picture with every number of heads; one head comes first."""
    cases = by_heads(scale, ratio, lr, scale.heads, ["grid", "seg"])
    return Job(picture=picture, cases=cases, extra={"ratio": ratio}, relative=True)


def by_heads(scale: Scale, ratio: str, lr: float, heads: Sequence[int], rules: Sequence[str]) -> list[Case]:
    """Return SIRENs of equal total weights, the single one first.

    Args:
        scale: sizes.
        ratio: "paper" for the paper's weights per pixel, "half" for half a weight.
        lr: learning rate.
        heads: numbers of heads, 1 first.
        rules: how more than one head divide an image.
    """
    wanted = budget(scale, "sine") if ratio == "paper" else 0.5 * scale.half_pixels
    widths = matched_widths("sine", scale.heads, wanted)
    methods = [METHODS[0]]
    for rule in rules:
        name = {"grid": "PoG", "seg": "PoS"}[rule]
        methods += [Method(name=name, rule=rule, heads=number) for number in heads[1:]]
    steps = scale.steps["sine"]
    return [Case(activation="sine", method=m, width=widths[m.heads], lr=lr, steps=steps) for m in methods]


def misplaced(scale: Scale, pictures: Sequence[Picture], every: Sequence[tuple[str, float]]) -> list[Job]:
    """Return the fits of one oblong image with the released code's coordinates, and with samples on [0, 1].

    The rows of that image in the comparison are the ones to hold theirs against.
    """
    oblong = [p for p in pictures if p.values.shape[0] != p.values.shape[1]][:1]
    return [
        Job(
            picture=picture,
            cases=fits(scale, activation, lr, METHODS[:3]),
            present=present,
            extra={"variant": present},
        )
        for picture in oblong
        for present in list(SUBJECTS)[1:]
        for activation, lr in every
    ]


def early_pictures(scale: Scale, picture: Picture, lrs: Sequence[float]) -> Job:
    """Return the fits that show what an image looks like after few steps of a SIREN."""
    cases = [case for lr in lrs for case in fits(scale, "sine", lr, METHODS[:3])]
    cases = [replace(case, steps=scale.picture_steps) for case in cases]
    return Job(picture=picture, cases=cases, keep=True)


def header(scale: Scale, device: Device, workers: int, material: Material) -> dict[str, Any]:
    """Return what stands at the top of the file."""
    return {
        "benchmark": NAME,
        "provenance": {**common.provenance(device), "workers": workers},
        "settings": {
            **asdict(scale),
            "edge": f"within {EDGE_REACH:g} pixels of Sobel magnitude > {EDGE}",
            "images_compared": [picture.name for picture in material.compared[:-1]],
            "image_for_learning_rates": material.compared[-1].name,
        },
        "originals": {picture.name: png(picture.values) for picture in material.shown},
        "notes": [
            f"{picture.name}: fewer than {heads} segments, no PoS with {heads} heads"
            for picture in material.compared
            for heads in scale.heads
            if heads > 1 and heads not in picture.segments
        ],
    }


def arguments() -> argparse.Namespace:
    """Read the command line."""
    made = common.parser("One network against several small ones: the experiments of Partition Matters.")
    made.add_argument("--images-count", type=int, metavar="N", help="compare on N images")
    made.add_argument("--quick", action="store_true", help="run every part at sizes that show nothing")
    made.add_argument("--resume", action="store_true", help="keep the rows of --out and add what is missing")
    made.add_argument("--prepare", type=Path, metavar="FILE.npz", help="only write the pictures of a run")
    made.add_argument("--prepared", type=Path, metavar="FILE.npz", help="take the pictures from such a file")
    made.add_argument("--table", type=Path, metavar="FILE.json", help="only print the tables of a result")
    made.add_argument("--figures", type=Path, metavar="FILE.json", help="only draw the figures of a result")
    return made.parse_args()


def main() -> int:
    given = arguments()
    try:
        if given.table:
            print(markdown(report.tables(common.read_json(given.table))))
        elif given.figures:
            for path in report.figures(common.read_json(given.figures), common.ROOT / "docs" / "img"):
                common.log(f"wrote {path}")
        else:
            start(given)
    except InrfitError as error:
        hint = f" ({error.hint})" if error.hint else ""
        common.log(f"error: {error}{hint}")
        return 2
    return 0


def start(given: argparse.Namespace) -> None:
    """Run what the command line asks for."""
    scale = quick(SCALES[given.scale]) if given.quick else SCALES[given.scale]
    if given.images_count is not None:
        if given.images_count < 1:
            raise InputError(f"--images-count {given.images_count} must be at least 1")
        scale = replace(scale, images=given.images_count)
    began = time.monotonic()
    prepared = given.prepared
    material = Material.load(prepared) if prepared else prepare(image_paths(given.images), scale)
    scale = replace(scale, images=len(material.compared) - 1, head_images=len(material.half) - 1)
    common.log(f"{len(material.compared)} pictures ready in {time.monotonic() - began:.0f} s")
    if given.prepare:
        material.save(given.prepare)
        return
    device = common.device_for(given.scale, threads=1)
    workers = 1 if device.is_cuda else cores()
    common.log(f"{workers} fits at a time, each on {device.why}")
    out = given.out or common.default_out(f"{NAME}_{scale.name}")
    results = Results(out, header(scale, device, workers, material), resume=given.resume)
    with common.processes(workers) as spread:
        run(Bench(scale=scale, material=material, device=device, results=results, spread=spread))
    common.log(f"wrote {out} after {(time.monotonic() - began) / 60:.1f} minutes")


if __name__ == "__main__":
    sys.exit(main())
