"""For any keep-set: the bytes add up, the chunks are the same, the samples are the same, and crops compose."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from inrfit import api
from inrfit.codec.chunks import CHECKSUM
from inrfit.codec.container import Reader
from inrfit.partitions import OUTSIDE

CASES = settings(
    max_examples=25,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)

CellsOf = Callable[[str], bytes]


def chunks(data: bytes) -> dict[int, bytes]:
    """Return the bytes of each region with its checksum by id, cut from the file by the lengths in its index."""
    with Reader(data) as reader:
        start, found = reader.front_size, {}
        for number, length in zip(reader.index.ids, reader.index.lengths, strict=True):
            found[number] = data[start : start + length + CHECKSUM]
            start += length + CHECKSUM
    assert start == len(data)
    return found


def keep_words(data: bytes, ids: set[int]) -> list[str]:
    """Return the regions as keep-sets of one region each, counted in this file."""
    with Reader(data) as reader:
        signal, partition = reader.header.signal, reader.header.partition
    if partition.kind == "labels":
        return [str(number) for number in sorted(ids)]
    rows, columns = (
        edges.index(origin) for edges, origin in zip(partition.edges, signal.origin, strict=True)
    )
    width = len(partition.edges[1]) - 1
    return [f"{number // width - rows},{number % width - columns}" for number in sorted(ids)]


def check(data: bytes, draw: st.DataObject, whole: np.ndarray) -> None:
    parts = chunks(data)
    numbers = sorted(parts)
    first = draw.draw(st.sets(st.sampled_from(numbers), min_size=1))
    second = draw.draw(st.sets(st.sampled_from(sorted(first)), min_size=1))
    crop = api.crop(data, keep=keep_words(data, first))

    assert chunks(crop) == {number: parts[number] for number in first}
    with Reader(data) as old, Reader(crop) as new:
        assert len(crop) == new.front_size + sum(len(parts[number]) for number in first)
        assert new.front_size <= old.front_size
        assert new.shared == old.shared
    field = api.load(crop)
    decoded, covered = field.decode(device="cpu"), field.partition.labels() != OUTSIDE
    window = tuple(slice(a, b) for a, b in field.domain.box)
    assert np.array_equal(decoded[covered], whole[window][covered])
    assert covered.sum() == sum(field.partition.areas)

    assert api.crop(crop, keep=keep_words(crop, second)) == api.crop(data, keep=keep_words(data, second))
    assert api.crop(crop, keep=keep_words(crop, first)) == crop


@CASES
@given(st.data())
def test_cells(cells: bytes, data: st.DataObject) -> None:
    check(cells, data, api.load(cells).decode(device="cpu"))


@CASES
@given(st.data())
def test_segments(segments: bytes, data: st.DataObject) -> None:
    check(segments, data, api.load(segments).decode(device="cpu"))


def test_the_files_are_at_least_four_fifths_local(cells_of: CellsOf, segments_of: CellsOf) -> None:
    """What goes with a region is local: its weights with their checksum, and its sum of two bytes in the index."""
    for data in (cells_of("float16"), segments_of("float16")):
        assert sum(len(chunk) + 2 for chunk in chunks(data).values()) >= 0.8 * len(data)


def test_most_quantised_weights_are_local(cells: bytes, segments: bytes) -> None:
    """The header with its tables is the same for a few regions as for many, and so not compared with.

    A feature grid of so small cells has about as many weights in its network as in its lattices.
    """
    for data in (cells, segments):
        with Reader(data) as reader:
            local, shared = sum(reader.index.lengths), len(reader.shared)
            share = 0.6 if reader.header.model.name == "feature-grid" else 0.8
        assert local >= share * (local + shared)
