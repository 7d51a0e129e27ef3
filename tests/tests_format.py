"""Cuts a `.inr` file into its pieces by the words of `docs/format.md`, for second readers; nothing of inrfit is used.

Streams of integers are read in plain Python, by section 5.2, without the library that inrfit reads them with.
"""

from __future__ import annotations

import struct
import zlib
from bisect import bisect_right
from collections.abc import Sequence

import msgspec


def cut(data: bytes) -> tuple[list, list, bytes, list[bytes]]:
    """Return header and index as plain lists, the ids filled in, the shared weights, and the weights of each region."""
    assert data[:12] == bytes.fromhex("89494E520D0A1A0A") + b"\1\0\0\0"
    assert int.from_bytes(data[12:16], "little") == zlib.crc32(data[:12])
    offset, payloads = 16, []
    for wanted in (b"HEAD", b"INDX", b"SHRD"):
        tag, length, checksum = struct.unpack_from("<4sII", data, offset)
        payload = data[offset + 12 : offset + 12 + length]
        assert (tag, checksum) == (wanted, zlib.crc32(data[offset : offset + 8] + payload))
        payloads.append(payload)
        offset += 12 + length
    head, index = (msgspec.msgpack.decode(payload) for payload in payloads[:2])
    index[0] = index[0] or list(range(len(index[1])))
    offset += index[5]
    parts = []
    for length in index[1]:
        parts.append(data[offset : offset + length])
        assert data[offset + length : offset + length + 4] == struct.pack("<I", zlib.crc32(parts[-1]))
        offset += length + 4
    assert offset == len(data)
    return head, index, payloads[2], parts


def errors(codes: bytes) -> list[float]:
    """Return the mean squared errors of the regions from the field `mse` of an index."""
    found = struct.unpack(f"<{len(codes) // 2}H", codes)
    return [2 ** ((u - 61440) / 1024) if u else 0 for u in found]


class Damaged(Exception):
    """A stream breaks a rule of section 5.2."""


class Stream:
    """Integers of quantised arrays, read by section 5.2.

    Args:
        payload: the bytes of the stream.
        tables: runs of each table, from the header.
        choice: frequency of each table, from the header.
    """

    def __init__(self, payload: bytes, tables: Sequence[Sequence[int]], choice: Sequence[int]) -> None:
        padded = payload + bytes(-len(payload) % 4)
        self.words, self.place = struct.unpack(f">{len(padded) // 4}I", padded), 0
        self.low, self.range, self.point = 0, 2**64 - 1, self.word() << 32
        self.point += self.word()
        self.choice = bounds(choice)
        self.reaches = [sum(runs[::2]) - 1 for runs in tables]
        self.tables = [bounds(frequencies(runs)) for runs in tables]
        self.bytes = bounds([256] * 256)

    def word(self) -> int:
        """Return the next word."""
        self.place += 1
        return self.words[self.place - 1] if self.place <= len(self.words) else 0

    def symbol(self, limits: list[int]) -> int:
        """Return the next symbol of a model with these bounds."""
        scale = self.range >> 24
        quantile = (self.point - self.low) % 2**64 // scale
        if quantile >= 2**24:
            raise Damaged("no symbol has this code")
        found = bisect_right(limits, quantile) - 1
        self.low = (self.low + scale * limits[found]) % 2**64
        self.range = scale * (limits[found + 1] - limits[found])
        if self.range < 2**32:
            self.low, self.range = self.low * 2**32 % 2**64, self.range * 2**32
            self.point = (self.point * 2**32 + self.word()) % 2**64
        return found

    def integers(self, count: int) -> list[int]:
        """Return the integers of the next array."""
        number = self.symbol(self.choice) if len(self.tables) > 1 else 0
        reach = self.reaches[number]
        found = [self.symbol(self.tables[number]) - reach for _ in range(count)]
        return [self.escaped() if integer > reach else integer for integer in found]

    def escaped(self) -> int:
        """Return the next integer that a table has no frequency for."""
        value = 0
        for place in range(5):
            byte = self.symbol(self.bytes)
            value += byte % 128 << 7 * place
            if byte < 128:
                found = -(value + 1) // 2 if value % 2 else value // 2
                if abs(found) < 2**31:
                    return found
        raise Damaged("an integer is out of range")

    def end(self) -> None:
        """Check that nothing is left."""
        if self.place < len(self.words):
            raise Damaged("words are left")


def frequencies(runs: Sequence[int]) -> list[int]:
    """Return the frequencies of -R, ..., R and of the escape."""
    own = [f for length, f in zip(runs[::2], runs[1::2], strict=True) for _ in range(length)]
    both = own[:0:-1] + own
    return [*both, 2**16 - sum(both)]


def bounds(frequencies: Sequence[int]) -> list[int]:
    """Return the bounds of a model."""
    found, total = [0], 0
    for number, frequency in enumerate(frequencies, 1):
        total += frequency
        found.append(total * (2**24 - len(frequencies)) // 2**16 + number)
    return found
