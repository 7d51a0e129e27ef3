"""Between fields and files: which numbers go where, and that hostile ones are refused."""

from __future__ import annotations

import zlib
from dataclasses import replace

import msgspec
import numpy as np
import pytest
from make.data import textured

import inrfit
from inrfit import api
from inrfit.codec import chunks
from inrfit.codec.container import Reader
from inrfit.codec.read import loads
from inrfit.codec.write import dumps
from inrfit.domain import image_domain
from inrfit.errors import ContainerError, InputError, OutputError
from inrfit.partitions import Partition, Region
from inrfit.partitions.labels import from_labels

OPTIONS = {"partition": "seg", "heads": 3, "steps": 2, "hidden_features": 6, "device": "cpu"}


@pytest.fixture(scope="module")
def field():
    return api.fit(textured(30, 40), **OPTIONS)


@pytest.fixture(scope="module")
def half():
    """The same with weights that are kept one after the other."""
    return api.fit(textured(30, 40), weights="float16", **OPTIONS)


def rebuilt(field, **changes):
    """Return the file of a field with some of its parts replaced."""
    with Reader(dumps(field)) as reader:
        held = {
            "header": reader.header,
            "index": reader.index,
            "shared": reader.shared,
            "ancillary": reader.ancillary,
            "parts": list(reader.parts()),
        }
    held.update(changes)
    return chunks.write(*(held[n] for n in ("header", "index", "shared", "ancillary", "parts")))


def parts(field):
    with Reader(dumps(field)) as reader:
        return list(reader.parts())


def test_segments_keep_their_masks_boxes_and_frames(field):
    back = api.load(dumps(field))
    assert back.partition.kind == "labels"
    for a, b in zip(field.partition.regions, back.partition.regions, strict=True):
        assert (a.id, a.box, a.area) == (b.id, b.box, b.area)
        assert a.nominal == pytest.approx(b.nominal, abs=0)
        assert np.array_equal(a.points(), b.points())


