"""A net on a device: encoded tiles of any of its regions in, values out; which samples they are is not known here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from inrfit.device import PRECISIONS, Device
from inrfit.errors import FitError
from inrfit.kernels.batch import Asked, Tiles, encode, filled, tiled
from inrfit.kernels.pick import chosen
from inrfit.kernels.protocol import Kernel
from inrfit.models.config import ModelConfig
from inrfit.models.description import describe
from inrfit.models.net import Net
from inrfit.registry import load

Tile = Any
"""An encoded tile, as a kernel takes it."""


class Network:
    """A net, run by a kernel; may be used by several threads at a time.

    Several tiles go into one call, and no kernel lets a tile's values depend on its company; see `Kernel.sizes`.

    Args:
        net: its weights are copied.
        device: where, and in which precision the steps are run; coordinates are encoded before, in double precision.
        kernel: a name of the registry, or "auto".
    """

    def __init__(self, net: Net, device: Device, kernel: str = "auto") -> None:
        self.net, self.device = net, device
        self._description, self._at = net.description, torch.device(device.name)
        name = chosen(kernel, self._description, device)
        self._kernel = _made(name, net.model, net.domain.dimensions, net.channels)
        self._dtype = getattr(torch, PRECISIONS[device.precision])
        self._tables = {name: _copied(w).to(self._at) for name, w in net.weights.items()}
        self._weights = {name: w.to(self._dtype) for name, w in self._tables.items()}

    @property
    def sizes(self) -> tuple[int, ...]:
        """How many tiles `run` takes, falling, the last 1; to be asked where only one BLAS thread is used."""
        return self._kernel.sizes(self.net.tile, self.net.domain.dimensions)

    def encode(self, coords: Mapping[str, NDArray[np.float64]]) -> Tile:
        """Encode the coordinates of a tile, register -> [point, axis]; zeros fill it up."""
        with torch.inference_mode():
            return self._prepared(
                {
                    register: encode(
                        self._description,
                        self._tables,
                        torch.from_numpy(filled([values], self.net.tile)).to(self._at),
                    )
                    for register, values in coords.items()
                }
            )

    def encode_at(self, position: int, points: NDArray[np.float64]) -> Tile:
        """Encode source positions [point, axis], at most a tile, for the region at `position`."""
        net = self.net
        asked = Asked(
            group=0,
            region=net.partition.regions[position],
            frame=net.frame,
            units=net.domain.units,
            points=points,
        )
        with torch.inference_mode():
            made = tiled([asked], self._description, self._tables, net.tile, self._at)
            return self._prepared(made.features)

    def _prepared(self, features: Mapping[str, Tensor]) -> Tile:
        """Return a tile as the kernel takes it."""
        rounded = {name: values.to(self._dtype) for name, values in features.items()}
        return self._kernel.prepare(Tiles(features=rounded, owner=None, weight=None))

    def run(self, positions: Sequence[int], tiles: Sequence[Tile]) -> NDArray[np.float32]:
        """Return values [tile, channel, point] of tiles of the regions at some positions.

        They lie in memory that the next call of this thread uses again.
        """
        with torch.inference_mode():
            out = self._kernel.values(self._weights, self._kernel.together(tiles, positions))
            return out[: len(tiles)].float().cpu().numpy()

    def single(self, position: int, points: NDArray[np.float64]) -> NDArray[np.float32]:
        """Evaluate the region at `position` at source positions [point, axis], at most a tile; returns [point, channel].

        Raises:
            FitError: a value is not finite.
        """
        values = self.run([position], [self.encode_at(position, points)])[0, :, : len(points)].T
        self.check_finite(position, values)
        return values

    def check_finite(self, position: int, values: NDArray[np.float32]) -> None:
        """Refuse values of the region at `position` that are not finite.

        Raises:
            FitError: there is one.
        """
        if not np.isfinite(values).all():
            raise FitError(
                f"the network of region {self.net.partition.regions[position].id} gives values that are not finite",
                hint="its fit diverged: fit again with a lower --lr",
            )


@lru_cache(maxsize=8)
def _made(name: str, model: ModelConfig, in_features: int, out_features: int) -> Kernel:
    """Return a kernel of a model; the memory it works in is then there for the next net of this model."""
    return load("kernel", name)(describe(model, in_features, out_features))


def _copied(values: NDArray[np.float32]) -> Tensor:
    """Return a copy that begins at an aligned address, made without waking the threads that torch may have."""
    copy = torch.empty(values.shape)
    copy.numpy()[...] = values
    return copy
