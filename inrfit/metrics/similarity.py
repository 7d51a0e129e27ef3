"""Structural similarity of two planes, in one scale and in several; of samples as they are stored see `fidelity`.

Wang et al., Image quality assessment: from error visibility to structural similarity, 2004, and Wang, Simoncelli and
Bovik, Multi-scale structural similarity for image quality assessment, 2003. What windows see beyond the border is mirrored.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

WEIGHTS = (0.0448, 0.2856, 0.3001, 0.2363, 0.1333)
"""Exponents of the scales, the finest first."""

C1, C2 = 0.01**2, 0.03**2
"""What keeps the quotients finite, on the scale where the value range is 1."""

Plane = NDArray[np.float64]


def ssim(reference: Plane, decoded: Plane, window: int, sigma: float, band: int) -> float:
    """Return the mean similarity over the places where the window fits into the plane.

    Args:
        reference, decoded: samples [height, width] on the scale where the value range is 1.
        window: side of the Gaussian window in samples, odd, at most that of the plane.
        sigma: its standard deviation in samples.
        band: rows that are compared at once; bounds the memory and does not change the value.
    """
    return _means(reference, decoded, window, sigma, band)[0]


def ms_ssim(reference: Plane, decoded: Plane, window: int, sigma: float, band: int) -> float:
    """Return the similarity over the scales of `WEIGHTS`, each half as fine as the one before; of the coarsest over all places.

    Negative means count as 0. Args as for `ssim`, for planes whose coarsest scale is larger than half the window.
    """
    product = 1.0
    for weight in WEIGHTS[:-1]:
        product *= max(0.0, _means(reference, decoded, window, sigma, band)[1]) ** weight
        reference, decoded = _halved(reference), _halved(decoded)
    return product * max(0.0, _means(reference, decoded, window, sigma, band)[2]) ** WEIGHTS[-1]


def _means(
    reference: Plane, decoded: Plane, window: int, sigma: float, band: int
) -> tuple[float, float, float]:
    """Return means: of the similarity and of its contrast term where the window fits, of the similarity everywhere."""
    (height, width), edge = reference.shape, window // 2
    inside = contrast = everywhere = 0.0
    for top, similar, contrasts in _bands(reference, decoded, edge, sigma, band):
        everywhere += float(similar.sum())
        fits = slice(max(edge - top, 0), max(height - edge - top, 0)), slice(edge, width - edge)
        inside += float(similar[fits].sum())
        contrast += float(contrasts[fits].sum())
    places = (height - 2 * edge) * (width - 2 * edge)
    return inside / max(places, 1), contrast / max(places, 1), everywhere / (height * width)


def _bands(
    reference: Plane, decoded: Plane, edge: int, sigma: float, band: int
) -> Iterator[tuple[int, Plane, Plane]]:
    """Yield the first row of a band of rows, its similarity and the contrast term of it, [row, width]."""
    from scipy.ndimage import correlate1d

    at = np.arange(-edge, edge + 1)
    kernel = np.exp(-0.5 * (at / sigma) ** 2)
    kernel /= kernel.sum()

    def blurred(plane: Plane, own: slice) -> Plane:
        return correlate1d(correlate1d(plane, kernel, 0, mode="mirror")[own], kernel, 1, mode="mirror")

    height = len(reference)
    for top in range(0, height, band):
        first, last = max(0, top - edge), min(height, top + band + edge)
        own = slice(top - first, min(top + band, height) - first)
        a, b = reference[first:last], decoded[first:last]
        mean_a, mean_b = blurred(a, own), blurred(b, own)
        product, squares = mean_a * mean_b, mean_a**2 + mean_b**2
        spread = np.maximum(blurred(a * a + b * b, own) - squares, 0)
        contrast = (2 * (blurred(a * b, own) - product) + C2) / (spread + C2)
        yield top, (2 * product + C1) / (squares + C1) * contrast, contrast


def _halved(plane: Plane) -> Plane:
    """Return the means of 2x2 samples; an odd last row or column is left out."""
    height, width = (math.floor(side / 2) * 2 for side in plane.shape)
    even = plane[:height, :width]
    return (even[::2, ::2] + even[1::2, ::2] + even[::2, 1::2] + even[1::2, 1::2]) / 4
