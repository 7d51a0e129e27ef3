"""What a crop leaves of an EXIF block: tags that are true of a part of the picture, and not a byte besides."""

from __future__ import annotations

import struct
from collections.abc import Callable

import numpy as np
import pytest
from PIL import ExifTags, Image

from inrfit import api
from inrfit.codec.chunks import EXIF
from inrfit.codec.container import Reader
from inrfit.io import exif

SECRETS = (b"thumbnail of the whole", b"maker note", b"a person on the left", b"unique number of the picture")


def block(endian: str = "<") -> bytes:
    """Return an EXIF block of a camera, with a thumbnail and much that tells of the picture."""
    tags = Image.Exif()
    tags.endian = endian
    tags[ExifTags.Base.Make] = "Maker of cameras"
    tags[ExifTags.Base.Model] = "X1"
    tags[ExifTags.Base.DateTime] = "2021:02:03 04:05:06"
    tags[ExifTags.Base.Copyright] = "Someone"
    tags[ExifTags.Base.ImageDescription] = SECRETS[2].decode()
    tags[ExifTags.Base.ImageWidth] = 4000
    tags[ExifTags.Base.XMLPacket] = SECRETS[2]
    camera = tags.get_ifd(ExifTags.IFD.Exif)
    camera[ExifTags.Base.ExposureTime] = 0.25
    camera[ExifTags.Base.FNumber] = 5.6
    camera[ExifTags.Base.ISOSpeedRatings] = 400
    camera[ExifTags.Base.LensModel] = "50 mm"
    camera[ExifTags.Base.ExifImageWidth] = 4000
    camera[ExifTags.Base.SubjectLocation] = (10, 20)
    camera[ExifTags.Base.MakerNote] = SECRETS[1]
    camera[ExifTags.Base.ImageUniqueID] = SECRETS[3].decode()
    place = tags.get_ifd(ExifTags.IFD.GPSInfo)
    place[ExifTags.GPS.GPSLatitude] = (47.0, 22.0, 30.5)
    place[ExifTags.GPS.GPSDestLatitude] = (1.0, 2.0, 3.0)
    return with_thumbnail(tags.tobytes().removeprefix(b"Exif\0\0"), endian)


def with_thumbnail(data: bytes, endian: str) -> bytes:
    """Return a block with a second directory that points to a thumbnail."""
    (start,) = struct.unpack_from(endian + "I", data, 4)
    (count,) = struct.unpack_from(endian + "H", data, start)
    after = start + 2 + 12 * count
    entries = struct.pack(endian + "HHHII", 2, 0x201, 4, 1, len(data) + 30)
    entries += struct.pack(endian + "HHII", 0x202, 4, 1, len(SECRETS[0])) + bytes(4)
    return data[:after] + struct.pack(endian + "I", len(data)) + data[after + 4 :] + entries + SECRETS[0]


def parsed(data: bytes | None) -> Image.Exif:
    loaded = Image.Exif()
    loaded.load(data or b"")
    return loaded


@pytest.mark.parametrize("endian", ["<", ">"])
def test_only_harmless_tags_stay(endian: str) -> None:
    whole = block(endian)
    assert all(secret in whole for secret in SECRETS)
    assert parsed(whole).get_ifd(ExifTags.IFD.IFD1)
    part = exif.of_part(whole)
    assert part is not None
    tags = parsed(part)
    assert set(tags) == {271, 272, 306, 33432, ExifTags.IFD.Exif, ExifTags.IFD.GPSInfo}
    assert (tags[271], tags[33432]) == ("Maker of cameras", "Someone")
    camera = {0x829A: 0.25, 0x829D: 5.6, 0x8827: 400, 0xA434: "50 mm"}
    assert tags.get_ifd(ExifTags.IFD.Exif) == camera
    assert tags.get_ifd(ExifTags.IFD.GPSInfo) == {2: (47.0, 22.0, 30.5)}
    assert not tags.get_ifd(ExifTags.IFD.IFD1)
    assert not any(secret in part for secret in SECRETS)
    assert part[:2] == whole[:2]


@pytest.mark.parametrize("endian", ["<", ">"])
def test_twice_is_once(endian: str) -> None:
    once = exif.of_part(block(endian))
    assert exif.of_part(once) == once
    assert exif.of_part(exif.PREFIX + block(endian)) == once


def test_nothing_left_is_no_block() -> None:
    tags = Image.Exif()
    tags[ExifTags.Base.ImageDescription] = "all of it"
    assert exif.of_part(tags.tobytes()) is None
    assert exif.of_part(None) is None
    assert exif.of_part(b"") is None


def test_a_damaged_block_goes_and_random_damage_never_raises() -> None:
    whole = block()
    for damaged in (b"II*\0", b"garbage and more", whole[:40], b"MM\0*\xff\xff\xff\xff"):
        assert exif.of_part(damaged) is None
    rng = np.random.default_rng(0)
    for _ in range(500):
        data = bytearray(whole)
        data[rng.integers(len(data) - len(SECRETS[0]))] = rng.integers(256)
        part = exif.of_part(bytes(data))
        assert part is None or (len(part) <= len(whole) and exif.of_part(part) == part)


def test_values_that_overlap_are_not_multiplied() -> None:
    kept = (0x10F, 0x110, 0x132, 0x13B, 0x8298)
    size = 1 << 16
    table = b"".join(struct.pack("<HHII", tag, 2, size, 80) for tag in kept)
    data = b"II*\0" + struct.pack("<IH", 8, len(kept)) + table
    assert exif.of_part(data.ljust(80, b"\0") + b"a" * size) is None


def test_a_crop_of_a_photo_drops_its_thumbnail(plain: Callable[..., bytes]) -> None:
    data = plain(exif=block())
    crop = api.crop(data, keep="0,0")
    with Reader(crop) as reader:
        assert reader.ancillary[EXIF] == exif.of_part(block())
    again = api.crop(api.crop(data, keep="0:2,0"), keep="0,0")
    assert again == crop
