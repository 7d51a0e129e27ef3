"""The affine step: every point of a tile through the matrix of the tile's region."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Affine:
    """x W + b.

    Attributes:
        source, target: registers read and written.
        weight, bias: names of the weight stacks, [in, out] and [1, out] per region.
    """

    source: str
    target: str
    weight: str
    bias: str

    @property
    def stacks(self) -> tuple[str, ...]:
        """Names of the weight stacks that `forward` takes, in order."""
        return (self.weight, self.bias)

    def forward(self, x: Any, weight: Any, bias: Any) -> Any:
        """Map x [tile, point, in] with weight [tile, in, out] and bias [tile, 1, out]."""
        return bias.baddbmm(x, weight)
