"""Tables that are made for integers: always valid, near the entropy, several where groups differ."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from inrfit.codec import tables
from inrfit.codec.entropy import TOTAL, Coder, Table
from inrfit.codec.limits import MAX_RUNS, MAX_TABLES
from inrfit.models.coding import LARGEST

QUICK = settings(max_examples=80, deadline=None)
INTEGERS = st.one_of(st.integers(-3, 3), st.integers(-300, 300), st.integers(-LARGEST, LARGEST))


def entropy(integers: np.ndarray) -> float:
    """Return the bits of integers by how often each occurs."""
    _, counts = np.unique(integers, return_counts=True)
    return float(-(counts * np.log2(counts / counts.sum())).sum())


@QUICK
@given(st.lists(st.lists(INTEGERS, max_size=60), max_size=12))
def test_any_groups_have_tables_that_code_them(lists):
    groups = [np.array(one, np.int64) for one in lists]
    found, choice = tables.fit(groups)
    assert 1 <= len(found) <= MAX_TABLES
    assert all(2 <= len(runs) <= MAX_RUNS and max(runs) < TOTAL for runs in found)
    coder = Coder(found, choice)
    back = coder.decode(coder.encode(groups), [len(group) for group in groups])
    assert [group.tolist() for group in back] == lists
    assert tables.fit(groups) == (found, choice)


@pytest.mark.parametrize("scale", [0.05, 0.3, 1, 4, 30, 400])
@pytest.mark.parametrize("shape", ["normal", "laplace"])
def test_a_table_is_near_the_entropy(scale, shape):
    draw = getattr(np.random.default_rng(3), shape)
    integers = np.rint(draw(0, scale, 20_000)).astype(np.int64)
    magnitudes = np.abs(integers)
    table = tables.table_of(magnitudes)
    # Both signs have the same frequency: the entropy of magnitudes, and a bit for each sign.
    wanted = entropy(magnitudes) + (magnitudes > 0).sum()
    assert table.cost(magnitudes).sum() <= 1.03 * wanted + 8 * 12
    assert len(table.runs) <= MAX_RUNS


def test_rare_far_integers_escape():
    integers = np.concatenate([np.random.default_rng(0).integers(-3, 4, 5000), [10**6, -(10**8)]])
    table = tables.table_of(np.abs(integers))
    assert table.reach == 3
    assert table.cost(np.array([10**6]))[0] > 30


@pytest.mark.parametrize("value", [0, 1, 500, 10**7])
def test_groups_of_one_value(value):
    groups = [np.full(300, value)] * 3
    found, choice = tables.fit(groups)
    coder = Coder(found, choice)
    stream = coder.encode(groups)
    assert [g.tolist() for g in coder.decode(stream, [300] * 3)] == [g.tolist() for g in groups]
    if not value:
        assert found == ((1, TOTAL - 1),)
        assert len(stream) <= 3


def test_groups_that_differ_have_tables_of_their_own_and_those_alike_share_one():
    draw = np.random.default_rng(1)
    alike = [np.rint(draw.laplace(0, 5, 400)).astype(int) for _ in range(20)]
    assert len(tables.fit(alike)[0]) == 1
    mixed = [np.rint(draw.laplace(0, 200 if n % 2 else 1, 400)).astype(int) for n in range(20)]
    found, choice = tables.fit(mixed)
    assert len(found) >= 2
    assert sum(choice) == TOTAL
    single = Coder([tables.table_of(np.abs(np.concatenate(mixed))).runs], [])
    assert len(Coder(found, choice).encode(mixed)) < 0.95 * len(single.encode(mixed))


def test_large_numbers_of_integers_are_looked_at_in_part(monkeypatch):
    seen = []
    real = tables.table_of
    monkeypatch.setattr(tables, "table_of", lambda m: (seen.append(len(m)), real(m))[1])
    groups = [np.rint(np.random.default_rng(n).laplace(0, 3, 1000)).astype(int) for n in range(500)]
    found, choice = tables.fit(groups)
    assert max(seen) <= tables.SAMPLE
    told = sum(Coder(found, choice).pick(group)[1] for group in groups)
    everything = np.concatenate(groups)
    assert told <= 1.03 * (entropy(np.abs(everything)) + (everything != 0).sum())


def test_frequencies_of_runs_are_never_below_one():
    """One integer far away from very many others takes a run of its own, or escapes; the table stays valid."""
    for far in (1, 13, 1000, 16384, 16385, LARGEST):
        magnitudes = np.array([0] * 200_000 + [far])
        table = tables.table_of(magnitudes)
        assert isinstance(table, Table)
        assert table.cost(magnitudes).sum() < 200
