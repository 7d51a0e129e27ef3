"""The numbers of one region, or of all together, as the payload of a chunk: floats as they are, integers by entropy coding."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from inrfit.codec.entropy import Coder
from inrfit.errors import ContainerError
from inrfit.models.coding import Coding, quantised, restored

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
    """

    name: str
    shape: tuple[int, ...]
    trained: bool = True
    base: NDArray[np.float32] | None = None


class Payload(Protocol):
    """How the numbers of a group become bytes; `held` is what one payload holds, of a type of its own."""

    def pack(self, numbers: Numbers, group: int) -> bytes:
        """Return the payload of a group."""
        ...

    def read(self, payload: bytes, what: str) -> Any:
        """Return what a payload holds, after a look at it.

        Args:
            payload: the bytes.
            what: their name in messages.

        Raises:
            ContainerError: it has another length than it should, or holds numbers that are not finite.
        """
        ...

    def joined(self, held: Sequence[Any]) -> dict[str, NDArray[np.float32]]:
        """Return the numbers of payloads that were read, name -> [payload, *shape]."""
        ...


def payload_of(items: Sequence[Item], weights: str, coding: Coding | None) -> Payload:
    """Return how some items are kept in a file.

    Args:
        items: in the order in which they are kept.
        weights: type of the file's weights: "float32", "float16" or "quantised".
        coding: of quantised ones.

    Raises:
        ContainerError: the tables are none.
    """
    if weights != "quantised" or coding is None:
        return Floats(items, weights)
    return Quantised(items, coding)


class Floats:
    """Arrays one after the other, little-endian, without padding."""

    def __init__(self, items: Sequence[Item], weights: str) -> None:
        kinds = [
            (i.name, np.dtype(weights if i.trained else "float32").newbyteorder("<"), i.shape) for i in items
        ]
        self._record = np.dtype(kinds)

    def pack(self, numbers: Numbers, group: int) -> bytes:
        """Return the payload of a group."""
        fields = self._record.fields or {}
        return b"".join(
            numbers[name][group].astype(field[0].base).tobytes() for name, field in fields.items()
        )

    def read(self, payload: bytes, what: str) -> bytes:
        """Return a payload; see `Payload`."""
        if len(payload) != self._record.itemsize:
            raise ContainerError(f"{what} hold {len(payload)} bytes, not {self._record.itemsize}")
        kinds = {field[0].base for field in (self._record.fields or {}).values()}
        if len(kinds) == 1:  # all at once, which is most of the time that reading takes
            finite = np.isfinite(np.frombuffer(payload, kinds.pop())).all()
        else:
            finite = all(np.isfinite(values).all() for values in self.joined([payload]).values())
        if not finite:
            raise ContainerError(f"{what} hold numbers that are not finite")
        return payload

    def joined(self, held: Sequence[bytes]) -> dict[str, NDArray[np.float32]]:
        """Return the numbers of payloads; see `Payload`."""
        if not self._record.names:
            return {}
        records = np.frombuffer(b"".join(held), self._record)
        return {name: records[name].astype(np.float32) for name in self._record.names}


class Quantised:
    """Arrays that are not trained as float32, then a stream of the integers of all others."""

    def __init__(self, items: Sequence[Item], coding: Coding) -> None:
        self._fixed = Floats([item for item in items if not item.trained], "float32")
        self._fixed_bytes = sum(4 * int(np.prod(item.shape)) for item in items if not item.trained)
        self._items = [item for item in items if item.trained]
        self._coding, self._coder = coding, Coder(coding.tables, coding.choice)

    def integers(self, numbers: Numbers, group: int) -> list[NDArray[np.int64]]:
        """Return the integers of a group, flat, one array for each item that is trained."""
        return [integers_of(item, numbers[item.name][group], self._coding) for item in self._items]

    def pack(self, numbers: Numbers, group: int) -> bytes:
        """Return the payload of a group."""
        return self._fixed.pack(numbers, group) + self._coder.encode(self.integers(numbers, group))

    def read(self, payload: bytes, what: str) -> tuple[bytes, list[NDArray[np.float32]]]:
        """Return what a payload holds; see `Payload`."""
        if len(payload) < self._fixed_bytes:
            raise ContainerError(f"{what} hold {len(payload)} bytes, not {self._fixed_bytes} and more")
        fixed = self._fixed.read(payload[: self._fixed_bytes], what)
        counts = [int(np.prod(item.shape)) for item in self._items]
        try:
            found = self._coder.decode(payload[self._fixed_bytes :], counts)
        except ContainerError as error:
            raise ContainerError(f"{what} cannot be decoded: {error.message}") from None
        values = []
        for item, integers in zip(self._items, found, strict=True):
            value = restored(integers, self._coding.exponents[item.name]).reshape(item.shape)
            values.append(value if item.base is None else item.base + value)
        return fixed, values

    def joined(
        self, held: Sequence[tuple[bytes, list[NDArray[np.float32]]]]
    ) -> dict[str, NDArray[np.float32]]:
        """Return the numbers of payloads; see `Payload`."""
        found = self._fixed.joined([fixed for fixed, _ in held])
        for place, item in enumerate(self._items):
            rows = [values[place] for _, values in held]
            found[item.name] = np.stack(rows) if rows else np.zeros((0, *item.shape), np.float32)
        return found


def integers_of(item: Item, numbers: NDArray[np.float32], coding: Coding) -> NDArray[np.int64]:
    """Return numbers [*shape] as the integers that stand for them, flat."""
    beyond = numbers if item.base is None else numbers.astype(np.float64) - item.base
    return quantised(beyond, coding.exponents[item.name]).reshape(-1)
