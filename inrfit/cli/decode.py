"""`inrfit decode`: `.inr` files in, signals out, at any size and for any region."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from inrfit import texts
from inrfit.cli import batch, options
from inrfit.cli.console import listener, number, say, size
from inrfit.cli.inputs import Item, container, expand
from inrfit.cli.outputs import put
from inrfit.cli.places import check_spared, make_room, plan_work
from inrfit.errors import ConfigError, InrfitError

if TYPE_CHECKING:
    from inrfit.codec.excerpt import Excerpt
    from inrfit.device import Device
    from inrfit.domain import Domain
    from inrfit.field import Field
    from inrfit.render.output import Output
    from inrfit.signal import Bands

KEYS = {
    "damaged": "ids of the damaged regions that were left out, by `--partial`",
    "uncovered": "samples of the output that no region covers",
    "fill": "what they are, one number per channel; null where they are transparent, or where there are none",
}
"""Keys of the command's own in JSON."""

SHOWN_DAMAGE = 8
"""Damaged regions that are named."""


def command(
    inputs: options.Inputs,
    output: options.Output = None,
    scale: Annotated[
        float | None, typer.Option(help="Factor on the size of every axis. Not with --size.")
    ] = None,
    size_: Annotated[
        str | None,
        typer.Option(
            "--size",
            metavar="WxH",
            help="Size of the whole output: width x height, samples of a sound, or x x y x z. Not with --scale.",
        ),
    ] = None,
    rate: Annotated[
        float | None,
        typer.Option(
            "--rate",
            "--fps",
            help="Samples per second of a sound, frames per second of a clip. Not with --scale.",
        ),
    ] = None,
    resolution: Annotated[
        int | None,
        typer.Option(
            help="Samples along the longest side, such as 512 for a mesh. Not with --scale or --size."
        ),
    ] = None,
    region: Annotated[
        str | None,
        typer.Option(
            metavar="RANGES",
            help="Only these: Y0:Y1,X0:X1 of an image, seconds T0:T1 of a sound, T0:T1,Y0:Y1,X0:X1 of a clip, "
            "Z0:Z1,Y0:Y1,X0:X1 of a volume or shape.",
        ),
    ] = None,
    sound: Annotated[
        bool, typer.Option("--sound/--no-sound", help="Write the sound track of a clip, where it has one.")
    ] = True,
    no_metadata: options.NoMetadata = False,
    fill: Annotated[
        str | None,
        typer.Option(
            metavar="COLOUR",
            help="Samples that no region covers: a grey level, R,G,B, or a name or #rrggbb for 8 bit; "
            "transparent by default, or white where the format cannot.",
        ),
    ] = None,
    blend: Annotated[
        int,
        typer.Option(
            metavar="SAMPLES",
            help="Mix neighbouring regions up to so many samples beyond their border, 0 to 64. "
            "For fits with --overlap, about as many as that; others get worse.",
        ),
    ] = 0,
    partial: Annotated[
        bool, typer.Option("--partial", help="Leave out damaged regions, as if they were cropped away.")
    ] = False,
    format_: Annotated[
        str | None,
        typer.Option(
            "--format",
            metavar="SUFFIX",
            help="File format, such as png; by default that of -o, or of the source.",
            rich_help_panel=options.FILES,
        ),
    ] = None,
    half: Annotated[
        bool,
        typer.Option(
            "--half",
            help="Half precision: faster and coarser, on CUDA only.",
            rich_help_panel=options.RUN,
        ),
    ] = False,
    init: options.Init = None,
    device: options.Device = "auto",
    threads: options.Threads = None,
    force: options.Force = False,
    recursive: options.Recursive = False,
    json: options.Json = False,
    quiet: options.Quiet = False,
    debug: options.Debug = False,
) -> None:
    """Decode .inr files to images, sounds, clips, shapes and volumes.

    Samples count from 0 in this file at its fitted size, time in seconds; ranges are half-open, negative
    numbers count from the end and ends may be left out, as in Python. Only what --region needs is read of a file.
    The output goes beside the input as NAME.dec.SUFFIX unless -o says otherwise.
    """
    from inrfit.render.output import Output

    with batch.json_errors(json, KEYS):
        wanted = None if format_ is None else f".{format_.lower().lstrip('.')}".rstrip(".")
        wanted_size = Size(
            sizes=None if size_ is None else texts.counts("1024x768")(size_, "--size"),
            scale=options.factor(scale, "--scale"),
            rate=options.rate(rate, "--rate"),
            resolution=resolution,
        )
        window = options.region(region)
        if fill is not None:
            _fill(fill, "uint8", "rgb")
        part = Output(region=window, blend=blend)
        options.check_device(device, threads)
        if half and device == "cpu":
            raise ConfigError(
                "--half is for CUDA only, and --device cpu is asked for",
                hint="leave --half out, or give --device cuda",
            )
        options.check_stdout(output, json=json)
        begin = options.read_init(init)
        _check_suffix(wanted, f"--format {format_}")
        found = expand(inputs, (".inr",), recursive=recursive)
        items = plan_work(found, output, lambda path: wanted or _suffix(path), force=force, beside=".dec")
        check_spared("--init", init, items)
        if output is not None and wanted is None and len(items) == 1 and items[0].output is not None:
            _check_suffix(items[0].output.suffix, f"-o {output}")

    def work(item: Item) -> dict[str, Any]:
        from inrfit import api, io
        from inrfit.codec import excerpt
        from inrfit.codec.container import Reader
        from inrfit.codec.layout import Layout
        from inrfit.device import pick_device
        from inrfit.edit.soundtrack import heard

        source = container(item)
        with Reader(source, allow_truncated=True) as reader:
            domain = Layout(header=reader.header, index=reader.index).domain
        shown = replace(part, size=wanted_size.of(domain))
        taken = excerpt.read(source, shown, partial=partial, find=api.finder(source, begin))
        field = taken.field
        suffix = wanted or (io.decode_suffix(field.info) if item.output is None else item.output.suffix)
        name = "<stdout>" if item.output is None else str(item.output)
        kind = io.kind_of(field.info.kind)
        kind.check(field.info, field.channels, suffix, name)
        make_room(item.output)
        picked = pick_device(device, threads, "half" if half else "float32")
        if not quiet:
            say(f"{picked.why} · {item.name}")
        _tell_damaged(item, taken)
        picture = _picture(field, shown, fill, suffix, picked)
        kind = io.kind_of(field.info.kind)
        if picture.opaque is not None and fill is None and not kind.sparse and not quiet:
            how = (
                f"white: {suffix} has no transparency"
                if kind.shows_holes
                else ", ".join(map("{:g}".format, picture.opaque))
            )
            say(f"{item.name}: samples that no region covers are {how} (see --fill)")
        made = (
            picture.samples
            if sound
            else replace(picture.samples, info=replace(picture.samples.info, sound=None))
        )
        if no_metadata:
            made = replace(made, info=made.info.without_metadata())
        made = replace(made, domain=wanted_size.at_rate(made.domain))
        made = heard(made, picked)
        for loss in () if quiet else kind.losses(made.info, made.domain, field.channels, suffix):
            say(f"{item.name}: {loss}")
        pieces = io.encode(made, suffix, name=name)
        whole = pieces if item.output is not None else [b"".join(pieces)]
        written = put(item, whole)
        return {
            **written,
            "params": field.description.count(taken.regions),
            "device": picked.name,
            "damaged": [damage.id for damage in taken.damaged],
            "shape": made.shape,
            "uncovered": picture.uncovered,
            "fill": picture.opaque,
        }

    talk = listener(quiet=quiet, data_on_stdout=output == "-")
    again = () if force else ("--force",)
    _, code = batch.run(
        items, work, keys=KEYS, as_json=json, debug=debug, summary=_summary, talk=talk, again=again
    )
    batch.leave(code)


