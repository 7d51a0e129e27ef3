"""PNG beyond Pillow: chunks, 16-bit samples checked against other writers and readers, transparent colours."""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Callable

import cv2
import numpy as np
import pytest
from make.images import read_image
from PIL import Image

from inrfit.errors import InputError
from inrfit.io import png, png_write


def plain_png(
    rows: np.ndarray, width: int, depth: int, colour_type: int, *more: tuple[bytes, bytes]
) -> bytes:
    """Lay out packed rows [H, bytes] as an unfiltered PNG."""
    header = struct.pack(">IIBBBBB", width, len(rows), depth, colour_type, 0, 0, 0)
    data = b"".join(b"\0" + row.tobytes() for row in rows)
    return png.join([(b"IHDR", header), *more, (b"IDAT", zlib.compress(data)), (b"IEND", b"")])


@pytest.mark.parametrize("channels", [1, 3, 4])
@pytest.mark.parametrize("size", [(1, 1), (1, 7), (5, 3), (33, 40)])
def test_16_bit_files_of_opencv_are_read_exactly(
    noise: Callable[..., np.ndarray], size: tuple[int, int], channels: int
) -> None:
    values = noise(*size, channels, "uint16")
    order = {1: [0], 3: [2, 1, 0], 4: [2, 1, 0, 3]}[channels]
    data = cv2.imencode(".png", values[..., order])[1].tobytes()
    signal = read_image(data, "a.png")
    assert np.array_equal(signal.values, values)
    assert signal.values.dtype == np.uint16
    assert signal.info.value_range == (0, 65535)


def test_16_bit_grey_with_alpha_is_read_exactly(noise: Callable[..., np.ndarray]) -> None:
    values = noise(5, 3, 2, "uint16")
    rows = values.astype(">u2").view(np.uint8).reshape(5, -1)
    signal = read_image(plain_png(rows, 3, 16, 4), "a.png")
    assert signal.info.colour == "grey-alpha"
    assert np.array_equal(signal.values, values)


@pytest.mark.parametrize("channels", [1, 2, 3, 4])
@pytest.mark.parametrize("size", [(1, 1), (1, 7), (5, 3)])
def test_16_bit_files_of_ours_are_read_by_others(
    noise: Callable[..., np.ndarray], size: tuple[int, int], channels: int
) -> None:
    values = noise(*size, channels, "uint16")
    data = png_write.write(values, None, None)
    decoded = np.asarray(cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)).reshape(*size, -1)
    order = {1: [0], 2: [0, 3], 3: [2, 1, 0], 4: [2, 1, 0, 3]}[channels]
    assert np.array_equal(decoded[..., order], values)
    assert Image.open(io.BytesIO(data)).size == size[::-1]


def test_profile_and_exif_of_16_bit_files_are_read_by_others(
    noise: Callable[..., np.ndarray], icc: bytes, exif_block: Callable[..., bytes]
) -> None:
    block = exif_block().removeprefix(b"Exif\0\0")
    image = Image.open(io.BytesIO(png_write.write(noise(5, 3, 3, "uint16"), icc, block)))
    image.load()
    assert image.info["icc_profile"] == icc
    assert image.getexif()[271] == "Maker of cameras"


def test_a_gamma_chunk_does_not_change_16_bit_samples(noise: Callable[..., np.ndarray]) -> None:
    values = noise(5, 3, 3, "uint16")
    rows = values.astype(">u2").view(np.uint8).reshape(5, -1)
    gamma = (b"gAMA", struct.pack(">I", 45455 * 2))
    signal = read_image(plain_png(rows, 3, 16, 2, gamma), "a.png")
    assert np.array_equal(signal.values, values)


@pytest.mark.parametrize(("colour_type", "channels"), [(0, 1), (2, 3)])
@pytest.mark.parametrize("depth", [8, 16])
def test_a_transparent_colour_becomes_alpha(
    noise: Callable[..., np.ndarray], depth: int, colour_type: int, channels: int
) -> None:
    values = noise(5, 3, channels, f"uint{depth}")
    values[1:3, 1] = values[0, 0]
    rows = values.astype(f">u{depth // 8}").view(np.uint8).reshape(5, -1)
    colour = (b"tRNS", values[0, 0].astype(">u2").tobytes())
    signal = read_image(plain_png(rows, 3, depth, colour_type, colour), "a.png")
    full = 2**depth - 1
    alpha = np.full((5, 3), full)
    alpha[0, 0] = alpha[1:3, 1] = 0
    assert signal.info.colour == {1: "grey-alpha", 3: "rgb-alpha"}[channels]
    assert np.array_equal(signal.values[..., :-1], values)
    assert np.array_equal(signal.values[..., -1], alpha)


