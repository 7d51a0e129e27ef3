"""What a file costs, in bits per sample; estimates from entropies or weights do not belong here."""

from __future__ import annotations

from inrfit.errors import InputError


def bpp(size: int, samples: int) -> float:
    """Return bits per sample: 8 times `size` bytes over the samples of the domain (pixels of an image).

    Raises:
        InputError: there are no samples, or the size is negative.
    """
    if samples < 1 or size < 0:
        raise InputError(f"{size} bytes for {samples} samples give no rate (0 bytes and 1 sample at least)")
    return 8 * size / samples
