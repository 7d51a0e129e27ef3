"""The typed header and index: what they accept, what they refuse, and how they grow."""

from __future__ import annotations

import math
import re
import struct
from typing import Any

import msgspec
import pytest
from make.data import image_header, model_header

from inrfit import signal as signals
from inrfit.codec import header as h
from inrfit.codec import limits, wire
from inrfit.errors import ContainerError
from inrfit.partitions import labels
from inrfit.registry import names


def make_header(kind: str = "grid") -> h.Header:
    grid = kind == "grid"
    return h.Header(
        signal=image_header((5, 7), (-2, 3)),
        model=model_header(12, 2),
        partition=h.PartitionHeader(
            kind=kind, edges=[[-2, 1, 3], [3, 7, 10]] if grid else [], nominal=[2.5, 3.5] if grid else []
        ),
        frame=h.FrameHeader(centre=[0.0, 6.0], half=[2.5, 3.5]),
        weights="float16",
        tile=256,
        seed=7,
        steps=1000,
        psnr=31.25,
        writer="inrfit 0.1.0",
    )


def make_quantised() -> h.Header:
    coding = h.CodingHeader(exponents=[-200, 0, 7], tables=[[1, 60000], [3, 9000, 2, 1]], choice=[65535, 1])
    return msgspec.structs.replace(make_header(), weights="quantised", coding=coding)


GRID_INDEX = h.Index(ids=[0, 3], lengths=[10, 20], mse=[0.5, 0.25])
LABEL_INDEX = h.Index(
    ids=[4, 9],
    lengths=[10, 20],
    boxes=[[-2, 3, 3, 10], [0, 1, 4, 6]],
    areas=[33, 2],
)


def changed(value: msgspec.Struct, path: str, new: Any) -> Any:
    """Return a copy of a structure with the field at `path` replaced."""
    first, _, rest = path.partition(".")
    inner = changed(getattr(value, first), rest, new) if rest else new
    return msgspec.structs.replace(value, **{first: inner})


@pytest.mark.parametrize("kind", ["grid", "labels"])
@pytest.mark.parametrize("psnr", [31.25, None, math.inf])
def test_header_and_index_come_back_as_they_were(kind: str, psnr: float | None) -> None:
    header = changed(make_header(kind), "psnr", psnr)
    index = GRID_INDEX if kind == "grid" else LABEL_INDEX
    read = wire.decode_header(wire.encode(header))
    assert read == header
    assert wire.decode_index(wire.encode(index), read) == index
    wire.validate(header, index)


def test_a_header_without_an_init_is_that_of_older_files() -> None:
    plain, named = make_header(), changed(make_header(), "init", "0a" * 32)
    assert wire.encode(plain)[0] == 0x9A
    assert wire.encode(named)[0] == 0x9B
    assert wire.decode_header(wire.encode(named)) == named
    assert wire.decode_header(wire.encode(plain)).init == ""


@pytest.mark.parametrize("init", ["", "0a" * 32])
def test_a_header_of_quantised_weights_comes_back(init: str) -> None:
    header = changed(make_quantised(), "init", init)
    assert wire.decode_header(wire.encode(header)) == header
    alone = changed(changed(header, "coding.tables", [[1, 65535]]), "coding.choice", [])
    assert wire.decode_header(wire.encode(alone)) == alone
    plain = msgspec.msgpack.decode(wire.encode(alone))
    plain[11].pop()  # choice has a default
    assert wire.decode_header(msgspec.msgpack.encode(plain)) == alone


@pytest.mark.parametrize(
    ("path", "value", "word"),
    [
        ("weights", "float16", "coding"),
        ("coding", None, "coding"),
        ("coding.exponents", [2049, 0, 0], "exponents"),
        ("coding.exponents", [-2049, 0, 0], "exponents"),
        ("coding.exponents", [0] * 4097, "exponents"),
        ("coding.tables", [], "tables"),
        ("coding.tables", [[1, 2]] * 65, "tables"),
        ("coding.tables", [[1], [1, 2]], "numbers of a table"),
        ("coding.tables", [[1, 1] * 257, [1, 2]], "numbers of a table"),
        ("coding.tables", [[0, 5], [1, 2]], "tables"),
        ("coding.tables", [[1, -5], [1, 2]], "tables"),
        ("coding.tables", [[1, 65536], [1, 2]], "tables"),
        ("coding.choice", [], "choice"),
        ("coding.choice", [1, 65534, 1], "choice"),
        ("coding.choice", [0, 65535], "choice"),
        ("coding.choice", [65536, 1], "choice"),
        ("coding.contexts", [[0, 1], [], []], "contexts"),
        ("weights", "contextual", "contexts"),
    ],
)
def test_a_coding_out_of_limits_is_refused_by_name(path: str, value: Any, word: str) -> None:
    with pytest.raises(ContainerError, match=r"(is|allowed)") as caught:
        wire.decode_header(wire.encode(changed(make_quantised(), path, value)))
    assert word in caught.value.message


