"""What a `.inr` file is read from: a path, bytes, or any open binary file, as bytes at an offset."""

from __future__ import annotations

import io
import os
from pathlib import Path
from typing import BinaryIO

from inrfit.errors import InputError
from inrfit.pipes import whole

CHECK_PATH = "check the spelling, the folder and its permissions"

Source = str | os.PathLike[str] | bytes | bytearray | memoryview | BinaryIO
"""A path, the bytes of a file, or any object with the `read`, `seek` and `tell` of a binary file."""


class SourceBytes:
    """The bytes of a source. Not for use by several threads at once.

    Args:
        source: a path, the bytes, or any object with the `read`, `seek` and `tell` of a binary file, which starts at
            its byte 0 and stays open.

    Attributes:
        name: what messages call it.
        size: its bytes.

    Raises:
        InputError: it cannot be opened, or cannot seek.
    """

    def __init__(self, source: Source) -> None:
        self.name, self._file, self._owned = _opened(source)
        try:
            self._file.seek(0, io.SEEK_END)
            self.size = self._file.tell()
        except Exception as error:  # files of other libraries have errors of their own
            self.close()
            raise InputError(
                f"{self.name} is a stream that cannot seek ({_words(error)})",
                hint="read all of it and pass the bytes",
            ) from error

    def close(self) -> None:
        """Close the file, if it was opened here."""
        if self._owned:
            self._file.close()

    def read(self, offset: int, count: int) -> bytes:
        """Return `count` bytes from `offset` on.

        Raises:
            InputError: they cannot be read, or are no longer there.
        """
        found, left = [], count
        try:
            self._file.seek(offset)
            while left > 0 and (
                data := self._file.read(left)
            ):  # a raw file may give less than it is asked for
                found.append(data)
                left -= len(data)
            whole = b"".join(found)
        except MemoryError:
            raise
        except Exception as error:  # files of other libraries have errors of their own
            raise InputError(
                f"{self.name} cannot be read ({_words(error)})", hint="open it for reading, in binary mode"
            ) from error
        if left:
            raise InputError(
                f"{self.name} became shorter while it was read",
                hint="wait until it is written, and try again",
            )
        return whole


def _opened(source: Source) -> tuple[str, BinaryIO, bool]:
    """Return a name for messages, a file, and whether it is ours to close."""
    if isinstance(source, bytes | bytearray | memoryview):
        return "<bytes>", io.BytesIO(source), True
    if not isinstance(source, str | os.PathLike):
        if not all(callable(getattr(source, name, None)) for name in ("read", "seek", "tell")):
            raise InputError(
                f"cannot read an .inr file from {type(source).__name__}",
                hint="give a path, bytes, or a file that is open in binary mode",
            )
        name = getattr(source, "name", None)
        return name if isinstance(name, str) else "<stream>", source, False
    path = Path(source)
    found = whole(path)
    if isinstance(found, bytes):
        return str(path), io.BytesIO(found), True
    try:
        return str(path), path.open("rb"), True
    except FileNotFoundError as error:
        raise InputError(f"{path} does not exist", hint=CHECK_PATH) from error
    except OSError as error:
        raise InputError(f"{path} cannot be opened ({error.strerror})", hint=CHECK_PATH) from error
    except ValueError as error:
        raise InputError(f"{str(path)!r} is not a path ({error})", hint=CHECK_PATH) from error


def _words(error: Exception) -> str:
    """Return what an error says, in one line."""
    return " ".join(str(error).split()) or type(error).__name__
