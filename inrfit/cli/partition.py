"""`inrfit partition`: how a signal would be divided, as a label image, a preview and numbers."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from inrfit.cli import batch, options
from inrfit.cli.console import out, say
from inrfit.cli.inputs import Item, expand, plan_work
from inrfit.config import FitOptions, settings
from inrfit.registry import names


def command(
    inputs: options.Inputs,
    output: options.Output = None,
    partition: Annotated[str, typer.Option(help="none, grid, seg, or the path of a label image.")] = "seg",
    grid: Annotated[str | None, typer.Option(metavar="RxC", help="Rows x columns of cells.")] = None,
    heads: Annotated[int | None, typer.Option(help="Number of regions, near-square for a grid.")] = None,
    segmenter: Annotated[str, typer.Option(help=f"Start of seg: {', '.join(names('segmenter'))}.")] = "hfs",
    preview: Annotated[
        str | None, typer.Option(help="Picture of the regions over the image, for one input.")
    ] = None,
    force: options.Force = False,
    recursive: options.Recursive = False,
    json: options.Json = False,
    quiet: options.Quiet = False,
    debug: options.Debug = False,
) -> None:
    """Show how images would be divided into regions.

    The label image goes beside the input as NAME.labels.png unless -o says otherwise.
    """
    from inrfit.errors import ConfigError, OutputError
    from inrfit.io import input_suffixes

    with batch.json_errors(json):
        given: dict[str, Any] = {
            "partition": partition,
            "grid": options.pair(grid, "--grid", example="8x8"),
            "heads": heads,
            "segmenter": segmenter,
        }
        words: FitOptions = {k: v for k, v in given.items() if v is not None}  # type: ignore[assignment]
        settings(**words)
        found = expand(inputs, input_suffixes(), recursive=recursive)
        items = plan_work(found, output, lambda source: ".png", force=force, beside=".labels")
        if preview is not None and len(items) > 1:
            raise ConfigError(f"--preview takes one input, {len(items)} were given")
        if preview is not None and Path(preview).exists() and not force:
            raise OutputError(f"--preview {preview} exists", hint="use --force to replace it")

    def work(item: Item) -> dict[str, Any]:
        from inrfit import api, io
        from inrfit.kernels.tiles import tile_points
        from inrfit.partitions.summary import label_image, overlay, summary
        from inrfit.signal import SignalInfo

        source = sys.stdin.buffer.read() if item.source is None else item.source
        signal = api.read(source, name=item.name)
        divided = api.partition(signal, **words)
        for note in (*signal.info.notes, *divided.warnings):
            say(f"{item.name}: {note}")
        labels = label_image(divided)
        top = 255.0 if labels.dtype == "uint8" else 65535.0
        grey = SignalInfo(dtype=labels.dtype.name, value_range=(0.0, top), colour="grey", suffix=".png")
        if item.output is None:
            sys.stdout.buffer.write(io.encode(labels[..., None], grey, ".png", name="<stdout>"))
            sys.stdout.buffer.flush()
        else:
            item.output.parent.mkdir(parents=True, exist_ok=True)
            io.write(labels[..., None], grey, item.output, overwrite=True)
        if preview is not None:
            colour = SignalInfo(colour="rgb", suffix=".png")
            io.write(overlay(signal, divided), colour, Path(preview), overwrite=True)
        return summary(divided, tile_points(divided.areas)) | {"preview": preview}

    quietly = (lambda line: None) if quiet else (say if output == "-" else out)
    batch.run(items, work, as_json=json, debug=debug, summary=_text, talk=quietly)


def _text(result: dict[str, Any]) -> str:
    areas = result["areas"]
    shown = " ".join(map(str, areas[:16])) + (" ..." if len(areas) > 16 else "")
    pairs = result["adjacent"]
    neighbours = " ".join(f"{a}-{b}" for a, b in pairs[:24]) + (" ..." if len(pairs) > 24 else "")
    where = result["output"] if result["output"] == "-" else Path(result["output"]).absolute()
    lines = [
        f"{where}  {result['regions']} regions",
        f"  areas      {shown} samples",
        f"  adjacency  {neighbours or 'none'}",
        f"  padding    {100 * result['padding']:.1f} % of the work",
    ]
    return "\n".join(
        lines + ([f"  preview    {Path(result['preview']).absolute()}"] if result["preview"] else [])
    )
