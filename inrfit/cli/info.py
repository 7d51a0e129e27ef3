"""`inrfit info`: what a `.inr` file holds and whether it is intact, without decoding it."""

from __future__ import annotations

import sys
from typing import Any

from inrfit.cli import batch, options
from inrfit.cli.console import number, out, size
from inrfit.cli.inputs import Item, expand
from inrfit.errors import ContainerError


def command(
    inputs: options.Inputs,
    recursive: options.Recursive = False,
    json: options.Json = False,
    debug: options.Debug = False,
) -> None:
    """Show what .inr files hold and check that they are intact."""
    with batch.json_errors(json):
        found = expand(inputs, (".inr",), recursive=recursive)
    items = [Item(source=path, output=None) for path, _ in found]
    batch.run(items, _work, as_json=json, debug=debug, summary=_summary, talk=out)


def _work(item: Item) -> dict[str, Any]:
    from inrfit import api

    source = sys.stdin.buffer.read() if item.source is None else item.source
    held = api.info(source)
    if held["damaged"]:
        shown = ", ".join(map(str, held["damaged"][:8])) + (", ..." if len(held["damaged"]) > 8 else "")
        raise ContainerError(
            f"{item.name} is damaged: {len(held['damaged'])} of {held['regions']} regions ({shown})",
            hint="copy or download the file again",
        )
    return {"output": None, **held}


def _summary(held: dict[str, Any]) -> str:
    signal, model, parts = held["signal"], held["model"], held["bytes_by_part"]
    shape = "×".join(map(str, reversed(signal["shape"])))
    grid = "grid " + "×".join(map(str, held["grid"])) if held["grid"] else f"{held['regions']} segments"
    psnr = number(held["psnr"], 2, "dB")
    encoding = "" if model["encoding"] == "none" else f", {model['encoding']} encoding"
    metadata = ", ".join(f"{name} {size(count)}" for name, count in held["metadata"].items()) or "none"
    worst = [p for p in held["region_psnr"] if p is not None]
    span = f" (regions {min(worst):.2f} to {max(worst):.2f} dB)" if worst else ""
    rows = {
        "signal": f"{signal['kind']} {shape}×{signal['channels']} {signal['dtype']} {signal['colour']}",
        "model": f"{model['name']}, {model['activation']}, {model['hidden_features']} wide, "
        f"{model['hidden_layers']} hidden layers, {model['frame']} frame{encoding}",
        "partition": grid,
        "weights": f"{held['params']:,} as {held['weights']}; {held['macs_per_sample']:,} MAC per sample to decode",
        "bytes": f"{held['bytes']:,} ({held['bpp']:.3f} bpp): front {parts['front']:,}, "
        f"shared {parts['shared']:,}, regions {parts['regions']:,}",
        "quality": f"{psnr}{span}",
        "fit": f"{held['steps']:,} steps, seed {held['seed']}",
        "metadata": metadata,
        "format": f"{held['version'][0]}.{held['version'][1]} by {held['writer']}; intact",
    }
    return "\n".join([held["input"], *(f"  {name:<10}{text}" for name, text in rows.items())])
