"""Named settings: functions from what the user gave to what fills in the rest; they validate nothing."""

from __future__ import annotations

from collections.abc import Callable, Mapping

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


def _paper_lg(given: Mapping[str, object]) -> dict[str, object]:
    """Return the settings of the Local-Global paper (NeurIPS 2024, arXiv 2409.19472) for an image of 512x512.

    The widths are those of its 16x16 cells at 199k weights, and of its baselines; `params` and `global_share` set
    others.
    """
    model = given.get("model", "local-global")
    filled: dict[str, object] = {
        "model": model,
        "hidden_layers": 3,
        "frame": "global",
        "trunk_frame": "global",
    }
    filled |= {"first_omega_0": 30.0, "hidden_omega_0": 30.0, "trunk_omega_0": 30.0}
    filled |= {"lr": 5e-4, **ADAM, "schedule": "constant", "steps": 1000, "weights": "float32"}
    divided = any(given.get(word) is not None for word in ("partition", "grid", "heads", "cell"))
    if model != "mlp" and not divided:
        filled |= {"grid": (16, 16)}
    if given.get("params") is None and given.get("hidden_features") is None:
        filled |= {"hidden_features": {"mlp": 256, "partitioned": 15}.get(str(model), 14)}
        filled |= {"trunk_features": 84} if model == "local-global" and not given.get("global_share") else {}
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

Figures: docs/benchmarks.md, section 12.
"""

DEFAULT_EFFORT = 5
"""Level that the defaults are."""

PRESETS: dict[str, Callable[[Mapping[str, object]], dict[str, object]]] = {
    "paper": _paper,
    "paper-lg": _paper_lg,
}
"""Name -> function of what was given that returns what fills in the rest."""
