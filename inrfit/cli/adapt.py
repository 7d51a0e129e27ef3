"""`inrfit adapt`: signals and an init in, `.inr` files out after a few steps."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from inrfit.cli import batch, options, reports
from inrfit.cli.console import listener, say
from inrfit.cli.fit_job import Job
from inrfit.cli.fit_outputs import check_inputs, check_output, done, paths, summary
from inrfit.cli.inputs import Item, check_extra, check_spared, content, expand, plan_work
from inrfit.cli.progress import Display
from inrfit.cli.words import said, takes
from inrfit.meta.config import AdaptConfig
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
    from inrfit.io import input_suffixes

    with batch.json_errors(json, KEYS):
        words = said(ADAPT, given)
        config = adapt_settings(**words)
        _check_labels(config)
        options.check_device(device, words.get("threads"))
        options.check_stdout(output, json=json)
        check_output(output, "adapt", force=force, skip_existing=skip_existing)
        begin = options.read_init(init)
        found = expand(inputs, input_suffixes(begin.kind), recursive=recursive)
        check_inputs([source for source, _ in found])
        items = plan_work(
            found,
            output,
            lambda source: ".inr",
            force=force,
            skip=partial(_done, begin) if skip_existing else None,
            hint="use --force to replace it, or --skip-existing to leave it",
        )
        check_spared("--init", init, items)
        check_extra("--report", report, [*paths(items), Path(init)], force=force)
    job = AdaptJob(
        words={word: words[word] for word in ("target_psnr",) if word in words},
        device=device,
        resume=False,
        again=() if len(items) == 1 or force or skip_existing else ("--skip-existing",),
        talk=(lambda line: None) if quiet else say,
        verbose=verbose,
        display=Display(quiet=quiet, limited="max_time" in words),
        report=report is not None,
        keeps=False,
        init=begin,
        given=words,
    )
    talk = listener(quiet=quiet, data_on_stdout=output == "-")
    _, code = batch.run(
        items, job.work, keys=KEYS, as_json=json, debug=debug, summary=summary, talk=talk, again=job.again
    )
    reports.write(report, job.entries, force=force, quiet=quiet)
    batch.leave(code)


@dataclass(kw_only=True)
class AdaptJob(Job):
    """What the adaptations of a batch share.

    Attributes:
        init: what they begin with.
        given: option words of `api.adapt`.
    """

    init: Init
    given: dict[str, Any]

    def plan(self, item: Item) -> Plan:
        """Read an input and decide how the init is adapted to it."""
        from inrfit import api

        return api.plan_adaptation(
            content(item),
            self.init,
            device=self.device,
            name=item.name,
            **self.given,
        )

    def verify(self, data: bytes, plan: Plan) -> Field:
        """Return what was written, measured."""
        from inrfit import api

        return api.verify(data, plan.signal, plan.device, init=self.init)

    def mend(self, plan: Plan) -> str:
        """Return what may help where a target PSNR was missed: the size is the init's."""
        return "it needs more --steps, or an init with more weights"

    def work(self, item: Item) -> dict[str, Any]:
        """Adapt to one input and write its file."""
        return {**super().work(item), "init": self.init.hash}


def _done(init: Init, source: Path | None, output: Path) -> bool:
    """Return whether an existing output is intact, was made from this input and needs no other init than this."""
    from inrfit.codec.container import Reader

    if not done(source, output):
        return False
    with Reader(output) as reader:
        return reader.header.init in ("", init.hash)


def _check_labels(config: AdaptConfig) -> None:
    """Refuse a label image that is not there before any work; see `options.check_labels`."""
    from inrfit.fitting.settings import settings

    options.check_labels(settings(**config.divided))
