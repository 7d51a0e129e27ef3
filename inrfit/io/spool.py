"""Samples too many for memory: a signal whose array lies in a file and is read page by page; it knows no formats.

What is told where the disk of temporary files is full is told here.
"""

from __future__ import annotations

import errno
import mmap
import os
import shutil
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from inrfit.domain import Box
from inrfit.errors import InrfitError
from inrfit.signal import ArraySignal

IN_MEMORY = 16 << 20
"""Bytes of samples that are kept in memory; larger signals lie in a temporary file."""

HELD = 32 << 20
"""Bytes that may have been read of a file before its pages are given back."""

KEPT_FREE = 0.1
"""Share of what is free on the disk of temporary files that samples leave free: a small file may unpack to any size."""

ASKED = 64 << 20
"""Bytes after which it is asked again how much of the disk is free."""

FULL = (errno.ENOSPC, errno.EDQUOT)
"""Errors of a disk, or of a user's share of it, that is full."""

PROBE = 1 << 18
"""Bytes that a disk which is not full takes."""

HINT = "set TMPDIR to a folder on a larger disk"


@contextmanager
def spooling(told: type[InrfitError], name: str) -> Iterator[None]:
    """Run what writes temporary files; that there is no room for them becomes one line.

    Args:
        told: the error that is raised.
        name: what it calls the file that is worked on.

    Raises:
        InrfitError: `told`, where the disk of temporary files is full or has no folder for them.
    """
    try:
        yield
    except OSError as error:
        if error.errno in FULL:
            why = error.strerror or os.strerror(errno.ENOSPC)
            raise told(
                f"{name}: no space left for temporary files in {tempfile.gettempdir()} ({why})", hint=HINT
            ) from error
        if error.errno == errno.ENOENT and "temporary directory" in str(error):  # in the words of `tempfile`
            raise told(f"{name}: there is no folder that takes temporary files", hint=HINT) from error
        raise


def check_room(folder: str | Path) -> None:
    """Ask a folder whether it takes more bytes, after a library has failed that does not say why.

    Raises:
        OSError: its disk is full.
    """
    with suppress(FileNotFoundError), tempfile.TemporaryFile(dir=folder) as file:
        file.write(bytes(PROBE))


class _Spool:
    """A temporary file without a name that never fills its disk; a context manager that closes it.

    Attributes:
        file: where the bytes go.
    """

    def __init__(self) -> None:
        self.file: IO[bytes] = tempfile.TemporaryFile(buffering=0)  # noqa: SIM115 (see `__exit__`)
        self._free = _free()
        self._room = 0.0

    def __enter__(self) -> _Spool:
        return self

    def __exit__(self, *exception: object) -> None:
        self.file.close()

    def write(self, data: memoryview) -> None:
        """Add bytes.

        Raises:
            OSError: they would leave too little free; its number is ENOSPC.
        """
        if data.nbytes > self._room:
            room = _free() - KEPT_FREE * self._free
            if data.nbytes > room:
                share = f"{1 - KEPT_FREE:.0%} of the {self._free / 1e6:,.0f} MB that were free"
                raise OSError(errno.ENOSPC, f"{os.strerror(errno.ENOSPC)}: it unpacks to more than {share}")
            self._room = min(room, data.nbytes + ASKED)
        self._room -= data.nbytes
        left = data.cast("B") if data.nbytes else memoryview(b"")
        while left:
            left = left[self.file.write(left) :]


def _free() -> int:
    """Return the bytes that are free on the disk of temporary files."""
    return shutil.disk_usage(tempfile.gettempdir()).free


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class MappedSignal(ArraySignal):
    """A signal whose samples lie in a mapped file; what was read of it does not stay in memory.

    `dense` without a window returns the mapped array: take windows where a copy of all would be too much.

    Attributes:
        held: one number, the bytes that were read since the pages were given back.
    """

    held: list[int] = field(default_factory=lambda: [0], repr=False)

    def sample(self, points: NDArray[np.int64]) -> NDArray[np.float32]:
        """Return the samples at integer indices [point, axis] as [point, channel] in [-1, 1]."""
        values = ArraySignal.sample(self, points)
        self._give_back(4096 * len(points))
        return values

    def dense(self, window: Box | None = None) -> NDArray[np.generic]:
        """Return the native samples of a window as [*shape, channel], a copy; those of the whole domain are mapped."""
        if window is None:
            return self.values
        values = np.array(ArraySignal.dense(self, window))
        self._give_back(values.nbytes)
        return values

    def _give_back(self, count: int) -> None:
        """Let the system take back the pages that were read, once they may be many."""
        mapped = _map_of(self.values)
        if mapped is None or not hasattr(mmap, "MADV_DONTNEED"):
            return
        self.held[0] += count
        if self.held[0] > HELD:
            mapped.madvise(mmap.MADV_DONTNEED)
            self.held[0] = 0


def _map_of(values: NDArray[Any]) -> mmap.mmap | None:
    """Return the map behind an array, or None."""
    base: Any = values
    while base is not None and not isinstance(base, mmap.mmap):
        base = getattr(base, "_mmap", None) or getattr(base, "base", None)
    return base


def gather(
    parts: Iterable[NDArray[Any]], row: tuple[int, ...], dtype: str, *, limit: int = IN_MEMORY
) -> NDArray[Any]:
    """Put parts [some, *row] together along their first axis: in memory up to `limit` bytes, beyond it in a file.

    The file has no name, is on the disk of temporary files, of which it leaves a share free, and goes with the array.

    Returns:
        [sum of some, *row]; a mapped array where it lies in a file.

    Raises:
        OSError: there is no room for it; see `spooling`.
    """
    kept: list[NDArray[Any]] = []
    size, spool = 0, None
    with ExitStack() as opened:
        for part in parts:
            data = np.ascontiguousarray(part, dtype)
            size += data.nbytes
            if spool is None and size > limit:
                spool = opened.enter_context(_Spool())
                for earlier in kept:
                    spool.write(earlier.data)
                kept = []
            if spool is None:
                kept.append(data)
            else:
                spool.write(data.data)
        if spool is None:
            return np.concatenate(kept) if kept else np.zeros((0, *row), dtype)
        rows = size // (int(np.prod(row)) * np.dtype(dtype).itemsize)
        return np.memmap(spool.file, dtype, "r", shape=(rows, *row))


def blocks(values: NDArray[Any], *, size: int = IN_MEMORY) -> Iterator[NDArray[Any]]:
    """Yield an array in parts along its first axis, of at least one row and about `size` bytes.

    Each is a view that is good until the next one: what was read of a mapped file does not stay in memory.
    """
    rows, mapped = max(1, size // max(1, values[:1].nbytes)), _map_of(values)
    for start in range(0, len(values), rows):
        yield values[start : start + rows]
        if mapped is not None and hasattr(mmap, "MADV_DONTNEED"):
            mapped.madvise(mmap.MADV_DONTNEED)
