"""TIFF files: deep samples in every layout that is read, exactly, and what others find in ours."""

from __future__ import annotations

import io
import os
import struct
import zlib
from collections.abc import Callable
from typing import Any

import cv2
import numpy as np
import pytest
import tifffile
from make.images import read_image
from PIL import Image

from inrfit.errors import InputError
from inrfit.io import exif, tiff_write


def tifffile_bytes(values: np.ndarray, **options: Any) -> bytes:
    file = io.BytesIO()
    tifffile.imwrite(file, values, **options)
    return file.getvalue()


def lzw_strip(values: np.ndarray) -> bytes:
    """Return samples [H, W, C] as one LZW strip with horizontal prediction, cut out of an OpenCV file."""
    order = [2, 1, 0] if values.shape[-1] == 3 else [0]
    data = cv2.imencode(".tiff", values[..., order])[1].tobytes()
    with tifffile.TiffFile(io.BytesIO(data)) as file:
        page = file.pages.first
        assert (page.compression, page.predictor, len(page.dataoffsets)) == (5, 2, 1)
        return data[page.dataoffsets[0] :][: page.databytecounts[0]]


@pytest.mark.parametrize("channels", [1, 2, 3, 4])
@pytest.mark.parametrize("dtype", ["uint16", "float32"])
@pytest.mark.parametrize(
    "options",
    [
        {},
        {"compression": "zlib"},
        {"compression": "zlib", "rowsperstrip": 3},
        {"tile": (16, 16)},
        {"byteorder": ">"},
        {"bigtiff": True},
    ],
)
def test_deep_files_of_tifffile_are_read_exactly(
    noise: Callable[..., np.ndarray], options: dict[str, Any], dtype: str, channels: int
) -> None:
    values = noise(20, 33, channels, dtype)
    layout = {"photometric": "rgb" if channels > 2 else "minisblack"}
    if channels > 1:
        layout["planarconfig"] = "contig"
    data = tifffile_bytes(values, **layout, **options)
    signal = read_image(data, "a.tif")
    assert np.array_equal(signal.values, values)
    assert signal.info.dtype == dtype
    assert signal.info.suffix == ".tif"
    assert signal.info.value_range == ((0, 65535) if dtype == "uint16" else (0, 1))


def test_planes_are_put_together(noise: Callable[..., np.ndarray]) -> None:
    values = noise(5, 3, 3, "uint16")
    data = tifffile_bytes(np.moveaxis(values, -1, 0), photometric="rgb", planarconfig="separate")
    assert np.array_equal(read_image(data, "a.tif").values, values)


def test_horizontal_prediction_is_undone(noise: Callable[..., np.ndarray]) -> None:
    values = noise(5, 7, 3, "uint16")
    data = tifffile_bytes(values, photometric="rgb", compression="zlib", predictor=True)
    assert np.array_equal(read_image(data, "a.tif").values, values)


@pytest.mark.parametrize("channels", [1, 3])
def test_lzw_files_of_opencv_are_read_exactly(noise: Callable[..., np.ndarray], channels: int) -> None:
    values = noise(50, 31, channels, "uint16")
    data = cv2.imencode(".tiff", values[..., ::-1] if channels == 3 else values)[1].tobytes()
    assert np.array_equal(read_image(data, "a.tif").values, values)


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("compressed", [False, True])
def test_deep_samples_are_turned_upright_once(
    noise: Callable[..., np.ndarray], tiff_file: Callable[..., bytes], orientation: int, compressed: bool
) -> None:
    values = noise(3, 5, 3, "uint16")
    strip = lzw_strip(values) if compressed else values.tobytes()
    layout = {"t259": 5, "t317": 2} if compressed else {}
    data = tiff_file(values.shape, [strip], 16, t274=orientation, **layout)
    signal = read_image(data, "a.tif")
    assert np.array_equal(signal.values, exif.orient(values, orientation))
    assert signal.info.exif is None


@pytest.mark.parametrize("orientation", [1, 3, 6])
def test_shallow_samples_are_turned_upright_once(
    noise: Callable[..., np.ndarray], tiff_file: Callable[..., bytes], orientation: int
) -> None:
    values = noise(3, 5, 3)
    signal = read_image(tiff_file(values.shape, [values.tobytes()], 8, t274=orientation), "a.tif")
    assert np.array_equal(signal.values, exif.orient(values, orientation))


@pytest.mark.parametrize("compressed", [False, True])
def test_white_may_be_zero(
    noise: Callable[..., np.ndarray], tiff_file: Callable[..., bytes], compressed: bool
) -> None:
    values = noise(3, 5, 1, "uint16")
    strip = lzw_strip(values) if compressed else values.tobytes()
    layout = {"t259": 5, "t317": 2} if compressed else {}
    data = tiff_file(values.shape, [strip], 16, t262=0, **layout)
    assert np.array_equal(read_image(data, "a.tif").values, 65535 - values)


