"""Where a step that differentiates by hand puts the gradients of what it read; it computes nothing itself."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True, eq=False)
class Into:
    """A gradient that is being made.

    Attributes:
        values: the array; its content is garbage until the first step has written to it.
        beta: factor of what is there: 0 for the first step that writes, 1 for those that add.
    """

    values: Any
    beta: int

    def put(self, gradient: Any) -> None:
        """Write or add a gradient that is at hand; nothing happens where it is this very array."""
        if self.beta:
            self.values.add_(gradient)
        elif self.values is not gradient:
            self.values.copy_(gradient)
