"""`inrfit partition`: how a signal would be divided, as a label image, a preview and numbers."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from inrfit.cli import batch, options
from inrfit.cli.console import listener, say
from inrfit.cli.inputs import Item, content, expand
from inrfit.cli.outputs import put, put_extra
from inrfit.cli.places import check_extra, make_room, plan_work
from inrfit.cli.words import said, takes
from inrfit.errors import ConfigError
from inrfit.fitting.settings import DIVISION, settings

if TYPE_CHECKING:
    from inrfit.domain import Domain
    from inrfit.partitions import Partition
    from inrfit.signal import Signal

LABEL_SUFFIXES = (".png", ".tif", ".tiff", ".npy")
"""Formats that keep labels as they are; lossy ones make others of them."""

PREVIEW_SUFFIXES = (".png", ".jpg", ".jpeg", ".webp", ".avif", ".tif", ".tiff", ".bmp", ".npy")

WORDS = DIVISION.saying(
    partition="none, grid, seg, or the path of a label image; seg by default for images without --grid, else grid."
)
"""Words of the command."""

KEYS = {
    "kind": "`grid` or `labels`",
    "regions": "number of regions",
    "ids": "id of each region",
    "grid": "cells per axis, rows first; null for segments",
    "areas": "samples of each region",
    "smallest": "samples of the smallest region",
    "largest": "samples of the largest region",
    "adjacent": "pairs of ids that touch",
    "padding": "share of the work of a fit that is padding, from 0 to 1",
    "warnings": "what was noticed",
    "preview": "path of the preview; null without one",
}
"""Keys of the command's own in JSON."""


@takes(WORDS)
def command(
    inputs: options.Inputs,
    output: options.Output = None,
    preview: Annotated[
        str | None,
        typer.Option(
            metavar="FILE",
            help="Picture of the regions over the image, for one input.",
            rich_help_panel=options.FILES,
        ),
    ] = None,
    force: options.Force = False,
    recursive: options.Recursive = False,
    json: options.Json = False,
    quiet: options.Quiet = False,
    debug: options.Debug = False,
    **given: Any,
) -> None:
    """Show how signals would be divided.

    The label image goes beside the input as NAME.labels.png unless -o says otherwise, that of a signal without two axes
    as an array, NAME.labels.npy.
    """
    from inrfit.io import input_suffixes

    with batch.json_errors(json, KEYS):
        words = said(WORDS, given)
        kind = words.get("kind")
        if "partition" not in words and "grid" in words:
            words["partition"] = "grid"
        options.check_labels(settings(**words))
        options.check_stdout(output, json=json)
        found = expand(inputs, input_suffixes(kind), recursive=recursive)
        items = plan_work(found, output, lambda path: _suffix(path, kind), force=force, beside=".labels")
        _check_suffixes(items, preview)
        taken = [path for item in items for path in (item.source, item.output)]
        check_extra("--preview", preview, taken, force=force)

    def work(item: Item) -> dict[str, Any]:
        from inrfit import api, io
        from inrfit.kernels.tiles import tile_points
        from inrfit.partitions.summary import overlay, summary
        from inrfit.signal import Bands, SignalInfo

        signal = api.read(content(item), settings(**words).read, name=item.name)
        _check_axes(item, signal.domain, preview)
        asked = words if "partition" in words else {**words, "partition": _rule(signal)}
        divided = api.partition(signal, **asked)
        if not quiet:
            for note in (*signal.info.notes, *divided.warnings):
                say(f"{item.name}: {note}")
        written = _write_labels(item, divided)
        if preview is not None:
            colour = SignalInfo(colour="rgb", suffix=".png")
            picture = Bands.of(overlay(signal, divided), signal.domain, colour)
            pieces = io.encode(picture, Path(preview).suffix, name=preview)
            put_extra(Path(preview), pieces, force=force)
        return summary(divided, tile_points(divided.areas)) | {"preview": preview} | written

    talk = listener(quiet=quiet, data_on_stdout=output == "-")
    again = () if force else ("--force",)
    _, code = batch.run(
        items, work, keys=KEYS, as_json=json, debug=debug, summary=_text, talk=talk, again=again
    )
    batch.leave(code)


