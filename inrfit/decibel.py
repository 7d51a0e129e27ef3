"""Errors in dB; nothing else is known here."""

from __future__ import annotations

import math


def decibel(error: float) -> float:
    """Return -10 log10 of a mean squared error on the scale with peak 1; inf for no error."""
    return math.inf if error == 0 else -10 * math.log10(error)


def unit_decibel(error: float, peak: float = 2.0) -> float:
    """Return the PSNR in dB of a mean squared error with values on [-1, 1]; inf for no error.

    Args:
        error: mean squared error.
        peak: see `SignalInfo.peak`.
    """
    return decibel(error / peak**2)
