"""Colours that PNG chunks describe: they come back in PNG, become a profile elsewhere, or their loss is told."""

from __future__ import annotations

import io
import struct
import zlib
from dataclasses import replace

import numpy as np
import pytest
from make.images import encoded_image, read_image
from PIL import Image, ImageCms

from inrfit.domain import image_domain
from inrfit.io import colour_profile, png, png_colour
from inrfit.io.image import ImageIO
from inrfit.signal import SignalInfo

DOMAIN = image_domain(4, 4)

CHUNKS = {
    b"cICP": bytes([9, 16, 0, 1]),
    b"sRGB": b"\1",
    b"gAMA": struct.pack(">I", 100000),
    b"cHRM": struct.pack(">8I", 31270, 32900, 70800, 29200, 17000, 79700, 13100, 4600),
    b"mDCV": struct.pack(">8H2I", *range(8), 10000000, 50),
    b"cLLI": struct.pack(">2I", 10000000, 4000000),
}
ADOBE = {"gAMA": "45455", "cHRM": "31270 32900 64000 33000 21000 71000 15000 6000"}


def picture(*chunks: tuple[bytes, bytes], depth: int = 8, spoil: bytes = b"") -> bytes:
    """Return a PNG of 3 x 2 with chunks before its samples; the checksum of the kind `spoil` is wrong."""
    row = b"\0" + bytes(range(9 * depth // 8))
    data = png.join(
        [
            (b"IHDR", struct.pack(">IIBBBBB", 3, 2, depth, 2, 0, 0, 0)),
            *chunks,
            (b"IDAT", zlib.compress(row * 2)),
            (b"IEND", b""),
        ]
    )
    if not spoil:
        return data
    at = data.index(spoil)
    (length,) = struct.unpack_from(">I", data, at - 4)
    end = at + 4 + length
    return data[:end] + bytes(byte ^ 1 for byte in data[end : end + 4]) + data[end + 4 :]


def kept(data: bytes) -> dict[bytes, bytes]:
    chunks, _ = png.split(data)
    return {kind: body for kind, body in chunks if kind in CHUNKS}


@pytest.mark.parametrize("depth", [8, 16])
@pytest.mark.parametrize(
    "names", [(b"gAMA",), (b"gAMA", b"cHRM"), (b"cICP", b"mDCV", b"cLLI"), tuple(CHUNKS)]
)
def test_chunks_on_colour_come_back(names: tuple[bytes, ...], depth: int) -> None:
    wanted = {name: CHUNKS[name] for name in names}
    signal = read_image(picture(*wanted.items(), depth=depth), "a.png")
    assert signal.info.notes == ()
    assert kept(encoded_image(signal.values, signal.info, ".png", "b.png")) == wanted


def test_samples_are_not_touched() -> None:
    plain, told = (read_image(picture(*chunks), "a.png").values for chunks in ((), CHUNKS.items()))
    assert np.array_equal(plain, told)


@pytest.mark.parametrize("name", sorted(CHUNKS))
@pytest.mark.parametrize("depth", [8, 16])
def test_damaged_chunks_are_noted_and_left_out(name: bytes, depth: int) -> None:
    good = (b"cLLI", CHUNKS[b"cLLI"]) if name != b"cLLI" else (b"mDCV", CHUNKS[b"mDCV"])
    for data in (
        picture((name, CHUNKS[name]), good, depth=depth, spoil=name),
        picture((name, CHUNKS[name][1:]), good, depth=depth),
        picture((name, CHUNKS[name] + b"\0"), good, depth=depth),
    ):
        signal = read_image(data, "a.png")
        assert signal.info.notes == (f"the {name.decode()} chunk is damaged and was left out",)
        assert kept(encoded_image(signal.values, signal.info, ".png", "b.png")) == dict([good])


def test_a_damaged_text_does_not_cost_the_picture() -> None:
    signal = read_image(picture((b"tEXt", b"Title\0x"), spoil=b"tEXt"), "a.png")
    assert signal.info.notes == ("the tEXt chunk is damaged and was left out",)


def test_tags_that_are_no_chunks_make_none() -> None:
    tags = {"gAMA": "-1", "cHRM": "1 2 3", "cICP": "x", "sRGB": "256", "title": "7", "cLLI": "1 2"}
    assert png_colour.chunks(tags) == png.chunk(b"cLLI", struct.pack(">2I", 1, 2))


@pytest.mark.parametrize("suffix", [".jpg", ".webp", ".avif", ".tif"])
def test_other_formats_get_a_profile(suffix: str) -> None:
    info = SignalInfo(tags=ADOBE)
    values = np.full((16, 16, 3), 200, np.uint8)
    again = read_image(encoded_image(values, info, suffix, f"a{suffix}"), f"a{suffix}")
    assert again.info.icc == colour_profile.profile(ADOBE, grey=False)
    assert ImageIO().losses(info, DOMAIN, 3, suffix) == ()


def test_a_profile_shows_the_colours_that_the_chunks_mean() -> None:
    made = colour_profile.profile(ADOBE, grey=False)
    assert made is not None
    profile = ImageCms.ImageCmsProfile(io.BytesIO(made))
    image = Image.new("RGB", (1, 1), (200, 100, 50))
    shown = ImageCms.profileToProfile(image, profile, ImageCms.createProfile("sRGB"))
    linear = (np.array([200, 100, 50]) / 255) ** (100000 / 45455)
    to_xyz = np.array([[0.57667, 0.18556, 0.18823], [0.29734, 0.62736, 0.07529], [0.02703, 0.07069, 0.99134]])
    to_srgb = np.linalg.inv(
        np.array([[0.41239, 0.35758, 0.18048], [0.21264, 0.71517, 0.07219], [0.01933, 0.11919, 0.95053]])
    )
    light = np.clip(to_srgb @ to_xyz @ linear, 0, 1)
    ideal = 255 * np.where(light > 0.0031308, 1.055 * light ** (1 / 2.4) - 0.055, 12.92 * light)
    assert shown is not None
    assert np.abs(np.array(shown)[0, 0] - ideal).max() <= 2


def test_linear_grey_gets_a_profile_of_one_curve() -> None:
    made = colour_profile.profile({"gAMA": "100000"}, grey=True)
    assert made is not None
    image = Image.new("L", (1, 1), 55)
    profile = ImageCms.ImageCmsProfile(io.BytesIO(made))
    shown = ImageCms.profileToProfile(image, profile, ImageCms.createProfile("sRGB"), outputMode="RGB")
    assert shown is not None
    light = 55 / 255
    assert abs(int(np.array(shown)[0, 0, 0]) - 255 * (1.055 * light ** (1 / 2.4) - 0.055)) <= 2


@pytest.mark.parametrize(
    "tags",
    [
        {},
        {"sRGB": "0", "gAMA": "100000"},
        {"gAMA": "45455"},
        {"cHRM": "31270 0 0 0 0 0 0 0", "gAMA": "9"},
        {"cHRM": "31270 32900 1 0 1 0 1 0"},
    ],
)
def test_no_profile_is_made_of_srgb_or_of_no_colours(tags: dict[str, str]) -> None:
    assert colour_profile.profile(tags, grey=False) is None


def test_a_profile_of_the_picture_wins() -> None:
    info = SignalInfo(tags=ADOBE, icc=colour_profile.profile({"gAMA": "100000"}, grey=False))
    values = np.full((16, 16, 3), 200, np.uint8)
    assert read_image(encoded_image(values, info, ".tif", "a.tif"), "a.tif").info.icc == info.icc


def test_what_no_other_format_holds_is_told() -> None:
    info = SignalInfo(tags={"cICP": "9 16 0 1", "cLLI": "1 2"})
    assert ImageIO().losses(info, DOMAIN, 3, ".png") == ()
    (told,) = ImageIO().losses(info, DOMAIN, 3, ".jpg")
    assert told == ".jpg does not hold the colour space of the picture (cICP, cLLI); .png does"
    assert ImageIO().losses(replace(info, tags={"cICP": "1 13 0 1"}), DOMAIN, 3, ".jpg") == ()


def test_the_colour_space_of_an_avif_is_kept() -> None:
    file = io.BytesIO()
    Image.new("RGB", (16, 16), (200, 100, 50)).save(file, "AVIF")
    plain = file.getvalue()
    assert read_image(plain, "a.avif").info.tags == {}
    at = plain.index(b"colrnclx") + 8
    data = plain[:at] + struct.pack(">HH", 9, 16) + plain[at + 4 :]
    info = read_image(data, "a.avif").info
    assert info.tags == {"cICP": "9 16 0 1"}
    assert kept(encoded_image(np.zeros((2, 2, 3), np.uint8), info, ".png", "b.png")) == {
        b"cICP": bytes([9, 16, 0, 1])
    }
