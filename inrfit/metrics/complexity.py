"""How much there is in a signal: how many numbers describe it to a PSNR; it knows nothing of networks."""

from __future__ import annotations

import math

import numpy as np
from scipy import fft

from inrfit.signal import Signal

BLOCK = 1024
"""Samples of a block, about, the same number on every axis."""

SAMPLES = 1 << 21
"""Samples that are looked at, about; of larger signals every so many a slab of blocks along the first axis."""


def terms(signal: Signal, psnr: float) -> float:
    """Return how many cosines of blocks give a signal with a PSNR, keeping the largest of each channel mix.

    The squares of the coefficients that are left out add up to the squared error (the transform is orthonormal).

    Args:
        signal: of samples on a lattice.
        psnr: dB, with the peak of the signal's kind.
    """
    shape = signal.domain.shape
    side = max(2, round(BLOCK ** (1 / len(shape))))
    sides = tuple(min(side, count) for count in shape)
    slabs = math.ceil(shape[0] / sides[0])
    every = max(1, round(signal.domain.size / SAMPLES))
    powers, seen, channels = [], 0, 1
    for number in range(0, slabs, every):
        first = signal.domain.box[0][0] + number * sides[0]
        box = signal.domain.box.along(0, first, min(first + sides[0], signal.domain.box[0][1]))
        values = signal.info.to_unit(signal.dense(box)).astype(np.float64)
        seen, channels = seen + math.prod(values.shape[:-1]), values.shape[-1]
        powers.append(_powers(values, sides))
    sorted_powers = np.sort(np.concatenate(powers))
    error = signal.info.peak**2 * 10 ** (-psnr / 10) * seen * channels
    left = np.searchsorted(np.cumsum(sorted_powers), error)
    return (len(sorted_powers) - int(left)) * signal.domain.size / seen


def _powers(values: np.ndarray, sides: tuple[int, ...]) -> np.ndarray:
    """Return the squares of the cosines' coefficients of all blocks of samples [*shape, channel]; edges are repeated."""
    channels = values.shape[-1]
    if channels == 3:  # colours go together: a mean and two differences
        values = values @ np.array([[1, 1, 1], [1, -1, 0], [1, 1, -2]]).T / np.sqrt([3, 2, 6])
    padding = [(0, -count % side) for count, side in zip(values.shape[:-1], sides, strict=True)]
    values = np.pad(values, [*padding, (0, 0)], mode="edge")
    cut = [n for count, side in zip(values.shape[:-1], sides, strict=True) for n in (count // side, side)]
    blocks = values.reshape(*cut, channels)
    axes = tuple(range(1, 2 * len(sides), 2))
    return np.square(np.asarray(fft.dctn(blocks, axes=axes, norm="ortho"))).reshape(-1)
