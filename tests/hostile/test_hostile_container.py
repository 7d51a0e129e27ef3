"""Damaged and hostile `.inr` files: a clear error or the same content, never garbage and never much memory."""

from __future__ import annotations

import contextlib
import struct
import tracemalloc
import zlib
from collections.abc import Iterator
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from make.data import image_header, model_header

from inrfit.codec import chunks, wire
from inrfit.codec import container as c
from inrfit.codec import header as h
from inrfit.errors import ContainerError

MEGABYTE = 1 << 20

HEADER = h.Header(
    signal=image_header((2, 3), colour="grey"),
    model=model_header(1, 0),
    partition=h.PartitionHeader(kind="grid", edges=[[0, 1, 2], [0, 3]], nominal=[1.0, 3.0]),
    frame=h.FrameHeader(centre=[0.5, 1.0], half=[1.0, 1.5]),
    weights="float16",
    tile=8,
    seed=0,
    steps=1,
    psnr=20.0,
    writer="test",
)
INDEX = h.Index(ids=[0, 1], mse=[0.25, 0.5])
PARTS = [b"weights of 0", b"weights of one"]
METADATA = {chunks.ICC: b"profile", chunks.SOURCE: b"source"}
FILE = chunks.write(HEADER, INDEX, b"shared", METADATA, PARTS)
WHOLE = c.read(FILE)
PREFIX, HEAD, INDX = FILE[:16], wire.encode(HEADER), wire.encode(WHOLE.index)
UNBOUND = wire.encode(msgspec.structs.replace(WHOLE.index, sums=[]))
"""The index of an older file, which does not bind its pieces to each other."""

LABELS = wire.encode(
    msgspec.structs.replace(HEADER, partition=h.PartitionHeader(kind="labels", edges=[], nominal=[]))
)


def sealed(part: bytes) -> bytes:
    """Return the weights of a region with their checksum, by the words of the specification."""
    return part + struct.pack("<I", zlib.crc32(part))


def assemble(
    head: bytes = HEAD,
    indx: bytes = INDX,
    *,
    shared: bytes = b"shared",
    extra: bytes | None = None,
) -> bytes:
    """Return a file with good checksums; its index agrees with `extra` only if the caller sees to it."""
    if extra is None:
        extra = b"".join(chunks.chunk(tag, zlib.compress(METADATA[tag], 9)) for tag in METADATA)
    parts = b"".join(map(sealed, PARTS))
    return (
        PREFIX
        + chunks.chunk("HEAD", head)
        + chunks.chunk("INDX", indx)
        + chunks.chunk("SHRD", shared)
        + extra
        + parts
    )


def with_extra(*pieces: bytes) -> bytes:
    """Return a file whose ancillary chunks are these, with an index that says so and binds nothing."""
    extra = b"".join(pieces)
    index = msgspec.structs.replace(WHOLE.index, ancillary=len(extra), sums=[])
    return assemble(indx=wire.encode(index), extra=extra)


def prefix(major: int = chunks.MAJOR, minor: int = 0, flags: int = 0) -> bytes:
    start = chunks.MAGIC + struct.pack("<BBH", major, minor, flags)
    return start + struct.pack("<I", zlib.crc32(start))


@contextlib.contextmanager
def memory_below(limit: int) -> Iterator[None]:
    tracemalloc.start()
    try:
        yield
        assert tracemalloc.get_traced_memory()[1] < limit
    finally:
        tracemalloc.stop()


def test_the_parts_of_this_file_make_the_file() -> None:
    assert assemble() == FILE


def test_cut_at_every_byte() -> None:
    for size in range(len(FILE)):
        with pytest.raises(ContainerError) as caught:
            c.Reader(FILE[:size])
        assert caught.value.hint == c.TORN


def test_a_cut_file_says_how_much_is_missing() -> None:
    with pytest.raises(ContainerError, match=rf"cut off: 5 of {len(FILE)} bytes are missing"):
        c.Reader(FILE[:-5])


