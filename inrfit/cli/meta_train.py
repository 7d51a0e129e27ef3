"""`inrfit meta-train`: a folder of signals in, an init out. Its options; `meta_job.py` does the work."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

import typer

from inrfit.cli import batch, options
from inrfit.cli import fit_options as network
from inrfit.cli import meta_options as learning
from inrfit.cli.console import listener, number, say, size
from inrfit.cli.inputs import STANDARD, Item, check_extra, check_spared, is_folder, make_room, plan_work
from inrfit.cli.meta_job import MetaJob
from inrfit.cli.meta_log import is_log
from inrfit.cli.progress import Display
from inrfit.errors import ConfigError

SUFFIX = ".safetensors"
"""Of an init."""

KEYS = {
    "hash": "SHA-256 of the init, in hex",
    "kind": "of the signals",
    "method": "how it was learned",
    "steps": "outer steps done",
    "val_psnr": "dB of the held-out signals after the inner steps, mean; null where there are none",
    "val_psnr_before": "the same before the first outer step",
    "signals": "number of signals to learn from, with those that were skipped",
    "val_signals": "number of held-out signals",
    "skipped": "signals that could not be used: objects with `input` and `reason`",
}
"""Keys of the command's own in JSON; `output` is the init, `params` counts all that was learned, `psnr` is null."""


def command(
    inputs: Annotated[
        list[str], typer.Argument(metavar="FOLDER", help="Folders, files or globs of signals of one kind.")
    ],
    output: Annotated[
        str,
        typer.Option(
            "-o",
            "--output",
            metavar="PATH",
            help="Init to write, such as init.safetensors; a log (.csv) and a curve (.svg) go beside it. "
            "- for standard output.",
            rich_help_panel=options.FILES,
        ),
    ],
    kind: options.Kind = None,
    method: learning.Method = None,
    preset: learning.Preset = None,
    crop: learning.Size = None,
    steps: learning.Steps = None,
    batch_size: learning.Batch = None,
    inner_steps: learning.InnerSteps = None,
    inner_lr: learning.InnerLr = None,
    outer_lr: learning.OuterLr = None,
    rates: learning.Rates = None,
    rate_lr: learning.RateLr = None,
    order: learning.Order = None,
    first_order: learning.FirstOrder = False,
    loss: learning.Loss = None,
    solve: learning.Solve = None,
    view: learning.View = None,
    no_augment: learning.NoAugment = False,
    points: learning.Points = None,
    clip: learning.Clip = None,
    schedule: learning.Schedule = None,
    seed: learning.Seed = None,
    from_: learning.From = None,
    val: learning.Val = None,
    holdout: learning.Holdout = None,
    val_every: learning.ValEvery = None,
    resume: learning.Resume = False,
    partition: Annotated[
        str | None,
        typer.Option(metavar="RULE", help="How crops are divided: grid (the default), none or seg."),
    ] = None,
    grid: Annotated[
        str | None, typer.Option(metavar="RxC", help="Rows x columns of cells of a crop. Not with --heads.")
    ] = None,
    cell: Annotated[
        str | None,
        typer.Option(
            metavar="SIDE",
            help=f"Nominal side of a cell in samples; {learning.by_kind('cell')} by default. Not with --grid or --heads.",
        ),
    ] = None,
    heads: options.Heads = None,
    segmenter: Annotated[
        str | None, typer.Option(metavar="NAME", help="Over-segmentation of seg, as for fit.")
    ] = None,
    target: options.Target = None,
    model: network.Model = None,
    activation: network.Activation = None,
    hidden_features: Annotated[
        int | None,
        typer.Option(
            help=f"Width of a region's network; {learning.by_kind('hidden_features')} by default.",
            rich_help_panel=network.NETWORK,
        ),
    ] = None,
    hidden_layers: Annotated[
        int | None,
        typer.Option(
            help=f"Hidden layers after the first; {learning.by_kind('hidden_layers')} by default.",
            rich_help_panel=network.NETWORK,
        ),
    ] = None,
    first_omega_0: Annotated[
        float | None,
        typer.Option(
            help=f"Frequency factor of the first activation; {learning.by_kind('first_omega_0')} by default.",
            rich_help_panel=network.NETWORK,
        ),
    ] = None,
    hidden_omega_0: Annotated[
        float | None,
        typer.Option(
            help=f"Frequency factor of the others; {learning.by_kind('hidden_omega_0')} by default.",
            rich_help_panel=network.NETWORK,
        ),
    ] = None,
    scale_0: network.Scale = None,
    encoding: network.Encoding = None,
    bands: network.Bands = None,
    features: network.Features = None,
    sigma: network.Sigma = None,
    output_activation: network.OutputActivation = None,
    frame: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help="Coordinates of the networks: of their region (local, the default) or of the crop (global).",
            rich_help_panel=network.NETWORK,
        ),
    ] = None,
    trunk_features: network.TrunkFeatures = None,
    global_share: network.GlobalShare = None,
    trunk_frame: network.TrunkFrame = None,
    trunk_omega_0: network.TrunkOmega = None,
    rank: learning.Rank = None,
    patch: learning.Patch = None,
    groups: learning.Groups = None,
    hyper_features: learning.HyperFeatures = None,
    hyper_blocks: learning.HyperBlocks = None,
    hyper_heads: learning.HyperHeads = None,
    hyper_dropout: learning.HyperDropout = None,
    device: options.Device = "auto",
    threads: options.Threads = None,
    memory: learning.Memory = "2G",
    precision: learning.Precision = None,
    force: options.Force = False,
    recursive: options.Recursive = False,
    json: options.Json = False,
    quiet: options.Quiet = False,
    verbose: options.Verbose = False,
    debug: options.Debug = False,
) -> None:
    """Learn from many signals an init that `inrfit adapt` turns into a field of a new one in a few steps.

    Ctrl-C or SIGTERM leaves a checkpoint (PATH.ckpt) and prints the command that goes on. Under `torchrun`, processes share the
    signals of each step, and the first of them writes.
    """
    leads = os.environ.get("RANK", "0") == "0" or os.environ.get("WORLD_SIZE", "1") == "1"
    json, quiet, asked, force = json and leads, quiet or not leads, force, force or not leads
    with batch.json_errors(json, KEYS):
        if first_order and order not in (None, "first"):
            raise ConfigError(f"--first-order and --order {order} say opposite things", hint="give one")
        if val and holdout is not None:
            raise ConfigError("--val and --holdout both choose what is held out", hint="give one of them")
        given: dict[str, Any] = {
            **options.reading(kind, None, target, None, None),
            "method": method,
            "preset": preset,
            "size": crop,
            "steps": steps,
            "batch": batch_size,
            "inner_steps": inner_steps,
            "inner_lr": inner_lr,
            "outer_lr": outer_lr,
            "rates": rates,
            "rate_lr": rate_lr,
            "order": "first" if first_order else order,
            "loss": loss,
            "solve": solve,
            "view": view,
            "augment": False if no_augment else None,
            "points": options.count_of(points, "--points"),
            "clip": clip,
            "schedule": schedule,
            "seed": seed,
            "holdout": holdout,
            "val_every": val_every,
            "partition": partition,
            "grid": options.counts(grid, "--grid", example="2x2"),
            "cell": options.one_or_each(cell, "--cell", example="32"),
            "heads": heads,
            "segmenter": segmenter,
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
            "global_share": global_share,
            "trunk_frame": trunk_frame,
            "trunk_omega_0": trunk_omega_0,
            "rank": rank,
            "patch": patch,
            "groups": groups,
            "hyper_features": hyper_features,
            "hyper_blocks": hyper_blocks,
            "hyper_heads": hyper_heads,
            "hyper_dropout": hyper_dropout,
            "precision": precision,
            "memory": options.bytes_of(memory, "--memory"),
            "threads": threads,
        }
        words = {word: value for word, value in given.items() if value is not None}
        options.check_device(device, threads)
        options.check_stdout(output, json=json)
        _check_words(words)
        item = _item(inputs, output, force=force, resume=resume)
        check_spared("--from", from_, [item])
    talk = listener(quiet=quiet, data_on_stdout=output == STANDARD)
    job = MetaJob(
        inputs=inputs,
        words=words,
        val=val or [],
        base=from_,
        recursive=recursive,
        device=device,
        resume=resume,
        force=asked,
        leads=leads,
        talk=(lambda line: None) if quiet else say,
        warn=say if leads else lambda line: None,
        verbose=verbose,
        display=Display(quiet=quiet, limited=False, shorten="--steps shortens it"),
    )
    _, code = batch.run([item], job.work, keys=KEYS, as_json=json, debug=debug, summary=_summary, talk=talk)
    batch.leave(code)


