"""Learning-rate schedules: factors of the peak rate. A new one is a function here and a line in the registry."""

from __future__ import annotations

import math

WARM_UP = 5
"""Steps before `cosine` is at its full height: an optimiser that takes equal steps everywhere begins blindly."""


def constant(step: int, steps: int) -> float:
    """Return 1 at every step."""
    return 1.0


def cosine(step: int, steps: int) -> float:
    """Return half a cosine to nearly 0 at the last of `steps`, after a linear rise over the first few."""
    return min(1.0, (step + 1) / (WARM_UP + 1)) * 0.5 * (1.0 + math.cos(math.pi * step / steps))
