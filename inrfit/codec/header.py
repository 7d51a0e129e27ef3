"""The typed header and index of an `.inr` file and the limits of each field; where bytes lie is not known here.

Both are stored as MessagePack arrays: fields in the order below, without names. A field added later goes to the
end and has a default, so that older files still read and older readers ignore it. `docs/format.md` is the
specification.
"""

from __future__ import annotations

import math
import re
import reprlib
from collections.abc import Collection, Iterable, Sequence
from itertools import pairwise
from typing import Annotated, TypeVar

import msgspec

from inrfit.errors import ContainerError
from inrfit.registry import names

MAX_AXES = 8
MAX_AXIS = 1 << 31
MAX_SAMPLES = 1 << 40
MAX_ORIGIN = 1 << 40
MAX_CHANNELS = 4096
MAX_REGIONS = 1 << 24
MAX_LABELS = 1 << 20
"""Most regions of a label map: a box in the index costs about 30 times its bytes in memory."""
MAX_LABEL_ID = 1 << 31
MAX_HIDDEN_FEATURES = 65536
MAX_HIDDEN_LAYERS = 64
MAX_BANDS = 512
"""Beyond it the highest harmonic frequency leaves the range of double precision."""
MAX_FEATURES = 65536
MAX_FACTOR = 1e6
MAX_TILE = 16384
MAX_COUNT = 1 << 63
MAX_CHUNK = 1 << 32
MAX_TEXT = 64
MAX_FLOAT32 = 3.4028234663852886e38
SIZES = (2.0**-20, 2.0**40)
"""Sizes of frames and cells that make sense, in samples."""
SPACINGS = (1e-30, 1e30)

RANGES = {
    "uint8": (0.0, 255.0),
    "uint16": (0.0, 65535.0),
    "float32": (-MAX_FLOAT32, MAX_FLOAT32),
}
"""Sample types, and the values their value range may span."""

COLOURS = {"grey": 1, "grey-alpha": 2, "rgb": 3, "rgb-alpha": 4, "channels": None}
"""Meanings of the channels, and how many there must be; None for any number."""

FRAMES = ("global", "local")
PARTITIONS = ("grid", "labels")
WEIGHTS = ("float32", "float16")

PerAxis = msgspec.Meta(max_length=MAX_AXES)
Corners = msgspec.Meta(min_length=2, max_length=2 * MAX_AXES)


class SignalHeader(msgspec.Struct, array_like=True, frozen=True, kw_only=True):
    """What was fitted.

    Attributes:
        kind: signal kind, for example "image".
        shape: samples along each axis, slowest first; 1 to 8 axes of 1 to 2^31 samples, 2^40 in all.
        axes: axis names, all different.
        units: unit of each axis, for example "px".
        spacing: units per sample on each axis, 1e-30 to 1e30.
        origin: index of the first sample on each axis, within +-2^40.
        channels: values per sample, 1 to 4096.
        dtype: sample type, "uint8", "uint16" or "float32".
        value_low: sample value that -1 stands for, in the range of the sample type.
        value_high: sample value that 1 stands for, above `value_low`.
        colour: meaning of the channels, "grey", "grey-alpha", "rgb", "rgb-alpha" or "channels".
        suffix: file suffix of the source with its dot, or empty.
    """

    kind: str
    shape: list[int]
    axes: list[str]
    units: list[str]
    spacing: list[float]
    origin: list[int]
    channels: int
    dtype: str
    value_low: float
    value_high: float
    colour: str
    suffix: str


class ModelHeader(msgspec.Struct, array_like=True, frozen=True, kw_only=True):
    """The network; the rooms that build it know the names of models, activations and encodings.

    Attributes:
        name: model, for example "partitioned".
        activation: activation of the hidden layers.
        hidden_features: width of a hidden layer, 1 to 65536.
        hidden_layers: hidden-to-hidden layers, 0 to 64.
        first_omega_0: factor of the first activation, 0 to 1e6.
        hidden_omega_0: factor of the other activations, 0 to 1e6.
        scale_0: envelope factor of `wire`, 0 to 1e6.
        encoding: what the first layer sees.
        bands: frequencies per axis of `harmonic`, 0 to 512.
        features: frequencies of `rff`, 0 to 65536.
        sigma: standard deviation of the `rff` frequencies in periods per unit coordinate, 0 to 1e6.
        output: activation of the output.
        frame: coordinates the network sees, "global" or "local".
    """

    name: str
    activation: str
    hidden_features: int
    hidden_layers: int
    first_omega_0: float
    hidden_omega_0: float
    scale_0: float
    encoding: str
    bands: int
    features: int
    sigma: float
    output: str
    frame: str


