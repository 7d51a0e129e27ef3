"""One table of everything that has a name; it imports nothing until a name is loaded.

A new signal kind, partition rule, activation, encoding, model or metric is one new file and one line here. Other packages
add names without a line here, see `plugins`; a name of inrfit's own they cannot take.
"""

from __future__ import annotations

import difflib
import importlib
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain
from typing import Any

from inrfit import plugins
from inrfit.errors import ConfigError, PluginError
from inrfit.plugins import Plugin

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


_used: dict[str, None] = {}
"""Modules that were imported by name in this process, in their order."""


def names(kind: str) -> tuple[str, ...]:
    """Return inrfit's own names of a kind, in the order of the table."""
    return tuple(TABLE[kind])


def every(kind: str) -> Iterator[str]:
    """Yield all names of a kind: inrfit's own, and only when those are used up those of plug-ins, which are looked for then."""
    yield from TABLE[kind]
    yield from added(kind)


def added(kind: str) -> dict[str, Plugin]:
    """Return the plug-ins of a kind by name.

    Raises:
        PluginError: a module that the environment names cannot be imported; a plug-in takes a name of inrfit's own, or two
            have the same.
    """
    found: dict[str, Plugin] = {}
    modules = map(plugins.declared, dict.fromkeys((*_used, *plugins.wanted())))
    for plugin in (*chain.from_iterable(modules), *plugins.installed(kind)):
        if plugin.kind != kind:
            continue
        _check_free([plugin])
        other = found.setdefault(plugin.name, plugin)
        if other.target != plugin.target:
            raise PluginError(
                f"{kind} {plugin.name!r} is added by {other.origin} and by {plugin.origin}",
                hint="keep one of them",
            )
    return found


def use(module: str) -> None:
    """Import a module by name and take what it declares into the table, as `inrfit --import` does.

    Raises:
        PluginError: it cannot be imported or says not what it adds; it adds what inrfit has no table of, or takes a name of
            inrfit's own.
    """
    _check_free(plugins.declared(module))
    _used[module] = None


def _check_free(found: Iterable[Plugin]) -> None:
    """Refuse plug-ins of no known kind, and those that take a name of inrfit's own."""
    for plugin in found:
        if plugin.kind not in TABLE:
            raise PluginError(
                f"{plugin.origin} adds {plugin.kind} {plugin.name!r}; there are only {', '.join(TABLE)}",
                hint=f"mend {plugin.package}",
            )
        if plugin.name in TABLE[plugin.kind]:
            raise PluginError(
                f"{plugin.origin} adds {plugin.kind} {plugin.name!r}, which is a name of inrfit itself",
                hint=f"take another name in {plugin.package}",
            )


def knows(kind: str, name: str) -> bool:
    """Return whether there is a name, of inrfit's own or of a plug-in."""
    return name in TABLE[kind] or name in added(kind)


def check(kind: str, name: str, *, option: str | None = None) -> str:
    """Return `name` if it is one of inrfit's own or of a plug-in.

    Args:
        kind: a key of the table, for example `activation`.
        name: what the user wrote.
        option: the option to blame in the message; `--<kind>` when not given.

    Raises:
        ConfigError: the name is unknown; the message lists the names and suggests the nearest. PluginError: see `added`.
    """
    if knows(kind, name):
        return name
    raise unknown(name, tuple(every(kind)), option=option or "--" + kind)


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
        ConfigError: the name is unknown. PluginError: it is a plug-in's, which cannot be loaded.
    """
    if check(kind, name) not in TABLE[kind]:
        return added(kind)[name].load()
    module, _, attribute = TABLE[kind][name].partition(":")
    return getattr(importlib.import_module(module), attribute)