@pytest.mark.parametrize(
    ("contexts", "word"),
    [
        ([[0, 1], []], "contexts"),
        ([[0], [], []], "numbers of a context"),
        ([[0, *[1] * 17], [], []], "numbers of a context"),
        ([[-1, 1], [], []], "shares of contexts"),
        ([[5, 1], [], []], "shares of contexts"),
        ([[4, -1], [], []], "tables of contexts"),
        ([[4, 0, 2], [], []], "tables of contexts"),
    ],
)
def test_contexts_out_of_limits_are_refused_by_name(contexts: list[list[int]], word: str) -> None:
    header = changed(make_quantised(), "weights", "contextual")
    good = changed(header, "coding.contexts", [[4, 0, 1], [], [0, *[1] * 16]])
    assert wire.decode_header(wire.encode(good)) == good
    assert good.weight_type == "quantised"
    with pytest.raises(ContainerError, match=r"(is|allowed)") as caught:
        wire.decode_header(wire.encode(changed(header, "coding.contexts", contexts)))
    assert word in caught.value.message


def test_header_is_small() -> None:
    assert len(wire.encode(make_header())) < 215


@pytest.mark.parametrize(
    ("path", "value", "word"),
    [
        ("signal.shape", [], "number of axes"),
        ("signal.shape", [1] * 9, "number of axes"),
        ("signal.shape", [5], "signal.axes"),
        ("signal.shape", [0, 7], "signal.shape"),
        ("signal.shape", [2**31 + 1, 1], "signal.shape"),
        ("signal.shape", [2**31, 2**31], "number of samples"),
        ("signal.kind", "", "signal.kind"),
        ("signal.kind", "x" * 65, "signal.kind"),
        ("signal.kind", "\x1b[31m", "signal.kind"),
        ("signal.axes", ["y", "y"], "signal.axes"),
        ("signal.axes", ["y", "x", "z"], "signal.axes"),
        ("signal.units", ["px"], "signal.units"),
        ("signal.spacing", [1.0, 0.0], "signal.spacing"),
        ("signal.spacing", [1.0, math.nan], "signal.spacing"),
        ("signal.spacing", [math.inf, 1.0], "signal.spacing"),
        ("signal.origin", [2**40 + 1, 0], "signal.origin"),
        ("signal.channels", 0, "signal.channels"),
        ("signal.channels", 4097, "signal.channels"),
        ("signal.channels", 4, "3 for rgb"),
        ("signal.dtype", "float64", "signal.dtype"),
        ("signal.value_low", 255.0, "value_high"),
        ("signal.value_low", -1.0, "value_low"),
        ("signal.value_high", 256.0, "value_high"),
        ("signal.value_high", math.nan, "value_high"),
        ("signal.colour", "purple", "signal.colour"),
        ("signal.suffix", "/../../etc/passwd", "signal.suffix"),
        ("signal.suffix", ".png\n", "signal.suffix"),
        ("signal.suffix", "." + "a" * 64, "signal.suffix"),
        ("model.name", "", "model.name"),
        ("model.activation", "a\nb", "model.activation"),
        ("model.encoding", "", "model.encoding"),
        ("model.hidden_features", 0, "model.hidden_features"),
        ("model.hidden_features", 65537, "model.hidden_features"),
        ("model.hidden_layers", -1, "model.hidden_layers"),
        ("model.hidden_layers", 65, "model.hidden_layers"),
        ("model.first_omega_0", math.nan, "model.first_omega_0"),
        ("model.hidden_omega_0", -1.0, "model.hidden_omega_0"),
        ("model.scale_0", math.inf, "model.scale_0"),
        ("model.first_omega_0", 0.0, "model.first_omega_0"),
        ("model.hidden_omega_0", 1e6, "model.hidden_omega_0"),
        ("model.sigma", 2e6, "model.sigma"),
        ("model.bands", 513, "model.bands"),
        ("model.bands", 0, "model.bands"),
        ("model.features", 65537, "model.features"),
        ("model.features", 0, "model.features"),
        ("model.output", "", "model.output"),
        ("model.frame", "outer", "model.frame"),
        ("partition.kind", "voronoi", "partition.kind"),
        ("partition.kind", "labels", "partition.edges"),
        ("partition.edges", [[-2, 3]], "partition.edges"),
        ("partition.edges", [[-2, 3], [10]], "partition.edges[1]"),
        ("partition.edges", [[-2, 1, 1, 3], [3, 10]], "partition.edges[0]"),
        ("partition.edges", [[-1, 3], [3, 10]], "partition.edges[0]"),
        ("partition.edges", [[-2, 2], [3, 10]], "partition.edges[0]"),
        ("partition.edges", [[-(2**42), 3], [3, 10]], "partition.edges[0]"),
        ("partition.nominal", [2.5], "partition.nominal"),
        ("partition.nominal", [0.0, 2.5], "partition.nominal"),
        ("frame.centre", [0.0], "frame.centre"),
        ("frame.centre", [0.0, math.nan], "frame.centre"),
        ("frame.half", [0.0, 1.0], "frame.half"),
        ("frame.half", [1.0, 1.0, 1.0], "frame.half"),
        ("weights", "int8", "weights"),
        ("tile", 0, "tile"),
        ("tile", 16385, "tile"),
        ("seed", -1, "seed"),
        ("seed", 2**63, "seed"),
        ("steps", 2**63, "steps"),
        ("psnr", math.nan, "psnr"),
        ("psnr", -math.inf, "psnr"),
        ("init", "0123", "init"),
        ("init", "G" * 64, "init"),
        ("writer", "", "writer"),
    ],
)
def test_header_out_of_limits_is_refused_by_name(path: str, value: Any, word: str) -> None:
    with pytest.raises(ContainerError, match=r"(is|allowed)") as caught:
        wire.decode_header(wire.encode(changed(make_header(), path, value)))
    assert word in caught.value.message


