"""EXIF blocks: the orientation is applied and taken out, everything else keeps its bytes."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from PIL import Image, ImageOps

from inrfit.io import exif


def parsed(block: bytes | None) -> Image.Exif:
    loaded = Image.Exif()
    loaded.load(block or b"")
    return loaded


@pytest.mark.parametrize("orientation", range(1, 9))
def test_turning_agrees_with_pillow(orientation: int) -> None:
    values = np.arange(15, dtype=np.uint8).reshape(3, 5)
    image = Image.fromarray(values)
    image.getexif()[274] = orientation
    assert np.array_equal(
        exif.orient(values[..., None], orientation)[..., 0], np.asarray(ImageOps.exif_transpose(image))
    )


@pytest.mark.parametrize("orientation", [0, 9, 65535])
def test_unknown_orientations_change_nothing(orientation: int) -> None:
    values = np.arange(6).reshape(2, 3)
    assert np.array_equal(exif.orient(values, orientation), values)


@pytest.mark.parametrize("endian", ["<", ">"])
@pytest.mark.parametrize("orientation", [1, 6, 8])
def test_only_the_orientation_is_taken_out(
    exif_block: Callable[..., bytes], orientation: int, endian: str
) -> None:
    found, kept, notes = exif.split(exif_block(orientation, endian))
    assert found == orientation
    assert notes == ()
    tags = parsed(kept)
    assert 274 not in tags
    assert tags[271] == "Maker of cameras"
    assert tags[33432] == "Someone"
    assert tags.get_ifd(0x8769)[36867] == "2021:02:03 04:05:06"


def test_a_block_without_orientation_keeps_every_byte(exif_block: Callable[..., bytes]) -> None:
    block = exif_block()
    assert exif.split(block) == (1, block.removeprefix(b"Exif\0\0"), ())


def test_a_block_of_nothing_but_orientation_leaves_none() -> None:
    block = Image.Exif()
    block[274] = 3
    assert exif.split(block.tobytes()) == (3, None, ())
    assert exif.split(None) == (1, None, ())


def test_a_damaged_block_is_dropped_with_a_note(exif_block: Callable[..., bytes]) -> None:
    for block in (b"Exif\0\0garbage", b"II*\0", exif_block(6)[:40], b"II*\0\xff\xff\xff\x7f"):
        orientation, kept, notes = exif.split(block)
        assert (orientation, kept) == (1, None)
        assert notes == ("the EXIF block is damaged and was left out",)


def test_random_damage_never_raises(
    exif_block: Callable[..., bytes], recwarn: pytest.WarningsRecorder
) -> None:
    rng = np.random.default_rng(0)
    block = exif_block(6)
    for _ in range(300):
        damaged = bytearray(block)
        damaged[rng.integers(len(block))] = rng.integers(256)
        orientation, kept, _ = exif.split(bytes(damaged))
        assert isinstance(orientation, int)
        assert kept is None or len(kept) == len(block) - 6


def test_a_tiff_gives_its_descriptive_tags_alone(exif_block: Callable[..., bytes]) -> None:
    tags = parsed(exif_block(6))
    tags[256], tags[270], tags[305] = 640, '{"shape": [1, 2]}', "some program"
    block, notes = exif.from_tiff(tags.tobytes().removeprefix(b"Exif\0\0"))
    assert set(parsed(block)) == {271, 33432, 0x8769}
    assert notes == ()
    assert exif.from_tiff(b"nonsense") == (None, ("the EXIF block is damaged and was left out",))
