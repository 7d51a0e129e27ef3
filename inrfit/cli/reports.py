"""HTML reports of commands: what they show of a file, and writing them."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from inrfit.cli.console import say

if TYPE_CHECKING:
    from inrfit.partitions import Partition
    from inrfit.report import Entry
    from inrfit.signal import Signal


def entry(
    name: str,
    signal: Signal,
    decoded: Any,
    partition: Partition,
    numbers: dict[str, Any],
    region_psnr: list[float],
    curve: list[tuple[int, float, float]] | None = None,
) -> Entry:
    """Return what a report shows of one file."""
    from inrfit.partitions.segments import to_rgb8
    from inrfit.partitions.summary import overlay
    from inrfit.report import Entry
    from inrfit.signal import ArraySignal

    return Entry(
        name=name,
        original=to_rgb8(signal),
        decoded=to_rgb8(ArraySignal(values=decoded, domain=signal.domain, info=signal.info)),
        overlay=overlay(signal, partition),
        numbers=numbers,
        covered=partition.labels() >= 0,
        region_psnr=region_psnr,
        region_ids=[region.id for region in partition.regions],
        areas=list(partition.areas),
        curve=curve,
    )


def write(path: str | None, entries: list[Entry], *, force: bool, quiet: bool) -> None:
    """Write the report on what was done, when one is wanted and there is something to show."""
    if path is None or not entries:
        return
    import platform

    import numpy
    import torch

    import inrfit
    from inrfit import report
    from inrfit.io.files import atomic_write

    versions = {
        "inrfit": inrfit.__version__,
        "python": platform.python_version(),
        "torch": torch.__version__,
        "numpy": numpy.__version__,
    }
    page = report.html(entries, title="inrfit report", command=command_line(), versions=versions)
    atomic_write(Path(path), page.encode("utf-8", "backslashreplace"), overwrite=force)
    if not quiet:
        say(f"report: {Path(path).absolute()}")


def command_line(*inserted: str) -> str:
    """Return the command that runs, as it could be typed, with options put in after the verb."""
    words = sys.argv[1:]
    return shlex.join(["inrfit", *words[:1], *inserted, *words[1:]])
