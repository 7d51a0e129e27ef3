"""Affine steps: every point of a tile through a matrix, that of the tile's region or one for the whole signal."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Affine:
    """x W + b.

    Attributes:
        source, target: registers read and written.
        weight, bias: names of the weight stacks, [in, out] and [1, out] per group.
    """

    source: str
    target: str
    weight: str
    bias: str

    @property
    def sources(self) -> tuple[str, ...]:
        """Registers that `forward` takes, in order."""
        return (self.source,)

    @property
    def stacks(self) -> tuple[str, ...]:
        """Names of the weight stacks that `forward` takes after them, in order."""
        return (self.weight, self.bias)

    def forward(self, x: Any, weight: Any, bias: Any) -> Any:
        """Map x [tile, point, in] with weight [tile or 1, in, out] and bias [tile or 1, 1, out]."""
        if len(weight) == len(x):
            return bias.baddbmm(x, weight)
        return bias.baddbmm(_as_one(x), weight).unflatten(1, x.shape[:2])[0]


@dataclass(frozen=True, slots=True, kw_only=True)
class AddAffine:
    """x W + a: with an `Affine` that made the addend, an affine map of two registers side by side.

    Attributes:
        source, addend, target: registers read and written.
        weight: name of the weight stack, [in, out] per group.
    """

    source: str
    addend: str
    target: str
    weight: str

    @property
    def sources(self) -> tuple[str, ...]:
        """Registers that `forward` takes, in order."""
        return (self.source, self.addend)

    @property
    def stacks(self) -> tuple[str, ...]:
        """Names of the weight stacks that `forward` takes after them, in order."""
        return (self.weight,)

    def forward(self, x: Any, addend: Any, weight: Any) -> Any:
        """Map x [tile, point, in] with weight [tile or 1, in, out] and add `addend` [tile, point, out]."""
        if len(weight) == len(x):
            return addend.baddbmm(x, weight)
        return _as_one(addend).baddbmm(_as_one(x), weight).unflatten(1, x.shape[:2])[0]


def _as_one(x: Any) -> Any:
    """Put the points of all tiles into one tile, for weights that all of them share."""
    return x.reshape(1, -1, x.shape[-1])