def test_every_bit_flipped() -> None:
    for bit in range(8 * len(FILE)):
        damaged = bytearray(FILE)
        damaged[bit // 8] ^= 1 << bit % 8
        with pytest.raises(ContainerError):
            c.read(bytes(damaged))


def test_a_flipped_bit_in_a_part_damages_that_region_only() -> None:
    front = c.Reader(FILE).front_size
    ends = [front + len(PARTS[0]) + 4, len(FILE)]
    for byte in range(front, len(FILE)):
        damaged = bytearray(FILE)
        damaged[byte] ^= 0x20
        reader = c.Reader(bytes(damaged))
        position = 0 if byte < ends[0] else 1
        damages = reader.check()
        assert [(d.position, d.id) for d in damages] == [(position, position)]
        assert f"region {position}" in damages[0].reason
        assert reader.part(1 - position) == PARTS[1 - position]


def test_regions_cut_off_are_damaged_where_that_is_allowed() -> None:
    front = c.Reader(FILE).front_size
    first = front + len(PARTS[0]) + 4
    for size in range(len(FILE)):
        if size < front:
            with pytest.raises(ContainerError):
                c.Reader(FILE[:size], allow_truncated=True)
            continue
        reader = c.Reader(FILE[:size], allow_truncated=True)
        assert [d.id for d in reader.check()] == ([0, 1] if size < first else [1])


@pytest.mark.parametrize("allow_truncated", [False, True])
def test_bytes_after_the_end(allow_truncated: bool) -> None:
    with pytest.raises(ContainerError, match="1 bytes after its last region"):
        c.Reader(FILE + b"\0", allow_truncated=allow_truncated)


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=200), st.booleans())
def test_garbage(data: bytes, begins_well: bool) -> None:
    with pytest.raises(ContainerError):
        c.read(PREFIX + data if begins_well else data)


def test_files_of_another_kind_are_named() -> None:
    for data in (
        b"\x89PNG\r\n\x1a\n" + bytes(100),
        b"hello",
        chunks.MAGIC.replace(b"\r\n", b"\n") + FILE[8:],
    ):
        with pytest.raises(ContainerError, match=r"is not an \.inr file") as caught:
            c.Reader(data)
        assert caught.value.hint
    with pytest.raises(ContainerError, match="is empty"):
        c.Reader(b"")


def test_versions_and_flags() -> None:
    assert c.read(prefix(minor=9) + FILE[16:]).parts == tuple(PARTS)
    with pytest.raises(ContainerError, match=r"version 3\.1, this inrfit reads 1\.x") as caught:
        c.Reader(prefix(major=3, minor=1) + FILE[16:])
    assert caught.value.hint == c.NEWER
    with pytest.raises(
        ContainerError, match=r"version 0\.1, which was never final; this inrfit reads 1\.x"
    ) as caught:
        c.Reader(prefix(major=0, minor=1) + FILE[16:])
    assert caught.value.hint == c.OLDER
    with pytest.raises(ContainerError, match="flags 0x0100"):
        c.Reader(prefix(flags=0x100) + FILE[16:])


def test_unknown_chunks() -> None:
    known = chunks.chunk("exif", zlib.compress(b"e"))
    skipped = chunks.chunk("zzZ!", b"anything at all")
    assert c.read(with_extra(skipped, known, skipped)).ancillary == {chunks.EXIF: b"e"}
    with pytest.raises(ContainerError, match="chunk ZZZZ among its metadata"):
        c.read(with_extra(known, chunks.chunk("ZZZZ", b"")))


@pytest.mark.parametrize("tag", ["HEAD", "INDX", "SHRD", "PART", "icc "])
def test_repeated_chunks(tag: str) -> None:
    payload = zlib.compress(b"profile") if tag == "icc " else HEAD
    with pytest.raises(ContainerError, match=f"chunk {tag}"):
        c.read(with_extra(chunks.chunk("icc ", zlib.compress(b"profile")), chunks.chunk(tag, payload)))


def test_chunks_in_another_order() -> None:
    head, indx, shrd = chunks.chunk("HEAD", HEAD), chunks.chunk("INDX", INDX), chunks.chunk("SHRD", b"shared")
    rest = FILE[len(PREFIX + head + indx + shrd) :]
    for order in (
        [indx, head, shrd],
        [head, shrd, indx],
        [shrd, head, indx],
        [head, indx],
        [head, head, indx],
    ):
        with pytest.raises(ContainerError, match="in the place of"):
            c.read(PREFIX + b"".join(order) + rest)


