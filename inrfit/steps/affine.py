"""Affine steps: every point of a tile through a matrix, that of the tile's region or one for the whole signal.

`forward` is for the reference kernel, whose arrays are [tile, point, feature]. `write` and `pull` are the same map and its
derivative by hand, for arrays [tile, feature, point] and one matrix per tile: with the points last, products with narrow
matrices are about as fast at every width.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from inrfit.steps.pullback import Into


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

    @property
    def matrix(self) -> tuple[str, str | None]:
        """The stacks that are one matrix for an optimiser: the weight, and the bias as its last row."""
        return (self.weight, self.bias)

    @property
    def remembers(self) -> bool:
        """An affine map needs no memo: its derivative needs what it reads."""
        return False

    @property
    def passes(self) -> None:
        """No gradient goes through unchanged."""
        return None

    def width(self, read: int, shapes: Mapping[str, tuple[int, ...]]) -> int:
        """Return the features written."""
        return shapes[self.weight][1]

    def forward(self, x: Any, weight: Any, bias: Any) -> Any:
        """Map x [tile, point, in] with weight [tile or 1, in, out] and bias [tile or 1, 1, out]."""
        if len(weight) == len(x):
            return bias.baddbmm(x, weight)
        return bias.baddbmm(_as_one(x), weight).unflatten(1, x.shape[:2])[0]

    def write(self, out: Any, memo: Any, inputs: Sequence[Any]) -> None:
        """Write the map of x [tile, in, point] to `out` [tile, out, point]."""
        x, weight, bias = inputs
        out.copy_(bias.mT).baddbmm_(weight.mT, x)

    def pull(self, grad: Any, memo: Any, inputs: Sequence[Any], into: Sequence[Into | None]) -> None:
        """Add grad W^T to the gradient of x, x^T grad to that of W, and the sum over points to that of b."""
        x, weight, _ = inputs
        by_x, by_weight, by_bias = into
        if by_weight is not None:
            by_weight.values.baddbmm_(x, grad.mT, beta=by_weight.beta)
        if by_bias is not None:
            by_bias.put(grad.sum(-1).unsqueeze(1))
        if by_x is not None:
            by_x.values.baddbmm_(weight, grad, beta=by_x.beta)


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

    @property
    def matrix(self) -> tuple[str, str | None]:
        """The stacks that are one matrix for an optimiser; the addend has the bias."""
        return (self.weight, None)

    @property
    def remembers(self) -> bool:
        """An affine map needs no memo: its derivative needs what it reads."""
        return False

    @property
    def passes(self) -> str:
        """The gradient of the addend is that of the sum."""
        return self.addend

    def width(self, read: int, shapes: Mapping[str, tuple[int, ...]]) -> int:
        """Return the features written."""
        return shapes[self.weight][1]

    def forward(self, x: Any, addend: Any, weight: Any) -> Any:
        """Map x [tile, point, in] with weight [tile or 1, in, out] and add `addend` [tile, point, out]."""
        if len(weight) == len(x):
            return addend.baddbmm(x, weight)
        return _as_one(addend).baddbmm(_as_one(x), weight).unflatten(1, x.shape[:2])[0]

    def write(self, out: Any, memo: Any, inputs: Sequence[Any]) -> None:
        """Write the map of x [tile, in, point] and addend [tile, out, point] to `out` [tile, out, point]."""
        x, addend, weight = inputs
        out.copy_(addend).baddbmm_(weight.mT, x)

    def pull(self, grad: Any, memo: Any, inputs: Sequence[Any], into: Sequence[Into | None]) -> None:
        """Add grad W^T to the gradient of x, `grad` to that of the addend, and x^T grad to that of W."""
        x, _, weight = inputs
        by_x, by_addend, by_weight = into
        if by_weight is not None:
            by_weight.values.baddbmm_(x, grad.mT, beta=by_weight.beta)
        if by_addend is not None:
            by_addend.put(grad)
        if by_x is not None:
            by_x.values.baddbmm_(weight, grad, beta=by_x.beta)


def second_moments(x: Any, weight: Any | None, *, bias: bool) -> Any:
    """Return the sums over points of the products of features.

    Args:
        x: [tile, in, point].
        weight: [tile, 1, point], what a point counts; all alike when None, or where `x` has other tiles.
        bias: whether the constant 1 that a bias is multiplied by is one more feature, the last.

    Returns:
        [tile, in, in], or [tile, in + 1, in + 1] with a bias.
    """
    if weight is not None and len(weight) != len(x):
        weight = None
    weighted = x if weight is None else x * weight
    products = weighted.matmul(x.mT)
    if not bias:
        return products
    tiles, features, points = x.shape
    whole = products.new_empty((tiles, features + 1, features + 1))
    whole[:, :-1, :-1] = products
    whole[:, :-1, -1] = whole[:, -1, :-1] = weighted.sum(-1)
    whole[:, -1, -1] = points if weight is None else weight.sum((1, 2))
    return whole


def _as_one(x: Any) -> Any:
    """Put the points of all tiles into one tile, for weights that all of them share."""
    return x.reshape(1, -1, x.shape[-1])
