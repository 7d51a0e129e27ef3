"""WAV files by their chunks: headers that were never finished or lack a byte, and where channels belong; no samples."""

from __future__ import annotations

import io
import os
import struct
from dataclasses import dataclass
from pathlib import Path

EXTENSIBLE = 0xFFFE
"""Format of a header that says where channels belong."""

UNKNOWN = 0xFFFFFFFF
"""Size of data that stands elsewhere, or was not known."""

MANY = 10_000
"""Chunks of a file that are looked at."""

LARGEST = 1 << 20
"""Bytes of a chunk that is looked into."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wav:
    """What stands in a file up to its samples.

    Attributes:
        path: the file.
        order: "<" or ">", the order of bytes.
        layout: what the chunk "fmt " says, and `at`, where that begins.
        lists: chunks with tags before the samples, as they are.
        begin, size: where samples begin, and how many bytes the file says that they have; -1 where it does not.
        there: bytes from there to the end of the file.
        unpadded: whether a chunk of odd size lacks the byte that ought to follow.
    """

    path: Path
    order: str
    layout: bytes
    at: int
    lists: tuple[bytes, ...]
    begin: int
    size: int
    there: int
    unpadded: bool

    @property
    def speakers(self) -> int | None:
        """Where channels belong; None where it is not told."""
        tag = struct.unpack_from(f"{self.order}H", self.layout)[0] if len(self.layout) >= 16 else 0
        if tag != EXTENSIBLE or len(self.layout) < 24:
            return None
        return struct.unpack_from(f"{self.order}I", self.layout, 20)[0]

    @property
    def unfinished(self) -> bool:
        """Whether its header does not say how many samples there are, though there are some."""
        return self.there > 0 and (self.size < 0 or (self.size == 0 and not self._ends_in_chunks()))

    def mended(self) -> io.RawIOBase:
        """Return the file with a header as it ought to be, and without what follows the samples."""
        size = self.there if self.unfinished else min(self.size, self.there)
        body = b"WAVE" + self._chunk(b"fmt ", self.layout) + b"".join(self.lists) + b"data"
        whole = len(body) + 4 + size
        sizes = (whole, size) if whole < UNKNOWN else (8, 0)  # which libsndfile takes for "to the end"
        start = (b"RIFF" if self.order == "<" else b"RIFX") + self._number(sizes[0])
        return _Spliced(start + body + self._number(sizes[1]), self.path, self.begin, size)

    def _ends_in_chunks(self) -> bool:
        """Tell whether well-formed chunks follow up to the end of the file, so that there are no samples."""
        with self.path.open("rb") as file:
            at, end = self.begin, self.begin + self.there
            for _ in range(MANY):
                file.seek(at)
                head = file.read(8)
                if len(head) < 8:
                    return at >= end
                if not all(32 <= letter < 127 for letter in head[:4]):
                    return False
                size = struct.unpack(f"{self.order}I", head[4:])[0]
                at += 8 + size + size % 2
                if at > end + 1:
                    return False
        return False

    def _number(self, value: int) -> bytes:
        return struct.pack(f"{self.order}I", value)

    def _chunk(self, name: bytes, data: bytes) -> bytes:
        return name + self._number(len(data)) + data + bytes(len(data) % 2)


def look(path: Path) -> Wav | None:
    """Return what stands before the samples of a file; None where it is no WAV file, or has no such parts."""
    with path.open("rb") as file:
        end = file.seek(0, os.SEEK_END)
        file.seek(0)
        start = file.read(12)
        if start[:4] not in (b"RIFF", b"RIFX", b"RF64") or start[8:] != b"WAVE":
            return None
        order = ">" if start[:4] == b"RIFX" else "<"
        layout, at, long, unpadded, lists = b"", 0, 0, False, []
        place = 12
        for _ in range(MANY):
            file.seek(place)
            head = file.read(8)
            if len(head) < 8:
                return None
            name, size = head[:4], struct.unpack(f"{order}I", head[4:])[0]
            if name == b"data":
                told = long if start[:4] == b"RF64" and size == UNKNOWN else size
                told = -1 if told == 0 and size == UNKNOWN and start[:4] == b"RF64" else told
                begin = place + 8
                return Wav(
                    path=path,
                    order=order,
                    layout=layout,
                    at=at,
                    lists=tuple(lists),
                    begin=begin,
                    size=-1 if told >= 1 << 63 else told,
                    there=end - begin,
                    unpadded=unpadded,
                )
            data = file.read(min(size, LARGEST)) if name in (b"fmt ", b"ds64", b"LIST") else b""
            if name == b"fmt ":
                layout, at = data, place + 8
            elif name == b"ds64" and len(data) >= 16:
                long = struct.unpack_from("<Q", data, 8)[0]
            elif name == b"LIST" and len(data) == size:
                lists.append(head + data + bytes(size % 2))
            place += 8 + size
            if size % 2:
                file.seek(place)
                unpadded |= not (padded := file.read(1) == b"\0")
                place += padded
    return None


def put_speakers(path: Path, number: int) -> None:
    """Write into the header of a finished file where its channels belong, where it has a place for that."""
    found = look(path)
    if found is not None and found.speakers is not None:
        with path.open("r+b") as file:
            file.seek(found.at + 20)
            file.write(struct.pack(f"{found.order}I", number))


class _Spliced(io.RawIOBase):
    """A part of a file behind other first bytes."""

    def __init__(self, start: bytes, path: Path, begin: int, size: int) -> None:
        self._start, self._begin, self._size = start, begin, size
        self._file = path.open("rb")
        self._at = 0

    def readable(self) -> bool:
        """Return True."""
        return True

    def seekable(self) -> bool:
        """Return True."""
        return True

    def tell(self) -> int:
        """Return the place."""
        return self._at

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        """Go to a place, and return it."""
        base = {os.SEEK_SET: 0, os.SEEK_CUR: self._at}.get(whence, len(self._start) + self._size)
        self._at = max(0, base + offset)
        return self._at

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override] (any buffer has a view)
        """Fill a buffer as far as there are bytes, and return their number."""
        view = memoryview(buffer).cast("B")
        first = self._start[self._at : self._at + len(view)]
        self._file.seek(self._begin + max(0, self._at - len(self._start)))
        left = len(self._start) + self._size - self._at - len(first)
        data = first + self._file.read(max(0, min(len(view) - len(first), left)))
        view[: len(data)] = data
        self._at += len(data)
        return len(data)

    def close(self) -> None:
        """Close the file."""
        self._file.close()
        super().close()
