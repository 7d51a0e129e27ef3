"""Which page of a TIFF file is read: the whole picture, never its thumbnail; raw photos are refused."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
import pytest
import tifffile
from make import tiffs
from make.images import read_image
from PIL import Image

from inrfit.errors import InputError
from inrfit.io import tiff


def two(first: np.ndarray, second: np.ndarray, kinds: tuple[int, int], **sub: Any) -> bytes:
    """Return a file of two pages, each with its NewSubfileType; with `sub` the second is one of the first's own."""
    file = io.BytesIO()
    with tifffile.TiffWriter(file) as writer:
        writer.write(first, subfiletype=kinds[0], metadata=None, **sub)
        writer.write(second, subfiletype=kinds[1], metadata=None)
    return file.getvalue()


@pytest.fixture(params=["uint8", "uint16"])
def whole(request: pytest.FixtureRequest) -> np.ndarray:
    full = np.iinfo(request.param).max
    return np.linspace(0, full, 20 * 30 * 3).reshape(20, 30, 3).astype(request.param)


@pytest.mark.parametrize("sub", [{}, {"subifds": 1}])
def test_a_thumbnail_before_the_picture_is_passed_over(whole: np.ndarray, sub: dict[str, Any]) -> None:
    signal = read_image(two(whole[::4, ::4], whole, (1, 0), photometric="rgb", **sub), "a.tif")
    assert np.array_equal(signal.values, whole)
    assert signal.info.notes == ("the largest picture was read, not the reduced one before it",)


@pytest.mark.parametrize("sub", [{}, {"subifds": 1}])
def test_overviews_behind_the_picture_are_no_pages(whole: np.ndarray, sub: dict[str, Any]) -> None:
    signal = read_image(two(whole, whole[::2, ::2], (0, 1), photometric="rgb", **sub), "a.tif")
    assert np.array_equal(signal.values, whole)
    assert signal.info.notes == ()


def test_a_reduced_picture_alone_is_told(whole: np.ndarray) -> None:
    file = io.BytesIO()
    tifffile.imwrite(file, whole, subfiletype=1, photometric="rgb")
    (note,) = read_image(file.getvalue(), "a.tif").info.notes
    assert note.startswith("the picture is marked as a reduced one, such as a thumbnail")


def test_a_larger_page_behind_the_first_is_told(whole: np.ndarray) -> None:
    signal = read_image(two(whole[::2, ::2], whole, (0, 0), photometric="rgb"), "a.tif")
    assert signal.info.notes == ("the first of 2 pages was read; another is larger, 30x20",)


def test_a_mask_behind_the_picture_is_told(whole: np.ndarray) -> None:
    signal = read_image(two(whole, whole[..., 0] > 3, (0, 4), photometric="rgb"), "a.tif")
    assert signal.info.notes == ("a mask of transparency was left out",)


@pytest.mark.parametrize(
    "tags",
    [
        {262: ("H", 32803)},
        {262: ("H", 34892)},
        {50706: ("B", (1, 4, 0, 0))},
        {33422: ("B", (0, 1, 1, 2))},
        {259: ("H", 34713)},
        {259: ("H", 32767)},
    ],
)
@pytest.mark.parametrize("bits", [8, 16])
def test_raw_photos_are_refused(tags: dict[int, Any], bits: int) -> None:
    data = tiffs.tiff(np.zeros((6, 6, 1), f"uint{bits}"), bits, more=tags)
    with pytest.raises(InputError, match=r"^a\.nef: is a raw photo of a camera") as caught:
        read_image(data, "a.nef")
    assert caught.value.hint == "convert it to TIFF or PNG with a raw developer"


@pytest.mark.parametrize(
    ("data", "what"),
    [
        (b"II*\0\x10\0\0\0CR\x02\0" + bytes(40), "CR2"),
        (b"\0\0\0\x18ftypcrx \0\0\0\1crx isom", "CR3"),
        (b"IIRO\x08\0\0\0" + bytes(40), "ORF"),
        (b"IIU\0\x18\0\0\0" + bytes(40), "RW2"),
        (b"FUJIFILMCCD-RAW 0201", "RAF"),
        (b"FOVb" + bytes(40), "X3F"),
        (b"\0\0\0\x18ftypheic\0\0\0\0mif1heic", "HEIC"),
        (b"\0\0\0\x18ftypmif1\0\0\0\0mif1heic", "HEIC"),
        (b"\xff\x0a" + bytes(40), "JPEG XL"),
        (b"\0\0\0\x0cJXL \r\n\x87\n", "JPEG XL"),
        (b"8BPS\0\1", "Photoshop"),
    ],
)
def test_other_pictures_are_called_by_their_name(data: bytes, what: str) -> None:
    with pytest.raises(InputError, match=rf"^a\.bin: is a .*{what}.*, which is not read") as caught:
        read_image(data, "a.bin")
    assert caught.value.hint == "convert it to TIFF or PNG"


@pytest.mark.parametrize("tag", [258, 262, 277, 317, 338, 339])
def test_a_damaged_tag_on_the_layout_is_not_passed_over(tag: int) -> None:
    values = np.zeros((6, 6, 5), np.uint16)
    data = bytearray(tiffs.tiff(values, 16, extra=(0,) * 4))
    with tifffile.TiffFile(io.BytesIO(bytes(data))) as file:
        at = file.pages.first.tags[tag].offset
    data[at + 2] = 99  # no type of a tag
    with pytest.raises(InputError, match=f"its tag {tag} is damaged"):
        read_image(bytes(data), "a.tif")


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("bits", [8, 16])
def test_the_tags_of_large_files_are_read(order: str, bits: int, icc: bytes) -> None:
    values = np.arange(60).reshape(4, 5, 3).astype(f"uint{bits}")
    plain = read_image(tiffs.tiff(values, bits, big=True, order=order, photometric=2), "a.tif")
    assert plain.info.exif is None
    assert plain.info.notes == ()
    length = len(tiffs.tiff(values, bits, big=True, order=order, photometric=2))
    tags = {271: ("s", b"Maker of cameras\0"), 34675: ("bytes", icc), 34665: ("Q", 0)}
    length = len(tiffs.tiff(values, bits, big=True, order=order, photometric=2, more=tags))
    own = tiffs.directory({36867: ("s", b"2021:02:03 04:05:06\0")}, order=order, big=True, at=length)
    tags[34665] = ("Q", length)
    data = tiffs.tiff(values, bits, big=True, order=order, photometric=2, more=tags) + own
    signal = read_image(data, "a.tif")
    assert signal.info.notes == ()
    assert signal.info.icc == icc
    assert np.array_equal(signal.values, values)
    found = Image.Exif()
    found.load(signal.info.exif or b"")
    assert found[271] == "Maker of cameras"
    assert found.get_ifd(34665)[36867] == "2021:02:03 04:05:06"


@pytest.mark.parametrize(("text", "expected"), [(b"-9999\0", -9999.0), (b"1e3 \0", 1000.0), (b"?\0", None)])
def test_the_number_for_no_data_is_handed_on(
    monkeypatch: pytest.MonkeyPatch, text: bytes, expected: float | None
) -> None:
    seen = []
    real = tiff.to_signal
    monkeypatch.setattr(tiff, "to_signal", lambda *a, nodata, **k: seen.append(nodata) or real(*a, **k))
    for dtype in ("uint8", "int16", "float32"):
        values = np.ones((4, 4, 1), dtype)
        read_image(tiffs.tiff(values, values.dtype.itemsize * 8, more={42113: ("s", text)}), "a.tif")
    assert seen == [expected] * 3
