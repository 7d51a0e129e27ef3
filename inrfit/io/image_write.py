"""Samples to image files: one writer per format, with the profile and the EXIF block where they fit."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from io import BytesIO
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from inrfit.errors import OutputError
from inrfit.io import colour_profile, exif, png_colour, png_write, tiff_write
from inrfit.io.arrays import npy_start
from inrfit.io.formats import COLOURS, FORMATS, PLAIN, WRITTEN, Format, by_suffix
from inrfit.io.libraries import guarded
from inrfit.signal import Bands, SignalInfo

_OPTIONS: dict[str, dict[str, Any]] = {
    "JPEG": {"quality": 95, "subsampling": "4:4:4"},
    "WEBP": {"lossless": True, "exact": True},  # exact: keep the colours under transparent pixels
    "AVIF": {"quality": 90, "subsampling": "4:4:4"},
    "BMP": {},
}


def encode(samples: Bands, suffix: str, name: str) -> Iterator[bytes]:
    """Yield the pieces of a file; see `ImageIO.encode`. PNG and NPY take band after band, others all at once."""
    info, dtype = samples.info, np.dtype(samples.info.dtype)
    form = check(info, samples.channels, suffix, name)
    if form.name == "PNG":
        yield from png_write.blocks(samples.shape, dtype, samples.bands, info.icc, info.exif, info.tags)
    elif form.name == "NPY":
        yield npy_start(samples.shape, dtype)
        yield from (np.ascontiguousarray(band).tobytes() for band in samples.bands)
    else:
        yield _at_once(samples.array(), info, form.name, name)


def check(info: SignalInfo, channels: int, suffix: str, name: str) -> Format:
    """Return the format that a suffix stands for.

    Raises:
        OutputError: it is unknown, or cannot hold samples of this type and so many channels.
    """
    form = _writable(suffix, name)
    if not form.holds(info.dtype, channels, info.colour):
        fitting = ", ".join(
            other.suffixes[0] for other in FORMATS if other.holds(info.dtype, channels, info.colour)
        )
        raise OutputError(
            f"{name}: {form.name} cannot hold {info.dtype} samples with {channels} channels ({info.colour})",
            hint=f"write {fitting}",
        )
    return form


def _at_once(values: NDArray[Any], info: SignalInfo, form: str, name: str) -> bytes:
    """Encode all samples by a library."""

    def refused(reason: str) -> OutputError:
        return OutputError(f"{name}: cannot be written as {form} ({reason})", hint="write .png or .npy")

    if info.icc is None and info.colour != PLAIN:
        info = replace(info, icc=colour_profile.profile(info.tags, grey=values.shape[-1] <= 2))
    with guarded(refused):
        if form == "TIFF":
            return tiff_write.write(values, info.icc, info.exif, plain=info.colour == PLAIN)
        return _by_pillow(values, info, form)


def losses(info: SignalInfo, suffix: str) -> tuple[str, ...]:
    """Return what is known of the colours and cannot be said in a format, in words for the user."""
    form = by_suffix(suffix)
    names = png_colour.dropped(info.tags) if form and form.name != "PNG" else ()
    if names and info.icc is None:
        return (f"{suffix} does not hold the colour space of the picture ({', '.join(names)}); .png does",)
    return ()


def default_suffix(info: SignalInfo) -> str:
    """Return the suffix of the source where its format can be written with these samples, or the next best."""
    channels = {colour: number for number, colour in COLOURS.items()}.get(info.colour, len(COLOURS) + 1)
    for suffix in (info.suffix, ".png"):
        form = by_suffix(suffix)
        if form and form.holds(info.dtype, channels, info.colour):
            return suffix
    return ".npy"


def _writable(suffix: str, name: str) -> Format:
    """Return the format to write for a suffix."""
    form = by_suffix(suffix)
    if form is None or not form.dtypes:
        raise OutputError(
            f"{name}: {suffix or 'no suffix'} is not a format inrfit writes",
            hint=f"write {', '.join(WRITTEN)}",
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
