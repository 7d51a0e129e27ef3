"""Activations, each with its derivative and its initial weights; `linear` and `sigmoid` are for the output only.

A new activation is one entry here and one line in the registry. It says twice what it is: `function` on the arrays of
the reference kernel, which autograd differentiates, and `derivative` on NumPy arrays, for the kernel that differentiates
by hand. NumPy's sine of single-precision arrays takes less than half the time of PyTorch's.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from inrfit.steps.pullback import Into

Init = Callable[
    ["np.random.Generator", tuple[int, int], bool, float], tuple[NDArray[np.float32], NDArray[np.float32]]
]
"""(random, (fan_in, fan_out), is_first, hidden_omega_0) -> weight [fan_in, fan_out], bias [1, fan_out]."""

Array = NDArray[np.float32]
Derivative = Callable[[Array, float, float, Array, "Array | None"], None]
"""(z, omega_0, scale_0, value, slope) -> None; see `Activation`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Activation:
    """An activation and the initial weights of the affine map before it.

    Attributes:
        function: (z, omega_0, scale_0) -> activated values; z is [tile, point, pre_activations * hidden].
        derivative: (z, omega_0, scale_0, value, slope) writes the activated values [tile, hidden, point] to `value` and
            their derivative by each element of z to `slope`, which has the shape of z; features come second here. z
            may be overwritten. `slope` is None where only values are wanted; `value` may then be z. None leaves it to
            autograd, which is slower; `unchanged` is that of the identity.
        folds: whether it is a function of omega_0 z, so that omega_0 may be put into the weights before it.
        init: initial weights of an affine map of a network with this activation, the output map included.
        first_omega_0, hidden_omega_0: factors used when the user gives none.
        local_omega_0: first factor in the local frame of a region of 32 samples a side.
        pre_activations: affine outputs that make one hidden feature.
    """

    function: Callable[[Any, float, float], Any]
    derivative: Derivative | None = None
    init: Init
    first_omega_0: float = 1.0
    hidden_omega_0: float = 1.0
    local_omega_0: float = 1.0
    pre_activations: int = 1
    folds: bool = False

    @property
    def is_identity(self) -> bool:
        """Whether it gives z as it is, so that there is nothing to do."""
        return self.derivative is unchanged


@dataclass(frozen=True, slots=True, kw_only=True)
class Activate:
    """The step that applies an activation.

    Attributes:
        source, target: registers read and written.
        activation: what is applied.
        omega_0, scale_0: its factors.
    """

    source: str
    target: str
    activation: Activation
    omega_0: float
    scale_0: float

    @property
    def sources(self) -> tuple[str, ...]:
        """Registers that `forward` takes, in order."""
        return (self.source,)

    @property
    def stacks(self) -> tuple[str, ...]:
        """Activations have no weights."""
        return ()

    @property
    def matrix(self) -> None:
        """Activations have no weights."""
        return None

    @property
    def remembers(self) -> bool:
        """Whether `pull` needs the slope."""
        return not self.activation.is_identity

    @property
    def passes(self) -> str | None:
        """The gradient of z is that of the output where nothing is done to it."""
        return None if self.remembers else self.source

    def width(self, read: int, shapes: Mapping[str, tuple[int, ...]]) -> int:
        """Return the features written for so many read."""
        return read // self.activation.pre_activations

    def forward(self, z: Any) -> Any:
        """Apply the activation to z [tile, point, pre_activations * hidden]."""
        return self.activation.function(z, self.omega_0, self.scale_0)

    def write(self, out: Any, memo: Any, inputs: Sequence[Any]) -> None:
        """Write the activated z [tile, pre_activations * hidden, point] to `out`, and the slope to `memo`.

        z is overwritten. Without a `memo` there will be no `pull`, and `out` may be z itself. Not for an activation without
        a derivative.
        """
        if self.activation.is_identity:
            if out is not inputs[0]:
                out.copy_(inputs[0])
            return
        assert self.activation.derivative is not None
        slope = None if memo is None else memo.numpy()
        self.activation.derivative(inputs[0].numpy(), self.omega_0, self.scale_0, out.numpy(), slope)

    def pull(self, grad: Any, memo: Any, inputs: Sequence[Any], into: Sequence[Into | None]) -> None:
        """Write the product of `grad` and the slope as the gradient of z, which no other step reads."""
        (by_z,) = into
        if by_z is None:
            return
        if self.activation.is_identity:
            by_z.put(grad)
            return
        parts = (self.activation.pre_activations, -1)
        slope, to = memo.unflatten(1, parts), by_z.values.unflatten(1, parts)
        np.multiply(slope.numpy(), grad.numpy()[:, None], out=to.numpy())


