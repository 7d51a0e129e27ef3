"""The container: exact round trips, reading one region alone, and the example of the specification."""

from __future__ import annotations

import hashlib
import io
import math
import re
import struct
import subprocess
import sys
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from make.data import CountingFile, image_header, model_header
from make.format import cut

from inrfit.codec import chunks, wire
from inrfit.codec import container as c
from inrfit.codec import header as h
from inrfit.errors import ContainerError, InputError

ROOT = Path(__file__).resolve().parents[2]
SPECIFICATION = ROOT / "docs" / "format.md"

METADATA = {chunks.ICC: b"profile" * 100, chunks.EXIF: b"", chunks.SOURCE: bytes(range(32))}
PARTS = [b"first part", b"", b"x" * 1000, b"\x00\xff"]


def make_header(rows: int = 2, columns: int = 2, origin: tuple[int, int] = (0, 0)) -> h.Header:
    return h.Header(
        signal=image_header((3 * rows, 4 * columns), origin, colour="grey", suffix=""),
        model=model_header(4, 1),
        partition=h.PartitionHeader(
            kind="grid",
            edges=[
                [origin[0] + 3 * i for i in range(rows + 1)],
                [origin[1] + 4 * i for i in range(columns + 1)],
            ],
            nominal=[3.0, 4.0],
        ),
        frame=h.FrameHeader(centre=[1.5, 2.0], half=[1.5, 2.0]),
        weights="float16",
        tile=16,
        seed=0,
        steps=10,
        psnr=None,
        writer="test",
    )


INDEX = h.Index(ids=[0, 1, 2, 3], mse=[0.0, 0.5, 1.0, 2.0])


def make_file() -> bytes:
    return chunks.write(make_header(), INDEX, b"shared weights", METADATA, PARTS)


def test_a_file_comes_back_as_it_was() -> None:
    read = c.read(make_file())
    assert read.header == make_header()
    assert msgspec.structs.replace(read.index, lengths=[], ancillary=0, sums=[]) == INDEX
    assert read.index.lengths == [10, 0, 1000, 2]
    assert read.shared == b"shared weights"
    assert read.ancillary == METADATA
    assert list(read.parts) == PARTS
    again = chunks.write(read.header, read.index, read.shared, read.ancillary, read.parts)
    assert again == make_file()


@settings(max_examples=50, deadline=None)
@given(data=st.data())
def test_any_content_comes_back_as_it_was(data: st.DataObject) -> None:
    rows, columns = data.draw(st.integers(1, 5)), data.draw(st.integers(1, 5))
    origin = data.draw(st.tuples(st.integers(-(2**40), 2**39), st.integers(-(2**40), 2**39)))
    header = make_header(rows, columns, origin)
    psnr = data.draw(st.none() | st.floats(min_value=-1e9, allow_nan=False))
    header = msgspec.structs.replace(header, psnr=psnr, seed=data.draw(st.integers(0, 2**63 - 1)))
    ids = sorted(data.draw(st.sets(st.integers(0, rows * columns - 1), min_size=1)))
    parts = data.draw(st.lists(st.binary(max_size=40), min_size=len(ids), max_size=len(ids)))
    shared = data.draw(st.binary(max_size=40))
    metadata = data.draw(st.dictionaries(st.sampled_from(chunks.ANCILLARY), st.binary(max_size=40)))
    written = chunks.write(header, h.Index(ids=ids), shared, metadata, parts)
    read = c.read(written)
    assert (read.header, read.index.ids, read.shared) == (header, ids, shared)
    assert (read.ancillary, list(read.parts)) == (metadata, parts)
    front = chunks.front_matter(read.header, read.index, shared, metadata)
    assert len(written) == len(front) + chunks.parts_size(read.index)
    assert written.startswith(front)


