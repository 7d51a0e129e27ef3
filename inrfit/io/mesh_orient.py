"""Which way triangles look: neighbours alike, bodies outward, cavities inward; it moves and drops nothing."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from inrfit.io.words import counted, were
from inrfit.surface import Surface

AWAY = 1e-4
"""How far beside a body, in its size, it is asked what encloses it."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Edges:
    """The edges of triangles.

    Attributes:
        edge: number of the edge of each side, [3 * face].
        counts: how many sides each edge has, [edge].
        rising: how many of these go from the lower vertex to the higher, [edge].
    """

    edge: NDArray[np.int64]
    counts: NDArray[np.int64]
    rising: NDArray[np.int64]

    @classmethod
    def of(cls, faces: NDArray[np.int64]) -> Edges:
        """Return the edges of triangles [face, 3]."""
        start, end = faces, np.roll(faces, -1, axis=1)
        keys = np.minimum(start, end) * (faces.max() + 1) + np.maximum(start, end)
        _, edge, counts = np.unique(keys.reshape(-1), return_inverse=True, return_counts=True)
        rising = np.bincount(edge.reshape(-1), (start < end).reshape(-1)).astype(np.int64)
        return cls(edge=edge.reshape(-1), counts=counts, rising=rising)

    @property
    def border(self) -> int:
        """How many edges have one side only."""
        return int((self.counts == 1).sum())

    def pairs(self) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.bool_]]:
        """Return the triangles on both sides of each edge that has two, and whether they look the same way."""
        order = np.argsort(self.edge, kind="stable")
        first = (np.cumsum(self.counts) - self.counts)[self.counts == 2]
        a, b = order[first] // 3, order[first + 1] // 3
        apart = a != b
        return a[apart], b[apart], (self.rising[self.counts == 2] == 1)[apart]


def oriented(surface: Surface, edges: Edges) -> tuple[Surface, NDArray[np.float64], tuple[str, ...]]:
    """Return a surface whose neighbouring triangles look the same way and whose bodies look outward, `sides`, and notes.

    A body is what hangs together by edges of two triangles. One that looks inward and lies in another is a cavity and stays
    one. What is open has no such place, and looks outward as a whole.
    """
    a, b, agree = edges.pairs()
    faces, notes = surface.faces.copy(), []
    if agree.all():
        part = _parts(len(faces), a, b)
    else:
        part, wrong = _against(len(faces), a, b, agree)
        faces[wrong] = faces[wrong, ::-1]
        count = int(wrong.sum())
        notes.append(
            f"{counted(count, 'face')} looked another way than the faces beside and {were(count)} turned"
        )
    bodies = int(part.max()) + 1
    closed = ~_open(edges, part, bodies)
    turned = _inward(Surface(vertices=surface.vertices, faces=faces), part, closed)
    if turned.any():
        faces[turned[part]] = faces[turned[part], ::-1]
        count = int(turned.sum())
        notes.append(
            "the faces looked inward and were turned"
            if count == bodies
            else f"{counted(count, 'part')} of {bodies:,} that looked inward and {were(count)} no cavity {were(count)} turned"
        )
    made = Surface(vertices=surface.vertices, faces=faces)
    return made, _sides(made, part, closed), tuple(notes)


