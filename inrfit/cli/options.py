"""Options that several commands share, and how their values are read."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Annotated, Any

import typer

from inrfit.cli.inputs import is_file, is_folder
from inrfit.config import FitConfig, ModelConfig, PartitionConfig, Settings
from inrfit.domain import Typed
from inrfit.errors import ConfigError, InputError
from inrfit.registry import names

if TYPE_CHECKING:
    from inrfit.meta.settings import MetaSettings

RUN, FILES, TALK = "Running", "Files", "Output"

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
Heads = Annotated[
    int | None, typer.Option(help="Number of regions, near-square for a grid. Not with --grid.")
]
Segmenter = Annotated[
    str, typer.Option(metavar="NAME", help=f"Over-segmentation of seg: {', '.join(names('segmenter'))}.")
]
Kind = Annotated[
    str | None,
    typer.Option(
        metavar="KIND",
        help=f"{', '.join(names('signal'))}; by default the suffix and the content decide.",
    ),
]
Sound = Annotated[
    str | None,
    typer.Option(
        metavar="HOW",
        help="Sound track of a clip: fit (a field of its own, the default), copy (its bytes), or none.",
    ),
]
Target = Annotated[
    str | None,
    typer.Option(
        metavar="WHAT", help="What is fitted of a shape: sdf (signed distance, the default) or occupancy."
    ),
]
Resolution = Annotated[
    int | None,
    typer.Option(help="Samples along the longest side of a shape's lattice; 256 by default."),
]
Spacing = Annotated[
    str | None,
    typer.Option(
        metavar="Z,Y,X",
        help="Units per sample of a volume, slowest axis first, or one number for all; 1 by default.",
    ),
]
Range = Annotated[
    str | None,
    typer.Option(
        "--range",
        metavar="LOW:HIGH",
        help="Samples that are fitted, and the peak of the PSNR: of the sample type or of the data (type, data), or two "
        "numbers; by default that of the type where a quarter of it is used.",
    ),
]
NoData = Annotated[
    str | None,
    typer.Option(
        metavar="VALUE",
        help="Sample that means no data and is not fitted, or none; by default what the file declares, and what lies "
        "far outside of all others.",
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
Device = Annotated[str, typer.Option(help="auto, cpu, cuda or cuda:N.", rich_help_panel=RUN)]
Threads = Annotated[
    int | None,
    typer.Option(
        help="CPU threads; one per core by default. Results do not depend on it.", rich_help_panel=RUN
    ),
]
Json = Annotated[
    bool, typer.Option("--json", help="One JSON object per input on standard output.", rich_help_panel=TALK)
]
Quiet = Annotated[bool, typer.Option("--quiet", help="Say only what failed.", rich_help_panel=TALK)]
Verbose = Annotated[bool, typer.Option("--verbose", "-v", help="Say more.", rich_help_panel=TALK)]
Debug = Annotated[bool, typer.Option("--debug", help="Show where an error came from.", rich_help_panel=TALK)]


def default(name: str) -> Any:
    """Return the default of a setting, for the help text."""
    configs = (PartitionConfig, ModelConfig, FitConfig)
    fields = {key: field for config in configs for key, field in config.__dataclass_fields__.items()}
    return fields[name].default


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


def counts(text: str | None, option: str, *, example: str) -> tuple[int, ...] | None:
    """Read whole numbers above 0, one for each axis, written A, AxB or AxBxC.

    Raises:
        ConfigError: the text is something else.
    """
    if text is None:
        return None
    found = re.fullmatch(r"\d{1,9}([x×X,]\d{1,9}){0,7}", text.strip())
    numbers = tuple(int(part) for part in re.split("[x×X,]", text.strip())) if found else (0,)
    if min(numbers) < 1:
        raise ConfigError(
            f"{option} {text!r} is not made of whole numbers above 0", hint=f"for example {option} {example}"
        )
    return numbers


def one_or_each(text: str | None, option: str, *, example: str) -> int | tuple[int, ...] | None:
    """Read one whole number for all axes, or one for each; 0 is allowed.

    Raises:
        ConfigError: the text is something else.
    """
    if text is None:
        return None
    found = re.fullmatch(r"\d{1,9}([x×X,]\d{1,9}){0,7}", text.strip())
    if not found:
        raise ConfigError(
            f"{option} {text!r} is not a whole number, or one for each axis",
            hint=f"for example {option} {example}",
        )
    numbers = tuple(int(part) for part in re.split("[x×X,]", text.strip()))
    return numbers[0] if len(numbers) == 1 else numbers


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


def reading(
    kind: str | None,
    sound: str | None,
    target: str | None,
    resolution: int | None,
    spacing: str | None,
    range_: str | None = None,
    nodata: str | None = None,
    *,
    no_metadata: bool = False,
) -> dict[str, Any]:
    """Return the words that say how a file is read, those that were given.

    Raises:
        ConfigError: a spacing, a range or a value is no number.
    """
    given: dict[str, Any] = {"kind": kind, "sound": sound, "target": target, "resolution": resolution}
    given["metadata"] = False if no_metadata else None
    if spacing is not None:
        try:
            given["spacing"] = tuple(float(part) for part in spacing.split(","))
        except ValueError:
            raise ConfigError(
                f"--spacing {spacing!r} is not made of numbers", hint="for example --spacing 2.5,0.7,0.7"
            ) from None
    if range_ is not None:
        given["range"] = _range(range_)
    if nodata is not None:
        given["nodata"] = _sample(nodata)
    return {word: value for word, value in given.items() if value is not None}


def _range(text: str) -> str | tuple[float, ...]:
    """Return two numbers written LOW:HIGH; any other text as it is, which a configuration refuses."""
    try:
        ends = tuple(float(part) for part in text.split(":"))
    except ValueError:
        return text
    return ends if len(ends) == 2 else text


def _sample(text: str) -> str | float:
    """Return a number; any other text as it is, which a configuration refuses."""
    try:
        return float(text)
    except ValueError:
        return text


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


def bytes_of(text: str, option: str) -> int:
    """Read a size such as 512M or 2G.

    Raises:
        ConfigError: the text is something else.
    """
    found = re.fullmatch(r"(\d{1,18}(?:\.\d{1,18})?)\s*([kKmMgG]?)i?[bB]?", text.strip())
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
    found = re.fullmatch(r"(\d{1,18}(?:\.\d{1,18})?)([kKmM]?)", text.strip())
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
    found = re.fullmatch(r"(\d{1,18}(?:\.\d{1,18})?)\s*(s|m|min|h)?", text.strip())
    if not found:
        raise ConfigError(f"{option} {text!r} is not a time", hint=f"for example {option} 60s")
    return float(found[1]) * {None: 1, "s": 1, "m": 60, "min": 60, "h": 3600}[found[2]]
