"""What a file costs, in bits per sample; estimates from entropies or weights do not belong here."""

from __future__ import annotations

from collections.abc import Mapping
from statistics import median
from typing import Any

from inrfit.errors import InputError


def bpp(size: int, samples: int) -> float:
    """Return bits per sample: 8 times `size` bytes over the samples of the domain (pixels of an image).

    Raises:
        InputError: there are no samples, or the size is negative.
    """
    if samples < 1 or size < 0:
        raise InputError(f"{size} bytes for {samples} samples give no rate (0 bytes and 1 sample at least)")
    return 8 * size / samples


def parts(sizes: Mapping[str, Any]) -> dict[str, Any]:
    """Return the bytes of each part of a file.

    Args:
        sizes: those of `codec.container.Reader.sizes`.

    Returns:
        "header", "shared", "metadata" and "regions", which add up to the file, and "region_smallest", "region_median"
        and "region_largest".
    """
    each = sizes["each"]
    return {
        **{name: size for name, size in sizes.items() if name != "each"},
        "region_smallest": min(each, default=0),
        "region_median": median(each) if each else 0,
        "region_largest": max(each, default=0),
    }
