"""Headers and indices in few bytes: whole numbers as integers, and the form of an index that a file holds."""

from __future__ import annotations

import struct
from typing import Annotated, Any

import msgspec

from inrfit.codec import mse
from inrfit.codec.header import MAX_AXES
from inrfit.codec.limits import MAX_LABELS, MAX_REGIONS
from inrfit.errors import ContainerError

EXACT = 2.0**53
"""Whole numbers below it are the same as integers and as floats."""

Corners = msgspec.Meta(min_length=2, max_length=2 * MAX_AXES)


class StoredIndex(msgspec.Struct, array_like=True, frozen=True, kw_only=True):
    """An index as it lies in a file; see `header.Index` for what is not said here.

    Attributes:
        ids: empty for 0, 1, 2, ..., one for each of `lengths`.
        lengths, boxes, areas, ancillary: as in `header.Index`.
        mse: two bytes per region, see `mse`; empty where unknown.
        sums: two bytes each; empty where they are not kept.
    """

    ids: list[int]
    lengths: list[int] = []
    boxes: Annotated[list[Annotated[list[int], Corners]], msgspec.Meta(max_length=MAX_LABELS)] = []
    areas: list[int] = []
    mse: bytes = b""
    ancillary: int = 0
    sums: bytes = b""


def stored(fields: dict[str, Any]) -> StoredIndex:
    """Return an index, given as its fields, in the form that a file holds.

    Raises:
        ContainerError: there is no region, or an error or a sum is none.
    """
    ids = fields["ids"]
    if not ids:
        raise ContainerError(f"number of regions is 0, allowed: 1 to {MAX_REGIONS}")
    counted = len(fields["lengths"]) == len(ids) and all(number == place for place, number in enumerate(ids))
    try:
        sums = struct.pack(f"<{len(fields['sums'])}H", *fields["sums"])
    except struct.error as error:
        raise ContainerError(f"a sum is not a number of two bytes ({error})") from None
    return StoredIndex(
        **{**fields, "ids": [] if counted else ids, "mse": mse.pack(fields["mse"]), "sums": sums}
    )


def restored(index: StoredIndex) -> dict[str, Any]:
    """Return the fields of an index; no list is longer than what the file holds for it, or than `lengths`.

    Raises:
        ContainerError: half an error or sum.
    """
    if len(index.mse) % 2:
        raise ContainerError(f"length of mse is {len(index.mse)} bytes, allowed: 2 per region")
    fields = {name: getattr(index, name) for name in index.__struct_fields__}
    ids = index.ids or list(range(len(index.lengths)))
    if len(index.sums) % 2:
        raise ContainerError(f"length of sums is {len(index.sums)} bytes, allowed: 2 for each")
    sums = list(struct.unpack(f"<{len(index.sums) // 2}H", index.sums))
    return {**fields, "ids": ids, "mse": mse.unpack(index.mse), "sums": sums}


def compact_numbers(value: Any) -> Any:
    """Return a structure as lists, in which floats that are whole numbers are integers; -0.0 is none."""
    if isinstance(value, msgspec.Struct):
        value = msgspec.structs.astuple(value)
    if isinstance(value, list | tuple):
        return [compact_numbers(inner) for inner in value]
    if type(value) is not float or not value.is_integer() or abs(value) >= EXACT or str(value) == "-0.0":
        return value
    return int(value)
