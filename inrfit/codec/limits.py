"""The limits of each field of a header and an index, and the checks that they hold; the types are in `header`.

`docs/format.md` states the same limits.
"""

from __future__ import annotations

import math
import re
import reprlib
from collections.abc import Collection, Iterable, Sequence
from itertools import pairwise
from typing import Any

from inrfit.codec.header import (
    CONTEXTUAL,
    MAX_AXES,
    FrameHeader,
    Header,
    Index,
    ModelHeader,
    PartitionHeader,
    SignalHeader,
)
from inrfit.errors import ContainerError
from inrfit.models.config import MAX_LATTICE, ModelConfig
from inrfit.words import Word, words_of

MAX_AXIS = 1 << 31
MAX_SAMPLES = 1 << 40
MAX_ORIGIN = 1 << 40
MAX_CHANNELS = 4096
MAX_REGIONS = 1 << 24
MAX_LABELS = 1 << 20
"""Most regions of a label map: a box in the index costs about 30 times its bytes in memory."""
MAX_LABEL_ID = 1 << 31
MAX_TILE = 16384
MAX_TILE_VALUES = 1 << 27
"""Values of the widest layer of a tile: 1024 points of the widest network that can be asked for."""
MAX_BOXES = 1 << 30
"""Samples in the domain of a label map, and in all its boxes together: masks are held as one byte per sample."""
MAX_COUNT = 1 << 63
MAX_CHUNK = 1 << 32
MAX_TEXT = 64
MAX_FLOAT32 = 3.4028234663852886e38
SIZES = (2.0**-20, 2.0**40)
"""Sizes of frames and cells that make sense, in samples."""
SPACINGS = (1e-30, 1e30)
EXTENTS = (2.0**-20, 2.0**20)
"""Coordinates of the ends of a lattice in a region's own frame that make sense."""

RANGES = {
    "uint8": (0.0, 255.0),
    "uint16": (0.0, 65535.0),
    "int16": (-32768.0, 32768.0),
    "int32": (-2147483648.0, 2147483648.0),
    "float32": (-MAX_FLOAT32, MAX_FLOAT32),
}
"""Sample types, and the values their value range may span."""

COLOURS = {
    "grey": 1,
    "grey-alpha": 2,
    "rgb": 3,
    "rgb-alpha": 4,
    "channels": None,
    "waveform": None,
    "distance": 1,
    "occupancy": 1,
}
"""Meanings of the channels, and how many there must be; None for any number."""

KINDS: dict[str, tuple[int, Collection[str], Collection[str]]] = {
    "image": (2, (), ()),
    "audio": (1, ("s",), ("int16", "int32", "float32")),
    "video": (3, ("s",), ("uint8", "uint16", "float32")),
    "volume": (3, (), ()),
    "shape": (3, (), ("uint8", "float32")),
}
"""Kinds of signals, how many axes they have, the unit of the first, and their sample types; empty for any."""

MAX_STACKS, MAX_EXPONENT = 4096, 2048
"""Most coded stacks, and the largest exponent of a step, in 32nds of an octave."""

MAX_TABLES, MAX_RUNS, MAX_FREQUENCY = 64, 512, (1 << 16) - 1
"""Most entropy tables, numbers in one, and frequency."""

MAX_SHARE, MAX_CONTEXTS = 4, 16
"""Most quarters of the neighbours' mean that are expected, and contexts; see `context`."""

FRAMES = ("global", "local")
PARTITIONS = ("grid", "labels")
WEIGHTS = ("float32", "float16", "quantised", CONTEXTUAL)


