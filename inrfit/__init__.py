"""inrfit turns signals into neural fields: fit, partition, decode and measure `.inr` files.

The names below are the public surface. They are imported when first used, so that `import inrfit` is quick.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from inrfit.api import decode, evaluate, fit, info, load, partition, read
    from inrfit.errors import (
        ConfigError,
        ContainerError,
        DeviceError,
        InputError,
        InrfitError,
        Interrupted,
        OutputError,
    )
    from inrfit.models.field import Field

__version__ = "0.1.0"

_HOMES = {
    "inrfit.api": ("decode", "evaluate", "fit", "info", "load", "partition", "read"),
    "inrfit.errors": (
        "ConfigError",
        "ContainerError",
        "DeviceError",
        "InputError",
        "InrfitError",
        "Interrupted",
        "OutputError",
    ),
    "inrfit.models.field": ("Field",),
}
_HOME_OF = {name: module for module, names in _HOMES.items() for name in names}
__all__ = sorted([*_HOME_OF, "__version__"])  # noqa: PLE0605


def __getattr__(name: str) -> Any:
    if name not in _HOME_OF:
        raise AttributeError(f"module 'inrfit' has no attribute {name!r}")
    return getattr(importlib.import_module(_HOME_OF[name]), name)


def __dir__() -> list[str]:
    return __all__
