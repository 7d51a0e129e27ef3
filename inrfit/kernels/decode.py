"""From a field to native samples, band after band of rows, so that no output is there whole in single precision."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from inrfit.device import Device
from inrfit.kernels.blend import blended_bands
from inrfit.kernels.lattice import Lattice, covered
from inrfit.kernels.network import Network
from inrfit.kernels.render import render_bands
from inrfit.models.field import Field


def native_bands(
    field: Field,
    wanted: Lattice,
    device: Device,
    network: Network,
    *,
    blend: int,
    fill: NDArray[np.generic],
) -> Iterator[NDArray[np.generic]]:
    """Yield native samples [some rows, ..., channel] until the window is complete.

    Args:
        field: what to decode.
        wanted: the output.
        device, network: where and how it runs.
        blend: source samples over which regions are mixed; 0 for none.
        fill: the sample [channel] where no region is.

    Raises:
        FitError: a network gives values that are not finite.
    """
    if blend:
        bands = blended_bands(field, wanted, device, network, blend)
    else:
        bands = render_bands(field, wanted, device, network)
    whole, (at, _), others = field.partition.is_whole, wanted.window[0], wanted.window[1:]
    for unit in bands:
        values = field.info.from_unit(unit)
        if not whole:
            rows = replace(wanted, window=((at, at + len(unit)), *others))
            values[~covered(field.partition, rows)] = fill
        at += len(unit)
        yield values
