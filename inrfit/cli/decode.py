"""`inrfit decode`: `.inr` files in, signals out, at any size and for any region."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from inrfit.cli import batch, options
from inrfit.cli.console import listener, number, say, size
from inrfit.cli.inputs import Item, container, expand
from inrfit.cli.outputs import put
from inrfit.cli.places import check_spared, make_room, plan_work
from inrfit.cli.words import said, takes
from inrfit.errors import ConfigError, InrfitError
from inrfit.io.config import WriteConfig
from inrfit.render.output import SHOW, Output

if TYPE_CHECKING:
    from inrfit.codec.excerpt import Excerpt

KEYS = {
    "damaged": "ids of the damaged regions that were left out, by `--partial`",
    "uncovered": "samples of the output that no region covers",
    "fill": "what they are, one number per channel; null where they are transparent, or where there are none",
}
"""Keys of the command's own in JSON."""

SHOWN_DAMAGE = 8
"""Damaged regions that are named."""


@takes(SHOW)
def command(
    inputs: options.Inputs,
    output: options.Output = None,
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
    **given: Any,
) -> None:
    """Decode .inr files to images, sounds, clips, shapes and volumes.

    Samples count from 0 in this file at its fitted size, time in seconds; ranges are half-open, negative
    numbers count from the end and ends may be left out, as in Python. Only what --region needs is read of a file.
    The output goes beside the input as NAME.dec.SUFFIX unless -o says otherwise.
    """
    with batch.json_errors(json, KEYS):
        wanted = None if format_ is None else f".{format_.lower().lstrip('.')}".rstrip(".")
        words = said(SHOW, given)
        shown, config = Output(**SHOW.of(Output, words)), WriteConfig(**SHOW.of(WriteConfig, words))
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
        from inrfit.device import pick_device

        source = container(item)
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
        made = api.written(field, field.bands(shown, picked), shown, suffix, config, picked)
        for line in () if quiet else made.told:
            say(f"{item.name}: {line}")
        pieces = io.encode(made.samples, suffix, name=name)
        whole = pieces if item.output is not None else [b"".join(pieces)]
        written = put(item, whole)
        return {
            **written,
            "params": field.description.count(taken.regions),
            "device": picked.name,
            "damaged": [damage.id for damage in taken.damaged],
            "shape": made.samples.shape,
            "uncovered": made.uncovered,
            "fill": made.opaque,
        }

    talk = listener(quiet=quiet, data_on_stdout=output == "-")
    again = () if force else ("--force",)
    _, code = batch.run(
        items, work, keys=KEYS, as_json=json, debug=debug, summary=_summary, talk=talk, again=again
    )
    batch.leave(code)


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
