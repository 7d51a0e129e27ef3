"""Polygons to triangles, concave ones too; every reader of meshes cuts its polygons here and nowhere else."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from inrfit.errors import InputError
from inrfit.surface import Points

NOWHERE = -1
"""Vertex of a corner that names none."""

THIN = 1e-12
"""Area of a triangle, as a share of the squared size of its polygon, up to which it is taken for a line."""

TRIES = 4
"""Corners of a polygon that are cut off though they are no ears; polygons that cross themselves have too few."""

AT_ONCE = 1 << 18
"""Corners of polygons that are cut side by side, about."""

STEP = 8_000
"""Work of a step of a group of polygons, beside that of its corners."""

MOST_WORK, WORK_PER_CORNER = 40_000_000, 64
"""Work that concave polygons of a file may be, by which the time goes: at most some 5 s, and more for each corner of all polygons."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Polygons:
    """Polygons one behind the other.

    Attributes:
        corners: vertices of all corners, [corner].
        sizes: number of corners of each polygon, [polygon].
    """

    corners: NDArray[np.int64]
    sizes: NDArray[np.int64]

    @classmethod
    def of_rows(cls, rows: NDArray[np.integer]) -> Polygons:
        """Return polygons that have equally many corners, given as [polygon, corner]."""
        return cls(
            corners=rows.reshape(-1).astype(np.int64), sizes=np.full(len(rows), rows.shape[1], np.int64)
        )

    @classmethod
    def together(cls, parts: Sequence[Polygons]) -> Polygons:
        """Return the polygons of all parts in order."""
        none = np.zeros(0, np.int64)
        return cls(
            corners=np.concatenate([none, *(part.corners for part in parts)]),
            sizes=np.concatenate([none, *(part.sizes for part in parts)]),
        )


def triangles(vertices: Points, polygons: Polygons, name: str) -> NDArray[np.int64]:
    """Return the vertices of each triangle [face, 3], in the order of the polygons and with their sense.

    A polygon is cut into a fan from its first corner where that covers it, else ear by ear, seen along its mean normal,
    as far as it has ears. Those with fewer than three corners go; those with vertices that are not there or not finite become fans as they are.

    Args:
        vertices: places [vertex, 3].
        polygons: numbers of vertices, also such as are not there.
        name: what messages call the file.

    Raises:
        InputError: concave polygons have so many corners that it would take more than some seconds.
    """
    if (polygons.sizes == 3).all():
        return polygons.corners.reshape(-1, 3)
    sizes, counts = polygons.sizes, np.maximum(polygons.sizes - 2, 0)
    starts, firsts = np.cumsum(sizes) - sizes, np.cumsum(counts) - counts
    faces = np.empty((int(counts.sum()), 3), np.int64)
    concave = [np.zeros(0, np.int64)]
    for size in np.unique(sizes[sizes >= 3]).tolist():
        index = np.flatnonzero(sizes == size)
        rows = polygons.corners[starts[index, None] + np.arange(size)]
        faces[firsts[index, None] + np.arange(size - 2)] = np.stack(
            np.broadcast_arrays(rows[:, :1], rows[:, 1:-1], rows[:, 2:]), -1
        )
        concave.append(index[~_covered(vertices, rows)])
    index = np.concatenate(concave)
    groups = _alike(sizes[index])
    _check_work([sizes[index[group]] for group in groups], len(polygons.corners), name)
    for group in groups:
        here = index[group]
        ring = np.arange(sizes[here].max())
        rows = polygons.corners[starts[here, None] + np.minimum(ring, sizes[here, None] - 1)]
        places = vertices[rows]
        ears = _ears(_projected(places, sizes[here]), sizes[here], _thin(places))
        own, ear = np.nonzero(ring[:-2] < counts[here, None])
        faces[firsts[here][own] + ear] = rows[own[:, None], ears[own, ear]]
    return faces


