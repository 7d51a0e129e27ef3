"""From a net to samples, band after band of rows, so that no output is there whole in single precision."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from inrfit.device import Device
from inrfit.kernels.network import Network
from inrfit.models.net import Net
from inrfit.render.blend import blended_bands
from inrfit.render.lattice import Lattice, covered
from inrfit.render.output import Output
from inrfit.render.tiles import render_bands
from inrfit.signal import Bands, SignalInfo


def unit_bands(network: Network, wanted: Lattice, blend: int = 0) -> Iterator[NDArray[np.float32]]:
    """Yield values [some rows, ..., channel] on [-1, 1] until the window is complete.

    Args:
        network: what is run.
        wanted: the samples.
        blend: source samples over which regions are mixed; 0 for none.

    Raises:
        FitError: a network gives values that are not finite.
    """
    return blended_bands(network, wanted, blend) if blend else render_bands(network, wanted)


def native_bands(net: Net, info: SignalInfo, output: Output, device: Device) -> Bands:
    """Return the native samples of an output, each band made while the one before is used.

    Args:
        net: what is run.
        info: what its values become.
        output: the samples.
        device: where it runs.

    Raises:
        ConfigError: the output cannot be. FitError: a network gives values that are not finite, while bands are taken.
    """
    filling, wanted = output.filling(info, net.channels), output.lattice(net.domain, net.channels)
    network, whole = Network(net, device), net.partition.is_whole

    def bands() -> Iterator[NDArray[np.generic]]:
        at = wanted.window[0][0]
        for unit in unit_bands(network, wanted, output.blend):
            values = info.from_unit(unit)
            if not whole:
                rows = replace(wanted, window=wanted.window.along(0, at, at + len(unit)))
                values[~covered(net.partition, rows)] = filling
            at += len(unit)
            yield values

    domain = net.domain.resampled(wanted.window, wanted.sizes)
    return Bands(bands=bands(), domain=domain, channels=net.channels, info=info)
