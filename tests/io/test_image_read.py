"""Image files to samples: values, not modes, for every kind of colour; orientation, profile, EXIF and frames."""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from make.images import read_image
from PIL import Image, ImageOps

from inrfit.errors import InputError
from inrfit.io import exif, png, png_write
from inrfit.io.formats import is_deep_avif
from inrfit.signal import ArraySignal


def read(data: bytes, name: str = "a.png") -> ArraySignal:
    return read_image(data, name)


def saved(image: Image.Image, form: str, **options: Any) -> bytes:
    file = io.BytesIO()
    image.save(file, form, **options)
    return file.getvalue()


@pytest.mark.parametrize(
    ("channels", "colour"), [(1, "grey"), (2, "grey-alpha"), (3, "rgb"), (4, "rgb-alpha")]
)
@pytest.mark.parametrize("size", [(1, 1), (1, 7), (7, 1), (5, 3)])
@pytest.mark.parametrize("form", ["PNG", "TIFF"])
def test_eight_bit_samples_are_exact(
    noise: Callable[..., np.ndarray],
    pillow_file: Callable[..., bytes],
    form: str,
    size: tuple[int, int],
    channels: int,
    colour: str,
) -> None:
    values = noise(*size, channels)
    signal = read(pillow_file(values, form))
    assert np.array_equal(signal.values, values)
    assert signal.info.colour == colour
    assert signal.info.dtype == "uint8"
    assert signal.info.value_range == (0, 255)
    assert signal.domain.shape == size


@pytest.mark.parametrize(
    ("form", "suffix"), [("PNG", ".png"), ("TIFF", ".tif"), ("BMP", ".bmp"), ("GIF", ".gif")]
)
def test_one_bit_becomes_black_and_white(form: str, suffix: str) -> None:
    bits = np.array([[True, False, True], [False, False, True]])
    signal = read(saved(Image.fromarray(bits), form), "a" + suffix)
    assert signal.values.reshape(2, 3, -1)[..., 0].tolist() == [[255, 0, 255], [0, 0, 255]]
    assert signal.info.suffix == suffix
    assert signal.info.notes == ()


def palette_image(indices: list[list[int]]) -> Image.Image:
    image = Image.fromarray(np.array(indices, np.uint8), "L").convert("P")
    image.putpalette([10, 20, 30, 40, 50, 60, 70, 80, 90])
    image.putdata([index for row in indices for index in row])
    return image


@pytest.mark.parametrize("form", ["PNG", "GIF", "TIFF", "BMP"])
def test_a_palette_becomes_rgb(form: str) -> None:
    signal = read(saved(palette_image([[0, 1], [2, 1]]), form))
    assert signal.values.tolist() == [[[10, 20, 30], [40, 50, 60]], [[70, 80, 90], [40, 50, 60]]]
    assert signal.info.colour == "rgb"


def test_a_palette_with_alpha_becomes_rgb_alpha() -> None:
    signal = read(saved(palette_image([[0, 1, 2]]), "PNG", transparency=bytes([7, 255, 128])))
    assert signal.values.tolist() == [[[10, 20, 30, 7], [40, 50, 60, 255], [70, 80, 90, 128]]]
    assert signal.info.colour == "rgb-alpha"


@pytest.mark.parametrize("form", ["PNG", "GIF"])
def test_a_transparent_palette_entry_becomes_alpha(form: str) -> None:
    signal = read(saved(palette_image([[0, 1, 2]]), form, transparency=1))
    assert signal.values[0, :, 3].tolist() == [255, 0, 255]
    assert signal.values[0, 2, :3].tolist() == [70, 80, 90]


def test_webp_keeps_colour_and_alpha(
    noise: Callable[..., np.ndarray], pillow_file: Callable[..., bytes]
) -> None:
    for channels in (3, 4):
        values = noise(5, 3, channels)
        signal = read(pillow_file(values, "WEBP", lossless=True, exact=True))
        assert np.array_equal(signal.values, values)
        assert signal.info.suffix == ".webp"


def test_avif_is_read(pillow_file: Callable[..., bytes]) -> None:
    values = np.full((5, 3, 3), (200, 100, 50), np.uint8)
    signal = read(pillow_file(values, "AVIF", quality=100, subsampling="4:4:4"), "a.avif")
    assert np.abs(signal.values.astype(int) - values).max() <= 2
    assert signal.info.suffix == ".avif"
    assert signal.info.notes == ()


def test_deep_avif_is_told_from_eight_bit(pillow_file: Callable[..., bytes]) -> None:
    data = bytearray(pillow_file(np.zeros((5, 3, 3), np.uint8), "AVIF"))
    assert not is_deep_avif(bytes(data))
    data[data.index(b"av1C") + 6] |= 0x40
    assert is_deep_avif(bytes(data))
    assert not is_deep_avif(b"av1C")


