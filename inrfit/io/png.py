"""PNG beyond Pillow: the chunks of a file, 16-bit samples, and the transparent colour of a tRNS chunk; `png_write` writes.

Source: PNG specification, third edition (W3C 2025).
"""

from __future__ import annotations

import struct
import zlib
from typing import Any

import numpy as np
from numpy.typing import NDArray

from inrfit.io.libraries import from_bgr, opencv_decode

SIGNATURE = b"\x89PNG\r\n\x1a\n"
_CHANNELS = {0: 1, 2: 3, 4: 2, 6: 4}

Chunks = list[tuple[bytes, bytes]]
"""Kind and body of each chunk, in the order of the file."""


def split(data: bytes) -> tuple[Chunks, tuple[str, ...]]:
    """Return the chunks of a file up to IEND, and the kinds of those left out because their checksum fails.

    Raises:
        ValueError: the file ends early, or a chunk that is needed for the samples fails its checksum.
    """
    chunks: Chunks = []
    damaged = []
    at = len(SIGNATURE)
    while not chunks or chunks[-1][0] != b"IEND":
        if at + 12 > len(data):
            raise ValueError("it is cut off")
        (length,) = struct.unpack_from(">I", data, at)
        kind, body = data[at + 4 : at + 8], data[at + 8 : at + 8 + length]
        at += 12 + length
        if at > len(data):
            raise ValueError("it is cut off")
        (checksum,) = struct.unpack_from(">I", data, at - 4)
        if zlib.crc32(body, zlib.crc32(kind)) == checksum:
            chunks.append((kind, body))
        elif kind.isalpha() and kind[:1].islower():
            damaged.append(kind.decode("latin-1"))
        else:
            raise ValueError(f"its {kind.decode('latin-1')} chunk fails its checksum")
    return chunks, tuple(dict.fromkeys(damaged))


def join(chunks: Chunks) -> bytes:
    """Return a file made of chunks."""
    return SIGNATURE + b"".join(chunk(kind, body) for kind, body in chunks)


def chunk(kind: bytes, body: bytes) -> bytes:
    """Return one chunk: its length, kind, body and checksum."""
    checksum = zlib.crc32(body, zlib.crc32(kind))
    return b"".join([struct.pack(">I", len(body)), kind, body, struct.pack(">I", checksum)])


def layout(chunks: Chunks) -> tuple[int, int]:
    """Return bits per sample and colour type."""
    kind, body = chunks[0]
    if kind != b"IHDR" or len(body) != 13:
        raise ValueError("its header is damaged")
    return body[8], body[9]


def read_16_bit(chunks: Chunks) -> NDArray[np.uint16]:
    """Decode a 16-bit image to [H, W, C].

    Pillow would silently give 8 bit. Other chunks (gamma, transparency, animation) are kept from OpenCV,
    which acts on some of them.
    """
    needed = [chunk for chunk in chunks if chunk[0] in (b"IHDR", b"IDAT", b"IEND")]
    channels = _CHANNELS[layout(chunks)[1]]
    values = from_bgr(opencv_decode(join(needed)))
    if values.dtype != np.uint16:
        raise ValueError("it did not decode to 16 bit")
    if channels == 2:
        return values[..., [0, 3]]  # OpenCV repeats the grey value
    return values.reshape(*values.shape[:2], channels)


def with_transparent_colour(values: NDArray[Any], chunks: Chunks) -> NDArray[Any]:
    """Add an alpha channel to samples [H, W, C] of a grey or RGB image that has a tRNS chunk.

    The samples are those of the file scaled up to 8 bit, or all of their 16 bit.
    """
    depth, colour_type = layout(chunks)
    body = next((body for kind, body in chunks if kind == b"tRNS"), None)
    if body is None or colour_type not in (0, 2):
        return values
    stored = np.frombuffer(body, ">u2", _CHANNELS[colour_type]) & ((1 << depth) - 1)
    full = np.iinfo(values.dtype).max
    colour = stored * (full // ((1 << depth) - 1))
    alpha = np.where((values == colour).all(axis=-1, keepdims=True), 0, full)
    return np.concatenate([values, alpha.astype(values.dtype)], axis=-1)