@pytest.mark.parametrize("kind", ["float32", "float16"])
def test_a_region_costs_its_weights(kind):
    held = api.fit(textured(16, 16), grid=(2, 2), steps=1, hidden_features=5, weights=kind, device="cpu")
    itemsize = {"float32": 4, "float16": 2}[kind]
    assert {len(part) for part in parts(held)} == {held.params // 4 * itemsize}


def test_float16_loses_little(picture):
    options = {"grid": (2, 2), "steps": 200, "hidden_features": 12, "device": "cpu"}
    half, full = (api.fit(picture, weights=w, **options) for w in ("float16", "float32"))
    assert half.psnr == pytest.approx(full.psnr, abs=0.2)


def test_weights_are_little_endian_in_stack_order(half):
    payload = parts(half)[0]
    size = int.from_bytes(payload[:4], "little")
    values = np.frombuffer(payload[4 + size :], "<f2")
    expected = np.concatenate([half.weights[s.name][0].ravel() for s in half.description.stacks])
    assert np.array_equal(values.astype(np.float32), expected)


def test_a_mask_of_another_area_is_refused(field):
    held = parts(field)
    box = field.partition.regions[0].box
    mask = zlib.compress(np.packbits(np.ones([b - a for a, b in box], bool)).tobytes())
    size = int.from_bytes(held[0][:4], "little")
    held[0] = len(mask).to_bytes(4, "little") + mask + held[0][4 + size :]
    with pytest.raises(ContainerError, match="does not cover"):
        api.load(rebuilt(field, parts=held))


@pytest.mark.parametrize(
    ("payload", "message"),
    [
        (b"", "cut off"),
        (b"\xff\xff\xff\xff", "cut off"),
        (b"\x05\0\0\0junk!", "damaged"),
        (len(zlib.compress(b"\0")).to_bytes(4, "little") + zlib.compress(b"\0"), "bytes for"),
        (len(zlib.compress(bytes(10**6))).to_bytes(4, "little") + zlib.compress(bytes(10**6)), "bytes for"),
        (b"\0\0\0\0", "samples|bytes"),
    ],
)
def test_hostile_masks_are_refused(field, payload, message):
    held = parts(field)
    held[1] = payload
    with pytest.raises(ContainerError, match=message):
        api.load(rebuilt(field, parts=held))


@pytest.mark.parametrize(
    ("second", "overlap"), [([10, 20, 0, 40], False), ([9, 19, 0, 40], True), ([0, 10, 0, 40], True)]
)
def test_regions_that_overlap_are_refused(second, overlap):
    """Two halves that fill their boxes; then the box of the second is moved over the first."""
    halves = from_labels(image_domain(20, 40), np.arange(20)[:, None].repeat(40, 1) // 10)
    plan = replace(api.plan(textured(20, 40), grid=(2, 1), steps=1, device="cpu"), partition=halves)
    field = api.run(plan)
    with Reader(dumps(field)) as reader:
        moved = msgspec.structs.replace(reader.index, boxes=[[0, 10, 0, 40], second])
    data = rebuilt(field, index=moved)
    if overlap:
        with pytest.raises(ContainerError, match="region 1 covers samples of another region"):
            api.load(data)
    else:
        assert np.array_equal(api.load(data).decode(), field.decode())


@pytest.mark.parametrize("rows", [slice(0, 10), slice(5, 15), slice(10, 20)])
def test_masks_that_overlap_are_refused(rows):
    """Two masks within one box, the first of them the upper half."""
    halves = np.stack([np.arange(20)[:, None].repeat(40, 1) < 10, np.zeros((20, 40), bool)])
    halves[1, rows] = True
    regions = tuple(
        Region(id=n, box=((0, 20), (0, 40)), nominal=(20.0, 20.0), mask=m) for n, m in enumerate(halves)
    )
    field = api.fit(textured(20, 40), grid=(2, 1), steps=1, device="cpu")
    part = Partition(domain=image_domain(20, 40), regions=regions, kind="labels")
    data = dumps(replace(field, partition=part))
    if rows.start < 10:
        with pytest.raises(ContainerError, match="covers samples of another region"):
            api.load(data)
    else:
        assert api.load(data).partition.areas == (400, 400)


def test_a_region_without_a_mask_fills_its_box(field):
    held = parts(field)
    held[0] = bytes(4) + held[0][4 + int.from_bytes(held[0][:4], "little") :]
    with pytest.raises(ContainerError, match="the mask before the weights of region 0 holds 0 bytes"):
        api.load(rebuilt(field, parts=held))


def test_signals_of_an_unknown_kind_are_described_and_not_decoded(field):
    with Reader(dumps(field)) as reader:
        header = reader.header
    strange = msgspec.structs.replace(header, signal=msgspec.structs.replace(header.signal, kind="smell"))
    data = rebuilt(field, header=strange)
    assert api.info(data)["signal"]["kind"] == "smell"
    with pytest.raises(ContainerError, match="kind 'smell'"):
        api.load(data)


def test_weights_that_are_not_finite_are_refused(half):
    held = parts(half)
    held[0] = held[0][:-2] + np.array([np.nan], "<f2").tobytes()
    with pytest.raises(ContainerError, match="not finite"):
        api.load(rebuilt(half, parts=held))


def test_too_few_and_too_many_weights_are_refused(half):
    for change in (lambda p: p[:-2], lambda p: p + b"\0\0"):
        held = parts(half)
        held[0] = change(held[0])
        with pytest.raises(ContainerError, match="not "):
            api.load(rebuilt(half, parts=held))
    with pytest.raises(ContainerError, match="shared weights"):
        api.load(rebuilt(half, shared=b"1234"))


def test_a_stream_with_more_words_than_integers_is_refused(field):
    held = parts(field)
    held[0] += b"\1\2\3\4\5\6\7\x08"
    with pytest.raises(ContainerError, match=r"weights of region 0 cannot be decoded: .*after the last"):
        api.load(rebuilt(field, parts=held))
    with pytest.raises(ContainerError, match="shared weights cannot be decoded"):
        api.load(rebuilt(field, shared=b"1234"))


def coded(field, **changes):
    """Return the file of a field with another coding in its header."""
    with Reader(dumps(field)) as reader:
        header = reader.header
    coding = msgspec.structs.replace(header.coding, **changes)
    return rebuilt(field, header=msgspec.structs.replace(header, coding=coding))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"exponents": []}, "0 steps for 8 quantised arrays"),
        ({"exponents": [0] * 7}, "7 steps for 8 quantised arrays"),
        ({"tables": [[1, 65535, 1, 1]], "choice": []}, "beyond"),
        ({"tables": [[1, 1]] * 2, "choice": [1, 1]}, "do not add up"),
    ],
)
def test_codings_that_do_not_suit_are_refused(field, changes, message):
    with pytest.raises(ContainerError, match=message):
        api.load(coded(field, **changes))


def test_a_damaged_stream_is_one_lost_region(field):
    held = parts(field)
    size = int.from_bytes(held[1][:4], "little")
    held[1] = held[1][: 4 + size] + b"\xff" * (len(held[1]) - 4 - size) + b"\xff" * 64
    data = rebuilt(field, parts=held)
    with pytest.raises(ContainerError, match="region 1"):
        api.load(data)
    assert [region.id for region in api.load(data, partial=True).partition.regions] == [0, 2]


def test_unknown_models_are_refused(field):
    with Reader(dumps(field)) as reader:
        header = reader.header
    strange = msgspec.structs.replace(header, model=msgspec.structs.replace(header.model, activation="cubic"))
    with pytest.raises(ContainerError, match="cubic"):
        api.load(rebuilt(field, header=strange))


def test_metadata_and_source_hash_are_kept():
    signal = api.read(textured(8, 8))
    signal = replace(signal, info=replace(signal.info, icc=b"icc" * 50, exif=b"II*\0rest"))
    field = api.fit(signal, steps=1, device="cpu")
    back = api.load(dumps(field))
    assert back.info == replace(field.info, notes=())
    assert api.info(dumps(field))["metadata"] == {"icc": 150, "exif": 8, "srce": 32}


def test_save_and_load(tmp_path, field):
    path = tmp_path / "a.inr"
    assert inrfit.save(field, path) == path.stat().st_size
    with pytest.raises(OutputError, match="exists"):
        inrfit.save(field, path)
    inrfit.save(field, path, overwrite=True)
    with path.open("rb") as file:
        assert np.array_equal(inrfit.load(file).decode(), field.decode())
    with pytest.raises(InputError):
        inrfit.load(tmp_path / "b.inr")


def test_the_same_fit_gives_the_same_bytes(field):
    with Reader(dumps(field)) as reader:
        assert dumps(loads(reader)) == dumps(field)
