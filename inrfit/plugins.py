"""What other packages add to the table of names: found by their entry points, or declared by a module named by the user.

A package says in its `pyproject.toml` which names it adds, one group a kind:

    [project.entry-points."inrfit.activation"]
    sinc = "inrfit_sinc:sinc"

A module that is imported by name (`inrfit --import MODULE`, the variable `INRFIT_IMPORT`, `registry.use`) declares them as
`INRFIT = {"activation": {"sinc": "my_module:sinc"}}`. Packages are looked for only when a name is wanted that is not
inrfit's own: finding them takes longer than all that `inrfit info` does. What is inrfit's own is not known here.
"""

from __future__ import annotations

import importlib
import os
import re
import sys
from dataclasses import dataclass
from functools import cache
from operator import attrgetter
from typing import Any

from inrfit.errors import PluginError

DECLARATION = "INRFIT"
"""What a module that is imported by name declares its additions as."""

VARIABLE = "INRFIT_IMPORT"
"""Environment variable with modules that are imported by name, with commas between."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plugin:
    """A name that comes from elsewhere.

    Attributes:
        kind, name: as in the table, for example "activation" and "sinc".
        target: "module:attribute" of the object behind it.
        package: the package that adds it, or the module that was imported by name.
        version: of the package; empty for a module that was imported by name.
    """

    kind: str
    name: str
    target: str
    package: str
    version: str = ""

    @property
    def origin(self) -> str:
        """Where it comes from, in words."""
        return f"the package {self.package} {self.version}" if self.version else f"the module {self.package}"

    def load(self) -> Any:
        """Import and return the object.

        Raises:
            PluginError: that fails, for whatever reason.
        """
        module, _, attribute = self.target.partition(":")
        try:
            return attrgetter(attribute)(importlib.import_module(module))
        except Exception as error:
            raise PluginError(
                f"{self.kind} {self.name!r} of {self.origin} cannot be loaded from {self.target!r}: {_reason(error)}",
                hint=f"mend or uninstall {self.package}" if self.version else f"mend {self.package}",
            ) from error


@cache
def declared(module: str) -> tuple[Plugin, ...]:
    """Import a module by name, from the current folder too, and return what it declares.

    Raises:
        PluginError: it cannot be imported, or declares nothing, or not as a module should.
    """
    if (here := os.getcwd()) not in sys.path:  # noqa: PTH109 (as sys.path has it)
        sys.path.append(here)
    try:
        found: Any = getattr(importlib.import_module(module), DECLARATION, None)
    except Exception as error:
        raise PluginError(
            f"--import {module}: it cannot be imported: {_reason(error)}",
            hint="name a module that is installed, or lies in the current folder",
        ) from error
    try:
        return tuple(
            Plugin(kind=kind, name=name, target=_target(target), package=module)
            for kind, names in found.items()
            for name, target in names.items()
        )
    except (AttributeError, ValueError):
        raise PluginError(
            f"--import {module}: it has no {DECLARATION} that says what it adds",
            hint=f'declare {DECLARATION} = {{"activation": {{"name": "{module}:attribute"}}}} in it',
        ) from None


@cache
def installed(kind: str) -> tuple[Plugin, ...]:
    """Return the names of a kind that installed packages add, by their entry points."""
    from importlib.metadata import entry_points  # costs what `info` may cost in all

    return tuple(
        Plugin(
            kind=kind,
            name=point.name,
            target=point.value.partition("[")[0].strip(),
            package=point.dist.name if point.dist else point.module,
            version=point.dist.version if point.dist else "",
        )
        for point in entry_points(group=group(kind))
    )


def wanted() -> tuple[str, ...]:
    """Return the modules that the environment names."""
    return tuple(filter(None, re.split(r"[,\s]+", os.environ.get(VARIABLE, ""))))


def group(kind: str) -> str:
    """Return the group of the entry points of a kind."""
    return f"inrfit.{kind.replace('-', '_')}"


def _target(value: object) -> str:
    """Return "module:attribute" as it is.

    Raises:
        ValueError: it is not of that form.
    """
    if not isinstance(value, str) or not re.fullmatch(r"[\w.]+:\w+", value):
        raise ValueError(value)
    return value


def _reason(error: Exception) -> str:
    """Return an error as one line."""
    return f"{type(error).__name__}: {' '.join(str(error).split())}".rstrip(": ")
