"""From samples on a lattice to the surface between inside and outside: marching cubes, band by band; no files."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from inrfit.domain import Domain
from inrfit.errors import OutputError
from inrfit.signal import SignalInfo
from inrfit.surface import Surface

CLOSE = 1e-4
"""Vertices of two bands this near each other, in samples, are one."""


def level(info: SignalInfo) -> float:
    """Return the sample value of the surface: 0 for distances, half-way otherwise."""
    return 0.0 if info.colour == "distance" else sum(info.value_range) / 2


def isosurface(bands: Iterable[NDArray[Any]], domain: Domain, info: SignalInfo) -> Surface:
    """Return the surface of a shape in its own units, x, y, z; triangles are counterclockwise seen from outside.

    Where the border of the lattice cuts the shape the surface is open. Only two bands are in memory at a time.

    Source: Lewiner et al., Efficient implementation of marching cubes' cases with topological guarantees, 2003.

    Args:
        bands: samples [some planes, y, x, 1] along z, in order.
        domain: of all bands together.
        info: tells where inside is: below 0 for distances, above the middle of the range otherwise.

    Raises:
        OutputError: the samples hold no surface, or are fewer than two along an axis.
    """
    if min(domain.shape) < 2:
        shape = "x".join(map(str, reversed(domain.shape)))
        raise OutputError(
            f"a part of {shape} samples is too thin for a surface",
            hint="take two samples or more on each axis",
        )
    vertices: list[NDArray[np.float32]] = []
    faces: list[NDArray[np.int32]] = []
    count, rim = 0, np.zeros(0, np.int64)
    for start, slab in _slabs(bands):
        made = _cubes(slab, level(info), inside_below=info.colour == "distance")
        if made is None:
            rim = np.zeros(0, np.int64)
            continue
        places, triangles = made
        places[:, 0] += start
        number, new = _numbered(places, vertices, rim, start, count)
        faces.append(number[triangles].astype(np.int32))
        vertices.append(places[new])
        rim = np.unique(number[places[:, 0] > start + len(slab) - 1 - CLOSE])
        count += int(new.sum())
    if not faces:
        raise OutputError(
            "the samples hold no surface: all lie on one side of it",
            hint="decode all of the shape, or write .npy for the samples themselves",
        )
    found = np.concatenate(faces).astype(np.int64)
    apart = (found != np.roll(found, 1, axis=1)).all(1)
    corner, spacing = np.array(domain.corner), np.array(domain.spacing)
    places = np.concatenate(vertices).astype(np.float64) * spacing + corner
    return Surface(vertices=places[:, ::-1], faces=found[apart])


def _slabs(bands: Iterable[NDArray[Any]]) -> Iterator[tuple[int, NDArray[np.float32]]]:
    """Yield bands with the last plane of the one before in front, and the number of their first plane."""
    last, at = None, 0
    for band in bands:
        planes = np.asarray(band)[..., 0].astype(np.float32)
        slab = planes if last is None else np.concatenate([last, planes])
        first, at = at - (last is not None), at + len(planes)
        last = slab[-1:]
        if len(slab) > 1:
            yield first, slab


def _cubes(
    slab: NDArray[np.float32], value: float, *, inside_below: bool
) -> tuple[NDArray[np.float32], NDArray[np.int64]] | None:
    """Return vertices [vertex, z y x] in samples and triangles, counterclockwise from outside in x, y, z; or None."""
    from skimage.measure import marching_cubes

    if not slab.min() < value < slab.max():
        return None
    # What is "descent" in the order z, y, x is counterclockwise from outside in x, y, z, its mirror image.
    direction = "ascent" if inside_below else "descent"
    vertices, faces, _, _ = marching_cubes(slab, value, gradient_direction=direction)
    return vertices, faces.astype(np.int64)


def _numbered(
    places: NDArray[np.float32],
    before: list[NDArray[np.float32]],
    rim: NDArray[np.int64],
    start: int,
    count: int,
) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """Return the number of each vertex among all, and which are new; those on the first plane may be there already.

    Args:
        places: the vertices of a band.
        before: those of the bands before.
        rim: numbers of those of them that lie on the plane they share.
        start: that plane.
        count: how many there are before.
    """
    from scipy.spatial import KDTree

    number = np.full(len(places), -1, np.int64)
    shared = np.flatnonzero(places[:, 0] < start + CLOSE)
    if len(rim) and len(shared):
        first = rim.min()
        known = _tail(before, count, int(first))[rim - first]
        distance, nearest = KDTree(known).query(places[shared])
        number[shared] = np.where(distance < CLOSE, rim[np.minimum(nearest, len(rim) - 1)], -1)
    new = number < 0
    number[new] = count + np.arange(int(new.sum()))
    return number, new


def _tail(parts: list[NDArray[np.float32]], count: int, first: int) -> NDArray[np.float32]:
    """Return the vertices from one number on."""
    kept: list[NDArray[np.float32]] = []
    at = count
    for part in reversed(parts):
        kept.insert(0, part)
        at -= len(part)
        if at <= first:
            break
    return np.concatenate(kept)[first - at :]
