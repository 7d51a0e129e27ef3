"""Which samples of a lattice are fitted to a shape: many near its surface, some everywhere; no values are kept here."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from inrfit.domain import Box, Domain
from inrfit.surface import Body

NEAR = 480_000
"""Most samples of a pool that lie near the surface."""

VOLUME = 120_000
"""About the most samples of a pool that are spread over the whole lattice."""

BAND = 3.0
"""How far from the surface, in samples, a sample counts as near."""

SEED = 0x5AFE
"""Seed of the choice, which is the same for every fit of a shape."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Pool:
    """Samples of a lattice.

    Attributes:
        domain: the lattice.
        flat: row-major numbers of the samples over the whole lattice, strictly rising.
    """

    domain: Domain
    flat: NDArray[np.int64]

    def within(self, box: Box) -> NDArray[np.intp]:
        """Return the samples of a box as rising ranks in row-major order; the middle one where there is none."""
        box = Box(box).from_origin(self.domain.origin)
        low, (deep, high, wide) = box.origin, box.shape
        _, height, width = self.domain.shape
        rows = ((low[0] + np.arange(deep))[:, None] * height + low[1] + np.arange(high)).reshape(
            -1
        ) * width + low[2]
        first, last = np.searchsorted(self.flat, rows), np.searchsorted(self.flat, rows + wide)
        counts = last - first
        total = int(counts.sum())
        if not total:
            return np.array([(deep // 2 * high + high // 2) * wide + wide // 2], np.intp)
        row = np.repeat(np.arange(len(rows)), counts)
        place = np.arange(total) - np.repeat(np.cumsum(counts) - counts, counts) + first[row]
        return (self.flat[place] - rows[row] + row * wide).astype(np.intp)


def near(body: Body, domain: Domain) -> NDArray[np.int64]:
    """Return samples near a surface as strictly rising row-major numbers, at most `NEAR`.

    Places drawn evenly on the surface are moved by a random step of up to `BAND` samples in any direction and
    rounded to the lattice: nearly all samples of the band are found where they are few, a fair share where not.

    Args:
        body: in the frame of the indices.
        domain: the lattice.
    """
    random = np.random.default_rng(SEED)
    band = 2 * BAND * body.area
    count = int(min(4 * band + 1000, 2 * NEAR))
    places, _ = body.points(count, random)
    step = random.normal(size=(count, 3))
    step *= (BAND * random.random((count, 1)) ** (1 / 3)) / np.linalg.norm(step, axis=1, keepdims=True)
    index = np.rint(places + step)[:, ::-1].astype(np.int64)
    low, high = np.array(domain.box).T
    index = index[((index >= low) & (index < high)).all(1)] - low
    found = np.unique(np.ravel_multi_index(tuple(index.T), domain.shape)).astype(np.int64)
    if len(found) > NEAR:
        found = np.sort(random.choice(found, NEAR, replace=False, shuffle=False))
    return found


def spread(domain: Domain) -> NDArray[np.int64]:
    """Return samples of the whole lattice as strictly rising row-major numbers: one at random in each of many boxes."""
    random = np.random.default_rng([SEED, 1])
    side = max(2.0, (domain.size / VOLUME) ** (1 / 3))
    cells = [max(1, math.ceil(n / side)) for n in domain.shape]
    axes = [np.arange(count + 1) * n // count for count, n in zip(cells, domain.shape, strict=True)]
    lows = np.stack(np.meshgrid(*(edges[:-1] for edges in axes), indexing="ij"), -1).reshape(-1, 3)
    sizes = np.stack(np.meshgrid(*(np.diff(edges) for edges in axes), indexing="ij"), -1).reshape(-1, 3)
    index = lows + np.floor(random.random(lows.shape) * sizes).astype(np.int64)
    return np.unique(np.ravel_multi_index(tuple(index.T), domain.shape)).astype(np.int64)