def test_a_crop_is_a_new_front_and_copies_of_the_chunks() -> None:
    whole = c.read(make_file())
    kept = msgspec.structs.replace(INDEX, ids=[1, 2], lengths=whole.index.lengths[1:3], mse=[0.5, 1.0])
    front = chunks.front_matter(whole.header, kept, whole.shared, whole.ancillary)
    pieces = [part + chunks.part_end(part) for part in whole.parts]
    assert all(piece in make_file() for piece in pieces)
    cropped = front + pieces[1] + pieces[2]
    assert c.read(cropped).parts == whole.parts[1:3]
    assert len(cropped) == len(front) + chunks.parts_size(kept)


def test_one_region_is_read_with_the_front_and_its_chunk_only() -> None:
    data = make_file()
    for position, length in enumerate(map(len, PARTS)):
        file = CountingFile(data)
        reader = c.Reader(file)
        assert file.touched == set(range(reader.front_size))
        assert reader.part(position) == PARTS[position]
        start = reader.front_size + sum(len(part) + 4 for part in PARTS[:position])
        assert file.touched == set(range(reader.front_size)) | set(range(start, start + length + 4))


def test_paths_bytes_and_files_read_alike(tmp_path: Path) -> None:
    path = tmp_path / "a.inr"
    path.write_bytes(make_file())
    with path.open("rb") as file:
        read = [c.read(path), c.read(str(path)), c.read(make_file()), c.read(file)]
        assert not file.closed
    assert all(one == read[0] for one in read)


def test_a_reader_closes_what_it_opened(tmp_path: Path) -> None:
    path = tmp_path / "a.inr"
    path.write_bytes(make_file())
    with c.Reader(path) as reader:
        assert (reader.name, reader.size, reader.version) == (str(path), len(make_file()), (1, 2))
    with pytest.raises(InputError, match="cannot be read"):
        reader.part(0)


@pytest.mark.parametrize("position", [-1, 4])
def test_positions_beyond_the_index_are_an_index_error(position: int) -> None:
    with pytest.raises(IndexError, match="4 regions"):
        c.Reader(make_file()).part(position)


def test_paths_that_cannot_be_opened_are_input_errors(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"missing\.inr does not exist"):
        c.Reader(tmp_path / "missing.inr")
    with pytest.raises(InputError, match="directory"):
        c.Reader(tmp_path)
    with pytest.raises(InputError, match="is not a path"):
        c.Reader("a\0b")


def test_a_stream_that_cannot_seek_says_what_to_do() -> None:
    class Pipe(io.BytesIO):
        name = "-"

        def seek(self, *_: Any) -> int:
            raise io.UnsupportedOperation("seek")

    with pytest.raises(InputError, match="- is a stream that cannot seek") as caught:
        c.Reader(Pipe(make_file()))
    assert caught.value.hint == "read all of it and pass the bytes"


def test_a_file_that_shrinks_while_open_is_an_input_error() -> None:
    file = io.BytesIO(make_file())
    reader = c.Reader(file)
    file.truncate(len(make_file()) - 1)
    with pytest.raises(InputError, match="became shorter"):
        reader.part(3)


@pytest.mark.parametrize(
    ("index", "metadata", "parts", "word"),
    [
        (INDEX, {}, PARTS[:3], "length of lengths"),
        (INDEX, {"abcd": b""}, PARTS, "'abcd'"),
        (INDEX, {chunks.ICC: bytes(chunks.MAX_METADATA + 1)}, PARTS, "'icc '"),
        (h.Index(ids=[0, 1, 2, 9]), {}, PARTS, "cells below 4"),
    ],
)
def test_what_a_reader_would_refuse_is_not_written(
    index: h.Index, metadata: dict[str, bytes], parts: list[bytes], word: str
) -> None:
    with pytest.raises(ContainerError, match=re.escape(word)):
        chunks.write(make_header(), index, b"", metadata, parts)


def test_metadata_of_the_largest_size_is_kept() -> None:
    profile = bytes(chunks.MAX_METADATA)
    assert (
        c.read(chunks.write(make_header(), INDEX, b"", {chunks.ICC: profile}, PARTS)).ancillary[chunks.ICC]
        == profile
    )


def test_chunks_have_a_largest_size() -> None:
    class Huge(bytes):
        def __len__(self) -> int:
            return 1 << 32

    with pytest.raises(ContainerError, match="too large"):
        chunks.chunk("SHRD", Huge())


