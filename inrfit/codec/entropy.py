"""Integers to bytes and back, with tables that the file holds; what the integers mean is not known here.

A table gives a frequency, of 65,536, to every magnitude from 0 up to its reach, the same for both signs, and what is
left over to an escape. Groups of integers (the stacks of one region) are coded one after the other in one stream of
a range coder: the number of the group's table, its integers, then those that escaped; or, with a guide, run by run with
the tables that neighbours call for (see `context`). `docs/format.md` sections 5.2 and 5.3 are the specification; `tests/make/format.py` reads streams in plain Python from that page alone.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from inrfit.codec.bounds import STREAM_SLACK
from inrfit.codec.context import Guide, fronts
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

    @property
    def least(self) -> float:
        """Bits that an integer takes at least, above 0; of an escape follows at least a byte."""
        often, total = max(self.runs[1::2]), 1 << 24
        kinds = 2 * self.reach + 2
        near, far = (f * (total - kinds) / TOTAL + 2 for f in (often, self.escape))
        return min(-math.log2(min(1.0, near / total)), 8 - math.log2(min(1.0, far / total)))

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
        self._reaches = np.array([table.reach for table in self.tables])
        self._chosen = np.array(choice) if wanted else None
        self._choice_bits = -np.log2(np.array(choice) / TOTAL) if wanted else np.zeros(1)
        self._models: dict[int, Any] = {}

    @cached_property
    def _choice(self) -> Any:
        """The model of a table's number; None with one table. A file is looked at without it."""
        return None if self._chosen is None else model(self._chosen)

    def least_bits(self, counts: Sequence[int], guides: Sequence[Guide | None] = ()) -> float:
        """Return the bits that groups of so many integers take at least; see `encode`."""
        least, found = [table.least for table in self.tables], 0.0
        for count, guide in zip(counts, guides or [None] * len(counts), strict=True):
            if guide is not None:
                found += count * min(least[number] for number in guide.tables)
            else:
                found += min(
                    count * bits + choice for bits, choice in zip(least, self._choice_bits, strict=True)
                )
        return found

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

    def encode(self, groups: Sequence[Integers], guides: Sequence[Guide | None] = ()) -> bytes:
        """Return the stream of groups of integers within +-(2^31 - 1), each group flat.

        Args:
            groups: integers.
            guides: how each group is coded by those next to them, None for one by one; empty for none of them.
        """
        encoder = _stream().queue.RangeEncoder()
        for integers, guide in zip(groups, guides or [None] * len(groups), strict=True):
            if guide is not None:
                self._put_fronts(encoder, guide, integers)
                continue
            number, _ = self.pick(integers)
            if self._choice is not None:
                encoder.encode(np.array([number], np.int32), self._choice)
            if len(integers):
                symbols, far = self._symbols(integers, np.full(len(integers), number))
                encoder.encode(symbols, self._model(number))
                _put_escapes(encoder, integers[far])
        return _shortest(encoder)

    def _symbols(self, integers: Integers, numbers: Integers) -> tuple[NDArray[np.int32], NDArray[np.bool_]]:
        """Return the symbols of integers by the tables with some numbers, and which of them escape."""
        reach = self._reaches[numbers]
        far = np.abs(integers) > reach
        return np.where(far, 2 * reach + 1, integers + reach).astype(np.int32), far

    def _put_fronts(self, encoder: Any, guide: Guide, integers: Integers) -> None:
        """Encode a lattice: in each front table by table, then what escaped."""
        lattice = fronts(guide.sides)
        values = integers.reshape(len(lattice.rows), -1)
        near = lattice.known(values)
        beyond = (values[lattice.rows] - near.expected(guide.share)).reshape(-1)
        numbers = guide.numbers(near).reshape(-1)
        symbols, far = self._symbols(beyond, numbers)
        ends = lattice.starts[1:] * values.shape[1]
        front = np.searchsorted(ends, np.arange(len(beyond)), side="right")
        order, runs = _runs(front * len(self.tables) + numbers)
        symbols, escaping = symbols[order], set(front[far].tolist())
        for place, (key, start, stop) in enumerate(runs):
            at, number = divmod(key, len(self.tables))
            encoder.encode(symbols[start:stop], self._model(number))
            last = place + 1 == len(runs) or runs[place + 1][0] // len(self.tables) > at
            if last and at in escaping:
                _put_escapes(encoder, beyond[far & (front == at)])

    def decode(
        self, stream: bytes, counts: Sequence[int], guides: Sequence[Guide | None] = ()
    ) -> list[NDArray[np.int64]]:
        """Return the groups of a stream, as many integers each as `counts` says.

        Raises:
            ContainerError: an integer is out of range, or bytes are left over.
        """
        (found,) = self.decode_all([stream], counts, guides)
        if isinstance(found, ContainerError):
            raise found
        return found

    def decode_all(
        self, streams: Sequence[bytes], counts: Sequence[int], guides: Sequence[Guide | None] = ()
    ) -> list[list[NDArray[np.int64]] | ContainerError]:
        """Return the groups of each of several streams, or what is wrong with it; see `decode`."""
        readings, reaches = [_Reading(stream) for stream in streams], self._reaches.tolist()
        for count, guide in zip(counts, guides or [None] * len(counts), strict=True):
            if guide is not None:
                self._take_fronts(readings, guide, count)
                continue
            for one in readings:
                number = 0 if self._choice is None else int(one.symbols(self._choice, 1)[0])
                reach = reaches[number]
                integers = one.symbols(self._model(number), count) - reach
                if (far := integers > reach).any():
                    one.escapes(integers, far)
                one.found.append(integers)
        return [one.ended(bool(len(counts))) for one in readings]

    def _take_fronts(self, readings: Sequence[_Reading], guide: Guide, count: int) -> None:
        """Decode a lattice of each of several streams, all of them front by front."""
        lattice, many, tables = fronts(guide.sides), len(readings), len(self.tables)
        channels = count // len(lattice.rows)
        held, found = lattice.empty(many * channels), np.zeros((many, len(lattice.rows), channels), np.int64)
        own = np.arange(many)[:, None, None] * tables
        for start, stop in zip(lattice.starts[:-1].tolist(), lattice.starts[1:].tolist(), strict=True):
            near, shape = lattice.near(held, start, stop), (stop - start, many, channels)
            numbers = guide.numbers(near).reshape(shape).swapaxes(0, 1)
            order, runs = _runs((own + numbers).reshape(-1))
            symbols, reach = np.empty(len(order), np.int64), self._reaches[numbers].reshape(-1)
            for key, first, end in runs:
                place, number = divmod(key, tables)
                symbols[order[first:end]] = readings[place].symbols(self._model(number), end - first)
            beyond = symbols - reach
            if (far := beyond > reach).any():
                for one, integers, which in zip(
                    readings, beyond.reshape(many, -1), far.reshape(many, -1), strict=True
                ):
                    one.escapes(integers, which)
            values = beyond.reshape(numbers.shape).swapaxes(0, 1) + near.expected(guide.share).reshape(shape)
            lattice.put(held, start, stop, values.reshape(len(values), -1))
            found[:, lattice.rows[start:stop]] = values.swapaxes(0, 1)
            if all(one.damaged for one in readings):
                break
        for one, values in zip(readings, found, strict=True):
            one.found.append(values.reshape(-1))


