"""The `inrfit` command: its verbs, and how an error becomes one line and an exit code."""

from __future__ import annotations

import os
import sys
from typing import Annotated

import typer

import inrfit
from inrfit.cli import decode, evaluate, fit, info, partition
from inrfit.cli.console import show_error
from inrfit.errors import InrfitError

app = typer.Typer(
    name="inrfit",
    help="Turn images into neural fields (.inr files) and back.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command("fit")(fit.command)
app.command("decode")(decode.command)
app.command("info")(info.command)
app.command("partition")(partition.command)
app.command("eval")(evaluate.command)


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"inrfit {inrfit.__version__}")
        raise typer.Exit


@app.callback()
def _root(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version and exit.")
    ] = False,
) -> None:
    """Turn images into neural fields (.inr files) and back."""


def main() -> None:
    """Run the command line; the entry point of the package."""
    try:
        app()
    except InrfitError as error:
        if "--debug" in sys.argv:
            raise
        show_error(error)
        sys.exit(error.exit_code)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)
