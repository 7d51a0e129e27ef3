"""From a field to the bytes of a file; which numbers go into which chunk is in `contents`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from inrfit.codec import masks, needs, tags
from inrfit.codec.choice import Array, chosen
from inrfit.codec.chunks import EXIF, ICC, NEEDS, SOUND, SOURCE, TAGS
from inrfit.codec.chunks import write as write_container
from inrfit.codec.contents import MODEL_FIELDS, coded, kept, least_of
from inrfit.codec.header import (
    CONTEXTUAL,
    CodingHeader,
    FrameHeader,
    Header,
    Index,
    ModelHeader,
    PartitionHeader,
    SignalHeader,
)
from inrfit.codec.payload import Item, integers_of, payload_of
from inrfit.field import Field
from inrfit.models.coding import Coding
from inrfit.signal import SignalInfo
from inrfit.version import __version__


def dumps(field: Field) -> bytes:
    """Return the bytes of a `.inr` file that holds a field."""
    field = with_tables(field)
    numbers, items = kept(field)
    shared, own = (payload_of(items[local], field.weight_type, field.coding) for local in (False, True))
    parts = [_part(field, own.pack(numbers, position), position) for position in range(len(field.partition))]
    header = _header(field, items)
    needed = needs.encode(header)
    return write_container(
        header,
        _index(field),
        shared.pack(numbers, 0),
        metadata(field.info) | ({NEEDS: needed} if needed else {}),
        parts,
        least_of(shared, own, 0 if field.adapted else len(parts)),
    )


def with_tables(field: Field) -> Field:
    """Return a field whose quantised weights have tables, those that suit them where there are none."""
    coding = field.coding
    if coding is None or coding.tables:
        return field
    numbers, items = kept(field)
    arrays = {
        item.name: Array(
            integers=np.stack([integers_of(item, group, coding) for group in numbers[item.name]]),
            points=item.points,
        )
        for local in (False, True)
        for item in items[local]
        if item.trained
    }
    found = chosen(list(arrays.values()))
    contexts = {name: context for name, context in zip(arrays, found.contexts, strict=True) if context}
    return replace(field, coding=replace(coding, tables=found.tables, choice=found.choice, contexts=contexts))


def _part(field: Field, payload: bytes, position: int) -> bytes:
    """Return the payload of a region, with its mask before it where it is a segment."""
    if field.partition.kind != "labels":
        return payload
    return masks.pack(field.partition.regions[position].mask) + payload


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


def metadata(info: SignalInfo) -> dict[str, bytes]:
    """Return what is known of a signal as metadata by tag, without those that are empty."""
    blobs = {
        ICC: info.icc,
        EXIF: info.exif,
        SOURCE: bytes.fromhex(info.sha256),
        TAGS: tags.encode(info.tags),
        SOUND: info.sound,
    }
    return {tag: blob for tag, blob in blobs.items() if blob}
