"""Samples to TIFF: one strip, compressed, with its profile and EXIF; `tiff` reads."""

from __future__ import annotations

import zlib
from typing import Any

from numpy.typing import NDArray

from inrfit.io import exif

_DEFLATE = 8
_BLACK_IS_ZERO, _RGB = 1, 2
_UNSPECIFIED, _STRAIGHT = 0, 2
_ICC = 34675


def write(values: NDArray[Any], icc: bytes | None, block: bytes | None, *, plain: bool = False) -> bytes:
    """Return samples [H, W, C] of uint8, uint16 or float32 as a file; C from 1 to 4, or any where they are plain.

    Plain channels are neither colours nor alpha: the first counts as grey, the others as samples of no stated kind.

    An EXIF block is a TIFF without pixels: with the tags of one compressed strip it becomes an image. This
    way every sample type keeps its EXIF: Pillow cannot write 16-bit colour, tifffile no EXIF.
    """
    height, width, channels = values.shape
    strip = zlib.compress(values.astype(values.dtype.newbyteorder("<")).tobytes())
    tags = exif.descriptive(block)
    tags[256], tags[257] = width, height
    tags[258] = (values.dtype.itemsize * 8,) * channels
    tags[259] = _DEFLATE
    tags[262] = _RGB if channels >= 3 and not plain else _BLACK_IS_ZERO
    tags[273] = 0  # Pillow adds the place after the directory
    tags[277] = channels
    tags[278] = height
    tags[279] = len(strip)
    tags[339] = (3 if values.dtype.kind == "f" else 1,) * channels
    if plain and channels > 1:
        tags[338] = (_UNSPECIFIED,) * (channels - 1)
    elif channels in (2, 4):
        tags[338] = _STRAIGHT
    if icc:
        tags[_ICC] = icc
    return tags.tobytes().removeprefix(exif.PREFIX) + strip