def _uniform(random: np.random.Generator, shape: tuple[int, ...], bound: float) -> NDArray[np.float32]:
    return random.uniform(-bound, bound, shape).astype(np.float32)


def _siren_init(
    random: np.random.Generator, shape: tuple[int, int], is_first: bool, omega: float
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """W ~ U(±1/fan_in) first, U(±sqrt(6/fan_in)/omega) after; biases U(±1/sqrt(fan_in)).

    Source: Sitzmann et al., NeurIPS 2020, section 3.2 and the biases of their released code.
    """
    fan_in = shape[0]
    bound = 1 / fan_in if is_first else math.sqrt(6 / fan_in) / omega
    return _uniform(random, shape, bound), _uniform(random, (1, shape[1]), fan_in**-0.5)


def _finer_init(
    random: np.random.Generator, shape: tuple[int, int], is_first: bool, omega: float
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """SIREN's weights, with first biases U(±1): a wide range of local frequencies.

    Source: Liu et al., CVPR 2024 (FINER), section 3.3; their range is a parameter tuned per task.
    """
    weight, bias = _siren_init(random, shape, is_first, omega)
    return weight, _uniform(random, bias.shape, 1.0) if is_first else bias


def _kaiming_init(
    random: np.random.Generator, shape: tuple[int, int], is_first: bool, omega: float
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """W ~ N(0, 2/fan_in), biases zero.

    Source: He et al., ICCV 2015, as used for ReLU networks by Liu et al., ICCV 2023 (Partition Matters).
    """
    weight = random.normal(0, math.sqrt(2 / shape[0]), shape).astype(np.float32)
    return weight, np.zeros((1, shape[1]), np.float32)


def _linear_init(
    random: np.random.Generator, shape: tuple[int, int], is_first: bool, omega: float
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Weights and biases U(±1/sqrt(fan_in)), the default of a PyTorch linear layer, as WIRE's code uses."""
    bound = shape[0] ** -0.5
    return _uniform(random, shape, bound), _uniform(random, (1, shape[1]), bound)


def _sine(z: Any, omega: float, scale: float) -> Any:
    return (z * omega).sin()


def _relu(z: Any, omega: float, scale: float) -> Any:
    return z.relu()


def _finer(z: Any, omega: float, scale: float) -> Any:
    return ((z.abs() + 1) * z * omega).sin()


def _gauss(z: Any, omega: float, scale: float) -> Any:
    return (-((z * omega) ** 2)).exp()


def _wire(z: Any, omega: float, scale: float) -> Any:
    carrier, envelope = z.chunk(2, -1)
    return (carrier * omega).cos() * (-((envelope * scale) ** 2)).exp()


def unchanged(z: Array, omega: float, scale: float, value: Array, slope: Array | None) -> None:
    """Give z as it is, with slope 1; activations with this derivative cost nothing, see `Activation.is_identity`."""
    value[...] = z
    if slope is not None:
        slope.fill(1)


def _sine_derivative(z: Array, omega: float, scale: float, value: Array, slope: Array | None) -> None:
    if omega != 1:
        np.multiply(z, np.float32(omega), out=z)
    np.sin(z, out=value)
    if slope is not None:
        np.cos(z, out=slope)
        if omega != 1:
            np.multiply(slope, np.float32(omega), out=slope)


def _relu_derivative(z: Array, omega: float, scale: float, value: Array, slope: Array | None) -> None:
    np.maximum(z, 0, out=value)
    if slope is not None:
        np.greater(z, 0, out=slope)


def _finer_derivative(z: Array, omega: float, scale: float, value: Array, slope: Array | None) -> None:
    """The slope is omega (2 |z| + 1) cos(omega (|z| + 1) z)."""
    size = np.abs(z)
    phase = (size + 1) * z * np.float32(omega)
    np.sin(phase, out=value)
    if slope is not None:
        np.cos(phase, out=slope)
        slope *= (2 * size + 1) * np.float32(omega)


def _gauss_derivative(z: Array, omega: float, scale: float, value: Array, slope: Array | None) -> None:
    """The slope is -2 omega^2 z exp(-(omega z)^2)."""
    np.exp(-np.square(z * np.float32(omega)), out=value)
    if slope is not None:
        np.multiply(z, value, out=slope)
        slope *= np.float32(-2 * omega**2)


def _wire_derivative(z: Array, omega: float, scale: float, value: Array, slope: Array | None) -> None:
    """By z_1: -omega sin(omega z_1) exp(-(scale z_2)^2); by z_2: -2 scale^2 z_2 times the value."""
    carrier, envelope = np.split(z, 2, axis=1)
    phase, bell = carrier * np.float32(omega), np.exp(-np.square(envelope * np.float32(scale)))
    np.multiply(np.cos(phase), bell, out=value)
    if slope is not None:
        by_carrier, by_envelope = np.split(slope, 2, axis=1)
        np.multiply(np.sin(phase), bell, out=by_carrier)
        by_carrier *= np.float32(-omega)
        np.multiply(envelope, value, out=by_envelope)
        by_envelope *= np.float32(-2 * scale**2)


def _sigmoid_derivative(z: Array, omega: float, scale: float, value: Array, slope: Array | None) -> None:
    """The slope of tanh(z / 2) is (1 - tanh(z / 2)^2) / 2."""
    np.tanh(z * np.float32(0.5), out=value)
    if slope is not None:
        np.multiply(value, value, out=slope)
        np.subtract(np.float32(0.5), slope * np.float32(0.5), out=slope)


def _identity(z: Any, omega: float, scale: float) -> Any:
    return z


def _sigmoid(z: Any, omega: float, scale: float) -> Any:
    """2 sigmoid(z) - 1: a sigmoid on the [-1, 1] scale of sampled signals."""
    return (z * 0.5).tanh()


sine = Activation(
    function=_sine,
    derivative=_sine_derivative,
    folds=True,
    init=_siren_init,
    first_omega_0=30.0,
    hidden_omega_0=15.0,
    local_omega_0=15.0,
)
"""sin(omega_0 z). Source: SIREN, Sitzmann et al., NeurIPS 2020."""

relu = Activation(function=_relu, derivative=_relu_derivative, init=_kaiming_init)
"""max(z, 0)."""

finer = Activation(
    function=_finer,
    derivative=_finer_derivative,
    init=_finer_init,
    first_omega_0=30.0,
    hidden_omega_0=8.0,
    local_omega_0=8.0,
)
"""sin(omega_0 (|z| + 1) z). Source: FINER, Liu et al., CVPR 2024."""

gauss = Activation(
    function=_gauss,
    derivative=_gauss_derivative,
    folds=True,
    init=_linear_init,
    first_omega_0=10.0,
    hidden_omega_0=6.0,
    local_omega_0=6.0,
)
"""exp(-(omega_0 z)^2). Source: Ramasinghe & Lucey, ECCV 2022."""

wire = Activation(
    function=_wire,
    derivative=_wire_derivative,
    init=_linear_init,
    first_omega_0=20.0,
    hidden_omega_0=8.0,
    local_omega_0=8.0,
    pre_activations=2,
)
"""cos(omega_0 z_1) exp(-(scale_0 z_2)^2), the real Gabor wavelet. Source: WIRE, Saragadam et al., CVPR 2023."""

linear = Activation(function=_identity, derivative=unchanged, init=_linear_init)
"""Output z as it is."""

sigmoid = Activation(function=_sigmoid, derivative=_sigmoid_derivative, init=_linear_init)
"""Output squashed into [-1, 1]."""
