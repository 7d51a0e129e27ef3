"""Integers that are coded by their neighbours: any integers, lattices, tables and bytes; a second decoder agrees."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from make.data import textured
from make.format import Damaged, Stream, cut

from inrfit import api
from inrfit.codec.choice import Array, chosen
from inrfit.codec.context import BOUNDS, Fronts, Guide
from inrfit.codec.entropy import Coder
from inrfit.codec.payload import Item, guide_of
from inrfit.errors import ContainerError
from inrfit.models.coding import LARGEST, Coding

QUICK = settings(max_examples=100, deadline=None)
TABLES = [(1, 60000), (2, 9000, 3, 3000), (40, 400), (900, 30)]
CHOICE = [30000, 30000, 5000, 536]
SIDES = st.lists(st.integers(1, 6), min_size=1, max_size=3).map(tuple)
INTEGERS = st.one_of(st.integers(-2, 2), st.integers(-60, 60), st.integers(-LARGEST, LARGEST))


@st.composite
def guides(draw: st.DrawFn) -> Guide:
    """Return a guide over any lattice, with some of `TABLES`."""
    numbers = draw(st.lists(st.integers(0, 3), min_size=1, max_size=len(BOUNDS) + 1))
    return Guide(sides=draw(SIDES), share=draw(st.integers(0, 4)), tables=tuple(numbers))


def second(stream: bytes, guide: Guide, channels: int, after: int) -> list[list[int]]:
    """Return a lattice and the plain integers behind it, by the plain decoder."""
    reader = Stream(stream, TABLES, CHOICE)
    found = [reader.lattice(guide.sides, channels, [guide.share, *guide.tables]), reader.integers(after)]
    reader.end()
    return found


@QUICK
@given(guides(), st.integers(1, 3), st.lists(INTEGERS, max_size=5), st.integers(1, 3), st.data())
def test_any_integers_come_back_on_any_lattice(guide, channels, after, streams, data):
    size = int(np.prod(guide.sides)) * channels
    coder, coding = Coder(TABLES, CHOICE), [guide, None]
    lists = st.lists(INTEGERS, min_size=size, max_size=size)
    groups = [[np.array(data.draw(lists), np.int64), np.array(after, np.int64)] for _ in range(streams)]
    made = [coder.encode(group, coding) for group in groups]
    found = coder.decode_all(made, [size, len(after)], coding)
    for stream, group, one in zip(made, groups, found, strict=True):
        wanted = [integers.tolist() for integers in group]
        assert [integers.tolist() for integers in one] == wanted
        assert second(stream, guide, channels, len(after)) == wanted


@QUICK
@given(guides(), st.integers(1, 2), st.lists(st.binary(max_size=48), min_size=1, max_size=4))
def test_any_bytes_are_integers_or_refused_whatever_is_read_beside_them(guide, channels, streams):
    size = int(np.prod(guide.sides)) * channels
    coder, coding = Coder(TABLES, CHOICE), [guide, None]
    together = coder.decode_all(streams, [size, 2], coding)
    for stream, found in zip(streams, together, strict=True):
        try:
            alone = coder.decode(stream, [size, 2], coding)
        except ContainerError as error:
            assert isinstance(found, ContainerError)
            assert found.message == error.message
            continue
        assert [one.tolist() for one in alone] == [one.tolist() for one in found]
        try:
            assert second(stream, guide, channels, 2) == [one.tolist() for one in found]
        except Damaged:
            pytest.fail("the plain decoder refuses what was read")


def test_fronts_go_by_the_sum_of_indices_and_know_what_lies_before():
    fronts = Fronts((3, 4))
    sums = np.add.outer(np.arange(3), np.arange(4)).reshape(-1)
    assert np.diff(sums[fronts.rows]).min() == 0
    assert fronts.starts.tolist() == [0, 1, 3, 6, 9, 11, 12]
    integers = np.random.default_rng(0).integers(-9, 10, (3, 4))
    near = fronts.known(integers.reshape(-1, 1))
    padded = np.pad(integers, ((2, 0), (2, 0)))
    for place, row in enumerate(fronts.rows.tolist()):
        y, x = np.add(divmod(row, 4), 2)
        above, left, corner = padded[y - 1, x], padded[y, x - 1], padded[y - 1, x - 1]
        size = 2 * abs(above) + 2 * abs(left) + abs(padded[y - 2, x]) + abs(padded[y, x - 2]) + abs(corner)
        assert near.total[place, 0] == above + left
        assert near.context[place, 0] == sum(bound <= size for bound in BOUNDS)
        for share in range(5):
            assert near.expected(share)[place, 0] == int(share * (above + left) / 8)


def smooth(regions: int, side: int) -> np.ndarray:
    """Return integers that change slowly, and are large in a part of each region only, [region, point]."""
    draw = np.random.default_rng(1)
    steps = draw.normal(0, 1, (regions, side, side)).cumsum(1).cumsum(2)
    return np.rint(steps * (np.arange(side) > side / 2)).astype(np.int64).reshape(regions, -1)


def stored(arrays: list[Array]) -> int:
    """Return the bytes of all groups."""
    plan = chosen(arrays)
    coder = Coder(plan.tables, plan.choice)
    coding = [
        Guide(sides=array.points, share=context[0], tables=context[1:]) if context else None
        for array, context in zip(arrays, plan.contexts, strict=True)
    ]
    groups = zip(*(array.integers for array in arrays), strict=True)
    return sum(len(coder.encode(group, coding)) for group in groups)


def test_neighbours_make_smooth_lattices_small_and_are_left_alone_elsewhere():
    integers, noise = smooth(6, 17), np.random.default_rng(2).integers(-20, 21, (6, 289))
    plan = chosen([Array(integers=integers, points=(17, 17)), Array(integers=noise, points=(17, 17))])
    assert plan.contexts[0]
    assert plan.contexts[1] == ()
    assert stored([Array(integers=integers, points=(17, 17))]) < 0.7 * stored([Array(integers=integers)])


def test_more_integers_than_tables_are_made_from_are_planned():
    integers = smooth(4, 257)
    array = Array(integers=integers, points=(257, 257))
    assert stored([array]) < 0.7 * stored([Array(integers=integers)])


def test_only_lattices_and_tables_that_are_there_can_be_named():
    item = Item(name="features0", shape=(9, 1), points=(3, 3))
    coding = Coding(exponents={"features0": 0}, tables=((1, 9),), contexts={"features0": (2, 0)})
    assert guide_of(item, coding) == Guide(sides=(3, 3), share=2, tables=(0,))
    with pytest.raises(ContainerError, match="no lattice"):
        guide_of(Item(name="features0", shape=(9, 1)), coding)
    with pytest.raises(ContainerError, match="table 1 of 1"):
        guide_of(item, Coding(exponents={}, tables=((1, 9),), contexts={"features0": (2, 1)}))


def test_files_of_feature_grids_use_them_and_say_so_and_no_others_do():
    options = {"steps": 30, "device": "cpu", "grid": (1, 2)}
    data = api.to_bytes(api.fit(textured(48, 64), model="feature-grid", pitch=1.0, **options))
    head, *_ = cut(data)
    assert head[4] == "contextual"
    assert any(head[11][3])
    back = api.load(data)
    assert back.weight_type == "quantised"
    assert api.to_bytes(back)[16:] == data[16:]
    assert cut(api.to_bytes(api.fit(textured(24, 32), **options)))[0][4] == "quantised"
