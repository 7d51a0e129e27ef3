"""What meta-training does when nothing else is said, by kind of signal, and named settings; nothing is validated here."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

_COMMON: dict[str, Any] = {
    "partition": "none",
    "frame": "global",
    "hidden_features": 128,
    "hidden_layers": 3,
    "first_omega_0": 30.0,
    "hidden_omega_0": 30.0,
    "inner_steps": 3,
    "inner_lr": 1e-2,
    "outer_lr": 1e-3,
    "rates": "parameter",
}

META_DEFAULTS: Mapping[str, Mapping[str, Any]] = {
    "image": {**_COMMON, "size": 64},
    "audio": {**_COMMON, "size": 2048, "first_omega_0": 200.0},
    "shape": {**_COMMON, "size": 32, "points": 4096},
    "volume": {**_COMMON, "size": 16},
}
"""Kind of signal -> words that fill in what the user does not say; a kind that is missing cannot be meta-trained."""

META_PRESETS: Mapping[str, Mapping[str, Any]] = {
    "partition-matters": {
        "method": "maml",
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
        "batch": 4,
        "size": 256,
        "augment": False,
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
        "batch": 3,
        "size": 178,
        "augment": False,
        "steps": 150_000,
    },
    "ipc": {
        "method": "ipc",
        "partition": "none",
        "frame": "global",
        "activation": "relu",
        "encoding": "rff",
        "features": 128,
        "sigma": 8.0,
        "hidden_features": 256,
        "hidden_layers": 3,
        "rank": 256,
        "inner_steps": 2,
        "inner_lr": 1e-2,
        "rates": "fixed",
        "order": "second",
        "loss": "signal",
        "outer_lr": 1e-3,
        "batch": 16,
        "size": 178,
        "augment": False,
    },
}
"""Name -> words of Partition Matters (ICCV 2023), Learned Initializations (CVPR 2021) and instance pattern composers (CVPR
2023); what they leave open is filled in by the kind of signal."""
