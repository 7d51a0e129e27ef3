"""`inrfit extend`: a `.inr` file and a picture beside it in, one `.inr` file of both out."""

from __future__ import annotations

import math
import os
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from inrfit.cli import batch, options
from inrfit.cli.checkpoints import outlived
from inrfit.cli.console import fidelity, number, size
from inrfit.cli.inputs import Item, container, content, expand
from inrfit.cli.job import Job
from inrfit.cli.places import check_container, check_extra, check_spared, plan_work
from inrfit.cli.progress import Display
from inrfit.cli.stepwise import again
from inrfit.cli.words import said, takes
from inrfit.edit.config import EXTEND, configured
from inrfit.errors import ConfigError, OutputError

if TYPE_CHECKING:
    from inrfit.edit.extend import Extension
    from inrfit.field import Field
    from inrfit.meta.init import Init
    from inrfit.signal import Signal

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
    resume: options.Resume = False,
    device: options.Device = "auto",
    force: options.Force = False,
    report: options.Report = None,
    json: options.Json = False,
    quiet: options.Quiet = False,
    verbose: options.Verbose = False,
    debug: options.Debug = False,
    **given: Any,
) -> None:
    """Add a part to a .inr file: new regions beside those it has, which keep their weights.

    The new part must have the size of the file on every axis but the one it goes along: as high where it goes to the left
    or right, frames as large where it goes before or after. The output goes beside the input as NAME.ext.inr unless -o
    says otherwise. A report shows the new part.
    """
    with batch.json_errors(json, KEYS):
        words = said(EXTEND, given)
        _check_words(side, mode, words)
        options.check_device(device, words.get("threads"))
        begin = options.read_init(init)
        options.check_stdout(output, json=json)
        check_container(output, "extend")
        item, part = _inputs(field, new, output, force=force, resume=resume)
        check_spared("--init", init, [item])
        taken = [item.source, item.output, part.source, None if init is None else Path(init)]
        check_extra("--report", report, taken, force=force)
    job = ExtendJob(
        words=words,
        part=part,
        side=side,
        mode=mode,
        init=begin,
        device=device,
        resume=resume,
        force=force,
        again=again(resume=resume),
        quiet=quiet,
        verbose=verbose,
        display=Display(quiet=quiet, limited=False, shorten="--steps shortens it"),
        report=report,
    )
    job.carry_out([item], keys=KEYS, summary=_summary, json=json, debug=debug)


@dataclass(kw_only=True)
class ExtendJob(Job["Extension"]):
    """An extension.

    Attributes:
        part: what is added.
        side, mode: where, and what becomes of the old part.
        init: of a field that keeps only what adapted.
    """

    part: Item
    side: str
    mode: str
    init: Init | None

    def plan(self, item: Item) -> Extension:
        """Read a field and the new part, and decide how they are put together."""
        from inrfit import api

        return api.plan_extension(
            api.load(container(item), init=self.init),
            content(self.part),
            side=self.side,
            mode=self.mode,
            device=self.device,
            name=self.part.name,
            **self.words,
        )

    def title(self, item: Item) -> str:
        """Return the name of the new part, which is what is fitted."""
        return self.part.name

    def notes(self, plan: Extension) -> tuple[str, ...]:
        """Return what was noticed of both parts."""
        return plan.notes

    def line(self, item: Item, plan: Extension) -> str:
        """Return what will be done, in a line."""
        old, shape = plan.old, "×".join(map(str, reversed(plan.signal.domain.shape)))
        kept = "shared weights are tuned" if plan.joint else "all old weights are kept"
        added = f"{len(plan.added)} new region{'s' if len(plan.added) > 1 else ''}"
        return (
            f"{self.part.name} {shape}×{plan.signal.channels} {old.info.dtype} · {added} beside the "
            f"{len(old.partition)} of {item.name} · {old.model.name} {old.model.activation} "
            f"{old.model.hidden_features} wide · {kept}"
        )

    def verify(self, data: bytes, plan: Extension) -> tuple[Field, dict[str, Any]]:
        """Return the field of both parts, measured, and what is told of each."""
        from inrfit.edit import extend

        found = extend.verify(plan, data)
        kept = found.psnr_old_kept
        return found.field, {
            "bpp": 8 * len(data) / sum(found.field.partition.areas),
            "added": len(plan.added),
            "psnr_new": found.psnr_new,
            "psnr_old_kept": kept if math.isfinite(kept) else None,
            "shape": found.field.domain.shape,
            "channels": found.field.channels,
        }

    def reported(self, field: Field, plan: Extension) -> tuple[Signal, Field]:
        """Return the new part and its regions: the source of the old part is not there."""
        new = field.select(plan.added)
        return plan.signal, replace(new, partition=replace(new.partition, domain=plan.signal.domain))


def _check_words(side: str, mode: str, words: dict[str, Any]) -> None:
    """Refuse options that cannot work before any work; imports torch for none of them."""
    from inrfit.edit.sides import MODES, SIDES
    from inrfit.registry import unknown

    for value, known, option in ((side, SIDES, "--side"), (mode, MODES, "--mode")):
        if value not in known:
            raise unknown(value, tuple(known), option=option)
    configured(words)


def _inputs(field: str, new: str, output: str | None, *, force: bool, resume: bool) -> tuple[Item, Item]:
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
    (item,) = plan_work(
        found[:1],
        output,
        lambda source: ".inr",
        force=force,
        skip=_made_again if resume else None,
        beside=".ext",
    )
    part = Item(source=source, output=None)
    paths = (item.output, part.source)
    if None not in paths and len({os.path.realpath(path) for path in paths if path is not None}) == 1:
        raise ConfigError(f"{item.output} is both the part to add and the output", hint="choose another -o")
    return item, part


def _made_again(source: Path | None, output: Path) -> bool:
    """Return False, for an output to be made again, where a run was killed before it removed its checkpoint.

    Raises:
        OutputError: it is of another run; a file does not tell which parts it was made from.
    """
    if outlived(output) is None:
        raise OutputError(f"{output} exists", hint="use --force to replace it")
    return False


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