def test_cmyk_jpeg_becomes_rgb(noise: Callable[..., np.ndarray]) -> None:
    cmyk = np.broadcast_to(noise(1, 1, 4), (16, 16, 4))
    image = Image.frombytes("CMYK", (16, 16), cmyk.tobytes())
    signal = read(saved(image, "JPEG", quality=100, icc_profile=b"a profile of CMYK"), "a.jpg")
    ideal = (255.0 - cmyk[..., :3]) * (255 - cmyk[..., 3:]) / 255
    assert np.abs(np.asarray(signal.values, float) - ideal).max() <= 3
    assert signal.info.colour == "rgb"
    assert signal.info.icc is None
    assert signal.info.notes == ("CMYK was converted to RGB, without colour management",)


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("form", ["PNG", "WEBP", "JPEG", "AVIF"])
def test_orientation_is_applied_and_taken_out(
    noise: Callable[..., np.ndarray],
    pillow_file: Callable[..., bytes],
    exif_block: Callable[..., bytes],
    form: str,
    orientation: int,
) -> None:
    options = {"lossless": True} if form == "WEBP" else {}
    data = pillow_file(noise(16, 24), form, exif=exif_block(orientation), **options)
    shown = np.asarray(ImageOps.exif_transpose(Image.open(io.BytesIO(data))))
    signal = read(data)
    assert np.array_equal(signal.values, shown)
    assert signal.values.flags.c_contiguous
    assert signal.values.flags.writeable
    assert signal.domain.shape == ((24, 16) if orientation >= 5 else (16, 24))
    kept = Image.Exif()
    kept.load(signal.info.exif or b"")
    assert 274 not in kept
    assert kept[271] == "Maker of cameras"


def test_orientation_of_16_bit_png_is_applied(
    noise: Callable[..., np.ndarray], exif_block: Callable[..., bytes]
) -> None:
    values = noise(5, 3, 3, "uint16")
    signal = read(png_write.write(values, None, exif_block(8).removeprefix(b"Exif\0\0")))
    assert np.array_equal(signal.values, exif.orient(values, 8))


@pytest.mark.parametrize("form", ["PNG", "JPEG", "WEBP", "AVIF", "TIFF"])
def test_profile_and_exif_are_kept(
    noise: Callable[..., np.ndarray],
    pillow_file: Callable[..., bytes],
    exif_block: Callable[..., bytes],
    icc: bytes,
    form: str,
) -> None:
    signal = read(pillow_file(noise(16, 24), form, exif=exif_block(), icc_profile=icc))
    assert signal.info.icc == icc
    kept = Image.Exif()
    kept.load(signal.info.exif or b"")
    assert kept[33432] == "Someone"
    assert kept.get_ifd(0x8769)[36867] == "2021:02:03 04:05:06"


def test_a_damaged_exif_block_does_not_cost_the_image(
    noise: Callable[..., np.ndarray], pillow_file: Callable[..., bytes]
) -> None:
    signal = read(pillow_file(noise(16, 24), "JPEG", exif=b"Exif\0\0II*\0nonsense"), "a.jpg")
    assert signal.domain.shape == (16, 24)
    assert signal.info.exif is None
    assert signal.info.notes == ("the EXIF block is damaged and was left out",)


@pytest.mark.parametrize("form", ["GIF", "PNG", "WEBP"])
def test_of_an_animation_the_first_frame_is_read(form: str) -> None:
    frames = [palette_image([[i, 1], [2, 0]]) for i in range(3)]
    data = saved(frames[0].convert("RGB"), form, save_all=True, append_images=frames[1:], lossless=True)
    signal = read(data)
    assert signal.values.tolist() == [[[10, 20, 30], [40, 50, 60]], [[70, 80, 90], [10, 20, 30]]]
    more = "; --kind video makes a clip of them all" if form == "GIF" else ""
    assert signal.info.notes[0] == f"the first of 3 frames was read{more}"


def test_a_phone_photo_with_a_second_picture_is_a_jpeg(noise: Callable[..., np.ndarray]) -> None:
    images = [Image.fromarray(noise(16, 24)), Image.fromarray(noise(8, 12))]
    data = saved(images[0], "MPO", save_all=True, append_images=images[1:])
    signal = read(data, "a.jpg")
    assert signal.domain.shape == (16, 24)
    assert signal.info.suffix == ".jpg"
    assert signal.info.notes == ("the first of 2 frames was read",)


def test_a_limit_of_pillow_neither_warns_nor_changes(
    noise: Callable[..., np.ndarray], pillow_file: Callable[..., bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 10)
    assert read(pillow_file(noise(16, 24), "PNG")).domain.size == 384
    with pytest.raises(InputError):
        read(b"\x89PNG\r\n\x1a\n")
    assert Image.MAX_IMAGE_PIXELS == 10


@pytest.mark.parametrize("form", ["PNG", "BMP", "GIF"])
def test_a_bomb_is_refused_before_it_is_decoded(form: str) -> None:
    width, height = 60_000, 50_000
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    data = {
        "PNG": png.join([(b"IHDR", header), (b"IDAT", zlib.compress(bytes(99))), (b"IEND", b"")]),
        "BMP": b"BM"
        + struct.pack("<IIIIiiHHIIiiII", 1000, 0, 54, 40, width, height, 1, 24, 0, 0, 0, 0, 0, 0),
        "GIF": b"GIF89a" + struct.pack("<HHBBB", width, height, 0, 0, 0) + b",\0\0\0\0\1\0\1\0\0\2\2D\1\0;",
    }[form]
    with pytest.raises(InputError, match=f"{width}x{height} is 3000000000 pixels, more than the 268435456"):
        read(data)


def test_rare_colours_are_refused_with_a_hint(tiff_file: Callable[..., bytes]) -> None:
    data = tiff_file((2, 2, 3), [bytes(12)], 8, t262=8)
    with pytest.raises(InputError, match="TIFF colours of the kind CIELAB are not read") as caught:
        read(data, "a.tif")
    assert "RGB" in (caught.value.hint or "")
