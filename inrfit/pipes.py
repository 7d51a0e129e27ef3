"""What can be read only once, such as a pipe with a path: read whole, before anything looks at it; no formats are known."""

from __future__ import annotations

import os
import stat
from io import BytesIO
from pathlib import Path
from typing import BinaryIO

from inrfit.errors import InputError

LIMIT = 1 << 30
"""Most bytes that are taken from a pipe, which may have no end."""

BLOCK = 1 << 20
"""Bytes that are read at a time."""


def whole(path: Path) -> Path | bytes:
    """Return the path of a file that can be opened again, otherwise all the bytes there are.

    What is not there, a folder, or a path that cannot be is returned as it is, for its reader to refuse.

    Raises:
        InputError: it is a device, holds more than `LIMIT` bytes, or may not be read.
    """
    try:
        mode = path.stat().st_mode
    except (OSError, ValueError):
        return path
    if stat.S_ISREG(mode) or stat.S_ISDIR(mode):
        return path
    try:
        with path.open("rb") as stream:
            if stat.S_ISFIFO(mode) or stat.S_ISSOCK(mode):
                return drained(stream, str(path))
            if not os.isatty(stream.fileno()) and not stream.read(1):
                return b""
    except OSError as error:
        raise InputError(
            f"{path}: cannot be read ({error.strerror})", hint="check its permissions"
        ) from error
    raise InputError(
        f"{path}: is a device, of which there may be no end",
        hint="name a file, or pipe what is wanted into -",
    )


def drained(stream: BinaryIO, name: str) -> bytes:
    """Return all that comes out of a stream.

    Args:
        stream: open for reading.
        name: what messages call it.

    Raises:
        InputError: it gives more than `LIMIT` bytes.
    """
    kept = BytesIO()
    while data := stream.read(BLOCK):
        kept.write(data)
        if kept.tell() > LIMIT:
            raise InputError(
                f"{name}: gives more than {LIMIT:,} bytes, the most that are read from a pipe",
                hint="save it as a file, and name that",
            )
    return kept.getvalue()
