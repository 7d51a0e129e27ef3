"""How a file keeps quantised weights: a step for each stack, and the tables their integers are coded with; it codes nothing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

PER_OCTAVE = 32
"""Steps are powers of 2^(1/32): fine enough to meet a size to within a percent."""

LARGEST = 2**31 - 1
"""Largest magnitude of an integer."""


def step_of(exponent: int) -> np.float32:
    """Return the step 2^(exponent / 32)."""
    return np.float32(2.0 ** (exponent / PER_OCTAVE))


def exponent_of(step: float) -> int:
    """Return the exponent of the largest step that is at most `step` (> 0), or just about."""
    return int(np.floor(np.log2(step) * PER_OCTAVE + 1e-9))


@dataclass(frozen=True, slots=True, kw_only=True)
class Coding:
    """The integers of a file: weight = integer x step.

    Attributes:
        exponents: stack name -> exponent of its step, see `step_of`; one for all regions.
        tables: what `codec.entropy` codes integers with, as runs (length, frequency, length, frequency, ...) over the
            magnitudes 0, 1, ...; empty until a file is written.
        choice: how often each table is used, of 65,536; empty with fewer than two.
        contexts: stack name -> what `codec.context` codes its integers with: quarters of the mean neighbour that are
            expected, then the table of each context; stacks that are not here are coded one by one.
    """

    exponents: Mapping[str, int]
    tables: tuple[tuple[int, ...], ...] = ()
    choice: tuple[int, ...] = ()
    contexts: Mapping[str, tuple[int, ...]] = field(default_factory=dict)

    def with_tables_of(self, other: Coding | None) -> Coding:
        """Return the same steps with the tables of another coding; with none where that is None."""
        empty = other or Coding(exponents={})
        return replace(self, tables=empty.tables, choice=empty.choice, contexts=empty.contexts)


def quantised(weights: NDArray[np.floating], exponent: int) -> NDArray[np.int64]:
    """Return the nearest integers of weights in units of a step; ties to even, within +-`LARGEST`."""
    with np.errstate(over="ignore"):
        ratios = np.rint(np.asarray(weights, np.float64) / float(step_of(exponent)))
    return np.clip(np.nan_to_num(ratios), -LARGEST, LARGEST).astype(np.int64)


def restored(integers: NDArray[np.integer], exponent: int) -> NDArray[np.float32]:
    """Return the weights that integers stand for; the same in single precision on every machine."""
    return integers.astype(np.float32) * step_of(exponent)


def geometric_bits(means: NDArray[np.floating]) -> NDArray[np.float64]:
    """Return the bits of an integer k with the probability in proportion to theta^|k|, by its mean magnitude (>= 0).

    Of all distributions with this mean magnitude it has the largest entropy; mean = 2 theta / (1 - theta^2).
    """
    mean = np.maximum(means, 1e-9)
    theta = mean / (1 + np.sqrt(1 + mean**2))
    return np.log2((1 + theta) / (1 - theta)) - mean * np.log2(theta)


def fine_exponent(weights: NDArray[np.floating]) -> int:
    """Return the exponent of a step that hardly changes weights: about 1/512 of their root mean square."""
    size = float(np.sqrt(np.mean(np.square(weights, dtype=np.float64)))) or 1.0
    return exponent_of(size / 512)
