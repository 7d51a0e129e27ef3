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

TESTS = 32
"""Most corners that are tried for each ear; polygons that cross themselves have too few ears, and the rest is cut anyhow."""

MOST_WORK = 250_000_000
"""Most of the sum of the squared numbers of corners of concave polygons, by which the time goes: some seconds."""


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

    A polygon is cut into a fan from its first corner where that covers it, else ear by ear, seen along its mean normal.
    Those with fewer than three corners go; those with vertices that are not there or not finite become fans as they are.

    Args:
        vertices: places [vertex, 3].
        polygons: numbers of vertices, also such as are not there.
        name: what messages call the file.

    Raises:
        InputError: concave polygons have so many corners that it would take for ever.
    """
    if (polygons.sizes == 3).all():
        return polygons.corners.reshape(-1, 3)
    starts = np.cumsum(polygons.sizes) - polygons.sizes
    faces: list[NDArray[np.int64]] = []
    owners: list[NDArray[np.int64]] = []
    work = 0
    for size in np.unique(polygons.sizes[polygons.sizes >= 3]).tolist():
        index = np.flatnonzero(polygons.sizes == size)
        rows = polygons.corners[starts[index, None] + np.arange(size)]
        made = np.stack(np.broadcast_arrays(rows[:, :1], rows[:, 1:-1], rows[:, 2:]), -1)
        concave = np.flatnonzero(~_covered(vertices, rows)).tolist()
        work += len(concave) * size**2
        if work > MOST_WORK:
            raise InputError(
                f"{name}: has {len(concave):,} concave polygons of {size:,} corners, too many to cut into triangles",
                hint="triangulate it in the program that made it",
            )
        for row in concave:
            places = vertices[rows[row]]
            made[row] = rows[row][np.array(_ears(_projected(places), float(_thin(places))))]
        faces.append(made.reshape(-1, 3))
        owners.append(np.repeat(index, size - 2))
    if not faces:
        return np.zeros((0, 3), np.int64)
    order = np.argsort(np.concatenate(owners), kind="stable")
    return np.concatenate(faces)[order]


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


def _ears(flat: NDArray[np.float64], thin: float) -> list[tuple[int, int, int]]:
    """Return the triangles of one polygon [corner, 2], counterclockwise, as many as a fan has.

    Source: Meisters, Polygons have ears, American Mathematical Monthly 82, 1975. A corner on a straight line is no ear and
    lies in none, so that it keeps its triangles and the surface its edges.
    """
    count = len(flat)
    before, after = [(i - 1) % count for i in range(count)], [(i + 1) % count for i in range(count)]
    turns = _turn(np.roll(flat, 1, axis=0), flat, np.roll(flat, -1, axis=0))
    convex: list[bool] = (turns > thin).tolist()
    hollow = np.flatnonzero(turns <= thin)  # Only these can lie in an ear.
    row, blocks = {int(corner): i for i, corner in enumerate(hollow)}, flat[hollow]
    made: list[tuple[int, int, int]] = []
    at = missed = 0
    tests = TESTS * count + 50_000
    while count - len(made) > 3:
        a, c = before[at], after[at]
        tests -= convex[at]
        hopeless = missed > count - len(made) or tests <= 0
        if not hopeless and not (convex[at] and _is_free(flat[a], flat[at], flat[c], blocks, thin)):
            at, missed = c, missed + 1
            continue
        made.append((a, at, c))
        after[a], before[c] = c, a
        for corner in (at, a, c):
            convex[corner] = bool(_turn(flat[before[corner]], flat[corner], flat[after[corner]]) > thin)
            if (corner == at or convex[corner]) and corner in row:
                blocks[row[corner]] = np.nan
        at, missed = after[c], 0  # The corner after the next, so that no fan arises around one.
    return [*made, (before[at], at, after[at])]


def _projected(places: Points) -> NDArray[np.float64]:
    """Return the corners of a polygon [corner, 3] in the plane across its normal, counterclockwise, [corner, 2]."""
    places = places - places[0]
    normal = np.cross(places, np.roll(places, -1, axis=0)).sum(0)
    normal /= max(float(np.linalg.norm(normal)), np.finfo(float).tiny)
    across = np.cross(normal, np.eye(3)[np.abs(normal).argmin()])
    across /= max(float(np.linalg.norm(across)), np.finfo(float).tiny)
    return places @ np.stack([across, np.cross(normal, across)], 1)


def _is_free(
    a: NDArray[np.float64],
    b: NDArray[np.float64],
    c: NDArray[np.float64],
    others: NDArray[np.float64],
    thin: float,
) -> bool:
    """Tell whether a triangle holds no other place, its own corners aside; places that are NaN are nowhere."""
    within = (_turn(a, b, others) >= -thin) & (_turn(b, c, others) >= -thin) & (_turn(c, a, others) >= -thin)
    inside = others[within]
    return bool(((inside == a).all(1) | (inside == b).all(1) | (inside == c).all(1)).all())


def _turn(a: NDArray[np.float64], b: NDArray[np.float64], c: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return twice the signed areas of triangles, counterclockwise positive; each corner is [..., 2]."""
    b, c = b - a, c - a
    return b[..., 0] * c[..., 1] - b[..., 1] * c[..., 0]
