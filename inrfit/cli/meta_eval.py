"""`inrfit meta-eval`: how well inits do on held-out signals, step by step."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from inrfit.cli import batch, options
from inrfit.cli.console import listener, number, say
from inrfit.cli.inputs import Item, expand
from inrfit.config import require

KEYS = {
    "method": "how the init was learned",
    "hash": "SHA-256 of the init, in hex",
    "optimiser": "that of the steps: learned, sgd or adam",
    "lr": "rate of sgd or adam; null for learned rates",
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
        typer.Option(help="Rate of sgd or adam; the best of six on the first four signals by default."),
    ] = None,
    size: Annotated[
        int | None,
        typer.Option(
            help="Of each signal the middle is taken, with so many samples along each axis; those of the init's crops by default."
        ),
    ] = None,
    device: options.Device = "auto",
    threads: options.Threads = None,
    recursive: options.Recursive = False,
    json: options.Json = False,
    quiet: options.Quiet = False,
    debug: options.Debug = False,
) -> None:
    """Measure inits on held-out signals: the mean PSNR before the first and after every step."""
    with batch.json_errors(json, KEYS):
        from inrfit.io import input_suffixes

        options.check_device(device, threads)
        require(size is None or size >= 1, f"--size {size} must be at least 1")
        found = expand(inputs, input_suffixes(), recursive=recursive)
        files = [source for source, _ in found if source is not None]
        require(bool(files), "standard input holds no folder of signals", hint="name files or folders")
        inits = expand(init, (".safetensors",), recursive=False)

    def work(item: Item) -> dict[str, Any]:
        from inrfit import api
        from inrfit.device import pick_device

        picked = pick_device(device, threads)
        if not quiet:
            say(f"{picked.why} · {item.name}")
        measured = api.meta_eval(
            files,
            item.source or "",
            steps=steps,
            optimiser=optimiser,
            lr=lr,
            size=size,
            device=picked.name,
        )
        return {"output": None, "device": picked.name, **measured}

    items = [Item(source=source, output=None, writes=False) for source, _ in inits]
    _, code = batch.run(
        items, work, keys=KEYS, as_json=json, debug=debug, summary=_summary, talk=listener(quiet=quiet)
    )
    batch.leave(code)


def _summary(result: dict[str, Any]) -> str:
    """Return the line of an init: the PSNR after each step."""
    shown = " ".join(number(psnr) for psnr in result["step_psnr"])
    rate = "" if result["lr"] is None else f" at {result['lr']:g}"
    skipped = f", {len(result['skipped'])} skipped" if result["skipped"] else ""
    return (
        f"{result['input']}  {result['method']}, {result['optimiser']}{rate}, {result['signals']} signals{skipped}: "
        f"{shown} dB"
    )
