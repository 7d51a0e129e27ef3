"""Samples that are not there, in an image: transparent where its format holds alpha; the rest of a file is not known here."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from inrfit.io.formats import by_suffix
from inrfit.signal import INTEGER_RANGES, SignalInfo


def transparent(
    values: NDArray[Any], info: SignalInfo, covered: NDArray[np.bool_], suffix: str
) -> tuple[NDArray[Any], SignalInfo] | None:
    """Return an image with alpha 0 where it is not covered; it gets an alpha channel, full elsewhere, if it has none.

    Args:
        values: samples [H, W, C].
        info: what is known about them.
        covered: which samples are there, [H, W].
        suffix: file suffix, which picks the format.

    Returns:
        The samples and what is known about them; None when the format or the colours leave no place for alpha.
    """
    if info.colour.endswith("-alpha"):
        values = values.copy()
        values[~covered, -1] = 0
        return values, info
    form = by_suffix(suffix)
    if info.colour not in ("grey", "rgb") or not form or not form.holds(info.dtype, values.shape[-1] + 1):
        return None
    full = INTEGER_RANGES.get(info.dtype, (0.0, 1.0))[1]
    alpha = np.where(covered[..., None], full, 0).astype(info.dtype)
    return np.concatenate([values, alpha], axis=-1), replace(info, colour=f"{info.colour}-alpha")
