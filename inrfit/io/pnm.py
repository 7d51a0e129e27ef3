"""PGM and PPM with more than 8 bit, exactly as stored; the others are Pillow's, which scales or narrows these."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
from numpy.typing import NDArray

from inrfit.io.formats import check_size

_GAP = rb"(?:\s|#[^\r\n]*[\r\n])+"
_HEADER = re.compile(rb"P([2356])" + _GAP + _GAP.join([rb"(\d{1,10})"] * 3) + rb"\s")


def read_deep(data: bytes, name: str) -> tuple[NDArray[Any], int] | None:
    """Decode a file whose largest value is above 255.

    Returns:
        Samples [H, W, C] of uint16 and the value that stands for white; None when the file has 8 bit or less.

    Raises:
        ValueError: the header or the samples are damaged.
    """
    header = _HEADER.match(data)
    if header is None:
        return None
    width, height, white = (int(header[i]) for i in (2, 3, 4))
    if white < 256:
        return None
    if white > 65535:
        raise ValueError(f"its largest value is {white}, at most 65535 is allowed")
    check_size(height, width, name)
    shape = (height, width, 1 if header[1] in b"25" else 3)
    count = int(np.prod(shape))
    if header[1] in b"23":
        values = np.fromstring(data[header.end() :], np.int64, count=min(count, len(data)), sep=" ")
    else:
        values = np.frombuffer(data, ">u2", min(count, (len(data) - header.end()) // 2), header.end())
    if values.size < count:
        raise ValueError("it is cut off")
    if values.min() < 0 or values.max() > white:
        raise ValueError(f"it has samples above its largest value {white}")
    return values.astype(np.uint16).reshape(shape), white