def check_header(header: Header) -> None:
    """Check every field of a header.

    Raises:
        ContainerError: a field is out of its limits.
    """
    _check_signal(header.signal)
    _check_model(header.model)
    _check_partition(header.partition, header.signal)
    _check_frame(header.frame, len(header.signal.shape))
    _one_of("weights", header.weights, WEIGHTS)
    _between("tile", [header.tile], 1, MAX_TILE)
    width = _widest(header)
    _require(
        header.tile * width <= MAX_TILE_VALUES, "tile", header.tile, f"at most {MAX_TILE_VALUES // width}"
    )
    _between("seed", [header.seed], 0, MAX_COUNT - 1)
    _between("steps", [header.steps], 0, MAX_COUNT - 1)
    psnr = header.psnr
    _require(psnr is None or psnr > -math.inf, "psnr", psnr, "nil, or dB that are not NaN or -infinity")
    _text("writer", header.writer)
    good = not header.init or re.fullmatch("[0-9a-f]{64}", header.init)
    _require(bool(good), "init", header.init, "a SHA-256 as 64 hex digits, or empty")
    _check_coding(header)


def _check_coding(header: Header) -> None:
    """Check how quantised weights are coded; whether tables add up is known where they are used."""
    coding = header.coding
    wanted = header.weights in ("quantised", CONTEXTUAL)
    _require(
        (coding is not None) == wanted,
        "coding",
        coding,
        f"given for quantised weights, not for {header.weights}"
        if not wanted
        else "given for quantised weights",
    )
    if coding is None:
        return
    _require(len(coding.exponents) <= MAX_STACKS, "exponents", len(coding.exponents), f"at most {MAX_STACKS}")
    _between("exponents", coding.exponents, -MAX_EXPONENT, MAX_EXPONENT)
    _require(1 <= len(coding.tables) <= MAX_TABLES, "tables", len(coding.tables), f"1 to {MAX_TABLES}")
    for runs in coding.tables:
        _require(2 <= len(runs) <= MAX_RUNS, "numbers of a table", len(runs), f"2 to {MAX_RUNS}")
        _between("tables", runs, 1, MAX_FREQUENCY)
    _length("choice", coding.choice, len(coding.tables) if len(coding.tables) > 1 else 0)
    _between("choice", coding.choice, 1, MAX_FREQUENCY)
    _length("contexts", coding.contexts, len(coding.exponents) if header.weights == CONTEXTUAL else 0)
    for one in filter(None, coding.contexts):
        _require(
            2 <= len(one) <= MAX_CONTEXTS + 1, "numbers of a context", len(one), f"2 to {MAX_CONTEXTS + 1}"
        )
        _between("shares of contexts", one[:1], 0, MAX_SHARE)
        _between("tables of contexts", one[1:], 0, len(coding.tables) - 1)


def check_index(index: Index, header: Header) -> None:
    """Check every field of an index, and that it agrees with its header.

    Raises:
        ContainerError: a field is out of its limits.
    """
    count = len(index.ids)
    _require(1 <= count <= MAX_REGIONS, "number of regions", count, f"1 to {MAX_REGIONS}")
    _increasing("ids", index.ids)
    _between("ids", index.ids, 0, MAX_LABEL_ID - 1)
    _length("lengths", index.lengths, count)
    _between("lengths", index.lengths, 0, MAX_CHUNK - 1)
    _length("mse", index.mse, count if index.mse else 0)
    _between("mse", index.mse, 0, MAX_FLOAT32)
    _between("ancillary", [index.ancillary], 0, MAX_COUNT - 1)
    _length("sums", index.sums, count + 1 if index.sums else 0)
    labels = header.partition.kind == "labels"
    _length("boxes", index.boxes, count if labels else 0)
    _length("areas", index.areas, count if labels else 0)
    if labels:
        _check_boxes(index, header.signal)
    else:
        _check_cells(index.ids, header)


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
    _length("signal.offset", signal.offset, axes if signal.offset else 0)
    _between("signal.offset", signal.offset, -MAX_FLOAT32, MAX_FLOAT32)
    _between("signal.channels", [signal.channels], 1, MAX_CHANNELS)
    for text in (signal.kind, *signal.axes, *signal.units):
        _text("signal.kind, axes or units", text)
    _require(len(set(signal.axes)) == axes, "signal.axes", signal.axes, "names that differ")
    _one_of("signal.dtype", signal.dtype, RANGES)
    _between("signal.value_low and value_high", [signal.value_low, signal.value_high], *RANGES[signal.dtype])
    _increasing("signal.value_low and value_high", [signal.value_low, signal.value_high])
    _one_of("signal.colour", signal.colour, COLOURS)
    if signal.colour == "distance":
        _require(signal.value_low == -signal.value_high, "signal.value_low", signal.value_low, "-value_high")
    wanted = COLOURS[signal.colour] or signal.channels
    _require(signal.channels == wanted, "signal.channels", signal.channels, f"{wanted} for {signal.colour}")
    if signal.kind in KINDS:
        _check_kind(signal, *KINDS[signal.kind])
    plain = len(signal.suffix) <= MAX_TEXT and re.fullmatch(r"(\.[A-Za-z0-9]+)?", signal.suffix)
    _require(bool(plain), "signal.suffix", signal.suffix, "a dot with letters and digits, or empty")


