"""The activation sinc, sin(omega_0 z) / (omega_0 z). Source: Saratchandran et al., ICML 2024."""

from inrfit.steps.activations import Activation, sine


def _sinc(z, omega, scale):
    return (z * omega / 3.141592653589793).sinc()


sinc = Activation(function=_sinc, init=sine.init, first_omega_0=15.0, hidden_omega_0=8.0, local_omega_0=8.0)
