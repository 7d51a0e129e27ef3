"""Integers to bytes and back, with tables that the file holds; what the integers mean is not known here.

A table gives a frequency, of 65,536, to every magnitude from 0 up to its reach, the same for both signs, and what is
left over to an escape. Groups of integers (the stacks of one region) are coded one after the other in one stream of
a range coder: the number of the group's table, its integers, then those that escaped. `docs/format.md` section 5.2 is the
specification; `tests/tests_format.py` reads streams in plain Python from that page alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from inrfit.codec.limits import MAX_TABLES
from inrfit.errors import ContainerError
from inrfit.models.coding import LARGEST

TOTAL = 1 << 16
"""Sum of the frequencies of a table."""

MAX_REACH = 1 << 14
"""Largest magnitude that a table has a frequency for."""

NEAR, CARRY = (1 << 33) - 1, (1 << 32) - 1
"""How far above its lower end constriction takes a number for one of the coder's interval, and adds to it at the end."""

Integers = NDArray[np.integer]


@dataclass(frozen=True)
class Table:
    """Frequencies of integers.

    Attributes:
        runs: (length, frequency, length, frequency, ...): so many magnitudes, beginning with 0, have this frequency for
            each sign.
    """

    runs: tuple[int, ...]

    def __post_init__(self) -> None:
        lengths, frequencies = self.runs[::2], self.runs[1::2]
        if not lengths or len(lengths) != len(frequencies) or min(self.runs) < 1:
            raise ContainerError("a table is not made of lengths and frequencies of at least 1")
        if sum(lengths) > MAX_REACH + 1 or max(frequencies) >= TOTAL or self.escape < 1:
            raise ContainerError(f"a table reaches beyond {MAX_REACH}, or its frequencies beyond {TOTAL}")

    @property
    def reach(self) -> int:
        """Largest magnitude that has a frequency."""
        return sum(self.runs[::2]) - 1

    @property
    def escape(self) -> int:
        """Frequency of the escape, which stands for every other integer."""
        both = sum(
            2 * length * frequency for length, frequency in zip(self.runs[::2], self.runs[1::2], strict=True)
        )
        return TOTAL - both + self.runs[1]

    @cached_property
    def magnitudes(self) -> NDArray[np.int64]:
        """Frequency of each magnitude from 0, for one sign, [reach + 1]."""
        return np.repeat(np.array(self.runs[1::2], np.int64), self.runs[::2])

    @cached_property
    def frequencies(self) -> NDArray[np.int64]:
        """Frequencies of -reach, ..., reach and of the escape, [2 reach + 2]."""
        return np.concatenate([self.magnitudes[:0:-1], self.magnitudes, [self.escape]])

    @cached_property
    def bits(self) -> NDArray[np.float64]:
        """Bits of each magnitude from 0, then those of the escape itself, [reach + 2]."""
        return -np.log2(np.append(self.magnitudes, self.escape) / TOTAL)

    def cost(self, magnitudes: Integers) -> NDArray[np.float64]:
        """Return the bits of integers with these magnitudes."""
        inside = np.minimum(magnitudes, self.reach + 1)
        bits = self.bits[inside]
        far = inside > self.reach
        if far.any():
            bits[far] += 8 * _varint_bytes(2 * magnitudes[far].astype(np.int64))
        return bits


def _varint_bytes(values: Integers) -> NDArray[np.int64]:
    return 1 + np.floor(np.log2(np.maximum(values, 1)) / 7).astype(np.int64)


def _stream() -> Any:
    """Return constriction's stream codes; it has no types, and is not needed to look at a file."""
    import constriction

    return vars(constriction)["stream"]


def model(frequencies: Integers) -> Any:
    """Return constriction's model of symbols with frequencies that add up to 65,536.

    With `perfect=False` its fixed-point probabilities follow from exact products of integers, see docs/format.md.
    """
    probabilities = np.asarray(frequencies, np.float64) / TOTAL
    return _stream().model.Categorical(probabilities, perfect=False)