def _sides(surface: Surface, part: NDArray[np.int32], closed: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Return the shortest side of the box around each closed part, [part]."""
    order = np.argsort(part, kind="stable")
    starts = np.searchsorted(part[order], np.arange(len(closed)))
    corners = surface.vertices[surface.faces[order]]
    low, high = np.minimum.reduceat(corners.min(1), starts), np.maximum.reduceat(corners.max(1), starts)
    return (high - low).min(1)[closed]


def spread_signs(
    count: int,
    first: NDArray[np.int64],
    second: NDArray[np.int64],
    sign: NDArray[np.int64],
    cost: NDArray[np.float64],
) -> tuple[NDArray[np.int64], NDArray[np.int32]]:
    """Return signs 1 or -1 that agree along the cheapest trees, and the number of the tree of each.

    Args:
        count: how many signs.
        first, second: pairs of them.
        sign: whether a pair should have equal signs, 1, or opposite ones, -1.
        cost: of each pair, positive.
    """
    from scipy.sparse import coo_matrix
    from scipy.sparse.csgraph import breadth_first_order, connected_components, minimum_spanning_tree

    low, high = np.minimum(first, second), np.maximum(first, second)
    _, once = np.unique(low * count + high, return_index=True)
    low, high, sign, cost = low[once], high[once], sign[once], cost[once]
    tree = minimum_spanning_tree(coo_matrix((cost, (low, high)), (count, count)).tocsr())
    parts, part = connected_components(tree, directed=False)
    keys, signs = low * count + high, np.ones(count, np.int64)
    roots = np.unique(part, return_index=True)[1]
    for root in roots[:parts]:
        order, before = breadth_first_order(tree, root, directed=False)
        if len(order) < 2:
            continue
        child = order[1:].astype(np.int64)
        parent = before[child].astype(np.int64)
        pair = np.minimum(child, parent) * count + np.maximum(child, parent)
        relation = sign[np.searchsorted(keys, pair)]
        for a, b, r in zip(child.tolist(), parent.tolist(), relation.tolist(), strict=True):
            signs[a] = signs[b] * r
    return signs, part


def _parts(count: int, a: NDArray[np.int64], b: NDArray[np.int64]) -> NDArray[np.int32]:
    """Return the number of the part of each triangle."""
    from scipy.sparse import coo_matrix
    from scipy.sparse.csgraph import connected_components

    graph = coo_matrix((np.ones(len(a), np.int8), (a, b)), (count, count)).tocsr()
    return connected_components(graph, directed=False)[1]


def _against(
    count: int, a: NDArray[np.int64], b: NDArray[np.int64], agree: NDArray[np.bool_]
) -> tuple[NDArray[np.int32], NDArray[np.bool_]]:
    """Return the number of the part of each triangle, and which look another way than most of their part."""
    signs, part = spread_signs(count, a, b, np.where(agree, 1, -1), np.ones(len(a)))
    most = np.where(np.bincount(part, signs) < 0, -1, 1)
    return part, signs * most[part] < 0


def _open(edges: Edges, part: NDArray[np.int32], parts: int) -> NDArray[np.bool_]:
    """Return which parts are open: one of their edges has an odd number of their sides."""
    found = np.zeros(parts, bool)
    side = np.repeat(part, 3)
    odd = edges.counts[edges.edge] != 2
    keys, counts = np.unique(
        side[odd].astype(np.int64) * len(edges.counts) + edges.edge[odd], return_counts=True
    )
    found[keys[counts % 2 == 1] // len(edges.counts)] = True
    return found


def _inward(surface: Surface, part: NDArray[np.int32], closed: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Return which parts must be turned.

    By the winding number of the closed ones just outside of a part: above a half, what looks inward is a cavity; about 0,
    it is a body; below, all around looks inward and will be turned, and so is this part.
    """
    corners = surface.vertices[surface.faces]
    size = np.bincount(part)
    middle = np.stack([np.bincount(part, corners[..., axis].mean(1)) / size for axis in range(3)], 1)
    corners = corners - middle[part][:, None]
    sixfold = np.einsum("ij,ij->i", corners[:, 0], np.cross(corners[:, 1], corners[:, 2]))
    volumes = np.bincount(part, sixfold).astype(np.float64)
    turned = np.zeros(len(size), bool)
    open_ = ~closed
    if (volumes[closed] < 0).any():
        turned[closed] = _turned(surface, part, volumes, closed)
    rest = Surface(vertices=surface.vertices, faces=surface.faces[open_[part]])
    turned[open_] = bool(open_.any() and rest.volume < 0)
    return turned


def _turned(
    surface: Surface, part: NDArray[np.int32], volumes: NDArray[np.float64], closed: NDArray[np.bool_]
) -> NDArray[np.bool_]:
    """Return which closed parts must be turned; see `_inward`."""
    kept = closed[part]
    faces = surface.faces[kept]
    used, places = np.unique(faces, return_inverse=True)
    bodies = Surface(vertices=surface.vertices[used], faces=places.reshape(-1, 3))
    outside = _beside(bodies, (np.cumsum(closed) - 1)[part[kept]], int(closed.sum()))
    winding = np.median(bodies.winding(outside.reshape(-1, 3)).reshape(outside.shape[:2]), axis=1)
    return (winding < -0.5) | ((winding < 0.5) & (volumes[closed] < 0))


def _beside(surface: Surface, part: NDArray[np.int64], parts: int) -> NDArray[np.float64]:
    """Return places just outside of each part [part, direction, 3]: beyond its outermost vertices in some directions."""
    grid = np.stack(np.meshgrid(*[(-1.0, 0.31, 1.0)] * 3, indexing="ij"), -1).reshape(-1, 3)
    directions = grid[::4]
    directions /= np.linalg.norm(directions, axis=1, keepdims=True)
    order = np.argsort(part, kind="stable")
    starts = np.searchsorted(part[order], np.arange(parts))
    corners = surface.vertices[surface.faces[order]]
    low = np.minimum.reduceat(corners.min(1), starts)
    away = AWAY * np.linalg.norm(np.maximum.reduceat(corners.max(1), starts) - low, axis=1)
    found = np.empty((parts, len(directions), 3))
    flat = corners.reshape(-1, 3)
    owner = np.repeat(part[order], 3)
    for i, direction in enumerate(directions):
        heights = flat @ direction
        highest = np.flatnonzero(heights == np.maximum.reduceat(heights, 3 * starts)[owner])
        found[:, i] = (
            flat[highest[np.searchsorted(owner[highest], np.arange(parts))]] + away[:, None] * direction
        )
    return found
