"""Clouds of points as shapes: normals where they have none, and a distance that is estimated from them; no files."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from inrfit.errors import InputError
from inrfit.io.mesh_orient import spread_signs
from inrfit.surface import BLOCK, Points

NEIGHBOURS = 16
"""Points around each from which its normal is estimated."""

LEAST = 4
"""Fewest points that enclose anything."""

NEAREST = 8
"""Points from whose tangent planes a distance is averaged."""

MIXED = 0.1
"""Share of points that look another way than the one next to them, above which their normals are told to be mixed."""

FAR = 3.0
"""Distance, in radii of a point, from which on the nearest point counts and no longer the planes."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Cloud:
    """Points on a surface with its normals, a `Body`; its distances and insides are estimates.

    Near the surface a distance is the mean of those to the tangent planes of the nearest points, by a Gaussian weight
    of their distance, as in Kolluri, Provably good moving least squares, SODA 2005; farther away it is
    that to the nearest point. Inside is where the winding number of the cloud is above a half, near the surface
    where the mean is negative.

    Attributes:
        places: points [point, 3].
        normals: outward unit normals [point, 3].
        radii: radius of the disc that each point stands for, [point].
    """

    places: Points
    normals: Points
    radii: NDArray[np.float64]

    @property
    def box(self) -> tuple[Points, Points]:
        """Lowest and highest corner of the box around it, [3] each."""
        return self.places.min(0), self.places.max(0)

    @property
    def area(self) -> float:
        """Area of all discs."""
        return float(np.pi * np.square(self.radii).sum())

    @property
    def exact(self) -> bool:
        """Whether `inside` is more than an estimate."""
        return False

    def moved(self, shift: Points, scale: float) -> Cloud:
        """Return it with every place p at (p - shift) / scale."""
        return replace(self, places=(self.places - shift) / scale, radii=self.radii / scale)

    def points(self, count: int, random: np.random.Generator) -> tuple[Points, Points]:
        """Return places on the discs of points, spread evenly at random, and the normals there."""
        sums = np.cumsum(np.square(self.radii))
        index = np.minimum(np.searchsorted(sums, random.random(count) * sums[-1]), len(sums) - 1)
        normals = self.normals[index]
        step = random.normal(size=(count, 3))
        step -= (step * normals).sum(1, keepdims=True) * normals
        step /= np.maximum(np.linalg.norm(step, axis=1, keepdims=True), 1e-12)
        length = self.radii[index] * np.sqrt(random.random(count))
        return self.places[index] + step * length[:, None], normals

    def closest(self, places: Points) -> tuple[NDArray[np.float64], Points]:
        """Return the estimated distance of each place to the surface, and the normal of the nearest point."""
        _, index = self._tree().query(places, workers=-1)
        return np.abs(self.signed(places, np.inf)), self.normals[index]

    def distance(self, places: Points, limit: float) -> NDArray[np.float64]:
        """Return the estimated distance of each place to the surface; `limit` for all that are farther."""
        return np.abs(self.signed(places, limit))

    def inside(self, places: Points) -> NDArray[np.bool_]:
        """Return which places it encloses."""
        return self.signed(places, np.inf) < 0

    def signed(self, places: Points, limit: float) -> NDArray[np.float64]:
        """Return `distance`, negative inside."""
        tree, found = self._tree(), np.empty(len(places))
        for start in range(0, len(places), BLOCK):
            block = places[start : start + BLOCK]
            found[start : start + BLOCK] = self._signed(tree, block)
        return np.clip(found, -limit, limit)

    def _signed(self, tree: Any, places: Points) -> NDArray[np.float64]:
        import igl

        distance, index = tree.query(places, min(NEAREST, len(self.places)), workers=-1)
        radius = self.radii[index]
        weight = np.exp((distance[:, :1] ** 2 - distance**2) / np.maximum(radius, 1e-12) ** 2)
        planes = ((places[:, None] - self.places[index]) * self.normals[index]).sum(-1)
        mean = (weight * planes).sum(1) / weight.sum(1)
        far = distance[:, 0] > FAR * radius[:, 0]
        areas = np.pi * np.square(self.radii)
        if far.any():
            winding = igl.fast_winding_number(
                np.ascontiguousarray(self.places),
                np.ascontiguousarray(self.normals),
                areas,
                np.ascontiguousarray(places[far]),
            )
            mean[far] = np.where(np.asarray(winding).reshape(-1) > 0.5, -1, 1) * distance[far, 0]
        return mean

    def _tree(self) -> Any:
        from scipy.spatial import KDTree

        return KDTree(self.places)


