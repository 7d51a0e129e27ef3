"""`inrfit decode`: `.inr` files in, images out, at any size and for any region."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from inrfit.cli import batch, options
from inrfit.cli.console import listener, number, out_bytes, say, size
from inrfit.cli.inputs import Item, container, expand, make_room, plan_work
from inrfit.errors import ConfigError, InrfitError, OutputError

if TYPE_CHECKING:
    from inrfit.models.field import Field

KEYS: dict[str, str] = {}
"""Keys of the command's own in JSON."""


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
        typer.Option(metavar="Y0:Y1,X0:X1", help="Only these rows and columns of the fitted image."),
    ] = None,
    format_: Annotated[
        str | None,
        typer.Option(
            "--format",
            metavar="SUFFIX",
            help="File format, such as png; by default that of -o, or of the source.",
            rich_help_panel=options.FILES,
        ),
    ] = None,
    device: options.Device = "auto",
    threads: options.Threads = None,
    force: options.Force = False,
    recursive: options.Recursive = False,
    json: options.Json = False,
    quiet: options.Quiet = False,
    debug: options.Debug = False,
) -> None:
    """Decode .inr files to images.

    The output goes beside the input as NAME.dec.SUFFIX unless -o says otherwise.
    """
    with batch.json_errors(json, KEYS):
        wanted = None if format_ is None else f".{format_.lower().lstrip('.')}".rstrip(".")
        wide = options.pair(size_, "--size", example="1024x768")
        scale = options.factor(scale, "--scale")
        if wide is not None and scale is not None:
            raise ConfigError("--size and --scale both set the output size", hint="give one of them")
        window = options.region(region)
        options.check_device(device, threads)
        options.check_stdout(output, json=json)
        _check_suffix(wanted, f"--format {format_}")
        found = expand(inputs, (".inr",), recursive=recursive)
        items = plan_work(found, output, lambda path: wanted or _suffix(path), force=force, beside=".dec")
        if output is not None and wanted is None and len(items) == 1 and items[0].output is not None:
            _check_suffix(items[0].output.suffix, f"-o {output}")

    def work(item: Item) -> dict[str, Any]:
        from inrfit import api, io
        from inrfit.device import pick_device
        from inrfit.io.files import atomic_write

        field = api.load(container(item))
        suffix = wanted or (io.decode_suffix(field.info) if item.output is None else item.output.suffix)
        name = "<stdout>" if item.output is None else str(item.output)
        _check_holds(field, suffix, name)
        make_room(item.output)
        picked = pick_device(device, threads)
        if not quiet:
            say(f"{picked.why} · {item.name}")
        values = field.decode(
            size=None if wide is None else (wide[1], wide[0]),
            scale=scale,
            region=window,
            device=picked.name,
            threads=picked.threads,
        )
        data = io.encode(values, field.info, suffix, name=name)
        if item.output is None:
            out_bytes(data)
        else:
            atomic_write(item.output, data, overwrite=True)
        return {
            "bytes": len(data),
            "params": field.params,
            "device": picked.name,
            "shape": values.shape,
        }

    talk = listener(quiet=quiet, data_on_stdout=output == "-")
    _, code = batch.run(items, work, keys=KEYS, as_json=json, debug=debug, summary=_summary, talk=talk)
    batch.leave(code)


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
        with Reader(path or b"") as reader:
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
