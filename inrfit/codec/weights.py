"""Between a field and the parts of a file: which numbers go into which chunk, and back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from inrfit.codec import bounds, masks, tags
from inrfit.codec.container import EXIF, ICC, NEWER, SOUND, SOURCE, TAGS, TORN, WRONG, Damage, Reader
from inrfit.codec.container import write as write_container
from inrfit.codec.header import (
    CodingHeader,
    FrameHeader,
    Header,
    Index,
    ModelHeader,
    PartitionHeader,
    SignalHeader,
)
from inrfit.codec.layout import Layout
from inrfit.codec.limits import CONTEXTUAL
from inrfit.codec.origin import Find, Origin
from inrfit.codec.payload import Item, Numbers, Payload, integers_of, payload_of
from inrfit.codec.plan import Array, planned
from inrfit.config import ModelConfig
from inrfit.coords import Frame
from inrfit.errors import ConfigError, ContainerError
from inrfit.field import Adapted, Field, pooled_psnr
from inrfit.models.coding import Coding
from inrfit.models.description import Description, describe
from inrfit.partitions import Partition, Region
from inrfit.partitions.counted import counts
from inrfit.partitions.grid import from_edges
from inrfit.registry import names
from inrfit.signal import SignalInfo
from inrfit.version import __version__

MODEL_FIELDS = ModelHeader.__struct_fields__
PARTIAL = "decode what is intact: inrfit decode --partial"


def dumps(field: Field) -> bytes:
    """Return the bytes of a `.inr` file that holds a field."""
    field = with_tables(field)
    numbers, items = kept(field)
    shared, own = (payload_of(items[local], field.weight_type, field.coding) for local in (False, True))
    parts = [_part(field, own.pack(numbers, position), position) for position in range(len(field.partition))]
    return write_container(
        _header(field, items),
        _index(field),
        shared.pack(numbers, 0),
        _ancillary(field),
        parts,
        _least(shared, own, 0 if field.adapted else len(parts)),
    )


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
    description = network(header, reader.name)
    origin = _origin(reader, find)
    items = items_of(description) if origin is None else adapted_items(origin)
    coding = _coding(reader, items)
    payloads = _payloads(reader, items, coding)
    shared = payloads[False].read(reader.shared, f"{reader.name}: the shared weights")
    wanted = range(len(index.ids)) if positions is None else positions
    kept: list[int] = []
    covers: list[NDArray[np.bool_] | None] = []
    parts = []
    for position, found in zip(wanted, _regions(reader, payloads[True], wanted), strict=True):
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
    held = {**payloads[False].joined([shared]), **payloads[True].joined(parts)}
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


def network(header: Header, name: str = "the file") -> Description:
    """Return the network that the header of a file describes.

    Raises:
        ContainerError: the model is not one this version knows, or cannot be.
    """
    model = model_config(header)
    try:
        return describe(model, len(header.signal.shape), header.signal.channels)
    except ConfigError as error:
        raise ContainerError(
            f"{name} describes no network: {error.message.replace('--', '')}", hint=WRONG
        ) from None


def least(reader: Reader, regions: int) -> int:
    """Return how many bytes a file with so many regions of this one must have for its weights, see `bounds.least`.

    Raises:
        ContainerError: the file claims more than can be in its bytes, or describes no network.
    """
    payloads = _own_payloads(reader)
    return _least(payloads[False], payloads[True], regions) if payloads else 0


def _least(shared: Payload, own: Payload, regions: int) -> int:
    """Return the same for weights that are kept so; without regions, for those of a file that needs an init."""
    return bounds.least(
        numbers=shared.quantised + regions * own.quantised if regions else 0,
        fronts=sum(map(bounds.fronts_of, own.lattices)),
    )


def misfits(reader: Reader) -> list[Damage]:
    """Return the regions of a file that are damaged, or whose bytes cannot hold their weights; none is decoded.

    Of a file that needs an init the weights are not known, and only checksums are looked at.

    Raises:
        ContainerError: the file claims more than can be in its bytes, or its shared weights do not fit.
    """
    payloads = _own_payloads(reader)
    if not payloads:
        return reader.check()
    if wrong := payloads[False].misfit(len(reader.shared)):
        raise ContainerError(f"{reader.name}: the shared weights {wrong}", hint=WRONG)
    masked, found = reader.header.partition.kind == "labels", list[Damage]()
    for position, number in enumerate(reader.index.ids):
        try:
            payload = reader.part(position)
            before = masks.size(payload) if masked else 0
            wrong = payloads[True].misfit(len(payload) - before)
        except ContainerError as error:
            wrong = error.message
        if wrong:
            found.append(Damage(position=position, id=number, reason=wrong))
    return found


def _own_payloads(reader: Reader) -> dict[bool, Payload]:
    """Return how the weights of a file are kept; empty for a file that needs an init."""
    if reader.header.init:
        return {}
    items = items_of(network(reader.header, reader.name))
    return _payloads(reader, items, _coding(reader, items))


def _payloads(
    reader: Reader, items: Mapping[bool, Sequence[Item]], coding: Coding | None
) -> dict[bool, Payload]:
    """Return how the weights of each region (True) and those of all together (False) are kept.

    Raises:
        ContainerError: that cannot be, or is more than the bytes of the file can hold.
    """
    try:
        found = {
            local: payload_of(items[local], reader.header.weight_type, coding) for local in (True, False)
        }
        if not reader.header.init:
            numbers = found[False].quantised + reader.there * found[True].quantised
            bounds.check_numbers(numbers, reader.size)
        bounds.check_fronts(found[True].lattices, reader.size)
        index, there = reader.index, reader.there
        bounds.check_masked(bounds.masked(index.boxes[:there], index.areas[:there]), reader.size)
    except ContainerError as error:
        raise ContainerError(f"{reader.name}: {error.message}", hint=WRONG) from None
    return found


def items_of(description: Description) -> dict[bool, list[Item]]:
    """Return what the chunk of a region (True) and what that of all together (False) keeps, in order."""
    found: dict[bool, list[Item]] = {True: [], False: []}
    for stack in description.stacks:
        found[stack.local].append(
            Item(name=stack.name, shape=stack.shape, trained=stack.trained, lattice=stack.lattice)
        )
    return found


def adapted_items(origin: Origin) -> dict[bool, list[Item]]:
    """Return the same of a file that keeps only what the regions of an init adapted."""
    bases = origin.bases
    own = [Item(name=name, shape=shape, base=bases.get(name)) for name, shape in origin.shapes.items()]
    return {True: own, False: []}


def kept(field: Field) -> tuple[Numbers, dict[bool, list[Item]]]:
    """Return the numbers that the file of a field keeps, and in which order."""
    if field.adapted is None:
        return field.weights, items_of(field.description)
    numbers, bases = field.adapted.numbers, field.adapted.bases
    own = [Item(name=n, shape=v.shape[1:], base=bases.get(n)) for n, v in numbers.items()]
    return numbers, {True: own, False: []}


def coded(items: Mapping[bool, Sequence[Item]]) -> list[str]:
    """Return the names of what is quantised, in the order of their exponents: what regions share first."""
    return [item.name for local in (False, True) for item in items[local] if item.trained]


def with_tables(field: Field) -> Field:
    """Return a field whose quantised weights have tables, those that suit them where there are none."""
    coding = field.coding
    if coding is None or coding.tables:
        return field
    numbers, items = kept(field)
    arrays = {
        item.name: Array(
            integers=np.stack([integers_of(item, group, coding) for group in numbers[item.name]]),
            lattice=item.lattice,
        )
        for local in (False, True)
        for item in items[local]
        if item.trained
    }
    plan = planned(list(arrays.values()))
    contexts = {name: context for name, context in zip(arrays, plan.contexts, strict=True) if context}
    return replace(field, coding=replace(coding, tables=plan.tables, choice=plan.choice, contexts=contexts))


def _coding(reader: Reader, items: Mapping[bool, Sequence[Item]]) -> Coding | None:
    """Return how the quantised weights of a file are coded; None for other weights.

    Raises:
        ContainerError: there are not as many steps as stacks.
    """
    stored, wanted = reader.header.coding, coded(items)
    if stored is None:
        return None
    if len(stored.exponents) != len(wanted):
        raise ContainerError(
            f"{reader.name} has {len(stored.exponents)} steps for {len(wanted)} quantised arrays", hint=WRONG
        )
    return Coding(
        exponents=dict(zip(wanted, stored.exponents, strict=True)),
        tables=tuple(tuple(runs) for runs in stored.tables),
        choice=tuple(stored.choice),
        contexts={name: tuple(one) for name, one in zip(wanted, stored.contexts, strict=False) if one},
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


def region_mask(reader: Reader, position: int) -> NDArray[np.bool_] | None:
    """Read which samples of its box a segment covers, [*box shape]; None when all of them.

    Raises:
        ContainerError: the region is damaged.
    """
    return _split_mask(reader, reader.part(position), position)[0]


def model_config(header: Header) -> ModelConfig:
    """Return the model a header describes.

    Raises:
        ContainerError: a name this version does not know.
    """
    try:
        return ModelConfig(**{name: getattr(header.model, name) for name in MODEL_FIELDS})
    except ConfigError as error:
        raise ContainerError(
            f"the file uses a model this version does not know: {error.message}",
            hint="a newer inrfit may read it",
        ) from None


def _part(field: Field, payload: bytes, position: int) -> bytes:
    """Return the payload of a region, with its mask before it where it is a segment."""
    if field.partition.kind != "labels":
        return payload
    return masks.pack(field.partition.regions[position].mask) + payload


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
    shape = tuple(last - first for first, last in layout.box(position))
    what = f"{reader.name}: the mask before the weights of region {reader.index.ids[position]}"
    return masks.split(payload, shape, layout.area(position), what)


def _check_apart(reader: Reader, partition: Partition) -> None:
    """Raise a ContainerError where two regions of a label map claim one sample."""
    if region := masks.overlap(partition.regions):
        raise ContainerError(
            f"{reader.name}: region {region.id} covers samples of another region", hint=WRONG
        )


def _header(field: Field, items: Mapping[bool, Sequence[Item]]) -> Header:
    domain, info = field.domain, field.info
    nominal = list(field.partition.regions[0].nominal) if field.partition.kind == "grid" else []
    return Header(
        signal=SignalHeader(
            kind=info.kind,
            shape=list(domain.shape),
            axes=list(domain.axes),
            units=list(domain.units),
            spacing=list(domain.spacing),
            origin=list(domain.origin),
            channels=field.channels,
            dtype=info.dtype,
            value_low=info.value_range[0],
            value_high=info.value_range[1],
            colour=info.colour,
            suffix=info.suffix,
            offset=list(domain.offset),
        ),
        model=ModelHeader(**{name: getattr(field.model, name) for name in MODEL_FIELDS}),
        partition=PartitionHeader(
            kind=field.partition.kind,
            edges=[list(edges) for edges in field.partition.edges],
            nominal=nominal,
        ),
        frame=FrameHeader(
            centre=list(field.frame.centre), half=list(field.frame.half), span=_whole(field.frame.span)
        ),
        weights=CONTEXTUAL if field.coding and field.coding.contexts else field.weight_type,
        tile=field.tile,
        seed=field.seed,
        steps=field.steps,
        psnr=field.psnr,
        writer=f"inrfit {__version__}",
        init="" if field.adapted is None else field.adapted.init,
        coding=_coding_header(field.coding, coded(items)),
    )


def _coding_header(coding: Coding | None, names: Sequence[str]) -> CodingHeader | None:
    if coding is None:
        return None
    return CodingHeader(
        exponents=[coding.exponents[name] for name in names],
        tables=[list(runs) for runs in coding.tables],
        choice=list(coding.choice),
        contexts=[list(coding.contexts.get(name, ())) for name in names] if coding.contexts else [],
    )


def _whole(number: float) -> int | float:
    """Return a number as an integer where it is one, which takes a byte in place of nine."""
    return int(number) if number == int(number) else number


def _index(field: Field) -> Index:
    labels = field.partition.kind == "labels"
    regions = field.partition.regions
    return Index(
        ids=[region.id for region in regions],
        lengths=[],
        boxes=[[edge for span in region.box for edge in span] for region in regions] if labels else [],
        areas=[region.area for region in regions] if labels else [],
        mse=list(field.mse),
    )


def _ancillary(field: Field) -> dict[str, bytes]:
    info = field.info
    blobs = {
        ICC: info.icc,
        EXIF: info.exif,
        SOURCE: bytes.fromhex(info.sha256),
        TAGS: tags.encode(info.tags),
        SOUND: info.sound,
    }
    return {tag: blob for tag, blob in blobs.items() if blob}


def signal_info(reader: Reader) -> SignalInfo:
    """Return what a file says about its signal.

    Raises:
        ContainerError: a kind of signal this version does not know.
    """
    signal, ancillary = reader.header.signal, reader.ancillary
    if signal.kind not in names("signal"):
        raise ContainerError(
            f"{reader.name} holds a signal of kind {signal.kind!r}, this inrfit reads {', '.join(names('signal'))}",
            hint=NEWER,
        )
    return SignalInfo(
        kind=signal.kind,
        dtype=signal.dtype,
        value_range=(signal.value_low, signal.value_high),
        colour=signal.colour,
        suffix=signal.suffix,
        icc=ancillary.get(ICC),
        exif=ancillary.get(EXIF),
        sound=ancillary.get(SOUND),
        tags=tags.decode(ancillary.get(TAGS, b""), reader.name),
        sha256=ancillary.get(SOURCE, b"").hex(),
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