class _Reading:
    """A stream that is being decoded; once it is found to be damaged it gives zeros."""

    def __init__(self, stream: bytes) -> None:
        padded = stream + b"\0" * (-len(stream) % 4)
        self._words = np.frombuffer(padded, ">u4").astype(np.uint32)
        self._decoder = _stream().queue.RangeDecoder(self._words)
        self._wrong: str | None = None
        self._escapes = len(stream) + STREAM_SLACK // 8  # each takes a byte and more
        self.found: list[NDArray[np.int64]] = []

    @property
    def damaged(self) -> bool:
        """Whether something was wrong, so that nothing more is read."""
        return self._wrong is not None

    def symbols(self, model: Any, count: int) -> NDArray[np.int64]:
        """Return the next symbols."""
        if self._wrong is None:
            try:
                return self._decoder.decode(model, count).astype(np.int64)
            except AssertionError:  # how constriction says that no integer has such a code
                self._wrong = "its integers are damaged"
        return np.zeros(count, np.int64)

    def escapes(self, integers: NDArray[np.int64], far: NDArray[np.bool_]) -> None:
        """Put the next escapes in the place of some integers."""
        places = np.flatnonzero(far)
        self._escapes -= len(places)
        if self._escapes < 0:
            self._wrong = self._wrong or "its integers are damaged"
        if self._wrong is not None:
            integers[places] = 0
            return
        for place in places.tolist():
            integers[place] = self._varint()

    def _varint(self) -> int:
        value = 0
        for place in range(5):
            byte = int(self.symbols(_bytes_model(), 1)[0])
            value += (byte % 128) << (7 * place)
            if byte < 128:
                return value // 2 if value % 2 == 0 else -(value + 1) // 2
        self._wrong = self._wrong or "an integer has more than 5 bytes"
        return 0

    def ended(self, any_: bool) -> list[NDArray[np.int64]] | ContainerError:
        """Return what was found, or what is wrong with the stream.

        Args:
            any_: whether there were groups.
        """
        if self._wrong is None and any(np.abs(group).max(initial=0) > LARGEST for group in self.found):
            self._wrong = f"an integer is beyond {LARGEST}"
        if self._wrong is None and len(self._words) and not (any_ and self._decoder.maybe_exhausted()):
            self._wrong = "there are bytes after the last integer"
        return self.found if self._wrong is None else ContainerError(self._wrong)


def _runs(keys: NDArray[Any]) -> tuple[NDArray[np.int64], list[tuple[int, int, int]]]:
    """Return an order in which equal keys follow each other, and each key with where it starts and ends in it."""
    order = np.argsort(keys, kind="stable")
    sorted_ = keys[order]
    starts = np.flatnonzero(np.diff(sorted_, prepend=-1))
    ends = np.append(starts[1:], len(keys))
    return order, list(zip(sorted_[starts].tolist(), starts.tolist(), ends.tolist(), strict=True))


def _put_escapes(encoder: Any, integers: Integers) -> None:
    """Encode integers that a table has no frequency for."""
    for integer in integers.tolist():
        encoder.encode(np.array(_varint(integer), np.int32), _bytes_model())


def _shortest(encoder: Any) -> bytes:
    """Return the shortest stream that decodes to what was encoded: what is missing at its end reads as zeros.

    Any number in the coder's interval does, taken as a stream; constriction's decoder wants it within `NEAR` of the
    lower end, or it thinks that symbols are left.
    """
    stream = encoder.get_compressed().astype(">u4").tobytes()
    words, (low, span) = encoder.pos()
    carried = low + CARRY >= 1 << 64
    low += (int.from_bytes(stream[: 4 * words], "big") - carried) << 64
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
