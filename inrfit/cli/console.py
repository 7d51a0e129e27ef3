"""Words on the terminal: errors, summaries and numbers; standard error unless data is asked for."""

from __future__ import annotations

import sys
from typing import Any

from inrfit.errors import InrfitError


def say(text: str) -> None:
    """Write a line for the user to standard error."""
    sys.stderr.write(text + "\n")
    sys.stderr.flush()


def out(text: str) -> None:
    """Write a line of data to standard output."""
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def show_error(error: InrfitError, name: str | None = None) -> None:
    """Show an error in one line, and its hint in a second."""
    prefix = "" if name is None or error.message.startswith(name) else f"{name}: "
    say(f"Error: {prefix}{error.message}")
    if error.hint:
        say(f"Hint: {error.hint}")


def size(count: int) -> str:
    """Write a number of bytes for people."""
    value, unit = float(count), "B"
    for unit in ("B", "kB", "MB", "GB"):
        if value < 1000 or unit == "GB":
            break
        value /= 1000
    return f"{value:.0f} B" if unit == "B" else f"{value:.1f} {unit}"


def number(value: Any, digits: int = 2, unit: str = "") -> str:
    """Write a number for people; a dash where there is none."""
    if value is None:
        return "-"
    text = f"{value:.{digits}f}" if isinstance(value, float) else f"{value:,}"
    return f"{text} {unit}" if unit else text
