"""`inrfit decode`: `.inr` files in, images out, at any size and for any region."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from inrfit.cli import batch, options
from inrfit.cli.console import number, out, say, size
from inrfit.cli.inputs import Item, expand, plan_work
from inrfit.errors import ConfigError, InrfitError


def command(
    inputs: options.Inputs,
    output: options.Output = None,
    scale: Annotated[float | None, typer.Option(help="Factor on the size of every axis.")] = None,
    size_: Annotated[
        str | None, typer.Option("--size", metavar="WxH", help="Width x height of the whole output.")
    ] = None,
    region: Annotated[
        str | None,
        typer.Option(metavar="Y0:Y1,X0:X1", help="Only these rows and columns of the fitted image."),
    ] = None,
    format_: Annotated[
        str | None,
        typer.Option(
            "--format",
            help="File format, such as png; as the source by default.",
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
    with batch.json_errors(json):
        wanted = None if format_ is None else "." + format_.lower().lstrip(".")
        wide = options.pair(size_, "--size", example="1024x768")
        if wide is not None and scale is not None:
            raise ConfigError("--size and --scale both set the output size", hint="give one of them")
        window = options.region(region)
        found = expand(inputs, (".inr",), recursive=recursive)
        items = plan_work(found, output, lambda path: wanted or _suffix(path), force=force, beside=".dec")

    def work(item: Item) -> dict[str, Any]:
        from inrfit import api, io
        from inrfit.device import pick_device
        from inrfit.io.files import atomic_write

        source = sys.stdin.buffer.read() if item.source is None else item.source
        picked = pick_device(device, threads)
        if not quiet:
            say(f"{picked.why} · {item.name}")
        field = api.load(source)
        values = field.decode(
            size=None if wide is None else (wide[1], wide[0]),
            scale=scale,
            region=window,
            device=picked.name,
            threads=picked.threads,
        )
        suffix = wanted or (io.decode_suffix(field.info) if item.output is None else item.output.suffix)
        data = io.encode(
            values, field.info, suffix, name="<stdout>" if item.output is None else str(item.output)
        )
        if item.output is None:
            sys.stdout.buffer.write(data)
            sys.stdout.buffer.flush()
        else:
            item.output.parent.mkdir(parents=True, exist_ok=True)
            atomic_write(item.output, data, overwrite=True)
        return {
            "bytes": len(data),
            "params": field.params,
            "psnr": field.psnr,
            "device": picked.name,
            "shape": list(values.shape),
        }

    def summary(result: dict[str, Any]) -> str:
        height, width, channels = result["shape"]
        shown = result["output"] if result["output"] == "-" else Path(result["output"]).absolute()
        return f"{shown}  {width}×{height}×{channels}  {size(result['bytes'])}  {number(result['seconds'], 2, 's')}"

    quietly = (lambda line: None) if quiet else (say if output == "-" else out)
    batch.run(items, work, as_json=json, debug=debug, summary=summary, talk=quietly)


def _suffix(path: Path | None) -> str:
    """Return the suffix of the decoded file: that of the source, where the file tells it."""
    from inrfit import io
    from inrfit.codec.container import Reader
    from inrfit.codec.weights import signal_info

    try:
        with Reader(path or b"") as reader:
            return io.decode_suffix(signal_info(reader))
    except (InrfitError, OSError):
        return ".png"