class PartitionHeader(msgspec.Struct, array_like=True, frozen=True, kw_only=True):
    """How the domain is divided.

    Attributes:
        kind: "grid" or "labels".
        edges: for a grid, the cell borders along each axis as increasing sample indices, one more than there
            are cells; they contain the domain, and after a crop they reach beyond it. Empty for labels.
        nominal: for a grid, the nominal cell size per axis in samples, 2^-20 to 2^40. Empty for labels.
    """

    kind: str
    edges: Annotated[list[list[int]], PerAxis]
    nominal: list[float]


class FrameHeader(msgspec.Struct, array_like=True, frozen=True, kw_only=True):
    """The global frame, fixed when the signal was first fitted: coordinate = (index - centre) / half.

    Attributes:
        centre: index of coordinate 0 on each axis, within +-2^41.
        half: samples per unit coordinate on each axis, 2^-20 to 2^40.
    """

    centre: list[float]
    half: list[float]


class Header(msgspec.Struct, array_like=True, frozen=True, kw_only=True):
    """All that is needed to build the network and to write its samples back as they came.

    Attributes:
        signal, model, partition, frame: see their types.
        weights: type of the stored weights, "float32" or "float16".
        tile: points of a decode tile, 1 to 16384.
        seed: seed of the fit, 0 to 2^63 - 1.
        steps: optimiser steps of the fit, 0 to 2^63 - 1.
        psnr: dB of the decoded file against its source; infinity where they are equal, None where unknown.
        writer: name and version of the program that wrote the file, for example "inrfit 0.1.0".
    """

    signal: SignalHeader
    model: ModelHeader
    partition: PartitionHeader
    frame: FrameHeader
    weights: str
    tile: int
    seed: int
    steps: int
    psnr: float | None
    writer: str


class Index(msgspec.Struct, array_like=True, frozen=True, kw_only=True):
    """The regions in the file, one entry per region in every list that is not empty.

    Attributes:
        ids: region ids, increasing; row-major cell numbers of the whole grid, or labels below 2^31.
        lengths: payload bytes of each PART chunk. Set by `container.write`.
        boxes: for labels, half-open index ranges y0, y1, x0, x1 inside the domain. Empty for a grid.
        areas: for labels, samples of each region. Empty for a grid.
        mse: mean squared error of the decoded samples on the [-1, 1] scale; empty where unknown.
        ancillary: bytes of all ancillary chunks together, so that the place of every PART is known from
            here. Set by `container.write`.
    """

    ids: list[int]
    lengths: list[int] = []
    boxes: Annotated[list[Annotated[list[int], Corners]], msgspec.Meta(max_length=MAX_LABELS)] = []
    areas: list[int] = []
    mse: list[float] = []
    ancillary: int = 0


Stored = TypeVar("Stored", Header, Index)


def encode(value: Header | Index) -> bytes:
    """Return the MessagePack bytes of a header or index.

    Raises:
        ContainerError: a field holds something MessagePack cannot, for example a NumPy number.
    """
    try:
        return msgspec.msgpack.encode(value)
    except (TypeError, ValueError, OverflowError) as error:
        raise ContainerError(f"{type(value).__name__.lower()} cannot be stored: {error}") from error


def decode_header(payload: bytes) -> Header:
    """Return the header in `payload`, every field within its limits.

    Raises:
        ContainerError: the bytes are no header, or a field is out of its limits.
    """
    header = _decode(payload, Header)
    _check_signal(header.signal)
    _check_model(header.model)
    _check_partition(header.partition, header.signal)
    _check_frame(header.frame, len(header.signal.shape))
    _one_of("weights", header.weights, WEIGHTS)
    _between("tile", [header.tile], 1, MAX_TILE)
    _between("seed", [header.seed], 0, MAX_COUNT - 1)
    _between("steps", [header.steps], 0, MAX_COUNT - 1)
    psnr = header.psnr
    _require(psnr is None or psnr > -math.inf, "psnr", psnr, "nil, or dB that are not NaN or -infinity")
    _text("writer", header.writer)
    return header


