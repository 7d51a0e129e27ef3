"""What the command line and the README call: one function per verb, in the words of the command line.

Each is imported when it is first used, with what it needs: no torch to crop or describe a file.
"""

# ruff: noqa: F401
from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from inrfit.api.adapting import adapt, plan_adaptation
    from inrfit.api.comparing import evaluate, rate_distortion
    from inrfit.api.decoding import decode, written
    from inrfit.api.dividing import partition
    from inrfit.api.editing import crop, interpolate
    from inrfit.api.extending import extend, plan_extension
    from inrfit.api.files import finder, info, load, read, reading, save, to_bytes
    from inrfit.api.fitting import fit, fit_many, plan, run, run_many, verify
    from inrfit.api.learning import meta_eval, meta_train
    from inrfit.fitting.plan import Plan

HOMES = {
    "adapting": ("adapt", "plan_adaptation"),
    "comparing": ("evaluate", "rate_distortion"),
    "decoding": ("decode", "written"),
    "dividing": ("partition",),
    "editing": ("crop", "interpolate"),
    "extending": ("extend", "plan_extension"),
    "files": ("finder", "info", "load", "read", "reading", "save", "to_bytes"),
    "fitting": ("Plan", "fit", "fit_many", "plan", "run", "run_many", "verify"),
    "learning": ("meta_eval", "meta_train"),
}
"""Module -> its verbs; none is called as one of them, which it would hide."""


def __getattr__(name: str) -> Any:
    for home, names in HOMES.items():
        if name in names:
            return getattr(importlib.import_module(f"inrfit.api.{home}"), name)
    raise AttributeError(f"module 'inrfit.api' has no attribute {name!r}")
