"""One door to the libraries that read files: their limits, warnings, log lines and exceptions stay behind it."""

from __future__ import annotations

import logging
import os
import threading
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError

from inrfit.errors import InrfitError

LOGGERS = ("tifffile", "trimesh", "PIL", "imageio_ffmpeg", "imageio", "soundfile")
"""Libraries whose log lines, among them whole traces, Python would print; what they say becomes an InputError or nothing."""

for _name in LOGGERS:  # without a handler of any kind the last resort of `logging` is standard error
    logging.getLogger(_name).addHandler(logging.NullHandler())

# The warning filters and Pillow's limit belong to the process, so only one thread may be inside.
_LOCK = threading.RLock()


@contextmanager
def guarded(failure: Callable[[str], InrfitError]) -> Iterator[None]:
    """Run library code; any exception becomes `failure(reason)`, warnings are dropped.

    Pillow's own limit on pixels is lifted meanwhile: callers use `formats.check_size`.
    """
    with _LOCK, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        limit, Image.MAX_IMAGE_PIXELS = Image.MAX_IMAGE_PIXELS, None
        try:
            yield
        except InrfitError:
            raise
        except Exception as error:  # damaged files raise OSError, SyntaxError, struct.error, KeyError, ...
            raise failure(_reason(error)) from error
        finally:
            Image.MAX_IMAGE_PIXELS = limit


@contextmanager
def silent_stderr() -> Iterator[None]:
    """Send what C libraries print on standard error nowhere, for the whole process."""
    try:
        saved = os.dup(2)
    except OSError:  # there is no standard error
        yield
        return
    try:
        with Path(os.devnull).open("wb") as nowhere:
            os.dup2(nowhere.fileno(), 2)
        yield
    finally:
        os.dup2(saved, 2)
        os.close(saved)


def opencv_decode(data: bytes) -> NDArray[Any]:
    """Decode an image as stored, channels in the order blue, green, red, alpha.

    Raises:
        ValueError: OpenCV cannot decode it.
    """
    import cv2

    level = cv2.utils.logging.getLogLevel()
    cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_SILENT)
    try:
        with silent_stderr():  # libpng and libtiff inside OpenCV write there
            values = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)
    finally:
        cv2.utils.logging.setLogLevel(level)
    if values is None:
        raise ValueError("its data are damaged")
    return values


def from_bgr(values: NDArray[Any]) -> NDArray[Any]:
    """Reorder the channels of an OpenCV image [H, W] or [H, W, C] to red, green, blue, alpha."""
    if values.ndim == 2:
        return values
    order = {3: [2, 1, 0], 4: [2, 1, 0, 3]}.get(values.shape[-1])
    return values if order is None else values[..., order]


def _reason(error: Exception) -> str:
    """Return the words of an exception on one line, what is not printable as escapes."""
    if isinstance(error, UnidentifiedImageError):
        return "its header is damaged"
    words = " ".join(str(error).split()) or type(error).__name__
    return "".join(letter if letter.isprintable() else ascii(letter)[1:-1] for letter in words)
