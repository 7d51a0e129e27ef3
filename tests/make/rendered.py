"""Values of a field before they are samples of a type."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from inrfit.device import Device
from inrfit.kernels.network import Network
from inrfit.models.net import Net
from inrfit.render.bands import unit_bands
from inrfit.render.output import WHOLE, Output
from inrfit.signal import gathered


def render(net: Net, output: Output = WHOLE, *, device: Device, kernel: str = "auto") -> NDArray[np.float32]:
    """Return the values of an output, [*shape, channel] on [-1, 1]; 0 where no region is."""
    wanted = output.lattice(net.domain, net.channels)
    bands = unit_bands(Network(net, device, kernel), wanted, output.blend)
    return gathered(bands, (*wanted.shape, net.channels), "float32")
