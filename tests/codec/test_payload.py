"""Numbers as the payload of a chunk: floats as they are, integers behind steps, both with what is not trained before."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from inrfit.codec.payload import Item, integers_of, payload_of
from inrfit.codec.tables import fit
from inrfit.errors import ContainerError
from inrfit.models.coding import LARGEST, Coding, exponent_of, fine_exponent, quantised, restored, step_of

ITEMS = [
    Item(name="frequencies", shape=(3, 2), trained=False),
    Item(name="weight0", shape=(6, 4)),
    Item(name="bias0", shape=(4,)),
    Item(name="weight1", shape=(4, 3), base=np.full((4, 3), 0.7, np.float32)),
]


def numbers(groups: int, exponents: dict[str, int], seed: int = 0) -> dict[str, np.ndarray]:
    """Return numbers that are multiples of their steps, from what they are differences of."""
    draw, found = np.random.default_rng(seed), {}
    for item in ITEMS:
        shape = (groups, *item.shape)
        if item.trained:
            integers = np.rint(draw.laplace(0, 9, shape)).astype(np.int64)
            found[item.name] = restored(integers, exponents[item.name]) + (
                np.float32(0) if item.base is None else item.base
            )
        else:
            found[item.name] = draw.normal(size=shape).astype(np.float32)
    return found


def coding_of(held: dict[str, np.ndarray], exponents: dict[str, int]) -> Coding:
    coding = Coding(exponents=exponents)
    groups = [integers_of(item, g, coding) for item in ITEMS if item.trained for g in held[item.name]]
    tables, choice = fit(groups)
    return Coding(exponents=exponents, tables=tables, choice=choice)


EXPONENTS = {"weight0": -190, "bias0": -97, "weight1": -224}


def test_numbers_come_back_bit_for_bit():
    held = numbers(5, EXPONENTS)
    kept = payload_of(ITEMS, "quantised", coding_of(held, EXPONENTS))
    payloads = [kept.pack(held, group) for group in range(5)]
    back = kept.joined([kept.read(payload, "weights") for payload in payloads])
    assert list(back) == [item.name for item in ITEMS]
    for name, value in held.items():
        assert back[name].dtype == np.float32
        assert np.array_equal(back[name], value), name
    assert [kept.pack(back, group) for group in range(5)] == payloads
    untrained = held["frequencies"].astype("<f4")
    assert [p[:24] for p in payloads] == [row.tobytes() for row in untrained]


@pytest.mark.parametrize("kind", ["float16", "float32"])
def test_floats_come_back(kind):
    held = numbers(3, EXPONENTS)
    rounded = {i.name: held[i.name].astype(kind if i.trained else "float32") for i in ITEMS}
    kept = payload_of(ITEMS, kind, None)
    back = kept.joined([kept.read(kept.pack(rounded, group), "weights") for group in range(3)])
    for name, value in rounded.items():
        assert np.array_equal(back[name], value.astype(np.float32)), name
    with pytest.raises(ContainerError, match="weights hold 3 bytes, not"):
        kept.read(b"abc", "weights")


def test_payloads_that_are_too_short_or_not_finite_are_refused():
    held = numbers(1, EXPONENTS)
    kept = payload_of(ITEMS, "quantised", coding_of(held, EXPONENTS))
    payload = kept.pack(held, 0)
    with pytest.raises(ContainerError, match="these hold 23 bytes, not 24 and more"):
        kept.read(payload[:23], "these")
    with pytest.raises(ContainerError, match="not finite"):
        kept.read(b"\0\0\x80\x7f" + payload[4:], "these")
    with pytest.raises(ContainerError, match="these cannot be decoded: "):
        kept.read(payload + bytes(12), "these")


@settings(max_examples=150, deadline=None)
@given(st.binary(max_size=200))
def test_any_bytes_are_read_or_refused(junk):
    held = numbers(1, EXPONENTS)
    kept = payload_of(ITEMS, "quantised", coding_of(held, EXPONENTS))
    try:
        back = kept.joined([kept.read(bytes(24) + junk, "weights")])
    except ContainerError:
        return
    assert all(np.isfinite(value).all() for value in back.values())


def test_no_payloads_are_no_groups():
    kept = payload_of(ITEMS, "quantised", coding_of(numbers(1, EXPONENTS), EXPONENTS))
    assert {name: value.shape for name, value in kept.joined([]).items()} == {
        item.name: (0, *item.shape) for item in ITEMS
    }


def test_tables_that_are_none_are_refused():
    with pytest.raises(ContainerError, match="table"):
        payload_of(ITEMS, "quantised", Coding(exponents=EXPONENTS))


@settings(max_examples=300, deadline=None)
@given(st.integers(-(2**22), 2**22), st.integers(-2048, 2048))
def test_a_weight_that_was_rounded_is_rounded_to_itself(integer, exponent):
    """So a file that is read and written again is the same, at any step; beyond 2^23 single precision ends."""
    value = restored(np.array([integer]), exponent)
    again = restored(quantised(value, exponent), exponent)
    assert np.isfinite(value).all()
    assert np.array_equal(value, again)


@pytest.mark.parametrize("weight", [np.inf, -np.inf, np.nan, 1e38])
def test_weights_beyond_all_integers_stay_within(weight):
    assert abs(quantised(np.array([weight], np.float32), -400)[0]) <= LARGEST


def test_steps_are_powers_of_two_to_the_32nd_part():
    assert [float(step_of(e)) for e in (0, 32, -64)] == [1.0, 2.0, 0.25]
    assert float(step_of(1)) == np.float32(2 ** (1 / 32))
    for exponent in range(-2048, 2049, 61):
        assert exponent_of(float(2.0 ** (exponent / 32))) == exponent
    assert fine_exponent(np.full(9, 512.0)) == 0
    assert fine_exponent(np.zeros(9)) == exponent_of(1 / 512)
