"""What kernels take and give: encoded tiles, what they should become, and what is found out about them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from inrfit.coords import Frame
from inrfit.kernels.tiles import coordinates
from inrfit.models.description import TRUNK_COORDS, Description
from inrfit.partitions import Region


@dataclass(frozen=True, slots=True, kw_only=True)
class Tiles:
    """Encoded tiles.

    Attributes:
        features: register -> [tile, point, feature].
        owner: [tile], the group of each tile in the weights it is run with; None where tile g belongs to group g.
        weight: [tile, point, 1]: what a point counts in second moments; 0 for padding. None where all count 1.
        trunk_rows: [tile], the row of the trunk's registers that belongs to each tile, where tiles that see the same
            trunk coordinates share a row; None when each tile has its own.
    """

    features: Mapping[str, Tensor]
    owner: Tensor | None
    weight: Tensor | None
    trunk_rows: Tensor | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch(Tiles):
    """Encoded tiles with what they should become.

    Attributes:
        owner: [tile], as for `Tiles`.
        targets: [tile, point, channel] on [-1, 1].
        mask: [tile, point, 1]: 1 for samples of the region, 0 for padding and for samples of its neighbours.
        weight: [tile, point, 1]: what a sample counts in the loss; 0 for padding.
    """

    owner: Tensor
    targets: Tensor
    mask: Tensor
    weight: Tensor


@dataclass(frozen=True, slots=True, kw_only=True)
class Pulled:
    """What a kernel makes of a gradient for each value.

    Attributes:
        gradients: stack name -> [group, *shape].
        moments: weight stack -> [group, in (+ 1), in (+ 1)], the sums of products of what the matrix is multiplied with,
            each sample with its weight (see `second_moments`); empty unless asked for.
    """

    gradients: dict[str, Tensor]
    moments: dict[str, Tensor]


@dataclass(frozen=True, slots=True, kw_only=True)
class Sums(Pulled):
    """What a kernel finds out about a batch; its gradients are those of the squared errors, each with its weight.

    Attributes:
        errors: [tile], the squared errors of each tile, summed over the region's own samples.
    """

    errors: Tensor


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Asked:
    """Points of one region, for one tile.

    Attributes:
        group: of the tile in the weights it is run with.
        region: whose network is asked.
        frame, units: the global frame, and the unit of each axis; see `coordinates`.
        points: [point, axis], positions in samples.
        targets: [point, channel] on [-1, 1]; None where only values are wanted.
        own: [point], which points are the region's own; None where all are.
        weight: what each point counts.
    """

    group: int
    region: Region
    frame: Frame
    units: tuple[str, ...]
    points: NDArray[Any]
    targets: NDArray[np.float32] | None = None
    own: NDArray[np.bool_] | None = None
    weight: float = 1.0


def tiled(
    asked: Sequence[Asked],
    description: Description,
    tables: Mapping[str, Tensor],
    points: int,
    device: torch.device | str,
    *,
    share: bool = False,
) -> Tiles:
    """Encode points, a tile for each of `asked`.

    Args:
        asked: at most `points` each.
        description: the network that will see them.
        tables: stacks that its encoding uses, such as drawn frequencies.
        points: of a tile.
        device: where the tiles go.
        share: whether tiles that see the same local coordinates share a row of the trunk.
    """
    return Tiles(**_encoded(asked, description, tables, points, device, share=share))


def batched(
    asked: Sequence[Asked],
    description: Description,
    tables: Mapping[str, Tensor],
    points: int,
    device: torch.device | str,
    *,
    share: bool = False,
) -> Batch:
    """Encode samples with their targets, a tile for each of `asked`; see `tiled`."""
    own = [np.ones(len(a.points), bool) if a.own is None else a.own for a in asked]
    targets = filled([a.targets for a in asked if a.targets is not None], points)
    mask = filled([mask[:, None].astype(np.float32) for mask in own], points)
    return Batch(
        **_encoded(asked, description, tables, points, device, share=share),
        targets=_put(targets, device),
        mask=_put(mask, device),
    )


def _encoded(
    asked: Sequence[Asked],
    description: Description,
    tables: Mapping[str, Tensor],
    points: int,
    device: torch.device | str,
    *,
    share: bool,
) -> dict[str, Any]:
    """Return the attributes of `Tiles`."""
    coords = {
        register: filled([coordinates(kind, a.points, a.region, a.frame, a.units) for a in asked], points)
        for register, kind in description.frames.items()
    }
    rows = None
    if share and description.frames.get(TRUNK_COORDS) == "local":
        coords[TRUNK_COORDS], rows = _distinct(coords[TRUNK_COORDS])
    weight = filled([np.full((len(a.points), 1), a.weight, np.float32) for a in asked], points)
    return {
        "features": {r: encode(description, tables, _put(values, device)) for r, values in coords.items()},
        "owner": _put(np.array([a.group for a in asked]), device),
        "weight": _put(weight, device),
        "trunk_rows": None if rows is None else _put(rows, device),
    }


def encode(description: Description, tables: Mapping[str, Tensor], coords: Tensor) -> Tensor:
    """Encode coordinates [tile, point, coord] (double) into features [tile, point, feature] (single)."""
    frequencies = description.frequencies
    if isinstance(frequencies, str):
        table = tables[frequencies][0].to(coords.dtype)
    elif frequencies is not None:
        table = torch.as_tensor(frequencies, device=coords.device)
    else:
        table = None
    return description.encoding.function(coords, table).to(torch.float32)


def filled(arrays: Sequence[NDArray[np.generic]], points: int) -> NDArray[np.generic]:
    """Return arrays [point, feature] as one [tile, point, feature], each filled up with zeros."""
    whole = np.zeros((len(arrays), points, arrays[0].shape[-1]), arrays[0].dtype)
    for row, values in zip(whole, arrays, strict=True):
        row[: len(values)] = values
    return whole


def _put(values: NDArray[np.generic], device: torch.device | str) -> Tensor:
    return torch.from_numpy(values).to(device)


def _distinct(coords: NDArray[np.generic]) -> tuple[NDArray[np.generic], NDArray[np.int64] | None]:
    """Return the tiles [tile, point, coord] that differ, and the row of each tile among them; None when all do."""
    rows: dict[bytes, int] = {}
    index = np.array([rows.setdefault(tile.tobytes(), len(rows)) for tile in coords])
    if len(rows) == len(coords):
        return coords, None
    return coords[np.unique(index, return_index=True)[1]], index
