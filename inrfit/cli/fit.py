"""`inrfit fit`: images in, `.inr` files out."""

from __future__ import annotations

import hashlib
import shlex
import signal as signals
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from inrfit.cli import batch, options, progress
from inrfit.cli.console import number, out, say, size
from inrfit.cli.inputs import Item, expand, plan_work
from inrfit.config import FitOptions, settings
from inrfit.errors import InrfitError, Interrupted
from inrfit.registry import names

if TYPE_CHECKING:
    from inrfit.api import Plan
    from inrfit.fitting.events import FitEvent

LONG = 60.0
"""Seconds of fitting beyond which the user is told how long it will take."""

NETWORK, FITTING = "Network", "Fitting"


def command(
    inputs: options.Inputs,
    output: options.Output = None,
    partition: Annotated[str, typer.Option(help="none, grid, seg, or the path of a label image.")] = "grid",
    grid: Annotated[
        str | None,
        typer.Option(metavar="RxC", help="Rows x columns of cells; about 32 samples each by default."),
    ] = None,
    heads: Annotated[int | None, typer.Option(help="Number of regions, near-square for a grid.")] = None,
    segmenter: Annotated[str, typer.Option(help=f"Start of seg: {', '.join(names('segmenter'))}.")] = "hfs",
    params: Annotated[
        str | None,
        typer.Option(help="At most so many weights, such as 200k; half a weight per sample by default."),
    ] = None,
    steps: Annotated[int | None, typer.Option(help="Optimiser steps.")] = None,
    preset: Annotated[str | None, typer.Option(help="paper: the settings of Partition Matters.")] = None,
    target_psnr: Annotated[
        float | None, typer.Option(help="Stop when the decoded file reaches it, in dB.")
    ] = None,
    max_time: Annotated[
        str | None, typer.Option(help="Do as many steps as fit into it, such as 60s or 5m.")
    ] = None,
    model: Annotated[
        str | None, typer.Option(help=f"{', '.join(names('model'))}.", rich_help_panel=NETWORK)
    ] = None,
    activation: Annotated[
        str | None, typer.Option(help=f"{', '.join(names('activation'))}.", rich_help_panel=NETWORK)
    ] = None,
    hidden_features: Annotated[
        int | None, typer.Option(help="Width of a hidden layer, per region.", rich_help_panel=NETWORK)
    ] = None,
    hidden_layers: Annotated[
        int | None, typer.Option(help="Hidden layers after the first.", rich_help_panel=NETWORK)
    ] = None,
    first_omega_0: Annotated[
        float | None, typer.Option(help="Frequency factor of the first activation.", rich_help_panel=NETWORK)
    ] = None,
    hidden_omega_0: Annotated[
        float | None, typer.Option(help="Frequency factor of the others.", rich_help_panel=NETWORK)
    ] = None,
    scale_0: Annotated[
        float | None, typer.Option(help="Envelope factor of wire.", rich_help_panel=NETWORK)
    ] = None,
    encoding: Annotated[
        str | None, typer.Option(help=f"{', '.join(names('encoding'))}.", rich_help_panel=NETWORK)
    ] = None,
    bands: Annotated[
        int | None, typer.Option(help="Frequencies per axis of harmonic.", rich_help_panel=NETWORK)
    ] = None,
    features: Annotated[int | None, typer.Option(help="Frequencies of rff.", rich_help_panel=NETWORK)] = None,
    sigma: Annotated[
        float | None, typer.Option(help="Spread of the rff frequencies.", rich_help_panel=NETWORK)
    ] = None,
    output_activation: Annotated[
        str | None, typer.Option(help=f"{', '.join(names('output'))}.", rich_help_panel=NETWORK)
    ] = None,
    frame: Annotated[
        str | None,
        typer.Option(help="Coordinates of the networks: global or local.", rich_help_panel=NETWORK),
    ] = None,
    lr: Annotated[
        float | None, typer.Option(help="Peak learning rate of Adam.", rich_help_panel=FITTING)
    ] = None,
    schedule: Annotated[
        str | None, typer.Option(help=f"{', '.join(names('schedule'))}.", rich_help_panel=FITTING)
    ] = None,
    points: Annotated[
        str | None,
        typer.Option(help="Samples drawn per step; all of them by default.", rich_help_panel=FITTING),
    ] = None,
    weights: Annotated[
        str | None,
        typer.Option(help="Type of the stored weights: float16 or float32.", rich_help_panel=FITTING),
    ] = None,
    seed: Annotated[int, typer.Option(help="Seed of every random number.", rich_help_panel=FITTING)] = 0,
    resume: Annotated[
        bool, typer.Option(help="Go on from the checkpoint of an interrupted fit.", rich_help_panel=FITTING)
    ] = False,
    device: options.Device = "auto",
    threads: options.Threads = None,
    memory: Annotated[
        str,
        typer.Option(help="What may be kept of coordinates and targets.", rich_help_panel=options.RUN),
    ] = "2G",
    force: options.Force = False,
    skip_existing: options.SkipExisting = False,
    recursive: options.Recursive = False,
    report: Annotated[
        str | None, typer.Option(help="HTML page with pictures and the curve.", rich_help_panel=options.TALK)
    ] = None,
    json: options.Json = False,
    quiet: options.Quiet = False,
    verbose: options.Verbose = False,
    debug: options.Debug = False,
) -> None:
    """Fit neural fields to images.

    The output goes beside the input as NAME.inr unless -o says otherwise.
    """
    given: dict[str, Any] = {
        "partition": partition,
        "grid": options.pair(grid, "--grid", example="8x8"),
        "heads": heads,
        "segmenter": segmenter,
        "preset": preset,
        "model": model,
        "activation": activation,
        "hidden_features": hidden_features,
        "hidden_layers": hidden_layers,
        "first_omega_0": first_omega_0,
        "hidden_omega_0": hidden_omega_0,
        "scale_0": scale_0,
        "encoding": encoding,
        "bands": bands,
        "features": features,
        "sigma": sigma,
        "output_activation": output_activation,
        "frame": frame,
        "params": options.count_of(params, "--params"),
        "steps": steps,
        "lr": lr,
        "schedule": schedule,
        "points": options.count_of(points, "--points"),
        "max_time": options.seconds_of(max_time, "--max-time"),
        "target_psnr": target_psnr,
        "seed": seed,
        "threads": threads,
        "memory": options.bytes_of(memory, "--memory"),
        "weights": weights,
    }
    from inrfit.io import input_suffixes

    with batch.json_errors(json):
        words: FitOptions = {k: v for k, v in given.items() if v is not None}  # type: ignore[assignment]
        settings(**words)
        found = expand(inputs, input_suffixes(), recursive=recursive)
        skip = _done if skip_existing else None
        items = plan_work(found, output, lambda source: ".inr", force=force, skip=skip)
        check_report(report, force=force)
    job = _Job(
        words=words, device=device, resume=resume, quiet=quiet, verbose=verbose, keep=report is not None
    )
    with _interruptible(job):
        batch.run(
            items,
            job.work,
            as_json=json,
            debug=debug,
            summary=_summary,
            talk=_talk(quiet, to_stderr=output == "-"),
        )
    if report is not None:
        write_report(report, job.entries, force=force)


