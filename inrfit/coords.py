"""Frames: how an integer sample index becomes the coordinate a network sees; nothing here is learned.

Coordinates are computed from the index in double precision, never accumulated, so a sample has the same
coordinate in the whole signal, in a crop and after an extension. Samples sit at the centres of their cells:
the N samples of an axis lie at (2 i + 1) / N - 1, and the frame spans [-1, 1] from edge to edge.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import ArrayLike, NDArray

from inrfit.domain import Domain


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    """An affine map from sample positions to coordinates: (position - centre) / half.

    Attributes:
        centre: position of coordinate 0 on each axis, in samples.
        half: samples per unit coordinate on each axis; positive.
        span: coordinate of the ends of what the frame was laid over; 1 unless a fit asked for another.
    """

    centre: tuple[float, ...]
    half: tuple[float, ...]
    span: float = 1.0

    def coords(self, positions: ArrayLike) -> NDArray[np.float64]:
        """Map positions [..., axis] in samples to coordinates [..., axis]."""
        return (np.asarray(positions, np.float64) - np.asarray(self.centre)) / np.asarray(self.half)

    def along(self, axis: int, positions: NDArray[np.float64]) -> NDArray[np.float64]:
        """Map positions on one axis to coordinates; the numbers that `coords` gives."""
        return (positions - self.centre[axis]) / self.half[axis]

    def positions(self, coords: ArrayLike) -> NDArray[np.float64]:
        """Map coordinates [..., axis] back to positions [..., axis] in samples."""
        return np.asarray(coords, np.float64) * np.asarray(self.half) + np.asarray(self.centre)


def global_frame(domain: Domain, span: float = 1.0) -> Frame:
    """Return the frame in which the whole domain spans [-span, span] on every axis.

    Source: the convention of SIREN (Sitzmann et al., NeurIPS 2020) with sample centres in place of corners; the audio of
    Local-Global INRs has a span of 100.
    """
    return Frame(
        centre=tuple(o + (n - 1) / 2 for o, n in zip(domain.origin, domain.shape, strict=True)),
        half=tuple(n / 2 / span for n in domain.shape),
        span=span,
    )


def local_frame(centre: Sequence[float], nominal: Sequence[float], units: Sequence[str]) -> Frame:
    """Return a region's own frame: its nominal size spans [-1, 1], one scale for all axes of one unit.

    Args:
        centre: middle of the region on each axis, in samples.
        nominal: nominal size of the region on each axis, in samples; the axes of one unit share the
            geometric mean of their sizes, so that a frequency is the same in every direction.
        units: unit of each axis.
    """
    return Frame(centre=tuple(float(c) for c in centre), half=_half(tuple(nominal), tuple(units)))


@lru_cache(maxsize=256)
def _half(nominal: tuple[float, ...], units: tuple[str, ...]) -> tuple[float, ...]:
    """Return the samples per unit coordinate of a local frame."""
    half = []
    for unit in units:
        sizes = [size for size, other in zip(nominal, units, strict=True) if other == unit]
        half.append(math.prod(sizes) ** (1 / len(sizes)) / 2)
    return tuple(half)


def fold(coords: NDArray[np.float64], span: float = 1.0) -> NDArray[np.float64]:
    """Fold coordinates into [-span, span] as a triangle wave: the identity inside, mirrored at the ends.

    What was trained on these then sees nothing new where the signal is extended.
    """
    folded = span - np.abs(np.mod(coords + span, 4.0 * span) - 2.0 * span)
    return np.where(np.abs(coords) <= span, coords, folded)


def resampled_positions(
    box: tuple[int, int], size: int, index: NDArray[np.int64] | None = None
) -> NDArray[np.float64]:
    """Return where `size` samples that span the half-open range `box` lie, in source samples.

    Sample k of n / size source samples each lies at first + (k + 1/2) n / size - 1/2. The whole part of it is taken
    off in integers, and the rest is one division of integers: a place gives the same double whatever range and size
    it is asked with, as in a crop and in the whole.

    Args:
        box: range of integer indices. With `size` equal to its length the positions are these, exactly.
        size: number of samples; its product with the length of the range is below 2^61.
        index: which of the samples; all of them when None.
    """
    first, last = box
    index = np.arange(size, dtype=np.int64) if index is None else index
    whole, rest = np.divmod((2 * index + 1) * (last - first) - size, 2 * size)
    return (first + whole) + rest / (2 * size)


def nearest(positions: NDArray[np.float64]) -> NDArray[np.int64]:
    """Return the nearest integer index of each position, ties to the lower index."""
    return np.ceil(positions - 0.5).astype(np.int64)
