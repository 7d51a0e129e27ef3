"""From the triangles of a file to a surface that tells inside from outside; what had to go is counted; no files."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from inrfit.errors import InputError
from inrfit.surface import Points, Surface

FLAT = 1e-12
"""Area, as a share of the squared diagonal of the box, up to which a triangle has none."""

PROBES = 4096
"""Places beside the surface at which it is asked whether it encloses anything."""


def clean(vertices: Points, faces: NDArray[np.int64], name: str) -> tuple[Surface, tuple[str, ...]]:
    """Return a surface without what is no part of one, and notes on what was wrong.

    Args:
        vertices: places [vertex, 3], also such as are not finite.
        faces: vertices of each triangle [face, 3], also such as are not there.
        name: what messages call the file.

    Raises:
        InputError: nothing is left, or it encloses nothing.
    """
    notes: list[str] = []
    total = len(faces)

    def left_out(bad: NDArray[np.bool_], what: str) -> None:
        nonlocal faces
        if count := int(bad.sum()):
            notes.append(f"{_counted(count, 'face')} {what} {_were(count)} left out")
            faces = faces[~bad]

    left_out(np.any((faces < 0) | (faces >= len(vertices)), axis=1), "with vertices that are not there")
    left_out(np.any(~np.isfinite(vertices[faces]), axis=(1, 2)), "with vertices that are NaN or infinite")
    if len(faces):
        vertices, faces = _merged(vertices, faces)
        surface = Surface(vertices=vertices, faces=faces)
        diagonal = _diagonal(surface, name)
        left_out(np.linalg.norm(surface.crosses(), axis=1) / diagonal <= 2 * FLAT * diagonal, "without area")
    if len(faces):
        _, first = np.unique(np.sort(faces, axis=1), axis=0, return_index=True)
        again = np.ones(len(faces), bool)
        again[first] = False
        left_out(again, "that are there twice")
    if not len(faces):
        raise InputError(
            f"{name}: of its {_counted(total, 'face')} none is a triangle with an area"
            + (f" ({'; '.join(notes)})" if notes else ""),
            hint="look at the file in a mesh viewer",
        )
    surface, turned = _turned(Surface(vertices=vertices, faces=faces))
    used, places = np.unique(surface.faces, return_inverse=True)
    surface = Surface(vertices=surface.vertices[used], faces=places.reshape(-1, 3))
    border = int((_edges(surface.faces)[1] == 1).sum())
    if border:
        notes.append(
            f"the mesh is open ({_counted(border, 'border edge')}): inside and outside go by the winding number"
        )
    _check_encloses(surface, name, closed=not border)
    return surface, (*notes, *turned)


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


def _merged(vertices: Points, faces: NDArray[np.int64]) -> tuple[Points, NDArray[np.int64]]:
    """Return the vertices that faces use, those at one place once."""
    used, places = np.unique(faces, return_inverse=True)
    once, number = np.unique(vertices[used] + 0.0, axis=0, return_inverse=True)
    return once, number.reshape(-1)[places.reshape(-1)].reshape(-1, 3)


def _edges(faces: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """Return the edge of each side of each triangle, how many sides each edge has, and how many go up."""
    start, end = faces, np.roll(faces, -1, axis=1)
    keys = np.minimum(start, end) * (faces.max() + 1) + np.maximum(start, end)
    _, edge, counts = np.unique(keys.reshape(-1), return_inverse=True, return_counts=True)
    rising = np.bincount(edge.reshape(-1), (start < end).reshape(-1)).astype(np.int64)
    return edge.reshape(-1), counts, rising


def _turned(surface: Surface) -> tuple[Surface, tuple[str, ...]]:
    """Return a surface whose neighbouring triangles look the same way, outward, and notes on those that did not."""
    faces, notes = surface.faces.copy(), []
    edge, counts, rising = _edges(faces)
    if ((counts == 2) & (rising != 1)).any():
        order = np.argsort(edge, kind="stable")
        first = np.cumsum(counts) - counts
        pairs = first[counts == 2]
        a, b = order[pairs] // 3, order[pairs + 1] // 3
        agree = np.where(rising[counts == 2] == 1, 1, -1)
        apart = a != b
        signs, part = spread_signs(len(faces), a[apart], b[apart], agree[apart], np.ones(int(apart.sum())))
        corners = (surface.vertices - surface.vertices.mean(0))[faces]
        volumes = np.einsum("ij,ij->i", corners[:, 0], np.cross(corners[:, 1], corners[:, 2]))
        mixed = np.abs(np.bincount(part, signs)) < np.bincount(part)
        outward = np.where(np.bincount(part, volumes * signs) < 0, -1, 1)
        wrong = np.where(mixed[part], signs * outward[part], 1) < 0
        faces[wrong] = faces[wrong, ::-1]
        count = int(wrong.sum())
        notes.append(
            f"{_counted(count, 'face')} looked another way than the faces beside and {_were(count)} turned"
        )
    surface = Surface(vertices=surface.vertices, faces=faces)
    if surface.volume < 0:
        surface = Surface(vertices=surface.vertices, faces=faces[:, ::-1])
        notes.append("the faces looked inward and were turned")
    return surface, tuple(notes)


def _diagonal(surface: Surface, name: str) -> float:
    """Return the diagonal of the box around a surface."""
    with np.errstate(over="ignore"):
        diagonal = float(np.linalg.norm(surface.box[1] - surface.box[0]))
    if not 1e-25 < diagonal < 1e25:
        raise InputError(
            f"{name}: spans {diagonal:.3g} units, between 1e-25 and 1e25 can be read", hint="scale the mesh"
        )
    return diagonal


def _check_encloses(surface: Surface, name: str, *, closed: bool) -> None:
    """Raise an InputError where nothing lies inside a surface."""
    diagonal = float(np.linalg.norm(surface.box[1] - surface.box[0]))
    if closed and surface.volume / diagonal**3 > 1e-9:
        return
    scaled = surface.moved(surface.box[0], diagonal)
    places, normals = scaled.points(PROBES, np.random.default_rng(0))
    depth = np.geomspace(1e-4, 0.1, 8)[np.arange(PROBES) % 8, None]
    if not scaled.inside(places - depth * normals).any():
        raise InputError(
            f"{name}: encloses nothing: {_counted(len(surface.faces), 'face')} "
            + ("without a volume" if closed else "that make up an open sheet"),
            hint="close the mesh, or give the sheet a thickness",
        )


def _counted(count: int, what: str) -> str:
    return f"{count:,} {what}{'' if count == 1 else 's'}"


def _were(count: int) -> str:
    return "was" if count == 1 else "were"
