"""The geometry of STL files, text and binary: corners of facets, nothing else."""

from __future__ import annotations

import re
import struct

import numpy as np
from numpy.typing import NDArray

from inrfit.errors import InputError
from inrfit.io.mesh_held import Held
from inrfit.io.mesh_polygons import Polygons, triangles
from inrfit.io.mesh_text import numbers, plain
from inrfit.surface import Points

HEADER, FACET = 84, 50
"""Bytes before the facets of a binary file, and of each."""

UNKNOWN = 0xFFFFFFFF
"""Count that writers leave which do not know it; others leave 0."""

_NAMES = re.compile(rb"solid\b(?:(?!\bfacet[ \t]+normal\b)[^\n])*")
_FACET = re.compile(rb"\bfacet\s+normal\s", re.I)
_CORNER = re.compile(rb"\bvertex\s+(\S+\s+\S+\s+\S+)")


def read(data: bytes, name: str) -> Held:
    """Read the bytes of a file.

    Raises:
        InputError: it is cut off, or is no such file.
    """
    if len(data) >= HEADER and len(data) == HEADER + FACET * _count(data):
        return _binary(data, _count(data))
    text = plain(data)
    if _FACET.search(text) or (text[:5].lower() == b"solid" and b"\0" not in text):
        return _text(text, name)
    return _odd_length(data, name)


def _count(data: bytes) -> int:
    return int(struct.unpack_from("<I", data, HEADER - 4)[0])


def _binary(data: bytes, count: int, notes: tuple[str, ...] = ()) -> Held:
    facet = np.dtype([("normal", "<f4", 3), ("corners", "<f4", (3, 3)), ("attribute", "<u2")])
    held = np.frombuffer(data, facet, count, HEADER)["corners"]
    return Held(held.reshape(-1, 3).astype(np.float64), np.arange(3 * count).reshape(-1, 3), notes)


def _odd_length(data: bytes, name: str) -> Held:
    """Read a binary file whose count of facets is another than its length says."""
    if len(data) < HEADER:
        raise InputError(
            f"{name}: is no STL file: {len(data)} bytes, at least {HEADER} there should be",
            hint="make or download it again",
        )
    count, there = _count(data), (len(data) - HEADER) // FACET
    whole = HEADER + FACET * there == len(data)
    if there and (count in (0, UNKNOWN) or (count < there and whole)):
        note = f"its header counts {count:,} facets, its {len(data):,} bytes hold {there:,}, which were read"
        return _binary(data, there, (note,))
    if count > there:
        raise InputError(
            f"{name}: is cut off or no STL file: {HEADER + FACET * count:,} bytes announced for {count:,} facets, "
            f"{len(data):,} there, which hold {there:,}",
            hint="make or download it again",
        )
    rest = len(data) - HEADER - FACET * count
    return _binary(data, count, (f"{rest:,} bytes behind its {count:,} facets were left out",))


def _text(text: bytes, name: str) -> Held:
    """Read text; the names of solids are passed over, and so is what stands behind the numbers of a corner."""
    text = _NAMES.sub(b"", text.lower())
    places, sizes = _regular(text) or _by_words(text)
    polygons = Polygons(corners=np.arange(len(places)), sizes=sizes)
    broken = int((sizes < 3).sum())
    notes = (f"facets with fewer than three corners: {broken:,}",) if broken else ()
    return Held(places, triangles(places, polygons, name), notes)


def _regular(text: bytes) -> tuple[Points, NDArray[np.int64]] | None:
    """Return corners and how many each facet has; None where there are other words than those of the format.

    An "m" stands for a facet, since only "normal" has one, and a "v" for a corner.
    """
    letters = np.frombuffer(text, np.uint8)
    marks = letters[(letters == ord("m")) | (letters == ord("v"))] == ord("v")
    for word in (b"facet", b"normal", b"outer", b"loop", b"vertex", b"end"):
        text = text.replace(word, b" ")
    values = numbers(text.rstrip(b"\0\x1a \t\n"))
    if len(values) != 3 * len(marks) or (len(marks) and marks[0]):
        return None
    ends = np.append(np.flatnonzero(~marks), len(marks))
    return values.reshape(-1, 3)[marks], np.diff(ends) - 1


def _by_words(text: bytes) -> tuple[Points, NDArray[np.int64]]:
    """Return corners and how many each facet has, by the words in front of them."""
    found = list(_CORNER.finditer(text))
    values = numbers(b" ".join([corner[1] for corner in found])).reshape(-1, 3)
    starts = np.array([facet.start() for facet in _FACET.finditer(text)], np.int64)
    at = np.array([corner.start() for corner in found], np.int64)
    ends = np.append(np.searchsorted(at, starts), len(at))
    return values[ends[0] :], np.diff(ends)
