"""Steps that make a file as large, or as good, as is wanted; weights learn nothing here."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from inrfit.codec.weights import with_tables
from inrfit.models.coding import PER_OCTAVE, Coding, quantised, restored
from inrfit.models.field import Field

FURTHEST = 8 * PER_OCTAVE
"""Largest change of the exponents of steps that is tried: by a factor of 256."""


def meet(shift: Callable[[NDArray[np.int64]], None], sizes: Sequence[Callable[[], int]], limit: int) -> None:
    """Find the finest steps with which each file has at most `limit` bytes, and leave them so.

    Where even the coarsest steps do not get there, they stay.

    Args:
        shift: changes the exponents of each file's steps by so much.
        sizes: returns the bytes of each file.
        limit: bytes.
    """
    now = np.zeros(len(sizes), np.int64)

    def fits(at: NDArray[np.int64]) -> NDArray[np.bool_]:
        nonlocal now
        shift(at - now)
        now = at
        return np.array([size() <= limit for size in sizes])

    low, high = np.full(len(sizes), -FURTHEST), np.full(len(sizes), FURTHEST)
    middle, jump = now.copy(), PER_OCTAVE // 4
    while (high - low > 1).any():
        good = fits(middle)
        high, low = (
            np.where(good, np.minimum(high, middle), high),
            np.where(good, low, np.maximum(low, middle)),
        )
        near = np.where(good, high - jump, low + jump)
        middle = np.where((near > low) & (near < high), near, (low + high) // 2)
        jump *= 2
    fits(high)


def with_steps(field: Field, coding: Coding) -> Field:
    """Return a field with its trained weights rounded to some steps, and with tables for them."""
    rounded = {
        name: restored(quantised(weights, coding.exponents[name]), coding.exponents[name])
        if name in coding.exponents
        else weights
        for name, weights in field.weights.items()
    }
    return with_tables(replace(field, weights=rounded, coding=coding))


def coarsest(field: Field, usual: Field, wanted: float, measure: Callable[[Field], Field]) -> Field | None:
    """Return a field with the coarsest steps at which its PSNR is at least `wanted` dB; None where there are none.

    Args:
        field: with weights that are not rounded.
        usual: the same with some steps, measured.
        wanted: dB.
        measure: returns a field with its PSNR.
    """
    coding = usual.coding
    if coding is None:
        return None
    best, low, high = None, -FURTHEST, FURTHEST
    found, at, jump = usual, 0, PER_OCTAVE // 2
    while True:
        if (found.psnr or 0.0) >= wanted:
            best, low = found, at
        else:
            high = at
        if high - low <= 1:
            return best
        near = low + jump if best is found else high - jump
        at = near if low < near < high else (low + high) // 2
        jump *= 2
        exponents = {name: exponent + at for name, exponent in coding.exponents.items()}
        found = measure(with_steps(field, replace(coding, exponents=exponents, tables=(), choice=())))
