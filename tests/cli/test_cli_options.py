"""How values of options are read."""

from __future__ import annotations

import pytest

from inrfit.cli import options
from inrfit.cli.console import number, size
from inrfit.errors import ConfigError


def test_regions():
    assert options.region("0:4,-3:7") == ((0, 4), (-3, 7))
    assert options.region(":4, -3:") == ((None, 4), (-3, None))
    assert options.region(":") == ((None, None),)
    assert options.region("1.5:3s") == ((1.5, 3),)
    assert options.region(None) is None
    for text in ("", "1", "1:2,3", "a:b", "1:2;3:4", "1:2:3", "1.:2", "1m:2m", "1e3:"):
        with pytest.raises(ConfigError, match="--region"):
            options.region(text)


def test_rates_are_not_factors():
    assert options.rate(192_000, "--rate") == 192_000
    with pytest.raises(ConfigError, match="--scale 192000 must lie between 0 and 10000"):
        options.factor(192_000, "--scale")
    for value in (0, -1.0, float("nan"), float("inf"), 1e9):
        with pytest.raises(ConfigError, match="--rate"):
            options.rate(value, "--rate")


def test_numbers_for_people():
    assert [size(n) for n in (0, 999, 1000, 61_234, 5_000_000, 10**13)] == [
        "0 B",
        "999 B",
        "1.0 kB",
        "61.2 kB",
        "5.0 MB",
        "10000.0 GB",
    ]
    assert number(None) == "-"
    assert number(1234567, unit="weights") == "1,234,567 weights"
    assert number(float("inf"), 2, "dB") == "inf dB"
