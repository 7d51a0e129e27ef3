"""A sound as a picture: its spectrogram in decibels, in blocks; nothing is measured by it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from inrfit.signal import Bands

WINDOW = 1024
"""Samples of a spectrum, under a Hann window."""
HEIGHT = 256
"""Rows of a picture: each holds two neighbouring frequencies of a spectrum, the highest on top."""
WIDTH = 1000
"""Most columns of a picture."""
HOP = 512
"""Most samples from one spectrum to the next."""
RANGE = 80.0
"""Decibels from black to the brightest colour, which is a sine at full scale of the value range."""
BLOCK = 1 << 16
"""Samples of each channel that are scaled at a time."""
BATCH = 256
"""Spectra that are made at a time."""
COLOURS = np.array([(0, 0, 4), (87, 16, 110), (188, 55, 84), (249, 142, 9), (252, 255, 164)], np.float64)
"""Evenly spaced colours from silence to full scale: matplotlib's inferno in five points."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Columns:
    """How the spectra of a sound are spread over a picture; a function of its length alone.

    Attributes:
        samples: length of the sound.
        hop: samples from one spectrum to the next.
    """

    samples: int
    hop: int

    @classmethod
    def of(cls, samples: int) -> Columns:
        """Return the spread for a length."""
        return cls(samples=samples, hop=min(HOP, max(1, samples // WIDTH)))

    @property
    def spectra(self) -> int:
        """Number of spectra; that of number k is around sample k times `hop`."""
        return -(-self.samples // self.hop)

    @property
    def width(self) -> int:
        """Columns of the picture."""
        return min(self.spectra, WIDTH)

    def column(self, spectrum: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return the columns of spectra."""
        return spectrum * self.width // self.spectra


def spectrogram(samples: Bands) -> NDArray[np.uint8]:
    """Return the power of a sound over time and frequency, the mean over its channels, as [256, width, 3].

    Args:
        samples: a sound [time, channel] of any length; its pictures are up to 1000 wide.
    """
    columns = Columns.of(samples.domain.shape[0])
    power, count = np.zeros((columns.width, HEIGHT)), np.zeros((columns.width, 1))
    at = 0
    for part in _powers(_scaled(samples), columns):
        places = columns.column(np.arange(at, at + len(part)))
        starts = np.flatnonzero(np.diff(places, prepend=-1))  # the places rise
        power[places[starts]] += np.add.reduceat(part, starts)
        count[:, 0] += np.bincount(places, minlength=columns.width)
        at += len(part)
    decibels = 10 * np.log10(power / np.maximum(count, 1) + 1e-30)
    share = np.clip(1 + decibels / RANGE, 0, 1).T[::-1]
    stops = np.linspace(0, 1, len(COLOURS))
    channels = [np.interp(share, stops, COLOURS[:, channel]) for channel in range(3)]
    return np.rint(np.stack(channels, axis=-1)).astype(np.uint8)


def _scaled(samples: Bands) -> Iterator[NDArray[np.float32]]:
    """Yield the samples with full scale 1, with half a window of silence on either side."""
    silence = np.zeros((WINDOW // 2, samples.channels), np.float32)
    yield silence
    for band in samples.bands:
        for start in range(0, len(band), BLOCK):
            yield samples.info.to_unit(band[start : start + BLOCK])
    yield silence


def _powers(parts: Iterable[NDArray[np.float32]], columns: Columns) -> Iterator[NDArray[np.float64]]:
    """Yield the power of spectra as [some, `HEIGHT`]: 1 for a sine at full scale."""
    window = np.hanning(WINDOW + 1)[:-1]
    held: list[NDArray[np.float32]] = []
    there, left = 0, columns.spectra
    span = (BATCH - 1) * columns.hop + WINDOW
    for part in parts:
        held.append(part)
        there += len(part)
        if there < span:
            continue
        buffer, start = np.concatenate(held), 0
        while len(buffer) - start >= span and left > 0:
            count = min(BATCH, left)
            yield _power(buffer[start:], columns.hop, count, window)
            start += count * columns.hop
            left -= count
        held, there = [buffer[start:]], len(buffer) - start
    if left > 0:
        buffer = np.concatenate(held)
        short = max(0, (left - 1) * columns.hop + WINDOW - len(buffer))
        yield _power(np.pad(buffer, ((0, short), (0, 0))), columns.hop, left, window)


def _power(
    buffer: NDArray[np.float32], hop: int, count: int, window: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return the mean over channels of the power of the first spectra in a buffer, [count, `HEIGHT`]."""
    frames = np.lib.stride_tricks.sliding_window_view(buffer, WINDOW, axis=0)[: count * hop : hop]
    power = np.zeros((len(frames), HEIGHT))
    for channel in range(buffer.shape[1]):
        found = np.square(np.abs(np.fft.rfft(frames[:, channel] * window)) * (2 / window.sum()))
        power += found[:, 1:].reshape(len(frames), HEIGHT, 2).max(axis=-1)
    return power / buffer.shape[1]
