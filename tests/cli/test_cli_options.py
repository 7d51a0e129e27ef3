"""How values of options are read."""

from __future__ import annotations

import pytest

from inrfit.cli import options
from inrfit.cli.console import number, size
from inrfit.errors import ConfigError


@pytest.mark.parametrize(
    ("read", "text", "value"),
    [
        (options.count_of, "50000", 50_000),
        (options.count_of, "200k", 200_000),
        (options.count_of, "1.5M", 1_500_000),
        (options.bytes_of, "1024", 1024),
        (options.bytes_of, "512M", 512 << 20),
        (options.bytes_of, "2 GiB", 2 << 30),
        (options.bytes_of, "1.5kb", 1536),
        (options.seconds_of, "90", 90.0),
        (options.seconds_of, "60s", 60.0),
        (options.seconds_of, "1.5m", 90.0),
        (options.seconds_of, "2h", 7200.0),
    ],
)
def test_numbers_with_units(read, text, value):
    assert read(text, "--x") == value


@pytest.mark.parametrize("read", [options.count_of, options.bytes_of, options.seconds_of])
@pytest.mark.parametrize(
    "text", ["", "many", "-1", "1e9", "nan", "inf", "1,000", "0x10", "k", "1 2", "9" * 400]
)
def test_what_is_no_number_is_refused_with_an_example(read, text):
    with pytest.raises(ConfigError, match="--x") as caught:
        read(text, "--x")
    assert caught.value.hint.startswith("for example --x ")


def test_pairs_and_regions():
    assert options.pair("8x16", "--grid", example="8x8") == (8, 16)
    assert options.pair(" 8×16 ", "--grid", example="8x8") == (8, 16)
    assert options.region("0:4,-3:7") == ((0, 4), (-3, 7))
    assert options.region(":4, -3:") == ((None, 4), (-3, None))
    assert options.region(":") == ((None, None),)
    assert options.pair(None, "--grid", example="8x8") is options.region(None) is None
    for text in ("", "8", "8x", "x8", "8x8x8", "0x8", "8x0", "-1x8", "axb", "1.5x2"):
        with pytest.raises(ConfigError, match="--grid"):
            options.pair(text, "--grid", example="8x8")
    for text in ("", "1", "1:2,3", "a:b", "1:2;3:4", "1:2:3"):
        with pytest.raises(ConfigError, match="--region"):
            options.region(text)


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
