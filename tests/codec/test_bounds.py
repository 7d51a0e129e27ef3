"""What a small file may claim to hold: numbers against bytes, and a writer that never writes what a reader refuses."""

from __future__ import annotations

from pathlib import Path

import msgspec
import numpy as np
import pytest
from make.data import textured

from inrfit import api
from inrfit.codec import bounds, chunks
from inrfit.codec import container as c
from inrfit.codec.bounds import STREAM_SLACK
from inrfit.codec.context import Guide
from inrfit.codec.entropy import Coder
from inrfit.codec.header import Index
from inrfit.errors import ContainerError, InrfitError
from inrfit.field import Field

SMALL = {"hidden_features": 5, "hidden_layers": 1, "steps": 2, "device": "cpu"}
PEAKED = ((1, 65535),)


def test_no_stream_is_shorter_than_its_integers_take_at_least() -> None:
    """What is refused by its length alone is nothing that a writer makes, also where all integers are 0."""
    rng = np.random.default_rng(0)
    for case in range(300):
        tables = [[(1, 65535), (1, 60000, 3, 900), (2, 9000, 5, 300), (1, 1, 1, 32767)][case % 4]]
        choice = ()
        if case % 3 == 0:
            tables, choice = [*tables, (9, 100)], (65535, 1)
        coder = Coder(tables, choice)
        scale = rng.choice([0.0, 0.1, 1.0, 30.0])
        groups = [
            np.rint(rng.normal(0, scale, rng.integers(0, 400))).astype(np.int64) for _ in range(case % 5)
        ]
        least = coder.least_bits([len(group) for group in groups])
        assert least <= 8 * len(coder.encode(groups)) + STREAM_SLACK


@pytest.mark.parametrize("count", [1, 100_000, 1_500_000, 3_000_000])
def test_zeros_take_next_to_nothing_and_are_read_again(count: int) -> None:
    coder, zeros = Coder(PEAKED, ()), np.zeros(count, np.int64)
    stream = coder.encode([zeros])
    assert coder.least_bits([count]) <= 8 * len(stream) + STREAM_SLACK
    assert len(stream) < 16
    assert np.array_equal(coder.decode(stream, [count])[0], zeros)


def test_integers_in_a_lattice_take_as_much_at_least() -> None:
    coder, guide = Coder([(1, 65535), (9, 100)], (1, 65535)), Guide(sides=(30, 40), share=2, tables=(0, 1))
    values = np.rint(np.random.default_rng(1).normal(0, 0.1, 1200)).astype(np.int64)
    stream = coder.encode([values], [guide])
    assert 0 < coder.least_bits([1200], [guide]) <= 8 * len(stream) + STREAM_SLACK


def test_escapes_beyond_the_end_of_a_stream_are_damage() -> None:
    """Bytes that are missing read as zeros, of which a table may make escapes without end."""
    coder = Coder([(1, 1)], ())
    with pytest.raises(ContainerError, match="its integers are damaged"):
        coder.decode(b"\xff", [1000])


def test_what_a_file_may_claim_grows_with_its_bytes() -> None:
    most = bounds.FREE_NUMBERS + 1000 * bounds.NUMBERS_PER_BYTE
    bounds.check_numbers(most, 1000)
    with pytest.raises(ContainerError, match=f"{most + 1} weights cannot be in 1000 bytes"):
        bounds.check_numbers(most + 1, 1000)
    fronts = bounds.FREE_FRONTS + 1000 * bounds.FRONTS_PER_BYTE
    bounds.check_fronts([(fronts, 1)], 1000)
    with pytest.raises(ContainerError, match=f"lattices of {fronts + 1} fronts"):
        bounds.check_fronts([(fronts,), (1,)], 1000)


@pytest.mark.parametrize("numbers", [0, 100, 256 * 1000, 256 * 1000 + 1, 256 * 1005, 256 * 2000 + 7])
def test_zeros_are_added_where_they_are_needed(monkeypatch: pytest.MonkeyPatch, numbers: int) -> None:
    monkeypatch.setattr(bounds, "FREE_NUMBERS", 0)
    zeros = bounds.fill(bounds.least(numbers=numbers), 1000, 12)
    bounds.check_numbers(numbers, 1000 if zeros is None else 1012 + zeros)
    assert (zeros is None) == (numbers <= 256 * 1000)


