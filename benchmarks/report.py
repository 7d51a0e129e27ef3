"""The pages of docs/studies, made from the results and from what a person says of them; it measures nothing.

A study is a page in `benchmarks/studies`. `{{speed_cpu 1 3}}` in it stands for blocks 1 and 3 of what the results
`speed_cpu.json` give, counted from 0; `SOURCES` says which function makes them.

    python benchmarks/report.py            writes every page
    python benchmarks/report.py FILE.json  prints the blocks of a result, each with its number
"""

from __future__ import annotations

import re
import runpy
import sys
from collections.abc import Callable, Sequence
from functools import cache
from importlib import import_module
from pathlib import Path

import common
from tables import Block, markdown

STUDIES = common.ROOT / "benchmarks" / "studies"
PAGES = common.ROOT / "docs" / "studies"

SOURCES = {
    "crop_cost": "crop_cost:table",
    "decode_cpu": "decode:table",
    "defaults_cpu": "defaults:table",
    "draco": "draco:table",
    "effort_cpu": "effort:table",
    "exponential_increase_cpu": "exponential_report:tables",
    "extend_cpu": "extend:table",
    "local_global_budgets_cpu": "local_global_report:table",
    "local_global_cpu": "local_global_report:table",
    "meta_composers_cpu": "meta_report:composers",
    "meta_cost_cpu": "meta_report:cost",
    "meta_inits_cpu": "meta_report:inits",
    "meta_interpolation_cpu": "meta_report:interpolation",
    "meta_partition_cpu": "meta_report:partition",
    "optimisers_cpu": "optimisers_report:table",
    "partition_matters_cpu": "partition_matters_report:tables",
    "quantisation_loss_cpu": "quantisation_loss:table",
    "rate_distortion_codecs_whole": "rate_distortion_report:tables",
    "rate_distortion_whole+rate_distortion_codecs_whole": "rate_distortion_report:tables",
    "regions_cpu": "regions:table",
    "shape_draco_cpu": "shape_draco:table",
    "signals_audio_cpu": "signals:table",
    "signals_shape_cpu": "signals:table",
    "signals_video_cpu": "signals:table",
    "sound_mp3_cpu": "sound_mp3:table",
    "speed_cpu": "speed:table",
    "streaming_cpu": "streaming:table",
}
"""Results, joined by a plus where a table needs several, and module and function that make Markdown of them."""

SEVERAL = "rate_distortion_report:tables"
"""Function that takes a list of results."""


def main() -> None:
    """Write the pages, or print the blocks of one result."""
    if len(sys.argv) > 1:
        for number, block in enumerate(blocks(Path(sys.argv[1]).stem)):
            print(f"[{number}]\n{block}\n")
        return
    PAGES.mkdir(exist_ok=True)
    for study in sorted(STUDIES.glob("*.md")):
        (PAGES / study.name).write_text(page(study), encoding="utf-8")


def page(study: Path) -> str:
    """Return the page of a study, with its tables in place."""
    title, _, text = study.read_text(encoding="utf-8").partition("\n")
    note = f"<!-- Written by `python benchmarks/report.py` from benchmarks/studies/{study.name}. -->"
    wrapped = runpy.run_path(str(common.ROOT / "docs" / "wrap.py"))["wrapped"]
    return f"{title}\n\n{note}\n" + wrapped(re.sub(r"\{\{(\S+) ([\d ]+)\}\}", _chosen, text))


def _chosen(place: re.Match[str]) -> str:
    made = blocks(place[1])
    return "\n\n".join(made[int(number)] for number in place[2].split())


@cache
def blocks(name: str) -> Sequence[str]:
    """Return the blocks of Markdown, tables and lines, that results give."""
    module, _, function = SOURCES[name].partition(":")
    make: Callable[..., str | list[Block]] = getattr(import_module(module), function)
    results = [common.read_json(common.default_out(part)) for part in name.split("+")]
    made = make(results) if SOURCES[name] == SEVERAL else make(*results)
    text = made if isinstance(made, str) else markdown(made)
    return [stripped for block in text.split("\n\n") if (stripped := block.strip("\n"))]


if __name__ == "__main__":
    common.start(main)
