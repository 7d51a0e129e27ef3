"""Options that several commands share, and how their values are read."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from inrfit.cli.inputs import is_file, is_folder
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