@dataclass(frozen=True, slots=True, kw_only=True)
class Size:
    """The size of an output as it is asked for, before the domain of a file tells its axes.

    Attributes:
        sizes: samples per axis, fastest axis first; of a clip those of a frame may stand alone.
        scale: factor on every axis.
        rate: samples per second of the axis of time.
        resolution: samples along the longest side.
    """

    sizes: tuple[int, ...] | None
    scale: float | None
    rate: float | None
    resolution: int | None

    def __post_init__(self) -> None:
        given = {"--size": self.sizes, "--scale": self.scale, "--resolution": self.resolution}
        named = [option for option, value in given.items() if value is not None]
        if len(named) > 1:
            raise ConfigError(f"{' and '.join(named)} both set the output size", hint="give one of them")
        if self.rate is not None and self.scale is not None:
            raise ConfigError("--rate and --scale both set the output size", hint="give one of them")
        if self.resolution is not None and not 2 <= self.resolution <= 4096:
            raise ConfigError(
                f"--resolution {self.resolution} must lie between 2 and 4096 samples",
                hint="for example --resolution 512",
            )

    def of(self, domain: Domain) -> tuple[int, ...] | None:
        """Return the samples per axis of the whole output; None for the fitted size.

        Raises:
            ConfigError: they do not suit the axes of the domain.
        """
        from inrfit.render.output import Output

        sizes = list(Output(scale=self.scale).sizes(domain))
        if self.resolution is not None:
            sizes = [max(1, round(n * self.resolution / max(domain.shape))) for n in domain.shape]
        if self.sizes is not None:
            wanted = list(reversed(self.sizes))
            in_time = [axis for axis, unit in enumerate(domain.units) if unit == "s"]
            if in_time == [0] and len(wanted) == domain.dimensions - 1:
                wanted.insert(0, domain.shape[0])
            if len(wanted) != domain.dimensions:
                raise ConfigError(
                    f"--size {'x'.join(map(str, self.sizes))} gives {_numbers(len(self.sizes))}, the file has the axes "
                    f"{', '.join(reversed(domain.axes))}",
                    hint="give one number for each axis, in this order",
                )
            sizes = wanted
        if self.rate is not None:
            if domain.units[0] != "s":
                raise ConfigError(
                    f"--rate is for axes of time, the file has the axes {', '.join(domain.axes)}",
                    hint="give --size or --scale",
                )
            sizes[0] = max(1, round(domain.shape[0] * domain.spacing[0] * self.rate))
        return None if tuple(sizes) == domain.shape else tuple(sizes)

    def at_rate(self, domain: Domain) -> Domain:
        """Return the domain of an output with just the rate that was asked for.

        The number of samples is a whole one, so that the time of a source divided among them gives nearly that rate: 44101
        in place of 44100 for 0.3 s, which some formats do not have.
        """
        if self.rate is None:
            return domain
        return replace(domain, spacing=(1 / self.rate, *domain.spacing[1:]))


