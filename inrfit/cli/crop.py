"""`inrfit crop`: `.inr` files in, smaller `.inr` files of some of their regions out; nothing is decoded."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Any, BinaryIO

import typer

from inrfit import texts
from inrfit.cli import batch, options
from inrfit.cli.console import fidelity, listener, number, say, size
from inrfit.cli.inputs import Item, container, expand
from inrfit.cli.outputs import put
from inrfit.cli.places import check_container, make_room, plan_work

KEYS = {
    "samples": "samples that the regions kept cover",
    "regions": "number of regions kept",
    "removed": "number of regions that the input has and the output has not",
    "shape": "samples along each axis of the box around the regions kept, rows first",
}
"""Keys of the command's own in JSON."""


def command(
    inputs: options.Inputs,
    output: options.Output = None,
    keep: Annotated[
        list[str] | None,
        typer.Option(
            metavar="CELLS|IDS",
            help="Cells of a grid such as 0:8,:4 (slowest axis first) or ids of segments such as 1,3, of which several are "
            "joined; or those in one range of time such as 1.5s:3s.",
        ),
    ] = None,
    region: Annotated[
        str | None,
        typer.Option(
            metavar="RANGES",
            help="The regions in these rows and columns, Y0:Y1,X0:X1, seconds, T0:T1, or planes, Z0:Z1. In place of --keep.",
        ),
    ] = None,
    snap: Annotated[
        str,
        typer.Option(
            metavar="RULE",
            help="Regions that the border of --region cuts: out keeps them, in drops them, error refuses them.",
        ),
    ] = "out",
    force: options.Force = False,
    recursive: options.Recursive = False,
    json: options.Json = False,
    quiet: options.Quiet = False,
    debug: options.Debug = False,
) -> None:
    """Keep some regions of .inr files, without decoding or fitting.

    Cells and samples count from 0 in this file, time in seconds; ranges are half-open and negative numbers count from the end,
    as in Python. The output goes beside the input as NAME.crop.inr unless -o says otherwise.
    """
    from inrfit.edit.keep import selection

    with batch.json_errors(json, KEYS):
        window = None if region is None else texts.region(region, "--region")
        wanted = selection(keep or None, window, snap)
        options.check_stdout(output, json=json)
        check_container(output, "crop")
        found = expand(inputs, (".inr",), recursive=recursive)
        items = plan_work(found, output, lambda path: ".inr", force=force, beside=".crop")

    def work(item: Item) -> dict[str, Any]:
        from inrfit.codec.container import Reader
        from inrfit.codec.contents import info_of, network
        from inrfit.edit.crop import plan
        from inrfit.metrics.bits import bpp

        with Reader(_opened(item), allow_truncated=True) as reader:
            cut = plan(reader, wanted)
            signal, kept = cut.header.signal, len(cut.positions)
            for note in () if quiet else cut.notes:
                say(f"{item.name}: {note}")
            facts = {
                "bytes": cut.size,
                "bpp": bpp(cut.size, cut.samples),
                "samples": cut.samples,
                "params": network(cut.header, item.name).count(kept),
                **info_of(cut.header).figures(cut.header.psnr),
                "regions": kept,
                "removed": cut.removed,
                "shape": signal.shape,
                "channels": signal.channels,
            }
            if item.output is None:
                cut.check()
            make_room(item.output)
            return facts | put(item, cut.blocks())

    talk = listener(quiet=quiet, data_on_stdout=output == "-")
    again = () if force else ("--force",)
    _, code = batch.run(
        items, work, keys=KEYS, as_json=json, debug=debug, summary=_summary, talk=talk, again=again
    )
    batch.leave(code)


def _opened(item: Item) -> Path | BinaryIO:
    """Return an input; standard input is used as it is where it is a file, and read whole where it is a pipe."""
    if item.source is None and sys.stdin is not None:
        stream = sys.stdin.buffer
        if stream.seekable() and stream.tell() == 0:
            return stream
    return container(item)


def _summary(result: dict[str, Any]) -> str:
    shown = result["output"] if result["output"] == "-" else Path(result["output"]).absolute()
    shape = "×".join(map(str, [*reversed(result["shape"]), result["channels"]]))
    kept, of = result["regions"], result["regions"] + result["removed"]
    return (
        f"{shown}  {shape}  {kept} of {of} regions  "
        f"{size(result['bytes'])}  {result['bpp']:.3f} bpp  "
        f"{fidelity(result)}  {number(result['seconds'], 2, 's')}"
    )
