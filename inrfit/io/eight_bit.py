"""Images of up to 8 bit per sample, decoded by Pillow; it knows nothing of deeper ones or of files."""

from __future__ import annotations

from io import BytesIO

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from inrfit.errors import InputError
from inrfit.io.formats import check_expansion, check_size

_PLAIN = ("L", "LA", "RGB", "RGBA")
_CONVERTED = {
    "1": "L",
    "P": "RGB",
    "PA": "RGBA",
    "La": "LA",
    "CMYK": "RGB",
    "YCbCr": "RGB",
    "RGBX": "RGB",
    "RGBa": "RGBA",
}
_WITH_ALPHA = {"1": "LA", "L": "LA", "P": "RGBA", "RGB": "RGBA"}


def open_image(data: bytes, form: str, name: str, *, sample: int = 1) -> Image.Image:
    """Decode the first frame of a file of the format that Pillow calls `form`, after a look at its size.

    Args:
        sample: bytes of a sample in the file.
    """
    image = Image.open(BytesIO(data), formats=[form])
    check_size(image.height, image.width, name)
    check_expansion(image.height * image.width * len(image.getbands()) * sample, len(data), name)
    image.load()
    return image


def samples(image: Image.Image, name: str) -> tuple[NDArray[np.uint8], tuple[str, ...]]:
    """Return a decoded image as [H, W, C] of grey or RGB, with alpha where it has any, and notes.

    Raises:
        InputError: its colours are neither grey, RGB, palette nor CMYK.
    """
    mode = image.mode
    target = mode if mode in _PLAIN else _CONVERTED.get(mode)
    if target is None:
        raise InputError(
            f"{name}: samples of the kind {mode} are not read", hint="convert it to 8- or 16-bit grey or RGB"
        )
    if image.has_transparency_data:
        target = _WITH_ALPHA.get(mode, target)
    notes = ("CMYK was converted to RGB, without colour management",) if mode == "CMYK" else ()
    values = np.array(image if target == mode else image.convert(target))
    return values.reshape(image.height, image.width, -1), notes


def frames_note(image: Image.Image) -> tuple[str, ...]:
    """Return a note where a file holds more than the frame that was decoded."""
    count = getattr(image, "n_frames", 1)
    more = "; --kind video makes a clip of them all" if image.format == "GIF" else ""
    return (f"the first of {count} frames was read{more}",) if count > 1 else ()


def icc_profile(image: Image.Image) -> bytes | None:
    """Return the ICC profile that fits the samples; that of a CMYK image does not fit its RGB samples."""
    return image.info.get("icc_profile") or None if image.mode != "CMYK" else None
