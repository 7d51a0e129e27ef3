"""Learning-rate schedules: factors of the peak rate. A new one is a function here and a line in the registry."""

from __future__ import annotations

import math


def constant(step: int, steps: int) -> float:
    """Return 1 at every step."""
    return 1.0


def cosine(step: int, steps: int) -> float:
    """Return half a cosine, from 1 at step 0 to nearly 0 at the last of `steps`."""
    return 0.5 * (1.0 + math.cos(math.pi * step / steps))