@pytest.mark.parametrize(
    ("kind", "path", "value", "word"),
    [
        ("grid", "ids", [], "number of regions"),
        ("grid", "lengths", [], "lengths"),
        ("grid", "ids", [3, 0], "ids"),
        ("grid", "ids", [0, 0], "ids"),
        ("grid", "ids", [-1, 3], "ids"),
        ("grid", "ids", [0, 4], "cells below 4"),
        ("grid", "ids", [0, 1, 2], "lengths"),
        ("grid", "lengths", [10], "lengths"),
        ("grid", "lengths", [10, 2**32], "lengths"),
        ("grid", "lengths", [10, -1], "lengths"),
        ("grid", "mse", [0.5], "mse"),
        ("grid", "mse", [0.5, math.nan], "mse"),
        ("grid", "mse", [0.5, -0.1], "mse"),
        ("grid", "boxes", [[0, 1, 3, 4], [0, 1, 3, 4]], "boxes"),
        ("grid", "areas", [1, 1], "areas"),
        ("grid", "ancillary", -1, "ancillary"),
        ("labels", "ids", [4, 2**31], "ids"),
        ("labels", "boxes", [[-2, 3, 3, 10]], "boxes"),
        ("labels", "boxes", [[-2, 3, 3, 10], [0, 1]], "boxes"),
        ("labels", "boxes", [[-2, 3, 3, 10], [0, 0, 4, 6]], "boxes"),
        ("labels", "boxes", [[-2, 3, 3, 11], [0, 1, 4, 6]], "boxes"),
        ("labels", "boxes", [[-3, 3, 3, 10], [0, 1, 4, 6]], "boxes"),
        ("labels", "areas", [33, 3], "areas"),
        ("labels", "areas", [33, 0], "areas"),
        ("labels", "areas", [34, 2], "sum of areas"),
        ("labels", "areas", [], "areas"),
    ],
)
def test_index_out_of_limits_is_refused_by_name(kind: str, path: str, value: Any, word: str) -> None:
    index = GRID_INDEX if kind == "grid" else LABEL_INDEX
    with pytest.raises(ContainerError) as caught:
        wire.decode_index(wire.encode(changed(index, path, value)), make_header(kind))
    assert word in caught.value.message


