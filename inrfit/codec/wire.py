"""A header and an index as the bytes of a file and back, within their limits; what fields mean is in `header`.

Both are stored as MessagePack arrays: fields in the order of `header`, without names. `short` makes them few bytes.
"""

from __future__ import annotations

from typing import TypeVar

import msgspec

from inrfit.codec.header import Header, Index, ModelHeader
from inrfit.codec.limits import check_header, check_index
from inrfit.codec.short import StoredIndex, compact_numbers, restored, stored
from inrfit.errors import ContainerError

BEFORE_GRIDS = len(ModelHeader.__struct_fields__) - 4
"""Fields that are stored of a model without a feature grid, as files were before there was one."""

Stored = TypeVar("Stored", Header, StoredIndex)


def encode(value: Header | Index) -> bytes:
    """Return the MessagePack bytes of a header or index.

    Raises:
        ContainerError: a field holds something MessagePack cannot, for example a NumPy number, or an index is empty.
    """
    if isinstance(value, Index):
        held = [*msgspec.structs.astuple(stored(msgspec.structs.asdict(value)))]
        if not value.sums:
            held = held[:-1]
    else:
        held = compact_numbers(value)
        if not value.model.levels:  # fields at the end that hold nothing are left out
            held[1] = held[1][:BEFORE_GRIDS]
        if value.coding is None:
            held = held[:-1] if value.init else held[:-2]
        elif not value.coding.contexts:
            held[-1] = held[-1][:-1]
    try:
        return msgspec.msgpack.encode(held)
    except (TypeError, ValueError, OverflowError) as error:
        raise ContainerError(f"{type(value).__name__.lower()} cannot be stored: {error}") from error


def decode_header(payload: bytes) -> Header:
    """Return the header in `payload`, every field within its limits.

    Raises:
        ContainerError: the bytes are no header, or a field is out of its limits.
    """
    header = _decode(payload, Header)
    check_header(header)
    return header


def decode_index(payload: bytes, header: Header) -> Index:
    """Return the index in `payload`, every field within its limits and in agreement with the header.

    Raises:
        ContainerError: the bytes are no index, or a field is out of its limits.
    """
    index = Index(**restored(_decode(payload, StoredIndex)))
    check_index(index, header)
    return index


def validate(header: Header, index: Index) -> None:
    """Check a header and an index as a reader would.

    Raises:
        ContainerError: they cannot be stored, or a reader would refuse them.
    """
    decode_index(encode(index), decode_header(encode(header)))


def _decode(payload: bytes, kind: type[Stored]) -> Stored:
    try:
        return msgspec.msgpack.decode(payload, type=kind)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError, OverflowError) as error:
        name = "header" if kind is Header else "index"
        raise ContainerError(f"{name} is not in the form of this format: {error}") from error
