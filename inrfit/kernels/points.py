"""Positions of a field whose values are wanted with one set of weights after another; for values once, see `render`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from inrfit.device import Device
from inrfit.kernels.lattice import owner_of
from inrfit.kernels.network import Features, Network, check_finite, encoded_at, network_of
from inrfit.kernels.threads import tile_threads
from inrfit.models.field import Field

MULTIPLE = 16
"""Points that a tile is filled up to a multiple of."""

Rows = NDArray[np.int64]
"""Which of the positions a tile has."""


class Points:
    """Positions in the regions of a field, encoded once.

    Values differ from those of `render.values_at` by rounding only; they do not depend on the number of threads.

    Args:
        field: its weights may change, except those that encode.
        positions: [point, axis], in samples.
        device: where it runs.
    """

    def __init__(self, field: Field, positions: NDArray[np.float64], device: Device) -> None:
        self._device, self._count = device, len(positions)
        owner = owner_of(field.partition, positions)
        rows = {int(position): np.flatnonzero(owner == position) for position in np.unique(owner[owner >= 0])}
        most = max(map(len, rows.values()), default=0)
        self._field = replace(field, tile=min(field.tile, -(-most // MULTIPLE) * MULTIPLE))
        network, tile = network_of(self._field, device), self._field.tile
        self._tiles: list[tuple[int, Rows, Features]] = [
            (position, part, encoded_at(network, self._field, position, positions[part]))
            for position, own in rows.items()
            for part in np.split(own, range(tile, len(own), tile))
        ]

    def values(self, weights: Mapping[str, NDArray[np.float32]]) -> NDArray[np.float32]:
        """Return the values [point, channel] on [-1, 1] with some stacks in place of the field's; 0 outside its regions.

        Raises:
            FitError: a value is not finite.
        """
        field = replace(self._field, weights={**self._field.weights, **weights})
        network, out = network_of(field, self._device), np.zeros((self._count, field.channels), np.float32)

        def work(tiles: list[tuple[int, Rows, Features]]) -> None:
            positions, rows, features = zip(*tiles, strict=True)
            values = network.run(positions, features)
            for position, own, found in zip(positions, rows, values, strict=True):
                out[own] = found[:, : len(own)].T
                check_finite(field, position, out[own])

        with tile_threads(1 if self._device.is_cuda else self._device.threads) as map_tiles:
            list(map_tiles(work, self._together(network)))
        return out

    def _together(self, network: Network) -> Iterator[list[tuple[int, Rows, Features]]]:
        """Yield tiles that are run in one call."""
        size = network.sizes[0]
        for start in range(0, len(self._tiles), size):
            yield self._tiles[start : start + size]
