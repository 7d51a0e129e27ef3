import math

import numpy as np
import pytest
import torch

from inrfit import registry
from inrfit.steps.activations import Activation


def run(name, z, omega=1.0, scale=1.0, kind="activation"):
    return registry.load(kind, name).function(torch.tensor(z, dtype=torch.float64), omega, scale).numpy()


Z = np.linspace(-1.5, 1.5, 7)


@pytest.mark.parametrize(
    ("name", "formula"),
    [
        ("sine", lambda z: np.sin(3 * z)),
        ("relu", lambda z: np.maximum(z, 0)),
        ("finer", lambda z: np.sin(3 * (np.abs(z) + 1) * z)),
        ("gauss", lambda z: np.exp(-((3 * z) ** 2))),
    ],
)
def test_formula(name, formula):
    assert run(name, Z, omega=3.0) == pytest.approx(formula(Z))


def test_wire_is_a_real_gabor_of_two_halves():
    z = np.stack([Z, Z + 0.2], axis=1).T.reshape(1, 1, -1)
    expected = np.cos(4 * Z) * np.exp(-((2 * (Z + 0.2)) ** 2))
    assert run("wire", z, omega=4.0, scale=2.0)[0, 0] == pytest.approx(expected)


def test_sigmoid_output_is_the_logistic_function_on_minus_one_to_one():
    expected = 2 / (1 + np.exp(-Z)) - 1
    assert run("sigmoid", Z, kind="output") == pytest.approx(expected)


@pytest.mark.parametrize("name", registry.names("activation"))
def test_every_activation_draws_finite_weights_of_the_right_shape_and_keeps_variance(name):
    """The contract of the table: an activation keeps a signal alive through five layers of its own init."""
    activation: Activation = registry.load("activation", name)
    width, random = 64, np.random.default_rng(0)
    x = torch.rand(512, 2, dtype=torch.float32) * 2 - 1
    for number in range(5):
        weight, bias = activation.init(
            random, (x.shape[1], width * activation.pre_activations), number == 0, activation.hidden_omega_0
        )
        assert weight.dtype == bias.dtype == np.float32
        assert np.isfinite(weight).all()
        assert np.isfinite(bias).all()
        omega = activation.first_omega_0 if number == 0 else activation.hidden_omega_0
        x = activation.function(x @ torch.tensor(weight) + torch.tensor(bias), omega, 10.0)
        assert x.shape == (512, width)
        assert torch.isfinite(x).all()
    assert x.std() > 1e-3
    assert math.isfinite(float(x.mean()))
