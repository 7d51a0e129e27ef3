"""Looking up features on lattices of several resolutions by multilinear interpolation; the features are weights.

`forward` is for the reference kernel. `write` and `pull` take the same sum as the product of a sparse matrix and a table,
one row per point and level: which features a point looks up, and with which shares, depends on its coordinates alone,
and those of a fit are the same in every step. A row is summed in the order of its corners, whatever else is looked up.
"""

from __future__ import annotations

import math
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from inrfit.steps.pullback import Into

KEPT_ENTRIES = 1 << 25
"""Entries of sparse matrices that are kept to be used again, 8 bytes each; beyond it some are made anew each time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LookUp:
    """The features of every level at the coordinates of a point, side by side, and behind them what follows these.

    The points of a level lie evenly spaced over [-extent, extent] on each axis, both ends included. Between them features
    are interpolated linearly along each axis, beyond them they are those of the border.

    Attributes:
        source, target: registers read and written; the first features of the source are coordinates.
        tables: names of the weight stacks [point, channel], one per level; points are in row-major order.
        sides: points of each level along each axis, one row per level.
        extent: coordinate of the last point on each axis; positive.
        channels: features per level.
        behind: features of the source behind the coordinates, which are passed on.
    """

    source: str
    target: str
    tables: tuple[str, ...]
    sides: tuple[tuple[int, ...], ...]
    extent: tuple[float, ...]
    channels: int
    behind: int

    @property
    def sources(self) -> tuple[str, ...]:
        """Registers that `forward` takes, in order."""
        return (self.source,)

    @property
    def stacks(self) -> tuple[str, ...]:
        """Names of the weight stacks that `forward` takes after them, in order."""
        return self.tables

    @property
    def matrix(self) -> None:
        """Features are tables, which nothing is multiplied by."""
        return None

    @property
    def remembers(self) -> bool:
        """The derivative needs the coordinates and nothing else."""
        return False

    @property
    def passes(self) -> None:
        """Nothing goes through unchanged."""
        return None

    def width(self, read: int, shapes: Mapping[str, tuple[int, ...]]) -> int:
        """Return the features written."""
        return len(self.tables) * self.channels + self.behind

    def forward(self, x: Any, *tables: Any) -> Any:
        """Look up x [tile, point, axes + behind] in tables [tile or 1, lattice point, channel]."""
        axes, channels = len(self.extent), self.channels
        out = x.new_empty((*x.shape[:-1], self.width(0, {})))
        out[..., len(tables) * channels :] = x[..., axes:]
        for level, (sides, table) in enumerate(zip(self.sides, tables, strict=True)):
            rows = table.expand(len(x), -1, -1)
            found = 0.0
            for index, share in self._corners(x, sides):
                picked = rows.gather(1, index[..., None].expand(-1, -1, channels))
                found = found + picked * share[..., None]
            out[..., level * channels : (level + 1) * channels] = found
        return out

    def write(self, out: Any, memo: Any, inputs: Sequence[Any]) -> None:
        """Write the features at x [tile, axes + behind, point] to `out` [tile, feature, point]."""
        x, *tables = inputs
        axes, count = len(self.extent), len(tables) * self.channels
        points, to = x.numpy(), out.numpy()
        to[:, count:] = points[:, axes:]
        joined = np.concatenate([table.numpy() for table in tables], axis=1)
        for tile, table in enumerate(joined):
            found = self._matrix(points[tile, :axes])[0] @ table
            to[tile, :count] = found.reshape(len(tables), -1, self.channels).mT.reshape(count, -1)

    def pull(self, grad: Any, memo: Any, inputs: Sequence[Any], into: Sequence[Into | None]) -> None:
        """Add the gradient of each feature: those of the points that looked it up, with their shares."""
        x, *tables = inputs
        axes, levels = len(self.extent), len(tables)
        points, given = x.numpy(), grad.numpy()[:, : levels * self.channels]
        ends = np.cumsum([math.prod(sides) for sides in self.sides])[:-1]
        for tile, by_feature in enumerate(given):
            by_row = by_feature.reshape(levels, self.channels, -1).mT.reshape(-1, self.channels)
            found = self._matrix(points[tile, :axes])[1] @ by_row
            for put, part in zip(into[1:], np.split(found, ends), strict=True):
                if put is not None and put.beta:
                    put.values.numpy()[tile] += part
                elif put is not None:
                    put.values.numpy()[tile] = part

    def _corners(self, x: Any, sides: Sequence[int]) -> list[tuple[Any, Any]]:
        """Return, for each corner around x [tile, point, ...], its row in the table and its share, [tile, point]."""
        found: list[tuple[Any, Any]] = [(0, 1.0)]
        for axis, (count, end) in enumerate(zip(sides, self.extent, strict=True)):
            place = ((x[..., axis] / end + 1) * ((count - 1) / 2)).clip(0, count - 1)
            low = place.floor()
            first, far = low.long(), place - low
            both = (first, 1 - far), ((first + 1).clip(0, count - 1), far)
            found = [(row * count + next_, share * part) for row, share in found for next_, part in both]
        return found

    def _matrix(self, coords: NDArray[np.float32]) -> tuple[Any, Any]:
        """Return the matrix [level * point, lattice point of all levels] of coordinates [axis, point], and its transpose."""
        key = (self.sides, self.extent, coords.tobytes())
        kept = _kept.get(key)
        if kept is None:
            kept = self._made(coords)
            while _kept and (len(_kept) + 1) * kept[0].nnz > KEPT_ENTRIES:
                _kept.pop(random.choice(tuple(_kept)), None)  # which one changes no number
            _kept[key] = kept
        return kept

    def _made(self, coords: NDArray[np.float32]) -> tuple[Any, Any]:
        from scipy.sparse import csr_array

        levels, points = len(self.sides), coords.shape[1]
        rows = np.zeros((levels, points, 1), np.int32)
        shares = np.ones((levels, points, 1), np.float32)
        for axis, (x, end) in enumerate(zip(coords, self.extent, strict=True)):
            count = np.array([sides[axis] for sides in self.sides], np.int32)[:, None]
            half = ((count - 1) / 2).astype(np.float32)
            place = np.clip((x / np.float32(end) + 1) * half, 0, 2 * half)
            low = np.floor(place)
            first, far = low.astype(np.int32), place - low
            both = np.stack([first, np.minimum(first + 1, count - 1)], -1)
            parts = np.stack([1 - far, far], -1)
            rows = (rows[..., None] * count[..., None, None] + both[:, :, None]).reshape(levels, points, -1)
            shares = (shares[..., None] * parts[:, :, None]).reshape(levels, points, -1)
        sizes = [math.prod(sides) for sides in self.sides]
        rows += np.cumsum([0, *sizes[:-1]], dtype=np.int32)[:, None, None]
        starts = np.arange(0, rows.size + 1, rows.shape[-1], dtype=np.int32)
        made = csr_array((shares.ravel(), rows.ravel(), starts), shape=(levels * points, sum(sizes)))
        return made, made.T


_kept: dict[tuple[Any, ...], tuple[Any, Any]] = {}
"""Matrices by lattice and coordinates."""
