r"""EXIF blocks: orientation taken out, and the part of a TIFF that counts as EXIF; it touches no pixel formats.

A block is kept as a small TIFF without the `Exif\0\0` prefix that some formats put before it.
"""

from __future__ import annotations

import struct
from typing import Any

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
        tags = descriptive(data, _DESCRIPTIVE)
        return (tags.tobytes().removeprefix(PREFIX) if tags else None), ()
    except Exception:  # see split
        return None, (_DAMAGED,)


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
