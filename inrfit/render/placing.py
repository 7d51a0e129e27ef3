"""Where the samples of a tile lie: their coordinates for the network, and their places in an output; nothing is evaluated.

Both are worked out along the axes and put together, since the samples of most regions fill a box. Cells of one shape see the
same coordinates, to the bit, and get the same encoded tile.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from inrfit.coords import Frame, fold
from inrfit.domain import Box
from inrfit.kernels.network import Network, Tile
from inrfit.kernels.tiles import RegionSamples, frame_of
from inrfit.render.lattice import Lattice

LONGEST = 1 << 16
"""Samples along an axis of a region whose coordinates are kept; those of longer ones are computed for each tile."""

KEPT = 64
"""Encoded tiles that are kept to be used again."""

Line = NDArray[np.float64]
"""Coordinates along one axis of a region's box."""


class Coordinates:
    """The encoded coordinates of tiles; may be used by several threads at a time.

    Args:
        network: what encodes them; of its regions they are.
        wanted: the lattice they lie on.
    """

    def __init__(self, network: Network, wanted: Lattice) -> None:
        self._network, self._net, self._wanted = network, network.net, wanted
        self._frames = self._net.description.frames
        self._regions: dict[int, dict[str, list[Line]]] = {}
        self._lines: dict[tuple[Any, ...], Line] = {}
        self._same: dict[bytes, Line] = {}
        self._tiles: dict[tuple[Any, ...], Tile] = {}

    def tile(self, position: int, samples: RegionSamples, ranks: range) -> Tile:
        """Return the encoded coordinates of the samples of some ranks of the region at `position`."""
        if max(samples.shape) > LONGEST:
            return self._network.encode(self._directly(position, samples, ranks))
        lines = self._region(position, samples)
        if samples.inside is not None:
            return self._network.encode(_meshed(lines, samples, ranks))
        key = (ranks.start, ranks.stop, *(id(line) for axes in lines.values() for line in axes))
        if (found := self._tiles.get(key)) is None:
            found = self._network.encode(_meshed(lines, samples, ranks))
            if len(self._tiles) >= KEPT:
                self._tiles.clear()
            self._tiles[key] = found
        return found

    def _region(self, position: int, samples: RegionSamples) -> dict[str, list[Line]]:
        """Return the coordinates along each axis of a region, by register."""
        if (found := self._regions.get(position)) is None:
            found = {
                register: [
                    self._line(kind, frame, axis, start, length)
                    for axis, (start, length) in enumerate(zip(samples.start, samples.shape, strict=True))
                ]
                for register, kind, frame in self._kinds(position)
            }
            self._regions[position] = found
        return found

    def _kinds(self, position: int) -> Iterator[tuple[str, str, Frame]]:
        """Yield register, kind and frame of what the network of a region starts with."""
        region, units = self._net.partition.regions[position], self._net.domain.units
        for register, kind in self._frames.items():
            yield register, kind, frame_of(kind, region, self._net.frame, units)

    def _line(self, kind: str, frame: Frame, axis: int, start: int, length: int) -> Line:
        """Return coordinates along an axis; one object for all that are equal, which may then be told by its identity."""
        key = (kind, frame.centre[axis], frame.half[axis], axis, start, length)
        if (found := self._lines.get(key)) is None:
            places = self._wanted.axes[axis].positions(np.arange(start, start + length))
            coords = frame.along(axis, places)
            coords = fold(coords, self._net.frame.span) if kind == "folded" else coords
            found = self._lines[key] = self._same.setdefault(coords.tobytes(), coords)
        return found

    def _directly(
        self, position: int, samples: RegionSamples, ranks: range
    ) -> dict[str, NDArray[np.float64]]:
        """Return the coordinates [point, axis] of a tile without those of the rest of its region."""
        index = samples.index(np.arange(ranks.start, ranks.stop))
        points = np.stack([axis.positions(index[:, d]) for d, axis in enumerate(self._wanted.axes)], axis=-1)
        coords = {register: (kind, frame.coords(points)) for register, kind, frame in self._kinds(position)}
        return {
            register: fold(x, self._net.frame.span) if kind == "folded" else x
            for register, (kind, x) in coords.items()
        }


def put(out: NDArray[Any], window: Box, samples: RegionSamples, ranks: range, values: NDArray[Any]) -> None:
    """Write the values of a tile to an output, those that lie in it.

    Args:
        out: [*window, channel].
        window: the samples of the output.
        samples, ranks: which samples the tile has.
        values: [channel, point].
    """
    if samples.inside is None and len(samples.shape) == 2:
        for points, rows, columns in _rectangles(samples, ranks):
            _put_rectangle(out, window, rows, columns, values[:, points])
        return
    index = samples.index(np.arange(ranks.start, ranks.stop))
    inside = _within(index, window)
    at = tuple(index[inside, d] - start for d, (start, _) in enumerate(window))
    out[at] = values.T[inside]


def has_wanted(window: Box, samples: RegionSamples, ranks: range) -> bool:
    """Tell whether a tile has a sample in a window."""
    if samples.inside is None and len(samples.shape) == 2:
        (top, bottom), (left, right) = window
        return any(
            max(rows[0], top) < min(rows[1], bottom) and max(columns[0], left) < min(columns[1], right)
            for _, rows, columns in _rectangles(samples, ranks)
        )
    return bool(_within(samples.index(np.arange(ranks.start, ranks.stop)), window).any())


def _within(index: NDArray[np.int64], window: Box) -> NDArray[np.bool_]:
    """Return which indices [point, axis] lie in a window."""
    low, high = np.array(window).T
    return ((index >= low) & (index < high)).all(1)


def _meshed(
    lines: dict[str, list[Line]], samples: RegionSamples, ranks: range
) -> dict[str, NDArray[np.float64]]:
    """Return the coordinates [point, axis] of a tile from those along the axes."""
    places = np.unravel_index(samples.places(ranks), samples.shape)
    return {
        register: np.stack([line[place] for line, place in zip(axes, places, strict=True)], axis=-1)
        for register, axes in lines.items()
    }


def _rectangles(
    samples: RegionSamples, ranks: range
) -> Iterator[tuple[slice, tuple[int, int], tuple[int, int]]]:
    """Yield the rectangles of which the samples of a tile of a filled box consist: points, rows and columns of each.

    They are the rest of a row, whole rows, and the beginning of a row, those that there are.
    """
    (top, left), width = samples.start, samples.shape[1]
    at = ranks.start
    while at < ranks.stop:
        row, column = divmod(at, width)
        if column or ranks.stop - at < width:
            end = min((row + 1) * width, ranks.stop)
        else:
            end = ranks.stop // width * width
        columns = (left + column, left + (end - 1) % width + 1)
        yield slice(at - ranks.start, end - ranks.start), (top + row, top + -(-end // width)), columns
        at = end


def _put_rectangle(
    out: NDArray[Any], window: Box, rows: tuple[int, int], columns: tuple[int, int], values: NDArray[Any]
) -> None:
    """Write the part of a rectangle's values [channel, point] that lies in an output."""
    (y0, y1), (x0, x1) = rows, columns
    (top, bottom), (left, right) = window
    first, last, begin, end = max(y0, top), min(y1, bottom), max(x0, left), min(x1, right)
    if first < last and begin < end:
        block = values.reshape(len(values), y1 - y0, x1 - x0).transpose(1, 2, 0)
        here = block[first - y0 : last - y0, begin - x0 : end - x0]
        out[first - top : last - top, begin - left : end - left] = here
