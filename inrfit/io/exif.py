r"""EXIF blocks: orientation taken out, and the part of a TIFF that counts as EXIF; it touches no pixel formats.

A block is kept as a small TIFF without the `Exif\0\0` prefix that some formats put before it.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image

PREFIX = b"Exif\0\0"
_ORIENTATION = 0x0112
_INTEROPERABILITY = 0xA005
_DIRECTORIES = (0x8769, 0x8825)  # Exif, GPS
_DESCRIPTIVE = (0x010F, 0x0110, 0x0132, 0x013B, 0x8298, *_DIRECTORIES)  # make, model, date, artist, copyright
_DAMAGED = "the EXIF block is damaged and was left out"
_TEXT = (0x010E, 0x0131)  # description, software
_SIZES = {
    1: 1,
    2: 1,
    3: 2,
    4: 4,
    5: 8,
    6: 1,
    7: 1,
    8: 2,
    9: 4,
    10: 8,
    11: 4,
    12: 8,
    13: 4,
    16: 8,
    17: 8,
    18: 8,
}
"""Bytes of a value of each TIFF type."""

_OF_PART: dict[int, frozenset[int]] = {
    0: frozenset(_DESCRIPTIVE) - frozenset(_DIRECTORIES),
    0x8769: frozenset(
        [
            *(
                0x829A,
                0x829D,
                0x8822,
                0x8827,
                *range(0x8830, 0x8836),
            ),  # exposure, aperture, programme, sensitivity
            *(0x9000, 0x9003, 0x9004, 0x9010, 0x9011, 0x9012, 0x9290, 0x9291, 0x9292),  # EXIF version, times
            *(
                0x9201,
                0x9202,
                0x9204,
                0x9205,
                0x9207,
                0x9208,
                0x9209,
                0x920A,
            ),  # shutter, metering, flash, focus
            *range(0x9400, 0x9406),  # weather and attitude of the camera
            *(0xA001, 0xA215, 0xA217, 0xA300, 0xA401, 0xA402, 0xA403, 0xA404, 0xA405),  # colour, sensor, zoom
            *(0xA407, 0xA408, 0xA409, 0xA40A, 0xA500),  # gain, contrast, saturation, sharpness, gamma
            *range(0xA430, 0xA436),  # owner, serial numbers, lens
        ]
    ),
    0x8825: frozenset(
        [*range(0x13), 0x1D, 0x1F]
    ),  # place, time and direction of the camera, not of its target
}
"""Tags of each directory (0 is the first) that say nothing of what is where in the picture."""


def orient(values: NDArray[Any], orientation: int) -> NDArray[Any]:
    """Turn samples [H, W, ...] as an EXIF orientation from 1 to 8 asks for; other values change nothing."""
    match orientation:
        case 2:
            return values[:, ::-1]
        case 3:
            return values[::-1, ::-1]
        case 4:
            return values[::-1]
        case 5:
            return values.swapaxes(0, 1)
        case 6:
            return np.rot90(values, -1)
        case 7:
            return values[::-1, ::-1].swapaxes(0, 1)
        case 8:
            return np.rot90(values)
        case _:
            return values


def split(block: bytes | None) -> tuple[int, bytes | None, tuple[str, ...]]:
    """Take the orientation out of an EXIF block.

    Everything else keeps its bytes and its place, so that maker notes stay readable.

    Returns:
        The orientation (1 when there is none), the block without it (None when nothing is left or it is
        damaged), and notes for the user.
    """
    if not block:
        return 1, None, ()
    try:
        orientation, kept = _split(block.removeprefix(PREFIX))
        if kept:
            loaded = Image.Exif()
            loaded.load(kept)
            loaded.tobytes()
    except Exception:  # whatever a damaged block makes the parser raise, the samples are not concerned
        return 1, None, (_DAMAGED,)
    return orientation, kept, ()


def _split(block: bytes) -> tuple[int, bytes | None]:
    """Split a well-formed block; layout: TIFF 6.0, section 2 (a directory of 12-byte entries)."""
    order = {b"II*\0": "<", b"MM\0*": ">"}[block[:4]]
    (start,) = struct.unpack_from(order + "I", block, 4)
    (count,) = struct.unpack_from(order + "H", block, start)
    first, last = start + 2, start + 2 + 12 * count
    if last + 4 > len(block):
        raise ValueError("the directory is cut off")
    orientation, kept = 1, []
    for at in range(first, last, 12):
        tag, kind = struct.unpack_from(order + "HH", block, at)
        if tag == _ORIENTATION:
            (orientation,) = struct.unpack_from(order + ("I" if kind == 4 else "H"), block, at + 8)
        else:
            kept.append(block[at : at + 12])
    if not kept:
        return orientation, None
    entries = b"".join(kept) + block[last : last + 4]
    entries += bytes(last + 4 - first - len(entries))
    return orientation, block[:start] + struct.pack(order + "H", len(kept)) + entries + block[last + 4 :]


def from_tiff(data: bytes) -> tuple[bytes | None, tuple[str, ...]]:
    """Return the tags of a TIFF file that describe the photo as an EXIF block, or None, and notes.

    Description and software are left out: programs keep sizes and whole XML documents there.
    """
    try:
        block = _from_big(data) if data[2:4] in (b"+\0", b"\0+") else data
        tags = descriptive(block, _DESCRIPTIVE)
        return (tags.tobytes().removeprefix(PREFIX) if tags else None), ()
    except Exception:  # see split
        return None, (_DAMAGED,)


def _from_big(data: bytes) -> bytes | None:
    """Return the descriptive tags of a BigTIFF file as a block, which no library reads from there."""
    order = {b"II+\0": "<", b"MM\0+": ">"}[data[:4]]
    found = _directories(data, order, dict.fromkeys(_OF_PART) | {0: frozenset(_DESCRIPTIVE)}, _BIG)
    directories = {tag: entries for tag, entries in found.items() if entries}
    return _laid_out(order, directories) if directories else None


def descriptive(block: bytes | None, kept: tuple[int, ...] = (*_DESCRIPTIVE, *_TEXT)) -> Image.Exif:
    """Return the tags of a block that describe the photo and not the layout of its pixels, little-endian."""
    loaded, tags = Image.Exif(), Image.Exif()
    tags.endian = "<"
    if block:
        loaded.load(block)
    for tag in kept:
        if tag in loaded and tag not in _DIRECTORIES:
            tags[tag] = loaded[tag]
        elif tag in loaded and (directory := loaded.get_ifd(tag)):
            # An offset into the block it came from.
            tags[tag] = {key: value for key, value in directory.items() if key != _INTEROPERABILITY}
    return tags


def of_part(block: bytes | None) -> bytes | None:
    """Return the tags of an EXIF block that stay true of a part of its picture and tell nothing of the rest.

    Camera, lens, exposure, time, place, artist and copyright stay, byte for byte. All else goes: the thumbnail,
    maker notes, texts, sizes, places of subjects, ids of the picture, and tags not known here. The block is laid
    out anew, so that nothing remains between the tags; doing it twice changes nothing.

    Returns:
        The block, or None when nothing is left or it is damaged.
    """
    if not block:
        return None
    block = block.removeprefix(PREFIX)
    try:
        order = {b"II*\0": "<", b"MM\0*": ">"}[block[:4]]
        found = _directories(block, order, _OF_PART, _CLASSIC)
        directories = {tag: entries for tag, entries in found.items() if entries}
    except (KeyError, struct.error, ValueError):
        return None
    values = sum(len(value) for entries in directories.values() for _, _, value in entries.values())
    if not directories or values > len(block):  # values that overlap could otherwise be multiplied
        return None
    return _laid_out(order, directories)


_Entries = dict[int, tuple[int, int, bytes]]
"""Type, count and value of each tag of a directory."""


class _Layout(NamedTuple):
    """Numbers in a TIFF of one kind, as `struct` calls them: how many entries, an entry's head, a place."""

    entries: str
    head: str
    place: str


