"""Integers to bytes and back: any integers, any tables, any bytes; and a second decoder in plain Python agrees."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from make.format import Damaged, Stream

from inrfit.codec.entropy import MAX_REACH, TOTAL, Coder, Table
from inrfit.errors import ContainerError
from inrfit.models.coding import LARGEST

QUICK = settings(max_examples=120, deadline=None)

INTEGERS = st.one_of(
    st.integers(-3, 3), st.integers(-40, 40), st.integers(-5000, 5000), st.integers(-LARGEST, LARGEST)
)
GROUPS = st.lists(st.lists(INTEGERS, max_size=40), max_size=8)


@st.composite
def tables(draw: st.DrawFn) -> tuple[int, ...]:
    """Return the runs of any table."""
    runs, left, reach = [], TOTAL - 1, MAX_REACH + 1
    for place in range(draw(st.integers(1, 5))):
        length = draw(st.integers(1, min(reach, draw(st.sampled_from([1, 4, 60, 2000])))))
        symbols = 2 * length - (place == 0)
        if left < symbols or reach < length:
            break
        frequency = draw(st.integers(1, left // symbols))
        runs += [length, frequency]
        left, reach = left - symbols * frequency, reach - length
        if not reach:
            break
    return tuple(runs)


@st.composite
def coders(draw: st.DrawFn) -> tuple[list[tuple[int, ...]], list[int]]:
    """Return some tables and how often each is used."""
    found = draw(st.lists(tables(), min_size=1, max_size=4))
    if len(found) == 1:
        return found, []
    cuts = sorted(draw(st.sets(st.integers(1, TOTAL - 1), min_size=len(found) - 1, max_size=len(found) - 1)))
    return found, [b - a for a, b in zip([0, *cuts], [*cuts, TOTAL], strict=True)]


def arrays(groups: list[list[int]]) -> list[np.ndarray]:
    return [np.array(group, np.int64) for group in groups]


@QUICK
@given(coders(), GROUPS)
def test_any_integers_come_back_from_any_tables(coding, groups):
    tables, choice = coding
    coder = Coder(tables, choice)
    stream = coder.encode(arrays(groups))
    counts = [len(group) for group in groups]
    assert [found.tolist() for found in coder.decode(stream, counts)] == groups
    second = Stream(stream, tables, choice)
    assert [second.integers(count) for count in counts] == groups
    second.end()
    if groups and len(tables) == 1 and not any(counts):
        assert stream == b""


@QUICK
@given(coders(), st.binary(max_size=64), st.lists(st.integers(0, 20), max_size=4))
def test_any_bytes_are_integers_or_refused_and_the_second_decoder_says_the_same(coding, stream, counts):
    tables, choice = coding
    second = Stream(stream, tables, choice)
    try:
        wanted = [second.integers(count) for count in counts]
        second.end()
    except Damaged:
        wanted = None
    try:
        found = [group.tolist() for group in Coder(tables, choice).decode(stream, counts)]
    except ContainerError:
        return
    assert found == wanted
    assert all(abs(integer) <= LARGEST for group in found for integer in group)


@QUICK
@given(coders(), st.lists(st.lists(INTEGERS, min_size=1, max_size=40), min_size=1, max_size=5))
def test_no_group_takes_more_than_its_tables_say(coding, groups):
    """But for the last two words, the share of a symbol in 2^24 and that of 2^24 in the range, both rounded down."""
    tables, choice = coding
    coder = Coder(tables, choice)
    told = sum(coder.pick(np.array(group))[1] for group in groups)
    symbols = sum(6 * len(group) + 1 for group in groups)
    fewer = 1 / 256 + max(2 * table.reach + 2 for table in coder.tables) / 2**24
    assert 8 * len(coder.encode(arrays(groups))) <= told + 32 - symbols * np.log2(1 - fewer)


@pytest.mark.parametrize("runs", [(1, 9000, 10, 1000), (1, 60000, 3, 50), (300, 100), (2, 900, 500, 50)])
def test_what_a_table_says_is_what_its_integers_take(runs):
    table = Table(runs)
    cdf = np.cumsum(table.frequencies) / TOTAL
    symbols = np.searchsorted(cdf, np.random.default_rng(0).random(4000), side="right")
    integers = np.where(symbols > 2 * table.reach, 100_000, symbols - table.reach)
    stream = Coder([runs], []).encode([integers])
    assert 8 * len(stream) == pytest.approx(table.cost(np.abs(integers)).sum(), rel=0.001, abs=32)


def test_a_group_takes_the_table_that_codes_it_in_the_fewest_bits():
    narrow, wide = (1, 60000), (100, 300)
    coder = Coder([narrow, wide], [TOTAL // 2] * 2)
    assert [coder.pick(np.array(group, np.int64))[0] for group in ([0] * 50, [40, -70, 99], [])] == [0, 1, 0]


@pytest.mark.parametrize("integer", [0, 1, -1, 2, -2, 63, 64, -64, -65, 8191, 8192, LARGEST, -LARGEST])
def test_integers_beyond_a_table_escape(integer):
    coder = Coder([(1, TOTAL - 1)], [])
    groups = arrays([[integer, 0, integer], [0], [integer]])
    assert [g.tolist() for g in coder.decode(coder.encode(groups), [3, 1, 1])] == [g.tolist() for g in groups]


def test_groups_of_zeros_take_hardly_a_byte():
    coder = Coder([(1, TOTAL - 1)], [])
    assert len(coder.encode(arrays([[0] * 2000] * 4))) <= 3
    both = Coder([(1, TOTAL - 1), (200, 160)], [TOTAL // 2] * 2)
    assert len(both.encode(arrays([[0] * 2000] * 8))) <= 3


@pytest.mark.parametrize(
    "runs",
    [
        (),
        (1,),
        (1, 2, 3),
        (0, 5),
        (5, 0),
        (-1, 5),
        (1, -5),
        (MAX_REACH + 2, 1),
        (MAX_REACH, 1, 2, 1),
        (1, TOTAL),
        (2, TOTAL // 3 + 1),
        (1, TOTAL - 2, 1, 1),
        (1, 2**62, 2**62, 2**62),
    ],
)
def test_tables_that_are_none_are_refused(runs):
    with pytest.raises(ContainerError, match="table"):
        Table(runs)
    with pytest.raises(ContainerError, match="table"):
        Coder([runs], [])


@pytest.mark.parametrize("runs", [(MAX_REACH + 1, 1), (1, TOTAL - 1), (1, TOTAL - 3, 1, 1), (2, TOTAL // 3)])
def test_the_largest_tables_are_allowed(runs):
    table = Table(runs)
    assert table.frequencies.sum() == TOTAL
    assert table.frequencies.min() >= 1
    assert len(table.frequencies) == 2 * table.reach + 2
    assert table.frequencies[:-1].tolist() == table.frequencies[-2::-1].tolist()


@pytest.mark.parametrize(
    ("count", "choice"),
    [
        (1, [TOTAL]),
        (1, [1, 2]),
        (2, []),
        (2, [TOTAL]),
        (2, [1, 1]),
        (2, [TOTAL, 0]),
        (2, [TOTAL + 1, -1]),
        (3, [TOTAL - 1, 1]),
        (2, [TOTAL - 2, 1, 1]),
        (0, []),
        (65, [TOTAL // 65] * 65),
    ],
)
def test_frequencies_of_tables_that_do_not_add_up_are_refused(count, choice):
    with pytest.raises(ContainerError, match="tables"):
        Coder([(1, 9)] * count, choice)


def test_words_after_the_last_integer_are_refused():
    coder = Coder([(3, 9000)], [])
    groups = arrays([[1, -2, 0, 5] * 10])
    stream = coder.encode(groups)
    with pytest.raises(ContainerError, match="after the last integer"):
        coder.decode(stream + bytes(12), [40])
    with pytest.raises(ContainerError, match="after the last integer"):
        coder.decode(b"\0", [])
    assert coder.decode(b"", []) == []


@QUICK
@given(st.lists(st.integers(-900, 900), min_size=4, max_size=60), st.data())
def test_a_stream_that_is_cut_decodes_to_something_else_or_is_refused(group, data):
    """A stream is the shortest of its integers: no start of it has them."""
    coder = Coder([(2, 100, 60, 400)], [])
    stream = coder.encode(arrays([group]))
    start = stream[: data.draw(st.integers(0, len(stream) - 1))]
    try:
        found = coder.decode(start, [len(group)])
    except ContainerError:
        return
    assert found[0].tolist() != group


@pytest.mark.parametrize(
    ("last", "good"), [([255] * 4 + [7], True), ([255] * 4 + [15], False), ([255] * 5, False)]
)
def test_integers_of_more_than_32_bits_or_5_bytes_are_refused(last, good):
    """Coded as a file that inrfit never writes: the escape, and then bytes by hand."""
    from inrfit.codec import entropy

    frequencies = Table((1, TOTAL - 1)).frequencies
    encoder = entropy._stream().queue.RangeEncoder()
    encoder.encode(np.array([1], np.int32), entropy.model(frequencies))
    encoder.encode(np.array(last, np.int32), entropy._bytes_model())
    stream = encoder.get_compressed().astype(">u4").tobytes()
    coder = Coder([(1, TOTAL - 1)], [])
    if good:
        assert coder.decode(stream, [1])[0].tolist() == [-(2**30)]
    else:
        with pytest.raises(ContainerError, match=r"beyond|5 bytes"):
            coder.decode(stream, [1])
