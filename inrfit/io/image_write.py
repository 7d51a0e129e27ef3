"""Samples to image files: one writer per format, with the profile and the EXIF block where they fit."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from io import BytesIO
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from inrfit.errors import OutputError
from inrfit.io import exif, png_write, tiff
from inrfit.io.arrays import npy_start
from inrfit.io.formats import COLOURS, FORMATS, Format, by_suffix
from inrfit.io.libraries import guarded
from inrfit.signal import SignalInfo, gathered

_OPTIONS: dict[str, dict[str, Any]] = {
    "JPEG": {"quality": 95, "subsampling": "4:4:4"},
    "WEBP": {"lossless": True, "exact": True},  # exact: keep the colours under transparent pixels
    "AVIF": {"quality": 90, "subsampling": "4:4:4"},
    "BMP": {},
}


def encode(values: NDArray[Any], info: SignalInfo, suffix: str, name: str) -> bytes:
    """Return samples [H, W, C] as the bytes of a file.

    Raises:
        OutputError: the suffix is unknown, or its format cannot hold these samples.
    """
    return b"".join(encode_bands([values], values.shape, values.dtype, info, suffix, name))


def encode_bands(
    bands: Iterable[NDArray[Any]],
    shape: tuple[int, ...],
    dtype: np.dtype[Any],
    info: SignalInfo,
    suffix: str,
    name: str,
) -> Iterator[bytes]:
    """Yield the pieces of a file; see `ImageIO.encode_bands`. PNG and NPY take band after band, others all at once."""
    form = _writable(suffix, name)
    channels = shape[-1]
    if not form.holds(dtype.name, channels):
        fitting = ", ".join(other.suffixes[0] for other in FORMATS if other.holds(dtype.name, channels))
        raise OutputError(
            f"{name}: {form.name} cannot hold {dtype.name} samples with {channels} channels ({info.colour})",
            hint=f"write {fitting}",
        )
    if form.name == "PNG":
        yield from png_write.blocks(shape, dtype, bands, info.icc, info.exif)
    elif form.name == "NPY":
        yield npy_start(shape, dtype)
        yield from (np.ascontiguousarray(band).tobytes() for band in bands)
    else:
        yield _at_once(gathered(bands, shape, dtype), info, form.name, name)


def _at_once(values: NDArray[Any], info: SignalInfo, form: str, name: str) -> bytes:
    """Encode all samples by a library."""

    def refused(reason: str) -> OutputError:
        return OutputError(f"{name}: cannot be written as {form} ({reason})", hint="write .png or .npy")

    with guarded(refused):
        return tiff.write(values, info.icc, info.exif) if form == "TIFF" else _by_pillow(values, info, form)


def default_suffix(info: SignalInfo) -> str:
    """Return the suffix of the source where its format can be written with these samples, or the next best."""
    channels = {colour: number for number, colour in COLOURS.items()}.get(info.colour, len(COLOURS) + 1)
    for suffix in (info.suffix, ".png"):
        form = by_suffix(suffix)
        if form and form.holds(info.dtype, channels):
            return suffix
    return ".npy"


def _writable(suffix: str, name: str) -> Format:
    """Return the format to write for a suffix."""
    form = by_suffix(suffix)
    if form is None or not form.dtypes:
        known = ", ".join(suffix for other in FORMATS if other.dtypes for suffix in other.suffixes)
        raise OutputError(
            f"{name}: {suffix or 'no suffix'} is not a format inrfit writes", hint=f"write {known}"
        )
    return form


def _by_pillow(values: NDArray[Any], info: SignalInfo, form: str) -> bytes:
    """Encode samples of 8 bit."""
    options = dict(_OPTIONS[form])
    grey = values.shape[-1] <= 2
    if grey and form == "AVIF":
        del options["subsampling"]
    if info.icc and not (
        grey and form == "WEBP"
    ):  # WebP stores grey as RGB, which a grey profile does not fit
        options["icc_profile"] = info.icc
    if info.exif:
        options["exif"] = exif.PREFIX + info.exif
    file = BytesIO()
    image = Image.fromarray(np.ascontiguousarray(values[..., 0] if values.shape[-1] == 1 else values))
    image.save(file, form, **options)
    return file.getvalue()
