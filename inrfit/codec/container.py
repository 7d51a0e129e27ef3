"""The `.inr` container: where bytes lie and whether they are intact; what weights mean is not known here.

A file is a prefix, then chunks, each with a length and a checksum: header, index, shared weights and metadata. The
weights of each region follow, with a checksum alone. Sums in the index bind all of these to each other: pieces of
another file, or in another place, are damage. `docs/format.md` is the specification. Needs neither NumPy nor torch.
"""

from __future__ import annotations

import struct
import zlib
from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise
from types import TracebackType
from typing import Any

import msgspec

from inrfit.codec import bounds
from inrfit.codec.header import Header, Index, decode_header, decode_index, encode
from inrfit.codec.limits import CONTEXTUAL, MAX_CHUNK
from inrfit.codec.source import Source, SourceBytes
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

TORN = "copy or download the file again"
OLDER = "fit its source again, or decode it with the inrfit that wrote it and fit what comes out"
NEWER = "install a newer inrfit"
WRONG = "the program that wrote it made a mistake; write the file again"


@dataclass(frozen=True, slots=True, kw_only=True)
class Container:
    """A whole file in memory.

    Attributes:
        header, index: what is in it.
        shared: weights that belong to all regions; may be empty.
        ancillary: metadata by tag, those of `ANCILLARY`, decompressed.
        parts: weights of each region, in index order.
    """

    header: Header
    index: Index
    shared: bytes
    ancillary: Mapping[str, bytes]
    parts: tuple[bytes, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Damage:
    """A region that cannot be read.

    Attributes:
        position: its place in the index.
        id: its region id.
        reason: what is wrong, in one line that names the file.
    """

    position: int
    id: int
    reason: str


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


def read(source: Source) -> Container:
    """Read a whole file; see `Reader` for the source and the errors."""
    with Reader(source) as reader:
        return Container(
            header=reader.header,
            index=reader.index,
            shared=reader.shared,
            ancillary=reader.ancillary,
            parts=tuple(reader.parts()),
        )


class Reader:
    """An open `.inr` file: front matter in memory, regions read on demand.

    Memory is bounded by the bytes that are there and by `MAX_METADATA` per metadata chunk and `MAX_ALL_METADATA` of
    all, never by a number written in the file. Not for use by several threads at once.

    Args:
        source: a path, the bytes, or a binary file that can seek and starts at its byte 0: any object with `read`,
            `seek` and `tell`. A file given open stays open.
        allow_truncated: accept a file that ends within its regions; those cut off count as damaged.

    Attributes:
        name: what messages call the file.
        size: bytes in the file.
        version: (major, minor) of the format.
        header, index: what is in it.
        shared: weights that belong to all regions.
        ancillary: known metadata by tag, decompressed.
        front_size: bytes before the first PART.

    Raises:
        InputError: the file cannot be opened or read.
        ContainerError: it is not a `.inr` file, too new, cut off, too long, or damaged before its first PART.
    """

    def __init__(self, source: Source, *, allow_truncated: bool = False) -> None:
        self._source = SourceBytes(source)
        self.name, self.size = self._source.name, self._source.size
        try:
            self.version = self._read_prefix()
            self._read_front(allow_truncated)
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> Reader:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the file, if it was opened here."""
        self._source.close()

    def part(self, position: int) -> bytes:
        """Return the payload of one region; reads nothing else.

        Args:
            position: place in the index, from 0.

        Raises:
            ContainerError: the region is damaged or cut off.
            IndexError: there is no such region.
        """
        if not 0 <= position < len(self.index.ids):
            raise IndexError(f"position {position} is not one of {len(self.index.ids)} regions")
        place = f"region {self.index.ids[position]}"
        start, end = self._offsets[position : position + 2]
        self._require_bytes(max(self.size - start, 0), end - start, place)
        payload = self._source.read(start, end - start - CHECKSUM)
        checksum = self._source.read(end - CHECKSUM, CHECKSUM)
        if part_end(payload) != checksum:
            raise ContainerError(f"{self.name} is damaged in {place}: its checksum does not match", hint=TORN)
        if self.index.sums and self.index.sums[position + 1] != sum_of(checksum):
            raise ContainerError(
                f"{self.name} is damaged in {place}: what lies there belongs to another place or file",
                hint=TORN,
            )
        return payload

    @property
    def there(self) -> int:
        """Number of regions that are not cut off."""
        return bisect_right(self._offsets, self.size) - 1

    def parts(self) -> Iterator[bytes]:
        """Yield the payload of each region in index order; errors as in `part`."""
        for position in range(len(self.index.ids)):
            yield self.part(position)

    def check(self) -> list[Damage]:
        """Read every region and return those that are damaged."""
        damages = []
        for position, number in enumerate(self.index.ids):
            try:
                self.part(position)
            except ContainerError as error:
                damages.append(Damage(position=position, id=number, reason=error.message))
        return damages

    def sizes(self) -> dict[str, Any]:
        """Return the bytes of each part of a whole file, with what frames it; they add up to `size`.

        Returns:
            "header" (all before the shared weights: prefix, header and index), "shared", "metadata", "regions", and
            "each", the list of those of each region in index order.
        """
        each = [end - start for start, end in pairwise(self._offsets)]
        metadata = self.index.ancillary
        return {
            "header": self._shared_at,
            "shared": self.front_size - metadata - self._shared_at,
            "metadata": metadata,
            "regions": sum(each),
            "each": each,
        }

    def _chunk(self, offset: int, end: int, place: str) -> tuple[bytes, bytes]:
        """Return the first 12 bytes and the payload of the chunk at `offset`, which must not reach beyond `end`."""
        self._require_bytes(end - offset, CHUNK.size, place)
        start = self._source.read(offset, CHUNK.size)
        _, length, checksum = CHUNK.unpack(start)
        self._require_bytes(end - offset, CHUNK.size + length, place)
        payload = self._source.read(offset + CHUNK.size, length)
        if zlib.crc32(payload, zlib.crc32(start[:-4])) != checksum:
            raise ContainerError(f"{self.name} is damaged in {place}: its checksum does not match", hint=TORN)
        return start, payload

    def _require_bytes(self, left: int, wanted: int, place: str) -> None:
        if wanted > left:
            raise ContainerError(
                f"{self.name} is cut off or damaged in {place}: {wanted - left} bytes of it are missing",
                hint=TORN,
            )

    def _read_prefix(self) -> tuple[int, int]:
        data = self._source.read(0, min(self.size, PREFIX.size))
        if not data:
            raise ContainerError(f"{self.name} is empty", hint=TORN)
        if data[: len(MAGIC)] != MAGIC[: len(data)]:
            init = b'"inrfit-init"' in self._source.read(0, min(self.size, 64))
            raise ContainerError(
                f"{self.name} is {'an init, ' if init else ''}not an .inr file",
                hint="`inrfit adapt PHOTO --init` takes it and makes one"
                if init
                else "`inrfit fit` makes an .inr file of a signal",
            )
        if len(data) < PREFIX.size:
            raise ContainerError(f"{self.name} is cut off after {len(data)} bytes", hint=TORN)
        _, major, minor, flags, checksum = PREFIX.unpack(data)
        if zlib.crc32(data[:-4]) != checksum:
            raise ContainerError(
                f"{self.name} is damaged in its prefix: its checksum does not match", hint=TORN
            )
        if major < MAJOR:
            raise ContainerError(
                f"{self.name} has format version {major}.{minor}, which was never final; this inrfit reads {MAJOR}.x",
                hint=OLDER,
            )
        if major != MAJOR:
            raise ContainerError(
                f"{self.name} has format version {major}.{minor}, this inrfit reads {MAJOR}.x", hint=NEWER
            )
        if flags:
            raise ContainerError(
                f"{self.name} sets flags {flags:#06x}, which this inrfit does not know", hint=NEWER
            )
        return major, minor

    def _read_front(self, allow_truncated: bool) -> None:
        offset = PREFIX.size
        starts, payloads = [], []
        for tag in ("HEAD", "INDX", "SHRD"):
            start, payload = self._chunk(offset, self.size, f"chunk {tag}")
            if start[:4] != tag.encode("ascii"):
                raise ContainerError(
                    f"{self.name} has chunk {_shown(start[:4])} in the place of {tag}", hint=WRONG
                )
            starts.append(start)
            payloads.append(payload)
            self._shared_at = offset  # that of the last of them
            offset += CHUNK.size + len(payload)
        try:
            self.header = decode_header(payloads[0])
            self.index = decode_index(payloads[1], self.header)
        except ContainerError as error:
            raise ContainerError(f"{self.name}: {error.message}", hint=WRONG) from error
        self.shared = payloads[2]
        self.front_size = offset + self.index.ancillary
        sizes = (length + CHECKSUM for length in self.index.lengths)
        self._offsets = list(accumulate(sizes, initial=self.front_size))
        self._check_size(allow_truncated)
        self.ancillary = self._read_ancillary(offset, [starts[0], starts[2]])

    def _check_size(self, allow_truncated: bool) -> None:
        wanted = self._offsets[-1]
        if self.size > wanted:
            raise ContainerError(
                f"{self.name} has {self.size - wanted} bytes after its last region", hint=TORN
            )
        if self.size < wanted and not allow_truncated:
            raise ContainerError(
                f"{self.name} is cut off: {wanted - self.size} of {wanted} bytes are missing", hint=TORN
            )

    def _read_ancillary(self, offset: int, starts: list[bytes]) -> dict[str, bytes]:
        """Return the known metadata between `offset` and the first PART; the unknown is only checked.

        Args:
            offset: where the metadata begins.
            starts: the first bytes of HEAD and SHRD, which the index binds together with it.
        """
        found: dict[str, bytes] = {}
        while offset < self.front_size:
            start, payload = self._chunk(offset, min(self.front_size, self.size), "its metadata")
            starts.append(start)
            offset += CHUNK.size + len(payload)
            name = _shown(start[:4])
            if not start[:1].islower():
                raise ContainerError(
                    f"{self.name} has chunk {name} among its metadata, which this inrfit cannot skip",
                    hint=NEWER,
                )
            if name in found:
                raise ContainerError(f"{self.name} has more than one chunk {name}", hint=WRONG)
            if name in ANCILLARY:
                room = MAX_ALL_METADATA - sum(map(len, found.values()))
                found[name] = self._decompressed(name, payload, min(room, MAX_METADATA))
        if self.index.sums and self.index.sums[0] != sum_of(bound(starts)):
            raise ContainerError(
                f"{self.name} is damaged before its first region: its header, shared weights or metadata are those of"
                " another file",
                hint=TORN,
            )
        return found

    def _decompressed(self, name: str, payload: bytes, most: int) -> bytes:
        stream = zlib.decompressobj()
        try:
            data = stream.decompress(payload, most + 1)
        except zlib.error as error:
            raise ContainerError(
                f"{self.name} has a chunk {name} that is not zlib data ({error})", hint=WRONG
            ) from error
        if len(data) > most:
            raise ContainerError(f"{self.name} has a chunk {name} of more than {most} bytes", hint=WRONG)
        if not stream.eof or stream.unused_data:
            raise ContainerError(
                f"{self.name} has a chunk {name} with bytes missing or left over", hint=WRONG
            )
        return data


def stored_size(tag: str, data: bytes) -> int:
    """Return the bytes that a piece of metadata takes in a file, with what frames it."""
    return CHUNK.size + len(_compressed(tag, data))


def _compressed(tag: str, data: bytes) -> bytes:
    if len(data) > MAX_METADATA:
        raise ContainerError(f"metadata {tag!r} has {len(data)} bytes, allowed: at most {MAX_METADATA}")
    return zlib.compress(data, 9)


def _shown(tag: bytes) -> str:
    """Return a tag as text, safe to print."""
    return "".join(chr(byte) if 32 <= byte < 127 else "?" for byte in tag)
