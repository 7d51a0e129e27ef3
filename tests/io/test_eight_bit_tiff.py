"""TIFF pictures of up to 8 bit in common layouts, against files laid out by hand; deeper ones are in test_tiff_samples."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
import pytest
from make import tiffs
from make.images import read_image
from make.tiffs import DEFLATE, LZW, NONE, PACKBITS, ZSTD
from PIL import Image

from inrfit.errors import InputError
from inrfit.io import formats


@pytest.fixture
def grey() -> np.ndarray:
    return np.random.default_rng(8).integers(0, 256, (20, 33, 1), np.uint8)


@pytest.fixture
def colour() -> np.ndarray:
    return np.random.default_rng(9).integers(0, 256, (20, 33, 3), np.uint8)


@pytest.mark.parametrize("compression", [NONE, LZW, DEFLATE, PACKBITS, ZSTD])
@pytest.mark.parametrize(
    "cut",
    [
        {"strip": 7},
        {"planar": True, "strip": 7},
        {"tile": (16, 16)},
        {"order": ">"},
        {"big": True, "order": ">"},
    ],
)
def test_colours_are_read_in_every_cut(colour: np.ndarray, cut: dict[str, Any], compression: int) -> None:
    signal = read_image(tiffs.tiff(colour, 8, photometric=2, compression=compression, **cut), "a.tif")
    assert np.array_equal(signal.values, colour)
    assert signal.info.notes == ()


@pytest.mark.parametrize("bits", [1, 2, 4, 8])
@pytest.mark.parametrize("photometric", [0, 1])
def test_few_bits_of_grey_fill_eight(grey: np.ndarray, bits: int, photometric: int) -> None:
    values = grey >> (8 - bits)
    white = 2**bits - 1
    signal = read_image(tiffs.tiff(values, bits, photometric=photometric), "a.tif")
    expected = values if photometric else white - values
    assert np.array_equal(signal.values, expected * (255 // white))


@pytest.mark.parametrize("bits", [4, 8])
def test_palettes_become_colours(grey: np.ndarray, bits: int) -> None:
    values = grey >> (8 - bits)
    table = np.random.default_rng(1).integers(0, 256, (3, 2**bits))
    more = {320: ("H", tuple((table * 257).reshape(-1).tolist()))}
    signal = read_image(tiffs.tiff(values, bits, photometric=3, more=more), "a.tif")
    assert np.array_equal(signal.values, table[:, values[..., 0]].transpose(1, 2, 0))


def test_other_inks_than_cmyk_are_refused() -> None:
    data = tiffs.tiff(np.zeros((4, 4, 4), np.uint8), 8, photometric=5, more={332: ("H", 2)})
    with pytest.raises(InputError, match="colours of the kind SEPARATED are not read for 4 x 8 bits"):
        read_image(data, "a.tif")


@pytest.mark.parametrize("photometric", [6, 8, 3, 5])
def test_colours_of_other_kinds_are_named_at_16_bits(photometric: int) -> None:
    values = np.zeros((4, 4, {3: 1, 5: 4}.get(photometric, 3)), np.uint16)
    with pytest.raises(
        InputError, match=r"^a\.tif: TIFF colours of the kind [A-Z]+ are not read for . x 16 bits"
    ):
        read_image(tiffs.tiff(values, 16, photometric=photometric), "a.tif")


def test_a_second_picture_in_a_jpeg_is_told(colour: np.ndarray) -> None:
    file = io.BytesIO()
    Image.fromarray(colour).save(file, "MPO", save_all=True, append_images=[Image.fromarray(colour)])
    assert read_image(file.getvalue(), "a.jpg").info.notes == ("the first of 2 frames was read",)


@pytest.mark.parametrize("form", ["PNG", "GIF", "BMP", "WEBP", "PPM"])
def test_few_bytes_may_not_announce_gigabytes(form: str, monkeypatch: pytest.MonkeyPatch) -> None:
    file = io.BytesIO()
    Image.new("P" if form == "GIF" else "RGB", (400, 400)).save(file, form)
    data = file.getvalue()
    assert read_image(data, "a").domain.shape == (400, 400)
    monkeypatch.setattr(formats, "BYTES", 1000)
    monkeypatch.setattr(formats, "EXPANSION", 1 if form in ("BMP", "PPM") else 64)
    with pytest.raises(
        InputError, match=r"^a: announces [0-9]+ bytes of samples, for a file of [0-9]+ bytes"
    ):
        read_image(data[:4000] if form in ("BMP", "PPM") else data, "a")
