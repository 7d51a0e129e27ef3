"""A field's network on a device: encoded tiles of any of its regions in, values out; which samples they are is not known here.

Two ways: `Fast` is the hand-written kernel, on a CPU; `Plain` is the reference, on any device, for CUDA and for tests.
Both run several tiles in one call, and neither lets a tile's values depend on its company. `Plain` always runs the same
number of tiles. `Fast` runs more than one only where that was seen to change no bit; see `proven`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from inrfit.device import Device
from inrfit.errors import ConfigError, FitError
from inrfit.kernels import reference
from inrfit.kernels.cpu import Cpu, points_last
from inrfit.kernels.tiles import coordinates
from inrfit.models.config import ModelConfig
from inrfit.models.description import TRUNK_COORDS, Description, describe
from inrfit.models.field import Field

PRECISIONS: Mapping[str, torch.dtype] = {"float32": torch.float32, "half": torch.float16}
"""What the network may be run in; "half" on CUDA only."""

TOGETHER = (16, 4)
"""Tiles that a CPU may run in one call, if their values stay in cache."""

IN_CACHE = 1 << 20
"""Bytes that the values of one layer should not exceed."""

ON_CUDA = 64
"""Tiles that a CUDA device runs in one call; less are filled up, because its libraries choose kernels by the number."""

Features = Mapping[str, Tensor]
"""Encoded coordinates of one tile, by register."""


class Network(Protocol):
    """What `render` needs of a way to run tiles."""

    @property
    def sizes(self) -> tuple[int, ...]:
        """How many tiles `run` takes, falling, the last 1; to be asked where only one BLAS thread is used."""
        ...

    def encode(self, coords: Mapping[str, NDArray[np.float64]]) -> Features:
        """Encode the coordinates of a tile, register -> [point, axis], filled up to the points of a tile."""
        ...

    def run(self, positions: Sequence[int], tiles: Sequence[Features]) -> NDArray[np.float32]:
        """Return values [tile, channel, point] of tiles of the regions at some positions.

        They lie in memory that the next call of this thread uses again.
        """
        ...


def network_of(field: Field, device: Device, precision: str = "float32") -> Network:
    """Return the way to run a field's network on a device.

    Raises:
        ConfigError: the precision is not known, or not for this device.
    """
    if precision not in PRECISIONS:
        raise ConfigError(f"precision {precision!r} is not known (choose from {', '.join(PRECISIONS)})")
    if device.is_cuda:
        return Plain(field, device.name, PRECISIONS[precision])
    if precision != "float32":
        raise ConfigError(
            f"half precision is for CUDA only, and this decode runs on the {device.name}",
            hint="leave --half out, or add --device cuda",
        )
    return Fast(field)


class Fast:
    """The hand-written kernel on a CPU; may be used by several threads at a time.

    Args:
        field: whose network it is.
    """

    def __init__(self, field: Field) -> None:
        self._field = field
        self._description = field.description
        self._program = program(field.model, field.domain.dimensions, field.channels)
        self._weights = {name: _copied(w) for name, w in field.weights.items()}
        self._local = {stack.name for stack in self._description.stacks if stack.local}

    @property
    def sizes(self) -> tuple[int, ...]:
        """See `Network`."""
        field = self._field
        widest = max(stack.shape[-1] for stack in self._description.stacks)
        fitting = (size for size in TOGETHER if size * widest * field.tile * 4 <= IN_CACHE)
        return (
            *(
                size
                for size in fitting
                if proven(field.model, field.domain.dimensions, field.channels, field.tile, size)
            ),
            1,
        )

    def encode(self, coords: Mapping[str, NDArray[np.float64]]) -> Features:
        """See `Network`; a register is [feature, point]."""
        encoded = _encoded(self._description, self._weights, coords, self._field.tile, torch.device("cpu"))
        return {register: points_last(values[None])[0] for register, values in encoded.items()}

    def run(self, positions: Sequence[int], tiles: Sequence[Features]) -> NDArray[np.float32]:
        """See `Network`."""
        with torch.inference_mode(), np.errstate(all="ignore"):  # `check_finite` is for what is not finite
            # What is picked is a copy: it begins at an aligned address, wherever the weights of the region lie.
            rows = torch.tensor(positions)
            weights = {n: w[rows] if n in self._local else w for n, w in self._weights.items()}
            out = self._program.values(weights, {name: _together(name, tiles) for name in tiles[0]})
        return out.numpy()


class Plain:
    """The reference kernel on any device, over many tiles in one call.

    Args:
        field: whose network it is.
        device: as torch calls it.
        dtype: in which the steps are run; coordinates are encoded before, in double precision.
    """

    sizes = tuple(range(ON_CUDA, 0, -1))

    def __init__(self, field: Field, device: str, dtype: torch.dtype = torch.float32) -> None:
        self._field, self._device, self._dtype = field, torch.device(device), dtype
        self._description = field.description
        self._tables = {n: torch.tensor(w, device=self._device) for n, w in field.weights.items()}
        self._weights = {n: w.to(dtype) for n, w in self._tables.items()}

    def encode(self, coords: Mapping[str, NDArray[np.float64]]) -> Features:
        """See `Network`; a register is [point, feature]."""
        encoded = _encoded(self._description, self._tables, coords, self._field.tile, self._device)
        return {register: values.to(self._dtype) for register, values in encoded.items()}

    def run(self, positions: Sequence[int], tiles: Sequence[Features]) -> NDArray[np.float32]:
        """See `Network`."""
        missing = ON_CUDA - len(tiles)
        filled = [*tiles, *[tiles[-1]] * missing]
        with torch.inference_mode():
            owner = torch.tensor([*positions, *[positions[-1]] * missing], device=self._device)
            features = {name: torch.stack([tile[name] for tile in filled]) for name in tiles[0]}
            out = reference.apply(self._description, self._weights, features, owner)
            return out[: len(tiles)].mT.float().cpu().numpy()


def single(network: Network, field: Field, position: int, points: NDArray[np.float64]) -> NDArray[np.float32]:
    """Evaluate the region at `position` at source positions [point, axis], at most a tile; returns [point, channel].

    Raises:
        FitError: a value is not finite.
    """
    values = network.run([position], [encoded_at(network, field, position, points)])[0, :, : len(points)].T
    check_finite(field, position, values)
    return values


def encoded_at(network: Network, field: Field, position: int, points: NDArray[np.float64]) -> Features:
    """Encode source positions [point, axis], at most a tile, for the region at `position`."""
    region, units = field.partition.regions[position], field.domain.units
    kinds = field.description.frames.items()
    return network.encode(
        {register: coordinates(kind, points, region, field.frame, units) for register, kind in kinds}
    )


def check_finite(field: Field, position: int, values: NDArray[np.float32]) -> None:
    """Refuse values of the region at `position` that are not finite.

    Raises:
        FitError: there is one.
    """
    if not np.isfinite(values).all():
        raise FitError(
            f"the network of region {field.partition.regions[position].id} gives values that are not finite",
            hint="its fit diverged: fit again with a lower --lr",
        )


@lru_cache(maxsize=8)
def program(model: ModelConfig, in_features: int, out_features: int) -> Cpu:
    """Return the kernel of a model; the memory it works in is then there for the next field of this model."""
    return Cpu(describe(model, in_features, out_features))


@lru_cache(maxsize=64)
def proven(model: ModelConfig, in_features: int, out_features: int, tile: int, size: int) -> bool:
    """Tell whether `size` tiles in one call get the bits that each gets alone, on this machine.

    Nobody promises that a BLAS treats a matrix alike in every batch, though those tried do. So it is tried here, once per
    process, with random numbers in arrays of the same sizes at the same addresses modulo those of cache lines: which code
    runs can depend on these, but not on the numbers. Only one BLAS thread may be in use meanwhile.
    """
    description = describe(model, in_features, out_features)
    random = torch.Generator().manual_seed(0)
    local = {stack.name for stack in description.stacks if stack.local}
    weights = {
        stack.name: torch.randn((size if stack.local else 1, *stack.shape), generator=random) / 4
        for stack in description.stacks
    }
    coords = torch.rand((size, tile, in_features), dtype=torch.float64, generator=random) * 2 - 1
    features = points_last(reference.encode(description, weights, coords))
    run = program(model, in_features, out_features).values
    for shared in (False, True) if TRUNK_COORDS in description.frames else (False,):
        tiles = {
            name: features[:1] if shared and name == TRUNK_COORDS else features for name in description.frames
        }
        with torch.inference_mode():
            together = run(weights, tiles).clone()
            for row in range(size):
                own = {n: w[row : row + 1].clone() if n in local else w for n, w in weights.items()}
                alone = {n: x[min(row, len(x) - 1)][None].clone() for n, x in tiles.items()}
                if not torch.equal(run(own, alone)[0], together[row]):
                    return False
    return True


def _copied(values: NDArray[np.float32]) -> Tensor:
    """Return a copy that begins at an aligned address, made without waking the threads that torch may have."""
    copy = torch.empty(values.shape)
    copy.numpy()[...] = values
    return copy


def _together(register: str, tiles: Sequence[Features]) -> Tensor:
    """Return the features of tiles [tile, feature, point]; those of the trunk once, where all tiles share them."""
    first = tiles[0][register]
    if register == TRUNK_COORDS and all(tile[register] is first for tile in tiles):
        return first[None]
    return torch.stack([tile[register] for tile in tiles])


def _encoded(
    description: Description,
    weights: Mapping[str, Tensor],
    coords: Mapping[str, NDArray[np.float64]],
    tile: int,
    device: torch.device,
) -> dict[str, Tensor]:
    """Return features [point, feature] of coordinates, behind which zeros are put to make a tile."""
    encoded = {}
    with torch.inference_mode():
        for register, values in coords.items():
            filled = np.zeros((1, tile, values.shape[-1]))
            filled[0, : len(values)] = values
            encoded[register] = reference.encode(description, weights, torch.from_numpy(filled).to(device))[0]
    return encoded
