"""Surfaces of triangles: how far places are from one, which it encloses, and places on it; no files, no lattices."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

BLOCK = 1 << 18
"""Places that are looked at together."""

Points = NDArray[np.float64]
"""Places [point, 3] in the order x, y, z."""


class Body(Protocol):
    """What a shape is to a signal: a surface of triangles is one, a cloud of points another.

    All places are [point, 3] in the order x, y, z, in the units of the body.
    """

    @property
    def box(self) -> tuple[Points, Points]:
        """Lowest and highest corner of the box around it, [3] each."""
        ...

    @property
    def area(self) -> float:
        """Area of its surface, estimated where it is a cloud."""
        ...

    @property
    def exact(self) -> bool:
        """Whether `inside` is more than an estimate."""
        ...

    def moved(self, shift: Points, scale: float) -> Body:
        """Return it with every place p at (p - shift) / scale."""
        ...

    def points(self, count: int, random: np.random.Generator) -> tuple[Points, Points]:
        """Return places on its surface, spread evenly at random, and the unit normals there, [point, 3] each."""
        ...

    def closest(self, places: Points) -> tuple[NDArray[np.float64], Points]:
        """Return the distance of each place to the surface, and the unit normal at the nearest place of it."""
        ...

    def distance(self, places: Points, limit: float) -> NDArray[np.float64]:
        """Return the distance of each place to the surface; `limit` for all that are farther."""
        ...

    def inside(self, places: Points) -> NDArray[np.bool_]:
        """Return which places it encloses."""
        ...

    def signed(self, places: Points, limit: float) -> NDArray[np.float64]:
        """Return `distance`, negative inside."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Surface:
    """A mesh of triangles, a `Body`.

    Attributes:
        vertices: places [vertex, 3].
        faces: vertices of each triangle [face, 3], counterclockwise seen from outside.
    """

    vertices: Points
    faces: NDArray[np.int64]

    @property
    def box(self) -> tuple[Points, Points]:
        """Lowest and highest corner of the box around it, [3] each."""
        return self.vertices.min(0), self.vertices.max(0)

    @property
    def exact(self) -> bool:
        """Whether `inside` is more than an estimate."""
        return True

    @property
    def area(self) -> float:
        """Area of all triangles."""
        return float(np.linalg.norm(self.crosses(), axis=1).sum() / 2)

    @property
    def volume(self) -> float:
        """Signed volume seen from the mean vertex: that which is enclosed where the surface is closed."""
        corners = (self.vertices - self.vertices.mean(0))[self.faces]
        return float(np.einsum("ij,ij->", corners[:, 0], np.cross(corners[:, 1], corners[:, 2])) / 6)

    def crosses(self) -> Points:
        """Return the normal of each triangle, twice its area long, [face, 3]."""
        a, b, c = (self.vertices[self.faces[:, i]] for i in range(3))
        return np.cross(b - a, c - a)

    def normals(self) -> Points:
        """Return the unit normal of each triangle, [face, 3]."""
        crosses = self.crosses()
        lengths = np.linalg.norm(crosses, axis=1, keepdims=True)
        return crosses / np.maximum(lengths, np.finfo(float).tiny)

    def moved(self, shift: Points, scale: float) -> Surface:
        """Return it with every place p at (p - shift) / scale; a negative scale is not for surfaces."""
        return Surface(vertices=(self.vertices - shift) / scale, faces=self.faces)

    def points(self, count: int, random: np.random.Generator) -> tuple[Points, Points]:
        """Return places on the surface, spread evenly by area at random, and the unit normals there."""
        crosses = self.crosses()
        sums = np.cumsum(np.linalg.norm(crosses, axis=1))
        faces = np.minimum(np.searchsorted(sums, random.random(count) * sums[-1]), len(sums) - 1)
        u, v = random.random((2, count, 1))
        u, v = np.where(u + v > 1, 1 - u, u), np.where(u + v > 1, 1 - v, v)
        a, b, c = (self.vertices[self.faces[faces, i]] for i in range(3))
        return a + u * (b - a) + v * (c - a), self.normals()[faces]

    def closest(self, places: Points) -> tuple[NDArray[np.float64], Points]:
        """Return the distance of each place to the surface, and the unit normal of the nearest triangle."""
        import igl

        squares, faces = (
            _flat(part) for part in igl.point_mesh_squared_distance(_c(places), *self._arrays())[:2]
        )
        return np.sqrt(squares), self.normals()[faces.astype(np.int64)]

    def distance(self, places: Points, limit: float) -> NDArray[np.float64]:
        """Return the distance of each place to the surface; `limit` for all that are farther."""
        import igl

        kind = igl.SIGNED_DISTANCE_TYPE_UNSIGNED
        found = np.full(len(places), limit)
        for start in range(0, len(places), BLOCK):
            block = _c(places[start : start + BLOCK])
            near = _flat(igl.signed_distance(block, *self._arrays(), kind, -limit, limit)[0])
            found[start : start + BLOCK] = np.where(np.abs(near) < limit, np.abs(near), limit)
        return found

    def inside(self, places: Points) -> NDArray[np.bool_]:
        """Return which places it encloses: those with a winding number above a half."""
        return self.winding(places) > 0.5

    def winding(self, places: Points) -> NDArray[np.float64]:
        """Return the winding number at each place.

        Source: Barill et al., Fast winding numbers for soups and clouds, ACM Transactions on Graphics 37, 2018.
        """
        import igl

        found = np.zeros(len(places))
        for start in range(0, len(places), BLOCK):
            block = _c(places[start : start + BLOCK])
            found[start : start + BLOCK] = _flat(igl.fast_winding_number(*self._arrays(), block))
        return found

    def signed(self, places: Points, limit: float) -> NDArray[np.float64]:
        """Return `distance`, negative inside."""
        return np.where(self.inside(places), -1.0, 1.0) * self.distance(places, limit)

    def _arrays(self) -> tuple[Points, NDArray[np.int64]]:
        return _c(self.vertices), np.ascontiguousarray(self.faces, np.int64)


def _c(places: Any) -> Points:
    """Return places as igl takes them."""
    return np.ascontiguousarray(places, np.float64)


def _flat(values: Any) -> NDArray[Any]:
    return np.asarray(values).reshape(-1)
