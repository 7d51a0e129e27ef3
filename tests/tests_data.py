"""Synthetic signals for tests."""

from __future__ import annotations

import numpy as np


def textured(height: int, width: int, channels: int = 3) -> np.ndarray:
    """Return a smooth picture with a dark disc: [height, width, channels] uint8."""
    y, x = np.mgrid[0:height, 0:width]
    base = 120 + 60 * np.sin(x / 5.0)[..., None] + 40 * np.cos(y[..., None] / 7.0 + np.arange(channels))
    disc = (y - height / 2) ** 2 + (x - width / 3) ** 2 < (min(height, width) / 4) ** 2
    base[disc] *= 0.3
    return np.clip(base, 0, 255).astype(np.uint8)
