"""What commands that make `.inr` files of signals check of inputs and outputs, and say of results; `fit` and `adapt`."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from inrfit.cli.checkpoints import checkpoint_path, clear, outlived
from inrfit.cli.console import fidelity, number, size
from inrfit.cli.inputs import Item, expand
from inrfit.cli.places import check_container, check_extra, check_spared, plan_work
from inrfit.errors import ConfigError, InrfitError, OutputError

Done = Callable[[Path | None, Path], bool]


def done(source: Path | None, output: Path) -> bool:
    """Return whether an existing output is intact and was made from this input; never of standard input."""
    from inrfit.codec.chunks import SOURCE
    from inrfit.codec.container import Reader

    if source is None:
        return False
    try:
        with Reader(output) as reader:
            made_from = reader.ancillary.get(SOURCE, b"").hex()
            return not reader.check() and made_from == hashlib.sha256(source.read_bytes()).hexdigest()
    except (InrfitError, OSError):
        return False


def planned(
    inputs: list[str],
    output: str | None,
    verb: str,
    *,
    kind: str | None,
    force: bool,
    skip_existing: bool,
    resume: bool,
    recursive: bool,
    report: str | None,
    done: Done = done,
    init: str | None = None,
) -> list[Item]:
    """Return the work of a command that makes `.inr` files of signals, all that can be refused before it refused.

    Args:
        inputs, output, force, skip_existing, resume, recursive, report, init: options.
        verb: the command.
        kind: of the signals to look for in folders; None for all.
        done: (input, existing output) -> whether it can be left as it is.

    Raises:
        ConfigError: options say opposite things, an input is a `.inr` file, or a file would be written over.
        OutputError: an output exists and may not be replaced.
    """
    from inrfit.io import input_suffixes

    if force and skip_existing:
        raise ConfigError(
            "--force and --skip-existing say opposite things of existing outputs", hint="give one of them"
        )
    check_container(output, verb)
    found = expand(inputs, input_suffixes(kind), recursive=recursive)
    for source, _ in found:
        if source is not None and source.suffix.lower() == ".inr":
            raise ConfigError(
                f"{source} is an .inr file already", hint="leave it out; inrfit decode makes a signal of it"
            )
    items = plan_work(
        found,
        output,
        lambda source: ".inr",
        force=force,
        skip=done if skip_existing else partial(finished, done) if resume else None,
        hint="use --force to replace it, or --skip-existing to leave it",
    )
    check_spared("--init", init, items)
    taken = [path for item in items for path in (item.source, item.output)]
    check_extra("--report", report, taken if init is None else [*taken, Path(init)], force=force)
    for item in items:
        if item.skip and item.output is not None:
            clear(item.output)
    return items


def summary(result: dict[str, Any]) -> str:
    """Return the line for people about a file that was written."""
    shown = result["output"] if result["output"] == "-" else Path(result["output"]).absolute()
    if result["status"] == "skipped":
        return f"{shown}  already there"
    return "  ".join(
        (
            str(shown),
            size(result["bytes"]),
            number(result["bpp"], 2, "bpp"),
            number(result["params"], unit="weights"),
            f"PSNR {fidelity(result)}",
            number(result["seconds"], 1, "s"),
        )
    )


def finished(done: Done, source: Path | None, output: Path) -> bool:
    """Return True of an output that a run made to its end, where one is to be gone on with; see `planned`.

    Raises:
        OutputError: it is other work's: of another input, or older than a checkpoint.
    """
    path = checkpoint_path(output)
    unfinished = path is not None and os.path.lexists(path) and outlived(output) is None
    if unfinished or not done(source, output):
        raise OutputError(f"{output} exists", hint="use --force to replace it, or name another file")
    return True
