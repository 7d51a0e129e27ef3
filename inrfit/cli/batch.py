"""A batch of work: one bad input never stops the rest, and every input gets one result."""

from __future__ import annotations

import json
import math
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from inrfit.cli import reports
from inrfit.cli.console import out, say, show_error, show_trace, unexpected
from inrfit.cli.inputs import STANDARD, Item
from inrfit.errors import InrfitError, Interrupted
from inrfit.io.files import disk_is_full

RESULT: dict[str, str] = {
    "input": "path of the input, `<stdin>` for standard input; null when the command could not start",
    "output": "path of the output, `-` for standard output; null for commands that write no file",
    "bytes": "size of the file that was written, or of the `.inr` file that was looked at",
    "bpp": "bits per sample of the `.inr` file",
    "params": "number of weights",
    "psnr": "dB of the file, decoded to its output type, against its source; its peak is the extent of `range`",
    "psnr_type": "the same with the extent of the sample type as its peak, such as 255; `psnr` where that is the range",
    "range": "lowest and highest sample that are fitted, [0, 255] for most pictures; see `--range`",
    "seconds": "wall time of the work; of the fit alone for `fit`",
    "device": "where it ran, such as `cpu` or `cuda:0`",
    "status": "`ok`, `skipped`, `missed` (written, but not as asked for), `planned` or `error`",
    "error": "null, or an object with `code`, `message` and `hint`",
}
"""Keys of every JSON result and what they hold; those that have no meaning for a command are null."""

SHOWN_FAILURES = 8
"""Failed inputs that the last line names."""

Result = dict[str, Any]
Work = Callable[[Item], Result]


def run(
    items: Sequence[Item],
    work: Work,
    *,
    keys: Mapping[str, str],
    as_json: bool,
    debug: bool,
    summary: Callable[[Result], str | list[str]],
    talk: Callable[..., None],
    again: Sequence[str] = (),
) -> tuple[list[Result], int]:
    """Work on every item and report each.

    Args:
        items: what to do.
        work: does one and returns the keys of `RESULT` it knows and its own; others are for `summary` alone.
        keys: the command's own keys in JSON, beside those of `RESULT`.
        as_json: print one JSON object per item.
        debug: show the trace of errors.
        summary: result -> the line for people, or the lines.
        talk: where they go.
        again: options that the command needs to go on with what is left, when the user or a full disk ends it.

    Returns:
        The results, and the exit code: 1 when an item of several failed, the error's own when the only one did. A full
        disk ends the batch: the items after it have no result.

    Raises:
        Interrupted: the user stopped the work; the items after this one have no result.
    """
    results, codes = [], []
    for item in items:
        try:
            result, error = _one(item, work)
        except KeyboardInterrupt:
            _tell_rest("stopped: {left} are not done", results, items, again)
            raise
        if error and debug:
            show_trace(error)
        results.append(result)
        codes.append(error.exit_code if error else 0)
        if as_json:
            print_json(result, keys)
        elif error is None or result["status"] == "missed":
            told = summary(result)
            talk(*([told] if isinstance(told, str) else told))
        if isinstance(error, Interrupted):
            raise error
        if error:
            show_error(error, item.name)
        if disk_is_full(error) and len(results) < len(items):
            _tell_rest("the disk is full: {left} were not tried", results, items, again)
            break
    failed = [item.name for item, code in zip(items, codes, strict=False) if code]
    if failed and len(items) > 1:
        more = ", ..." if len(failed) > SHOWN_FAILURES else ""
        say(f"{len(failed)} of {len(items)} inputs failed: {', '.join(failed[:SHOWN_FAILURES])}{more}")
    return results, (codes[0] if len(items) == 1 else min(1, len(failed)))


def _tell_rest(why: str, results: Sequence[Result], items: Sequence[Item], again: Sequence[str]) -> None:
    """Say that a batch ends before its end, and how it goes on."""
    if len(items) > 1:
        left = f"{len(items) - len(results)} of {len(items)} inputs"
        say(f"{why.format(left=left)}; go on with: {reports.command_line(*again)}")


def leave(code: int) -> None:
    """End the command with an exit code, unless it is 0."""
    if code:
        sys.exit(code)


def print_json(result: Result, keys: Mapping[str, str]) -> None:
    """Print a result as one line of JSON; keys it lacks are null."""
    whole = {key: result.get(key) for key in (*RESULT, *keys)}
    out(json.dumps(plain(whole), allow_nan=False))


def _one(item: Item, work: Work) -> tuple[Result, InrfitError | None]:
    result: Result = {"input": item.name, "output": _output(item)}
    if item.skip:
        return result | {"status": "skipped"}, None
    began = time.monotonic()
    try:
        made = dict(work(item))
        missed = made.pop("missed", None)
        told = {"status": "missed", "error": described(missed)} if missed else {"status": "ok"}
        return result | {"seconds": round(time.monotonic() - began, 3)} | told | made, missed
    except InrfitError as error:
        failure = error
    except Exception as error:  # whatever one file breaks, the next one has its turn
        failure = unexpected(error)
    return result | {"status": "error", "error": described(failure)}, failure


def _output(item: Item) -> str | None:
    """Return what the result calls the output."""
    if not item.writes:
        return None
    return STANDARD if item.output is None else str(item.output)


def described(error: InrfitError) -> dict[str, str | None]:
    """Return an error as plain values."""
    return {"code": error.code, "message": error.message, "hint": error.hint}


@contextmanager
def json_errors(as_json: bool, keys: Mapping[str, str]) -> Iterator[None]:
    """Report an error that comes before any work as a JSON object too."""
    try:
        yield
    except InrfitError as error:
        if as_json:
            print_json({"status": "error", "error": described(error)}, keys)
        raise


def plain(value: Any) -> Any:
    """Return a value with infinities and NaN as strings, which JSON has no numbers for."""
    if isinstance(value, dict):
        return {key: plain(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [plain(inner) for inner in value]
    if isinstance(value, float) and not math.isfinite(value):
        return "nan" if math.isnan(value) else ("inf" if value > 0 else "-inf")
    return value