@pytest.mark.parametrize("depth", [1, 2, 4])
def test_a_transparent_grey_of_few_bits_becomes_alpha(depth: int) -> None:
    levels = np.arange(8) % 2**depth
    bits = (levels[:, None] >> np.arange(depth - 1, -1, -1)) & 1
    rows = np.packbits(bits.reshape(1, -1).astype(np.uint8), axis=1)
    colour = (b"tRNS", struct.pack(">H", 2**depth - 1))
    signal = read_image(plain_png(rows, 8, depth, 0, colour), "a.png")
    full = 2**depth - 1
    assert np.array_equal(signal.values[0, :, 0], levels * (255 // full))
    assert np.array_equal(signal.values[0, :, 1], np.where(levels == full, 0, 255))


def test_chunks_survive_a_round_trip() -> None:
    chunks = [(b"IHDR", b"x" * 13), (b"tEXt", b""), (b"IDAT", b"\0\1"), (b"IEND", b"")]
    data = png.join(chunks)
    assert png.split(data) == (chunks, ())
    assert png.split(data + b"trailing bytes") == (chunks, ())


def test_every_single_bit_of_the_samples_is_protected(noise: Callable[..., np.ndarray]) -> None:
    data = png_write.write(noise(3, 2, 3, "uint16"), None, None)
    start = data.index(b"IDAT")
    for at in range(start, start + 40):
        damaged = bytearray(data)
        damaged[at] ^= 4
        with pytest.raises(InputError, match=r"a\.png: cannot be read as PNG"):
            read_image(bytes(damaged), "a.png")


def test_samples_that_end_early_behind_good_checksums_are_refused(
    noise: Callable[..., np.ndarray], capfd: pytest.CaptureFixture[str]
) -> None:
    chunks, _ = png.split(png_write.write(noise(30, 20, 3, "uint16"), None, None))
    half = [(kind, body[: len(body) // 2] if kind == b"IDAT" else body) for kind, body in chunks]
    with pytest.raises(InputError, match="truncated"):
        read_image(png.join(half), "a.png")
    assert capfd.readouterr().err == ""


def test_a_header_that_is_not_first_is_refused() -> None:
    with pytest.raises(InputError, match="its header is damaged"):
        read_image(png.join([(b"tEXt", b""), (b"IEND", b"")]), "a.png")


@pytest.mark.parametrize("dtype", ["uint8", "uint16"])
@pytest.mark.parametrize("channels", [1, 2, 3, 4])
def test_bands_of_rows_make_the_file_of_the_whole(
    noise: Callable[..., np.ndarray], channels: int, dtype: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Noise beside a ramp and a flat part, so that every filter is the best one of some row."""
    values = noise(40, 9, channels, dtype)
    values[10:20] = (np.arange(10)[:, None, None] * 7 + np.arange(9)[:, None] * 3).astype(dtype)
    values[20:30] = 99
    whole = png_write.write(values, None, None)
    assert np.array_equal(read_image(whole, "a.png").values, values)
    monkeypatch.setattr(png_write, "BLOCK", 50)
    monkeypatch.setattr(png_write, "PIECE", 1)
    cut = [values[:1], values[1:17], values[17:18], values[18:]]
    pieces = b"".join(png_write.blocks(values.shape, values.dtype, cut, None, None))
    assert np.array_equal(read_image(pieces, "a.png").values, values)
    samples = [
        b"".join(body for kind, body in png.split(data)[0] if kind == b"IDAT") for data in (whole, pieces)
    ]
    assert samples[0] == samples[1]
    filters = np.frombuffer(zlib.decompress(samples[0]), np.uint8).reshape(40, -1)[:, 0]
    assert set(filters) == {1, 2, 3, 4}


def test_bytes_of_a_chunk_do_not_reach_the_terminal_raw() -> None:
    data = plain_png(np.zeros((1, 1), np.uint8), 1, 8, 0)
    at = data.index(b"IDAT")
    with pytest.raises(InputError, match=r"its \\x1b\[2J chunk fails its checksum") as caught:
        read_image(data[:at] + b"\x1b[2J" + data[at + 4 :], "a.png")
    assert "\x1b" not in str(caught.value)


def test_libpng_does_not_write_to_the_terminal(capfd: pytest.CaptureFixture[str]) -> None:
    header = (b"IHDR", struct.pack(">IIBBBBB", 4, 4, 16, 2, 0, 0, 0))
    chunks = [header, (b"IDAT", zlib.compress(bytes(30))), (b"IEND", b"")]
    with pytest.raises(ValueError, match="damaged"):
        png.read_16_bit(chunks)
    assert capfd.readouterr() == ("", "")
