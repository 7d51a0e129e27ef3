"""The linear yardstick: an image from as many low-frequency cosines per region as a network has weights.

Nothing here is trained. A cosine coefficient costs what a weight costs, so a network with fewer weights than the
image has values is worth its training only where it is above this.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.fft import dctn, idctn
from scipy.sparse.linalg import LinearOperator, lsmr

from inrfit.partitions import Partition

ITERATIONS = 1000
"""Steps of the least-squares solver for a region that does not fill its box."""

Image = NDArray[np.float64]
"""Values [height, width] on [0, 1]."""


def dct_floor(image: Image, partition: Partition, per_region: int) -> dict[str, Any]:
    """Approximate each region by its `per_region` lowest frequencies.

    Returns:
        "coefficients" used, "psnr" of the sum, "psnr_decoded" after clipping and rounding to 8 bits; or both
        None and the "reason" where there are as many coefficients as values.
    """
    asked = per_region * len(partition)
    if asked >= image.size:
        reason = f"{asked} coefficients for {image.size} values: a linear transform is exact"
        return {"coefficients": None, "psnr": None, "psnr_decoded": None, "reason": reason}
    made = approximation(image, partition, per_region)
    return {
        "coefficients": sum(min(per_region, area) for area in partition.areas),
        "psnr": psnr(made - image),
        "psnr_decoded": psnr(np.rint(np.clip(made, 0, 1) * 255) / 255 - image),
        "reason": None,
    }


def approximation(image: Image, partition: Partition, per_region: int) -> Image:
    """Return the image made of the lowest frequencies of each region."""
    made = np.empty_like(image)
    for region in partition.regions:
        window = tuple(slice(a, b) for a, b in region.box)
        if region.mask is None:
            made[window] = low_pass(image[window], per_region)
        else:
            part = masked_low_pass(image[window], region.mask, per_region)
            made[window][region.mask] = part[region.mask]
    return made


def zigzag(shape: tuple[int, ...], count: int) -> NDArray[np.intp]:
    """Return the flat indices of the `count` lowest frequencies of a box, diagonal by diagonal.

    The frequency of coefficient (u, v) is u / height + v / width, which on a square is the order of JPEG up to the
    direction on a diagonal.
    """
    rows, columns = np.indices(shape)
    frequency = np.round(rows / shape[0] + columns / shape[1], 9)
    return np.lexsort((rows.ravel(), frequency.ravel()))[:count]


def low_pass(values: Image, count: int) -> Image:
    """Keep the `count` lowest frequencies of the orthonormal DCT of a box."""
    kept = np.zeros_like(values)
    chosen = zigzag(values.shape, count)
    kept.flat[chosen] = _dct(values).flat[chosen]
    return _inverse_dct(kept)


def masked_low_pass(values: Image, mask: NDArray[np.bool_], count: int) -> Image:
    """Return the sum of the `count` lowest cosines of the box that is nearest the values inside a mask.

    Least squares over the samples in the mask by LSMR (Fong and Saunders, 2011) on the fast transform. The cosines
    depend on each other inside a mask; the solver therefore stops near, not at, the best sum (measured: 0.6 dB
    below it on a photo), whose coefficients would be too large to be of use.
    """
    if count >= np.count_nonzero(mask):
        return values
    cosines = MaskedCosines(mask, zigzag(mask.shape, count))
    return cosines.synthesise(lsmr(cosines, values[mask], atol=1e-9, btol=1e-9, maxiter=ITERATIONS)[0])


class MaskedCosines(LinearOperator):
    """The linear map from some cosine coefficients of a box to its samples inside a mask."""

    def __init__(self, mask: NDArray[np.bool_], chosen: NDArray[np.intp]) -> None:
        self.mask, self.chosen = mask, chosen
        super().__init__(np.dtype(np.float64), (int(np.count_nonzero(mask)), len(chosen)))

    def synthesise(self, coefficients: NDArray[np.float64]) -> Image:
        """Return the whole box."""
        box = np.zeros(self.mask.shape)
        box.flat[self.chosen] = coefficients.ravel()
        return _inverse_dct(box)

    def _matvec(self, x: NDArray[np.float64]) -> NDArray[np.float64]:
        return self.synthesise(x)[self.mask]

    def _rmatvec(self, x: NDArray[np.float64]) -> NDArray[np.float64]:
        box = np.zeros(self.mask.shape)
        box[self.mask] = x.ravel()
        return _dct(box).flat[self.chosen]


def _dct(values: Image) -> Image:
    return np.asarray(dctn(values, norm="ortho"))


def _inverse_dct(coefficients: Image) -> Image:
    return np.asarray(idctn(coefficients, norm="ortho"))


def psnr(error: Image) -> float | None:
    """Return the PSNR in dB of an error with values on [0, 1]; None where there is no error."""
    mse = float(np.mean(np.square(error)))
    return None if mse == 0 else -10 * math.log10(mse)
