"""Values of a net at positions anywhere: once, or with one set of weights after another."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from inrfit.device import Device
from inrfit.errors import ConfigError
from inrfit.kernels.network import Network, Tile
from inrfit.kernels.threads import tile_threads
from inrfit.models.net import Net
from inrfit.render.lattice import owner_of

FARTHEST = 1e6
"""Largest coordinate at which a field may be asked: beyond it single precision has no digits left for a position."""

MULTIPLE = 16
"""Points that a tile is filled up to a multiple of."""

Rows = NDArray[np.int64]
"""Which of the positions a tile has."""


def evaluate(net: Net, coords: NDArray[np.float64], device: Device) -> NDArray[np.float32]:
    """Evaluate a net at coordinates [..., axis] of its global frame; see `inrfit.field.Field.__call__`."""
    if coords.ndim == 0 or coords.shape[-1] != net.domain.dimensions:
        raise ConfigError(
            f"coords of shape {coords.shape} need {net.domain.dimensions} values on the last axis, "
            f"one for each of {', '.join(net.domain.axes)}"
        )
    if not (np.abs(coords) <= FARTHEST).all():
        raise ConfigError(f"coords must lie within {FARTHEST:g} of 0 and not be NaN")
    flat = net.frame.positions(coords.reshape(-1, coords.shape[-1]))
    return values_at(net, flat, device).reshape(*coords.shape[:-1], net.channels)


def values_at(net: Net, flat: NDArray[np.float64], device: Device) -> NDArray[np.float32]:
    """Return the values of a net at positions [point, axis] in samples, [point, channel] on [-1, 1].

    Points that no region covers are 0.
    """
    values = np.zeros((len(flat), net.channels), np.float32)
    jobs = [(at, part) for at, rows in _by_region(net, flat) for part in _cut(rows, net.tile)]
    network = Network(net, device)

    def work(job: tuple[int, Rows]) -> None:
        position, rows = job
        values[rows] = network.single(position, flat[rows])

    with tile_threads(device.workers) as map_tiles:
        list(map_tiles(work, jobs))
    return values


def _by_region(net: Net, positions: NDArray[np.float64]) -> list[tuple[int, Rows]]:
    """Return the regions that cover some of the positions [point, axis], each with which of them are its own."""
    owner = owner_of(net.partition, positions)
    return [(int(position), np.flatnonzero(owner == position)) for position in np.unique(owner[owner >= 0])]


def _cut(rows: Rows, tile: int) -> list[Rows]:
    return [rows[start : start + tile] for start in range(0, len(rows), tile)]


class Points:
    """Positions in the regions of a net, encoded once.

    Values differ from those of `values_at` by rounding only; they do not depend on the number of threads.

    Args:
        net: its weights may change, except those that encode.
        positions: [point, axis], in samples.
        device: where it runs.
    """

    def __init__(self, net: Net, positions: NDArray[np.float64], device: Device) -> None:
        self._device, self._count = device, len(positions)
        regions = _by_region(net, positions)
        most = max((len(rows) for _, rows in regions), default=0)
        self._net = replace(net, tile=min(net.tile, -(-most // MULTIPLE) * MULTIPLE))
        network, tile = Network(self._net, device), self._net.tile
        self._tiles: list[tuple[int, Rows, Tile]] = [
            (position, part, network.encode_at(position, positions[part]))
            for position, rows in regions
            for part in _cut(rows, tile)
        ]

    def values(self, weights: Mapping[str, NDArray[np.float32]]) -> NDArray[np.float32]:
        """Return the values [point, channel] on [-1, 1] with some stacks in place of the net's; 0 outside its regions.

        Raises:
            FitError: a value is not finite.
        """
        net = replace(self._net, weights={**self._net.weights, **weights})
        network, out = Network(net, self._device), np.zeros((self._count, net.channels), np.float32)

        def work(tiles: list[tuple[int, Rows, Tile]]) -> None:
            positions, rows, features = zip(*tiles, strict=True)
            values = network.run(positions, features)
            for position, own, found in zip(positions, rows, values, strict=True):
                out[own] = found[:, : len(own)].T
                network.check_finite(position, out[own])

        with tile_threads(self._device.workers) as map_tiles:
            list(map_tiles(work, self._together(network)))
        return out

    def _together(self, network: Network) -> Iterator[list[tuple[int, Rows, Tile]]]:
        """Yield tiles that are run in one call."""
        size = network.sizes[0]
        for start in range(0, len(self._tiles), size):
            yield self._tiles[start : start + size]