def test_parts_in_another_order_do_not_match_the_index() -> None:
    front = FILE[: c.Reader(FILE).front_size]
    reader = c.Reader(front + sealed(PARTS[1]) + sealed(PARTS[0]))
    assert [d.id for d in reader.check()] == [0, 1]
    with pytest.raises(ContainerError, match="region 0"):
        c.read(front + sealed(PARTS[1]) + sealed(PARTS[0]))


def alike(first: int, *, shared: bytes = b"", **fields: Any) -> bytes:
    """Return a file of six regions of one length, whose weights and header are those of one of several fits."""
    edges = [[*range(7)], [0, 3]]
    header = msgspec.structs.replace(
        HEADER,
        signal=image_header((6, 3), colour="grey"),
        partition=h.PartitionHeader(kind="grid", edges=edges, nominal=[1.0, 3.0]),
        **fields,
    )
    parts = [bytes(range(first + k, first + k + 40)) for k in range(6)]
    return chunks.write(header, h.Index(ids=[*range(6)]), shared, METADATA, parts)


def test_regions_of_one_length_that_change_places_are_damaged() -> None:
    data = alike(0)
    front, size = c.Reader(data).front_size, 44
    for a in range(6):
        for b in range(a):
            swapped = bytearray(data)
            at, there = (slice(front + k * size, front + (k + 1) * size) for k in (a, b))
            swapped[at], swapped[there] = data[there], data[at]
            reader = c.Reader(bytes(swapped))
            assert [d.id for d in reader.check()] == [b, a]
            assert f"region {b}: what lies there belongs to another place or file" in reader.check()[0].reason


def test_half_a_file_of_one_fit_and_half_of_another_is_damaged() -> None:
    """As a copy over an older file of the same size that stopped, wherever it did."""
    one, other = alike(0, shared=b"one", seed=1), alike(99, shared=b"two", seed=2)
    front = c.Reader(one).front_size
    assert (len(one), front) == (len(other), c.Reader(other).front_size)
    for end in range(len(one)):
        torn = one[:end] + other[end:]
        if torn in (one, other):
            continue
        if end < front:
            with pytest.raises(ContainerError, match="damaged"):
                c.read(torn)
            continue
        first = (end - front) // 44
        assert [d.id for d in c.Reader(torn).check()] == list(range(first, 6))


@pytest.mark.parametrize("which", ["HEAD", "SHRD", "icc "])
def test_a_chunk_of_another_fit_is_damage(which: str) -> None:
    head, shared = wire.encode(c.read(alike(0)).header), b"one"
    data = alike(0, shared=shared)
    old, new = {
        "HEAD": (chunks.chunk("HEAD", head), chunks.chunk("HEAD", replaced(head, [6], 1))),
        "SHRD": (chunks.chunk("SHRD", b"one"), chunks.chunk("SHRD", b"two")),
        "icc ": (
            chunks.chunk("icc ", zlib.compress(b"profile", 9)),
            chunks.chunk("icc ", zlib.compress(b"another", 9)),
        ),
    }[which]
    assert data.count(old) == 1
    with pytest.raises(ContainerError, match="those of another file") as caught:
        c.Reader(data.replace(old, new))
    assert caught.value.hint == c.TORN


def test_an_index_without_sums_binds_nothing() -> None:
    reader = c.Reader(assemble(indx=UNBOUND, shared=b"other"))
    assert (reader.shared, reader.check()) == (b"other", [])


@pytest.mark.parametrize("sums", [b"\0", bytes(4), bytes(8)])
def test_sums_of_another_number_of_regions_are_refused(sums: bytes) -> None:
    with pytest.raises(ContainerError, match="length of sums"):
        c.Reader(assemble(indx=replaced(INDX, [6], sums)))


def test_a_part_shorter_than_the_index_says_is_damaged() -> None:
    front = FILE[: c.Reader(FILE).front_size]
    reader = c.Reader(front + sealed(PARTS[0][:-1]) + b"!" + sealed(PARTS[1]))
    assert [d.id for d in reader.check()] == [0]


