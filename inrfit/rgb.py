"""Samples as colours to look at: 8-bit red, green, blue; nothing is written or segmented here."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from inrfit.signal import SignalInfo


def rgb8(values: NDArray[np.generic], info: SignalInfo) -> NDArray[np.uint8]:
    """Convert native samples [..., channel] to 8-bit red, green, blue [..., 3].

    Alpha is ignored, grey is repeated, and channels without a colour meaning are averaged to grey.
    """
    unit = np.nan_to_num(info.to_unit(values))
    if info.colour.startswith("rgb"):
        unit = unit[..., :3]
    elif info.colour.startswith("grey"):
        unit = unit[..., :1]
    else:
        unit = unit.mean(axis=-1, keepdims=True)
    grey = np.rint((np.clip(unit, -1, 1) + 1) * 127.5).astype(np.uint8)
    return np.broadcast_to(grey, (*grey.shape[:-1], 3))
