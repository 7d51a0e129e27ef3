"""`inrfit info`: what a `.inr` file holds and whether it is intact, without decoding it."""

from __future__ import annotations

import math
from typing import Any

from inrfit.cli import batch, options
from inrfit.cli.console import fidelity, listener, size
from inrfit.cli.inputs import Item, container, expand
from inrfit.codec.container import Reader
from inrfit.codec.summary import summary
from inrfit.errors import ContainerError

KEYS = {
    "samples": "samples that its regions cover",
    "regions": "number of regions",
    "grid": "cells per axis, rows first; empty for segments",
    "steps": "steps of the fit",
    "seed": "seed of the fit",
    "weights": "type of the stored weights",
    "init": "SHA-256 of the init that the file needs; null where it keeps its weights",
    "macs_per_sample": "multiplications with addition to decode one sample",
    "signal": "what was fitted: kind, shape, channels, sample type, colour and range",
    "model": "the network of a region",
    "partition": "kind of the partition",
    "bytes_by_part": "bytes of the front matter, of the shared weights and of the regions",
    "region_ids": "id of each region",
    "region_bytes": "bytes of each region",
    "region_psnr": "dB of each region",
    "metadata": "bytes of each piece of metadata, by tag",
    "version": "major and minor version of the format",
    "writer": "program that wrote the file",
    "damaged": "ids of damaged regions",
}
"""Keys of the command's own in JSON."""


def command(
    inputs: options.Inputs,
    recursive: options.Recursive = False,
    json: options.Json = False,
    quiet: options.Quiet = False,
    debug: options.Debug = False,
) -> None:
    """Show what .inr files hold, and check them.

    Nothing is decoded. The exit code is 0 when every file is intact.
    """
    with batch.json_errors(json, KEYS):
        found = expand(inputs, (".inr",), recursive=recursive)
    items = [Item(source=path, output=None, writes=False) for path, _ in found]
    _, code = batch.run(
        items, _work, keys=KEYS, as_json=json, debug=debug, summary=_summary, talk=listener(quiet=quiet)
    )
    batch.leave(code)


def _work(item: Item) -> dict[str, Any]:
    with Reader(container(item)) as reader:
        held = summary(reader)
    if held["damaged"]:
        shown = ", ".join(map(str, held["damaged"][:8])) + (", ..." if len(held["damaged"]) > 8 else "")
        raise ContainerError(
            f"{item.name} is damaged: {len(held['damaged'])} of {held['regions']} regions ({shown})",
            hint="copy or download the file again",
        )
    return {"output": None, **held}


def _summary(held: dict[str, Any]) -> list[str]:
    signal, model, parts = held["signal"], held["model"], held["bytes_by_part"]
    shape = "×".join(map(str, reversed(signal["shape"])))
    psnr = fidelity(held)
    encoding = "" if model["encoding"] == "none" else f", {model['encoding']} encoding"
    metadata = ", ".join(f"{name} {size(count)}" for name, count in held["metadata"].items()) or "none"
    parted = held["region_psnr"]
    span = f" (regions {min(parted):.2f} to {max(parted):.2f} dB)" if len(parted) > 1 else ""
    rows = {
        "signal": f"{signal['kind']} {shape}×{signal['channels']} {signal['dtype']} {signal['colour']}{_time(signal)}",
        "place": _place(held),
        "model": f"{model['name']}, {model['activation']}, {model['hidden_features']} wide, "
        f"{model['hidden_layers']} hidden layers, {model['frame']} frame{encoding}",
        "partition": _division(held),
        "weights": f"{held['params']:,} as {held['weights']}; {held['macs_per_sample']:,} MAC per sample to decode",
        "init": held["init"] and f"needed to decode, SHA-256 {held['init']}; only what adapted is kept",
        "bytes": f"{held['bytes']:,} ({held['bpp']:.3f} bpp): front {parts['front']:,}, "
        f"shared {parts['shared']:,}, regions {parts['regions']:,}",
        "quality": f"{psnr}{span}",
        "fit": f"{held['steps']:,} steps, seed {held['seed']}",
        "metadata": metadata,
        "format": f"{held['version'][0]}.{held['version'][1]} by {held['writer']}; intact",
    }
    return [held["input"], *(f"  {name:<11}{text}" for name, text in rows.items() if text)]


def _time(signal: dict[str, Any]) -> str:
    """Describe the axis of time, where there is one."""
    if "s" not in signal["units"]:
        return ""
    axis = signal["units"].index("s")
    spacing = signal["spacing"][axis]
    return f", {signal['shape'][axis] * spacing:.4g} s at {1 / spacing:.9g} Hz"


def _place(held: dict[str, Any]) -> str:
    """Describe where a crop or an extension lies and what it lacks; nothing for a signal as it was fitted."""
    signal = held["signal"]
    first = ", ".join(f"{axis} {index}" for axis, index in zip(signal["axes"], signal["origin"], strict=True))
    holes = math.prod(signal["shape"]) - held["samples"]
    facts = [f"first sample at {first}"] if any(signal["origin"]) else []
    return ", ".join([*facts, f"{holes:,} samples in no region"] if holes else facts)


def _division(held: dict[str, Any]) -> str:
    if held["regions"] == math.prod(held["grid"]) == 1:
        return "one region"
    if held["grid"]:
        grid = "grid " + "×".join(map(str, held["grid"]))
        cells = "1 cell" if held["regions"] == 1 else f"{held['regions']} cells"
        return grid if held["regions"] == math.prod(held["grid"]) else f"{cells} of a {grid}"
    return f"{held['regions']} region{'s' if held['regions'] > 1 else ''} of any shape"
