"""The numbers of one region, or of all together, as the payload of a chunk: floats as they are, integers by entropy coding."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from inrfit.codec.bounds import STREAM_SLACK
from inrfit.codec.context import Guide
from inrfit.codec.entropy import Coder
from inrfit.errors import ContainerError
from inrfit.models.coding import Coding, quantised, restored

TOGETHER = 1 << 22
"""Integers of payloads that are decoded side by side, about."""

Numbers = Mapping[str, NDArray[np.float32]]
"""Name -> [group, *shape]."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """What a payload holds under one name.

    Attributes:
        name: of the stack, or of what regions adapted.
        shape: of one group.
        trained: whether it is kept in the type of the file's weights; float32 otherwise.
        base: numbers that quantised ones are added to, [*shape]; None for zeros.
        points: see `description.Stack`.
    """

    name: str
    shape: tuple[int, ...]
    trained: bool = True
    base: NDArray[np.float32] | None = None
    points: tuple[int, ...] = ()


class Payload(ABC):
    """How the numbers of a group become bytes; `held` is what one payload holds, of a type of its own."""

    @abstractmethod
    def pack(self, numbers: Numbers, group: int) -> bytes:
        """Return the payload of a group."""

    @abstractmethod
    def misfit(self, size: int) -> str | None:
        """Return what is wrong with a payload of so many bytes, whatever they are; None where nothing is.

        No more is read, and no more memory is taken, than by what has passed it.
        """

    @property
    @abstractmethod
    def quantised(self) -> int:
        """How many integers a payload holds, of which any number may be in a few bytes."""

    @property
    @abstractmethod
    def lattices(self) -> Sequence[tuple[int, ...]]:
        """Points along each axis of what is coded front by front."""

    def read_all(self, payloads: Sequence[bytes], names: Sequence[str]) -> list[Any]:
        """Return what each payload holds, after a look at it, or the ContainerError that says what is wrong with it.

        Args:
            payloads: the bytes.
            names: what they are called in messages.
        """
        wrong = [self.misfit(len(payload)) for payload in payloads]
        good = [place for place, one in enumerate(wrong) if one is None]
        held = iter(self._read([payloads[place] for place in good], [names[place] for place in good]))
        return [
            next(held) if one is None else ContainerError(f"{name} {one}")
            for name, one in zip(names, wrong, strict=True)
        ]

    @abstractmethod
    def _read(self, payloads: Sequence[bytes], names: Sequence[str]) -> list[Any]:
        """Do the same for payloads that fit by their length."""

    @abstractmethod
    def joined(self, held: Sequence[Any]) -> dict[str, NDArray[np.float32]]:
        """Return the numbers of payloads that were read, name -> [payload, *shape]."""

    def read(self, payload: bytes, what: str) -> Any:
        """Return what a payload holds.

        Raises:
            ContainerError: it has another length than it should, or holds numbers that are not finite.
        """
        (found,) = self.read_all([payload], [what])
        if isinstance(found, ContainerError):
            raise found
        return found


def payload_of(items: Sequence[Item], weights: str, coding: Coding | None) -> Payload:
    """Return how some items are kept in a file.

    Args:
        items: in the order in which they are kept.
        weights: type of the file's weights: "float32", "float16" or "quantised".
        coding: of quantised ones.

    Raises:
        ContainerError: the tables are none, or what is said of neighbours cannot be.
    """
    if weights != "quantised" or coding is None:
        return Floats(items, weights)
    return Quantised(items, coding)


class Floats(Payload):
    """Arrays one after the other, little-endian, without padding."""

    def __init__(self, items: Sequence[Item], weights: str) -> None:
        self._kinds = [
            (i.name, np.dtype(weights if i.trained else "float32").newbyteorder("<"), i.shape) for i in items
        ]
        self.size = sum(kind.itemsize * math.prod(shape) for _, kind, shape in self._kinds)

    @cached_property
    def _record(self) -> np.dtype[Any]:
        """All arrays as one type, which NumPy makes for sizes below 2 GiB."""
        return np.dtype(self._kinds)

    def misfit(self, size: int) -> str | None:
        """Return what is wrong with a payload of so many bytes; see `Payload`."""
        return None if size == self.size else f"hold {size} bytes, not {self.size}"

    @property
    def quantised(self) -> int:
        """None; see `Payload`."""
        return 0

    @property
    def lattices(self) -> Sequence[tuple[int, ...]]:
        """None; see `Payload`."""
        return ()

    def pack(self, numbers: Numbers, group: int) -> bytes:
        """Return the payload of a group."""
        fields = self._record.fields or {}
        return b"".join(
            numbers[name][group].astype(field[0].base).tobytes() for name, field in fields.items()
        )

    def _read(self, payloads: Sequence[bytes], names: Sequence[str]) -> list[bytes | ContainerError]:
        """Return payloads as they are; see `Payload`."""
        return [self._looked_at(payload, what) for payload, what in zip(payloads, names, strict=True)]

    def _looked_at(self, payload: bytes, what: str) -> bytes | ContainerError:
        kinds = {field[0].base for field in (self._record.fields or {}).values()}
        if len(kinds) == 1:  # all at once, which is most of the time that reading takes
            finite = np.isfinite(np.frombuffer(payload, kinds.pop())).all()
        else:
            finite = all(np.isfinite(values).all() for values in self.joined([payload]).values())
        return payload if finite else ContainerError(f"{what} hold numbers that are not finite")

    def joined(self, held: Sequence[bytes]) -> dict[str, NDArray[np.float32]]:
        """Return the numbers of payloads; see `Payload`."""
        if not self._record.names:
            return {}
        records = np.frombuffer(b"".join(held), self._record)
        return {name: records[name].astype(np.float32) for name in self._record.names}


class Quantised(Payload):
    """Arrays that are not trained as float32, then a stream of the integers of all others."""

    def __init__(self, items: Sequence[Item], coding: Coding) -> None:
        self._fixed = Floats([item for item in items if not item.trained], "float32")
        self._items = [item for item in items if item.trained]
        self._coding, self._coder = coding, Coder(coding.tables, coding.choice)
        self._guides = [guide_of(item, coding) for item in self._items]
        self._counts = [math.prod(item.shape) for item in self._items]
        self._least = self._coder.least_bits(self._counts, self._guides)

    @property
    def quantised(self) -> int:
        """How many integers a payload holds; see `Payload`."""
        return sum(self._counts)

    @property
    def lattices(self) -> Sequence[tuple[int, ...]]:
        """Points along each axis of what is coded front by front."""
        return [guide.sides for guide in self._guides if guide is not None]

    def misfit(self, size: int) -> str | None:
        """Return what is wrong with a payload of so many bytes; see `Payload`."""
        stream = size - self._fixed.size
        if stream < 0:
            return f"hold {size} bytes, not {self._fixed.size} and more"
        if self._least > 8 * stream + STREAM_SLACK:
            return f"hold {stream} bytes, too few for {self.quantised} integers"
        return None

    def integers(self, numbers: Numbers, group: int) -> list[NDArray[np.int64]]:
        """Return the integers of a group, flat, one array for each item that is trained."""
        return [integers_of(item, numbers[item.name][group], self._coding) for item in self._items]

    def pack(self, numbers: Numbers, group: int) -> bytes:
        """Return the payload of a group."""
        return self._fixed.pack(numbers, group) + self._coder.encode(
            self.integers(numbers, group), self._guides
        )

    def _read(
        self, payloads: Sequence[bytes], names: Sequence[str]
    ) -> list[tuple[bytes, list[NDArray[np.float32]]] | ContainerError]:
        """Return what payloads hold; see `Payload`."""
        size, counts = self._fixed.size, self._counts
        found, many = [], max(1, TOGETHER // max(1, sum(counts)))
        for start in range(0, len(payloads), many):
            some, called = payloads[start : start + many], names[start : start + many]
            fixed = self._fixed.read_all([payload[:size] for payload in some], called)
            integers = self._coder.decode_all([payload[size:] for payload in some], counts, self._guides)
            for what, before, own in zip(called, fixed, integers, strict=True):
                if isinstance(before, ContainerError):
                    found.append(before)
                elif isinstance(own, ContainerError):
                    found.append(ContainerError(f"{what} cannot be decoded: {own.message}"))
                else:
                    found.append((before, [*map(self._number, self._items, own)]))
        return found

    def _number(self, item: Item, integers: NDArray[np.int64]) -> NDArray[np.float32]:
        """Return what integers stand for, [*shape]."""
        value = restored(integers, self._coding.exponents[item.name]).reshape(item.shape)
        return value if item.base is None else item.base + value

    def joined(
        self, held: Sequence[tuple[bytes, list[NDArray[np.float32]]]]
    ) -> dict[str, NDArray[np.float32]]:
        """Return the numbers of payloads; see `Payload`."""
        found = self._fixed.joined([fixed for fixed, _ in held])
        for place, item in enumerate(self._items):
            rows = [values[place] for _, values in held]
            found[item.name] = np.stack(rows) if rows else np.zeros((0, *item.shape), np.float32)
        return found


def guide_of(item: Item, coding: Coding) -> Guide | None:
    """Return how the integers of an item are coded by those next to them; None for one by one.

    Raises:
        ContainerError: it has no neighbours, or a table is not there.
    """
    if not (context := coding.contexts.get(item.name)):
        return None
    share, *tables = context
    if not item.points:
        raise ContainerError(f"{item.name} is coded by neighbours, and is no lattice")
    if max(tables) >= len(coding.tables):
        raise ContainerError(f"{item.name} is coded with table {max(tables)} of {len(coding.tables)}")
    return Guide(sides=item.points, share=share, tables=tuple(tables))


def integers_of(item: Item, numbers: NDArray[np.float32], coding: Coding) -> NDArray[np.int64]:
    """Return numbers [*shape] as the integers that stand for them, flat."""
    beyond = numbers if item.base is None else numbers.astype(np.float64) - item.base
    return quantised(beyond, coding.exponents[item.name]).reshape(-1)
