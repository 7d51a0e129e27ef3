"""TIFF files in: common pictures of up to 8 bit are Pillow's, all others are bands of numbers; `tiff_write` writes."""

from __future__ import annotations

from io import BytesIO
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from inrfit.errors import InputError
from inrfit.io import eight_bit, exif, tiff_codec, tiff_pages, tiff_samples
from inrfit.io.arrays import to_signal
from inrfit.io.formats import COLOURS, check_size
from inrfit.io.libraries import silent_stderr
from inrfit.signal import ArraySignal

if TYPE_CHECKING:
    from tifffile import TiffPage

_WHITE_IS_ZERO, _BLACK_IS_ZERO, _RGB, _PALETTE, _CMYK, _YCBCR = 0, 1, 2, 3, 5, 6
_COLOURS = {_WHITE_IS_ZERO: 1, _BLACK_IS_ZERO: 1, _RGB: 3}
_PREMULTIPLIED, _STRAIGHT, _COREL = 1, 2, 999
_ALPHA = (_PREMULTIPLIED, _STRAIGHT, _COREL)
_BY_PILLOW = (1, 2, 3, 4, 5, 6, 7, 8, 32771, 32773, 32809, 32946, 34925, 50000, 50001)
"""Compressions that the libtiff in Pillow has."""

_ORIENTATION, _INK_SET, _ICC, _NODATA = 274, 332, 34675, 42113
_UNMULTIPLIED = "premultiplied alpha was divided out of the colours"
_BAND = 1 << 20
"""Samples whose alpha is divided out at a time."""


def read(data: bytes, name: str) -> ArraySignal:
    """Read the picture of a TIFF file, see `tiff_pages.picture`.

    Up to 64 samples a pixel, of 1 to 32 bit, or floats. Samples that the file does not call colour or alpha are plain
    channels. Signed and 32-bit integers become float32 where 16 bit do not hold them.

    Raises:
        InputError: its samples or its compression are not read; a raw photo.
        ValueError: the file is damaged.
    """
    from tifffile import TiffFile

    with TiffFile(BytesIO(data)) as file:
        page, notes = tiff_pages.picture(file, name)
        tiff_pages.check_whole(page, data)
        check_size(page.imagelength, page.imagewidth, name)
        reader = _by_pillow if _common(page) else _bands
        return reader(page, data, name, notes)


def _common(page: TiffPage) -> bool:
    """Tell whether a page is a picture of up to 8 bit whose samples are all colours, or one alpha."""
    if page.dtype not in (np.bool_, np.uint8) or page.axes not in ("YX", "YXS", "SYX"):
        return False
    if page.parent.is_bigtiff and page.parent.byteorder == ">":  # Pillow knows only the other order
        return False
    samples, kind, bits = page.samplesperpixel, page.photometric, page.bitspersample
    if kind in (_PALETTE, _CMYK, _YCBCR):
        other_inks = kind == _CMYK and page.tags.valueof(_INK_SET, default=1) != 1
        return samples == {_PALETTE: 1, _CMYK: 4, _YCBCR: 3}[kind] and not other_inks
    alpha = _alpha(page)
    return samples == _COLOURS.get(kind, 0) + alpha and (bits == 8 or (samples == 1 and bits in (1, 2, 4)))


def _alpha(page: TiffPage) -> bool:
    """Tell whether the one sample behind the colours is alpha; RGB with a fourth of which nothing is said has it."""
    extra, said = page.samplesperpixel - _COLOURS.get(page.photometric, 0), page.extrasamples
    return extra == 1 and (said[0] in _ALPHA if said else page.photometric == _RGB)


