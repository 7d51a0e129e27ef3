"""Distances between a reference and what was decoded, MSE, PSNR and SSIM; not the losses that a fit minimises.

All are taken on the scale where the value range of the signal is 1, so that 8-bit, 16-bit and float samples
compare, and are functions of the samples as they are stored: nothing is clipped here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from inrfit.decibel import decibel
from inrfit.errors import InputError
from inrfit.metrics import similarity
from inrfit.metrics.similarity import Plane

WINDOW = 11
"""Side of the Gaussian window of SSIM, in samples."""
SIGMA = 1.5
"""Standard deviation of the Gaussian window of SSIM, in samples."""
MS_SSIM_SMALLEST = 176
"""Shortest image side, in samples, at which the window of 11 fits into the coarsest of 5 scales: n // 16 > 10."""
BAND = 256
"""Rows that are compared at once; bounds the memory of SSIM and does not change its value."""
PART = 1 << 22
"""Values whose errors are in memory at a time."""
POINTWISE = ("psnr", "psnr-minmax", "snr")
"""Metrics of the registry that take samples of any shape; the others look at whole signals."""

Array = NDArray[np.generic]
ValueRange = tuple[float, float]


def check_pair(reference: Array, decoded: Array, value_range: ValueRange) -> float:
    """Return the extent of the value range, or say why the two arrays cannot be compared.

    Raises:
        InputError: the shapes differ, there are no samples, or the value range is empty.
    """
    if reference.shape != decoded.shape:
        raise InputError(
            f"reference of shape {reference.shape} and decoded of shape {decoded.shape} cannot be compared",
            hint="decode at the size of the reference, without --scale, --size or --region",
        )
    if reference.size == 0:
        raise InputError(f"arrays of shape {reference.shape} hold no samples to compare")
    low, high = value_range
    if not low < high:
        raise InputError(f"value range ({low}, {high}) must go from a lower to a higher value")
    return high - low


def mse(reference: Array, decoded: Array, value_range: ValueRange) -> float:
    """Return the mean squared error on the scale where the value range is 1.

    Args:
        reference: native samples, any shape.
        decoded: native samples of the same shape.
        value_range: (low, high) of the native samples.

    Raises:
        InputError: the arrays cannot be compared.
    """
    extent = check_pair(reference, decoded, value_range)
    a, b = reference.reshape(-1), decoded.reshape(-1)
    total = 0.0
    for start in range(0, len(a), PART):
        part = np.subtract(a[start : start + PART], b[start : start + PART], dtype=np.float64)
        total += float(np.square(part, out=part).sum())
    return total / len(a) / extent**2


def psnr(reference: Array, decoded: Array, value_range: ValueRange) -> float:
    """Return the peak signal-to-noise ratio in dB, peak = extent of the value range; inf when identical.

    Args and errors as for `mse`.
    """
    return decibel(mse(reference, decoded, value_range))


def psnr_minmax(reference: Array, decoded: Array, value_range: ValueRange) -> float:
    """Return the PSNR in dB after each array is stretched to [0, 1] by its own extremes over all channels.

    Source: the image PSNR of Local-Global SIREN, which is not the usual one: the paper's code applies OpenCV's
    NORM_MINMAX to both pictures, so that samples too high or too low shrink the contrast of all others.
    A constant array becomes 0, as in OpenCV. `value_range` only has to be valid.

    Args and errors as for `mse`.
    """
    check_pair(reference, decoded, value_range)
    return decibel(mse(_stretched(reference), _stretched(decoded), (0.0, 1.0)))


def ssim(reference: Array, decoded: Array, value_range: ValueRange) -> float | None:
    """Return the structural similarity, at most 1, as a mean over channels.

    A Gaussian window of 11 samples and sigma 1.5 is moved over the places where it fits into the image, as in
    the paper, scikit-image and pytorch-msssim; torchmetrics also counts windows that stick out over a mirrored
    border. In an image with a side below 11 the window is the largest odd one that fits, with
    sigma in proportion.

    Source: Wang et al., Image quality assessment: from error visibility to structural similarity, 2004.

    Args:
        reference: native samples [height, width, channel].
        decoded: native samples of the same shape.
        value_range: (low, high) of the native samples.

    Returns:
        The similarity, or None when a side is below 3 samples.

    Raises:
        InputError: the arrays cannot be compared or are not images.
    """
    height, width = _image_size(reference, decoded, value_range)
    window = min(WINDOW, height - 1 + height % 2, width - 1 + width % 2)
    if window < 3:
        return None
    sigma = SIGMA * window / WINDOW
    return _channel_mean(
        lambda a, b: similarity.ssim(a, b, window, sigma, BAND), reference, decoded, value_range
    )


def ms_ssim(reference: Array, decoded: Array, value_range: ValueRange) -> float | None:
    """Return the multi-scale structural similarity over 5 scales, in [0, 1], as a mean over channels.

    Source: Wang, Simoncelli and Bovik, Multi-scale structural similarity for image quality assessment, 2003,
    with the window of `ssim`, as torchmetrics computes it: at the coarsest scale over a mirrored border too.

    Args and errors as for `ssim`.

    Returns:
        The similarity, or None when a side is below 176 samples.
    """
    if min(_image_size(reference, decoded, value_range)) < MS_SSIM_SMALLEST:
        return None
    return _channel_mean(
        lambda a, b: similarity.ms_ssim(a, b, WINDOW, SIGMA, BAND), reference, decoded, value_range
    )


def psnr_of_mean_mse(errors: Sequence[float]) -> float:
    """Return the PSNR in dB of the mean of many MSEs: the average that codec curves of Cool-Chic use.

    Raises:
        InputError: there is nothing to average.
    """
    return decibel(_mean(errors))


def mean_psnr(errors: Sequence[float]) -> float:
    """Return the mean in dB of the PSNRs of many MSEs: the average of COIN, C3 and CompressAI.

    Raises:
        InputError: there is nothing to average.
    """
    return _mean([decibel(error) for error in errors])


def _mean(values: Sequence[float]) -> float:
    if not values:
        raise InputError("there are no measured images to average over")
    return float(np.mean(values))


def _stretched(values: Array) -> NDArray[np.float64]:
    shifted = values.astype(np.float64)
    shifted -= shifted.min()
    top = shifted.max()
    return shifted / top if top > 0 else shifted


def _image_size(reference: Array, decoded: Array, value_range: ValueRange) -> tuple[int, int]:
    check_pair(reference, decoded, value_range)
    if reference.ndim != 3:
        raise InputError(f"SSIM needs images [height, width, channel], not shape {reference.shape}")
    return reference.shape[0], reference.shape[1]


def _channel_mean(
    compare: Callable[[Plane, Plane], float], reference: Array, decoded: Array, value_range: ValueRange
) -> float:
    """Average a similarity of planes [height, width] over the channels, one at a time."""
    pairs = zip(_planes(reference, value_range), _planes(decoded, value_range), strict=True)
    return float(np.mean([compare(a, b) for a, b in pairs]))


def _planes(image: Array, value_range: ValueRange) -> Iterator[Plane]:
    """Yield the channels, [height, width], on the scale where the value range is 1."""
    low, high = value_range
    for channel in range(image.shape[-1]):
        yield (image[..., channel].astype(np.float64) - low) / (high - low)
