"""Between a field and the parts of a file: which numbers go into which chunk, and back."""

from __future__ import annotations

import math
import zlib
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from inrfit.codec import tags
from inrfit.codec.container import EXIF, ICC, NEWER, SOUND, SOURCE, TAGS, TORN, WRONG, Damage, Reader
from inrfit.codec.container import write as write_container
from inrfit.codec.header import (
    FrameHeader,
    Header,
    Index,
    ModelHeader,
    PartitionHeader,
    SignalHeader,
)
from inrfit.codec.layout import Layout
from inrfit.codec.origin import Find, Origin
from inrfit.config import ModelConfig
from inrfit.coords import Frame
from inrfit.errors import ConfigError, ContainerError
from inrfit.models.description import Description, describe
from inrfit.models.field import Adapted, Field, pooled_psnr
from inrfit.partitions import Partition, Region
from inrfit.partitions.grid import from_edges
from inrfit.registry import names
from inrfit.signal import SignalInfo
from inrfit.version import __version__

MODEL_FIELDS = ModelHeader.__struct_fields__
PARTIAL = "decode what is intact: inrfit decode --partial"


def dumps(field: Field) -> bytes:
    """Return the bytes of a `.inr` file that holds a field."""
    types, weights = stored_types(field.description, field.weight_type, local=True), field.weights
    shared = b""
    if field.adapted is not None:
        weights = field.adapted.numbers
        types = [(name, np.dtype(field.weight_type).newbyteorder("<")) for name in weights]
    else:
        shared = _pack(stored_types(field.description, field.weight_type, local=False), weights, 0)
    parts = [_part(field, types, weights, position) for position in range(len(field.partition))]
    return write_container(_header(field), _index(field), shared, _ancillary(field), parts)


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
    model = model_config(header)
    try:
        description = describe(model, len(header.signal.shape), header.signal.channels)
    except ConfigError as error:
        raise ContainerError(f"{reader.name}: {error.message}") from None
    origin = _origin(reader, find)
    if origin is None:
        records = {local: record(description, header.weights, local=local) for local in (True, False)}
    else:
        little = np.dtype(header.weights).newbyteorder("<")
        own = np.dtype([(name, little, shape) for name, shape in origin.shapes.items()])
        records = {True: own, False: np.dtype([])}
    _check_weights(reader, reader.shared, records[False], "the shared weights")
    wanted = range(len(index.ids)) if positions is None else positions
    kept: list[int] = []
    masks: list[NDArray[np.bool_] | None] = []
    payloads = bytearray()
    for position in wanted:
        try:
            mask, payload = _region(reader, records[True], position)
        except ContainerError as error:
            if damaged is None:
                raise ContainerError(error.message, hint=f"{error.hint or TORN}, or {PARTIAL}") from error
            damaged.append(Damage(position=position, id=index.ids[position], reason=error.message))
            continue
        kept.append(position)
        masks.append(mask)
        payloads += payload
    if wanted and not kept:
        raise ContainerError(
            f"{reader.name}: all {len(wanted)} regions that are needed are damaged", hint=TORN
        )
    held = {**_unpacked(reader.shared, records[False]), **_unpacked(payloads, records[True])}
    adapted = None
    if origin is not None:
        adapted = Adapted(init=header.init, numbers=held)
        held = _made(reader, description, origin, held)
    partition = _partition(header, index, kept, masks)
    if partition.kind == "labels" and kept:
        _check_apart(reader, partition)
    mse = tuple(index.mse[position] for position in kept) if index.mse else ()
    whole = len(kept) == len(index.ids)
    return Field(
        model=model,
        partition=partition,
        frame=Frame(
            centre=tuple(header.frame.centre), half=tuple(header.frame.half), span=float(header.frame.span)
        ),
        info=signal_info(reader),
        channels=header.signal.channels,
        weights={stack.name: held[stack.name] for stack in description.stacks},
        tile=header.tile,
        seed=header.seed,
        steps=header.steps,
        weight_type=header.weights,
        psnr=header.psnr if whole else pooled_psnr(mse, partition.areas, signal_info(reader).peak),
        mse=mse,
        adapted=adapted,
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


def _part(
    field: Field,
    types: Sequence[tuple[str, np.dtype[np.floating]]],
    held: Mapping[str, NDArray[np.float32]],
    position: int,
) -> bytes:
    weights = _pack(types, held, position)
    if field.partition.kind != "labels":
        return weights
    mask = field.partition.regions[position].mask
    packed = b"" if mask is None else zlib.compress(np.packbits(mask).tobytes(), 9)
    return len(packed).to_bytes(4, "little") + packed + weights


def _region(
    reader: Reader, stored: np.dtype[np.void], position: int
) -> tuple[NDArray[np.bool_] | None, bytes]:
    """Read the mask of one region, and its weights as they are stored, after a look at them."""
    payload, mask = reader.part(position), None
    if reader.header.partition.kind == "labels":
        mask, payload = _split_mask(reader, payload, position)
    _check_weights(reader, payload, stored, f"the weights of region {reader.index.ids[position]}")
    return mask, payload


def _split_mask(reader: Reader, payload: bytes, position: int) -> tuple[NDArray[np.bool_] | None, bytes]:
    """Split the payload of a segment into its mask and its weights."""
    layout = Layout(header=reader.header, index=reader.index)
    shape, area = tuple(last - first for first, last in layout.box(position)), layout.area(position)
    count, what = math.prod(shape), f"the weights of region {reader.index.ids[position]}"
    size = int.from_bytes(payload[:4], "little")
    if len(payload) < 4 + size:
        raise ContainerError(f"{reader.name}: the mask before {what} is cut off")
    if size == 0 and area == count:
        return None, payload[4:]
    try:
        bits = zlib.decompressobj().decompress(payload[4 : 4 + size], -(-count // 8) + 1)
    except zlib.error as error:
        raise ContainerError(f"{reader.name}: the mask before {what} is damaged ({error})") from None
    if len(bits) != -(-count // 8):
        raise ContainerError(
            f"{reader.name}: the mask before {what} holds {len(bits)} bytes for {count} samples"
        )
    mask = np.unpackbits(np.frombuffer(bits, np.uint8), count=count).astype(bool).reshape(shape)
    if np.count_nonzero(mask) != area:
        raise ContainerError(
            f"{reader.name}: the mask before {what} does not cover the {area} samples it should"
        )
    return mask, payload[4 + size :]


def _check_apart(reader: Reader, partition: Partition) -> None:
    """Raise a ContainerError where two regions of a label map claim one sample."""
    around = partition.select(range(len(partition))).domain
    taken = np.zeros(around.shape, bool)
    for region in partition.regions:
        window = taken[
            tuple(slice(a - o, b - o) for (a, b), o in zip(region.box, around.origin, strict=True))
        ]
        inside = np.True_ if region.mask is None else region.mask
        if (window & inside).any():
            raise ContainerError(
                f"{reader.name}: region {region.id} covers samples of another region", hint=WRONG
            )
        window |= inside


def stored_types(
    description: Description, kind: str, *, local: bool
) -> list[tuple[str, np.dtype[np.floating]]]:
    """Return the names of the stacks of a chunk with the type of each: `kind` where trained, float32 for the others."""
    return [
        (stack.name, np.dtype(kind if stack.trained else "float32").newbyteorder("<"))
        for stack in description.stacks
        if stack.local == local
    ]


def _pack(
    types: Sequence[tuple[str, np.dtype[np.floating]]],
    weights: Mapping[str, NDArray[np.float32]],
    position: int,
) -> bytes:
    """Return the numbers of one region, or those of the signal, in the order of their types."""
    return b"".join(weights[name][position].astype(little).tobytes() for name, little in types)


def record(description: Description, kind: str, *, local: bool) -> np.dtype[np.void]:
    """Return the weights of one region (`local`) or those of the signal as one record, one field for each stack."""
    types = stored_types(description, kind, local=local)
    shapes = {stack.name: stack.shape for stack in description.stacks}
    return np.dtype([(name, little, shapes[name]) for name, little in types])


def _check_weights(reader: Reader, payload: bytes, stored: np.dtype[np.void], what: str) -> None:
    """Raise a ContainerError where a payload is no record, or holds numbers that are not finite."""
    if len(payload) != stored.itemsize:
        raise ContainerError(f"{reader.name}: {what} hold {len(payload)} bytes, not {stored.itemsize}")
    kinds = {field[0].base for field in (stored.fields or {}).values()}
    if len(kinds) == 1:  # all at once, which is most of the time that reading takes
        finite = np.isfinite(np.frombuffer(payload, kinds.pop())).all()
    else:
        held = _unpacked(payload, stored)
        finite = all(np.isfinite(values).all() for values in held.values())
    if not finite:
        raise ContainerError(f"{reader.name}: {what} hold numbers that are not finite")


def _unpacked(payloads: bytes | bytearray, stored: np.dtype[np.void]) -> dict[str, NDArray[np.float32]]:
    """Return the stacks [payload, *shape] that payloads hold one after the other, each one record."""
    if not stored.names:
        return {}
    records = np.frombuffer(payloads, stored)
    return {name: records[name].astype(np.float32) for name in stored.names}


def _header(field: Field) -> Header:
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
        weights=field.weight_type,
        tile=field.tile,
        seed=field.seed,
        steps=field.steps,
        psnr=field.psnr,
        writer=f"inrfit {__version__}",
        init="" if field.adapted is None else field.adapted.init,
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
    header: Header, index: Index, positions: Sequence[int], masks: Sequence[NDArray[np.bool_] | None]
) -> Partition:
    """Return the domain of a file with the regions at some places of the index, which have these masks."""
    layout = Layout(header=header, index=index)
    ids = [index.ids[position] for position in positions]
    if layout.is_grid:
        edges = tuple(tuple(e) for e in header.partition.edges)
        return from_edges(layout.domain, edges, tuple(header.partition.nominal), ids)
    regions = []
    for number, position, mask in zip(ids, positions, masks, strict=True):
        box, side = layout.box(position), float(np.sqrt(layout.area(position)))
        regions.append(Region(id=number, box=box, nominal=(side,) * len(box), mask=mask))
    return Partition(domain=layout.domain, regions=tuple(regions), kind="labels")
