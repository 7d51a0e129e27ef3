"""Arrays out of `.npz` files: what unpacks to far more than a file is refused before it is unpacked."""

from __future__ import annotations

import io
import struct
import tracemalloc
import zipfile

import numpy as np
import pytest

from inrfit.errors import InputError
from inrfit.io import npz


def packed(method: int = zipfile.ZIP_DEFLATED, **arrays: np.ndarray) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", method) as made:
        for key, array in arrays.items():
            part = io.BytesIO()
            np.save(part, array, allow_pickle=True)
            made.writestr(f"{key}.npy", part.getvalue())
    return file.getvalue()


def test_what_is_wanted_is_read_and_all_names_are_told() -> None:
    held, names = npz.read(packed(points=np.eye(3), other=np.arange(4)), ("points", "normals"), "x.npz")
    assert list(held) == ["points"]
    assert np.array_equal(held["points"], np.eye(3))
    assert names == ["other", "points"]


def test_a_bomb_is_refused_before_it_is_unpacked() -> None:
    data = packed(points=np.zeros((3_000_000, 3)))
    assert len(data) < 100_000
    tracemalloc.start()
    try:
        with pytest.raises(InputError, match="72,000,128 bytes of arrays in a file of"):
            npz.read(data, ("points",), "x.npz")
        assert tracemalloc.get_traced_memory()[1] < 1 << 20
    finally:
        tracemalloc.stop()


def test_a_size_that_lies_does_not_unpack_more() -> None:
    data = bytearray(packed(points=np.zeros((3_000_000, 3))))
    at = data.rindex(b"PK\1\2")
    struct.pack_into("<I", data, at + 24, 1000)
    tracemalloc.start()
    try:
        with pytest.raises(InputError, match=r"no .npz file or is damaged|cut off"):
            npz.read(bytes(data), ("points",), "x.npz")
        assert tracemalloc.get_traced_memory()[1] < 1 << 21
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (packed(points=np.array([{}], object)), "Python objects"),
        (packed(points=np.array(["a"])), "not numbers"),
        (packed(zipfile.ZIP_LZMA, points=np.eye(3)), "method 14"),
        (b"PK\3\4", "no .npz file"),
    ],
)
def test_what_is_no_number_or_packed_otherwise_is_refused(data: bytes, message: str) -> None:
    with pytest.raises(InputError, match=message):
        npz.read(data, ("points",), "x.npz")
