"""The bytes of an `.inr` file put together: prefix, chunks and sums; what weights mean is not known here.

A file is a prefix, then chunks, each with a length and a checksum: header, index, shared weights and metadata. The
weights of each region follow, with a checksum alone. Sums in the index bind all of these to each other: pieces of
another file, or in another place, are damage. `docs/format.md` is the specification. Needs neither NumPy nor torch.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Mapping, Sequence

import msgspec

from inrfit.codec import bounds
from inrfit.codec.header import CONTEXTUAL, Header, Index
from inrfit.codec.limits import MAX_CHUNK
from inrfit.codec.wire import decode_header, decode_index, encode
from inrfit.errors import ContainerError

MAGIC = b"\x89INR\r\n\x1a\n"
MAJOR, MINOR = 1, 3
PREFIX = struct.Struct("<8sBBHI")
"""Magic, major version, minor version, flags, CRC-32 of the bytes before it."""

CHUNK = struct.Struct("<4sII")
"""Tag, payload length, CRC-32 over tag, length and payload; the payload follows."""

CHECKSUM = 4
"""Bytes of the CRC-32 that follows the weights of a region."""

ICC, EXIF, SOURCE, TAGS, SOUND, NEEDS = "icc ", "exif", "srce", "tags", "snd ", "need"
ANCILLARY: tuple[str, ...] = (ICC, EXIF, SOURCE, TAGS, SOUND, NEEDS)
"""Chunks a reader may skip, in the order in which they are written."""

FILL = "fill"
"""Chunk of zeros behind them in a file that needs them, see `bounds`; it is no metadata."""

MAX_ALL_METADATA = 96 << 20
"""Bytes of all metadata chunks together after decompression: the longest sound track, and much beside it."""

MAX_METADATA = 64 << 20
"""Largest metadata chunk after decompression, in bytes."""


def write(
    header: Header,
    index: Index,
    shared: bytes,
    ancillary: Mapping[str, bytes],
    parts: Sequence[bytes],
    least: int = 0,
) -> bytes:
    """Return the bytes of a file.

    Args:
        header: a header within its limits.
        index: one entry per region; `lengths`, `ancillary` and `sums` are set here.
        shared: weights that belong to all regions.
        ancillary: metadata by tag, not compressed.
        parts: weights of each region, in index order.
        least: see `front_matter`.

    Raises:
        ContainerError: a reader would refuse the file.
    """
    ends = [part_end(part) for part in parts]
    index = msgspec.structs.replace(index, lengths=[*map(len, parts)], sums=[0, *map(sum_of, ends)])
    pieces = (piece for pair in zip(parts, ends, strict=True) for piece in pair)
    return front_matter(header, index, shared, ancillary, least) + b"".join(pieces)


def front_matter(
    header: Header, index: Index, shared: bytes, ancillary: Mapping[str, bytes], least: int = 0
) -> bytes:
    """Return the bytes before the first PART; `index.lengths` must be set, and `index.sums` but for the first.

    A file has `len(front_matter(...)) + parts_size(index)` bytes. `front_matter`, and the payload and `part_end` of each
    region in index order, make a file without holding it in memory.

    Args:
        header, index, shared, ancillary: see `write`.
        least: how many bytes the whole file must have for its weights, see `bounds.least`. Where it or its masks ask
            for more than there are, it gets a chunk of zeros.

    Raises:
        ContainerError: a reader would refuse the file.
    """
    if unknown := sorted(set(ancillary) - set(ANCILLARY)):
        raise ContainerError(f"metadata {unknown[0]!r} is not one of {', '.join(map(repr, ANCILLARY))}")
    count = sum(map(len, ancillary.values()))
    if count > MAX_ALL_METADATA:
        raise ContainerError(f"metadata of {count} bytes, allowed: at most {MAX_ALL_METADATA}")
    metadata = [chunk(tag, _compressed(tag, ancillary[tag])) for tag in ANCILLARY if tag in ancillary]
    front = _front(header, index, shared, metadata)
    least = max(least, bounds.least(samples=bounds.masked(index.boxes, index.areas)))
    zeros = bounds.fill(least, len(front) + parts_size(index), CHUNK.size)
    return front if zeros is None else _front(header, index, shared, [*metadata, chunk(FILL, bytes(zeros))])


def _front(header: Header, index: Index, shared: bytes, metadata: Sequence[bytes]) -> bytes:
    """Return the bytes before the first PART, with these chunks of metadata."""
    head, shrd = encode(header), chunk("SHRD", shared)
    sums = [sum_of(bound([chunk("HEAD", head), shrd, *metadata])), *index.sums[1:]] if index.sums else []
    indx = encode(msgspec.structs.replace(index, ancillary=sum(map(len, metadata)), sums=sums))
    decode_index(indx, decode_header(head))
    minor = 2 if index.sums else 1 if header.weights == CONTEXTUAL else 0
    if any(one.startswith(NEEDS.encode()) for one in metadata):
        minor = MINOR
    prefix = PREFIX.pack(MAGIC, MAJOR, minor, 0, 0)[:-4]
    seal = zlib.crc32(prefix).to_bytes(4, "little")
    return b"".join([prefix, seal, chunk("HEAD", head), chunk("INDX", indx), shrd, *metadata])


def parts_size(index: Index) -> int:
    """Return the bytes of all regions with their checksums."""
    return sum(index.lengths) + CHECKSUM * len(index.lengths)


def part_end(payload: bytes) -> bytes:
    """Return what goes after the weights of a region: their checksum."""
    return zlib.crc32(payload).to_bytes(CHECKSUM, "little")


def sum_of(checksum: bytes) -> int:
    """Return what an index keeps of a checksum: its lower half, which costs a region two bytes."""
    return int.from_bytes(checksum[:2], "little")


def bound(chunks: Sequence[bytes]) -> bytes:
    """Return the checksum of the checksums of HEAD, SHRD and the metadata, given as chunks or their first 12 bytes."""
    return zlib.crc32(b"".join(one[CHUNK.size - CHECKSUM : CHUNK.size] for one in chunks)).to_bytes(
        4, "little"
    )


def chunk(tag: str, payload: bytes) -> bytes:
    """Return one chunk: tag, length, checksum and payload.

    Raises:
        ContainerError: the payload has 4 GiB or more.
    """
    if len(payload) >= MAX_CHUNK:
        raise ContainerError(f"chunk {tag} of {len(payload)} bytes is too large (at most {MAX_CHUNK - 1})")
    start = CHUNK.pack(tag.encode("ascii"), len(payload), 0)[:-4]
    return b"".join([start, zlib.crc32(payload, zlib.crc32(start)).to_bytes(4, "little"), payload])


def stored_size(tag: str, data: bytes) -> int:
    """Return the bytes that a piece of metadata takes in a file, with what frames it."""
    return CHUNK.size + len(_compressed(tag, data))


def _compressed(tag: str, data: bytes) -> bytes:
    if len(data) > MAX_METADATA:
        raise ContainerError(f"metadata {tag!r} has {len(data)} bytes, allowed: at most {MAX_METADATA}")
    return zlib.compress(data, 9)
