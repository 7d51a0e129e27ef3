"""Partitions side by side: how a new part is divided after the old one, and the two as one; it moves no weights."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from inrfit.domain import Box, Domain
from inrfit.partitions import Partition, Region
from inrfit.partitions.config import PartitionConfig
from inrfit.partitions.grid import Edges, cells_near, from_edges
from inrfit.partitions.segments import segments
from inrfit.signal import Signal


def continued(old: Partition, signal: Signal) -> Partition:
    """Divide a new part as the old one beside it is divided.

    A grid goes on: its rows or columns keep their borders, and the new part gets cells as near the old nominal size as
    can be. Beside segments the new part gets segments of its own, as many as keep their mean area where it has so many.

    Args:
        old: the division of the old part.
        signal: the new part. Its domain touches the old one along one axis and has the same extent on the others.

    Returns:
        The division of the new part alone; its ids mean nothing before `joined`.
    """
    domain = signal.domain
    if old.kind == "labels":
        heads = max(1, round(domain.size * len(old) / sum(old.areas)))
        # Notes of the rule speak of options that were not given here.
        return replace(segments(signal, PartitionConfig(rule="seg", heads=heads)), warnings=())
    nominal = old.regions[0].nominal
    edges = []
    for borders, (first, last), there, size in zip(
        _borders(old), domain.box, old.domain.box, nominal, strict=True
    ):
        if (first, last) == there:
            edges.append(borders)
        else:
            count = cells_near(max(1, round(size)), last - first)
            edges.append(tuple(first + i * (last - first) // count for i in range(count + 1)))
    return from_edges(domain, tuple(edges), nominal)


def joined(old: Partition, new: Partition) -> tuple[Partition, list[int]]:
    """Return two partitions side by side as one.

    Cells are numbered anew, row by row of the larger grid. Segments keep their numbers, the new ones go on after the
    largest.

    Args:
        old, new: as for and from `continued`.

    Returns:
        The partition of the box around both, and for each of its regions the place it had: in `old`, or after all of
        those in `new`.
    """
    domain = around(old.domain, new.domain)
    if old.kind == "labels":
        after = old.regions[-1].id + 1
        added = tuple(replace(region, id=after + number) for number, region in enumerate(new.regions))
        whole = replace(old, domain=domain, regions=(*old.regions, *added))
        return whole, list(range(len(whole)))
    pairs = zip(_borders(old), _borders(new), strict=True)
    edges = tuple(tuple(sorted({*first, *second})) for first, second in pairs)
    regions = [replace(region, id=_number(region, edges)) for region in (*old.regions, *new.regions)]
    order = sorted(range(len(regions)), key=lambda place: regions[place].id)
    whole = replace(old, domain=domain, regions=tuple(regions[place] for place in order), edges=edges)
    return whole, order


def around(first: Domain, second: Domain) -> Domain:
    """Return the smallest domain that holds two others."""
    return first.over(Box.around((first.box, second.box)))


def _borders(partition: Partition) -> Edges:
    """Return the borders of a grid's cells inside its domain; after a crop, others lie beyond."""
    pairs = zip(partition.edges, partition.domain.box, strict=True)
    return tuple(tuple(edge for edge in edges if low <= edge <= high) for edges, (low, high) in pairs)


def _number(region: Region, edges: Edges) -> int:
    """Return the row-major number of a cell."""
    places = [row.index(first) for row, (first, _) in zip(edges, region.box, strict=True)]
    return int(np.ravel_multi_index(places, [len(row) - 1 for row in edges]))