def _check_kind(signal: SignalHeader, axes: int, units: Collection[str], types: Collection[str]) -> None:
    """Check that a signal of a known kind has the form that programs which show or write it rely on."""
    kind, found = signal.kind, len(signal.shape)
    _require(found == axes, "number of axes", found, f"{axes} for kind {kind}")
    if units:
        _one_of(f"unit of the first axis of kind {kind}", signal.units[0], units)
    if types:
        _one_of(f"signal.dtype of kind {kind}", signal.dtype, types)


def _check_model(model: ModelHeader) -> None:
    _text("model.name", model.name)
    _text("model.activation", model.activation)
    _text("model.encoding", model.encoding)
    _text("model.output", model.output)
    for field in ("frame", "trunk_frame"):
        _one_of(f"model.{field}", getattr(model, field), FRAMES)
    for one in words_of(ModelConfig).values():  # what may be stored is what may be said
        if hasattr(model, one.field):
            _in_bounds(f"model.{one.field}", getattr(model, one.field), one.word)
    _between("model.lattice", model.lattice, 1, MAX_LATTICE)
    _between("model.extent", model.extent, *EXTENTS)
    for field in ("lattice", "extent"):
        count = len(getattr(model, field))
        _require(count <= MAX_AXES, f"length of model.{field}", count, f"at most {MAX_AXES}")
    features = model.feature_channels * math.prod(model.lattice)
    _require(features <= MAX_LATTICE, "model.lattice", model.lattice, f"at most {MAX_LATTICE} features")


def _in_bounds(field: str, value: Any, word: Word) -> None:
    """Check a number against the bounds of the word that it is the value of."""
    if word.above is not None and word.below is not None:
        good = word.above < value < word.below
        _require(good, field, value, f"above {word.above:g} and below {word.below:g}")
    elif word.least is not None and word.most is not None:
        _between(field, [value], word.least if word.blank is None else word.blank, word.most)


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
    _between("frame.span", [frame.span], 1e-3, 1e3)


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
    total = 0
    for box, area in zip(index.boxes, index.areas, strict=True):
        _length("boxes", box, 2 * len(signal.shape))
        volume = 1
        for first, last, start, size in zip(box[::2], box[1::2], signal.origin, signal.shape, strict=True):
            _require(start <= first < last <= start + size, "boxes", box, "boxes inside the domain")
            volume *= last - first
        _between("areas", [area], 1, volume)
        total += volume
    samples = math.prod(signal.shape)
    _between("samples of the domain and of all boxes", [samples, total], 1, MAX_BOXES)
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


def _widest(header: Header) -> int:
    """Return the most values that a layer of the network makes of one point."""
    model = header.model
    drawn = 2 * model.features
    encoded = {"harmonic": 2 * model.bands * len(header.signal.shape), "rff": drawn, "geometric": drawn}
    widest = max(model.hidden_features, model.trunk_features)
    length = encoded.get(model.encoding, 1)
    if model.levels:
        length = model.levels * model.feature_channels + (0 if model.encoding == "none" else length)
    return max(2 * widest, length, header.signal.channels)
