"""How many samples of each region have a value, as a tag of a signal: the PSNR of some regions is a mean over those.

The tag names regions by id, which a crop keeps, and only those in which some samples have none.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from inrfit.partitions import Partition, Region
from inrfit.signal import ArraySignal, Signal, SignalInfo

MEASURED = "measured"
"""Name of the tag; its text is "id:samples" of each region, with spaces between."""


def counted(signal: Signal, partition: Partition) -> Signal:
    """Return a signal that tells how many of its samples have a value; any other as it is."""
    if not isinstance(signal, ArraySignal) or signal.known is None:
        return signal
    counts = [_count(signal, region) for region in partition.regions]
    return replace(signal, info=tagged(signal.info, partition, counts))


def tagged(info: SignalInfo, partition: Partition, counts: Sequence[int]) -> SignalInfo:
    """Return what is known of a signal with the samples that have a value, by place of the region."""
    fewer = [
        f"{region.id}:{count}"
        for region, count in zip(partition.regions, counts, strict=True)
        if count < region.area
    ]
    others = {name: text for name, text in info.tags.items() if name != MEASURED}
    return replace(info, tags=others | ({MEASURED: " ".join(fewer)} if fewer else {}))


def counts(tags: Mapping[str, str], ids: Sequence[int], areas: Sequence[int]) -> list[int]:
    """Return the samples that have a value, of regions with these ids and areas; a tag that is no such list is passed over."""
    try:
        pairs = (pair.split(":") for pair in tags.get(MEASURED, "").split())
        fewer = {int(number): int(count) for number, count in pairs}
    except ValueError:
        fewer = {}
    return [min(max(fewer.get(number, area), 0), area) for number, area in zip(ids, areas, strict=True)]


def _count(signal: ArraySignal, region: Region) -> int:
    known = signal.known_in(region.box)
    if known is None:
        return region.area
    return int(np.count_nonzero(known if region.mask is None else known & region.mask))