def _alike(sizes: NDArray[np.int64]) -> list[NDArray[np.int64]]:
    """Return polygons in groups that are cut side by side, by their places: rising sizes that differ by less than twice."""
    classes = np.frexp(sizes)[1]
    return [
        group
        for found in np.unique(classes).tolist()
        for own in [np.flatnonzero(classes == found)]
        for group in np.array_split(own, 1 + len(own) * 2**found // AT_ONCE)
    ]


def _check_work(groups: Sequence[NDArray[np.int64]], corners: int, name: str) -> None:
    """Raise an InputError where concave polygons would take too long to cut.

    Args:
        groups: sizes of the polygons that are cut side by side.
        corners: those of all polygons of the file, by which it may take longer.
        name: what messages call the file.
    """
    work = [int(sizes.max()) * (STEP + len(sizes) * int(sizes.max())) for sizes in groups]
    if sum(work) > MOST_WORK + WORK_PER_CORNER * corners:
        worst = groups[int(np.argmax(work))]
        raise InputError(
            f"{name}: has {len(worst):,} concave polygons of up to {worst.max():,} corners, too many to cut into triangles",
            hint="triangulate it in the program that made it",
        )


def strips(runs: Polygons) -> Polygons:
    """Return the triangles of strips, each turned as the first of its strip; -1 ends a strip, too.

    Triangles with a corner that is there twice, which join strips, are left out.
    """
    corners = runs.corners
    run = np.repeat(np.arange(len(runs.sizes)), runs.sizes)
    broken = corners < 0
    number = np.cumsum(broken) + run
    number[broken] = -1
    first = np.r_[True, (number[1:] != number[:-1]) | (run[1:] != run[:-1])] if len(corners) else broken
    place = np.arange(len(corners)) - np.maximum.accumulate(np.where(first, np.arange(len(corners)), 0))
    whole = (number[2:] == number[:-2]) & (run[2:] == run[:-2]) & (place[2:] >= 2) & (number[2:] >= 0)
    faces = np.stack([corners[:-2], corners[1:-1], corners[2:]], 1)[whole]
    odd = place[2:][whole] % 2 == 1
    faces[odd] = faces[odd][:, [1, 0, 2]]
    return Polygons.of_rows(faces[(faces != np.roll(faces, 1, axis=1)).all(1)])


def _covered(vertices: Points, rows: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Return which polygons [polygon, corner] a fan covers, or cannot be looked at."""
    if rows.shape[1] == 3:
        return np.ones(len(rows), bool)
    there = np.all((rows >= 0) & (rows < len(vertices)), axis=1)
    places = vertices[np.where(there[:, None], rows, 0)] if len(vertices) else np.zeros((*rows.shape, 3))
    there &= np.all(np.isfinite(places), axis=(1, 2))
    places = np.where(there[:, None, None], places, 0)
    thin = _thin(places)
    places = places - places[:, :1]
    crosses = np.cross(places[:, 1:-1], places[:, 2:])
    normal = crosses.sum(1)
    length = np.linalg.norm(normal, axis=1)
    heights = (crosses * normal[:, None]).sum(-1)
    return ~there | (length <= thin) | (heights > (thin * length)[:, None]).all(1)


def _thin(places: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return twice the area up to which a triangle of a polygon [..., corner, 3] is a line, by its size and by rounding."""
    size = np.linalg.norm(places - places[..., :1, :], axis=-1).max(-1)
    rounding = 4 * np.finfo(float).eps * np.abs(places).max((-1, -2))
    return size * (THIN * size + rounding)


def _ears(
    flat: NDArray[np.float64], sizes: NDArray[np.int64], thin: NDArray[np.float64]
) -> NDArray[np.int64]:
    """Return the triangles of polygons, counterclockwise, as many of each as a fan has: [polygon, corner - 2, 3].

    Source: Meisters, Polygons have ears, American Mathematical Monthly 82, 1975. A corner on a straight line is no ear and
    lies in none, so that it keeps its triangles and the surface its edges. All polygons go on side by side, a corner of
    each at a time.

    Args:
        flat: corners of polygons that have about equally many, counterclockwise, [polygon, corner, 2].
        sizes: how many of them each has, at least 4; what comes behind them is never looked at.
        thin: see `_thin`, [polygon].
    """
    rings = _Rings(flat, sizes, thin)
    while len(rings.going):
        rings.step()
    return rings.made


class _Rings:
    """Corners that are left of some polygons, and the triangles that were cut off; arguments as for `_ears`.

    A corner that was no ear is looked at again when one next to it has gone. All are when none is left to look at, and when
    none of these is an ear, which is so where a polygon crosses itself, one is cut off anyhow, in the end all of them.
    """

    def __init__(
        self, flat: NDArray[np.float64], sizes: NDArray[np.int64], thin: NDArray[np.float64]
    ) -> None:
        count, most = flat.shape[:2]
        self._flat, self._thin, self._ring = flat, thin, np.arange(most)
        self.made = np.zeros((count, most - 2, 3), np.int64)
        self.going = np.arange(count)
        self._left, self._sizes = sizes.copy(), sizes
        self._there = self._ring < sizes[:, None]
        self._before = np.where(self._ring > 0, self._ring - 1, sizes[:, None] - 1)
        self._after = np.where(self._ring + 1 < sizes[:, None], self._ring + 1, 0)
        every = (self.going[:, None], self._ring)
        self._convex = self._there & self._is_convex(*every)
        self._blocks = np.where(
            (self._there & ~self._convex)[..., None], flat, np.nan
        )  # All that lies in ears.
        self._look, self._at = self._convex.copy(), np.zeros(count, np.int64)
        self._tries, self._all_seen = np.full(count, TRIES), np.zeros(count, bool)

    def step(self) -> None:
        """Look at the next corner of each polygon that has more than three."""
        rows = self.going
        ways = np.where(
            self._look[rows], (self._ring - self._at[rows, None]) % len(self._ring), len(self._ring)
        )
        corners = ways.argmin(1)
        none = ~self._look[rows, corners]
        self._give_up(rows[none & (self._tries[rows] == 0)])
        forced = none & self._all_seen[rows] & (self._tries[rows] > 0)
        self._tries[rows[forced]] -= 1
        corners[forced] = self._convex[rows[forced]].argmax(1)
        corners[forced] = np.where(
            self._convex[rows[forced], corners[forced]], corners[forced], self._there[rows[forced]].argmax(1)
        )
        self._look_again(rows[none & ~self._all_seen[rows] & (self._tries[rows] > 0)])
        rows, corners, forced = rows[~none | forced], corners[~none | forced], forced[~none | forced]
        self._look[rows, corners] = False
        self._at[rows] = self._after[rows, corners]
        cut = forced | self._are_ears(rows, corners)
        self._cut(rows[cut], corners[cut])
        self.going = self.going[self._left[self.going] > 3]

    def _cut(self, rows: NDArray[np.int64], corners: NDArray[np.int64]) -> None:
        """Cut off a corner of some polygons, and the rest where it is a triangle."""
        a, c = self._before[rows, corners], self._after[rows, corners]
        self._keep(rows, a, corners, c)
        self._after[rows, a], self._before[rows, c] = c, a
        self._there[rows, corners] = self._convex[rows, corners] = self._all_seen[rows] = False
        self._blocks[rows, corners] = np.nan
        for corner in (a, c):
            convex = self._is_convex(rows, corner)
            self._convex[rows, corner] = self._look[rows, corner] = convex
            self._blocks[rows[convex], corner[convex]] = np.nan
        self._at[rows] = b = self._after[
            rows, c
        ]  # The corner after the next, so that no fan arises around one.
        last = self._left[rows] == 3
        rows, b = rows[last], b[last]
        self._keep(rows, self._before[rows, b], b, self._after[rows, b])

    def _keep(self, rows: NDArray[np.int64], *corners: NDArray[np.int64]) -> None:
        """Take down a triangle of each of some polygons."""
        self.made[rows, self._sizes[rows] - self._left[rows]] = np.stack(corners, 1)
        self._left[rows] -= 1

    def _look_again(self, rows: NDArray[np.int64]) -> None:
        """Find all ears of some polygons."""
        polygon, corners = np.nonzero(self._convex[rows])
        ears = self._are_ears(rows[polygon], corners)
        self._look[rows[polygon[ears]], corners[ears]] = True
        self._all_seen[rows] = True

    def _give_up(self, rows: NDArray[np.int64]) -> None:
        """Make a fan of what is left of polygons."""
        for row in rows.tolist():
            rest = np.flatnonzero(self._there[row])
            fan = np.stack(np.broadcast_arrays(rest[0], rest[1:-1], rest[2:]), 1)
            self.made[row, self._sizes[row] - self._left[row] :][: len(fan)] = fan
            self._left[row] = 2

    def _is_convex(self, rows: NDArray[np.int64], corners: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Return whether corners turn to the left."""
        a, c = self._before[rows, corners], self._after[rows, corners]
        return _turn(self._flat[rows, a], self._flat[rows, corners], self._flat[rows, c]) > self._thin[rows]

    def _are_ears(self, rows: NDArray[np.int64], corners: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Return which convex corners of polygons are ears: nothing lies in their triangle, its own corners aside."""
        found = np.ones(len(rows), bool)
        some = max(1, AT_ONCE // len(self._ring))
        for start in range(0, len(rows), some):
            row, corner = rows[start : start + some], corners[start : start + some]
            a, b, c = (
                self._flat[row, place][:, None]
                for place in (self._before[row, corner], corner, self._after[row, corner])
            )
            others, thin = self._blocks[row], -self._thin[row, None]
            within = _turn(a, b, others) >= thin  # Never so of what is NaN.
            within &= _turn(b, c, others) >= thin
            within &= _turn(c, a, others) >= thin
            polygon, place = np.nonzero(within)
            inside = others[polygon, place]
            own = np.any([(inside == corner[polygon, 0]).all(1) for corner in (a, b, c)], axis=0)
            found[start + polygon[~own]] = False
        return found


def _projected(places: NDArray[np.float64], sizes: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return the corners of polygons [polygon, corner, 3] in the planes across their normals, counterclockwise."""
    places = places - places[:, :1]
    places[np.arange(places.shape[1]) >= sizes[:, None]] = 0
    normal = np.cross(places[:, 1:-1], places[:, 2:]).sum(1)
    normal /= np.maximum(np.linalg.norm(normal, axis=1, keepdims=True), np.finfo(float).tiny)
    across = np.cross(normal, np.eye(3)[np.abs(normal).argmin(1)])
    across /= np.maximum(np.linalg.norm(across, axis=1, keepdims=True), np.finfo(float).tiny)
    return places @ np.stack([across, np.cross(normal, across)], -1)


def _turn(a: NDArray[np.float64], b: NDArray[np.float64], c: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return twice the signed areas of triangles, counterclockwise positive; each corner is [..., 2]."""
    b, c = b - a, c - a
    return b[..., 0] * c[..., 1] - b[..., 1] * c[..., 0]
