"""TIFF samples of every depth, number, order, cut, compression and predictor, against files laid out by hand."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
import pytest
import tifffile
from make import tiffs
from make.images import encoded_image, read_image
from make.tiffs import DEFLATE, LZMA, LZW, NONE, PACKBITS, ZSTD

from inrfit.errors import InputError
from inrfit.io import tiff_codec, tiff_samples

CUTS: list[dict[str, Any]] = [
    {},
    {"strip": 5},
    {"tile": (16, 32)},
    {"planar": True, "strip": 7},
    {"planar": True, "tile": (16, 16)},
    {"big": True, "order": ">", "strip": 4},
]


def counts(bits: int, channels: int, dtype: str, seed: int = 0) -> np.ndarray:
    """Return random samples [21, 35, channels] that use all bits."""
    return (
        np.random.default_rng([seed, bits, channels])
        .integers(0, 1 << bits, (21, 35, channels), np.uint64)
        .astype(dtype)
    )


@pytest.mark.parametrize("compression", [NONE, LZW, DEFLATE, PACKBITS, ZSTD, LZMA])
@pytest.mark.parametrize("cut", CUTS)
@pytest.mark.parametrize(
    ("dtype", "channels", "predictor"),
    [
        ("uint8", 5, 1),
        ("uint8", 4, 2),
        ("uint16", 1, 2),
        ("uint16", 7, 1),
        ("float32", 2, 3),
        ("float32", 1, 2),
    ],
)
def test_bands_are_read_exactly(
    cut: dict[str, Any], dtype: str, channels: int, predictor: int, compression: int
) -> None:
    values = counts(8 if dtype == "uint8" else 16, channels, dtype)
    if dtype == "float32":
        values = (values - np.float32(30000)) / np.float32(7)
    data = tiffs.tiff(
        values,
        values.dtype.itemsize * 8,
        compression=compression,
        predictor=predictor,
        extra=(0,) * (channels - 1),
        **cut,
    )
    signal = read_image(data, "a.tif")
    assert signal.values.dtype == values.dtype
    assert np.array_equal(signal.values, values)
    assert signal.info.colour == ("grey" if channels == 1 else "channels")
    assert signal.info.notes == ()


@pytest.mark.parametrize("bits", [2, 3, 4, 6, 10, 12, 14])
@pytest.mark.parametrize("channels", [1, 3, 5])
@pytest.mark.parametrize("cut", [{}, {"strip": 4, "compression": LZW}, {"tile": (16, 16), "order": ">"}])
def test_few_bits_keep_their_values_and_their_white(cut: dict[str, Any], bits: int, channels: int) -> None:
    values = counts(bits, channels, "uint8" if bits <= 8 else "uint16")
    layout: dict[str, Any] = {"photometric": 2} if channels == 3 else {"extra": (0,) * (channels - 1)}
    signal = read_image(tiffs.tiff(values, bits, **layout, **cut), "a.tif")
    low, high = signal.info.value_range
    assert np.array_equal(np.asarray(signal.values, float) / high, values / (2**bits - 1))
    assert low == 0


def test_a_predictor_runs_over_bytes_of_double_precision() -> None:
    values = np.random.default_rng(3).random((9, 8, 3))
    data = tiffs.tiff(values, 64, predictor=3, compression=DEFLATE, photometric=2)
    assert np.array_equal(read_image(data, "a.tif").values, values.astype(np.float32))


def test_bits_may_come_in_the_other_order() -> None:
    values = counts(16, 2, "uint16")
    rows = tiffs.packed(values, 16, "<", 1)
    for compression in (NONE, LZW, DEFLATE):
        data = tiffs.tiff(values, 16, compression=compression, extra=(0,), more={266: ("H", 2)})
        part = tiffs.compressed(rows, compression)
        turned = bytes(int(f"{byte:08b}"[::-1], 2) for byte in part)
        assert np.array_equal(read_image(data.replace(part, turned), "a.tif").values, values)


@pytest.mark.parametrize(
    ("dtype", "values", "expected", "read"),
    [
        ("int16", [-9999, 0, 1234], "float32", [-9999, 0, 1234]),
        ("int16", [0, 5, 300], "uint16", [0, 5, 300]),
        ("int8", [-3, 0, 127], "float32", [-3, 0, 127]),
        ("int32", [-(2**31), 70000, 4], "float32", [-(2**31), 70000, 4]),
        ("uint32", [0, 5, 1 << 20], "float32", [0, 5, 1 << 20]),
        ("uint32", [0, 5, 255], "uint8", [0, 5, 255]),
    ],
)
def test_signed_and_long_integers_keep_their_values(
    dtype: str, values: Any, expected: str, read: Any
) -> None:
    data = tiffs.tiff(np.array([values], dtype)[..., None], np.dtype(dtype).itemsize * 8, compression=LZW)
    signal = read_image(data, "a.tif")
    assert signal.info.dtype == expected
    assert signal.values[0, :, 0].tolist() == read
    assert signal.info.notes == (f"{dtype} samples were read as {expected}",)


def test_integers_that_no_type_holds_are_refused() -> None:
    values = np.array([[[0], [(1 << 24) + 1]]], np.int32)
    with pytest.raises(InputError, match="int32 samples from 0 to 16777217 do not fit 16 bit"):
        read_image(tiffs.tiff(values, 32), "a.tif")


@pytest.mark.parametrize("bits", [8, 16])
@pytest.mark.parametrize("planar", [False, True])
@pytest.mark.parametrize(
    ("extra", "channels", "colour"),
    [
        ((), 4, "rgb-alpha"),
        ((0,), 4, "channels"),
        ((2,), 4, "rgb-alpha"),
        ((0, 0), 5, "channels"),
        ((2, 0), 5, "channels"),
        ((0, 0, 0), 6, "channels"),
    ],
)
def test_samples_behind_the_colours_are_alpha_only_where_the_file_says_so(
    extra: tuple[int, ...], channels: int, colour: str, planar: bool, bits: int
) -> None:
    values = counts(bits, channels, f"uint{bits}")
    signal = read_image(tiffs.tiff(values, bits, photometric=2, extra=extra, planar=planar), "a.tif")
    assert np.array_equal(signal.values, values)
    assert signal.info.colour == colour
    assert signal.info.notes == (
        ("alpha among other bands was read as one of them",) if extra == (2, 0) else ()
    )


@pytest.mark.parametrize("bits", [8, 16])
def test_premultiplied_alpha_of_any_depth_is_divided_out_and_told(bits: int) -> None:
    high = 2**bits - 1
    values = np.array([[[10, 20, 30, 51 * high // 255], [7, 8, 9, high], [0, 0, 0, 0]]], f"uint{bits}")
    signal = read_image(tiffs.tiff(values, bits, photometric=2, extra=(1,)), "a.tif")
    assert signal.values.tolist() == [[[50, 100, 150, 51 * high // 255], [7, 8, 9, high], [0, 0, 0, 0]]]
    assert signal.info.colour == "rgb-alpha"
    assert signal.info.notes == ("premultiplied alpha was divided out of the colours",)


@pytest.mark.parametrize("bits", [8, 16])
@pytest.mark.parametrize("extra", [1, 2])
def test_grey_may_have_alpha(bits: int, extra: int) -> None:
    high = 2**bits - 1
    values = np.array([[[high, high], [5, high], [0, 0]]], f"uint{bits}")
    signal = read_image(tiffs.tiff(values, bits, extra=(extra,)), "a.tif")
    assert np.array_equal(signal.values, values)
    assert signal.info.colour == "grey-alpha"


@pytest.mark.parametrize("bits", [8, 16])
def test_of_bands_only_the_grey_one_is_turned_where_white_is_zero(bits: int) -> None:
    values = counts(bits, 3, f"uint{bits}")
    signal = read_image(tiffs.tiff(values, bits, photometric=0, extra=(0, 0)), "a.tif")
    assert np.array_equal(signal.values[..., 0], 2**bits - 1 - values[..., 0])
    assert np.array_equal(signal.values[..., 1:], values[..., 1:])


@pytest.mark.parametrize("planar", [False, True])
def test_bands_in_jpeg_are_not_colours(planar: bool) -> None:
    smooth = np.linspace(0, 200, 16 * 16 * 4).reshape(16, 16, 4).astype(np.uint8)
    smooth[..., 3] = 77
    parts = [tiffs.jpeg(smooth[..., i]) for i in range(4)] if planar else [tiffs.jpeg(smooth)]
    data = tiffs.of_parts(smooth, parts, 7, planar=planar, photometric=2, extra=(0,))
    signal = read_image(data, "a.tif")
    assert signal.info.colour == "channels"
    assert np.abs(signal.values.astype(int) - smooth).max() <= 12


@pytest.mark.parametrize("number", [50002, 52546, 34887, 33005, 34934, 12345, 34926])
@pytest.mark.parametrize(("bits", "channels"), [(8, 1), (8, 3), (8, 5), (16, 1)])
def test_other_compressions_are_named_and_not_called_damage(number: int, bits: int, channels: int) -> None:
    values = counts(bits, channels, f"uint{bits}")
    layout: dict[str, Any] = {"photometric": 2} if channels == 3 else {"extra": (0,) * (channels - 1)}
    data = tiffs.tiff(values, bits, **layout, more={259: ("H", number)})
    with pytest.raises(
        InputError, match=rf"a\.tif: its TIFF compression, .*\(number {number}\), is not read"
    ) as caught:
        read_image(data, "a.tif")
    assert "damaged" not in str(caught.value)
    assert "the file is whole" in (caught.value.hint or "")


def test_a_compression_that_libtiff_was_built_without_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tiff_codec, "available", lambda compression: compression != ZSTD)
    for bits in (8, 16):
        data = tiffs.tiff(counts(bits, 1, f"uint{bits}"), bits, compression=ZSTD)
        with pytest.raises(InputError, match=r"its TIFF compression, ZSTD \(number 50000\), is not read"):
            read_image(data, "a.tif")


@pytest.mark.parametrize("compression", [NONE, LZW, DEFLATE, PACKBITS, ZSTD, LZMA])
@pytest.mark.parametrize("keep", [0, 1, 10, -4])
def test_a_part_that_ends_early_is_refused(compression: int, keep: int) -> None:
    values = counts(16, 1, "uint16")
    part = tiffs.compressed(tiffs.packed(values, 16, "<", 1), compression)
    length = len(part) + keep if keep < 0 else keep
    data = tiffs.tiff(values, 16, compression=compression, more={279: ("I", length)})
    with pytest.raises(InputError, match="cannot be read as TIFF"):
        read_image(data, "a.tif")


def test_checksums_of_parts_are_compared() -> None:
    values = counts(16, 1, "uint16")
    part = bytearray(tiffs.compressed(tiffs.packed(values, 16, "<", 1), DEFLATE))
    part[len(part) // 2] ^= 4
    with pytest.raises(InputError, match="cannot be read as TIFF"):
        read_image(tiffs.of_parts(values, [bytes(part)], DEFLATE), "a.tif")


@pytest.mark.parametrize("compression", [LZW, DEFLATE, ZSTD, LZMA, PACKBITS])
def test_a_part_with_more_than_its_rows_is_not_decoded_further(compression: int) -> None:
    values = counts(16, 1, "uint16")
    longer = np.concatenate([tiffs.packed(values, 16, "<", 1), np.zeros((4000, 70), np.uint8)])
    part = tiffs.compressed(longer, compression)
    data = tiffs.of_parts(values, [part], compression)
    assert np.array_equal(read_image(data, "a.tif").values, values)


def test_few_bytes_may_not_announce_gigabytes() -> None:
    values = np.zeros((1, 16000, 3), np.uint16)
    part = tiffs.compressed(np.zeros((64, 16000 * 6), np.uint8), DEFLATE)
    more = {257: ("I", 16000), 278: ("I", 16000)}
    data = tiffs.of_parts(values, [part], DEFLATE, photometric=2, more=more)
    with pytest.raises(
        InputError, match=r"announces 1536000000 bytes of samples, for a file of .* at most 268435456"
    ):
        read_image(data, "a.tif")


def test_groups_of_parts_give_what_one_group_gives(monkeypatch: pytest.MonkeyPatch) -> None:
    values = counts(16, 3, "uint16")
    cuts: list[dict[str, Any]] = [{"strip": 2}, {"tile": (16, 16)}]
    for cut in cuts:
        data = tiffs.tiff(values, 16, compression=LZW, photometric=2, predictor=2, **cut)
        with monkeypatch.context() as patched:
            patched.setattr(tiff_codec, "GROUP", 1)
            patched.setattr(tiff_samples, "_PART", 1)
            assert np.array_equal(read_image(data, "a.tif").values, values)


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "float32"])
@pytest.mark.parametrize("channels", [2, 3, 4, 7])
def test_bands_come_back_from_our_own_files(dtype: str, channels: int) -> None:
    values = counts(8, channels, dtype)
    source = read_image(tiffs.tiff(values, values.dtype.itemsize * 8, extra=(0,) * (channels - 1)), "a.tif")
    data = encoded_image(source.values, source.info, ".tif", "b.tif")
    again = read_image(data, "b.tif")
    assert np.array_equal(again.values, values)
    assert again.info.colour == "channels"
    with tifffile.TiffFile(io.BytesIO(data)) as file:
        assert file.pages.first.extrasamples == (0,) * (channels - 1)
