"""Errors in two bytes: every code comes back, what is lost is small, and what is no error is refused."""

from __future__ import annotations

import math

import pytest
from make.format import errors

from inrfit.codec import mse
from inrfit.errors import ContainerError

ALL = b"".join(code.to_bytes(2, "little") for code in range(1 << 16))


def test_every_code_comes_back() -> None:
    assert mse.pack(mse.unpack(ALL)) == ALL


def test_a_second_reader_finds_the_same_errors() -> None:
    assert mse.unpack(ALL) == pytest.approx(errors(ALL), rel=1e-12)
    assert mse.unpack((61440).to_bytes(2, "little")) == [1.0]


def test_codes_rise_with_the_error() -> None:
    values = mse.unpack(ALL)
    assert values == sorted(set(values))


@pytest.mark.parametrize("error", [4.0, 1.0, 0.3, 1 / 3, 1e-3, 7.7e-9, 1e-17, 15.9])
def test_an_error_is_kept_to_0_002_db(error: float) -> None:
    (kept,) = mse.rounded([error])
    assert abs(10 * math.log10(kept / error)) < 0.0015
    assert mse.rounded([kept]) == (kept,)


def test_0_is_exact_and_nothing_else_becomes_0() -> None:
    assert mse.rounded([0.0, -0.0]) == (0.0, 0.0)
    assert mse.pack([5e-324, 2.0**-60]) == b"\x01\x00\x01\x00"
    assert mse.pack([1e30, 16.0]) == b"\xff\xff\xff\xff"


@pytest.mark.parametrize("error", [math.nan, math.inf, -1e-9])
def test_what_is_no_error_is_refused(error: float) -> None:
    with pytest.raises(ContainerError, match="mse is"):
        mse.pack([error])
