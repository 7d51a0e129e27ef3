"""One table of everything that has a name; it imports nothing until a name is loaded.

A new signal kind, partition rule, activation, encoding, model or metric is one new file and one line here.
"""

from __future__ import annotations

import difflib
import importlib
from collections.abc import Sequence
from typing import Any

from inrfit.errors import ConfigError

TABLE: dict[str, dict[str, str]] = {
    "signal": {
        "image": "inrfit.io.image:ImageIO",
        "audio": "inrfit.io.audio:AudioIO",
        "video": "inrfit.io.video:VideoIO",
        "shape": "inrfit.io.shape:ShapeIO",
        "volume": "inrfit.io.volume:VolumeIO",
    },
    "partition": {
        "none": "inrfit.partitions.grid:whole",
        "grid": "inrfit.partitions.grid:grid",
        "seg": "inrfit.partitions.segments:segments",
        "labels": "inrfit.partitions.labels:from_file",
    },
    "segmenter": {
        "hfs": "inrfit.partitions.segments:hfs",
        "felzenszwalb": "inrfit.partitions.segments:felzenszwalb",
    },
    "encoding": {
        "none": "inrfit.steps.encodings:identity",
        "harmonic": "inrfit.steps.encodings:harmonic",
        "rff": "inrfit.steps.encodings:random_fourier",
        "geometric": "inrfit.steps.encodings:geometric",
    },
    "activation": {
        "sine": "inrfit.steps.activations:sine",
        "relu": "inrfit.steps.activations:relu",
        "finer": "inrfit.steps.activations:finer",
        "gauss": "inrfit.steps.activations:gauss",
        "wire": "inrfit.steps.activations:wire",
    },
    "output": {
        "linear": "inrfit.steps.activations:linear",
        "sigmoid": "inrfit.steps.activations:sigmoid",
    },
    "model": {
        "mlp": "inrfit.models.mlp:describe",
        "partitioned": "inrfit.models.partitioned:describe",
        "local-global": "inrfit.models.local_global:describe",
        "composer": "inrfit.models.composer:describe",
        "feature-grid": "inrfit.models.feature_grid:describe",
    },
    "kernel": {
        "cpu": "inrfit.kernels.cpu:Cpu",
        "reference": "inrfit.kernels.reference:Reference",
        "cuda-graphs": "inrfit.kernels.cuda:Graphs",
        "triton": "inrfit.kernels.cuda:Triton",
    },
    "optimiser": {
        "adam": "inrfit.fitting.optim:Adam",
        "soap": "inrfit.fitting.optim:Soap",
        "sgd": "inrfit.fitting.optim:Sgd",
    },
    "meta": {
        "maml": "inrfit.meta.maml:Maml",
        "reptile": "inrfit.meta.reptile:Reptile",
        "standard": "inrfit.meta.baselines:Standard",
        "mean": "inrfit.meta.baselines:Mean",
        "matched": "inrfit.meta.baselines:Matched",
        "shuffled": "inrfit.meta.baselines:Shuffled",
        "ipc": "inrfit.meta.modulation:Composer",
        "ipc-hypernet": "inrfit.meta.hypernet:ComposerHypernet",
        "transinr": "inrfit.meta.hypernet:TransInr",
    },
    "schedule": {
        "constant": "inrfit.fitting.schedule:constant",
        "cosine": "inrfit.fitting.schedule:cosine",
    },
    "metric": {
        "psnr": "inrfit.metrics.fidelity:psnr",
        "psnr-minmax": "inrfit.metrics.fidelity:psnr_minmax",
        "ssim": "inrfit.metrics.fidelity:ssim",
        "ms-ssim": "inrfit.metrics.fidelity:ms_ssim",
        "snr": "inrfit.metrics.sound:snr",
        "si-sdr": "inrfit.metrics.sound:si_sdr",
        "lsd": "inrfit.metrics.sound:lsd",
        "iou": "inrfit.compare.shape:iou",
        "chamfer-l1": "inrfit.compare.shape:chamfer_l1",
        "chamfer-l2": "inrfit.compare.shape:chamfer_l2",
        "normal-consistency": "inrfit.compare.shape:normal_consistency",
    },
    "picture-codec": {
        "jpeg": "inrfit.compare.pictures:JPEG",
        "webp": "inrfit.compare.pictures:WEBP",
        "avif": "inrfit.compare.pictures:AVIF",
    },
}


def names(kind: str) -> tuple[str, ...]:
    """Return the names known for a kind, in the order of the table."""
    return tuple(TABLE[kind])


def check(kind: str, name: str, *, option: str | None = None) -> str:
    """Return `name` if the table knows it.

    Args:
        kind: a key of the table, for example `activation`.
        name: what the user wrote.
        option: the option to blame in the message; `--<kind>` when not given.

    Raises:
        ConfigError: the name is unknown; the message lists the names and suggests the nearest.
    """
    if name in TABLE[kind]:
        return name
    raise unknown(name, names(kind), option=option or "--" + kind)


def unknown(name: str, known: Sequence[str], *, option: str) -> ConfigError:
    """Return the error for a name that is not one of those known, with the nearest of them."""
    near = difflib.get_close_matches(name, known, n=1, cutoff=0.4)
    return ConfigError(
        f"{option} {name!r} is not known (choose from {', '.join(known)})",
        hint=f"did you mean {near[0]!r}?" if near else None,
    )


def load(kind: str, name: str) -> Any:
    """Import and return the object behind a name.

    Raises:
        ConfigError: the name is unknown.
    """
    module, _, attribute = TABLE[kind][check(kind, name)].partition(":")
    return getattr(importlib.import_module(module), attribute)