def _check_words(words: dict[str, Any]) -> None:
    """Refuse options that cannot work before any work.

    Raises:
        ConfigError: there is one.
    """
    from inrfit.meta.settings import meta_settings

    options.check_labels(meta_settings(words.get("kind", "image"), words))


def _item(inputs: Sequence[str], output: str, *, force: bool, resume: bool) -> Item:
    """Return the work: what stands for the inputs in results, and the init.

    Raises:
        ConfigError: the output has a name of another format, or is an input. OutputError: a file exists already.
    """
    if output != STANDARD and Path(output).suffix.lower() not in ("", SUFFIX):
        raise ConfigError(
            f"-o {output} names a file of another format, but meta-train writes {SUFFIX} files",
            hint=f"for example -o {Path(output).with_suffix(SUFFIX)}",
        )
    source = Path(inputs[0])
    named = (None if is_folder(source) else source, Path(source.stem or "init"))
    (item,) = plan_work(
        [named], output, lambda source: SUFFIX, force=force, skip=(lambda *_: False) if resume else None
    )
    item = replace(item, source=source)
    if item.output is not None and not (resume and item.output.exists()):
        make_room(item.output)
        log, curve = item.output.with_suffix(".csv"), item.output.with_suffix(".svg")
        goes_on = resume and is_log(log)
        check_extra("the log", str(log), [source, item.output], force=force or goes_on)
        check_extra("the curve", str(curve), [source, item.output], force=force)
    return item


def _summary(result: dict[str, Any]) -> str:
    shown = result["output"] if result["output"] == STANDARD else Path(result["output"]).absolute()
    if result["status"] == "skipped":
        return f"{shown}  already there"
    before = result["val_psnr_before"]
    was = "" if before is None else f" (was {number(before, 2, 'dB')})"
    return "  ".join(
        (
            str(shown),
            size(result["bytes"]),
            number(result["params"], unit="numbers"),
            f"{result['signals']} signals",
            f"validation PSNR {number(result['val_psnr'], 2, 'dB')}{was}",
            number(result["seconds"], 1, "s"),
            f"hash {result['hash'][:12]}",
        )
    )
