"""The `inrfit` command: its verbs, and how an error becomes one line and an exit code."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

import inrfit
from inrfit.cli.console import drop_stdout, libraries_silent, say, show_error, show_trace, unexpected
from inrfit.cli.interrupt import Endings, status
from inrfit.cli.verbs import VERBS, Verbs, unloaded
from inrfit.errors import ConfigError, InrfitError, Interrupted
from inrfit.registry import TABLE, added, use

UsageError = typer.BadParameter.__mro__[1]
"""What Typer raises for a command line it cannot read."""

app = typer.Typer(
    name="inrfit",
    cls=Verbs,
    help="Turn images, sounds, clips, shapes and volumes into neural fields (.inr files) and back.",
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
for name, line in VERBS.items():
    app.command(name, help=line)(unloaded)


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"inrfit {inrfit.__version__}")
        raise typer.Exit


@app.callback()
def _root(
    context: typer.Context,
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version and exit.")
    ] = False,
    imports: Annotated[
        list[str] | None,
        typer.Option(
            "--import",
            metavar="MODULE",
            help="Module that adds activations, models, signals and so on, before the command; may be given again.",
        ),
    ] = None,
) -> None:
    """Turn images, sounds, clips, shapes and volumes into neural fields (.inr files) and back."""
    for module in imports or ():
        use(module)
    if context.invoked_subcommand and not {"-h", "--help"}.isdisjoint(sys.argv):
        found = [f"{kind} {name}" for kind in TABLE for name in added(kind)]
        command = context.command.commands[context.invoked_subcommand]  # pyright: ignore[reportAttributeAccessIssue]
        command.epilog = f"Added by plug-ins: {', '.join(found)}." if found else None


def main() -> None:
    """Run the command line; the entry point of the package.

    Raises:
        SystemExit: 0 all good, 1 some input failed, 2 usage, 130 interrupted, 143 and 129 by SIGTERM and SIGHUP.
    """
    with Endings() as ending:
        code = _run()
    sys.exit(status(ending.number) if code == Interrupted.exit_code and ending.number else code)


def _run() -> int:
    """Run the command line and return the exit code."""
    debug = "--debug" in sys.argv
    try:
        with libraries_silent(debug=debug):
            code = app(sys.argv[1:] or ["--help"], prog_name="inrfit", standalone_mode=False)
    except BrokenPipeError:
        drop_stdout()
        return 1
    except Exception as error:
        if debug:
            sys.excepthook = lambda kind, found, trace: show_trace(found)
            raise
        shown = _shown(error)
        show_error(shown)
        return shown.exit_code
    if code:
        say("Interrupted")
    return code or 0


def _shown(error: Exception) -> InrfitError:
    """Return the error to show for whatever came out of a command."""
    if isinstance(error, InrfitError):
        return error
    if isinstance(error, UsageError):
        words = error.format_message()  # pyright: ignore[reportAttributeAccessIssue]
        context = getattr(error, "ctx", None)
        command = context.command_path if context else "inrfit"
        return ConfigError(words, hint=f"{command} --help lists what there is")
    if isinstance(error, typer.Abort):
        return Interrupted("stopped")
    return unexpected(error)