def test_twelve_bit_samples_keep_their_values_and_their_white(
    noise: Callable[..., np.ndarray], tiff_file: Callable[..., bytes]
) -> None:
    values = noise(5, 4, 1, "uint16") >> 4
    bits = (values.reshape(5, 4, 1) >> np.arange(11, -1, -1)) & 1
    strip = np.packbits(bits.reshape(5, -1).astype(np.uint8), axis=1).tobytes()
    signal = read_image(tiff_file(values.shape, [strip], 12), "a.tif")
    assert np.array_equal(signal.values, values)
    assert signal.info.dtype == "uint16"
    assert signal.info.value_range == (0, 4095)


@pytest.mark.parametrize("dtype", ["float16", "float64"])
def test_other_floats_become_float32(dtype: str) -> None:
    values = np.array([[-1.5, 0.25, 8]], dtype)
    signal = read_image(tifffile_bytes(values), "a.tif")
    assert signal.values[0, :, 0].tolist() == [-1.5, 0.25, 8]
    assert signal.info.dtype == "float32"
    assert signal.info.value_range == (-1.5, 8)


def test_not_a_number_is_counted_and_left_out() -> None:
    values = np.array([[1, np.nan, np.inf, 3]], np.float32)
    signal = read_image(tifffile_bytes(values), "a.tif")
    assert signal.info.notes == ("2 of 4 samples have no value (NaN, infinite or no data) and are left out",)
    assert signal.known is not None
    assert signal.known.tolist() == [[True, False, False, True]]
    assert signal.info.value_range == (1, 3)


def test_premultiplied_alpha_is_divided_out() -> None:
    values = np.array([[[100, 200, 300, 32768], [5, 5, 5, 0], [7, 8, 9, 65535]]], np.uint16)
    data = tifffile_bytes(values, photometric="rgb", extrasamples=["assocalpha"])
    signal = read_image(data, "a.tif")
    assert signal.values.tolist() == [[[200, 400, 600, 32768], [0, 0, 0, 0], [7, 8, 9, 65535]]]
    assert signal.info.notes == ("premultiplied alpha was divided out of the colours",)


def test_more_channels_than_colours_are_kept(noise: Callable[..., np.ndarray]) -> None:
    values = noise(5, 3, 6, "uint16")
    signal = read_image(tifffile_bytes(values, photometric="minisblack", planarconfig="contig"), "a.tif")
    assert signal.info.colour == "channels"
    assert np.array_equal(signal.values, values)


@pytest.mark.parametrize("deep", [False, True])
def test_of_several_pages_the_first_is_read(noise: Callable[..., np.ndarray], deep: bool) -> None:
    values = noise(5, 3, 1, "uint16" if deep else "uint8")[..., 0]
    file = io.BytesIO()
    with tifffile.TiffWriter(file) as writer:
        writer.write(values)
        writer.write(values[::-1])
    signal = read_image(file.getvalue(), "a.tif")
    assert np.array_equal(signal.values[..., 0], values)
    assert signal.info.notes == ("the first of 2 pages was read",)


def test_eight_bit_cmyk_becomes_rgb(
    noise: Callable[..., np.ndarray], pillow_file: Callable[..., bytes]
) -> None:
    cmyk = noise(5, 3, 4)
    image = Image.frombytes("CMYK", (3, 5), cmyk.tobytes())
    file = io.BytesIO()
    image.save(file, "TIFF", icc_profile=b"a profile of CMYK")
    signal = read_image(file.getvalue(), "a.tif")
    ideal = (255.0 - cmyk[..., :3]) * (255 - cmyk[..., 3:]) / 255
    assert np.abs(np.asarray(signal.values, float) - ideal).max() <= 1
    assert signal.info.icc is None
    assert signal.info.notes == ("CMYK was converted to RGB, without colour management",)


@pytest.mark.parametrize(
    ("values", "options", "message"),
    [
        (np.zeros((2, 2), np.int64), {}, "samples of type int64 of 64 bits are not read"),
        (np.zeros((2, 2), np.complex64), {}, "samples of type complex64 of 64 bits are not read"),
        (
            np.zeros((2, 2, 3), np.uint16),
            {"photometric": "cielab"},
            "colours of the kind CIELAB are not read",
        ),
        (np.zeros((2, 2, 4), np.uint16), {"photometric": "separated"}, "kind SEPARATED are not read"),
        (
            np.zeros((2, 2, 65), np.uint16),
            {"photometric": "minisblack", "planarconfig": "contig"},
            "65 channels are more than the 64 allowed",
        ),
    ],
)
def test_other_samples_are_refused_with_a_hint(
    values: np.ndarray, options: dict[str, Any], message: str
) -> None:
    with pytest.raises(InputError, match=message) as caught:
        read_image(tifffile_bytes(values, **options), "a.tif")
    assert "8- or 16-bit grey or RGB" in (caught.value.hint or "")


