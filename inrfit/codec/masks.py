"""The masks of label maps as bytes and back, and whether regions claim one sample twice; weights are not known here."""

from __future__ import annotations

import math
import zlib
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from inrfit.domain import Box
from inrfit.errors import ContainerError
from inrfit.partitions import Region

AT_ONCE = 1 << 24
"""Samples that are looked at together, about."""

LENGTH = 4
"""Bytes of the length before a mask."""


def pack(mask: NDArray[np.bool_] | None) -> bytes:
    """Return a mask [*box shape] with its length before it; None for a region that fills its box."""
    packed = b"" if mask is None else zlib.compress(np.packbits(mask).tobytes(), 9)
    return len(packed).to_bytes(LENGTH, "little") + packed


def size(payload: bytes) -> int:
    """Return the bytes that the mask at the start of a payload takes with its length, there or not."""
    return LENGTH + int.from_bytes(payload[:LENGTH], "little")


def split(
    payload: bytes, shape: Sequence[int], area: int, what: str
) -> tuple[NDArray[np.bool_] | None, bytes]:
    """Split the payload of a segment into its mask and its weights.

    Args:
        payload: the bytes.
        shape: samples of its box along each axis.
        area: samples of the region.
        what: what messages call it.

    Returns:
        The mask [*shape], None where it is all of the box, and what comes after it.

    Raises:
        ContainerError: the mask is damaged, or covers another number of samples.
    """
    end, count = size(payload), math.prod(shape)
    if len(payload) < end:
        raise ContainerError(f"{what} is cut off")
    if end == LENGTH and area == count:
        return None, payload[end:]
    wanted = -(-count // 8)
    try:
        bits = zlib.decompressobj().decompress(payload[LENGTH:end], wanted + 1)
    except zlib.error as error:
        raise ContainerError(f"{what} is damaged ({error})") from None
    if len(bits) != wanted:
        raise ContainerError(f"{what} holds {len(bits)} bytes for {count} samples")
    packed = np.frombuffer(bits, np.uint8)
    if _ones(packed, count) != area:
        raise ContainerError(f"{what} does not cover the {area} samples it should")
    if area == count:
        return None, payload[end:]
    return np.unpackbits(packed, count=count).view(np.bool_).reshape(shape), payload[end:]


def _ones(packed: NDArray[np.uint8], count: int) -> int:
    """Return how many of the first bits are 1."""
    return sum(
        int(np.unpackbits(packed[at // 8 : (at + AT_ONCE) // 8], count=min(AT_ONCE, count - at)).sum())
        for at in range(0, count, AT_ONCE)
    )


def overlap(regions: Sequence[Region]) -> Region | None:
    """Return a region that has a sample of one before it; None where there is none.

    A band of the box around them is painted at a time, across its longest axis.
    """
    if len(regions) < 2:
        return None
    whole = Box.around(region.box for region in regions)
    axis = int(np.argmax(whole.shape))
    low, high = np.array([region.box[axis] for region in regions], np.int64).T
    for band in whole.bands(AT_ONCE, axis):
        here = np.flatnonzero((low < band[axis][1]) & (high > band[axis][0])).tolist()
        if len(here) > 1 and (found := _painted_twice([regions[place] for place in here], band)):
            return found
    return None


def _painted_twice(regions: Sequence[Region], band: Box) -> Region | None:
    """Return a region that has a sample of one before it in a band."""
    taken = np.zeros(band.shape, bool)
    for region in regions:
        both = region.box & band
        window = taken[both.slices(band.origin)]
        inside = np.True_ if region.mask is None else region.mask[both.slices(region.box.origin)]
        if (window & inside).any():
            return region
        window |= inside
    return None