_CLASSIC = _Layout("H", "HHI", "I")
_BIG = _Layout("Q", "HHQ", "Q")


def _directories(
    block: bytes, order: str, wanted: Mapping[int, frozenset[int] | None], layout: _Layout
) -> dict[int, _Entries]:
    """Read the entries of the first directory and of those it points to; `wanted` names their tags, None all."""
    size = struct.calcsize(layout.place)
    (start,) = struct.unpack_from(order + layout.place, block, size)
    first = _entries(block, order, start, (wanted[0] or frozenset()).union(_DIRECTORIES), layout)
    directories = {0: first}
    for pointer in _DIRECTORIES:
        if pointer in first:
            at = int.from_bytes(first.pop(pointer)[2], "little" if order == "<" else "big")
            directories[pointer] = _entries(block, order, at, wanted[pointer], layout)
    return directories


def _entries(
    block: bytes, order: str, start: int, wanted: frozenset[int] | None, layout: _Layout
) -> _Entries:
    """Read the wanted entries, or all, of the directory at `start`; layout: TIFF 6.0, section 2, and BigTIFF."""
    (count,) = struct.unpack_from(order + layout.entries, block, start)
    head, inline = struct.calcsize("=" + layout.head), struct.calcsize(layout.place)
    start += struct.calcsize("=" + layout.entries)
    if count * (head + inline) > len(block) - start:
        raise ValueError("a directory is cut off")
    found = {}
    for entry in range(start, start + count * (head + inline), head + inline):
        tag, kind, number = struct.unpack_from(order + layout.head, block, entry)
        if (tag not in wanted) if wanted is not None else (kind not in _SIZES):
            continue
        size, at = number * _SIZES[kind], entry + head
        if size > inline:
            (at,) = struct.unpack_from(order + layout.place, block, at)
        if at + size > len(block):
            raise ValueError("a value is cut off")
        found[tag] = (kind, number, block[at : at + size])
    return found


def _laid_out(order: str, directories: dict[int, _Entries]) -> bytes:
    """Return a TIFF of the directory 0 and those it points to, each followed by its values."""
    first = dict(directories.get(0, {}))
    first |= {pointer: (4, 1, bytes(4)) for pointer in directories if pointer}
    start, others = 8 + len(_directory(order, first, 8)), b""
    for pointer, entries in directories.items():
        if pointer:
            first[pointer] = (4, 1, struct.pack(order + "I", start + len(others)))
            others += _directory(order, entries, start + len(others))
    magic = b"II*\0" if order == "<" else b"MM\0*"
    return magic + struct.pack(order + "I", 8) + _directory(order, first, 8) + others


def _directory(order: str, entries: _Entries, start: int) -> bytes:
    """Return the bytes of a directory that lies at `start`: its entries by tag, then values of more than 4 bytes."""
    table, values = struct.pack(order + "H", len(entries)), b""
    after = start + 2 + 12 * len(entries) + 4
    for tag in sorted(entries):
        kind, number, value = entries[tag]
        if len(value) > 4:
            held = struct.pack(order + "I", after + len(values))
            values += value + bytes(len(value) % 2)  # values begin at even places
        else:
            held = value.ljust(4, b"\0")
        table += struct.pack(order + "HHI", tag, kind, number) + held
    return table + bytes(4) + values
