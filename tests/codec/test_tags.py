"""Tags as bytes: round trips, in files and after a crop of them, and what is no map of text."""

from __future__ import annotations

import tracemalloc
from dataclasses import replace

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from make.data import textured

from inrfit import api
from inrfit.codec import tags
from inrfit.errors import ContainerError

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)


@settings(max_examples=50, deadline=None)
@given(st.dictionaries(TEXT, TEXT, max_size=8))
def test_tags_come_back(found: dict[str, str]) -> None:
    assert tags.decode(tags.encode(found), "a.inr") == found


def test_no_tags_are_no_bytes_and_their_order_does_not_matter() -> None:
    assert tags.encode({}) == b""
    assert tags.decode(b"", "a.inr") == {}
    assert (
        tags.encode({"b": "2", "a": "1"}) == tags.encode({"a": "1", "b": "2"}) == b"\x82\xa1a\xa11\xa1b\xa12"
    )


@pytest.mark.parametrize(
    "data",
    [b"\xc1", b"\x81\xa1a", b"\x81\xa1a\x01", b"\x81\x01\xa1a", b"\x91\xa1a", b"\x81\xa1\xff\xa1a", b"\x80!"],
)
def test_what_is_no_map_of_text_is_refused(data: bytes) -> None:
    with pytest.raises(ContainerError, match=r"^a\.inr has tags that cannot be read: "):
        tags.decode(data, "a.inr")


def test_their_number_is_limited() -> None:
    many = {str(number): "" for number in range(tags.MAX_TAGS)}
    assert tags.decode(tags.encode(many), "a.inr") == many
    with pytest.raises(ContainerError, match="has 1025 tags, allowed: at most 1024"):
        tags.decode(msgspec.msgpack.encode({**many, "one": "more"}), "a.inr")


def test_tags_sound_and_offset_are_in_the_file() -> None:
    field = api.fit(textured(12, 16, 1), grid=(2, 2), steps=1, hidden_features=4, device="cpu")
    info = replace(field.info, tags={"title": "Ein Lied", "year": "1999"}, sound=b"RIFF" * 50)
    domain = replace(field.domain, offset=(0.25, -3.0))
    given = replace(field, info=info, partition=replace(field.partition, domain=domain))
    data = api.to_bytes(given)
    found = api.load(data)
    assert found.info.tags == {"title": "Ein Lied", "year": "1999"}
    assert found.info.sound == b"RIFF" * 50
    assert found.domain.offset == (0.25, -3.0)
    assert api.info(data)["metadata"].keys() >= {"tags", "snd"}
    part = api.load(api.crop(data, keep="1,1"))
    assert (part.domain.origin, part.domain.offset) == ((6, 8), (0.25, -3.0))
    assert part.domain.corner == (6.25, 5.0)
    plain = api.load(api.to_bytes(field))
    assert (plain.info.tags, plain.info.sound, plain.domain.offset) == ({}, None, ())


@pytest.mark.parametrize("start", [b"\xdf" + (6_000_000).to_bytes(4, "big"), b"\xde\xff\xff"])
def test_tags_are_counted_before_they_are_read(start: bytes) -> None:
    data = start + b"\xa4abcd\xa0" * 2_000_000
    tracemalloc.start()
    try:
        with pytest.raises(ContainerError, match="tags, allowed: at most 1024"):
            tags.decode(data, "it")
        assert tracemalloc.get_traced_memory()[1] < 1 << 20
    finally:
        tracemalloc.stop()
