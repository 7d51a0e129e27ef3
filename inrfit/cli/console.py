"""Words and bytes on the terminal: errors, summaries, data; nothing that could steer a terminal reaches it from here."""

from __future__ import annotations

import logging
import os
import sys
import traceback
import unicodedata
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import Any, TextIO

from inrfit.errors import InrfitError, Interrupted, OutputError, SlowWarning

TOLD = 6.0
"""dB between a PSNR by the range of the samples and by that of their type, from which both are told."""


def visible(text: str) -> str:
    r"""Return text of a stranger, such as a file name, in one line that is shown as it is and steers nothing.

    Control characters, line breaks, marks that turn the direction of writing and whatever else has no picture become
    escapes such as \x1b and \u202e.
    """
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() or unicodedata.category(c) == "Zs" else _escape(c) for c in text)


def say(*lines: str) -> None:
    """Write lines for the user to standard error; a closed terminal never stops the work."""
    with suppress(OSError, ValueError):
        sys.stderr.write(_printable(lines, sys.stderr))
        sys.stderr.flush()


def out(*lines: str) -> None:
    """Write lines of data to standard output.

    Raises:
        BrokenPipeError: its reader left. OutputError: it cannot be written.
    """
    try:
        sys.stdout.write(_printable(lines, sys.stdout))
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


def listener(*, quiet: bool, data_on_stdout: bool = False) -> Callable[..., None]:
    """Return where lines of summaries go: standard output, or standard error where that carries data, or nowhere."""
    if quiet:
        return lambda *lines: None
    return say if data_on_stdout else out


def drop_stdout() -> None:
    """Let what is still buffered for standard output go nowhere, so that the end of the process is silent."""
    with suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def show_error(error: InrfitError, name: str | None = None) -> None:
    """Show an error in one line, and its hint in a second."""
    prefix = "" if name is None or error.message.startswith(name) else f"{name}: "
    kind = "Interrupted" if isinstance(error, Interrupted) else "Error"
    say(f"{kind}: {prefix}{error.message}")
    if error.hint:
        say(f"Hint: {error.hint}")


def show_trace(error: BaseException) -> None:
    """Show where an error came from, for `--debug`; indented, so that no line of a message looks like one of ours."""
    say(*(f"  {line}" for line in "".join(traceback.format_exception(error)).splitlines()))


def unexpected(error: Exception) -> InrfitError:
    """Return an error that inrfit does not raise itself as one that it shows."""
    words = " ".join(str(error).split())
    if isinstance(error, MemoryError) or "allocate" in words or "out of memory" in words:
        failure = InrfitError("there is not enough memory", hint="try --memory, --points or a smaller size")
    elif isinstance(error, OSError):
        failure = InrfitError(f"the system refused: {words}", hint="run again with --debug to see where")
    else:
        failure = InrfitError(
            f"unexpected {type(error).__name__}: {words}", hint="run again with --debug and report this"
        )
    failure.__cause__ = error
    return failure


@contextmanager
def libraries_silent(*, debug: bool) -> Iterator[None]:
    """Show nothing of what libraries log, warn of or cannot raise, unless `debug`: errors tell what there is to tell.

    Our own warnings are shown, each once.
    """
    if debug:
        yield
        return
    before, hook = logging.root.manager.disable, sys.unraisablehook
    logging.disable(logging.CRITICAL)
    logging.captureWarnings(True)
    theirs, told = warnings.showwarning, set[str]()

    def show(message: Warning | str, category: type[Warning], *more: Any, **named: Any) -> None:
        if not issubclass(category, SlowWarning):
            theirs(message, category, *more, **named)
        elif "--quiet" not in sys.argv and str(message) not in told:
            told.add(str(message))
            say(f"Warning: {message}")

    warnings.showwarning = show
    sys.unraisablehook = lambda unraisable: None
    try:
        yield
    finally:
        sys.unraisablehook = hook
        logging.captureWarnings(False)
        logging.disable(before)


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


def _printable(lines: tuple[str, ...], stream: TextIO) -> str:
    """Return lines as the stream can hold them, what it has no bytes for as escapes."""
    encoding = getattr(stream, "encoding", None) or "utf-8"
    text = "".join(f"{visible(line)}\n" for line in lines)
    return text.encode(encoding, "backslashreplace").decode(encoding)


def _escape(character: str) -> str:
    """Return a character as Python writes it in a string."""
    return character.encode("unicode_escape").decode("ascii")
