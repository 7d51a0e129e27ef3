"""From a file to the field it holds, or to some of its regions; which numbers lie in which chunk is in `contents`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from inrfit.codec import masks, tags
from inrfit.codec.chunks import EXIF, ICC, SOUND, SOURCE, TAGS
from inrfit.codec.container import NEWER, TORN, WRONG, Damage, Reader
from inrfit.codec.contents import (
    adapted_items,
    coding_of,
    info_of,
    items_of,
    model_config,
    network_of,
    payloads,
)
from inrfit.codec.header import Header, Index
from inrfit.codec.layout import Layout
from inrfit.codec.origin import Find, Origin
from inrfit.codec.payload import Payload
from inrfit.coords import Frame
from inrfit.errors import ContainerError
from inrfit.field import Adapted, Field, pooled_psnr
from inrfit.models.description import Description
from inrfit.partitions import Partition, Region
from inrfit.partitions.counted import counts
from inrfit.partitions.grid import from_edges
from inrfit.registry import every, knows
from inrfit.signal import SignalInfo

PARTIAL = "decode what is intact: inrfit decode --partial"


def loads(
    reader: Reader,
    positions: Sequence[int] | None = None,
    *,
    damaged: list[Damage] | None = None,
    find: Find | None = None,
) -> Field:
    """Read the field a file holds, or only some of its regions, whose bytes are then the only ones read.

    Args:
        reader: the file.
        positions: places in the index of the regions to read, rising; all of them when None. The domain stays that
            of the file.
        damaged: list that regions which cannot be read are added to; they are left out. With None they are an error.
        find: finds the init of a file that keeps only what its regions adapted.

    Raises:
        ContainerError: a chunk is damaged, the file describes something this version does not know, or its init is not
            there.
    """
    header, index = reader.header, reader.index
    description = network_of(reader)
    origin = _origin(reader, find)
    items = items_of(description) if origin is None else adapted_items(origin)
    coding = coding_of(reader, items)
    stored = payloads(reader, items, coding)
    shared = stored[False].read(reader.shared, f"{reader.name}: the shared weights")
    wanted = range(len(index.ids)) if positions is None else positions
    kept: list[int] = []
    covers: list[NDArray[np.bool_] | None] = []
    parts = []
    for position, found in zip(wanted, _regions(reader, stored[True], wanted), strict=True):
        if isinstance(found, ContainerError):
            if damaged is None:
                raise ContainerError(found.message, hint=f"{found.hint or TORN}, or {PARTIAL}") from found
            damaged.append(Damage(position=position, id=index.ids[position], reason=found.message))
            continue
        kept.append(position)
        covers.append(found[0])
        parts.append(found[1])
    if wanted and not kept:
        raise ContainerError(
            f"{reader.name}: all {len(wanted)} regions that are needed are damaged", hint=TORN
        )
    held = {**stored[False].joined([shared]), **stored[True].joined(parts)}
    adapted = None
    if origin is not None:
        adapted = Adapted(init=header.init, numbers=held, bases=origin.bases)
        held = _made(reader, description, origin, held)
    partition = _partition(header, index, kept, covers)
    if partition.kind == "labels" and kept:
        _check_apart(reader, partition)
    mse = tuple(index.mse[position] for position in kept) if index.mse else ()
    whole, info = len(kept) == len(index.ids), signal_info(reader)
    known = counts(info.tags, [region.id for region in partition.regions], partition.areas)
    return Field(
        model=model_config(header),
        partition=partition,
        frame=Frame(
            centre=tuple(header.frame.centre), half=tuple(header.frame.half), span=float(header.frame.span)
        ),
        info=info,
        channels=header.signal.channels,
        weights={stack.name: held[stack.name] for stack in description.stacks},
        tile=header.tile,
        seed=header.seed,
        steps=header.steps,
        weight_type=header.weight_type,
        psnr=header.psnr if whole else pooled_psnr(mse, known, info.peak),
        mse=mse,
        adapted=adapted,
        coding=coding,
    )


def region_mask(reader: Reader, position: int) -> NDArray[np.bool_] | None:
    """Read which samples of its box a segment covers, [*box shape]; None when all of them.

    Raises:
        ContainerError: the region is damaged.
    """
    return _split_mask(reader, reader.part(position), position)[0]


def signal_info(reader: Reader) -> SignalInfo:
    """Return what a file says about its signal.

    Raises:
        ContainerError: a kind of signal this version does not know.
    """
    signal, ancillary = reader.header.signal, reader.ancillary
    if not knows("signal", signal.kind):
        raise ContainerError(
            f"{reader.name} holds a signal of kind {signal.kind!r}, this inrfit reads {', '.join(every('signal'))}",
            hint=NEWER,
        )
    return replace(
        info_of(reader.header),
        icc=ancillary.get(ICC),
        exif=ancillary.get(EXIF),
        sound=ancillary.get(SOUND),
        tags=tags.decode(ancillary.get(TAGS, b""), reader.name),
        sha256=ancillary.get(SOURCE, b"").hex(),
    )


def _origin(reader: Reader, find: Find | None) -> Origin | None:
    """Return the init of a file that keeps only what its regions adapted; None for other files.

    Raises:
        ContainerError: it is not there.
    """
    wanted = reader.header.init
    if not wanted:
        return None
    found = None if find is None else find(wanted)
    if found is None:
        raise ContainerError(
            f"{reader.name} keeps only what differs from the init with the SHA-256 {wanted}, which is not there",
            hint="name the init's file with --init, or put it beside this one",
        )
    return found


def _made(
    reader: Reader, description: Description, origin: Origin, numbers: Mapping[str, NDArray[np.float32]]
) -> dict[str, NDArray[np.float32]]:
    """Return the weight stacks that follow from an init and what regions keep.

    Raises:
        ContainerError: the init is of another network than the file.
    """
    made = origin.stacks(numbers)
    for stack in description.stacks:
        if stack.name not in made or made[stack.name].shape[1:] != stack.shape:
            raise ContainerError(
                f"{reader.name}: its init makes no weights {stack.name} of the shape {stack.shape}",
                hint=WRONG,
            )
    return made


def _regions(
    reader: Reader, stored: Payload, positions: Sequence[int]
) -> list[tuple[NDArray[np.bool_] | None, Any] | ContainerError]:
    """Read the mask of each region and what its payload holds, or what is wrong with it."""
    found: list[Any] = [_part_of(reader, position) for position in positions]
    good = [place for place, part in enumerate(found) if not isinstance(part, ContainerError)]
    names = [f"{reader.name}: the weights of region {reader.index.ids[positions[place]]}" for place in good]
    held = stored.read_all([found[place][1] for place in good], names)
    for place, one in zip(good, held, strict=True):
        found[place] = one if isinstance(one, ContainerError) else (found[place][0], one)
    return found


def _part_of(reader: Reader, position: int) -> tuple[NDArray[np.bool_] | None, bytes] | ContainerError:
    """Read the mask of a region and the payload behind it, or what is wrong with them."""
    try:
        payload = reader.part(position)
        if reader.header.partition.kind == "labels":
            return _split_mask(reader, payload, position)
    except ContainerError as error:
        return error
    return None, payload


def _split_mask(reader: Reader, payload: bytes, position: int) -> tuple[NDArray[np.bool_] | None, bytes]:
    """Split the payload of a segment into its mask and its weights; see `masks.split`."""
    layout = Layout(header=reader.header, index=reader.index)
    what = f"{reader.name}: the mask before the weights of region {reader.index.ids[position]}"
    return masks.split(payload, layout.box(position).shape, layout.area(position), what)


def _check_apart(reader: Reader, partition: Partition) -> None:
    """Raise a ContainerError where two regions of a label map claim one sample."""
    if region := masks.overlap(partition.regions):
        raise ContainerError(
            f"{reader.name}: region {region.id} covers samples of another region", hint=WRONG
        )


def _partition(
    header: Header, index: Index, positions: Sequence[int], covers: Sequence[NDArray[np.bool_] | None]
) -> Partition:
    """Return the domain of a file with the regions at some places of the index, which have these masks."""
    layout = Layout(header=header, index=index)
    ids = [index.ids[position] for position in positions]
    if layout.is_grid:
        edges = tuple(tuple(e) for e in header.partition.edges)
        return from_edges(layout.domain, edges, tuple(header.partition.nominal), ids)
    regions = []
    for number, position, mask in zip(ids, positions, covers, strict=True):
        box, side = layout.box(position), float(np.sqrt(layout.area(position)))
        regions.append(Region(id=number, box=box, nominal=(side,) * len(box), mask=mask))
    return Partition(domain=layout.domain, regions=tuple(regions), kind="labels")
