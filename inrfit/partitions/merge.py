"""Label maps: connected components, adjacency and the greedy merge; it knows no images and no regions."""

from __future__ import annotations

import heapq
import itertools
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Labels = NDArray[np.integer]
"""A map of whole numbers, one per sample, of any number of axes."""


def components(labels: Labels) -> NDArray[np.int64]:
    """Split every label into its connected pieces, corners included (8-connectivity on two axes).

    Returns:
        Pieces numbered 0.. in raster order of their first sample, in the shape of `labels`.
    """
    from skimage.measure import label

    # Scikit-image leaves out one value as background, so it is given a value that does not occur.
    signed = labels.astype(np.int64)
    pieces = label(signed, background=int(signed.min()) - 1, connectivity=labels.ndim)
    return np.asarray(pieces, np.int64) - 1


def adjacency(labels: Labels) -> list[tuple[int, int]]:
    """Return the sorted pairs (a, b), a < b, of labels that touch, at a corner at least.

    Negative labels are nobody's neighbour: they mark samples that no region covers.
    """
    found = [np.empty((0, 2), np.int64)]
    for step in itertools.product((-1, 0, 1), repeat=labels.ndim):
        if step > (0,) * labels.ndim:
            here, there = (
                labels[_shifted(step, labels.shape)],
                labels[_shifted([-s for s in step], labels.shape)],
            )
            touching = (here != there) & (here >= 0) & (there >= 0)
            found.append(np.stack([here[touching], there[touching]], axis=1).astype(np.int64))
    pairs = np.sort(np.concatenate(found), axis=1)
    span = int(pairs.max(initial=0)) + 1
    codes = np.unique(pairs[:, 0] * span + pairs[:, 1])
    return [(int(code) // span, int(code) % span) for code in codes]


def merge(labels: Labels, k: int) -> NDArray[np.int64]:
    """Merge regions until at most `k` are left.

    Repeat: the region of smallest area joins the smallest of its neighbours (corner contact counts), which
    keeps its label. Ties go to the lower label.

    Source: Algorithm 1 of "Partition Matters in Learning and Learning-to-Learn Implicit Neural
    Representation", made deterministic.

    Args:
        labels: the regions to merge.
        k: regions wanted, at least 1; with fewer than `k` labels nothing is merged.

    Returns:
        Regions numbered 0.. in raster order of their first sample, in the shape of `labels`.
    """
    _, ranks, counts = np.unique(labels, return_inverse=True, return_counts=True)
    ranks = ranks.reshape(labels.shape)
    areas: list[int] = counts.tolist()
    neighbours: list[set[int]] = [set() for _ in areas]
    for a, b in adjacency(ranks):
        neighbours[a].add(b)
        neighbours[b].add(a)
    joined = _join_smallest(areas, neighbours, k)
    return _in_raster_order(np.asarray(joined)[ranks])


def _join_smallest(areas: list[int], neighbours: list[set[int]], k: int) -> list[int]:
    """Run the merge on areas and neighbour sets, both used up; return where each region ended."""
    joined = list(range(len(areas)))
    queue = [(area, region) for region, area in enumerate(areas)]
    heapq.heapify(queue)
    for _ in range(len(areas) - k):
        area, small = heapq.heappop(queue)
        while joined[small] != small or areas[small] != area:  # an entry from before a merge
            area, small = heapq.heappop(queue)
        target = min(neighbours[small], key=lambda other: (areas[other], other))
        for other in neighbours[small]:
            neighbours[other].discard(small)
            if other != target:
                neighbours[other].add(target)
                neighbours[target].add(other)
        joined[small] = target
        areas[target] += area
        heapq.heappush(queue, (areas[target], target))
    return [_end(joined, region) for region in joined]


def _end(joined: list[int], region: int) -> int:
    """Follow a region through its merges, halving the path on the way so that long chains stay cheap."""
    while joined[region] != region:
        joined[region] = joined[joined[region]]
        region = joined[region]
    return region


def _shifted(step: Sequence[int], shape: Sequence[int]) -> tuple[slice, ...]:
    """Return the window of the samples that still lie inside when moved by `step`."""
    return tuple(slice(max(0, -s), min(n, n - s)) for s, n in zip(step, shape, strict=True))


def _in_raster_order(labels: Labels) -> NDArray[np.int64]:
    """Renumber labels 0.. in raster order of their first sample."""
    _, first, ranks = np.unique(labels, return_index=True, return_inverse=True)
    order = np.empty(len(first), np.int64)
    order[np.argsort(first)] = np.arange(len(first))
    return order[ranks].reshape(labels.shape)
