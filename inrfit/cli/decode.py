"""`inrfit decode`: `.inr` files in, images out, at any size and for any region."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from inrfit.cli import batch, options
from inrfit.cli.console import listener, number, out_bytes, say, size
from inrfit.cli.inputs import Item, container, expand, make_room, plan_work
from inrfit.errors import ConfigError, InrfitError, OutputError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from inrfit.codec.excerpt import Excerpt
    from inrfit.device import Device
    from inrfit.models.field import Field
    from inrfit.signal import SignalInfo

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
        typer.Option("--size", metavar="WxH", help="Width x height of the whole output. Not with --scale."),
    ] = None,
    region: Annotated[
        str | None,
        typer.Option(metavar="Y0:Y1,X0:X1", help="Only these rows and columns."),
    ] = None,
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
    device: options.Device = "auto",
    threads: options.Threads = None,
    force: options.Force = False,
    recursive: options.Recursive = False,
    json: options.Json = False,
    quiet: options.Quiet = False,
    debug: options.Debug = False,
) -> None:
    """Decode .inr files to images.

    Rows and columns count from 0 in this file at its fitted size; ranges are half-open, negative numbers count from
    the end and ends may be left away, as in Python. Only what --region needs is read of a file.
    The output goes beside the input as NAME.dec.SUFFIX unless -o says otherwise.
    """
    from inrfit.kernels.lattice import check_blend

    with batch.json_errors(json, KEYS):
        wanted = None if format_ is None else f".{format_.lower().lstrip('.')}".rstrip(".")
        wide = options.pair(size_, "--size", example="1024x768")
        scale = options.factor(scale, "--scale")
        if wide is not None and scale is not None:
            raise ConfigError("--size and --scale both set the output size", hint="give one of them")
        shown = {
            "size": None if wide is None else (wide[1], wide[0]),
            "scale": scale,
            "region": options.region(region),
        }
        if fill is not None:
            _fill(fill, "uint8", "rgb")
        check_blend(blend)
        options.check_device(device, threads)
        if half and device == "cpu":
            raise ConfigError(
                "--half is for CUDA only, and --device cpu is asked for",
                hint="leave --half out, or give --device cuda",
            )
        options.check_stdout(output, json=json)
        _check_suffix(wanted, f"--format {format_}")
        found = expand(inputs, (".inr",), recursive=recursive)
        items = plan_work(found, output, lambda path: wanted or _suffix(path), force=force, beside=".dec")
        if output is not None and wanted is None and len(items) == 1 and items[0].output is not None:
            _check_suffix(items[0].output.suffix, f"-o {output}")

    def work(item: Item) -> dict[str, Any]:
        import numpy as np

        from inrfit import io
        from inrfit.codec import excerpt
        from inrfit.device import pick_device
        from inrfit.io.files import atomic_write_blocks

        taken = excerpt.read(container(item), **shown, blend=blend, partial=partial)
        field = taken.field
        suffix = wanted or (io.decode_suffix(field.info) if item.output is None else item.output.suffix)
        name = "<stdout>" if item.output is None else str(item.output)
        _check_holds(field, suffix, name)
        make_room(item.output)
        picked = pick_device(device, threads)
        if not quiet:
            say(f"{picked.why} · {item.name}")
        _tell_damaged(item, taken)
        picture = _picture(field, shown, fill, blend, suffix, picked, "half" if half else "float32")
        if picture.opaque is not None and fill is None and not quiet:
            say(
                f"{item.name}: samples that no region covers are white: {suffix} has no transparency (see --fill)"
            )
        dtype = np.dtype(picture.info.dtype)
        pieces = io.encode_bands(picture.bands, picture.shape, dtype, picture.info, suffix, name=name)
        if item.output is None:
            data = b"".join(pieces)
            out_bytes(data)
            written = len(data)
        else:
            atomic_write_blocks(item.output, pieces, overwrite=True)
            written = item.output.stat().st_size
        return {
            "bytes": written,
            "params": field.description.count(taken.regions),
            "device": picked.name,
            "damaged": [damage.id for damage in taken.damaged],
            "shape": picture.shape,
            "uncovered": picture.uncovered,
            "fill": picture.opaque,
        }

    talk = listener(quiet=quiet, data_on_stdout=output == "-")
    _, code = batch.run(items, work, keys=KEYS, as_json=json, debug=debug, summary=_summary, talk=talk)
    batch.leave(code)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Picture:
    """What is written.

    Attributes:
        shape, bands: its samples, in bands of rows, as a file of the format can hold them.
        info: what is known about them.
        uncovered: samples that no region covers.
        opaque: what these are, one number per channel; None where they are transparent, or there are none.
    """

    shape: tuple[int, ...]
    bands: Iterable[NDArray[Any]]
    info: SignalInfo
    uncovered: int
    opaque: list[float] | None


def _picture(
    field: Field,
    shown: dict[str, Any],
    fill: str | None,
    blend: int,
    suffix: str,
    device: Device,
    precision: str,
) -> _Picture:
    """Decode a field.

    Args:
        field: what to decode.
        shown: size, scale and region.
        fill, blend: the options.
        suffix: format of the output.
        device, precision: where and how it runs.
    """
    from inrfit import io
    from inrfit.models.field import fill_sample

    words = {"blend": blend, "device": device.name, "threads": device.threads, "precision": precision}
    covered = None if field.partition.is_whole else field.covered(**shown)
    holes = 0 if covered is None else int(covered.size - covered.sum())
    if covered is not None and holes and fill is None:
        values, info, clear = io.with_holes(field.decode(**shown, **words), field.info, covered, suffix)
        opaque = None if clear else values[~covered][0].tolist()
        return _Picture(shape=values.shape, bands=[values], info=info, uncovered=holes, opaque=opaque)
    filled = None if fill is None else _fill(fill, field.info.dtype, field.info.colour)
    shape, bands = field.bands(**shown, **words, fill=filled)
    opaque = fill_sample(filled, field.info, field.channels).tolist() if holes else None
    return _Picture(shape=shape, bands=bands, info=field.info, uncovered=holes, opaque=opaque)


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
    height, width, channels = result["shape"]
    shown = result["output"] if result["output"] == "-" else Path(result["output"]).absolute()
    return (
        f"{shown}  {width}×{height}×{channels}  {size(result['bytes'])}  {number(result['seconds'], 2, 's')}"
    )


def _suffix(path: Path | None) -> str:
    """Return the suffix of the decoded file: that of the source, where the file tells it."""
    from inrfit import io
    from inrfit.codec.container import Reader
    from inrfit.codec.weights import signal_info

    try:
        with Reader(path or b"", allow_truncated=True) as reader:
            return io.decode_suffix(signal_info(reader))
    except InrfitError:
        return ".png"


def _check_suffix(suffix: str | None, option: str) -> None:
    """Refuse a suffix that nothing can be written to, before any work; every format holds 8-bit grey."""
    import numpy as np

    from inrfit import io
    from inrfit.signal import SignalInfo

    if suffix is None:
        return
    try:
        io.encode(np.zeros((1, 1, 1), np.uint8), SignalInfo(colour="grey"), suffix, name=option)
    except OutputError as error:
        raise ConfigError(error.message, hint=error.hint) from None


def _check_holds(field: Field, suffix: str, name: str) -> None:
    """Refuse a format that cannot hold the samples of a field, before they are decoded: try one sample.

    Raises:
        OutputError: it cannot.
    """
    import numpy as np

    from inrfit import io

    sample = np.zeros((*(1,) * field.domain.dimensions, field.channels), field.info.dtype)
    io.encode(sample, field.info, suffix, name=name)
