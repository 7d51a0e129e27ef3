"""What overlap and blending do at the borders of regions, and what samples spent by error do for the worst regions.

256x256 crops of three photos (512x512 with `--scale gpu`), inrfit's defaults but for what is varied, three seeds. The *step* is the mean squared
difference of decoded neighbours across inner borders over that of the source; beside it the same within regions.

    python benchmarks/regions.py [--images FOLDER] [--out FILE] [--table FILE]
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import common
import numpy as np
from local_global import PARAMS, PHOTOS, SEEDS, SIDE, crop
from numpy.typing import NDArray

from inrfit import api
from inrfit.metrics import regions
from inrfit.metrics.fidelity import psnr

NAME = "regions"
STEPS = 300
BLENDS = (0, 1, 2)


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """One setting, on one image with one seed."""

    section: str
    label: str
    image: Path
    seed: int
    side: int
    device: str
    words: dict[str, Any] = field(default_factory=dict)


def trials(images: list[Path], scale: str) -> Iterator[Trial]:
    """Yield the trials."""
    paper = {"preset": "paper-lg", "params": PARAMS[scale], "grid": (SIDE[scale] // 32,) * 2}
    settings: list[tuple[str, str, dict[str, Any]]] = [
        ("seams", f"{model}, overlap {overlap}", {"model": model, "overlap": overlap})
        for model in ("partitioned", "local-global")
        for overlap in (0, 1, 2)
    ]
    settings += [
        ("seams", f"{model}, paper's settings, {PARAMS[scale]:,}", {**paper, "model": model})
        for model in ("partitioned", "local-global")
    ]
    settings += [
        (
            "sampling",
            f"1/{part} of the samples, {rule}",
            {"points": SIDE[scale] ** 2 // part, "sampling": rule},
        )
        for part in (4, 16)
        for rule in ("uniform", "error")
    ]
    for section, label, words in settings:
        for image in images:
            for seed in SEEDS if section == "sampling" else SEEDS[:1]:
                yield Trial(
                    section=section,
                    label=label,
                    image=image,
                    seed=seed,
                    side=SIDE[scale],
                    device="cpu" if scale == "cpu" else "cuda",
                    words=words,
                )


def measure(trial: Trial) -> dict[str, Any]:
    """Fit once, and decode once for each width of blending where seams are looked at."""
    picture = crop(trial.image, trial.side)
    words: dict[str, Any] = {**trial.words, "steps": STEPS, "seed": trial.seed}
    fitted = api.fit(picture, device=trial.device, threads=1, **words)
    named = {"section": trial.section, "label": trial.label, "image": trial.image.stem, "seed": trial.seed}
    if trial.section == "sampling":
        found = np.sort(regions.region_psnr(picture, fitted.decode(), fitted.partition, (0, 255)))
        tenth = max(1, len(found) // 10)
        worst, best = float(found[:tenth].mean()), float(found[-tenth:].mean())
        return named | {
            "psnr": fitted.psnr,
            "worst": float(found[0]),
            "worst_tenth": worst,
            "best_tenth": best,
        }
    labels = fitted.partition.labels()
    blends = []
    for blend in BLENDS:
        decoded = fitted.decode(blend=blend, device=trial.device, threads=1)
        across, within = _steps(picture, decoded, labels)
        blends.append(
            {
                "blend": blend,
                "psnr": psnr(picture, decoded, (0, 255)),
                "border_error": regions.border_error(picture, decoded, fitted.partition, (0, 255)),
                "step_across": across,
                "step_within": within,
            }
        )
    return named | {"blends": blends}


def _steps(source: NDArray[Any], decoded: NDArray[Any], labels: NDArray[np.int32]) -> tuple[float, float]:
    """Return the squared differences of decoded neighbours over those of the source, across borders and within."""
    sums = np.zeros((2, 2))
    for axis in (0, 1):
        border = np.diff(labels, axis=axis) != 0
        for row, values in enumerate((decoded, source)):
            squares = np.square(np.diff(values.astype(float), axis=axis))
            sums[row] += squares[border].sum(), squares[~border].sum()
    across, within = sums[0] / sums[1]
    return float(across), float(within)


def table(data: dict[str, Any]) -> str:
    """Return the results as Markdown."""

    def mean(rows: list[dict[str, Any]], key: str) -> float:
        return float(np.mean([row[key] for row in rows]))

    lines = [
        "| fit | blend | PSNR (dB) | border error | largest | step across / within |",
        "|---|---|---|---|---|---|",
    ]
    seams = [row for row in data["rows"] if row["section"] == "seams"]
    for label in dict.fromkeys(row["label"] for row in seams):
        for place, blend in enumerate(BLENDS):
            rows = [row["blends"][place] for row in seams if row["label"] == label]
            lines.append(
                f"| {label} | {blend} | {mean(rows, 'psnr'):.2f} | {mean(rows, 'border_error'):.2f} | "
                f"{max(row['border_error'] for row in rows):.2f} | "
                f"{mean(rows, 'step_across'):.2f} / {mean(rows, 'step_within'):.2f} |"
            )
    lines += [
        "",
        "| samples per step | PSNR (dB) | worst region | worst tenth | best tenth |",
        "|---|---|---|---|---|",
    ]
    sampled = [row for row in data["rows"] if row["section"] == "sampling"]
    for label in dict.fromkeys(row["label"] for row in sampled):
        rows = [row for row in sampled if row["label"] == label]
        cells = [f"{mean(rows, key):.2f}" for key in ("psnr", "worst", "worst_tenth", "best_tenth")]
        lines.append(f"| {label} | {' | '.join(cells)} |")
    made = data["provenance"]
    lines += ["", f"`{made['command']}`, {made['date']}, commit {made['commit']}, {made['processor']}."]
    return "\n".join(lines)


def main() -> None:
    """Run the trials, or print the tables of a result."""
    parser = common.parser((__doc__ or "").splitlines()[0])
    parser.add_argument(
        "--table", type=Path, metavar="FILE", help="print the tables of a result, run nothing"
    )
    chosen = parser.parse_args()
    if chosen.table:
        print(table(common.read_json(chosen.table)))
        return
    device = common.device_for(chosen.scale, threads=1 if chosen.scale == "cpu" else None)
    images = common.images_in(chosen.images) if chosen.images else common.shared_images(*PHOTOS)
    out = chosen.out or common.default_out(f"{NAME}_{chosen.scale}")
    todo = list(trials(images, chosen.scale))
    data: dict[str, Any] = {"provenance": common.provenance(device), "steps": STEPS, "rows": []}
    with common.processes(common.cores() if chosen.scale == "cpu" else 1) as spread:
        for row in spread(measure, todo):
            data["rows"].append(row)
            common.log(f"{len(data['rows'])}/{len(todo)} {row['section']} {row['label']}")
            common.write_json(out, data)


if __name__ == "__main__":
    common.start(main)