@pytest.mark.parametrize(
    ("payload", "word"),
    [
        (b"no zlib", "not zlib data"),
        (zlib.compress(b"profile")[:-1], "missing or left over"),
        (zlib.compress(b"profile") + b"!", "missing or left over"),
        (b"", "missing or left over"),
    ],
)
def test_metadata_that_does_not_decompress(payload: bytes, word: str) -> None:
    with pytest.raises(ContainerError, match=word):
        c.read(with_extra(chunks.chunk("icc ", payload)))


def test_a_decompression_bomb_stops_at_the_limit() -> None:
    squeeze = zlib.compressobj(9)
    bomb = b"".join(squeeze.compress(bytes(MEGABYTE)) for _ in range(400)) + squeeze.flush()
    data = with_extra(chunks.chunk("icc ", bomb))
    with (
        memory_below(3 * chunks.MAX_METADATA),
        pytest.raises(ContainerError, match="more than 67108864 bytes"),
    ):
        c.Reader(data)


def test_many_chunks_unpack_to_little_more_than_one() -> None:
    zeros = zlib.compress(bytes(chunks.MAX_METADATA), 9)
    data = with_extra(chunks.chunk("icc ", zeros) + chunks.chunk("exif", zeros) + chunks.chunk("snd ", zeros))
    with (
        memory_below(3 * chunks.MAX_METADATA),
        pytest.raises(ContainerError, match="exif of more than 33554432 bytes"),
    ):
        c.Reader(data)


