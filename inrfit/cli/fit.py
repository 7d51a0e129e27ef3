"""`inrfit fit`: signals in, `.inr` files out. Its options; `fit_job.py` does the work."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated, Any

import typer

from inrfit.cli import batch, options, reports
from inrfit.cli import dry_run as planned
from inrfit.cli.console import listener, say
from inrfit.cli.fit_batch import Batch
from inrfit.cli.fit_job import Job
from inrfit.cli.fit_outputs import check_inputs, check_output, clear_finished, done, finished, paths, summary
from inrfit.cli.inputs import check_extra, expand, plan_work
from inrfit.cli.progress import Display
from inrfit.cli.words import said, takes
from inrfit.errors import ConfigError
from inrfit.fitting.settings import FIT, Settings, settings

KEYS = {
    "plan": "with `--dry-run`: what would be done, an object with `regions`, `grid`, `steps`, `words` and so on, where `bytes`, "
    "`bpp` and `seconds` are estimates and `status` is `planned`; null otherwise",
}
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
    from inrfit.io import input_suffixes

    with batch.json_errors(json, KEYS):
        words = said(FIT, given)
        options.check_device(device, words.get("threads"))
        _check_batch(at_once, resume, settings(**words))
        options.check_labels(settings(**words))
        options.check_stdout(output, json=json)
        check_output(output, "fit", force=force, skip_existing=skip_existing)
        found = expand(inputs, input_suffixes(words.get("kind")), recursive=recursive)
        check_inputs([source for source, _ in found])
        items = plan_work(
            found,
            output,
            lambda source: ".inr",
            force=force or dry_run,
            skip=None if dry_run else done if skip_existing else finished if resume else None,
            hint="use --force to replace it, or --skip-existing to leave it",
        )
        check_extra("--report", report, paths(items), force=force)
        if dry_run:
            items = [replace(item, output=None, writes=False) for item in items]
        else:
            clear_finished(items)
    job = Job(
        words=words,
        device=device,
        resume=resume,
        takes_up=skip_existing,
        force=force,
        again=_again(len(items), resume=resume or at_once, replacing=force or skip_existing),
        talk=(lambda line: None) if quiet else say,
        verbose=verbose,
        display=Display(quiet=quiet, limited="max_time" in words),
        report=report is not None,
    )
    talk = listener(quiet=quiet, data_on_stdout=output == "-")
    work = Batch(job, items).work if at_once else job.work
    shown = summary
    if dry_run:
        work, shown = (lambda item: planned.told(job.plan(item))), planned.summary
    _, code = batch.run(
        items, work, keys=KEYS, as_json=json, debug=debug, summary=shown, talk=talk, again=job.again
    )
    reports.write(report, job.entries, force=force, quiet=quiet)
    batch.leave(code)


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


def _again(inputs: int, *, resume: bool, replacing: bool) -> tuple[str, ...]:
    """Return the options that a command needs to go on after an interruption."""
    skip = () if inputs == 1 or replacing else ("--skip-existing",)
    return (() if resume else ("--resume",)) + skip
