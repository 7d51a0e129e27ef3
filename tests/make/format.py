"""Cuts a `.inr` file into its pieces by the words of `docs/format.md`, for second readers; nothing of inrfit is used.

Streams of integers are read in plain Python, by sections 5.2 and 5.3, without the library that inrfit reads them with.
"""

from __future__ import annotations

import struct
import zlib
from bisect import bisect_right
from collections.abc import Sequence
from itertools import combinations, product

import msgspec


def cut(data: bytes) -> tuple[list, list, bytes, list[bytes]]:
    """Return header and index as plain lists, the ids filled in, the shared weights, and the weights of each region."""
    assert data[:12] == bytes.fromhex("89494E520D0A1A0A") + bytes([1, data[9], 0, 0])
    assert int.from_bytes(data[12:16], "little") == zlib.crc32(data[:12])
    offset, payloads, checks = 16, [], []
    for wanted in (b"HEAD", b"INDX", b"SHRD"):
        tag, length, checksum = struct.unpack_from("<4sII", data, offset)
        payload = data[offset + 12 : offset + 12 + length]
        assert (tag, checksum) == (wanted, zlib.crc32(data[offset : offset + 8] + payload))
        payloads.append(payload)
        checks.append(data[offset + 8 : offset + 12])
        offset += 12 + length
    head, index = (msgspec.msgpack.decode(payload) for payload in payloads[:2])
    index[0] = index[0] or list(range(len(index[1])))
    bound, end = checks[0] + checks[2], offset + index[5]
    while offset < end:
        bound += data[offset + 8 : offset + 12]
        offset += 12 + int.from_bytes(data[offset + 4 : offset + 8], "little")
    sums = index[6] if len(index) > 6 else b""
    assert data[9] == (2 if sums else head[4] == "contextual")
    parts, found = [], struct.pack("<I", zlib.crc32(bound))[:2]
    for length in index[1]:
        parts.append(data[offset : offset + length])
        assert data[offset + length : offset + length + 4] == struct.pack("<I", zlib.crc32(parts[-1]))
        found += data[offset + length : offset + length + 2]
        offset += length + 4
    assert offset == len(data)
    assert sums in (b"", found)
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
        return self.inside([self.escaped() if integer > reach else integer for integer in found])

    def lattice(self, sides: Sequence[int], channels: int, context: Sequence[int]) -> list[int]:
        """Return the integers of an array that is coded by neighbours, [point, channel] as one list."""
        share, *tables = context
        axes, held = range(len(sides)), {}

        def at(point: tuple[int, ...], channel: int, *back: int) -> int:
            moved = tuple(i - back.count(axis) for axis, i in enumerate(point))
            return held.get((moved, channel), 0)

        def table(point: tuple[int, ...], channel: int) -> int:
            size = sum(2 * abs(at(point, channel, a)) + abs(at(point, channel, a, a)) for a in axes)
            size += sum(abs(at(point, channel, a, b)) for a, b in combinations(axes, 2))
            number = sum(bound <= size for bound in (1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64, 96, 128, 192))
            return tables[min(number, len(tables) - 1)]

        points = list(product(*map(range, sides)))
        for front in range(sum(sides) - len(sides) + 1):
            own = [(p, channel) for p in points if sum(p) == front for channel in range(channels)]
            numbers, found = {one: table(*one) for one in own}, {}
            for one in sorted(own, key=lambda one: numbers[one]):
                found[one] = self.symbol(self.tables[numbers[one]]) - self.reaches[numbers[one]]
            for one in own:
                if found[one] > self.reaches[numbers[one]]:
                    found[one] = self.escaped()
                total = sum(at(*one, a) for a in axes)
                expected = share * abs(total) // (4 * len(sides))
                found[one] += -expected if total < 0 else expected
            held.update(found)
        return self.inside([held[p, channel] for p in points for channel in range(channels)])

    def inside(self, integers: list[int]) -> list[int]:
        """Return integers, none of them out of range."""
        if any(abs(integer) >= 2**31 for integer in integers):
            raise Damaged("an integer is out of range")
        return integers

    def escaped(self) -> int:
        """Return the next integer that a table has no frequency for."""
        value = 0
        for place in range(5):
            byte = self.symbol(self.bytes)
            value += byte % 128 << 7 * place
            if byte < 128:
                return -(value + 1) // 2 if value % 2 else value // 2
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
