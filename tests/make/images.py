"""Images from and to bytes and arrays through the entry of the registry, as many test modules need them."""

from __future__ import annotations

import numpy as np

from inrfit.domain import image_domain
from inrfit.io.config import ReadConfig
from inrfit.io.image import ImageIO
from inrfit.signal import ArraySignal, Bands, SignalInfo

PLAIN = ReadConfig()


def read_image(data: bytes, name: str) -> ArraySignal:
    """Read the bytes of an image file."""
    return ImageIO().read(data, name, PLAIN)


def image_of(array: np.ndarray) -> ArraySignal:
    """Make an image of an array."""
    return ImageIO().from_array(array, PLAIN)


def whole(values: np.ndarray, info: SignalInfo) -> Bands:
    """Return samples [H, W, C] as one band."""
    return Bands.of(values, image_domain(*values.shape[:2]), info)


def encoded_image(values: np.ndarray, info: SignalInfo, suffix: str, name: str) -> bytes:
    """Return samples [H, W, C] as the bytes of an image file."""
    return b"".join(ImageIO().encode(whole(values, info), suffix, name))
