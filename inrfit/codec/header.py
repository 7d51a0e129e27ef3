"""The typed header and index of an `.inr` file; their limits are in `limits`, where bytes lie is not known here.

Both are stored as MessagePack arrays: fields in the order below, without names. A field added later goes to the
end and has a default, so that older files still read and older readers ignore it. `short` makes them few bytes.
`docs/format.md` is the specification.
"""

from __future__ import annotations

from typing import Annotated, TypeVar

import msgspec

from inrfit.codec.limits import CONTEXTUAL, MAX_AXES, check_header, check_index
from inrfit.codec.short import StoredIndex, restored, stored, whole
from inrfit.errors import ContainerError

PerAxis = msgspec.Meta(max_length=MAX_AXES)


class SignalHeader(msgspec.Struct, array_like=True, frozen=True, kw_only=True):
    """What was fitted.

    Attributes:
        kind: signal kind, for example "image".
        shape: samples along each axis, slowest first; 1 to 8 axes (2 for an image) of 1 to 2^31 samples,
            2^40 in all.
        axes: axis names, all different.
        units: unit of each axis, for example "px".
        spacing: units per sample on each axis, 1e-30 to 1e30.
        origin: index of the first sample on each axis, within +-2^40.
        channels: values per sample, 1 to 4096.
        dtype: sample type, "uint8", "uint16", "int16", "int32" or "float32".
        value_low: sample value that -1 stands for, in the range of the sample type.
        value_high: sample value that 1 stands for, above `value_low`.
        colour: meaning of the channels, "grey", "grey-alpha", "rgb", "rgb-alpha", "waveform", "distance",
            "occupancy" or "channels".
        suffix: file suffix of the source with its dot, or empty.
        offset: place of index 0 on each axis in units, within the range of float32; empty for 0 on every axis.
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
    offset: list[float] = []


class ModelHeader(msgspec.Struct, array_like=True, frozen=True, kw_only=True):
    """The network; the rooms that build it know the names of models, activations and encodings.

    Attributes:
        name: model, for example "partitioned".
        activation: activation of the hidden layers.
        hidden_features: width of a hidden layer, 1 to 65536.
        hidden_layers: hidden-to-hidden layers, 0 to 64.
        first_omega_0: factor of the first activation, above 0 and below 1e6.
        hidden_omega_0: factor of the other activations, above 0 and below 1e6.
        scale_0: envelope factor of `wire`, above 0 and below 1e6.
        encoding: what the first layer sees.
        bands: frequencies per axis of `harmonic`, 1 to 512.
        features: frequencies of `rff` and `geometric`, 1 to 65536.
        sigma: standard deviation of the `rff` frequencies in periods per unit coordinate, or ratio of the highest to
            the lowest frequency of `geometric`, above 0 and below 1e6.
        output: activation of the output.
        frame: coordinates the network sees, "global" or "local".
        trunk_features: width of the shared trunk, 1 to 65536; 0 for models without one.
        trunk_frame: coordinates the trunk sees, "global" or "local".
        trunk_omega_0: factor of the trunk's first activation, above 0 and below 1e6.
        modulated: layer of `composer` whose weight each region has of its own, 0 to 65; 1 for the other models.
        levels: lattices of `feature-grid`, 1 to 7; 0 for the other models.
        feature_channels: numbers at a point of a lattice, 1 to 64.
        lattice: points of the finest lattice on each axis, at most 2^26 features in all; empty for the other models.
        extent: coordinate of the last points on each axis, 2^-20 to 2^20; empty for 1 on every axis.
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
    trunk_features: int = 0
    trunk_frame: str = "global"
    trunk_omega_0: float = 1.0
    modulated: int = 1
    levels: int = 0
    feature_channels: int = 1
    lattice: tuple[int, ...] = ()
    extent: tuple[float, ...] = ()


