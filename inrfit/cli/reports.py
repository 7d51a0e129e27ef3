"""HTML reports of commands: what they show of a file, and writing them."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from inrfit.cli.console import say

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from inrfit.device import Device
    from inrfit.domain import Box, Domain
    from inrfit.field import Field
    from inrfit.io.kinds import SignalKind
    from inrfit.report import Entry
    from inrfit.signal import Signal, SignalInfo


def entry(
    name: str,
    signal: Signal,
    field: Field,
    device: Device,
    numbers: dict[str, Any],
    region_psnr: list[float],
    curve: list[tuple[int, float, float]] | None = None,
    frame_psnr: list[float | None] | None = None,
) -> Entry:
    """Return what a report shows of one file."""
    from inrfit import io
    from inrfit.partitions.summary import overlay
    from inrfit.render.output import Output
    from inrfit.report import Entry

    kind, partition = io.kind_of(signal.info.kind), field.partition
    flat = signal.domain.dimensions == 2

    def decoded(box: Box) -> NDArray[Any]:
        counted = box.from_origin(field.domain.origin)
        return field.bands(Output(region=counted), device).array()

    return Entry(
        name=name,
        original=_seen(kind, signal.domain, signal.info, signal.dense),
        decoded=_seen(kind, signal.domain, signal.info, decoded),
        overlay=overlay(signal, partition) if flat else None,
        numbers=numbers,
        covered=partition.labels() >= 0 if flat else None,
        region_psnr=region_psnr,
        region_ids=[region.id for region in partition.regions],
        areas=list(partition.areas),
        curve=curve,
        frame_psnr=frame_psnr,
    )


def _seen(
    kind: SignalKind, domain: Domain, info: SignalInfo, part: Callable[[Box], NDArray[Any]]
) -> NDArray[Any]:
    """Return the views of a signal side by side, those that are lower than others with black below."""
    import numpy as np

    from inrfit.signal import Bands

    views = [kind.picture(Bands.of(part(box), domain, info)) for box in kind.views(domain)]
    height = max(view.shape[0] for view in views)
    return np.concatenate(
        [np.pad(view, ((0, height - view.shape[0]), (0, 0), (0, 0))) for view in views], axis=1
    )


def write(path: str | None, entries: list[Entry], *, force: bool, quiet: bool) -> None:
    """Write the report on what was done, when one is wanted and there is something to show."""
    if path is None or not entries:
        return
    from inrfit import report
    from inrfit.cli.outputs import put_extra

    page = report.html(entries, title="inrfit report", command=command_line(), versions=versions())
    put_extra(Path(path), (page.encode("utf-8", "backslashreplace"),), force=force)
    if not quiet:
        say(f"report: {Path(path).absolute()}")


def versions() -> dict[str, str]:
    """Return the version of what makes reports, by name."""
    import platform

    import numpy
    import torch

    import inrfit

    return {
        "inrfit": inrfit.__version__,
        "python": platform.python_version(),
        "torch": torch.__version__,
        "numpy": numpy.__version__,
    }


def command_line(*inserted: str) -> str:
    """Return the command that runs, as it could be typed, with options put in after the verb."""
    words = sys.argv[1:]
    verb = next(
        (n for n, w in enumerate(words, 1) if w[:1] != "-" and words[n - 2 : n - 1] != ["--import"]), 1
    )
    return shlex.join(["inrfit", *words[:verb], *inserted, *words[verb:]])
