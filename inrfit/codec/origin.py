"""What a file that keeps only what an init's regions adapted needs of that init; where inits come from is not known here."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Protocol

import numpy as np
from numpy.typing import NDArray


class Origin(Protocol):
    """An init as such a file sees it."""

    @property
    def hash(self) -> str:
        """SHA-256 of its file, in hex."""
        ...

    @property
    def shapes(self) -> Mapping[str, tuple[int, ...]]:
        """Name -> shape of what a region keeps, in the order in which the file keeps it."""
        ...

    @property
    def bases(self) -> Mapping[str, NDArray[np.float32]]:
        """Name -> what regions began with, of those numbers that are arrays of the init; of its shape."""
        ...

    def stacks(self, numbers: Mapping[str, NDArray[np.float32]]) -> dict[str, NDArray[np.float32]]:
        """Return all weight stacks, [region or 1, *shape], by what regions keep, [region, *shape]."""
        ...


Find = Callable[[str], Origin | None]
"""SHA-256 of an init -> the init; None where there is none."""