def decode_index(payload: bytes, header: Header) -> Index:
    """Return the index in `payload`, every field within its limits and in agreement with the header.

    Raises:
        ContainerError: the bytes are no index, or a field is out of its limits.
    """
    index = _decode(payload, Index)
    count = len(index.ids)
    _require(1 <= count <= MAX_REGIONS, "number of regions", count, f"1 to {MAX_REGIONS}")
    _increasing("ids", index.ids)
    _between("ids", index.ids, 0, MAX_LABEL_ID - 1)
    _length("lengths", index.lengths, count)
    _between("lengths", index.lengths, 0, MAX_CHUNK - 1)
    _length("mse", index.mse, count if index.mse else 0)
    _between("mse", index.mse, 0, MAX_FLOAT32)
    _between("ancillary", [index.ancillary], 0, MAX_COUNT - 1)
    labels = header.partition.kind == "labels"
    _length("boxes", index.boxes, count if labels else 0)
    _length("areas", index.areas, count if labels else 0)
    if labels:
        _check_boxes(index, header.signal)
    else:
        _check_cells(index.ids, header)
    return index


def validate(header: Header, index: Index) -> None:
    """Check a header and an index as a reader would.

    Raises:
        ContainerError: they cannot be stored, or a reader would refuse them.
    """
    decode_index(encode(index), decode_header(encode(header)))


def _decode(payload: bytes, kind: type[Stored]) -> Stored:
    try:
        return msgspec.msgpack.decode(payload, type=kind)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError, OverflowError) as error:
        raise ContainerError(f"{kind.__name__.lower()} is not in the form of this format: {error}") from error


def _check_signal(signal: SignalHeader) -> None:
    axes = len(signal.shape)
    _require(1 <= axes <= MAX_AXES, "number of axes", axes, f"1 to {MAX_AXES}")
    for field in ("axes", "units", "spacing", "origin"):
        _length(f"signal.{field}", getattr(signal, field), axes)
    _between("signal.shape", signal.shape, 1, MAX_AXIS)
    samples = math.prod(signal.shape)
    _require(samples <= MAX_SAMPLES, "number of samples", samples, f"at most {MAX_SAMPLES}")
    _between("signal.spacing", signal.spacing, *SPACINGS)
    _between("signal.origin", signal.origin, -MAX_ORIGIN, MAX_ORIGIN)
    _between("signal.channels", [signal.channels], 1, MAX_CHANNELS)
    for text in (signal.kind, *signal.axes, *signal.units):
        _text("signal.kind, axes or units", text)
    _require(len(set(signal.axes)) == axes, "signal.axes", signal.axes, "names that differ")
    _one_of("signal.dtype", signal.dtype, RANGES)
    _between("signal.value_low and value_high", [signal.value_low, signal.value_high], *RANGES[signal.dtype])
    _increasing("signal.value_low and value_high", [signal.value_low, signal.value_high])
    _one_of("signal.colour", signal.colour, COLOURS)
    wanted = COLOURS[signal.colour] or signal.channels
    _require(signal.channels == wanted, "signal.channels", signal.channels, f"{wanted} for {signal.colour}")
    plain = len(signal.suffix) <= MAX_TEXT and re.fullmatch(r"(\.[A-Za-z0-9]+)?", signal.suffix)
    _require(bool(plain), "signal.suffix", signal.suffix, "a dot with letters and digits, or empty")


def _check_model(model: ModelHeader) -> None:
    _text("model.name", model.name)
    _text("model.activation", model.activation)
    _text("model.encoding", model.encoding)
    _one_of("model.output", model.output, names("output"))
    _one_of("model.frame", model.frame, FRAMES)
    _between("model.hidden_features", [model.hidden_features], 1, MAX_HIDDEN_FEATURES)
    _between("model.hidden_layers", [model.hidden_layers], 0, MAX_HIDDEN_LAYERS)
    for field in ("first_omega_0", "hidden_omega_0", "scale_0", "sigma"):
        _between(f"model.{field}", [getattr(model, field)], 0, MAX_FACTOR)
    _between("model.bands", [model.bands], 0, MAX_BANDS)
    _between("model.features", [model.features], 0, MAX_FEATURES)