def test_a_writer_adds_zeros_to_a_file_that_would_hold_too_much(monkeypatch: pytest.MonkeyPatch) -> None:
    field = api.fit(textured(24, 36), grid=(2, 3), **SMALL)
    data = api.to_bytes(field)
    monkeypatch.setattr(bounds, "FREE_NUMBERS", -5000)  # as if it held so many more
    monkeypatch.setattr(bounds, "NUMBERS_PER_BYTE", 1)
    with pytest.raises(ContainerError, match="weights cannot be in"):
        api.load(data)
    with pytest.raises(ContainerError, match="weights cannot be in"):
        api.info(data)
    filled = api.to_bytes(field)
    assert 5000 < len(filled) < 5000 + 2 * len(data)
    assert np.array_equal(api.load(filled).decode(device="cpu"), field.decode(device="cpu"))
    crop = api.crop(filled, keep="0,0:2")
    assert api.info(crop)["damaged"] == []
    assert b"fill" in crop
    assert c.Reader(crop).ancillary.keys() == c.Reader(filled).ancillary.keys() - {chunks.SOURCE}


def fitted(labels: np.ndarray, folder: Path) -> Field:
    np.save(folder / "labels.npy", labels)
    return api.fit(textured(*labels.shape), partition=str(folder / "labels.npy"), **SMALL)


