"""Options that several commands share, and how their values are read."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Annotated, Any

import typer

from inrfit.cli.inputs import is_file, is_folder
from inrfit.domain import Typed
from inrfit.errors import ConfigError, InputError
from inrfit.fitting.config import RUN

if TYPE_CHECKING:
    from inrfit.fitting.settings import Settings
    from inrfit.meta.settings import MetaSettings

FILES, TALK = "Files", "Output"

Inputs = Annotated[
    list[str], typer.Argument(metavar="IN", help="Files, folders, globs, or - for standard input.")
]
Output = Annotated[
    str | None,
    typer.Option(
        "-o",
        "--output",
        metavar="PATH",
        help="File to write, folder (a name without suffix), or - for standard output.",
        rich_help_panel=FILES,
    ),
]
NoMetadata = Annotated[
    bool,
    typer.Option(
        "--no-metadata",
        help="Leave out what tells of the source: the EXIF block, title, artist and so on. The colour profile stays.",
    ),
]
Init = Annotated[
    str | None,
    typer.Option(
        metavar="FILE",
        help="Init of a file that keeps only what adapted; one beside the file is found without this.",
        rich_help_panel=FILES,
    ),
]
Force = Annotated[
    bool, typer.Option("--force", "-f", help="Replace existing outputs.", rich_help_panel=FILES)
]
SkipExisting = Annotated[
    bool,
    typer.Option(
        "--skip-existing",
        help="Leave outputs that are intact and were made from their input as it is now. Not with --force.",
        rich_help_panel=FILES,
    ),
]
Recursive = Annotated[
    bool,
    typer.Option("-r", "--recursive", help="Look into folders within folders.", rich_help_panel=FILES),
]
Resume = Annotated[
    bool,
    typer.Option("--resume", help="Go on from the checkpoint of an interrupted run.", rich_help_panel=RUN),
]
AtOnce = Annotated[
    bool,
    typer.Option(
        "--batch",
        help="Fit many small inputs at once, those of one shape together; the files are the same.",
        rich_help_panel=RUN,
    ),
]
Device = Annotated[str, typer.Option(help="auto, cpu, cuda or cuda:N.", rich_help_panel=RUN)]
Threads = Annotated[
    int | None,
    typer.Option(
        help="CPU threads; one per core by default. Results do not depend on it.", rich_help_panel=RUN
    ),
]
Report = Annotated[
    str | None,
    typer.Option(metavar="FILE", help="HTML page with pictures and the curve.", rich_help_panel=TALK),
]
Json = Annotated[
    bool, typer.Option("--json", help="One JSON object per input on standard output.", rich_help_panel=TALK)
]
Quiet = Annotated[bool, typer.Option("--quiet", help="Say only what failed.", rich_help_panel=TALK)]
Verbose = Annotated[bool, typer.Option("--verbose", "-v", help="Say more.", rich_help_panel=TALK)]
Debug = Annotated[bool, typer.Option("--debug", help="Show where an error came from.", rich_help_panel=TALK)]


def read_init(path: str | None) -> Any:
    """Return the init that an option names, None where it names none.

    Raises:
        InputError: it is not there, or is no init.
    """
    if path is None:
        return None
    from inrfit.meta.init import read

    if not is_file(path):
        raise InputError(
            f"--init {path}: {'is a folder, not an init' if is_folder(path) else 'no such file'}",
            hint="make one with `inrfit meta-train FOLDER -o init.safetensors`",
        )
    return read(path)


def check_stdout(output: str | None, *, json: bool) -> None:
    """Refuse to mix a file and JSON on standard output."""
    if output == "-" and json:
        raise ConfigError("-o - and --json both write to standard output", hint="give one of them")


def check_device(device: str, threads: int | None) -> None:
    """Refuse a device that is not there before any work; "auto" is not looked up here, which would import torch.

    Raises:
        DeviceError: the device is not there. ConfigError: the number of threads cannot be.
    """
    from inrfit.device import pick_device

    pick_device("cpu" if device == "auto" else device, threads)


def check_labels(settings: Settings | MetaSettings) -> None:
    """Refuse a label image that is not there before any work.

    Raises:
        ConfigError: the path is missing. InputError: there is no such file.
    """
    if settings.partition.rule != "labels":
        return
    if settings.partition.labels is None:
        raise ConfigError(
            "--partition labels needs a label image",
            hint="give its path in place of the word, for example --partition regions.png",
        )
    if not is_file(settings.partition.labels):
        raise InputError(
            f"--partition {settings.partition.labels}: no such file",
            hint="give none, grid, seg, or the path of a label image",
        )


def region(text: str | None) -> tuple[tuple[Typed | None, Typed | None], ...] | None:
    """Read half-open ranges written y0:y1,x0:x1, with open ends as in Python slices; seconds on axes of time.

    Raises:
        ConfigError: the text is something else.
    """
    if text is None:
        return None
    number = r"(-?\d{1,10}(?:\.\d{1,9})?)?s?"
    spans = [re.fullmatch(f"{number}:{number}", part.strip()) for part in text.split(",")]
    if not all(spans):
        raise ConfigError(
            f"--region {text!r} is not a range for each axis",
            hint="slowest axis first, for example --region 0:64,32:96, or --region 1.5:3 for seconds of a sound",
        )
    return tuple((Typed(s[1]) if s[1] else None, Typed(s[2]) if s[2] else None) for s in spans if s)


def factor(value: float | None, option: str) -> float | None:
    """Return a factor on sizes.

    Raises:
        ConfigError: it is not a number between 0 and 10,000.
    """
    if value is not None and not 0 < value < 1e4:
        raise ConfigError(
            f"{option} {value} must lie between 0 and 10000", hint=f"for example {option} 2, or 0.5 for half"
        )
    return value


def rate(value: float | None, option: str) -> float | None:
    """Return samples or frames per second.

    Raises:
        ConfigError: it is not a number between 0 and 1,000,000,000.
    """
    if value is not None and not 0 < value < 1e9:
        raise ConfigError(
            f"{option} {value:g} must lie between 0 and 1000000000",
            hint=f"for example {option} 44100 for a sound, or 25 for a clip",
        )
    return value
