"""The sine activation with its first and second derivative by hand, for networks that are differentiated twice.

Sine and cosine are computed once, where autograd computes them anew for each derivative. The plain one in
`steps.activations` is what it is tested against.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from torch import Tensor
from torch.autograd import Function
from torch.autograd.function import once_differentiable

from inrfit.models.description import Description
from inrfit.steps.activations import Activate, sine


class _Slope(Function):
    """gradient * omega cos(omega z): the derivative of the sine, with its own derivative."""

    @staticmethod
    def forward(ctx: Any, grad: Tensor, z: Tensor, value: Tensor, slope: Tensor, omega: float) -> Tensor:
        ctx.save_for_backward(grad, value, slope)
        ctx.omega = omega
        return grad * slope

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, other: Tensor) -> tuple[Tensor | None, ...]:  # pyright: ignore[reportIncompatibleMethodOverride]
        grad, value, slope = ctx.saved_tensors
        by_z = (other * grad).mul_(value).mul_(-(ctx.omega**2)) if ctx.needs_input_grad[1] else None
        return other * slope, by_z, None, None, None


class _Sine(Function):
    """sin(omega z)."""

    @staticmethod
    def forward(ctx: Any, z: Tensor, omega: float) -> Tensor:
        phase = z * omega
        value, slope = phase.sin(), phase.cos_().mul_(omega)
        ctx.save_for_backward(z, value, slope)
        ctx.omega = omega
        return value

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, None]:  # pyright: ignore[reportIncompatibleMethodOverride]
        z, value, slope = ctx.saved_tensors
        return _Slope.apply(grad, z, value, slope, ctx.omega), None


def _function(z: Tensor, omega: float, scale: float) -> Tensor:
    return _Sine.apply(z, omega)  # pyright: ignore[reportReturnType]


_SWIFT = replace(sine, function=_function)


def swift(description: Description) -> Description:
    """Return a description whose sines are those of this file."""
    steps = tuple(
        replace(step, activation=_SWIFT) if isinstance(step, Activate) and step.activation is sine else step
        for step in description.steps
    )
    return replace(description, steps=steps)