def test_a_writer_adds_zeros_to_a_file_with_large_masks(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """A reader refuses masks of more samples than a file has bytes for, so fits and crops have these bytes."""
    stripes = np.arange(24 * 36).reshape(24, 36) % 3  # Boxes of about the whole picture, three times.
    field = fitted(stripes, tmp_path)
    data = api.to_bytes(field)
    monkeypatch.setattr(bounds, "FREE_MASKED", -5000)  # As if they held so many more.
    monkeypatch.setattr(bounds, "MASKED_PER_BYTE", 1)
    for call in (api.load, api.info):
        with pytest.raises(ContainerError, match=r"masks of 2[0-9]{3} samples cannot be in"):
            call(data)
    filled = api.to_bytes(field)
    assert 7000 < len(filled) < 8000
    assert np.array_equal(api.load(filled).decode(device="cpu"), field.decode(device="cpu"))
    crop = api.crop(filled, keep="1")
    assert b"fill" in crop
    assert len(crop) < len(filled) - 1000
    assert api.info(crop)["damaged"] == []
    assert len(api.load(crop).partition) == 1


def test_masks_that_are_cut_off_claim_nothing(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    data = api.to_bytes(fitted(np.tri(24, 36, 11, int), tmp_path))
    monkeypatch.setattr(bounds, "FREE_MASKED", 24 * 36)
    monkeypatch.setattr(bounds, "MASKED_PER_BYTE", 0)
    with pytest.raises(ContainerError, match="masks of"):
        api.load(data)
    assert len(api.load(data[:-1], partial=True).partition) == 1


def swollen(data: bytes, **model: object) -> bytes:
    """Return a file whose header claims another network; checksums and sums are good."""
    held = c.read(data)
    header = msgspec.structs.replace(held.header, model=msgspec.structs.replace(held.header.model, **model))
    header = msgspec.structs.replace(header, tile=1)
    return chunks.write(header, held.index, held.shared, held.ancillary, held.parts)


@pytest.mark.parametrize("weights", ["float16", "float32", "quantised"])
@pytest.mark.parametrize("width", [6, 300, 65536])
def test_a_network_that_is_not_in_the_bytes_is_told_by_info(weights: str, width: int) -> None:
    data = api.to_bytes(api.fit(textured(24, 36), grid=(1, 2), weights=weights, **SMALL))
    assert api.info(data)["damaged"] == []
    claimed = swollen(data, hidden_features=width)
    if weights == "quantised" and width == 6:
        return  # a few integers more may be in the same bytes
    if weights == "quantised" and width == 65536:
        with pytest.raises(ContainerError, match="weights cannot be in"):
            api.info(claimed)
    else:
        assert api.info(claimed)["damaged"] == [0, 1]
    with pytest.raises(ContainerError):
        api.load(claimed)


def test_an_abort_of_native_code_is_a_container_error() -> None:
    data = api.to_bytes(api.fit(textured(24, 36), grid=(1, 1), **SMALL))
    held = c.read(data)
    model = msgspec.structs.replace(held.header.model, hidden_features=65536)
    coding = msgspec.structs.replace(held.header.coding, tables=[list(PEAKED[0])], choice=[])
    header = msgspec.structs.replace(held.header, model=model, coding=coding, tile=1)
    with pytest.raises(ContainerError, match="weights cannot be in"):
        api.load(chunks.write(header, held.index, b"", {}, [b""]))


def test_fronts_are_bounded_and_a_damaged_stream_ends_them() -> None:
    data = api.to_bytes(
        api.fit(
            textured(24, 36), grid=(1, 1), model="feature-grid", pitch=3.0, levels=1, encoding="none", **SMALL
        )
    )
    held = c.read(data)
    model = msgspec.structs.replace(held.header.model, lattice=(80000, 2))
    count = len(held.header.coding.exponents)
    coding = msgspec.structs.replace(
        held.header.coding,
        tables=[list(PEAKED[0])],
        choice=[],
        contexts=[*[[]] * (count - 1), [0, 0]],
    )
    header = msgspec.structs.replace(held.header, model=model, coding=coding, weights="contextual")
    with pytest.raises(ContainerError, match="lattices of 80001 fronts cannot be in"):
        api.load(chunks.write(header, held.index, held.shared, {}, [b""]))


def test_a_network_that_cannot_be_is_told_in_the_words_of_a_file() -> None:
    data = api.to_bytes(api.fit(textured(24, 36), grid=(1, 2), model="composer", **SMALL))
    wrong = swollen(data, modulated=60)
    for call in (api.info, api.load):
        with pytest.raises(InrfitError) as caught:
            call(wrong)
        assert isinstance(caught.value, ContainerError)
        assert "describes no network: modulated 60 must lie between 0 and 2" in caught.value.message


def test_a_truncated_file_answers_for_the_regions_that_are_there(monkeypatch: pytest.MonkeyPatch) -> None:
    field = api.fit(textured(24, 36), grid=(2, 3), **SMALL)
    data = api.to_bytes(field)
    with c.Reader(data) as reader:
        end = reader.size - len(reader.part(5)) - len(reader.part(4)) - 2 * chunks.CHECKSUM
    cut = c.Reader(data[:end], allow_truncated=True)
    assert (c.Reader(data).there, cut.there) == (6, 4)
    numbers = sum(value[0].size for value in field.weights.values())
    monkeypatch.setattr(bounds, "FREE_NUMBERS", 4 * numbers)
    monkeypatch.setattr(bounds, "NUMBERS_PER_BYTE", 0)
    assert len(api.load(data[:end], partial=True).partition) == 4
    with pytest.raises(ContainerError, match="weights cannot be in"):
        api.load(data, partial=True)


def test_regions_keep_their_order_when_one_does_not_fit() -> None:
    data = api.to_bytes(api.fit(textured(24, 36), grid=(1, 3), weights="float32", **SMALL))
    held = c.read(data)
    parts = [held.parts[0], held.parts[1][:-4], held.parts[2]]
    short = chunks.write(held.header, replace_lengths(held.index), held.shared, held.ancillary, parts)
    assert api.info(short)["damaged"] == [1]
    left, whole = api.load(short, partial=True), api.load(data)
    assert [region.id for region in left.partition.regions] == [0, 2]
    assert np.array_equal(left.weights["weight0"], whole.weights["weight0"][[0, 2]])


def replace_lengths(index: Index) -> Index:
    """Return an index without what a writer sets."""
    return msgspec.structs.replace(index, lengths=[], sums=[])
