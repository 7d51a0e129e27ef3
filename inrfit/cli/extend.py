"""`inrfit extend`: a `.inr` file and a picture beside it in, one `.inr` file of both out."""

from __future__ import annotations

import math
import os
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from inrfit.cli import batch, options
from inrfit.cli.console import fidelity, listener, number, say, size
from inrfit.cli.inputs import (
    Item,
    check_container,
    check_spared,
    container,
    content,
    expand,
    make_room,
    plan_work,
)
from inrfit.cli.outputs import put
from inrfit.cli.progress import Display
from inrfit.cli.words import said, takes
from inrfit.edit.config import EXTEND, configured
from inrfit.errors import ConfigError

if TYPE_CHECKING:
    from inrfit.edit.extend import Extended, Extension

KEYS = {
    "regions": "number of regions of both parts",
    "added": "number of new regions",
    "psnr_new": "dB of the new part of the file, decoded to its output type, against its source",
    "psnr_old_kept": "dB of the old part, decoded, against its decode before; null where they are equal to the bit",
}
"""Keys of the command's own in JSON; `psnr` is that of both parts by area, for the old part as its file states it."""


@takes(EXTEND)
def command(
    field: Annotated[str, typer.Argument(metavar="IN", help="A .inr file, or - for standard input.")],
    new: Annotated[str, typer.Argument(metavar="NEW", help="The part to add, or - for standard input.")],
    side: Annotated[
        str,
        typer.Option(
            metavar="SIDE",
            help="Where it goes: right, left, top, bottom; before or after in time; front or back in depth.",
        ),
    ],
    mode: Annotated[
        str,
        typer.Option(
            metavar="MODE",
            help="strict: the old part decodes to the same bits. joint: weights that all regions share are tuned, "
            "and the old part changes by an error 16 dB or more below its own.",
        ),
    ] = "strict",
    output: options.Output = None,
    init: options.Init = None,
    device: options.Device = "auto",
    force: options.Force = False,
    json: options.Json = False,
    quiet: options.Quiet = False,
    verbose: options.Verbose = False,
    debug: options.Debug = False,
    **given: Any,
) -> None:
    """Add a part to a .inr file: new regions beside those it has, which keep their weights.

    The new part must have the size of the file on every axis but the one it goes along: as high where it goes to the left
    or right, frames as large where it goes before or after. The output goes beside the input as NAME.ext.inr unless -o says otherwise. Ctrl-C leaves nothing behind, no
    checkpoint either.
    """
    with batch.json_errors(json, KEYS):
        words = said(EXTEND, given)
        _check_words(side, mode, words)
        options.check_device(device, words.get("threads"))
        begin = options.read_init(init)
        options.check_stdout(output, json=json)
        check_container(output, "extend")
        item, part = _inputs(field, new, output, force=force)
        check_spared("--init", init, [item])
    display = Display(quiet=quiet, limited=False, shorten="--steps shortens it")

    def work(item: Item) -> dict[str, Any]:
        from inrfit import api
        from inrfit.edit import extend
        from inrfit.fitting.progress import Progress

        plan = api.plan_extension(
            api.load(container(item), init=begin),
            content(part),
            side=side,
            mode=mode,
            device=device,
            name=part.name,
            **words,
        )
        make_room(item.output)
        if not quiet:
            _tell(item, part, plan, verbose=verbose)
        began = time.monotonic()
        with display.fit(part.name) as show:
            made = plan.run(Progress(on_event=show))
        seconds = time.monotonic() - began
        data = api.to_bytes(made)
        found = extend.verify(plan, data)
        return _facts(plan, found, len(data)) | {"seconds": round(seconds, 3)} | put(item, (data,))

    talk = listener(quiet=quiet, data_on_stdout=output == "-")
    _, code = batch.run([item], work, keys=KEYS, as_json=json, debug=debug, summary=_summary, talk=talk)
    batch.leave(code)


def _check_words(side: str, mode: str, words: dict[str, Any]) -> None:
    """Refuse options that cannot work before any work; imports torch for none of them."""
    from inrfit.edit.sides import MODES, SIDES
    from inrfit.registry import unknown

    for value, known, option in ((side, SIDES, "--side"), (mode, MODES, "--mode")):
        if value not in known:
            raise unknown(value, tuple(known), option=option)
    configured(words)


def _inputs(field: str, new: str, output: str | None, *, force: bool) -> tuple[Item, Item]:
    """Return the field with its output, and the new part.

    Raises:
        ConfigError: there is more than one field or part, the part is a field, or the output would replace it.
    """
    found = expand([field, new], (), recursive=False)
    if len(found) != 2:
        raise ConfigError(
            f"extend takes one .inr file and one part to add, {len(found)} files were given",
            hint="extend by one part after the other",
        )
    source = found[1][0]
    if source is not None and source.suffix.lower() == ".inr":
        raise ConfigError(
            f"{source} is an .inr file, the part to add must be a signal",
            hint="give the .inr file first and the signal after it; inrfit decode makes a signal of an .inr file",
        )
    item = plan_work(found[:1], output, lambda source: ".inr", force=force, beside=".ext")[0]
    part = Item(source=source, output=None)
    paths = (item.output, part.source)
    if None not in paths and len({os.path.realpath(path) for path in paths if path is not None}) == 1:
        raise ConfigError(f"{item.output} is both the part to add and the output", hint="choose another -o")
    return item, part


def _tell(item: Item, part: Item, plan: Extension, *, verbose: bool) -> None:
    """Say what will be done, and what was noticed on the way."""
    for note in plan.notes:
        say(f"{part.name}: {note}")
    old, shape = plan.old, "×".join(map(str, reversed(plan.signal.domain.shape)))
    kept = "shared weights are tuned" if plan.joint else "all old weights are kept"
    added = f"{len(plan.added)} new region{'s' if len(plan.added) > 1 else ''}"
    say(
        f"{plan.device.why} · {part.name} {shape}×{plan.signal.channels} {old.info.dtype} · {added} "
        f"beside the {len(old.partition)} of {item.name} · {old.model.name} {old.model.activation} "
        f"{old.model.hidden_features} wide · {kept}"
    )
    if verbose:
        say(f"{item.name}: {old.model}")
        say(f"{part.name}: {plan.settings.fit}")


def _facts(plan: Extension, found: Extended, written: int) -> dict[str, Any]:
    """Return what is told of an extension."""
    field, kept = found.field, found.psnr_old_kept
    return {
        "bytes": written,
        "bpp": 8 * written / sum(field.partition.areas),
        "params": field.params,
        **field.info.figures(field.psnr),
        "device": plan.device.name,
        "regions": len(field.partition),
        "added": len(plan.added),
        "psnr_new": found.psnr_new,
        "psnr_old_kept": kept if math.isfinite(kept) else None,
        "shape": field.domain.shape,
        "channels": field.channels,
    }


def _summary(result: dict[str, Any]) -> str:
    shown = result["output"] if result["output"] == "-" else Path(result["output"]).absolute()
    kept = result["psnr_old_kept"]
    old = "old part the same" if kept is None else f"old part kept to {kept:.2f} dB"
    shape = "×".join(map(str, [*reversed(result["shape"]), result["channels"]]))
    return "  ".join(
        (
            str(shown),
            shape,
            f"{result['regions']} regions, {result['added']} new",
            size(result["bytes"]),
            f"PSNR {fidelity(result)}, new part {number(result['psnr_new'], 2, 'dB')}",
            old,
            number(result["seconds"], 1, "s"),
        )
    )
