"""What the text formats of shapes share: bytes of any encoding to lines, and words to numbers; it knows no format."""

from __future__ import annotations

import codecs
import warnings

import numpy as np
from numpy.typing import NDArray

LONGEST = 64
"""Most characters of a number."""

WIDE = {codecs.BOM_UTF16_LE: "utf-16-le", codecs.BOM_UTF16_BE: "utf-16-be"}
"""Marks of encodings of two bytes, which programs that write to a console's pipe use at times."""


def plain(data: bytes) -> bytes:
    """Return text without a mark of its encoding, UTF-16 as UTF-8, and with line feeds between lines.

    Bytes that belong to no encoding stay as they are: only names and remarks have such.
    """
    data = data.removeprefix(codecs.BOM_UTF8)
    if wide := WIDE.get(data[:2]):
        data = data[2:].decode(wide, "replace").encode()
    return data.replace(b"\r\n", b"\n").replace(b"\r", b"\n") if b"\r" in data else data


def numbers(text: bytes) -> NDArray[np.float64]:
    """Return the number that each word of a text is; NaN where one is none. A comma is taken for a decimal point."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # Up to NumPy 2.2 a word that is no number is a warning.
        try:
            return np.fromstring(text, sep=" ")
        except (ValueError, DeprecationWarning):
            return np.array([number(word) for word in text.split()], np.float64)


def number(word: bytes) -> float:
    """Return the number that a word is, "1.5", "1,5" or "1.5D+00"; NaN where it is none."""
    try:
        return float(word[:LONGEST])
    except ValueError:
        pass
    try:
        return float(word[:LONGEST].lower().replace(b",", b".").replace(b"d", b"e"))
    except ValueError:
        return float("nan")
