"""Words and bytes on the terminal: errors, summaries, data; standard error unless data is asked for."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any, TextIO

from inrfit.errors import InrfitError, Interrupted, OutputError

TOLD = 6.0
"""dB between a PSNR by the range of the samples and by that of their type, from which both are told."""


def say(text: str) -> None:
    """Write a line for the user to standard error; a closed terminal never stops the work."""
    with suppress(OSError, ValueError):
        sys.stderr.write(_printable(text, sys.stderr) + "\n")
        sys.stderr.flush()


def out(text: str) -> None:
    """Write a line of data to standard output.

    Raises:
        BrokenPipeError: its reader left. OutputError: it cannot be written.
    """
    try:
        sys.stdout.write(_printable(text, sys.stdout) + "\n")
        sys.stdout.flush()
    except BrokenPipeError:
        drop_stdout()
        raise
    except OSError as error:
        raise _refused(error.strerror) from error


def out_bytes(data: bytes) -> None:
    """Write a file to standard output.

    Raises:
        OutputError: it cannot be written, or its reader left before the end.
    """
    try:
        sys.stdout.buffer.write(data)
        sys.stdout.buffer.flush()
    except BrokenPipeError as error:
        raise _refused("its reader left before the end") from error
    except OSError as error:
        raise _refused(error.strerror) from error


def listener(*, quiet: bool, data_on_stdout: bool = False) -> Callable[[str], None]:
    """Return where summaries go: standard output, or standard error where that carries data, or nowhere."""
    if quiet:
        return lambda text: None
    return say if data_on_stdout else out


def drop_stdout() -> None:
    """Let what is still buffered for standard output go nowhere, so that the end of the process is silent."""
    with suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def show_error(error: InrfitError, name: str | None = None) -> None:
    """Show an error in one line, and its hint in a second."""
    prefix = "" if name is None or error.message.startswith(name) else f"{name}: "
    kind = "Interrupted" if isinstance(error, Interrupted) else "Error"
    say(f"{kind}: {prefix}{_one_line(error.message)}")
    if error.hint:
        say(f"Hint: {_one_line(error.hint)}")


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


def fidelity(result: Mapping[str, Any]) -> str:
    """Write the PSNR of a result; where its peak is not near that of the sample type, with both."""
    psnr, of_type = result["psnr"], result.get("psnr_type")
    shown = number(psnr, 2, "dB")
    if psnr is None or of_type is None or not abs(of_type - psnr) >= TOLD:
        return shown
    low, high = result["range"]
    return f"{shown} of the range {low:.6g} to {high:.6g} ({of_type:.2f} dB of the sample type)"


def _refused(reason: str | None) -> OutputError:
    drop_stdout()
    return OutputError(
        f"standard output: cannot be written ({reason})", hint="name a file with -o, or free some space"
    )


def _printable(text: str, stream: TextIO) -> str:
    """Return the text with what the stream cannot hold, such as bytes of a file name, written as escapes."""
    encoding = getattr(stream, "encoding", None) or "utf-8"
    return text.encode(encoding, "backslashreplace").decode(encoding)


def _one_line(text: str) -> str:
    """Return the text without line breaks, which a file name may hold."""
    return "\\n".join(text.splitlines())
