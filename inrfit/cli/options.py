"""Options that several commands share, and how their values are read."""

from __future__ import annotations

import re
from typing import Annotated

import typer

from inrfit.errors import ConfigError

RUN, FILES, TALK = "Running", "Files", "Output"

Inputs = Annotated[list[str], typer.Argument(help="Files, folders, globs, or - for standard input.")]
Output = Annotated[
    str | None,
    typer.Option(
        "-o", "--output", help="File or folder to write, - for standard output.", rich_help_panel=FILES
    ),
]
Force = Annotated[
    bool, typer.Option("--force", "-f", help="Replace existing outputs.", rich_help_panel=FILES)
]
SkipExisting = Annotated[
    bool,
    typer.Option(
        help="Leave outputs that are already there, if they are intact and belong to their input.",
        rich_help_panel=FILES,
    ),
]
Recursive = Annotated[
    bool,
    typer.Option("-r", "--recursive", help="Look into folders within folders.", rich_help_panel=FILES),
]
Device = Annotated[str, typer.Option(help="auto, cpu, cuda or cuda:<number>.", rich_help_panel=RUN)]
Threads = Annotated[
    int | None,
    typer.Option(
        help="CPU threads; one per core by default. Results do not depend on it.", rich_help_panel=RUN
    ),
]
Json = Annotated[
    bool, typer.Option("--json", help="One JSON object per input on standard output.", rich_help_panel=TALK)
]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Only errors.", rich_help_panel=TALK)]
Verbose = Annotated[bool, typer.Option("--verbose", "-v", help="Say more.", rich_help_panel=TALK)]
Debug = Annotated[bool, typer.Option("--debug", help="Show where an error came from.", rich_help_panel=TALK)]


def pair(text: str | None, option: str, *, example: str) -> tuple[int, int] | None:
    """Read two whole numbers written AxB.

    Raises:
        ConfigError: the text is something else.
    """
    if text is None:
        return None
    found = re.fullmatch(r"(\d{1,9})[x×X,](\d{1,9})", text.strip())
    if not found:
        raise ConfigError(
            f"{option} {text!r} is not two whole numbers", hint=f"for example {option} {example}"
        )
    return int(found[1]), int(found[2])


def region(text: str | None) -> tuple[tuple[int, int], ...] | None:
    """Read half-open index ranges written y0:y1,x0:x1.

    Raises:
        ConfigError: the text is something else.
    """
    if text is None:
        return None
    spans = [re.fullmatch(r"(-?\d{1,9}):(-?\d{1,9})", part.strip()) for part in text.split(",")]
    if not all(spans):
        raise ConfigError(
            f"--region {text!r} is not a range for each axis",
            hint="rows first, for example --region 0:64,32:96",
        )
    return tuple((int(s[1]), int(s[2])) for s in spans if s)


def bytes_of(text: str, option: str) -> int:
    """Read a size such as 512M or 2G.

    Raises:
        ConfigError: the text is something else.
    """
    found = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([kKmMgG]?)i?[bB]?", text.strip())
    if not found:
        raise ConfigError(f"{option} {text!r} is not a size", hint=f"for example {option} 2G")
    return int(float(found[1]) * {"": 1, "k": 1 << 10, "m": 1 << 20, "g": 1 << 30}[found[2].lower()])


def count_of(text: str | None, option: str) -> int | None:
    """Read a count such as 50000, 200k or 1.5M.

    Raises:
        ConfigError: the text is something else.
    """
    if text is None:
        return None
    found = re.fullmatch(r"(\d+(?:\.\d+)?)([kKmM]?)", text.strip())
    if not found:
        raise ConfigError(f"{option} {text!r} is not a count", hint=f"for example {option} 200k")
    return int(float(found[1]) * {"": 1, "k": 10**3, "m": 10**6}[found[2].lower()])


def seconds_of(text: str | None, option: str) -> float | None:
    """Read a time such as 90, 60s or 5m.

    Raises:
        ConfigError: the text is something else.
    """
    if text is None:
        return None
    found = re.fullmatch(r"(\d+(?:\.\d+)?)\s*(s|m|min|h)?", text.strip())
    if not found:
        raise ConfigError(f"{option} {text!r} is not a time", hint=f"for example {option} 60s")
    return float(found[1]) * {None: 1, "s": 1, "m": 60, "min": 60, "h": 3600}[found[2]]
