"""Which kernel runs a description on a device; the kernels themselves live in the files beside."""

from __future__ import annotations

import warnings

from inrfit.device import Device
from inrfit.errors import ConfigError, SlowWarning
from inrfit.kernels.by_autograd import without_derivative
from inrfit.kernels.protocol import Kernel
from inrfit.models.description import Description
from inrfit.registry import load, names


def pick_kernel(name: str, description: Description, device: Device) -> Kernel:
    """Return a kernel for a description; see `chosen`."""
    name = chosen(name, description, device)
    if name == "cpu" and (slow := without_derivative(description)):
        warnings.warn(
            f"{' and '.join(slow)}: no derivative by hand, so autograd finds it, which is slower",
            SlowWarning,
            stacklevel=1,
        )
    return load("kernel", name)(description)


def chosen(name: str, description: Description, device: Device) -> str:
    """Return the name of a kernel for a description.

    Args:
        name: a name of the registry, or "auto" for the first of them that can run this here. That is the kernel with
            derivatives by hand on a CPU, and on CUDA the reference, until measurements on hardware say otherwise.
        description: what it will run.
        device: where.

    Raises:
        ConfigError: it does not run there, or not this description; the message says why.
    """
    if name == "auto":
        able = (name for name in names("kernel") if load("kernel", name).refuses(description, device) is None)
        return next(able)
    if (why := load("kernel", name).refuses(description, device)) is not None:
        raise ConfigError(f"--kernel {name} cannot run this: {why}", hint="leave it out to take one that can")
    return name