BEFORE_GRIDS = len(ModelHeader.__struct_fields__) - 4
"""Fields that are stored of a model without a feature grid, as files were before there was one."""


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
        span: coordinate of the ends of the first signal, 1e-3 to 1e3; whole numbers as integers.
    """

    centre: list[float]
    half: list[float]
    span: int | float = 1


class CodingHeader(msgspec.Struct, array_like=True, frozen=True, kw_only=True):
    """How quantised weights are coded; see `models.coding.Coding`.

    Attributes:
        exponents: of the step of each coded stack, step = 2^(exponent / 32), in the order in which a file keeps them:
            those that all regions share first. -2048 to 2048.
        tables: runs of each table; 1 to 64 tables of 2 to 512 numbers from 1 to 65535.
        choice: frequency of each table, adding up to 65536; empty with one table.
        contexts: of each coded stack, as `models.coding.Coding` has it, with nothing for those that are coded one by one;
            empty where all are.
    """

    exponents: list[int]
    tables: list[list[int]]
    choice: list[int] = []
    contexts: list[list[int]] = []


class Header(msgspec.Struct, array_like=True, frozen=True, kw_only=True):
    """All that is needed to build the network and to write its samples back as they came.

    Attributes:
        signal, model, partition, frame: see their types.
        weights: type of the stored weights, "float32", "float16", "quantised" or "contextual": quantised with contexts.
        tile: points of a decode tile, 1 to 16384, and at most 2^27 over the values of the widest layer.
        seed: seed of the fit, 0 to 2^63 - 1.
        steps: optimiser steps of the fit, 0 to 2^63 - 1.
        psnr: dB of the decoded file against its source; infinity where they are equal, None where unknown.
        writer: name and version of the program that wrote the file, for example "inrfit 0.1.0".
        init: SHA-256, in hex, of the init that the weights follow from together with what regions keep; empty where
            the file keeps the weights.
        coding: how quantised weights are coded; None for the other types.
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
    init: str = ""
    coding: CodingHeader | None = None

    @property
    def weight_type(self) -> str:
        """Type of the weights, whichever way integers are coded."""
        return "quantised" if self.weights == CONTEXTUAL else self.weights


class Index(msgspec.Struct, array_like=True, frozen=True, kw_only=True):
    """The regions in the file, one entry per region in every list that is not empty.

    Attributes:
        ids: region ids, increasing; row-major cell numbers of the whole grid, or labels below 2^31.
        lengths: payload bytes of each PART. Set by `container.write`.
        boxes: for labels, half-open index ranges y0, y1, x0, x1 inside the domain. Empty for a grid.
        areas: for labels, samples of each region. Empty for a grid.
        mse: mean squared error of the decoded samples on the [-1, 1] scale; empty where unknown. A file rounds it as
            `mse.rounded` does.
        ancillary: bytes of all ancillary chunks together, so that the place of every PART is known from
            here. Set by `container.write`.
        sums: what binds the pieces of the file to their places: one for what lies before the first region, see
            `container.bound`, then one for each region, the `container.sum_of` the checksum behind its weights. Empty
            where they are not kept, as before version 1.2. Set by `container.write`.
    """

    ids: list[int]
    lengths: list[int] = []
    boxes: list[list[int]] = []
    areas: list[int] = []
    mse: list[float] = []
    ancillary: int = 0
    sums: list[int] = []


Stored = TypeVar("Stored", Header, StoredIndex)


def encode(value: Header | Index) -> bytes:
    """Return the MessagePack bytes of a header or index.

    Raises:
        ContainerError: a field holds something MessagePack cannot, for example a NumPy number, or an index is empty.
    """
    if isinstance(value, Index):
        held = [*msgspec.structs.astuple(stored(msgspec.structs.asdict(value)))]
        if not value.sums:
            held = held[:-1]
    else:
        held = whole(value)
        if not value.model.levels:  # fields at the end that hold nothing are left out
            held[1] = held[1][:BEFORE_GRIDS]
        if value.coding is None:
            held = held[:-1] if value.init else held[:-2]
        elif not value.coding.contexts:
            held[-1] = held[-1][:-1]
    try:
        return msgspec.msgpack.encode(held)
    except (TypeError, ValueError, OverflowError) as error:
        raise ContainerError(f"{type(value).__name__.lower()} cannot be stored: {error}") from error


def decode_header(payload: bytes) -> Header:
    """Return the header in `payload`, every field within its limits.

    Raises:
        ContainerError: the bytes are no header, or a field is out of its limits.
    """
    header = _decode(payload, Header)
    check_header(header)
    return header


def decode_index(payload: bytes, header: Header) -> Index:
    """Return the index in `payload`, every field within its limits and in agreement with the header.

    Raises:
        ContainerError: the bytes are no index, or a field is out of its limits.
    """
    index = Index(**restored(_decode(payload, StoredIndex)))
    check_index(index, header)
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
        name = "header" if kind is Header else "index"
        raise ContainerError(f"{name} is not in the form of this format: {error}") from error
