"""inrfit turns signals into neural fields: fit, partition, decode and measure `.inr` files.

The names below are the public surface. They are imported when first used, so that `import inrfit` is quick.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from inrfit.version import __version__

if TYPE_CHECKING:
    from inrfit.api import (
        adapt,
        crop,
        decode,
        evaluate,
        extend,
        fit,
        fit_many,
        info,
        interpolate,
        load,
        meta_eval,
        meta_train,
        partition,
        rate_distortion,
        read,
        save,
    )
    from inrfit.errors import (
        ConfigError,
        ContainerError,
        DeviceError,
        FitError,
        InputError,
        InrfitError,
        Interrupted,
        OutputError,
        PluginError,
    )
    from inrfit.field import Field

__all__ = [
    "ConfigError",
    "ContainerError",
    "DeviceError",
    "Field",
    "FitError",
    "InputError",
    "InrfitError",
    "Interrupted",
    "OutputError",
    "PluginError",
    "__version__",
    "adapt",
    "crop",
    "decode",
    "evaluate",
    "extend",
    "fit",
    "fit_many",
    "info",
    "interpolate",
    "load",
    "meta_eval",
    "meta_train",
    "partition",
    "rate_distortion",
    "read",
    "save",
]


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module 'inrfit' has no attribute {name!r}")
    home = "inrfit.field" if name == "Field" else "inrfit.errors" if name[0].isupper() else "inrfit.api"
    return getattr(importlib.import_module(home), name)


def __dir__() -> list[str]:
    return __all__