def test_reading_needs_neither_torch_nor_numpy() -> None:
    code = "import sys, inrfit.codec.container; print({'torch', 'numpy'} & set(sys.modules))"
    run = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "set()"


def example() -> bytes:
    """Return the file that the specification spells out."""
    block = re.findall(r"^```hex\n(.*?)^```", SPECIFICATION.read_text("utf-8"), re.MULTILINE | re.DOTALL)[0]
    data = b""
    for line in block.splitlines():
        offset, _, rest = line.partition(":")
        assert int(offset) == len(data), line
        data += bytes.fromhex(rest.partition(";")[0])
    return data


def test_the_example_of_the_specification_reads() -> None:
    data = example()
    reader = c.Reader(data)
    assert reader.check() == []
    assert reader.header.signal.shape == [2, 2]
    assert reader.header.psnr == math.inf
    assert reader.ancillary == {chunks.SOURCE: hashlib.sha256(bytes([0, 255, 255, 0])).digest()}
    assert wire.encode(reader.header) in data
    assert wire.encode(reader.index) in data


def second_reader(data: bytes) -> list[list[int]]:
    """Decode a picture by the words of the specification; for relu, no encoding and the global frame."""
    head, index, _, parts = cut(data)
    signal, model, partition, (centre, half, _) = head[:4]
    (height, width), low, high = signal[1], signal[8], signal[9]
    rows, columns = partition[1]
    assert (model[1], model[2:4], model[7], model[12]) == ("relu", [1, 0], "none", "global")

    def value(y: int, x: int) -> int:
        row = max(r for r in range(len(rows) - 1) if rows[r] <= y)
        column = max(s for s in range(len(columns) - 1) if columns[s] <= x)
        part = parts[index[0].index(row * (len(columns) - 1) + column)]
        w_y, w_x, b_0, w_1, b_1 = struct.unpack("<5e", part)
        hidden = max((y - centre[0]) / half[0] * w_y + (x - centre[1]) / half[1] * w_x + b_0, 0)
        return round(min(max(low + (hidden * w_1 + b_1 + 1) * (high - low) / 2, low), high))

    return [[value(y, x) for x in range(width)] for y in range(height)]


def test_a_second_reader_decodes_the_example_of_the_specification() -> None:
    assert second_reader(example()) == [[0, 255], [255, 0]]


@pytest.mark.parametrize(
    ("title", "kind"),
    [
        ("Header", h.Header),
        ("Signal", h.SignalHeader),
        ("Model", h.ModelHeader),
        ("Partition", h.PartitionHeader),
        ("Frame", h.FrameHeader),
        ("Coding", h.CodingHeader),
        ("Index", h.Index),
    ],
)
def test_the_tables_of_the_specification_list_the_fields(title: str, kind: type[msgspec.Struct]) -> None:
    section = SPECIFICATION.read_text("utf-8").partition(f"\n### {title}\n")[2].partition("\n## ")[0]
    section = section.partition("\n### ")[0]
    listed = re.findall(r"^\| (\d+) \| `(\w+)` \|", section, re.MULTILINE)
    assert listed == [(str(number), field) for number, field in enumerate(kind.__struct_fields__)]


def test_the_sizes_of_the_parts_are_those_of_the_bytes_and_add_up() -> None:
    data = make_file()
    sizes = c.Reader(data).sizes()
    assert sum(sizes[name] for name in ("header", "shared", "metadata", "regions")) == len(data)
    assert sum(sizes["each"]) == sizes["regions"]
    without = c.Reader(chunks.write(make_header(), INDEX, b"", {}, PARTS)).sizes()
    assert sizes["shared"] - without["shared"] == len(b"shared weights")
    assert without["metadata"] == 0
    assert sizes["metadata"] > 0
    smaller = c.Reader(
        chunks.write(make_header(), INDEX, b"", {}, [*PARTS[:2], b"x" * 700, PARTS[3]])
    ).sizes()
    assert [a - b for a, b in zip(without["each"], smaller["each"], strict=True)] == [0, 0, 300, 0]
