"""`inrfit fit`: signals in, `.inr` files out."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Annotated, Any

import typer

from inrfit.cli import batch, options
from inrfit.cli import dry_run as trial
from inrfit.cli.fit_batch import Batch
from inrfit.cli.fit_outputs import planned, summary
from inrfit.cli.inputs import Item, content
from inrfit.cli.job import Job
from inrfit.cli.progress import Display
from inrfit.cli.stepwise import again
from inrfit.cli.words import said, takes
from inrfit.errors import ConfigError
from inrfit.fitting.settings import FIT, Settings, settings

if TYPE_CHECKING:
    from inrfit.fitting.plan import Plan

KEYS: dict[str, str] = {}
"""Keys of the command's own in JSON."""


@takes(FIT)
def command(
    inputs: options.Inputs,
    output: options.Output = None,
    resume: options.Resume = False,
    device: options.Device = "auto",
    force: options.Force = False,
    skip_existing: options.SkipExisting = False,
    at_once: options.AtOnce = False,
    dry_run: Annotated[
        bool,
        typer.Option(
            "--dry-run",
            help="Show what would be done, and about what it takes: regions, weights, steps, seconds, bytes; fit nothing.",
            rich_help_panel=options.TALK,
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
    """Fit neural fields to images, sounds, clips, shapes and volumes.

    The output goes beside the input as NAME.inr unless -o says otherwise.
    """
    with batch.json_errors(json, trial.KEYS if dry_run else KEYS):
        words = said(FIT, given)
        wanted = settings(**words)
        options.check_device(device, words.get("threads"))
        _check_batch(at_once, resume, wanted)
        options.check_labels(wanted)
        options.check_stdout(output, json=json)
        items = planned(
            inputs,
            output,
            "fit",
            kind=words.get("kind"),
            force=force or dry_run,
            skip_existing=skip_existing and not dry_run,
            resume=resume and not dry_run,
            recursive=recursive,
            report=None if dry_run else report,
        )
        if dry_run:
            items = [replace(item, output=None, writes=False) for item in items]
    job = FitJob(
        words=words,
        device=device,
        resume=resume,
        takes_up=skip_existing,
        force=force,
        again=again(resume=resume or at_once, skip=len(items) > 1 and not (force or skip_existing)),
        quiet=quiet,
        verbose=verbose,
        display=Display(quiet=quiet, limited="max_time" in words),
        report=None if dry_run else report,
    )
    work, shown = Batch(job, items).work if at_once else job.work, summary
    if dry_run:
        work, shown = (lambda item: trial.told(job.plan(item))), trial.summary
    job.carry_out(items, work, keys=trial.KEYS if dry_run else KEYS, summary=shown, json=json, debug=debug)


class FitJob(Job["Plan"]):
    """Fits."""

    def plan(self, item: Item) -> Plan:
        """Read an input and decide how it is fitted."""
        from inrfit import api

        return api.plan(content(item), device=self.device, name=item.name, **self.words)

    def mend(self, plan: Plan) -> str:
        """Return what may help where a target PSNR was missed: what the user set, not what was chosen for them."""
        longer = "more --steps" if plan.settings.fit.max_time is None else "a longer --max-time"
        if plan.open_model is not None:
            return (
                f"{longer} may reach it; larger networks were tried, as far as they helped and time allowed"
            )
        if self.words.get("pitch") is not None:
            return f"it needs {longer} or a smaller --pitch"
        size = "--params" if self.words.get("hidden_features") is None else "--hidden-features"
        return f"it needs {longer} or a larger {size}"


def _check_batch(at_once: bool, resume: bool, settings: Settings) -> None:
    """Refuse what does not go with several fits at once."""
    if not at_once:
        return
    if resume:
        raise ConfigError(
            "--resume needs a checkpoint, which --batch does not keep",
            hint="give --skip-existing to go on with the inputs that have no file yet",
        )
    from inrfit.fitting.plan import check_many

    check_many(settings.fit)