def of_points(places: Points, normals: Points | None, name: str) -> tuple[Cloud, tuple[str, ...]]:
    """Return a cloud, and notes on what was left out or estimated.

    Args:
        places: points [point, 3].
        normals: of any length, [point, 3]; None where there are none.
        name: what messages call the file.

    Raises:
        InputError: there are fewer than `LEAST` points, or they lie on a line.
    """
    notes: list[str] = []
    finite = np.isfinite(places).all(1)
    if normals is not None:
        lengths = np.linalg.norm(normals, axis=1)
        given = np.isfinite(lengths) & (lengths > 0)
        if (given & finite).sum() < 0.5 * finite.sum():
            normals = None
        else:
            finite &= given
            normals = normals / np.where(given, lengths, 1)[:, None]
    if bad := int((~finite).sum()):
        notes.append(f"{bad:,} points with numbers that are not finite, or without a normal, were left out")
    _, once = np.unique(places[finite] + 0.0, axis=0, return_index=True)
    kept = np.flatnonzero(finite)[np.sort(once)]
    if again := int(finite.sum()) - len(kept):
        notes.append(f"{again:,} points that are there twice were left out")
    places, normals = places[kept], None if normals is None else normals[kept]
    if len(places) < LEAST:
        raise InputError(
            f"{name}: {len(places)} points are too few to tell inside from outside (at least {LEAST})",
            hint="give a mesh, or more points",
        )
    _check_solid(places, name)
    radii, nearest = _radii(places)
    if normals is None:
        normals = _normals(places)
        notes.append(f"the points have no normals: they were estimated from {NEIGHBOURS} neighbours each")
    else:
        normals, wrong = _outward(places, normals, radii, nearest)
        notes += wrong
    notes.append("inside and outside are estimated from points and their normals")
    return Cloud(places=places, normals=normals, radii=radii), tuple(notes)


def _check_solid(places: Points, name: str) -> None:
    """Raise an InputError where points lie in a plane."""
    centred = places - places.mean(0)
    sizes = np.linalg.svd(centred / max(float(np.abs(centred).max()), 1e-300), compute_uv=False)
    if not 1e-25 < float(np.abs(centred).max()) < 1e25:
        raise InputError(
            f"{name}: its points are all at one place, or too far apart", hint="scale the points"
        )
    if sizes[2] < 1e-6 * sizes[0]:
        raise InputError(
            f"{name}: its {len(places):,} points lie in one plane and enclose nothing",
            hint="give points all around",
        )


def _outward(
    places: Points, normals: Points, radii: NDArray[np.float64], nearest: NDArray[np.integer]
) -> tuple[Points, tuple[str, ...]]:
    """Return the normals of a file, turned where the volume that they enclose is negative, and notes on them."""
    notes: tuple[str, ...] = ()
    if ((places - places.mean(0)) * normals).sum(1) @ np.square(radii) < 0:
        normals, notes = -normals, ("the normals looked inward and were turned",)
    against = float(((normals * normals[nearest]).sum(1) < 0).mean())
    if against > MIXED:
        notes = (
            *notes,
            f"{against:.0%} of the points look another way than the one next to them: make their normals alike",
        )
    return normals, notes


def _radii(places: Points) -> tuple[NDArray[np.float64], NDArray[np.integer]]:
    """Return the radius of the disc that each point stands for, since k neighbours share the disc around them, and the nearest."""
    from scipy.spatial import KDTree

    count = min(7, len(places))
    distance, index = KDTree(places).query(places, count, workers=-1)
    return np.maximum(np.asarray(distance)[:, -1] / np.sqrt(count - 1), 1e-300), np.asarray(index)[:, 1]


def _normals(places: Points) -> Points:
    """Return normals by principal components, turned alike along trees, outward at the highest point of each tree.

    Source: Hoppe et al., Surface reconstruction from unorganized points, SIGGRAPH 1992.
    """
    from scipy.spatial import KDTree

    count = min(NEIGHBOURS + 1, len(places))
    _, index = KDTree(places).query(places, count, workers=-1)
    around = places[index] - places[index].mean(1, keepdims=True)
    _, axes = np.linalg.eigh(np.einsum("pki,pkj->pij", around, around))
    normals = axes[:, :, 0]
    first = np.repeat(np.arange(len(places)), count - 1)
    second = np.asarray(index)[:, 1:].reshape(-1)
    dots = (normals[first] * normals[second]).sum(1)
    apart = first != second
    signs, part = spread_signs(
        len(places),
        first[apart],
        second[apart],
        np.where(dots < 0, -1, 1)[apart],
        (1 - np.abs(dots) + 1e-6)[apart],
    )
    normals = normals * signs[:, None]
    order = np.lexsort((places[:, 2], part))
    tops = order[np.append(np.flatnonzero(np.diff(part[order])), len(order) - 1)]
    return np.asarray(normals * np.where(normals[tops, 2] < 0, -1.0, 1.0)[part][:, None], np.float64)
