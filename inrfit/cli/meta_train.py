"""`inrfit meta-train`: a folder of signals in, an init out. Its options; `meta_job.py` does the work."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

import typer

from inrfit.cli import batch, options
from inrfit.cli.console import listener, number, say, size
from inrfit.cli.inputs import STANDARD, Item, is_folder
from inrfit.cli.meta_job import MetaJob
from inrfit.cli.meta_log import is_log
from inrfit.cli.places import check_extra, check_spared, make_room, plan_work
from inrfit.cli.progress import Display
from inrfit.cli.stepwise import again
from inrfit.cli.words import said, takes
from inrfit.errors import ConfigError
from inrfit.meta.config import LEARNING
from inrfit.meta.settings import TRAIN, meta_settings

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


@takes(TRAIN)
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
    first_order: Annotated[
        bool, typer.Option("--first-order", help="Short for --order first.", rich_help_panel=LEARNING)
    ] = False,
    from_: Annotated[
        str | None,
        typer.Option(
            "--from",
            metavar="INIT",
            help="The init that one of the methods matched and shuffled is made from.",
            rich_help_panel=LEARNING,
        ),
    ] = None,
    val: Annotated[
        list[str] | None,
        typer.Option(
            "--val",
            metavar="PATH",
            help="Signals for validation, a folder or a file; several times for more. A share of the inputs by default.",
            rich_help_panel=LEARNING,
        ),
    ] = None,
    resume: options.Resume = False,
    device: options.Device = "auto",
    force: options.Force = False,
    recursive: options.Recursive = False,
    json: options.Json = False,
    quiet: options.Quiet = False,
    verbose: options.Verbose = False,
    debug: options.Debug = False,
    **given: Any,
) -> None:
    """Learn from many signals an init that `inrfit adapt` turns into a field of a new one in a few steps.

    Ctrl-C or SIGTERM leaves a checkpoint (PATH.ckpt) and prints the command that goes on. Under `torchrun`, processes share the
    signals of each step, and the first of them writes.
    """
    leads = os.environ.get("RANK", "0") == "0" or os.environ.get("WORLD_SIZE", "1") == "1"
    json, quiet, asked, force = json and leads, quiet or not leads, force, force or not leads
    with batch.json_errors(json, KEYS):
        words = said(TRAIN, given)
        if first_order and words.setdefault("order", "first") != "first":
            raise ConfigError(
                f"--first-order and --order {words['order']} say opposite things", hint="give one"
            )
        if val and "holdout" in words:
            raise ConfigError("--val and --holdout both choose what is held out", hint="give one of them")
        options.check_device(device, words.get("threads"))
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
        again=again(resume=resume),
        quiet=quiet,
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