def _talk(quiet: bool, *, to_stderr: bool) -> Callable[[str], None]:
    if quiet:
        return lambda line: None
    return say if to_stderr else out


def _summary(result: dict[str, Any]) -> str:
    if result["status"] == "skipped":
        return f"{result['output']}  already there"
    shown = result["output"] if result["output"] == "-" else Path(result["output"]).absolute()
    return "  ".join(
        (
            str(shown),
            size(result["bytes"]),
            number(result["bpp"], 2, "bpp"),
            number(result["params"], unit="weights"),
            number(result["psnr"], 2, "dB"),
            number(result["seconds"], 1, "s"),
        )
    )


def _done(source: Path, output: Path) -> bool:
    """Return whether an existing output is intact and was made from this input."""
    from inrfit.codec.container import Reader

    try:
        with Reader(output) as reader:
            made_from = reader.ancillary.get("srce", b"").hex()
            return not reader.check() and made_from == hashlib.sha256(source.read_bytes()).hexdigest()
    except (InrfitError, OSError):
        return False


def check_report(report: str | None, *, force: bool) -> None:
    """Refuse a report that could not be written, before any work."""
    from inrfit.errors import OutputError

    if report is not None and Path(report).exists() and not force:
        raise OutputError(f"--report {report} exists", hint="use --force to replace it")


def write_report(report: str, entries: list[Any], *, force: bool) -> None:
    """Write the report on what was done."""
    import platform

    import numpy
    import torch

    import inrfit
    from inrfit import report as reports
    from inrfit.io.files import atomic_write

    versions = {
        "inrfit": inrfit.__version__,
        "python": platform.python_version(),
        "torch": torch.__version__,
        "numpy": numpy.__version__,
    }
    page = reports.html(entries, title="inrfit report", command=command_line(), versions=versions)
    atomic_write(Path(report), page.encode(), overwrite=force)


def command_line() -> str:
    """Return the command that runs, as it could be typed."""
    return shlex.join(["inrfit", *sys.argv[1:]])


