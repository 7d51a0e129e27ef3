"""The verbs of the command line: their names and lines of help, and each command imported when it is asked for."""

from __future__ import annotations

from importlib import import_module
from typing import Any

import typer
from typer.core import TyperCommand, TyperGroup

VERBS = {
    "fit": "Fit neural fields to images, sounds, clips, shapes and volumes.",
    "adapt": "Turn an init and signals into neural fields in a few steps.",
    "decode": "Decode .inr files to images, sounds, clips, shapes and volumes.",
    "info": "Show what .inr files hold, and check them.",
    "crop": "Keep some regions of .inr files, without decoding or fitting.",
    "extend": "Add a part to a .inr file: new regions beside those it has, which keep their weights.",
    "meta-train": "Learn from many signals an init that `inrfit adapt` turns into a field of a new one in a few steps.",
    "partition": "Show how signals would be divided.",
    "eval": "Measure .inr files against originals.",
    "meta-eval": "Measure inits on held-out signals: the mean PSNR before the first and after every step.",
}
"""What `inrfit --help` lists: the first line of each command's docstring, so that none is imported for it."""


class _AsTyped:
    """What Typer asks for a text or a flag, in place of a library whose import takes half as long as `info` may."""

    @staticmethod
    def coerce(value: Any, param: Any, ctx: Any) -> Any:
        return () if value is None and (param.multiple or param.nargs == -1) else value


class _Quick:
    """Takes texts and flags as they were typed; a Typer that asks nothing of the kind is none the worse for it."""

    def parse_args(self: Any, ctx: Any, args: list[str]) -> list[str]:
        for parameter in self.get_params(ctx):
            described = getattr(parameter, "type_descriptor", None)
            if getattr(described, "annotation", None) in (str, list[str], bool):
                parameter._runtime_param = _AsTyped
        return super().parse_args(ctx, args)  # pyright: ignore[reportAttributeAccessIssue]


class Verb(_Quick, TyperCommand):
    """One command."""


class Verbs(_Quick, TyperGroup):
    """The commands, of which only the one that runs is imported."""

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """Find the command that was typed, and import it."""
        name, _, rest = super().resolve_command(ctx, args)
        if name is None:
            return name, None, rest
        self.commands[name] = loaded(name)
        return name, self.commands[name], rest


def loaded(name: str) -> Any:
    """Return a command as Typer runs it."""
    alone = typer.Typer(add_completion=False)
    alone.command(name, cls=Verb)(module(name).command)
    return typer.main.get_command(alone)


def module(name: str) -> Any:
    """Return the module of a verb."""
    return import_module(f"inrfit.cli.{'evaluate' if name == 'eval' else name.replace('-', '_')}")


def unloaded() -> None:
    """Stand for a command in the list of them."""
