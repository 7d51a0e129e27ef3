"""How much the bytes of a file may claim to hold, so that a small file never costs much memory or time; it reads no byte.

Entropy coding makes next to nothing of zeros: the shortest stream of a million of them has a few bytes, and so has a plain
mask. So the numbers and masks of a whole file are compared with its bytes, and a writer adds a chunk of zeros to the rare
file that would hold more.
`docs/format.md` section 8 has the same limits.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from inrfit.errors import ContainerError

FREE_NUMBERS, NUMBERS_PER_BYTE = 1 << 23, 256
"""Quantised numbers that any file may hold, and how many more for each of its bytes."""

FREE_FRONTS, FRONTS_PER_BYTE = 1 << 13, 8
"""The same of fronts, which take some 50 microseconds each, whatever is in them."""

FREE_MASKED, MASKED_PER_BYTE = 1 << 28, 1024
"""The same of samples in the boxes of regions with a mask, which is held as a byte for each."""

STREAM_SLACK = 64
"""Bits by which a stream may be shorter than its integers take at least: what is missing at its end reads as zeros."""


def check_numbers(numbers: int, size: int) -> None:
    """Check the quantised numbers of a file, those of all its regions, against its bytes.

    Raises:
        ContainerError: they are more than a writer puts there.
    """
    most = FREE_NUMBERS + NUMBERS_PER_BYTE * size
    if numbers > most:
        raise ContainerError(f"{numbers} weights cannot be in {size} bytes (at most {most})")


def check_masked(samples: int, size: int) -> None:
    """Check the samples in the boxes of all regions with a mask against the bytes of a file.

    Raises:
        ContainerError: they are more than are held in memory.
    """
    most = FREE_MASKED + MASKED_PER_BYTE * size
    if samples > most:
        raise ContainerError(f"masks of {samples} samples cannot be in {size} bytes (at most {most})")


def check_fronts(lattices: Sequence[Sequence[int]], size: int) -> None:
    """Check the lattices of a region that are coded front by front against the bytes of the file.

    Args:
        lattices: points along each axis of each.
        size: bytes of the file.

    Raises:
        ContainerError: they have more fronts than can be gone through.
    """
    fronts, most = sum(map(fronts_of, lattices)), FREE_FRONTS + FRONTS_PER_BYTE * size
    if fronts > most:
        raise ContainerError(f"lattices of {fronts} fronts cannot be in {size} bytes (at most {most})")


def fronts_of(sides: Sequence[int]) -> int:
    """Return the number of fronts of a lattice with so many points along each axis."""
    return sum(sides) - len(sides) + 1


def masked(boxes: Sequence[Sequence[int]], areas: Sequence[int]) -> int:
    """Return the samples in the boxes of all regions that do not fill theirs.

    Args:
        boxes: of each region, as in the index of a file.
        areas: samples of each region.
    """
    volumes = (math.prod(b - a for a, b in zip(box[::2], box[1::2], strict=True)) for box in boxes)
    return sum(volume for volume, area in zip(volumes, areas, strict=True) if area < volume)


def least(*, numbers: int = 0, samples: int = 0, fronts: int = 0) -> int:
    """Return how many bytes a file has at least that passes the checks above.

    Args:
        numbers: quantised numbers of the file.
        samples: those in the boxes of regions with a mask.
        fronts: of the lattices of a region.
    """
    return max(
        0,
        -((FREE_NUMBERS - numbers) // NUMBERS_PER_BYTE),
        -((FREE_MASKED - samples) // MASKED_PER_BYTE),
        -((FREE_FRONTS - fronts) // FRONTS_PER_BYTE),
    )


def fill(wanted: int, size: int, chunk: int) -> int | None:
    """Return how many zeros a file needs beside its own bytes; None where it needs no chunk of them.

    Args:
        wanted: bytes that it has at least, see `least`.
        size: its bytes without such a chunk.
        chunk: bytes of a chunk without its payload.
    """
    return max(0, wanted - size - chunk) if wanted > size else None
