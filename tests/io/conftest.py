"""Samples and files that several test modules of this room need."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from PIL import Image

MakeNoise = Callable[..., np.ndarray]
PillowFile = Callable[..., bytes]
TiffFile = Callable[..., bytes]


@pytest.fixture
def noise() -> MakeNoise:
    """Return a function that makes repeatable random samples [H, W, C] over the whole range of a type."""

    def make(height: int, width: int, channels: int = 3, dtype: str = "uint8") -> np.ndarray:
        rng = np.random.default_rng([height, width, channels])
        if dtype == "float32":
            return rng.random((height, width, channels), dtype=np.float32)
        return rng.integers(0, np.iinfo(dtype).max, (height, width, channels), dtype, endpoint=True)

    return make


@pytest.fixture
def pillow_file() -> PillowFile:
    """Return a function that writes samples with Pillow, as a reference that is not ours."""

    def make(values: np.ndarray, form: str, mode: str | None = None, **options: Any) -> bytes:
        file = io.BytesIO()
        image = Image.fromarray(values[..., 0] if values.ndim == 3 and values.shape[-1] == 1 else values)
        (image if mode is None else image.convert(mode)).save(file, form, **options)
        return file.getvalue()

    return make


@pytest.fixture
def tiff_file() -> TiffFile:
    """Return a function that lays out a little-endian TIFF from strips and tags."""

    def make(shape: tuple[int, ...], strips: list[bytes], bits: int, **tags: Any) -> bytes:
        height, width, channels = shape
        exif = Image.Exif()
        exif.endian = "<"
        sizes = [len(strip) for strip in strips]
        layout = {
            256: width,
            257: height,
            258: (bits,) * channels,
            259: 1,
            262: 2 if channels > 2 else 1,
            273: tuple(sum(sizes[:i]) for i in range(len(sizes))),
            277: channels,
            278: height,
            279: tuple(sizes),
        }
        for tag, value in {**layout, **{int(tag[1:]): value for tag, value in tags.items()}}.items():
            exif[tag] = value
        return exif.tobytes().removeprefix(b"Exif\0\0") + b"".join(strips)

    return make


@pytest.fixture
def exif_block() -> Callable[..., bytes]:
    """Return a function that makes an EXIF block with a maker, a date in its sub-directory, an orientation."""

    def make(orientation: int | None = None, endian: str = "<") -> bytes:
        exif = Image.Exif()
        exif.endian = endian
        exif[271] = "Maker of cameras"
        exif[33432] = "Someone"
        if orientation is not None:
            exif[274] = orientation
        exif.get_ifd(0x8769)[36867] = "2021:02:03 04:05:06"
        return exif.tobytes()

    return make


@pytest.fixture
def icc() -> bytes:
    """Return a real ICC profile."""
    from PIL import ImageCms

    return ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