def _by_pillow(page: TiffPage, data: bytes, name: str, notes: tuple[str, ...]) -> ArraySignal:
    """Read up to 8 bit per sample; Pillow turns the samples upright by itself."""
    if page.compression not in _BY_PILLOW or not tiff_codec.available(page.compression):
        raise tiff_codec.unread(page, name)
    if page.extrasamples[:1] == (_PREMULTIPLIED,):
        notes = (*notes, _UNMULTIPLIED)
    with silent_stderr():  # libtiff inside Pillow writes its complaints there
        image = eight_bit.open_image(tiff_pages.with_first(data, page), "TIFF", name)
    values, converted = eight_bit.samples(image, name)
    icc = eight_bit.icc_profile(image)
    block, found = exif.from_tiff(data)
    stored = page.photometric in (_BLACK_IS_ZERO, _RGB) and page.bitspersample == 8
    return to_signal(
        values,
        name,
        icc=icc,
        exif=block,
        notes=(*notes, *converted, *found),
        nodata=_nodata(page) if stored else None,
    )


def _bands(page: TiffPage, data: bytes, name: str, notes: tuple[str, ...]) -> ArraySignal:
    """Read samples of any depth and number."""
    colours = _COLOURS.get(page.photometric)
    if colours is None or colours > page.samplesperpixel:
        kind = getattr(page.photometric, "name", page.photometric)
        raise InputError(
            f"{name}: TIFF colours of the kind {kind} are not read for {page.samplesperpixel} x "
            f"{page.bitspersample} bits",
            hint=tiff_samples.HINT,
        )
    tiff_samples.check(page, name)
    values = tiff_samples.decode(page, data, name)
    high = (1 << page.bitspersample) - 1 if values.dtype.kind == "u" and page.bitspersample <= 16 else None
    if page.photometric == _WHITE_IS_ZERO:
        np.subtract(high or 1, values[..., :1], out=values[..., :1], casting="unsafe")
    alpha, extra = _alpha(page), page.samplesperpixel - colours
    if alpha and page.extrasamples[:1] == (_PREMULTIPLIED,):
        _divide(values, high or 1)
        notes = (*notes, _UNMULTIPLIED)
    elif not alpha and any(mark in _ALPHA for mark in page.extrasamples):
        notes = (*notes, "alpha among other bands was read as one of them")
    values, converted = _numbers(values)
    orientation, icc = page.tags.get(_ORIENTATION), page.tags.get(_ICC)
    block, found = exif.from_tiff(data)
    return to_signal(
        exif.orient(values, orientation.value if orientation else 1),
        name,
        high=high,
        icc=bytes(icc.value) if icc else None,
        exif=block,
        colour=COLOURS[colours + alpha] if extra == alpha else "channels",
        notes=(*notes, *converted, *found),
        nodata=None if page.photometric == _WHITE_IS_ZERO else _nodata(page),
    )


def _numbers(values: NDArray[Any]) -> tuple[NDArray[Any], tuple[str, ...]]:
    """Return integers that 16 bit do not hold as float32 where that holds them, and a note."""
    if values.dtype.kind == "f" or values.dtype in (np.uint8, np.uint16):
        return values, ()
    low, high = int(values.min()), int(values.max())
    if low >= 0 and high <= 65535:
        return values, ()
    floats = values.astype(np.float32)
    if any(not np.array_equal(a.astype(np.float64), b) for a, b in zip(floats, values, strict=True)):
        return values, ()
    return floats, (f"{values.dtype} samples were read as float32",)


def _nodata(page: TiffPage) -> float | None:
    """Return the number that stands for "not measured" in a page, as GDAL says it."""
    tag = page.tags.get(_NODATA)
    try:
        return float(str(tag.value).strip("\0 ")) if tag else None
    except ValueError:
        return None


def _divide(values: NDArray[Any], high: int) -> None:
    """Divide premultiplied alpha, the last channel, out of the colours in place."""
    step = max(1, _BAND // max(1, values[0].size))
    for start in range(0, len(values), step):
        band = values[start : start + step]
        alpha, colours = band[..., -1:].astype(np.float64), band[..., :-1]
        made = np.divide(colours * float(high), alpha, out=np.zeros(colours.shape), where=alpha > 0)
        band[..., :-1] = np.rint(np.minimum(made, high)) if values.dtype.kind == "u" else made
