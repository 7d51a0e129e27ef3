"""What commands that make `.inr` files of signals check of inputs and outputs, and say of results; `fit` and `adapt`."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path
from typing import Any

from inrfit.cli.checkpoints import checkpoint_path, clear, outlived
from inrfit.cli.console import fidelity, number, size
from inrfit.cli.inputs import Item, check_container
from inrfit.errors import ConfigError, InrfitError, OutputError


def check_inputs(sources: list[Path | None]) -> None:
    """Refuse what is fitted already; its output would be itself."""
    for source in sources:
        if source is not None and source.suffix.lower() == ".inr":
            raise ConfigError(
                f"{source} is an .inr file already", hint="leave it out; inrfit decode makes a signal of it"
            )


def paths(items: list[Item]) -> list[Path | None]:
    """Return all inputs and outputs."""
    return [path for item in items for path in (item.source, item.output)]


def check_output(output: str | None, verb: str, *, force: bool, skip_existing: bool) -> None:
    """Refuse what cannot be meant."""
    if force and skip_existing:
        raise ConfigError(
            "--force and --skip-existing say opposite things of existing outputs", hint="give one of them"
        )
    check_container(output, verb)


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


def finished(source: Path | None, output: Path) -> bool:
    """Return True of an output that a run made to its end, where one is to be gone on with.

    Raises:
        OutputError: it is other work's: of another input, or older than a checkpoint.
    """
    path = checkpoint_path(output)
    unfinished = path is not None and os.path.lexists(path) and outlived(output) is None
    if unfinished or not done(source, output):
        raise OutputError(f"{output} exists", hint="use --force to replace it, or name another file")
    return True


def clear_finished(items: list[Item]) -> None:
    """Remove what runs that were killed in their last moment left beside outputs that are done."""
    for item in items:
        if item.skip and item.output is not None:
            clear(item.output)
