"""Where a `.inr` file may come from: file objects of every make, and things that are no file at all."""

from __future__ import annotations

import gzip
import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from make.data import textured

from inrfit import api
from inrfit.errors import ConfigError, InputError

READS = {
    "load": api.load,
    "info": api.info,
    "decode": lambda source: api.decode(source, device="cpu"),
    "crop": lambda source: api.crop(source, keep="0,1"),
}


class Few(io.RawIOBase):
    """A raw file, which may give fewer bytes than it is asked for, as sockets and object stores do."""

    def __init__(self, data: bytes) -> None:
        self._file = io.BytesIO(data)

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = 0, /) -> int:
        return self._file.seek(offset, whence)

    def tell(self) -> int:
        return self._file.tell()

    def read(self, size: int = -1, /) -> bytes:
        return self._file.read(min(size, 7))


class Bare:
    """A file whose `seek` returns nothing, with the bytes in another type."""

    def __init__(self, data: bytes) -> None:
        self._file = io.BytesIO(data)
        self.tell = self._file.tell

    def seek(self, *place: int) -> None:
        self._file.seek(*place)

    def read(self, size: int) -> bytearray:
        return bytearray(self._file.read(size))


class Torn(io.BytesIO):
    """A file of a library with errors of its own."""

    def read(self, size: int | None = -1, /) -> bytes:
        raise RuntimeError("connection\nreset")


class Waiting(io.BytesIO):
    """A file that has nothing to give yet."""

    def read(self, size: int | None = -1, /) -> Any:
        return None


@pytest.fixture(scope="module")
def data() -> bytes:
    field = api.fit(textured(16, 24), grid=(2, 2), steps=1, hidden_features=4, device="cpu")
    return api.to_bytes(field)


@pytest.mark.parametrize("verb", READS)
def test_files_of_every_make_read_alike(data: bytes, verb: str, tmp_path: Path) -> None:
    def plain(made: Any) -> Any:
        return made.decode(device="cpu").tolist() if verb == "load" else np.asarray(made).tolist()

    wanted = plain(READS[verb](data))
    moved = io.BytesIO(data)
    moved.seek(100)
    (tmp_path / "x.inr.gz").write_bytes(gzip.compress(data))
    (tmp_path / "x.inr").write_bytes(data)
    with gzip.open(tmp_path / "x.inr.gz") as packed, (tmp_path / "x.inr").open("rb", buffering=0) as raw:
        for source in (bytearray(data), memoryview(data), moved, Few(data), Bare(data), packed, raw):
            assert plain(READS[verb](source)) == wanted, source


@pytest.mark.parametrize("verb", READS)
@pytest.mark.parametrize("source", [None, 3, True, [1], {}, np.zeros(3), object()])
def test_what_is_no_file_is_named(verb: str, source: Any) -> None:
    with pytest.raises(InputError, match=f"cannot read an .inr file from {type(source).__name__}") as caught:
        READS[verb](source)
    assert "binary mode" in str(caught.value.hint)


@pytest.mark.parametrize("verb", READS)
def test_files_that_cannot_be_read_are_named(data: bytes, verb: str, tmp_path: Path) -> None:
    closed = io.BytesIO(data)
    closed.close()
    with (tmp_path / "out").open("wb") as out, (tmp_path / "text").open("w+", encoding="latin1") as text:
        out.write(data)
        text.write("text in place of bytes")
        for source, said in (
            (Torn(data), "<stream> cannot be read (connection reset)"),
            (Waiting(data), "<stream> became shorter while it was read"),
            (closed, "cannot seek (I/O operation on closed file.)"),
            (out, "out cannot be read (read)"),
            (text, "text cannot be read (sequence item 0: expected a bytes-like object, str found)"),
        ):
            with pytest.raises(InputError) as caught:
                READS[verb](source)
            assert said in caught.value.message
            assert caught.value.hint


@pytest.mark.parametrize(
    "options",
    [
        *({"size": size} for size in ("ab", 5, (None, 1), (float("nan"), 1), (1.5, 2), (0, 4), [], (3,))),
        *({"scale": scale} for scale in ("two", [2], 2j, float("nan"), float("inf"), 0, -1)),
    ],
)
def test_outputs_that_cannot_be_are_named(data: bytes, options: dict[str, Any]) -> None:
    part = ((0, 1), (0, 1))
    for attempt in (api.load(data).decode, lambda **words: api.decode(data, region=part, **words)):
        with pytest.raises(ConfigError, match=r"output size|--size|--scale") as caught:
            attempt(**options)
        assert caught.value.hint


def test_sizes_and_blends_may_be_numbers_of_numpy(data: bytes) -> None:
    of_numpy: dict[str, Any] = {"size": np.array([8, 12]), "blend": np.int8(64)}
    plain: dict[str, Any] = {"scale": np.float32(0.5), "blend": 64}
    a, b = (api.decode(data, **words, device="cpu") for words in (of_numpy, plain))
    assert np.array_equal(a, b)


@pytest.mark.parametrize("snap", [None, ["out"], 1])
def test_rules_that_are_no_words_are_named(data: bytes, snap: Any) -> None:
    with pytest.raises(ConfigError, match=r"--snap .* is not known"):
        api.crop(data, region=((0, 1), (0, 1)), snap=snap)
