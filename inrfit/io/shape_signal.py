"""A shape as a signal: signed distance or occupancy on a lattice, computed where it is asked for; it reads no files."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from inrfit.domain import Box, Domain
from inrfit.io import shape_pool
from inrfit.signal import Signal, SignalInfo
from inrfit.surface import Body, Points

TAU = 8.0
"""Where signed distances end, in samples: what is farther has this distance."""

MARGIN = 4
"""Samples of a lattice beyond the box around a shape, on every side."""

BLOCK = 1 << 20
"""Samples that are computed together."""

Value = TypeVar("Value", bound=np.generic)


RAMP, FULL = 1.0, 255.0
"""Samples from the surface at which occupancy is all or nothing, and its value inside. Between, it tells how much of a
sample is inside; of samples that are in or out a surface could be known to half a sample only."""


def lattice(box: tuple[Points, Points], resolution: int) -> Domain:
    """Return the lattice over a shape: axes z, y, x of one spacing, and `MARGIN` samples around its box.

    Args:
        box: lowest and highest corner, x, y, z.
        resolution: samples along the longest side, the margin included; with fewer than 16 the margin is smaller.
    """
    low, high = (np.asarray(corner, np.float64)[::-1] for corner in box)
    margin = min(MARGIN, resolution // 4)
    spacing = float((high - low).max()) / (resolution - 1 - 2 * margin)
    steps = np.minimum(np.ceil((high - low) / spacing - 1e-6), resolution - 1 - 2 * margin)
    shape = tuple(int(n) + 1 + 2 * margin for n in steps)
    offset = tuple(float(m - (n - 1) / 2 * spacing) for m, n in zip((low + high) / 2, shape, strict=True))
    return Domain(
        shape=shape,
        axes=("z", "y", "x"),
        units=("unit",) * 3,
        spacing=(spacing,) * 3,
        origin=(0, 0, 0),
        offset=offset,
    )


class ShapeSignal(Signal):
    """A shape on a lattice.

    The samples that are fitted are computed once, others each time.

    Args:
        body: the shape, in its own units.
        domain: the lattice, of one spacing on all axes.
        info: what is known; kind, sample type, value range and colour are set here.
        target: "sdf" or "occupancy", which rises from 0 outside to `FULL` inside, from `RAMP` samples before the surface
            to as many behind it.

    Attributes:
        domain: the lattice.
        info: what is known about the samples.
        body: the shape, in its own units.
    """

    def __init__(self, body: Body, domain: Domain, info: SignalInfo, target: str) -> None:
        spacing = domain.spacing[0]
        self.domain, self.body = domain, body
        self._distances = target == "sdf"
        high = TAU * spacing if self._distances else FULL
        self.info = replace(
            info,
            kind="shape",
            dtype="float32" if self._distances else "uint8",
            value_range=(-high, high) if self._distances else (0.0, FULL),
            colour="distance" if self._distances else "occupancy",
            tags={**info.tags, "target": target},
        )
        self._zero = np.array(domain.offset or (0.0,) * 3)[::-1]
        self._body = body.moved(self._zero, spacing)
        self._known: tuple[shape_pool.Pool, NDArray[np.generic]] | None = None

    @property
    def channels(self) -> int:
        """Values per sample: 1."""
        return 1

    @property
    def pooled(self) -> bool:
        """Whether some samples alone are fitted and measured: always, those of `pool`."""
        return True

    def sample(self, points: NDArray[np.int64]) -> NDArray[np.float32]:
        """Return the samples at integer indices [point, axis] as [point, 1] in [-1, 1]."""
        if self._known is None:
            return self.info.to_unit(self._values(points))[:, None]
        pool, values = self._known
        flat = np.ravel_multi_index(tuple((points - self.domain.origin).T), self.domain.shape)
        place = np.minimum(np.searchsorted(pool.flat, flat), len(values) - 1)
        found = values[place]
        missing = pool.flat[place] != flat
        if missing.any():
            found[missing] = self._values(points[missing])
        return self.info.to_unit(found)[:, None]

    def dense(self, window: Box | None = None) -> NDArray[np.generic]:
        """Return the native samples of a window (the whole domain when None) as [*shape, 1]."""
        box = self.domain.box if window is None else Box(window)
        found = np.empty(box.size, self.info.dtype)
        for start in range(0, len(found), BLOCK):
            flat = np.arange(start, min(start + BLOCK, len(found)))
            found[flat] = self._values(np.stack(np.unravel_index(flat, box.shape), -1) + np.array(box.origin))
        return found.reshape(*box.shape, 1)

    def pool(self, box: Box) -> NDArray[np.intp]:
        """Return which samples of a box of indices are fitted and measured, as rising ranks in row-major order."""
        return self._pooled()[0].within(box)

    def occupied(self, boxes: Sequence[Box]) -> NDArray[np.bool_]:
        """Return which boxes of indices hold a sample that is inside or near: `TAU` samples for distances, `RAMP` for occupancy.

        Boxes are halved until their middle sample and its distance to the surface decide.
        """
        edges = np.asarray(boxes, np.int64).reshape(len(boxes), 3, 2)
        low, high, owner = edges[..., 0], edges[..., 1], np.arange(len(boxes))
        found = np.zeros(len(boxes), bool)
        reach = TAU if self._distances else RAMP * (1 - 1 / FULL)
        while len(owner):
            middle = (low + high - 1) // 2
            radius = np.linalg.norm(np.maximum(high - 1 - middle, middle - low), axis=1)
            distance = self._body.distance(
                middle[:, ::-1].astype(np.float64), reach + float(radius.max()) + 1
            )
            full = distance < reach
            full[~full] = self._body.inside(middle[~full, ::-1].astype(np.float64))
            found[owner[full]] = True
            open_ = ~full & (distance < reach + radius) & ~found[owner]
            low, high, owner = _halves(low[open_], high[open_], owner[open_])
        return found

    @property
    def extent(self) -> tuple[Points, Points]:
        """Lowest and highest corner, x, y, z, of the box around the shape, as far as the lattice goes."""
        low, high = self.body.box
        first = np.array(self.domain.corner)[::-1]
        last = first + (np.array(self.domain.shape)[::-1] - 1) * self.domain.spacing[0]
        return np.clip(low, first, last), np.clip(high, first, last)

    def inside(self, places: Points) -> NDArray[np.bool_]:
        """Return which places [point, 3], x, y, z in the units of the shape, lie inside."""
        return self._body.inside((places - self._zero) / self.domain.spacing[0])

    def closest(self, places: Points) -> tuple[NDArray[np.float64], Points]:
        """Return the distance of each place to the surface in its units, and the unit normal where it is nearest."""
        spacing = self.domain.spacing[0]
        distances, normals = self._body.closest((places - self._zero) / spacing)
        return distances * spacing, normals

    def surface(self, count: int, seed: int) -> tuple[Points, Points]:
        """Return up to `count` places on the surface, x, y, z, and the unit normals there: those on the lattice."""
        places, normals = self.body.points(count, np.random.default_rng(seed))
        low, high = self.extent
        here = ((places >= low) & (places <= high)).all(1)
        return places[here], normals[here]

    def _pooled(self) -> tuple[shape_pool.Pool, NDArray[np.generic]]:
        """Return the pool and its samples, which are made at the first call."""
        if self._known is None:
            flat = shape_pool.near(self._body, self.domain)
            values = self._values(self._index(flat))
            if self._distances:
                near = np.abs(values) <= shape_pool.BAND * self.domain.spacing[0]
                flat, values = flat[near], values[near]
            others = np.setdiff1d(shape_pool.spread(self.domain), flat, assume_unique=True)
            flat, values = np.append(flat, others), np.append(values, self._values(self._index(others)))
            order = np.argsort(flat)
            self._known = shape_pool.Pool(domain=self.domain, flat=flat[order]), values[order]
        return self._known

    def _index(self, flat: NDArray[np.int64]) -> NDArray[np.int64]:
        return np.stack(np.unravel_index(flat, self.domain.shape), -1) + np.asarray(self.domain.origin)

    def _values(self, points: NDArray[np.int64]) -> NDArray[np.generic]:
        """Return the native samples at indices [point, axis], [point]."""
        places = points[:, ::-1].astype(np.float64)
        if self._distances:
            return (self._body.signed(places, TAU) * self.domain.spacing[0]).astype(np.float32)
        share = (RAMP - self._body.signed(places, RAMP)) / (2 * RAMP)
        return np.rint(FULL * share).astype(np.uint8)


def _halves(
    low: NDArray[np.int64], high: NDArray[np.int64], owner: NDArray[np.intp]
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.intp]]:
    """Cut boxes in two along their longest side; those of one sample, which is decided, go."""
    size = high - low
    many = size.max(1) > 1
    low, high, owner, size = low[many], high[many], owner[many], size[many]
    rows, axis = np.arange(len(low)), size.argmax(1)
    upper, lower = low.copy(), high.copy()
    upper[rows, axis] = lower[rows, axis] = low[rows, axis] + size[rows, axis] // 2
    return np.concatenate([low, upper]), np.concatenate([lower, high]), np.concatenate([owner, owner])