def _check_suffixes(items: list[Item], preview: str | None) -> None:
    """Refuse formats that cannot serve, before any work."""
    for item in items:
        if item.output is not None and item.output.suffix.lower() not in LABEL_SUFFIXES:
            raise ConfigError(
                f"-o {item.output}: {item.output.suffix or 'no suffix'} does not keep labels as they are",
                hint=f"write {', '.join(LABEL_SUFFIXES)}",
            )
    if preview is None:
        return
    if len(items) > 1:
        raise ConfigError(
            f"--preview takes one input, {len(items)} were given", hint="make the previews one by one"
        )
    if Path(preview).suffix.lower() not in PREVIEW_SUFFIXES:
        raise ConfigError(
            f"--preview {preview}: {Path(preview).suffix or 'no suffix'} is not a format inrfit writes",
            hint=f"write {', '.join(PREVIEW_SUFFIXES)}",
        )


def _suffix(path: Path | None, kind: str | None) -> str:
    """Return the suffix of labels that are not named: an image where they have two axes as a rule, else an array."""
    from inrfit import io

    flat = kind == "image" or (
        kind is None and (path is None or path.suffix.lower() in io.input_suffixes("image"))
    )
    return ".png" if flat else ".npy"


def _rule(signal: Signal) -> str:
    """Return the rule when none is named: segments of pictures, cells of everything else."""
    return "seg" if signal.domain.dimensions == 2 else "grid"


def _check_axes(item: Item, domain: Domain, preview: str | None) -> None:
    """Refuse to draw what is not flat.

    Raises:
        ConfigError: the labels are to be a picture, and the signal has not two axes.
    """
    if domain.dimensions == 2:
        return
    axes = ", ".join(domain.axes)
    if preview is not None:
        raise ConfigError(
            f"--preview {preview}: a preview needs two axes, the signal has {axes}", hint="leave it out"
        )
    if item.output is None or item.output.suffix.lower() != ".npy":
        raise ConfigError(
            f"a label image needs two axes, the signal has {axes}",
            hint="write .npy, for example -o labels.npy",
        )


def _write_labels(item: Item, divided: Partition) -> dict[str, Any]:
    """Write the position of each region as a grey image, or as an array; return what is told of the file."""
    from inrfit import io
    from inrfit.partitions.summary import label_image
    from inrfit.signal import INTEGER_RANGES, Bands, SignalInfo

    labels = label_image(divided)
    kind = labels.dtype.name
    grey = SignalInfo(dtype=kind, value_range=INTEGER_RANGES[kind], colour="grey", suffix=".png")
    made = Bands.of(labels[..., None], divided.domain, grey)
    if item.output is None:
        return put(item, (b"".join(io.encode(made, ".png", name="<stdout>")),))
    make_room(item.output)
    return put(item, io.encode(made, item.output.suffix, name=str(item.output)))


def _text(result: dict[str, Any]) -> list[str]:
    areas = result["areas"]
    shown = " ".join(map(str, areas[:16])) + (" ..." if len(areas) > 16 else "")
    pairs = result["adjacent"]
    neighbours = " ".join(f"{a}-{b}" for a, b in pairs[:24]) + (" ..." if len(pairs) > 24 else "")
    where = result["output"] if result["output"] == "-" else Path(result["output"]).absolute()
    lines = [
        f"{where}  {result['regions']} region{'' if result['regions'] == 1 else 's'}",
        f"  areas      {shown} samples",
        f"  adjacency  {neighbours or 'none'}",
        f"  padding    {100 * result['padding']:.1f} % of the work",
    ]
    return lines + ([f"  preview    {Path(result['preview']).absolute()}"] if result["preview"] else [])