def test_cells_of_a_cropped_grid_must_lie_inside_the_domain() -> None:
    cropped = changed(changed(make_header(), "signal.shape", [2, 3]), "signal.origin", [1, 7])
    wire.validate(cropped, h.Index(ids=[3], lengths=[20]))
    for outside in (0, 1, 2):
        with pytest.raises(ContainerError, match="cells inside the domain"):
            wire.validate(cropped, h.Index(ids=[outside], lengths=[20]))


def test_an_image_has_two_axes() -> None:
    signal = changed(make_header().signal, "shape", [5])
    for field in ("axes", "units", "spacing", "origin"):
        signal = changed(signal, field, getattr(signal, field)[:1])
    with pytest.raises(ContainerError, match="number of axes is 1"):
        wire.decode_header(wire.encode(changed(make_header(), "signal", signal)))


@pytest.mark.parametrize(
    "fields",
    [
        {"tile": 16384, "model.hidden_features": 4097},
        {"tile": 1025, "model.encoding": "rff", "model.features": 65536},
        {"tile": 16384, "model.encoding": "harmonic", "model.bands": 512, "model.hidden_features": 4097},
    ],
)
def test_a_tile_of_the_widest_layer_is_limited(fields: dict[str, Any]) -> None:
    header = make_header()
    for path, value in fields.items():
        header = changed(header, path, value)
    with pytest.raises(ContainerError, match="tile is"):
        wire.decode_header(wire.encode(header))
    wire.decode_header(wire.encode(changed(header, "tile", 1024)))


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("levels", 8),
        ("feature_channels", 0),
        ("feature_channels", 65),
        ("lattice", (5, 0)),
        ("lattice", (1 << 13, 1 << 14)),
        ("lattice", (1,) * 9),
        ("extent", (1.0, 0.0)),
        ("extent", (1.0, float("nan"))),
        ("extent", (1.0,) * 9),
    ],
)
def test_lattices_are_limited(field: str, value: Any) -> None:
    grid = {"levels": 2, "feature_channels": 1, "lattice": (5, 7), "extent": (0.8, 1.2)}
    header = make_header()
    for name, good in grid.items():
        header = changed(header, f"model.{name}", good)
    assert wire.decode_header(wire.encode(header)) == header
    with pytest.raises(ContainerError, match=f"model.{field}"):
        wire.decode_header(wire.encode(changed(header, f"model.{field}", value)))


def test_a_model_without_a_lattice_is_stored_as_before_there_were_any() -> None:
    plain = msgspec.msgpack.decode(wire.encode(make_header()))
    assert len(plain[1]) == h.ModelHeader.__struct_fields__.index("levels") == 17


def test_masks_are_limited_as_those_of_a_fit() -> None:
    wide = changed(make_header("labels"), "signal.shape", [2**15, 2**15])
    whole = [-2, 2**15 - 2, 3, 2**15 + 3]
    wire.validate(wide, h.Index(ids=[0], lengths=[1], boxes=[whole], areas=[7]))
    with pytest.raises(ContainerError, match="all boxes is 1073741825"):
        wire.validate(wide, h.Index(ids=[0, 1], lengths=[1, 1], boxes=[whole, [0, 1, 4, 5]], areas=[7, 1]))
    huge = changed(wide, "signal.shape", [2**15, 2**15 + 1])
    with pytest.raises(ContainerError, match="samples of the domain"):
        wire.validate(huge, h.Index(ids=[0], lengths=[1], boxes=[[0, 1, 4, 5]], areas=[1]))


def test_number_of_cells_is_limited() -> None:
    wide = changed(make_header(), "signal.shape", [2**13, 2**13])
    wide = changed(wide, "signal.origin", [0, 0])
    edges = list(range(2**13 + 1))
    with pytest.raises(ContainerError, match="number of cells"):
        wire.decode_header(wire.encode(changed(wide, "partition.edges", [edges, edges])))