def _check_partition(partition: PartitionHeader, signal: SignalHeader) -> None:
    _one_of("partition.kind", partition.kind, PARTITIONS)
    axes = len(signal.shape) if partition.kind == "grid" else 0
    _length("partition.edges", partition.edges, axes)
    _length("partition.nominal", partition.nominal, axes)
    _between("partition.nominal", partition.nominal, *SIZES)
    for axis, edges in enumerate(partition.edges):
        field = f"partition.edges[{axis}]"
        first, last = signal.origin[axis], signal.origin[axis] + signal.shape[axis]
        _require(len(edges) >= 2, field, edges, "at least two borders")
        _increasing(field, edges)
        _between(field, edges, -2 * MAX_ORIGIN, 2 * MAX_ORIGIN)
        inside = edges[0] <= first and last <= edges[-1]
        _require(inside, field, edges, f"borders around the samples {first}:{last}")
    cells = math.prod(len(edges) - 1 for edges in partition.edges)
    _require(cells <= MAX_REGIONS, "number of cells", cells, f"at most {MAX_REGIONS}")


def _check_frame(frame: FrameHeader, axes: int) -> None:
    _length("frame.centre", frame.centre, axes)
    _length("frame.half", frame.half, axes)
    _between("frame.centre", frame.centre, -2 * MAX_ORIGIN, 2 * MAX_ORIGIN)
    _between("frame.half", frame.half, *SIZES)


def _check_cells(ids: Sequence[int], header: Header) -> None:
    """Check that every cell of a grid exists and lies inside the domain."""
    axes = []
    for edges, start, size in zip(
        header.partition.edges, header.signal.origin, header.signal.shape, strict=True
    ):
        inside = [n for n, (a, b) in enumerate(pairwise(edges)) if start <= a and b <= start + size]
        axes.append((len(edges) - 1, range(inside[0], inside[-1] + 1) if inside else range(0)))
    cells = math.prod(count for count, _ in axes)
    _require(ids[-1] < cells, "ids", ids, f"cells below {cells}")
    for number in ids:
        rest = number
        for count, inside in reversed(axes):
            rest, place = divmod(rest, count)
            _require(place in inside, "ids", number, "cells inside the domain")


def _check_boxes(index: Index, signal: SignalHeader) -> None:
    """Check that every box of a label map lies inside the domain and can hold its area."""
    for box, area in zip(index.boxes, index.areas, strict=True):
        _length("boxes", box, 2 * len(signal.shape))
        volume = 1
        for first, last, start, size in zip(box[::2], box[1::2], signal.origin, signal.shape, strict=True):
            _require(start <= first < last <= start + size, "boxes", box, "boxes inside the domain")
            volume *= last - first
        _between("areas", [area], 1, volume)
    samples = math.prod(signal.shape)
    _require(sum(index.areas) <= samples, "sum of areas", sum(index.areas), f"at most {samples}")


def _require(condition: bool, field: str, value: object, allowed: object) -> None:
    if not condition:
        raise ContainerError(f"{field} is {reprlib.repr(value)}, allowed: {allowed}")


def _between(field: str, values: Iterable[float], low: float, high: float) -> None:
    """Require numbers from `low` to `high`; NaN is never one."""
    for value in values:
        if not low <= value <= high:
            raise ContainerError(f"{field} is {value}, allowed: {low} to {high}")


def _increasing(field: str, values: Sequence[float]) -> None:
    _require(all(a < b for a, b in pairwise(values)), field, values, "numbers that increase")


def _length(field: str, values: Collection[object], wanted: int) -> None:
    _require(len(values) == wanted, f"length of {field}", len(values), wanted)


def _one_of(field: str, value: str, allowed: Collection[str]) -> None:
    _require(value in allowed, field, value, ", ".join(allowed))


def _text(field: str, value: str) -> None:
    good = 0 < len(value) <= MAX_TEXT and value.isprintable()
    _require(good, field, value, f"1 to {MAX_TEXT} printable characters")
