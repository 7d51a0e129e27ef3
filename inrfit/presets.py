"""Named settings: functions from what the user gave to what fills in the rest; they validate nothing."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

ADAM = {"optimiser": "adam", "beta1": 0.9, "beta2": 0.999}
"""What both papers fit with."""


def _paper(given: Mapping[str, object]) -> dict[str, object]:
    """Return the settings of Liu et al., ICCV 2023 (Partition Matters), for an image and k = 4 heads or 1."""
    gridded = given.get("grid") is not None
    rule = given.get("partition", "grid" if gridded else "seg")
    single = rule == "none" or given.get("model") == "mlp"
    filled = {"hidden_layers": 3, "frame": "global", "lr": 1e-4, "schedule": "constant", **ADAM}
    filled |= {"weights": "float32"}
    if not single:
        filled |= {"partition": rule}
    if not single and not gridded and rule in ("grid", "seg"):
        filled |= {"heads": 4}
    relu = given.get("activation", "sine") == "relu"
    if given.get("params") is None:
        filled |= {"hidden_features": 512 if single else 240 if relu else 256}
    if relu:
        return filled | {"steps": 1000, "encoding": "harmonic", "bands": 60}
    return filled | {"steps": 300, "first_omega_0": 60.0, "hidden_omega_0": 30.0}


LG_KINDS: dict[str, dict[str, Any]] = {
    "image": {
        "grid": (16, 16),
        "lr": 5e-4,
        "steps": 1000,
        "mlp": 256,
        "partitioned": 15,
        "local-global": (14, 84),
    },
    "audio": {
        "grid": (32,),
        "lr": 1e-4,
        "steps": 1001,
        "span": 100.0,
        "mlp": 256,
        "partitioned": 45,
        "local-global": (42, 72),
    },
    "video": {
        "grid": (5, 8, 8),
        "lr": 1e-4,
        "steps": 5001,
        "points": 298_844,
        "sampling": "uniform",
        "overlap": (1, 2, 2),
        "mlp": 1030,
        "partitioned": 56,
        "local-global": (55, 180),
    },
    "shape": {
        "grid": (8, 8, 8),
        "target": "occupancy",
        "lr": 1e-4,
        "steps": 26_860,
        "points": 100_000,
        "sampling": "uniform",
        "mlp": 256,
        "partitioned": 18,
        "local-global": (17, 76),
    },
}
"""Kind of signal -> cells, rate, steps and widths of the Local-Global paper; a trunk's width stands second."""


def _paper_lg(given: Mapping[str, object]) -> dict[str, object]:
    """Return the settings of the Local-Global paper (NeurIPS 2024, arXiv 2409.19472) for the kind of signal.

    The widths are those of its own sizes: 199k weights for an image of 512x512, sounds and shapes, 3.2M for a clip of
    300 frames of 512x512; `params` and `global_share` set others. Its rate for shapes falls to a fifth, this one does
    not.
    """
    model = str(given.get("model", "local-global"))
    filled = dict(LG_KINDS.get(str(given.get("kind") or "image"), LG_KINDS["image"]))
    widths = {name: filled.pop(name) for name in ("mlp", "partitioned", "local-global")}
    filled |= {"model": model, "hidden_layers": 3, "frame": "global", "trunk_frame": "global"}
    filled |= {"first_omega_0": 30.0, "hidden_omega_0": 30.0, "trunk_omega_0": 30.0}
    filled |= {**ADAM, "schedule": "constant", "weights": "float32"}
    divided = any(given.get(word) is not None for word in ("partition", "grid", "heads", "cell"))
    if model == "mlp" or divided:
        del filled["grid"]
    if given.get("params") is None and given.get("hidden_features") is None:
        width = widths.get(model, 14)
        filled |= {"hidden_features": width[0] if isinstance(width, tuple) else width}
        if model == "local-global" and not given.get("global_share"):
            filled |= {"trunk_features": width[1]}
    return filled


EFFORTS: dict[int, dict[str, int]] = {
    1: {"steps": 20, "cell": 16, "hidden_layers": 1},
    2: {"steps": 40, "cell": 16, "hidden_layers": 2},
    3: {"steps": 80, "cell": 16, "hidden_layers": 2},
    4: {"steps": 120, "cell": 24, "hidden_layers": 2},
    5: {"steps": 200, "cell": 32, "hidden_layers": 2},
    6: {"steps": 400, "cell": 32, "hidden_layers": 2},
    7: {"steps": 800, "cell": 32, "hidden_layers": 2},
    8: {"steps": 1280, "cell": 48, "hidden_layers": 2},
    9: {"steps": 3000, "cell": 48, "hidden_layers": 2},
}
"""Level -> steps, side of a grid's cells and depth: points near the measured front of time and quality.

Figures: docs/studies/effort.md.
"""

OF_MODEL: dict[str, dict[str, Any]] = {"feature-grid": {"hidden_layers": 1, "cell": 64}}
"""Model -> what it fills in where the user says nothing, in place of a level of effort."""

SMALL_IMAGE: dict[str, Any] = {"model": "feature-grid", "cell": 128, "steps": 500}
"""What fills in for an image that is to become a small file (docs/studies/rate-distortion.md)."""

DEFAULT_EFFORT = 5
"""Level that the defaults are."""

PRESETS: dict[str, Callable[[Mapping[str, object]], dict[str, object]]] = {
    "paper": _paper,
    "paper-lg": _paper_lg,
}
"""Name -> function of what was given that returns what fills in the rest."""
