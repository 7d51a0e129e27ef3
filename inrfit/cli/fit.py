"""`inrfit fit`: signals in, `.inr` files out. Its options; `fit_job.py` does the work."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from inrfit.cli import batch, options, reports
from inrfit.cli import fit_options as network
from inrfit.cli.console import listener, say
from inrfit.cli.fit_batch import Batch
from inrfit.cli.fit_job import Job
from inrfit.cli.fit_outputs import check_inputs, check_output, clear_finished, done, finished, paths, summary
from inrfit.cli.inputs import check_extra, expand, plan_work
from inrfit.cli.options import default
from inrfit.cli.progress import Display
from inrfit.config import CELL, FitOptions, Settings, settings
from inrfit.errors import ConfigError
from inrfit.presets import DEFAULT_EFFORT, PRESETS

KEYS: dict[str, str] = {}
"""Keys of the command's own in JSON."""


def command(
    inputs: options.Inputs,
    output: options.Output = None,
    kind: options.Kind = None,
    partition: Annotated[
        str | None,
        typer.Option(
            metavar="RULE",
            help="none, grid, seg, or the path of a label image; grid by default, none with --model mlp.",
        ),
    ] = None,
    grid: Annotated[
        str | None,
        typer.Option(
            metavar="RxC",
            help="Rows x columns of cells; as many numbers as there are axes, slowest first. Not with --heads.",
        ),
    ] = None,
    cell: Annotated[
        str | None,
        typer.Option(
            metavar="SIDE",
            help=f"Nominal side of a cell in samples, one number or one for each axis; {CELL} by default for an image. "
            "Not with --grid or --heads.",
        ),
    ] = None,
    heads: options.Heads = None,
    segmenter: options.Segmenter = "hfs",
    sound: options.Sound = None,
    target: options.Target = None,
    resolution: options.Resolution = None,
    spacing: options.Spacing = None,
    range_: options.Range = None,
    nodata: options.NoData = None,
    no_metadata: options.NoMetadata = False,
    params: Annotated[
        str | None,
        typer.Option(
            metavar="COUNT",
            help="At most so many weights, such as 200k, in a coarser grid where they are few; half a weight per sample by "
            "default. "
            "Not with --hidden-features.",
        ),
    ] = None,
    effort: Annotated[
        int | None,
        typer.Option(
            metavar="1..9",
            help="How much is done: steps, cell side and depth from the measured front of time and quality; "
            f"{DEFAULT_EFFORT} by default.",
        ),
    ] = None,
    steps: Annotated[
        int | None, typer.Option(help=f"Optimiser steps; {default('steps')} by default.")
    ] = None,
    preset: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help=f"Settings to start from: {', '.join(PRESETS)} (Partition Matters, Local-Global).",
        ),
    ] = None,
    target_psnr: Annotated[
        float | None,
        typer.Option(metavar="DB", help="Stop as soon as the decoded file reaches it, at most 0.1 dB above."),
    ] = None,
    quality: Annotated[
        float | None,
        typer.Option(
            "--quality", "-q", metavar="0..100", help="Small files: weights by quality, bits saved."
        ),
    ] = None,
    target_size: Annotated[
        str | None,
        typer.Option(metavar="BYTES", help="The best file of at most so many bytes, such as 60k."),
    ] = None,
    target_bpp: Annotated[
        float | None, typer.Option(metavar="BITS", help="The same in bits per sample: per pixel of an image.")
    ] = None,
    max_time: Annotated[
        str | None, typer.Option(metavar="TIME", help="Do as many steps as fit into it, such as 60s or 5m.")
    ] = None,
    model: network.Model = None,
    activation: network.Activation = None,
    hidden_features: network.HiddenFeatures = None,
    hidden_layers: network.HiddenLayers = None,
    first_omega_0: network.FirstOmega = None,
    hidden_omega_0: network.HiddenOmega = None,
    scale_0: network.Scale = None,
    encoding: network.Encoding = None,
    bands: network.Bands = None,
    features: network.Features = None,
    sigma: network.Sigma = None,
    output_activation: network.OutputActivation = None,
    frame: network.Frame = None,
    trunk_features: network.TrunkFeatures = None,
    global_share: network.GlobalShare = None,
    trunk_frame: network.TrunkFrame = None,
    trunk_omega_0: network.TrunkOmega = None,
    modulated: network.Modulated = None,
    pitch: network.Pitch = None,
    levels: network.Levels = None,
    feature_channels: network.FeatureChannels = None,
    lr: network.Lr = None,
    optimiser: network.Optimiser = None,
    beta1: network.Beta1 = None,
    beta2: network.Beta2 = None,
    schedule: network.Schedule = None,
    points: network.Points = None,
    sampling: network.Sampling = None,
    overlap: network.Overlap = None,
    span: network.Span = None,
    weights: network.Weights = None,
    rate: network.Rate = None,
    kernel: network.Kernel = None,
    seed: Annotated[
        int, typer.Option(help="Seed of every random number.", rich_help_panel=network.FITTING)
    ] = 0,
    resume: Annotated[
        bool,
        typer.Option(
            "--resume",
            help="Go on from the checkpoint of an interrupted fit.",
            rich_help_panel=network.FITTING,
        ),
    ] = False,
    device: options.Device = "auto",
    threads: options.Threads = None,
    memory: Annotated[
        str,
        typer.Option(
            metavar="SIZE", help="What may be kept of coordinates and targets.", rich_help_panel=options.RUN
        ),
    ] = "2G",
    force: options.Force = False,
    skip_existing: options.SkipExisting = False,
    at_once: Annotated[
        bool,
        typer.Option(
            "--batch",
            help="Fit many small inputs at once, those of one shape together; the files are the same.",
            rich_help_panel=options.RUN,
        ),
    ] = False,
    recursive: options.Recursive = False,
    report: Annotated[
        str | None,
        typer.Option(
            metavar="FILE", help="HTML page with pictures and the curve.", rich_help_panel=options.TALK
        ),
    ] = None,
    json: options.Json = False,
    quiet: options.Quiet = False,
    verbose: options.Verbose = False,
    debug: options.Debug = False,
) -> None:
    """Fit neural fields to images, sounds, clips, shapes and volumes.

    The output goes beside the input as NAME.inr unless -o says otherwise.
    """
    from inrfit.io import input_suffixes

    with batch.json_errors(json, KEYS):
        given: dict[str, Any] = {
            **options.reading(
                kind, sound, target, resolution, spacing, range_, nodata, no_metadata=no_metadata
            ),
            "partition": partition,
            "grid": options.counts(grid, "--grid", example="8x8"),
            "cell": options.one_or_each(cell, "--cell", example="32, or 8x32x32"),
            "heads": heads,
            "segmenter": segmenter,
            "preset": preset,
            "effort": effort,
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
            "trunk_features": trunk_features,
            "trunk_frame": trunk_frame,
            "trunk_omega_0": trunk_omega_0,
            "modulated": modulated,
            "pitch": pitch,
            "levels": levels,
            "feature_channels": feature_channels,
            "global_share": global_share,
            "params": options.count_of(params, "--params"),
            "steps": steps,
            "lr": lr,
            "optimiser": optimiser,
            "beta1": beta1,
            "beta2": beta2,
            "schedule": schedule,
            "points": options.count_of(points, "--points"),
            "sampling": sampling,
            "overlap": options.one_or_each(overlap, "--overlap", example="2, or 1x2x2"),
            "max_time": options.seconds_of(max_time, "--max-time"),
            "target_psnr": target_psnr,
            "quality": quality,
            "target_size": options.count_of(target_size, "--target-size"),
            "target_bpp": target_bpp,
            "rate": rate,
            "seed": seed,
            "threads": threads,
            "memory": options.bytes_of(memory, "--memory"),
            "span": span,
            "weights": weights,
            "kernel": kernel,
        }
        words: FitOptions = {k: v for k, v in given.items() if v is not None}  # type: ignore[assignment]
        options.check_device(device, threads)
        _check_batch(at_once, resume, settings(**words))
        options.check_labels(settings(**words))
        options.check_stdout(output, json=json)
        check_output(output, "fit", force=force, skip_existing=skip_existing)
        found = expand(inputs, input_suffixes(kind), recursive=recursive)
        check_inputs([source for source, _ in found])
        items = plan_work(
            found,
            output,
            lambda source: ".inr",
            force=force,
            skip=done if skip_existing else finished if resume else None,
            hint="use --force to replace it, or --skip-existing to leave it",
        )
        check_extra("--report", report, paths(items), force=force)
        clear_finished(items)
    job = Job(
        words=words,
        device=device,
        resume=resume,
        takes_up=skip_existing,
        force=force,
        again=_again(len(items), resume=resume or at_once, replacing=force or skip_existing),
        talk=(lambda line: None) if quiet else say,
        verbose=verbose,
        display=Display(quiet=quiet, limited=max_time is not None),
        report=report is not None,
    )
    talk = listener(quiet=quiet, data_on_stdout=output == "-")
    work = Batch(job, items).work if at_once else job.work
    _, code = batch.run(
        items, work, keys=KEYS, as_json=json, debug=debug, summary=summary, talk=talk, again=job.again
    )
    reports.write(report, job.entries, force=force, quiet=quiet)
    batch.leave(code)


def _check_batch(at_once: bool, resume: bool, settings: Settings) -> None:
    """Refuse what does not go with several fits at once."""
    if not at_once:
        return
    if resume:
        raise ConfigError(
            "--resume needs a checkpoint, which --batch does not keep",
            hint="give --skip-existing to go on with the inputs that have no file yet",
        )
    from inrfit.fitting.plan import check_many

    check_many(settings.fit)


def _again(inputs: int, *, resume: bool, replacing: bool) -> tuple[str, ...]:
    """Return the options that a command needs to go on after an interruption."""
    skip = () if inputs == 1 or replacing else ("--skip-existing",)
    return (() if resume else ("--resume",)) + skip