def test_a_writer_makes_no_more_metadata_than_a_reader_takes() -> None:
    half = bytes(chunks.MAX_ALL_METADATA // 2 + 1)
    with pytest.raises(ContainerError, match="metadata of 100663298 bytes, allowed: at most 100663296"):
        chunks.write(HEADER, INDEX, b"", {chunks.ICC: half, chunks.EXIF: half}, PARTS)


def array32(count: int) -> bytes:
    return b"\xdd" + struct.pack(">I", count)


def replaced(data: bytes, path: list[int], value: Any) -> bytes:
    """Return MessagePack data with one element replaced, wherever it is."""
    plain = msgspec.msgpack.decode(data)
    inner = plain
    for step in path[:-1]:
        inner = inner[step]
    inner[path[-1]] = value
    return msgspec.msgpack.encode(plain)


HUGE = {
    "chunk HEAD of 4 GiB": PREFIX + chunks.CHUNK.pack(b"HEAD", 2**32 - 1, 0) + bytes(50),
    "chunk SHRD of 4 GiB": PREFIX
    + chunks.chunk("HEAD", HEAD)
    + chunks.chunk("INDX", INDX)
    + chunks.CHUNK.pack(b"SHRD", 2**32 - 1, 0),
    "header of 4 G fields": assemble(head=array32(2**32 - 1) + HEAD[1:]),
    "map of 4 G fields": assemble(head=b"\xdf\xff\xff\xff\xff" + HEAD[1:]),
    "text of 4 GiB": assemble(head=HEAD[:2] + b"\xdb\xff\xff\xff\xff" + HEAD[2:]),
    "shape": assemble(head=replaced(HEAD, [0, 1], [2**63, 2**63])),
    "shape of 4 G axes": assemble(head=HEAD[:8] + array32(2**32 - 1) + b"\x01" * 50_000),
    "100,000 axes": assemble(head=replaced(HEAD, [0, 1], [1] * 100_000)),
    "channels": assemble(head=replaced(HEAD, [0, 6], 2**64 - 1)),
    "width": assemble(head=replaced(HEAD, [1, 2], 2**31)),
    "layers": assemble(head=replaced(HEAD, [1, 3], 2**63)),
    "features": assemble(head=replaced(HEAD, [1, 9], 2**40)),
    "tile": assemble(head=replaced(HEAD, [5], 2**40)),
    "too many rows of edges": assemble(head=replaced(HEAD, [2, 1], [[]] * 100_000)),
    "4 G ids": assemble(indx=b"\x96" + array32(2**32 - 1) + b"\x01" * 50_000),
    "4 G lengths": assemble(indx=b"\x96\x90" + array32(2**32 - 1) + b"\x01" * 50_000),
    "lengths that are not there": assemble(indx=b"\x92\x90" + array32(50_000) + b"\x01" * 50_000),
    "mse of 4 GiB": assemble(indx=b"\x96\x90\x92\x01\x01\x90\x90\xc6\xff\xff\xff\xff" + bytes(50_000)),
    "4 G boxes": assemble(head=LABELS, indx=b"\x96\x92\x00\x01\x92\x00\x00" + array32(2**32 - 1)),
    "empty boxes": assemble(
        head=LABELS, indx=b"\x96\x92\x00\x01\x92\x00\x00" + array32(50_000) + b"\x90" * 50_000
    ),
    "lengths": assemble(indx=replaced(INDX, [1], [2**32 - 1, 2**32 - 1])),
    "lengths of 64 bits": assemble(indx=replaced(INDX, [1], [2**64 - 1, 2**64 - 1])),
    "ancillary": assemble(indx=replaced(INDX, [5], 2**62)),
    "ancillary of 64 bits": assemble(indx=replaced(INDX, [5], 2**64 - 1)),
    "ids": assemble(indx=replaced(INDX, [0], [0, 2**31 - 1])),
    "deep nesting": assemble(head=HEAD[:1] + b"\x91" * 50_000 + HEAD[1:]),
}


@pytest.mark.parametrize("name", list(HUGE))
@pytest.mark.parametrize("allow_truncated", [False, True])
def test_huge_numbers_with_good_checksums_cost_no_memory(name: str, allow_truncated: bool) -> None:
    with memory_below(4 * MEGABYTE), pytest.raises(ContainerError):
        reader = c.Reader(HUGE[name], allow_truncated=allow_truncated)
        list(reader.parts())


def test_ids_that_are_left_out_cost_nothing_for_cells_without_a_region() -> None:
    side = 1 << 12
    edges = [list(range(side + 1))] * 2
    head = replaced(replaced(HEAD, [2, 1], edges), [0, 1], [side, side])
    data = assemble(head=head, indx=replaced(replaced(INDX, [0], []), [6], b""))
    with memory_below(4 * MEGABYTE):
        reader = c.Reader(data)
    assert (reader.index.ids, list(reader.parts())) == ([0, 1], PARTS)


def test_numbers_that_disagree_with_the_bytes() -> None:
    with pytest.raises(ContainerError, match="after its last region"):
        c.read(assemble(indx=replaced(INDX, [5], WHOLE.index.ancillary - 1)))
    with pytest.raises(ContainerError, match="cut off"):
        c.read(assemble(indx=replaced(INDX, [5], WHOLE.index.ancillary + 1)))
    lengths = [len(PARTS[0]) - 1, len(PARTS[1])]
    shifted = replaced(replaced(INDX, [5], WHOLE.index.ancillary + 1), [1], lengths)
    with pytest.raises(ContainerError, match="its metadata"):
        c.read(assemble(indx=shifted))
    swapped = [len(PARTS[0]) - 1, len(PARTS[1]) + 1]
    reader = c.Reader(assemble(indx=replaced(INDX, [1], swapped)))
    assert [d.id for d in reader.check()] == [0, 1]


LEAVES = (
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.floats()
    | st.text(max_size=70)
    | st.binary(max_size=10)
)
VALUES = st.recursive(LEAVES, lambda inner: st.lists(inner, max_size=4), max_leaves=6)


@settings(max_examples=400, deadline=None)
@given(data=st.data(), where=st.sampled_from(["head", "indx"]), labels=st.booleans())
def test_any_value_in_any_field(data: st.DataObject, where: str, labels: bool) -> None:
    """Whatever is written into a field, the file is refused as a whole or reads as this header or index."""
    payloads = {"head": LABELS if labels else HEAD, "indx": UNBOUND}
    if labels:
        payloads["indx"] = replaced(replaced(UNBOUND, [2], [[0, 1, 0, 3], [1, 2, 0, 3]]), [3], [3, 3])
    inner, path = msgspec.msgpack.decode(payloads[where]), []
    while isinstance(inner, list) and inner:
        path.append(data.draw(st.integers(0, len(inner) - 1)))
        inner = inner[path[-1]]
        if data.draw(st.booleans()):
            break
    payloads[where] = replaced(payloads[where], path, data.draw(VALUES))
    with contextlib.suppress(ContainerError):
        reader = c.Reader(assemble(**payloads))
        wire.validate(reader.header, reader.index)
        assert len(reader.check()) <= 2