def test_a_field_of_a_newer_version_is_ignored() -> None:
    header = changed(changed(make_quantised(), "init", "0a" * 32), "coding.choice", [65535, 1])
    header = changed(changed(header, "model.levels", 1), "weights", "contextual")
    header = changed(header, "coding.contexts", [[4, 1], *[[]] * (len(header.coding.exponents) - 1)])
    plain = msgspec.msgpack.decode(wire.encode(header))
    grown = [
        *([*part, "later"] if isinstance(part, list) else part for part in plain),
        {"also": ["later"]},
    ]
    assert wire.decode_header(msgspec.msgpack.encode(grown)) == header
    bound = msgspec.structs.replace(GRID_INDEX, sums=[*range(len(GRID_INDEX.ids) + 1)])
    index = [*msgspec.msgpack.decode(wire.encode(bound)), [1, 2, 3]]
    assert wire.decode_index(msgspec.msgpack.encode(index), header) == bound


def test_ids_that_count_from_0_are_left_out() -> None:
    full = changed(GRID_INDEX, "ids", [0, 1])
    assert msgspec.msgpack.decode(wire.encode(full))[0] == []
    assert msgspec.msgpack.decode(wire.encode(GRID_INDEX))[0] == [0, 3]
    assert wire.decode_index(wire.encode(full), make_header()) == full
    assert wire.decode_index(msgspec.msgpack.encode([[], [5]]), make_header()).ids == [0]
    with pytest.raises(ContainerError, match="cells below 4"):
        wire.decode_index(msgspec.msgpack.encode([[], [5] * 5]), make_header())
    with pytest.raises(ContainerError, match="number of regions is 0"):
        wire.decode_index(msgspec.msgpack.encode([[]]), make_header())


@pytest.mark.parametrize(
    ("size", "found"), [(1, "1 bytes"), (2, "1, allowed: 2"), (3, "3 bytes"), (6, "3, allowed")]
)
def test_errors_of_more_or_fewer_regions_are_refused(size: int, found: str) -> None:
    payload = msgspec.msgpack.encode([[0, 3], [10, 20], [], [], bytes(size)])
    with pytest.raises(ContainerError, match=f"length of mse is {found}"):
        wire.decode_index(payload, make_header())


def test_an_index_may_end_before_fields_with_defaults() -> None:
    index = wire.decode_index(msgspec.msgpack.encode([[0], [5]]), make_header())
    assert index == h.Index(ids=[0], lengths=[5])


@pytest.mark.parametrize(
    "payload",
    [
        b"",
        b"\xc0",
        b"\x80",
        b"\x9a",
        b"\xdd\xff\xff\xff\xff",
        b"\xdf\xff\xff\xff\xff",
        b"\x9a" + b"\x91" * 100_000,
        b"\x9a\x9c\xa2\xff\xfe",
        b"\x9a\x9c\xdb\xff\xff\xff\xff",
    ],
)
def test_bytes_that_are_no_header_are_refused(payload: bytes) -> None:
    with pytest.raises(ContainerError, match="header is not in the form of this format"):
        wire.decode_header(payload)


def test_deep_nesting_in_an_unknown_field_is_refused() -> None:
    plain = wire.encode(changed(make_quantised(), "init", "0a" * 32))
    deep = bytes([plain[0] + 1]) + plain[1:] + b"\x91" * 100_000 + b"\xc0"
    with pytest.raises(ContainerError, match="recursion"):
        wire.decode_header(deep)


def test_whole_numbers_stand_for_floats() -> None:
    plain = msgspec.msgpack.decode(wire.encode(make_header()))
    plain[3] = [[0, 6], [2**64 - 1, 1]]
    with pytest.raises(ContainerError, match=r"frame\.half"):
        wire.decode_header(msgspec.msgpack.encode(plain))
    plain[3] = [[0, 6], [2, 1]]
    assert wire.decode_header(msgspec.msgpack.encode(plain)).frame.half == [2.0, 1.0]


