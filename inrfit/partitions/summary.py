"""What a partition looks like: facts for JSON, a label image and a preview; it divides and prints nothing."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from inrfit.errors import require
from inrfit.partitions import OUTSIDE, Partition
from inrfit.partitions.labels import MAX_LABELS
from inrfit.partitions.merge import adjacency
from inrfit.partitions.segments import to_rgb8
from inrfit.signal import Signal

PALETTE = np.array(
    [
        (230, 159, 0),
        (86, 180, 233),
        (0, 158, 115),
        (204, 121, 167),
        (0, 114, 178),
        (213, 94, 0),
        (240, 228, 66),
        (148, 103, 189),
        (140, 86, 75),
        (188, 189, 34),
        (23, 190, 207),
        (214, 39, 40),
    ],
    np.uint8,
)
"""Tints. The first seven are told apart by colour-blind eyes (Okabe and Ito, 2008)."""

MAX_LINES = 0.5
"""Share of an image that border lines may cover; beyond it the tints alone show the regions."""


def summary(partition: Partition, tile: int) -> dict[str, Any]:
    """Return the facts about a partition as plain JSON types.

    Args:
        partition: what to describe.
        tile: points per tile of the engine, for the share of padded work.

    Returns:
        kind, regions (their number), ids, grid (cells per axis, None for label maps), areas (samples, in the
        order of ids), smallest, largest, adjacent (pairs of ids that touch), padding (share of the work,
        [0, 1)) and warnings.
    """
    ids = [region.id for region in partition.regions]
    areas = list(partition.areas)
    return {
        "kind": partition.kind,
        "regions": len(partition),
        "ids": ids,
        "grid": list(partition.grid) or None,
        "areas": areas,
        "smallest": min(areas),
        "largest": max(areas),
        "adjacent": [[ids[a], ids[b]] for a, b in adjacency(partition.labels())],
        "padding": float(partition.padding(tile)),
        "warnings": list(partition.warnings),
    }


def label_image(partition: Partition) -> NDArray[np.unsignedinteger]:
    """Return the position of each region, [*domain.shape]; uint16 when there are more than 256 values.

    Samples that no region covers get the next number after the last region.

    Raises:
        ConfigError: there are more regions than a label image can hold.
    """
    require(
        len(partition) <= MAX_LABELS,
        f"a label image holds at most {MAX_LABELS} regions, the partition has {len(partition)}",
        hint="ask for fewer regions",
    )
    labels = partition.labels()
    labels[labels == OUTSIDE] = len(partition)
    return labels.astype(np.uint8 if labels.max() < 256 else np.uint16)


def overlay(signal: Signal, partition: Partition) -> NDArray[np.uint8]:
    """Draw the regions over their image: tints that differ between neighbours, and thin border lines.

    Lines are left out where they would cover more than half of the image. Samples that no region covers
    keep their colour.

    Returns:
        Red, green, blue [height, width, 3].

    Raises:
        ConfigError: the signal is not an image.
    """
    require(
        signal.domain.dimensions == 2,
        f"a preview needs an image, the signal has {signal.domain.dimensions} axes",
    )
    labels = partition.labels()
    picture = to_rgb8(signal)
    tint = PALETTE[_tints(len(partition), adjacency(labels))][labels]
    tint[labels == OUTSIDE] = picture[labels == OUTSIDE]
    drawn = ((picture.astype(np.uint16) * 3 + tint.astype(np.uint16) * 2) // 5).astype(np.uint8)
    lines = _lines(labels)
    if lines.mean() <= MAX_LINES:
        bright = drawn[lines].mean(axis=-1, keepdims=True) >= 128
        drawn[lines] = np.where(bright, 0, 255)
    return drawn


def _tints(regions: int, pairs: list[tuple[int, int]]) -> NDArray[np.int64]:
    """Give each region the first tint that no earlier neighbour has, or the rarest among them."""
    earlier: list[list[int]] = [[] for _ in range(regions)]
    for a, b in pairs:
        earlier[b].append(a)
    tints = np.zeros(regions, np.int64)
    for region, others in enumerate(earlier):
        tints[region] = np.bincount(tints[others], minlength=len(PALETTE)).argmin()
    return tints


def _lines(labels: NDArray[np.int32]) -> NDArray[np.bool_]:
    """Mark the samples whose neighbour to the right or below belongs to another region."""
    lines = np.zeros(labels.shape, np.bool_)
    lines[:, :-1] |= labels[:, :-1] != labels[:, 1:]
    lines[:-1] |= labels[:-1] != labels[1:]
    return lines
