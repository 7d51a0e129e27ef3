"""Which kernel runs a description on a device; the kernels themselves live in the files beside."""

from __future__ import annotations

import warnings

from inrfit.device import Device
from inrfit.errors import ConfigError, SlowWarning
from inrfit.kernels import Kernel
from inrfit.kernels.by_autograd import without_derivative
from inrfit.models.description import Description
from inrfit.registry import load


def pick_kernel(name: str, description: Description, device: Device) -> Kernel:
    """Return a kernel for a description.

    Args:
        name: "auto", or a name of the registry. On a CPU "auto" is the kernel with derivatives by hand, on CUDA the
            reference, until measurements on hardware say otherwise.
        description: what it will run.
        device: where.

    Raises:
        ConfigError: it does not run there, or not this description; the message says why.
    """
    if name == "auto":
        name = "reference" if device.is_cuda else "cpu"
    kernel = load("kernel", name)
    if (why := kernel.refuses(description, device)) is not None:
        raise ConfigError(f"--kernel {name} cannot run this: {why}", hint="leave it out to take one that can")
    if name == "cpu" and (slow := without_derivative(description)):
        warnings.warn(
            f"{' and '.join(slow)}: no derivative by hand, so autograd finds it, which is slower",
            SlowWarning,
            stacklevel=1,
        )
    return kernel(description)