def test_floats_that_are_whole_numbers_are_written_as_integers() -> None:
    header = changed(changed(make_header(), "psnr", 30.0), "frame.centre", [-0.0, 6.0])
    plain = msgspec.msgpack.decode(wire.encode(header))
    assert [type(plain[8]), *map(type, plain[3][0]), *map(type, plain[3][1])] == [
        int,
        float,
        int,
        float,
        float,
    ]
    assert [type(value) for value in plain[0][8:10]] == [int, int]
    for psnr, kind in ((2.0**53 - 1, int), (2.0**53, float), (math.inf, float), (-0.0, float)):
        large = changed(header, "psnr", psnr)
        assert type(msgspec.msgpack.decode(wire.encode(large))[8]) is kind
        assert wire.decode_header(wire.encode(large)) == large
    read = wire.decode_header(wire.encode(header))
    assert math.copysign(1, read.frame.centre[0]) == -1
    assert (read, type(read.psnr), type(read.signal.value_high)) == (header, float, float)


def test_single_precision_floats_are_read() -> None:
    single, double = b"\xca" + struct.pack(">f", 31.25), b"\xcb" + struct.pack(">d", 31.25)
    payload = wire.encode(make_header())
    assert payload.count(double) == 1
    assert wire.decode_header(payload.replace(double, single)).psnr == 31.25


@pytest.mark.parametrize(("path", "value"), [("tile", 2**64), ("writer", "\ud800"), ("writer", object())])
def test_values_messagepack_cannot_hold_are_refused(path: str, value: Any) -> None:
    with pytest.raises(ContainerError, match="header cannot be stored"):
        wire.encode(changed(make_header(), path, value))


def test_known_names_are_those_of_the_house() -> None:
    assert tuple(limits.RANGES) == signals.DTYPES
    for name, (low, high) in signals.INTEGER_RANGES.items():
        signed = name.startswith("int")  # a range about 0 reaches one beyond the type
        assert limits.RANGES[name] == (low, -low if signed else high)
    assert set(signals.SIGNED) <= set(limits.COLOURS)
    assert limits.MAX_BOXES == labels.MAX_BOXES
    for output in names("output"):
        wire.decode_header(wire.encode(changed(make_header(), "model.output", output)))


def test_distances_swing_about_0_and_waveforms_may_have_an_offset() -> None:
    header = changed(changed(make_header(), "signal.channels", 1), "signal.dtype", "float32")
    header = changed(changed(header, "signal.colour", "waveform"), "signal.value_high", 2.5)
    assert wire.decode_header(wire.encode(changed(header, "signal.value_low", 2.0))).signal.value_low == 2.0
    header = changed(header, "signal.colour", "distance")
    for low in (-2.0, 0.0):
        with pytest.raises(ContainerError, match=r"signal.value_low is .*, allowed: -value_high"):
            wire.decode_header(wire.encode(changed(header, "signal.value_low", low)))
    read = wire.decode_header(wire.encode(changed(header, "signal.value_low", -2.5)))
    assert read.signal.value_low == -2.5


@pytest.mark.parametrize(
    ("kind", "path", "value", "word"),
    [
        ("audio", "signal.kind", "audio", "number of axes is 2, allowed: 1 for kind audio"),
        ("video", "signal.kind", "video", "number of axes is 2, allowed: 3 for kind video"),
        ("volume", "signal.kind", "volume", "number of axes is 2, allowed: 3 for kind volume"),
        ("shape", "signal.kind", "shape", "number of axes is 2, allowed: 3 for kind shape"),
        ("audio", "signal.units", ["px"], "unit of the first axis of kind audio is 'px', allowed: s"),
        ("audio", "signal.dtype", "uint8", "signal.dtype of kind audio is 'uint8', allowed: int16"),
    ],
)
def test_kinds_have_their_axes_units_and_types(kind: str, path: str, value: Any, word: str) -> None:
    header = make_header()
    if path != "signal.kind":
        header = changed(
            msgspec.structs.replace(
                header,
                signal=h.SignalHeader(
                    kind=kind,
                    shape=[7],
                    axes=["t"],
                    units=["s"],
                    spacing=[0.1],
                    origin=[0],
                    channels=1,
                    dtype="int16",
                    value_low=0.0,
                    value_high=255.0,
                    colour="channels",
                    suffix=".wav",
                ),
                partition=h.PartitionHeader(kind="grid", edges=[[0, 7]], nominal=[7.0]),
                frame=h.FrameHeader(centre=[3.0], half=[3.5]),
            ),
            "seed",
            1,
        )
        limits.check_header(header)
    with pytest.raises(ContainerError, match=re.escape(word)):
        limits.check_header(changed(header, path, value))
