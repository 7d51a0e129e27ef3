"""The mean squared error of each region as a file keeps it: a code of two bytes on a scale of octaves."""

from __future__ import annotations

import math
import struct
from collections.abc import Sequence

from inrfit.errors import ContainerError

STEPS = 1024
"""Codes per factor of 2, so that neighbours are 0.003 dB apart."""

ONE = 61440
"""The code of an error of 1."""

LAST = 65535


def pack(errors: Sequence[float]) -> bytes:
    """Return two bytes for each error, rounded to the nearest code.

    Raises:
        ContainerError: an error is negative or not finite.
    """
    return struct.pack(f"<{len(errors)}H", *map(_code, errors))


def unpack(codes: bytes) -> list[float]:
    """Return the errors of an even number of bytes, two for each."""
    numbers = struct.unpack(f"<{len(codes) // 2}H", codes)
    values = {number: _value(number) for number in set(numbers)}
    return [values[number] for number in numbers]


def rounded(errors: Sequence[float]) -> tuple[float, ...]:
    """Return errors as a file gives them back; errors as in `pack`."""
    return tuple(_value(_code(error)) for error in errors)


def _code(error: float) -> int:
    if not 0 <= error < math.inf:
        raise ContainerError(f"mse is {error}, allowed: numbers from 0 that are finite")
    return 0 if error == 0 else min(max(round(ONE + STEPS * math.log2(error)), 1), LAST)


def _value(code: int) -> float:
    return 0.0 if code == 0 else 2.0 ** ((code - ONE) / STEPS)
