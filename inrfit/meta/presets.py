"""What meta-training does when nothing else is said, by kind of signal, and named settings; nothing is validated here."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

_LOCAL: dict[str, Any] = {"partition": "grid", "frame": "local"}
"""Cells of one size that see coordinates of their own: an init then suits signals of every size."""

_COMMON: dict[str, Any] = {
    **_LOCAL,
    "hidden_features": 32,
    "hidden_layers": 2,
    "first_omega_0": 15.0,
    "hidden_omega_0": 30.0,
    "inner_steps": 3,
    "inner_lr": 1e-2,
    "outer_lr": 1e-3,
    "rates": "parameter",
}

META_DEFAULTS: Mapping[str, Mapping[str, Any]] = {
    "image": {**_COMMON, "size": 64, "cell": 32},
    "audio": {**_COMMON, "size": 2048, "cell": 512},
    "shape": {**_COMMON, "size": 32, "cell": 32, "points": 4096, "hidden_features": 64},
    "volume": {**_COMMON, "size": 16, "cell": 16},
}
"""Kind of signal -> words that fill in what the user does not say; a kind that is missing cannot be meta-trained."""

_COMPOSER: dict[str, Any] = {
    **_LOCAL,
    "encoding": "geometric",
    "features": 32,
    "sigma": 16.0,
    "first_omega_0": 4.0,
    "hidden_features": 64,
    "hidden_layers": 2,
}
_HYPER: dict[str, Any] = {
    "inner_steps": 0,
    "inner_lr": 1e-3,
    "rates": "fixed",
    "outer_lr": 1e-3,
    "batch_size": 8,
}
_STEPS: dict[str, Any] = {"inner_steps": 2, "inner_lr": 3e-2, "rates": "tensor", "outer_lr": 1e-2}

METHOD_DEFAULTS: Mapping[str, Mapping[str, Any]] = {
    "reptile": {"inner_lr": 3e-3, "inner_steps": 4},
    "ipc": {**_COMPOSER, **_STEPS, "model": "composer"},
    "ipc-hypernet": {**_COMPOSER, **_HYPER, "model": "composer"},
    "transinr": {**_COMPOSER, **_HYPER},
}
"""Meta-learner -> words that come before those of the kind of signal."""

META_PRESETS: Mapping[str, Mapping[str, Any]] = {
    "partition-matters": {
        "method": "maml",
        "partition": "none",
        "frame": "global",
        "hidden_features": 128,
        "hidden_layers": 3,
        "first_omega_0": 30.0,
        "hidden_omega_0": 30.0,
        "inner_steps": 3,
        "inner_lr": 1e-5,
        "rates": "linear",
        "order": "second",
        "loss": "signal",
        "outer_lr": 1e-4,
        "schedule": "constant",
        "batch_size": 4,
        "size": 256,
        "augment": False,
        "clip": 1e6,
        "steps": 31_500,
    },
    "learned-init": {
        "method": "maml",
        "partition": "none",
        "frame": "global",
        "hidden_features": 256,
        "hidden_layers": 3,
        "first_omega_0": 200.0,
        "hidden_omega_0": 200.0,
        "inner_steps": 2,
        "inner_lr": 1e-2,
        "rates": "fixed",
        "order": "second",
        "loss": "signal",
        "outer_lr": 1e-5,
        "schedule": "constant",
        "batch_size": 3,
        "size": 178,
        "augment": False,
        "clip": 1e6,
        "steps": 150_000,
    },
    "ipc": {
        "method": "ipc",
        "model": "composer",
        "partition": "none",
        "frame": "global",
        "activation": "relu",
        "encoding": "geometric",
        "features": 128,
        "sigma": 64.0,
        "hidden_features": 256,
        "hidden_layers": 3,
        "rank": 256,
        "inner_steps": 2,
        "inner_lr": 2.5e-3,
        "rates": "fixed",
        "order": "second",
        "loss": "signal",
        "outer_lr": 1e-3,
        "batch_size": 16,
        "size": 178,
        "augment": False,
        "clip": 1e6,
    },
}
"""Name -> words of Partition Matters (ICCV 2023), Learned Initializations (CVPR 2021) and instance pattern composers (CVPR
2023); what they leave open is filled in by the kind of signal."""