@lru_cache(maxsize=1)
def _bytes_model() -> Any:
    """Return the model of a byte of which nothing is known."""
    return model(np.full(256, TOTAL // 256))


class Coder:
    """Groups of integers to a stream of bytes and back.

    Args:
        tables: at least one.
        choice: frequencies of the tables' numbers, adding up to 65,536; empty with one table.

    Raises:
        ContainerError: they are no tables, or no frequencies.
    """

    def __init__(self, tables: Sequence[Sequence[int]], choice: Sequence[int]) -> None:
        if not 1 <= len(tables) <= MAX_TABLES:
            raise ContainerError(f"there are {len(tables)} tables, allowed: 1 to {MAX_TABLES}")
        self.tables = [Table(tuple(runs)) for runs in tables]
        wanted = len(tables) if len(tables) > 1 else 0
        if len(choice) != wanted or (wanted and (sum(choice) != TOTAL or min(choice) < 1)):
            raise ContainerError(f"the frequencies of {len(tables)} tables do not add up to {TOTAL}")
        self._choice = model(np.array(choice)) if wanted else None
        self._choice_bits = -np.log2(np.array(choice) / TOTAL) if wanted else np.zeros(1)
        self._models: dict[int, Any] = {}

    def _model(self, number: int) -> Any:
        if number not in self._models:
            self._models[number] = model(self.tables[number].frequencies)
        return self._models[number]

    def pick(self, integers: Integers) -> tuple[int, float]:
        """Return the table that codes a group with the fewest bits, and how many."""
        magnitudes = np.abs(integers)
        costs = [table.cost(magnitudes).sum() for table in self.tables] + self._choice_bits
        best = int(np.argmin(costs))
        return best, float(costs[best])

    def encode(self, groups: Sequence[Integers]) -> bytes:
        """Return the stream of groups of integers within +-(2^31 - 1), each group flat."""
        encoder = _stream().queue.RangeEncoder()
        for integers in groups:
            number, _ = self.pick(integers)
            if self._choice is not None:
                encoder.encode(np.array([number], np.int32), self._choice)
            if not len(integers):
                continue
            reach = self.tables[number].reach
            far = np.abs(integers) > reach
            symbols = np.where(far, 2 * reach + 1, integers + reach).astype(np.int32)
            encoder.encode(symbols, self._model(number))
            for integer in integers[far].tolist():
                encoder.encode(np.array(_varint(integer), np.int32), _bytes_model())
        return _shortest(encoder)

    def decode(self, stream: bytes, counts: Sequence[int]) -> list[NDArray[np.int64]]:
        """Return the groups of a stream, as many integers each as `counts` says.

        Raises:
            ContainerError: an integer is out of range, or bytes are left over.
        """
        try:
            return self._decoded(stream, counts)
        except AssertionError:  # how constriction says that no integer has such a code
            raise ContainerError("its integers are damaged") from None

    def _decoded(self, stream: bytes, counts: Sequence[int]) -> list[NDArray[np.int64]]:
        padded = stream + b"\0" * (-len(stream) % 4)
        words = np.frombuffer(padded, ">u4").astype(np.uint32)
        decoder = _stream().queue.RangeDecoder(words)
        found = []
        for count in counts:
            number = 0 if self._choice is None else int(decoder.decode(self._choice))
            if not count:
                found.append(np.zeros(0, np.int64))
                continue
            reach = self.tables[number].reach
            integers = decoder.decode(self._model(number), count).astype(np.int64) - reach
            for place in np.flatnonzero(integers > reach):
                integers[place] = _read_varint(decoder)
            found.append(integers)
        if len(words) and (not counts or not decoder.maybe_exhausted()):
            raise ContainerError("there are bytes after the last integer")
        return found


def _shortest(encoder: Any) -> bytes:
    """Return the shortest stream that decodes to what was encoded: what is missing at its end reads as zeros.

    Any number in the coder's interval does, taken as a stream; constriction's decoder wants it within `NEAR` of the
    lower end, or it thinks that symbols are left.
    """
    stream = encoder.get_compressed().astype(">u4").tobytes()
    words, (low, span) = encoder.pos()
    above = int.from_bytes(stream[: 4 * words], "big") - (
        low + CARRY >= 1 << 64
    )  # as if nothing had been carried
    low += above << 64
    high = low + min(span, NEAR)
    for size in range(max(0, len(stream) - 8), len(stream)):
        start, missing = int.from_bytes(stream[:size], "big"), 32 * words + 64 - 8 * size
        for number in (start, start + 1) if size else (start,):
            if low <= number << missing < high:
                return number.to_bytes(size, "big")
    return stream


def _varint(integer: int) -> list[int]:
    """Return an integer as bytes of 7 bits, lowest first, 128 added to all but the last: 0, -1, 1, -2, ... as 0, 1, 2, 3."""
    value = 2 * integer if integer >= 0 else -2 * integer - 1
    found = []
    while value >= 128:
        found.append(value % 128 + 128)
        value //= 128
    return [*found, value]


def _read_varint(decoder: Any) -> int:
    value = 0
    for place in range(5):
        byte = int(decoder.decode(_bytes_model()))
        value += (byte % 128) << (7 * place)
        if byte < 128:
            break
    else:
        raise ContainerError("an integer has more than 5 bytes")
    integer = value // 2 if value % 2 == 0 else -(value + 1) // 2
    if abs(integer) > LARGEST:
        raise ContainerError(f"an integer is beyond {LARGEST}")
    return integer
