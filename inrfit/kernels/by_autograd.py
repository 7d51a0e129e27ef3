"""Steps without a derivative written by hand, differentiated by autograd for the kernel that walks backwards by itself."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import torch
from torch import Tensor

from inrfit.models.description import ByHand, Description, Step
from inrfit.steps.activations import Activate
from inrfit.steps.pullback import Into


@dataclass(frozen=True, slots=True)
class ByAutograd:
    """A step as the CPU's kernel wants it: `forward` on arrays with their points last, and run again to be pulled back.

    Attributes:
        step: what is done.
    """

    step: Step
    remembers: ClassVar[bool] = False
    passes: ClassVar[None] = None

    @property
    def sources(self) -> tuple[str, ...]:
        """As of the step."""
        return self.step.sources

    @property
    def target(self) -> str:
        """As of the step."""
        return self.step.target

    @property
    def stacks(self) -> tuple[str, ...]:
        """As of the step."""
        return self.step.stacks

    @property
    def matrix(self) -> tuple[str, str | None] | None:
        """As of the step."""
        return self.step.matrix

    def width(self, read: int, shapes: Mapping[str, tuple[int, ...]]) -> int:
        """Return the features written."""
        return self.step.width(read, shapes)

    def forward(self, *inputs: Any) -> Any:
        """Do what the step does, on arrays [tile, point, feature]."""
        return self.step.forward(*inputs)

    def write(self, out: Tensor, memo: None, inputs: Sequence[Tensor]) -> None:
        """Write what `forward` makes of registers [tile, feature, point] and weights to `out` [tile, feature, point]."""
        out.copy_(self._forward(inputs).mT)

    def pull(self, grad: Tensor, memo: None, inputs: Sequence[Tensor], into: Sequence[Into | None]) -> None:
        """Add the gradients of what was read, by that of what was written: `forward` is run once more for them."""
        leaves = [x.detach().requires_grad_(put is not None) for x, put in zip(inputs, into, strict=True)]
        with torch.enable_grad():
            out = self._forward(leaves)
        wanted = [(leaf, put) for leaf, put in zip(leaves, into, strict=True) if put is not None]
        found = torch.autograd.grad(out, [leaf for leaf, _ in wanted], grad.mT, materialize_grads=True)
        for (_, put), gradient in zip(wanted, found, strict=True):
            put.put(gradient)

    def _forward(self, inputs: Sequence[Tensor]) -> Tensor:
        count = len(self.step.sources)
        return self.step.forward(*(x.mT.contiguous() for x in inputs[:count]), *inputs[count:])


def by_hand(step: Step) -> ByHand:
    """Return a step that can be pulled back: itself where it has its derivative."""
    return step if _has_derivative(step) else ByAutograd(step)  # pyright: ignore[reportReturnType]


def without_derivative(description: Description) -> tuple[str, ...]:
    """Return the steps of a description whose derivative is not written by hand, in words, each once."""
    slow = (step for step in description.steps if not _has_derivative(step))
    return tuple(dict.fromkeys(map(_told, slow)))


def _has_derivative(step: Step) -> bool:
    if isinstance(step, Activate):
        return step.activation.derivative is not None
    return hasattr(step, "pull")


def _told(step: Step) -> str:
    if isinstance(step, Activate):
        return f"an activation of {step.activation.function.__module__}"
    return f"the step {type(step).__name__} of {type(step).__module__}"