def test_a_volume_is_refused() -> None:
    with pytest.raises(InputError, match="TIFF axes ZYX are not an image"):
        data = tifffile_bytes(np.zeros((4, 2, 2), np.uint16), photometric="minisblack", volumetric=True)
        read_image(data, "a.tif")


def test_separate_planes_in_lzw_are_put_together(
    noise: Callable[..., np.ndarray], tiff_file: Callable[..., bytes]
) -> None:
    values = noise(3, 5, 3, "uint16")
    strips = [lzw_strip(values[..., i : i + 1]) for i in range(3)]
    data = tiff_file(values.shape, strips, 16, t259=5, t317=2, t284=2)
    assert np.array_equal(read_image(data, "a.tif").values, values)


def test_missing_strips_are_not_taken_for_black(
    noise: Callable[..., np.ndarray], tiff_file: Callable[..., bytes]
) -> None:
    values = noise(6, 5, 3, "uint16")
    strip = zlib.compress(values[:3].tobytes())
    good = tiff_file(values.shape, [strip, zlib.compress(values[3:].tobytes())], 16, t259=8, t278=3)
    assert np.array_equal(read_image(good, "a.tif").values, values)
    with pytest.raises(InputError, match="it is cut off"):
        read_image(tiff_file(values.shape, [strip], 16, t259=8, t278=3), "a.tif")
    with pytest.raises(InputError, match="it is cut off"):
        read_image(tiff_file(values.shape, [strip, b""], 16, t259=8, t278=3), "a.tif")


def test_a_directory_that_points_to_itself_ends(noise: Callable[..., np.ndarray]) -> None:
    data = bytearray(tiff_write.write(noise(5, 3, 3, "uint16"), None, None))
    (count,) = struct.unpack_from("<H", data, 8)
    struct.pack_into("<I", data, 10 + 12 * count, 8)
    try:
        assert read_image(bytes(data), "a.tif").domain.shape == (5, 3)
    except InputError as error:
        assert "cannot be read as TIFF" in error.message


def test_a_bomb_is_refused_before_it_is_decoded(tiff_file: Callable[..., bytes]) -> None:
    data = tiff_file((30_000, 30_000, 3), [zlib.compress(bytes(1000))], 16, t259=8)
    with pytest.raises(InputError, match="900000000 pixels, more than the 268435456 allowed"):
        read_image(data, "a.tif")


def test_libtiff_does_not_write_to_the_terminal(
    tiff_file: Callable[..., bytes], capfd: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(InputError, match="cannot be read as TIFF"):
        read_image(tiff_file((20, 30, 3), [b"\xff" * 20], 8, t259=5), "a.tif")
    os.write(2, b"still open")
    assert capfd.readouterr() == ("", "still open")


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "float32"])
@pytest.mark.parametrize("channels", [1, 2, 3, 4])
@pytest.mark.parametrize("with_exif", [False, True])
def test_our_files_are_read_by_tifffile(
    noise: Callable[..., np.ndarray],
    exif_block: Callable[..., bytes],
    icc: bytes,
    dtype: str,
    channels: int,
    with_exif: bool,
) -> None:
    values = noise(5, 3, channels, dtype)
    block = exif_block(endian=">").removeprefix(b"Exif\0\0") if with_exif else None
    with tifffile.TiffFile(io.BytesIO(tiff_write.write(values, icc, block))) as file:
        page = file.pages.first
        assert np.array_equal(page.asarray().reshape(values.shape), values)
        assert page.tags[34675].value == icc
        assert page.extrasamples == ((2,) if channels in (2, 4) else ())
        assert ("Make" in page.tags) == with_exif
        if with_exif:
            assert page.tags["ExifTag"].value["DateTimeOriginal"] == "2021:02:03 04:05:06"


@pytest.mark.parametrize(("channels", "mode"), [(1, "L"), (2, "LA"), (3, "RGB"), (4, "RGBA")])
def test_our_files_are_read_by_pillow(noise: Callable[..., np.ndarray], channels: int, mode: str) -> None:
    values = noise(5, 3, channels)
    image = Image.open(io.BytesIO(tiff_write.write(values, None, None)))
    assert image.mode == mode
    assert np.array_equal(np.asarray(image).reshape(values.shape), values)
