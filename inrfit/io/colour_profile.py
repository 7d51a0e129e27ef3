"""An ICC profile made of the gamma and the primaries of a PNG, for formats that have no such fields; it reads none.

Source: ICC.1:2001-04 (a matrix with curves); the adaptation to D50 is Bradford's.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from inrfit.io.png_colour import is_srgb, numbers

_SCALE = 100000
"""What one is in gAMA and cHRM."""

_GAMMA, _PRIMARIES = (45455,), (31270, 32900, 64000, 33000, 30000, 60000, 15000, 6000)
_D50 = np.array([0.9642, 1.0, 0.8249])
_BRADFORD = np.array([[0.8951, 0.2664, -0.1614], [-0.7502, 1.7135, 0.0367], [0.0389, -0.0685, 1.0296]])


def profile(tags: Mapping[str, str], *, grey: bool) -> bytes | None:
    """Return the profile of samples that `tags` describe; None where they are sRGB or make no profile."""
    if is_srgb(tags):
        return None
    (gamma,), places = numbers(tags, "gAMA") or _GAMMA, numbers(tags, "cHRM") or _PRIMARIES
    curve = _tag("curv", struct.pack(">IH", 1, min(max(round(256 * _SCALE / gamma), 1), 65535)))
    parts = {"desc": _described(b"gamma and primaries of a PNG"), "cprt": _tag("text", b"no copyright\0")}
    white = np.divide(places[:2], _SCALE)
    if not white[1]:
        return None
    if grey:
        return _file("GRAY", {**parts, "wtpt": _xyz(_D50), "kTRC": curve})
    corners = _corners(np.divide(places[2:], _SCALE).reshape(3, 2), white)
    if corners is None:
        return None
    parts |= {f"{name}XYZ": _xyz(corner) for name, corner in zip("rgb", corners, strict=True)}
    return _file("RGB ", {**parts, "wtpt": _xyz(_D50), **{f"{name}TRC": curve for name in "rgb"}})


def _corners(primaries: NDArray[np.float64], white: NDArray[np.float64]) -> NDArray[np.float64] | None:
    """Return full red, green and blue as X, Y, Z under D50, [colour, 3]; None where they are no colours."""
    if not primaries[:, 1].all():
        return None
    light = np.stack([primaries[:, 0], primaries[:, 1], 1 - primaries.sum(1)]) / primaries[:, 1]
    there = np.array([white[0] / white[1], 1.0, (1 - white.sum()) / white[1]])
    if abs(np.linalg.det(light)) < 1e-9:
        return None
    matrix = light * np.linalg.solve(light, there)
    gains = (_BRADFORD @ _D50) / (_BRADFORD @ there)
    made = (np.linalg.inv(_BRADFORD) @ (gains[:, None] * (_BRADFORD @ matrix))).T
    return made if np.isfinite(made).all() and np.abs(made).max() < 32768 else None


def _tag(kind: str, body: bytes) -> bytes:
    """Return one element, padded to four bytes."""
    made = kind.encode() + bytes(4) + body
    return made + bytes(-len(made) % 4)


def _described(text: bytes) -> bytes:
    """Return the element of a description, without its forms for other scripts."""
    return _tag("desc", struct.pack(">I", len(text) + 1) + text + bytes(1 + 4 + 4 + 2 + 1 + 67))


def _xyz(place: NDArray[np.float64]) -> bytes:
    """Return the element of one colour."""
    return _tag("XYZ ", struct.pack(">3i", *np.rint(place * 65536).astype(int).tolist()))


def _file(space: str, parts: Mapping[str, bytes]) -> bytes:
    """Return a profile of a display."""
    at, table, body = 128 + 4 + 12 * len(parts), struct.pack(">I", len(parts)), b""
    for name, element in parts.items():
        table += struct.pack(">4sII", name.encode(), at + len(body), len(element))
        body += element
    head = struct.pack(">I4sI4s4s4s", at + len(body), bytes(4), 0x02400000, b"mntr", space.encode(), b"XYZ ")
    head += (
        struct.pack(">6H", 2000, 1, 1, 0, 0, 0)
        + b"acsp"
        + bytes(28)
        + struct.pack(">3i", 63190, 65536, 54061)
    )
    return head.ljust(128, b"\0") + table + body
