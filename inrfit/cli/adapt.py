"""`inrfit adapt`: signals and an init in, `.inr` files out after a few steps."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from inrfit.cli import batch, options, reports
from inrfit.cli import fit_options as fitting
from inrfit.cli.console import listener, say
from inrfit.cli.fit_job import Job
from inrfit.cli.fit_outputs import check_inputs, check_output, done, paths, summary
from inrfit.cli.inputs import Item, check_extra, check_spared, content, expand, plan_work
from inrfit.cli.progress import Display
from inrfit.meta.options import ADAPTS, FEW, OPTIMISERS, AdaptConfig, configured

if TYPE_CHECKING:
    from inrfit.field import Field
    from inrfit.fitting.checkpoint import Checkpoint
    from inrfit.fitting.loop import Progress
    from inrfit.fitting.plan import Plan
    from inrfit.meta.init import Init

KEYS = {"init": "SHA-256 of the init", "steps": "steps that were done"}
"""Keys of the command's own in JSON."""


def command(
    inputs: options.Inputs,
    init: Annotated[
        str, typer.Option(metavar="FILE", help="What meta-train has learned, such as init.safetensors.")
    ],
    output: options.Output = None,
    steps: Annotated[
        int | None,
        typer.Option(
            help="Steps to take; as many as the init was trained for by default, 0 for its start as it is."
        ),
    ] = None,
    optimiser: Annotated[
        str,
        typer.Option(
            metavar="NAME",
            help=f"{', '.join(OPTIMISERS)}. learned: the steps and rates of the init. auto: those first, as many as were "
            f"trained, then sgd for up to {FEW} more, or adam for more than that; adam from the first step on where the init was not "
            "trained for steps.",
        ),
    ] = "auto",
    lr: Annotated[
        float | None,
        typer.Option(
            help="Rate of sgd, adam or soap; the init's own for sgd by default, one that suits the width for the others."
        ),
    ] = None,
    adapt: Annotated[
        str,
        typer.Option(
            metavar="WHAT",
            help=f"{' or '.join(ADAPTS)}: what the init adapts, or, after the steps it was trained for, all weights.",
        ),
    ] = "own",
    solve: Annotated[
        str | None,
        typer.Option(
            metavar="WHEN",
            help="Steps that set the output layer to its best, in closed form: none, first, last or both; as the init was "
            "trained by default.",
        ),
    ] = None,
    reference_init: Annotated[
        bool,
        typer.Option(
            "--reference-init",
            help="Keep only what adapted in the file, which then needs the init to be decoded, beside it or named with --init.",
        ),
    ] = False,
    partition: Annotated[
        str | None,
        typer.Option(
            metavar="RULE",
            help="none, grid, seg, or the path of a label image; that of the init by default.",
        ),
    ] = None,
    grid: Annotated[
        str | None, typer.Option(metavar="RxC", help="Rows x columns of cells, as for fit. Not with --heads.")
    ] = None,
    cell: Annotated[
        str | None,
        typer.Option(metavar="SIDE", help="Nominal side of a cell in samples. Not with --grid or --heads."),
    ] = None,
    heads: options.Heads = None,
    segmenter: Annotated[
        str | None, typer.Option(metavar="NAME", help="Over-segmentation of seg, as for fit.")
    ] = None,
    resolution: options.Resolution = None,
    target: Annotated[
        str | None,
        typer.Option(
            metavar="WHAT", help="sdf or occupancy of a shape; only what the init was learned from will do."
        ),
    ] = None,
    spacing: options.Spacing = None,
    range_: options.Range = None,
    nodata: options.NoData = None,
    no_metadata: options.NoMetadata = False,
    target_psnr: Annotated[
        float | None, typer.Option(metavar="DB", help="Stop as soon as the decoded file reaches it.")
    ] = None,
    max_time: Annotated[
        str | None, typer.Option(metavar="TIME", help="Do as many steps as fit into it, such as 60s or 5m.")
    ] = None,
    points: fitting.Points = None,
    overlap: fitting.Overlap = None,
    weights: fitting.Weights = None,
    device: options.Device = "auto",
    threads: options.Threads = None,
    memory: Annotated[
        str,
        typer.Option(
            metavar="SIZE", help="What may be kept of coordinates and targets.", rich_help_panel=options.RUN
        ),
    ] = "2G",
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
    report: Annotated[
        str | None,
        typer.Option(
            metavar="FILE", help="HTML page with pictures and the curve.", rich_help_panel=options.TALK
        ),
    ] = None,
    json: options.Json = False,
    quiet: options.Quiet = False,
    verbose: options.Verbose = False,
    debug: options.Debug = False,
) -> None:
    """Turn an init and signals into neural fields in a few steps.

    Signals of any size and any division will do, of the kind and with the channels that the init was learned from. The
    output goes beside the input as NAME.inr unless -o says otherwise.
    """
    from inrfit.io import input_suffixes

    with batch.json_errors(json, KEYS):
        given: dict[str, Any] = {
            "optimiser": optimiser,
            "lr": lr,
            "adapt": adapt,
            "solve": solve,
            "partition": partition,
            "grid": options.counts(grid, "--grid", example="8x8"),
            "cell": options.one_or_each(cell, "--cell", example="32, or 8x32x32"),
            "heads": heads,
            "segmenter": segmenter,
            **options.reading(
                None, None, target, resolution, spacing, range_, nodata, no_metadata=no_metadata
            ),
            "target_psnr": target_psnr,
            "max_time": options.seconds_of(max_time, "--max-time"),
            "points": options.count_of(points, "--points"),
            "overlap": options.one_or_each(overlap, "--overlap", example="2, or 1x2x2"),
            "weights": weights,
            "threads": threads,
            "memory": options.bytes_of(memory, "--memory"),
        }
        words = {k: v for k, v in given.items() if v is not None}
        config = configured(steps, **words)
        _check_labels(config)
        options.check_device(device, threads)
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
        words={} if target_psnr is None else {"target_psnr": target_psnr},
        device=device,
        resume=False,
        again=() if len(items) == 1 or force or skip_existing else ("--skip-existing",),
        talk=(lambda line: None) if quiet else say,
        verbose=verbose,
        display=Display(quiet=quiet, limited=max_time is not None),
        report=report is not None,
        keeps=False,
        init=begin,
        steps=steps,
        reference=reference_init,
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
        steps: how many; those that were trained when None.
        reference: keep only what adapts.
        given: option words of `api.adapt`.
    """

    init: Init
    steps: int | None
    reference: bool
    given: dict[str, Any]

    def plan(self, item: Item) -> Plan:
        """Read an input and decide how the init is adapted to it."""
        from inrfit import api

        return api.plan_adaptation(
            content(item),
            self.init,
            steps=self.steps,
            reference=self.reference,
            device=self.device,
            name=item.name,
            **self.given,
        )

    def run(self, plan: Plan, progress: Progress, begin: Checkpoint | None) -> Field:
        """Carry a plan out."""
        from inrfit.meta.adapt import Adaptation, run

        if not isinstance(plan, Adaptation):
            raise TypeError("a plan of another command")
        return run(plan, progress)

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
    from inrfit.config import settings

    options.check_labels(settings(**config.divided))
