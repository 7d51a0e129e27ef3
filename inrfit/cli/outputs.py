"""Outputs of commands, written where they belong: no file is replaced without leave, and no result is lost for that."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from inrfit.cli.console import out_bytes
from inrfit.cli.inputs import Item
from inrfit.errors import OutputError


def put(item: Item, blocks: Iterable[bytes], *, twin: Path | None = None) -> dict[str, Any]:
    """Write the output of an item.

    Args:
        item: it says where the output goes and whether it may replace one.
        blocks: the bytes.
        twin: see `inrfit.io.files.write`.

    Returns:
        What is told of it: `bytes`; where its name was taken meanwhile also `output`, its name, and `missed`, the error.

    Raises:
        OutputError: it cannot be written.
    """
    if item.output is None:
        return {"bytes": sum(map(_to_stdout, blocks))}
    where, error = _put_file(item.output, blocks, replaces=item.replaces, twin=twin)
    told: dict[str, Any] = {"bytes": where.stat().st_size}
    return told if error is None else told | {"output": str(where), "missed": error}


def put_extra(path: Path, blocks: Iterable[bytes], *, force: bool) -> None:
    """Write another file than the output of an item, such as a report.

    Raises:
        OutputError: it cannot be written, or its name was taken meanwhile; then it is beside it.
    """
    _, error = _put_file(path, blocks, replaces=force, twin=None)
    if error is not None:
        raise error


def _put_file(
    path: Path, blocks: Iterable[bytes], *, replaces: bool, twin: Path | None
) -> tuple[Path, OutputError | None]:
    """Write a file; return where it is, and an error where that is not `path`, whose name was taken meanwhile."""
    from inrfit.io.files import write

    where = write(path, blocks, taken="replace" if replaces else "beside", twin=twin)
    if where == path:
        return path, None
    said = f"{path}: was made by another program meanwhile and is left alone; the result is in {where}"
    return where, OutputError(said, hint="rename one of them; --force would have replaced it")


def _to_stdout(block: bytes) -> int:
    out_bytes(block)
    return len(block)
