"""TIFF files in and out: up to 8 bit is Pillow's, deeper samples are tifffile's, or OpenCV's when compressed."""

from __future__ import annotations

import zlib
from io import BytesIO
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from inrfit.errors import InputError
from inrfit.io import eight_bit, exif
from inrfit.io.arrays import to_signal
from inrfit.io.formats import MAX_CHANNELS, check_size
from inrfit.io.libraries import from_bgr, opencv_decode, silent_stderr
from inrfit.signal import ArraySignal

if TYPE_CHECKING:
    from tifffile import TiffPage

_TIFFFILE_DECODES = (1, 8, 32773, 32946, 34925)  # none, deflate, PackBits, deflate, LZMA
_DEFLATE = 8
_WHITE_IS_ZERO, _BLACK_IS_ZERO, _RGB = 0, 1, 2
_PREMULTIPLIED, _STRAIGHT = 1, 2
_ORIENTATION, _ICC = 274, 34675
_HINT = "convert it to 8- or 16-bit grey or RGB"


def read(data: bytes, name: str) -> ArraySignal:
    """Read the first page of a TIFF file.

    Raises:
        InputError: its samples are not grey, RGB, palette or CMYK of a known type.
        ValueError: the file is damaged.
    """
    from tifffile import TiffFile

    with TiffFile(BytesIO(data)) as file:
        page, pages = file.pages.first, len(file.pages)
        check_size(page.imagelength, page.imagewidth, name)
        notes = (f"the first of {pages} pages was read",) if pages > 1 else ()
        if page.dtype in (np.bool_, np.uint8):
            return _shallow(data, name, notes)
        _check(page, name)
        return _deep(page, data, name, notes)


def _shallow(data: bytes, name: str, notes: tuple[str, ...]) -> ArraySignal:
    """Read up to 8 bit per sample; Pillow turns the samples upright by itself."""
    with silent_stderr():  # libtiff inside Pillow writes its complaints there
        image = eight_bit.open_image(data, "TIFF", name)
    values, converted = eight_bit.samples(image, name)
    icc = eight_bit.icc_profile(image)
    block, found = exif.from_tiff(data)
    return to_signal(values, name, icc=icc, exif=block, notes=(*notes, *converted, *found))


def _check(page: TiffPage, name: str) -> None:
    """Raise an InputError unless the deep samples of a page are of a kind that can be read."""
    if page.photometric not in (_WHITE_IS_ZERO, _BLACK_IS_ZERO, _RGB):
        kind = getattr(page.photometric, "name", page.photometric)
        raise InputError(f"{name}: TIFF colours of the kind {kind} are not read", hint=_HINT)
    if page.axes not in ("YX", "YXS", "SYX"):
        raise InputError(f"{name}: TIFF axes {page.axes} are not an image", hint="save one slice as an image")
    if page.samplesperpixel > MAX_CHANNELS:
        raise InputError(
            f"{name}: {page.samplesperpixel} channels are more than the {MAX_CHANNELS} allowed", hint=_HINT
        )
    if page.dtype is None or page.dtype.name not in ("uint16", "float16", "float32", "float64"):
        raise InputError(f"{name}: TIFF samples of type {page.dtype} are not read", hint=_HINT)


def _deep(page: TiffPage, data: bytes, name: str, notes: tuple[str, ...]) -> ArraySignal:
    """Read samples of more than 8 bit."""
    bits = page.bitspersample
    if bits in (16, 32, 64) and page.compression in _TIFFFILE_DECODES and page.predictor in (1, 2):
        values = _by_tifffile(page, len(data))
    else:
        values = _by_opencv(page, data)
    high = (1 << bits) - 1 if values.dtype.kind == "u" else None
    if page.photometric == _WHITE_IS_ZERO:
        values = (high or 1) - values
    if page.extrasamples[:1] == (_PREMULTIPLIED,):
        values = _straight(values, high or 1)
        notes = (*notes, "premultiplied alpha was divided out of the colours")
    orientation, icc = page.tags.get(_ORIENTATION), page.tags.get(_ICC)
    block, found = exif.from_tiff(data)
    return to_signal(
        exif.orient(values, orientation.value if orientation else 1),
        name,
        high=high,
        icc=bytes(icc.value) if icc else None,
        exif=block,
        notes=(*notes, *found),
    )


def _by_tifffile(page: TiffPage, size: int) -> NDArray[Any]:
    """Decode a page; tifffile itself would fill missing parts with zeros."""
    parts = list(zip(page.dataoffsets, page.databytecounts, strict=True))
    if len(parts) < np.prod(page.chunked) or any(n == 0 or at + n > size for at, n in parts):
        raise ValueError("it is cut off")
    values = page.asarray(maxworkers=1)
    return np.moveaxis(values, 0, -1) if page.axes == "SYX" else values


def _by_opencv(page: TiffPage, data: bytes) -> NDArray[Any]:
    """Decode a page in a compression that tifffile leaves to another package (LZW), or of 10 to 14 bit."""
    if orientation := page.tags.get(_ORIENTATION):  # OpenCV would turn the samples by itself
        at = orientation.valueoffset
        data = data[:at] + bytes(orientation.valuebytecount) + data[at + orientation.valuebytecount :]
    values = from_bgr(opencv_decode(data))
    if page.axes == "SYX" or values.dtype != page.dtype or values.size != np.prod(page.shape):
        raise ValueError("its layout is not read in this compression")
    if values.dtype == np.uint16:
        values = values >> (16 - page.bitspersample)  # OpenCV scales them up
    return values


def _straight(values: NDArray[Any], high: int) -> NDArray[Any]:
    """Divide premultiplied alpha, the last channel, out of the colours."""
    alpha = values[..., -1:].astype(np.float64)
    colours = np.divide(
        values[..., :-1] * float(high), alpha, out=np.zeros(values[..., :-1].shape), where=alpha > 0
    )
    whole = np.rint(np.minimum(colours, high)) if values.dtype.kind == "u" else colours
    return np.concatenate([whole.astype(values.dtype), values[..., -1:]], axis=-1)


def write(values: NDArray[Any], icc: bytes | None, block: bytes | None) -> bytes:
    """Return samples [H, W, C] of uint8, uint16 or float32, C from 1 to 4, as a file.

    An EXIF block is a TIFF without pixels: with the tags of one compressed strip it becomes an image. This
    way every sample type keeps its EXIF: Pillow cannot write 16-bit colour, tifffile no EXIF.
    """
    height, width, channels = values.shape
    strip = zlib.compress(values.astype(values.dtype.newbyteorder("<")).tobytes())
    tags = exif.descriptive(block)
    tags[256], tags[257] = width, height
    tags[258] = (values.dtype.itemsize * 8,) * channels
    tags[259] = _DEFLATE
    tags[262] = _RGB if channels >= 3 else _BLACK_IS_ZERO
    tags[273] = 0  # Pillow adds the place after the directory
    tags[277] = channels
    tags[278] = height
    tags[279] = len(strip)
    tags[339] = (3 if values.dtype.kind == "f" else 1,) * channels
    if channels in (2, 4):
        tags[338] = _STRAIGHT
    if icc:
        tags[_ICC] = icc
    return tags.tobytes().removeprefix(exif.PREFIX) + strip