def _numbers(count: int) -> str:
    """Return how many numbers there are, in words."""
    return f"{count} number{'' if count == 1 else 's'}"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Picture:
    """What is written.

    Attributes:
        samples: in bands of rows, as a file of the format can hold them.
        uncovered: samples that no region covers.
        opaque: what these are, one number per channel; None where they are transparent, or there are none.
    """

    samples: Bands
    uncovered: int
    opaque: list[float] | None


def _picture(field: Field, shown: Output, fill: str | None, suffix: str, device: Device) -> _Picture:
    """Decode a field.

    Args:
        field: what to decode.
        shown: what is wanted of it.
        fill: the option.
        suffix: format of the output.
        device: where and how it runs.
    """
    from inrfit import io
    from inrfit.signal import Bands

    holes = field.uncovered(shown)
    kind = io.kind_of(field.info.kind)
    if holes and fill is None and kind.shows_holes:
        covered = field.covered(shown)
        made = field.bands(shown, device)
        values, info, clear = io.with_holes(made.array(), field.info, covered, suffix)
        opaque = None if clear else values[~covered][0].tolist()
        return _Picture(samples=Bands.of(values, made.domain, info), uncovered=holes, opaque=opaque)
    if fill is not None:
        shown = replace(shown, fill=_fill(fill, field.info.dtype, field.info.colour))
    opaque = shown.filling(field.info, field.channels).tolist() if holes else None
    return _Picture(samples=field.bands(shown, device), uncovered=holes, opaque=opaque)


def _fill(text: str, dtype: str, colour: str) -> list[float]:
    """Read the value of --fill for samples of a type and colour.

    Raises:
        ConfigError: it is neither numbers nor the name of a colour that these samples can have.
    """
    from PIL import ImageColor

    try:
        return [float(part) for part in text.split(",")]
    except ValueError:
        pass
    try:
        named = ImageColor.getcolor(text, "L" if colour.startswith("grey") else "RGB")
    except ValueError:
        named = None
    if named is None or dtype != "uint8" or colour == "channels":
        raise ConfigError(
            f"--fill {text!r} is no value of {dtype} {colour} samples",
            hint="give a number, or one per channel such as 255,0,0; names and #rrggbb are for 8-bit grey and RGB",
        )
    return [float(named)] if isinstance(named, int) else [float(value) for value in named]


def _tell_damaged(item: Item, taken: Excerpt) -> None:
    """Name the regions that are left out."""
    for damage in taken.damaged[:SHOWN_DAMAGE]:
        say(f"Left out: {damage.reason}")
    if len(taken.damaged) > SHOWN_DAMAGE:
        say(f"{item.name}: {len(taken.damaged)} of {taken.regions} regions are left out in all")


def _summary(result: dict[str, Any]) -> str:
    sizes = "×".join(map(str, (*reversed(result["shape"][:-1]), result["shape"][-1])))
    shown = result["output"] if result["output"] == "-" else Path(result["output"]).absolute()
    return f"{shown}  {sizes}  {size(result['bytes'])}  {number(result['seconds'], 2, 's')}"


def _suffix(path: Path | None) -> str:
    """Return the suffix of the decoded file: that of the source, where the file tells it."""
    from inrfit import io
    from inrfit.codec.container import Reader
    from inrfit.codec.read import signal_info

    try:
        with Reader(path or b"", allow_truncated=True) as reader:
            return io.decode_suffix(signal_info(reader))
    except InrfitError:
        return ".png"


def _check_suffix(suffix: str | None, option: str) -> None:
    """Refuse a suffix that nothing can be written to, before any work."""
    from inrfit import io

    if suffix is None or suffix.lower() in io.output_suffixes():
        return
    raise ConfigError(
        f"{option}: {suffix or 'no suffix'} is not a format inrfit writes",
        hint=f"write {', '.join(io.output_suffixes())}",
    )
