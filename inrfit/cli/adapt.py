"""`inrfit adapt`: signals and an init in, `.inr` files out after a few steps."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from inrfit.cli import batch, options
from inrfit.cli.fit_outputs import done, planned, summary
from inrfit.cli.inputs import Item, content
from inrfit.cli.job import Job
from inrfit.cli.progress import Display
from inrfit.cli.stepwise import again
from inrfit.cli.words import said, takes
from inrfit.fitting.settings import settings
from inrfit.meta.settings import ADAPT, adapt_settings

if TYPE_CHECKING:
    from inrfit.field import Field
    from inrfit.fitting.plan import Plan
    from inrfit.meta.init import Init

KEYS = {"init": "SHA-256 of the init", "steps": "steps that were done"}
"""Keys of the command's own in JSON."""


@takes(ADAPT)
def command(
    inputs: options.Inputs,
    init: Annotated[
        str, typer.Option(metavar="FILE", help="What meta-train has learned, such as init.safetensors.")
    ],
    output: options.Output = None,
    resume: options.Resume = False,
    device: options.Device = "auto",
    force: options.Force = False,
    skip_existing: Annotated[
        bool,
        typer.Option(
            "--skip-existing",
            help="Leave outputs that are intact and were made from their input as it is now, with whatever init and "
            "options, unless they need another init than this one. Not with --force.",
            rich_help_panel=options.FILES,
        ),
    ] = False,
    recursive: options.Recursive = False,
    report: options.Report = None,
    json: options.Json = False,
    quiet: options.Quiet = False,
    verbose: options.Verbose = False,
    debug: options.Debug = False,
    **given: Any,
) -> None:
    """Turn an init and signals into neural fields in a few steps.

    Signals of any size and any division will do, of the kind and with the channels that the init was learned from. The
    output goes beside the input as NAME.inr unless -o says otherwise.
    """
    with batch.json_errors(json, KEYS):
        words = said(ADAPT, given)
        options.check_labels(settings(**adapt_settings(**words).divided))
        options.check_device(device, words.get("threads"))
        options.check_stdout(output, json=json)
        begin = options.read_init(init)
        items = planned(
            inputs,
            output,
            "adapt",
            kind=begin.kind,
            force=force,
            skip_existing=skip_existing,
            resume=resume,
            recursive=recursive,
            report=report,
            done=partial(_done, begin),
            init=init,
        )
    job = AdaptJob(
        words=words,
        init=begin,
        device=device,
        resume=resume,
        takes_up=skip_existing,
        force=force,
        again=again(resume=resume, skip=len(items) > 1 and not (force or skip_existing)),
        quiet=quiet,
        verbose=verbose,
        display=Display(quiet=quiet, limited="max_time" in words),
        report=report,
    )
    job.carry_out(items, keys=KEYS, summary=summary, json=json, debug=debug)


@dataclass(kw_only=True)
class AdaptJob(Job["Plan"]):
    """Adaptations.

    Attributes:
        init: what they begin with.
    """

    init: Init

    def plan(self, item: Item) -> Plan:
        """Read an input and decide how the init is adapted to it."""
        from inrfit import api

        return api.plan_adaptation(content(item), self.init, device=self.device, name=item.name, **self.words)

    def verify(self, data: bytes, plan: Plan) -> tuple[Field, dict[str, Any]]:
        """Return the field that was written, measured, and the hash of its init."""
        from inrfit import api

        return api.verify(data, plan.signal, plan.device, init=self.init), {"init": self.init.hash}

    def mend(self, plan: Plan) -> str:
        """Return what may help where a target PSNR was missed: the size is the init's."""
        return "it needs more --steps, or an init with more weights"


def _done(init: Init, source: Path | None, output: Path) -> bool:
    """Return whether an existing output is intact, was made from this input and needs no other init than this."""
    from inrfit.codec.container import Reader

    if not done(source, output):
        return False
    with Reader(output) as reader:
        return reader.header.init in ("", init.hash)
