"""A batch of work: one bad input never stops the rest, and every input gets one result."""

from __future__ import annotations

import json
import math
import sys
import time
import traceback
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from inrfit.cli.console import out, say, show_error
from inrfit.cli.inputs import Item
from inrfit.errors import InrfitError, Interrupted

RESULT = ("input", "output", "bytes", "bpp", "params", "psnr", "seconds", "device", "status", "error")
"""Keys of every JSON result; those that have no meaning for a command are null."""

Work = Callable[[Item], dict[str, Any]]


def run(
    items: Sequence[Item],
    work: Work,
    *,
    as_json: bool,
    debug: bool,
    summary: Callable[[dict[str, Any]], str],
    talk: Callable[[str], None],
) -> list[dict[str, Any]]:
    """Work on every item and report each.

    Args:
        items: what to do.
        work: does one and returns the keys of `RESULT` it knows, and others of its own.
        as_json: print one JSON object per item.
        debug: let errors through with their trace.
        summary: result -> the line for people.
        talk: where that line goes.

    Raises:
        SystemExit: with code 1 when an item of several failed, and the error's own code when the only one did.
    """
    results, codes = [], []
    for item in items:
        result, code = _one(item, work, debug=debug)
        results.append(result)
        codes.append(code)
        if as_json:
            out(json.dumps(plain(result), allow_nan=False))
        elif result["status"] != "error":
            talk(summary(result))
    failed = sum(code != 0 for code in codes)
    if failed and len(items) > 1:
        say(f"{failed} of {len(items)} inputs failed")
    if failed:
        sys.exit(codes[0] if len(items) == 1 else 1)
    return results


def _one(item: Item, work: Work, *, debug: bool) -> tuple[dict[str, Any], int]:
    result: dict[str, Any] = dict.fromkeys(RESULT)
    result |= {"input": item.name, "output": "-" if item.output is None else str(item.output)}
    began = time.monotonic()
    try:
        if item.skip:
            return result | {"status": "skipped"}, 0
        made = work(item)
        return result | {"seconds": round(time.monotonic() - began, 3), "status": "ok"} | made, 0
    except Interrupted:
        raise
    except InrfitError as error:
        if debug:
            traceback.print_exc()
        failure = error
    except (MemoryError, OSError, RuntimeError) as error:
        if debug:
            traceback.print_exc()
        failure = InrfitError(
            f"{type(error).__name__}: {error}".splitlines()[0], hint="run again with --debug"
        )
    show_error(failure, item.name)
    reason = {"code": failure.code, "message": failure.message, "hint": failure.hint}
    return result | {"status": "error", "error": reason}, failure.exit_code


@contextmanager
def json_errors(as_json: bool) -> Iterator[None]:
    """Report an error that comes before any work as a JSON object too."""
    try:
        yield
    except InrfitError as error:
        if as_json:
            reason = {"code": error.code, "message": error.message, "hint": error.hint}
            out(json.dumps(dict.fromkeys(RESULT) | {"status": "error", "error": reason}))
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
