"""The awkward images beside the project: each gives the signal that a reference decoder gives, or an InputError."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from inrfit import io
from inrfit.errors import InputError

AWKWARD = Path(__file__).resolve().parents[2].parent / "shared" / "data" / "awkward"
IMAGES = AWKWARD / "images"
TURNED = {"exif6.jpg", "hopper_orientation_6.jpg", "vips_rotation_6.jpg"}
REFUSED = {
    "hopper.Lab.tif",
    "pngsuite/xcsn0g01.png",  # a wrong checksum, which Pillow does not look at
}
READ_AS_WELL = {  # what Pillow alone does not read: 12-bit RGB, float RGB, a profile whose checksum is wrong
    "tiff_flower-rgb-contig-12.tif": (43, 73),
    "tiff_gradient-3c-32b-float.tiff": (1, 256),
    "unknown_compression_method.png": (57, 57),
}


def reference() -> dict[str, str]:
    """Return the reference decoder's word on each image by its path."""
    table = AWKWARD / "REFERENCE_DECODE.tsv"
    if not table.exists():
        return {}
    rows = (line.split("\t") for line in table.read_text().splitlines())
    return {
        row[0].removeprefix("awkward/images/"): row[1] for row in rows if row[0].startswith("awkward/images/")
    }


def files() -> list[str]:
    return sorted(str(path.relative_to(IMAGES)) for path in IMAGES.rglob("*") if path.is_file())


def expected_shape(name: str, verdict: str) -> tuple[int, int] | None:
    """Return rows and columns, or None where the file is to be refused."""
    if name in READ_AS_WELL:
        return READ_AS_WELL[name]
    if name in REFUSED or not verdict.startswith("ok"):
        return None
    width, height = map(
        int, next(word for word in verdict.split() if "x" in word and word[0].isdigit()).split("x")
    )
    return (width, height) if name in TURNED else (height, width)


pytestmark = [
    pytest.mark.shared,
    pytest.mark.skipif(not IMAGES.exists(), reason="the shared test material is not there"),
]


def native(name: str) -> NDArray[Any]:
    """Return the samples of a file as stored."""
    return np.asarray(io.read(IMAGES / name).dense())


@pytest.mark.parametrize("name", files())
def test_each_is_read_as_expected_or_refused(name: str, capfd: pytest.CaptureFixture[str]) -> None:
    shape = expected_shape(name, reference()[name])
    try:
        signal = io.read(IMAGES / name)
    except InputError as error:
        assert shape is None, error.message
        assert "\n" not in error.message
        assert error.message.startswith(str(IMAGES / name))
    else:
        assert signal.domain.shape == shape
        assert np.isfinite(np.asarray(signal.dense(), np.float64)).all()
        assert np.abs(signal.sample(np.array([[0, 0]]))).max() <= 1
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("name", [name for name in files() if name.startswith("pngsuite/b") and "16" in name])
def test_16_bit_pngs_hold_what_pillow_narrows(name: str) -> None:
    """The high bytes are what Pillow's 8-bit reading gives, and the low bytes are there."""
    values = native(name)
    assert values.dtype == np.uint16
    narrow = np.asarray(Image.open(IMAGES / name))
    if narrow.dtype == np.uint16:
        assert np.array_equal(values[..., 0], narrow)
    else:
        channels = [0, 3] if values.shape[-1] == 2 else list(range(values.shape[-1]))
        assert np.array_equal(values >> 8, narrow[..., channels])
    assert (values & 255 != values >> 8).any()


@pytest.mark.parametrize("kind", ["0g16", "2c16", "6a16", "2c08", "3p04", "4a08"])
def test_interlaced_and_plain_files_hold_the_same_picture(kind: str) -> None:
    plain = native(f"pngsuite/basn{kind}.png")
    assert np.array_equal(native(f"pngsuite/basi{kind}.png"), plain)


@pytest.mark.parametrize("name", ["tbbn2c16", "tbgn2c16", "tbrn2c08", "tp1n3p08", "tbbn3p08"])
def test_transparent_pngs_agree_with_opencv(name: str) -> None:
    data = np.frombuffer((IMAGES / f"pngsuite/{name}.png").read_bytes(), np.uint8)
    values = native(f"pngsuite/{name}.png")
    reference = np.asarray(cv2.imdecode(data, cv2.IMREAD_UNCHANGED))[..., [2, 1, 0, 3]]
    assert np.array_equal(values[..., 3], reference[..., 3])
    assert np.array_equal(values[..., :3], reference[..., :3])
    assert set(values[..., 3].ravel().tolist()) >= {0, np.iinfo(values.dtype).max}


def test_twelve_bit_and_sixteen_bit_versions_agree() -> None:
    narrow = native("tiff_flower-rgb-contig-12.tif")
    wide = native("tiff_flower-rgb-contig-16.tif")
    assert np.abs(narrow / 4095 - wide / 65535).max() < 1 / 4095


def test_premultiplied_alpha_agrees_with_pillow() -> None:
    values = native("tiff_16bit_RGBa.tiff") / 257
    narrow = np.asarray(Image.open(IMAGES / "tiff_16bit_RGBa.tiff")).astype(float)
    solid = narrow[..., 3] > 100
    assert solid.any()
    assert np.abs(values - narrow)[solid].max() < 4


def test_a_jpeg_named_png_is_read_with_a_note() -> None:
    info = io.read(IMAGES / "jpeg_named.png").info
    assert info.suffix == ".jpg"
    assert info.notes == ("the file is named .png but holds JPEG",)


def test_a_photo_keeps_its_profile_and_exif() -> None:
    info = io.read(IMAGES / "rgb.jpg").info
    assert info.icc is not None
    assert info.icc[36:40] == b"acsp"
    exif = Image.Exif()
    exif.load(info.exif or b"")
    assert 271 in exif or exif.get_ifd(0x8769)
    assert 274 not in exif
