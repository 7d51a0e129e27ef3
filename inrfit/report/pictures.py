"""Pictures of a report: made small enough to show, coloured errors, and PNG as text; no layout."""

from __future__ import annotations

import base64
import io
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

Value = TypeVar("Value", np.uint8, np.float32)

LONGEST = 1024
"""Longest side of a picture on the page, in pixels."""
FACTORS = (100, 50, 20, 10, 5, 2, 1)
"""Amplifications of an error map, strongest first."""
QUANTILE = 0.995
"""Share of the pixels of an error map that stay below full scale, where the amplification allows."""
COLOURS = np.array([(0, 0, 4), (87, 16, 110), (188, 55, 84), (249, 142, 9), (252, 255, 164)], np.float64)
"""Evenly spaced colours of an error map, from none to full scale: matplotlib's inferno in five points."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ErrorMap:
    """A picture of the error.

    Attributes:
        picture: RGB [height, width, 3] uint8, at most `LONGEST` on a side.
        factor: what the error was multiplied by.
    """

    picture: NDArray[np.uint8]
    factor: int


def shown_size(height: int, width: int) -> tuple[int, int]:
    """Return (height, width) at which a picture is shown: its own, or `LONGEST` on the longer side."""
    scale = min(1.0, LONGEST / max(height, width))
    return max(1, round(height * scale)), max(1, round(width * scale))


def shrunk(picture: NDArray[Value]) -> NDArray[Value]:
    """Return a picture [height, width] float32 or [height, width, 3] uint8 at its shown size, box filtered."""
    from PIL import Image

    height, width = shown_size(*picture.shape[:2])
    if (height, width) == picture.shape[:2]:
        return picture
    return np.asarray(Image.fromarray(picture).resize((width, height), Image.Resampling.BOX))


def error_map(original: NDArray[np.uint8], decoded: NDArray[np.uint8]) -> ErrorMap:
    """Return the mean absolute error over the channels as colours.

    The error is taken at full size and averaged where the picture is shown smaller. The amplification is the
    strongest of `FACTORS` that leaves `QUANTILE` of the pixels below full scale.

    Args:
        original: RGB [height, width, 3].
        decoded: RGB of the same shape.
    """
    difference = np.abs(original.astype(np.int16) - decoded)
    error = shrunk(difference.mean(axis=-1, dtype=np.float32))
    high = float(np.quantile(error, QUANTILE)) or float(error.max(initial=0))
    factor = next((f for f in FACTORS if 0 < f * high <= 255), 1)
    share = np.clip(error.astype(np.float64) * (factor / 255), 0, 1)
    stops = np.linspace(0, 1, len(COLOURS))
    channels = [np.interp(share, stops, COLOURS[:, channel]) for channel in range(3)]
    return ErrorMap(picture=np.rint(np.stack(channels, axis=-1)).astype(np.uint8), factor=factor)


def png_url(picture: NDArray[np.uint8]) -> str:
    """Return an RGB picture [height, width, 3] uint8 as the text of a `data:` address."""
    from PIL import Image

    buffer = io.BytesIO()
    Image.fromarray(picture).save(buffer, "PNG")
    return "data:image/png;base64," + base64.b64encode(buffer.getvalue()).decode("ascii")
