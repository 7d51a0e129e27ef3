"""`inrfit meta-eval`: how well inits do on held-out signals, step by step."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from inrfit.cli import batch, options
from inrfit.cli.console import listener, number, say
from inrfit.cli.inputs import Item, expand
from inrfit.cli.outputs import put_extra
from inrfit.cli.places import check_extra
from inrfit.errors import ConfigError, require

KEYS = {
    "method": "how the init was learned",
    "hash": "SHA-256 of the init, in hex",
    "optimiser": "that of the steps: learned, sgd or adam",
    "lr": "rate of sgd or adam; null for learned rates",
    "tuned_on": "signals on which that rate was chosen, none of which is measured",
    "step_psnr": "dB before the first and after every step, the mean over signals",
    "signals": "number of held-out signals",
    "skipped": "signals that could not be used: objects with `input` and `reason`",
}
"""Keys of the command's own in JSON; `input` is the init, `psnr` that after the last step."""


def command(
    inputs: Annotated[
        list[str],
        typer.Argument(
            metavar="FOLDER", help="Signals that the inits have not learned from: folders, files or globs."
        ),
    ],
    init: Annotated[
        list[str], typer.Option(metavar="FILE", help="Init to measure; several times for a comparison.")
    ],
    steps: Annotated[int, typer.Option(help="Steps to take on each signal.")] = 10,
    optimiser: Annotated[
        str, typer.Option(metavar="NAME", help="learned (the steps and rates of the init), sgd or adam.")
    ] = "learned",
    lr: Annotated[
        float | None,
        typer.Option(
            help="Rate of sgd or adam; the best of a few by default, on some of the signals, which are then not measured."
        ),
    ] = None,
    tune: Annotated[
        list[str] | None,
        typer.Option(
            metavar="FOLDER",
            help="Other signals to choose that rate on, so that all those given are measured.",
        ),
    ] = None,
    size: Annotated[
        int | None,
        typer.Option(
            help="Of each signal the middle is taken, with so many samples along each axis; those of the init's crops by default."
        ),
    ] = None,
    report: Annotated[
        str | None,
        typer.Option(
            metavar="FILE",
            help="Page (.html) or picture (.svg) with the curve of each init.",
            rich_help_panel=options.TALK,
        ),
    ] = None,
    device: options.Device = "auto",
    threads: options.Threads = None,
    force: options.Force = False,
    recursive: options.Recursive = False,
    json: options.Json = False,
    quiet: options.Quiet = False,
    debug: options.Debug = False,
) -> None:
    """Measure inits on held-out signals: the mean PSNR before the first and after every step."""
    with batch.json_errors(json, KEYS):
        from inrfit.io import input_suffixes
        from inrfit.meta.held_out import check

        options.check_device(device, threads)
        require(size is None or size >= 1, f"--size {size} must be at least 1")
        check(steps, optimiser, lr, tuned=bool(tune))

        def listed(given: list[str]) -> list[Path]:
            found = expand(given, input_suffixes(), recursive=recursive)
            files = list(dict.fromkeys(source for source, _ in found if source is not None))
            require(bool(files), "standard input holds no folder of signals", hint="name files or folders")
            return files

        files = listed(inputs)
        others = listed(tune) if tune else None
        if others is not None and (both := set(others).intersection(files)):
            raise ConfigError(
                f"--tune {min(both)} is also measured, a rate chosen on it would flatter",
                hint="give other signals with --tune",
            )
        inits = expand(init, (".safetensors",), recursive=False)
        require(
            report is None or Path(report).suffix.lower() in (".html", ".svg"),
            f"--report {report} must end with .html or .svg",
            hint="for example --report curves.html",
        )
        check_extra("--report", report, [*files, *(source for source, _ in inits)], force=force)

    measured: list[dict[str, Any]] = []

    def work(item: Item) -> dict[str, Any]:
        from inrfit import api
        from inrfit.device import pick_device

        picked = pick_device(device, threads)
        if not quiet:
            say(f"{picked.why} · {item.name}")
        found = api.meta_eval(
            files,
            item.source or "",
            steps=steps,
            optimiser=optimiser,
            lr=lr,
            tune=others,
            size=size,
            device=picked.name,
            threads=threads,
        )
        measured.append({"input": item.name, **found})
        return {"output": None, "device": picked.name, **found}

    items = [Item(source=source, output=None, writes=False) for source, _ in inits]
    _, code = batch.run(
        items, work, keys=KEYS, as_json=json, debug=debug, summary=_summary, talk=listener(quiet=quiet)
    )
    if report is not None and measured:
        _write(Path(report), measured, force=force, quiet=quiet)
    batch.leave(code)


def _write(path: Path, measured: list[dict[str, Any]], *, force: bool, quiet: bool) -> None:
    """Write the curves of all inits."""
    from inrfit.cli import reports
    from inrfit.report import comparison_html
    from inrfit.report.curve import comparison

    lines = {one["input"]: list(enumerate(one["step_psnr"])) for one in measured}
    title = "PSNR of held-out signals"
    if path.suffix.lower() == ".svg":
        text = comparison(lines, title, "step")
    else:
        columns = ("method", "optimiser", "lr", "signals", "psnr")
        numbers = {one["input"]: {column: one[column] for column in columns} for one in measured}
        text = comparison_html(
            lines,
            numbers,
            title=title,
            x_label="step",
            command=reports.command_line(),
            versions=reports.versions(),
        )
    put_extra(path, (text.encode("utf-8", "backslashreplace"),), force=force)
    if not quiet:
        say(f"report: {path.absolute()}")


def _summary(result: dict[str, Any]) -> str:
    """Return the line of an init: the PSNR after each step."""
    shown = " ".join(number(psnr) for psnr in result["step_psnr"])
    rate = "" if result["lr"] is None else f" at {result['lr']:g}"
    if result["tuned_on"]:
        count = len(result["tuned_on"])
        rate += f" (chosen on {count} other{'s' if count > 1 else ''}, such as {result['tuned_on'][0]})"
    skipped = f", {len(result['skipped'])} skipped" if result["skipped"] else ""
    return (
        f"{result['input']}  {result['method']}, {result['optimiser']}{rate}, {result['signals']} signals{skipped}: "
        f"{shown} dB"
    )
