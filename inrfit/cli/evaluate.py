"""`inrfit eval`: how good decoded files are, against the signals they were made from."""

from __future__ import annotations

import json as json_module
import math
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import numpy as np
import typer

from inrfit.cli import batch, options
from inrfit.cli.console import number, out, say, size
from inrfit.cli.inputs import Item, expand
from inrfit.errors import ConfigError, InputError
from inrfit.registry import check, names

if TYPE_CHECKING:
    from inrfit.partitions import Partition
    from inrfit.signal import Signal


def command(
    inputs: options.Inputs,
    reference: Annotated[
        str | None,
        typer.Option(help="The original, or a folder with the originals; beside the file by default."),
    ] = None,
    metrics: Annotated[
        str, typer.Option(help=f"Some of {', '.join(names('metric'))}, separated by commas.")
    ] = ",".join(names("metric")),
    report: Annotated[str | None, typer.Option(help="HTML page with pictures and numbers.")] = None,
    device: options.Device = "auto",
    threads: options.Threads = None,
    force: options.Force = False,
    recursive: options.Recursive = False,
    json: options.Json = False,
    quiet: options.Quiet = False,
    debug: options.Debug = False,
) -> None:
    """Measure decoded .inr files against their originals."""
    from inrfit.cli.fit import check_report, write_report

    with batch.json_errors(json):
        wanted = [name.strip() for name in metrics.split(",") if name.strip()]
        for name in wanted:
            check("metric", name, option="--metrics")
        found = expand(inputs, (".inr",), recursive=recursive)
        if any(source is None for source, _ in found) and (reference is None or Path(reference).is_dir()):
            raise ConfigError("standard input needs --reference with a file")
        if reference is not None and not Path(reference).exists():
            raise InputError(f"--reference {reference} does not exist")
        if reference is not None and len(found) > 1 and not Path(reference).is_dir():
            raise ConfigError(
                f"--reference {reference} is one file for {len(found)} inputs", hint="give a folder"
            )
        check_report(report, force=force)
    entries: list[Any] = []

    def work(item: Item) -> dict[str, Any]:
        import sys

        from inrfit import api
        from inrfit.device import pick_device

        picked = pick_device(device, threads)
        data = sys.stdin.buffer.read() if item.source is None else item.source
        original = _original(item, reference)
        signal, field = api.read(original), api.load(data)
        measured = api.evaluate(data, signal, metrics=wanted, device=picked.name, threads=picked.threads)
        if report is not None:
            decoded = field.decode(device=picked.name, threads=picked.threads)
            shown = {k: v for k, v in measured.items() if not isinstance(v, list)}
            entries.append(
                entry(item.name, signal, decoded, field.partition, shown, measured["region_psnr"], None)
            )
        return {"output": None, "reference": str(original), "device": picked.name, **measured}

    items = [Item(source=path, output=None) for path, _ in found]
    quietly = (lambda line: None) if quiet else out
    results = batch.run(items, work, as_json=json, debug=debug, summary=_summary, talk=quietly)
    _mean(results, wanted, as_json=json, quiet=quiet)
    if report is not None:
        write_report(report, entries, force=force)
        if not quiet:
            say(f"report: {Path(report).absolute()}")


def _original(item: Item, reference: str | None) -> Path:
    """Find the original of a file: named, of the same name in a folder, or beside it."""
    from inrfit.io import input_suffixes

    if reference is not None and not Path(reference).is_dir():
        return Path(reference)
    source = item.source or Path()
    folder = source.parent if reference is None else Path(reference)
    found = [path for suffix in input_suffixes() if (path := folder / (source.stem + suffix)).is_file()]
    if len(found) == 1:
        return found[0]
    what = "no original" if not found else f"{len(found)} possible originals"
    raise InputError(
        f"{item.name}: {what} named {source.stem}.* in {folder}", hint="name the original with --reference"
    )


def _summary(result: dict[str, Any]) -> str:
    shown = [
        f"{name.upper()} {number(result[name], 2 if name == 'psnr' else 4, 'dB' if name == 'psnr' else '')}"
        for name in names("metric")
        if name in result
    ]
    psnr = [p for p in result["region_psnr"] if p is not None]
    regions = f"regions {min(psnr):.2f} to {max(psnr):.2f} dB" if psnr else ""
    border = f"border error {number(result['border_error'])}"
    rate = f"{size(result['bytes'])}  {result['bpp']:.3f} bpp"
    return "  ".join([result["input"], *shown, rate, regions, border])


def _mean(results: list[dict[str, Any]], metrics: list[str], *, as_json: bool, quiet: bool) -> None:
    """Report the means over several files; PSNR both as a mean and of the mean error, which differ."""
    from inrfit.metrics.fidelity import psnr_of_mean_mse

    done = [result for result in results if result["status"] == "ok"]
    if len(done) < 2:
        return
    means: dict[str, Any] = {"status": "mean", "inputs": len(done)}
    for name in (*metrics, "bpp", "bytes"):
        values = [r[name] for r in done if r[name] is not None and math.isfinite(r[name])]
        means[name] = float(np.mean(values)) if values else None
    means["psnr_of_mean_mse"] = psnr_of_mean_mse([r["mse"] for r in done])
    if as_json:
        out(json_module.dumps(batch.plain(means)))
    elif not quiet:
        out(
            f"mean of {len(done)}: PSNR {number(means.get('psnr'))} dB "
            f"({number(means['psnr_of_mean_mse'])} dB of the mean error), {means['bpp']:.3f} bpp"
        )


def entry(
    name: str,
    signal: Signal,
    decoded: Any,
    partition: Partition,
    numbers: dict[str, Any],
    region_psnr: list[float],
    curve: list[tuple[int, float, float]] | None,
) -> Any:
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
        region_psnr=region_psnr,
        areas=list(partition.areas),
        curve=curve,
    )