@dataclass(kw_only=True)
class _Job:
    """What the items of a batch share."""

    words: FitOptions
    device: str
    resume: bool
    quiet: bool
    verbose: bool
    keep: bool
    interrupted: bool = False
    entries: list[Any] = field(default_factory=list)

    def work(self, item: Item) -> dict[str, Any]:
        """Fit one input and write its file."""
        from inrfit import api
        from inrfit.fitting import checkpoint
        from inrfit.fitting.loop import Progress

        source = sys.stdin.buffer.read() if item.source is None else item.source
        plan = api.plan(source, device=self.device, name=item.name, **self.words)
        self._tell(item, plan)
        kept = None if item.output is None else item.output.with_name(item.output.name + ".ckpt")
        identity = plan.identity()
        begin = checkpoint.load(kept, identity) if self.resume and kept and kept.exists() else None
        events: list[FitEvent] = []
        began = time.monotonic()
        with progress.shown(item.name, quiet=self.quiet) as show:

            def on_event(event: FitEvent) -> None:
                events.append(event)
                show(event)
                self._expect(event)

            hooks = Progress(
                on_event=on_event,
                stop=lambda: self.interrupted,
                save=None if kept is None else lambda state: checkpoint.save(state, kept, identity),
            )
            try:
                fitted = api.run(plan, progress=hooks, resume=begin)
            except Interrupted as error:
                raise _resumable(error, kept) from None
        seconds = time.monotonic() - began
        data = api.to_bytes(fitted)
        checked = api.verify(data, plan.signal, plan.device)
        self._write(item, data)
        if kept is not None:
            with suppress(OSError):
                kept.unlink(missing_ok=True)
        self._warn_target(item, checked.psnr)
        if self.keep:
            self.entries.append(_entry(item, plan, checked, events, len(data)))
        return {
            "bytes": len(data),
            "bpp": 8 * len(data) / plan.partition.domain.size,
            "params": fitted.params,
            "psnr": checked.psnr,
            "seconds": round(seconds, 3),
            "device": plan.device.name,
            "regions": len(plan.partition),
            "steps": fitted.steps,
        }

    def _write(self, item: Item, data: bytes) -> None:
        from inrfit.io.files import atomic_write

        if item.output is None:
            sys.stdout.buffer.write(data)
            sys.stdout.buffer.flush()
        else:
            item.output.parent.mkdir(parents=True, exist_ok=True)
            atomic_write(item.output, data, overwrite=True)

    def _tell(self, item: Item, plan: Plan) -> None:
        """Say what will be done, and what was noticed on the way."""
        for note in (*plan.signal.info.notes, *plan.partition.warnings):
            say(f"{item.name}: {note}")
        if self.quiet:
            return
        height, width = plan.signal.domain.shape
        model = plan.settings.model
        rule = plan.settings.partition.rule
        cells = (
            "x".join(map(str, plan.partition.grid)) if rule == "grid" else f"{len(plan.partition)} regions"
        )
        say(
            f"{plan.device.why} · {item.name} {width}×{height}×{plan.signal.channels} {plan.signal.info.dtype} · "
            f"{rule} {cells} · {model.name} {model.activation} {model.hidden_features} wide · {plan.params:,} weights"
        )
        if self.verbose:
            say(f"{item.name}: {model}")
            say(f"{item.name}: {plan.settings.fit}")

    def _expect(self, event: FitEvent) -> None:
        """Say how long a long fit will take, once its first steps are timed."""
        if event.step == 10 and not self.quiet:
            total = event.seconds / event.step * event.steps
            if total > LONG:
                say(f"about {total / 60:.0f} minutes for {event.steps} steps; Ctrl-C keeps a checkpoint")

    def _warn_target(self, item: Item, psnr: float | None) -> None:
        target = self.words.get("target_psnr")
        if target is not None and psnr is not None and psnr < target:
            say(
                f"{item.name}: {psnr:.2f} dB is below --target-psnr {target:g}; "
                "it needs more --steps or a larger --params"
            )


def _entry(item: Item, plan: Plan, field: Any, events: list[FitEvent], bytes_written: int) -> Any:
    """Return what the report shows of a fit."""
    from inrfit.cli.evaluate import entry
    from inrfit.metrics.regions import region_psnr

    target, decoded = plan.signal.dense(), field.decode(threads=plan.device.threads)
    numbers = {
        "psnr": field.psnr,
        "bytes": bytes_written,
        "bpp": 8 * bytes_written / field.domain.size,
        "params": field.params,
        "regions": len(field.partition),
        "steps": field.steps,
    }
    per_region = region_psnr(target, decoded, field.partition, field.info.value_range)
    curve = [(event.step, event.seconds, event.psnr) for event in events]
    return entry(item.name, plan.signal, decoded, field.partition, numbers, per_region, curve)


def _resumable(error: Interrupted, kept: Path | None) -> Interrupted:
    if kept is None:
        return Interrupted(error.message, hint="name an output file to be able to resume")
    again = command_line() + ("" if "--resume" in sys.argv else " --resume")
    return Interrupted(f"{error.message}; the checkpoint is {kept}", hint=f"go on with: {again}")


class _interruptible:
    """While it lasts, the first Ctrl-C asks the fit to stop after its step, the second stops at once."""

    def __init__(self, job: _Job) -> None:
        self.job = job

    def __enter__(self) -> None:
        def handle(number: int, frame: object) -> None:
            if self.job.interrupted:
                raise Interrupted("stopped at once")
            self.job.interrupted = True

        self.before = signals.signal(signals.SIGINT, handle)

    def __exit__(self, *exception: object) -> None:
        signals.signal(signals.SIGINT, self.before)
