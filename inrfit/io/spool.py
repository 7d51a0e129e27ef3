"""Samples too many for memory: a signal whose array lies in a file and is read page by page; it knows no formats."""

from __future__ import annotations

import mmap
import tempfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from inrfit.domain import Box
from inrfit.signal import ArraySignal

IN_MEMORY = 16 << 20
"""Bytes of samples that are kept in memory; larger signals lie in a temporary file."""

HELD = 32 << 20
"""Bytes that may have been read of a file before its pages are given back."""


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

    The file has no name, is on the disk of temporary files, and goes with the array.

    Returns:
        [sum of some, *row]; a mapped array where it lies in a file.
    """
    kept: list[NDArray[Any]] = []
    size, file = 0, None
    for part in parts:
        data = np.ascontiguousarray(part, dtype)
        size += data.nbytes
        if file is None and size > limit:
            file = tempfile.TemporaryFile()  # noqa: SIM115 (the map keeps it)
            for earlier in kept:
                file.write(earlier.data)
            kept = []
        if file is None:
            kept.append(data)
        else:
            file.write(data.data)
    if file is None:
        return np.concatenate(kept) if kept else np.zeros((0, *row), dtype)
    file.flush()
    rows = size // (int(np.prod(row)) * np.dtype(dtype).itemsize)
    mapped = np.memmap(file, dtype, "r", shape=(rows, *row))
    file.close()
    return mapped


def blocks(values: NDArray[Any], *, size: int = IN_MEMORY) -> Iterator[NDArray[Any]]:
    """Yield an array in parts along its first axis, of at least one row and about `size` bytes.

    Each is a view that is good until the next one: what was read of a mapped file does not stay in memory.
    """
    rows, mapped = max(1, size // max(1, values[:1].nbytes)), _map_of(values)
    for start in range(0, len(values), rows):
        yield values[start : start + rows]
        if mapped is not None and hasattr(mmap, "MADV_DONTNEED"):
            mapped.madvise(mmap.MADV_DONTNEED)
