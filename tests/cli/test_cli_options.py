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


def test_counts_and_regions():
    assert options.counts("8x16", "--grid", example="8x8") == (8, 16)
    assert options.counts(" 8×16 ", "--grid", example="8x8") == (8, 16)
    assert options.counts("8", "--grid", example="8x8") == (8,)
    assert options.counts("8,4X2", "--grid", example="8x8") == (8, 4, 2)
    assert options.region("0:4,-3:7") == ((0, 4), (-3, 7))
    assert options.region(":4, -3:") == ((None, 4), (-3, None))
    assert options.region(":") == ((None, None),)
    assert options.region("1.5:3s") == ((1.5, 3),)
    assert options.counts(None, "--grid", example="8x8") is options.region(None) is None
    for text in ("", "8x", "x8", "8xx8", "0x8", "8x0", "0", "-1x8", "axb", "1.5x2", "x".join("123456789")):
        with pytest.raises(ConfigError, match="--grid"):
            options.counts(text, "--grid", example="8x8")
    for text in ("", "1", "1:2,3", "a:b", "1:2;3:4", "1:2:3", "1.:2", "1m:2m", "1e3:"):
        with pytest.raises(ConfigError, match="--region"):
            options.region(text)


def test_one_number_or_one_for_each_axis():
    assert options.one_or_each("0", "--overlap", example="2") == 0
    assert options.one_or_each("1x2×3", "--overlap", example="2") == (1, 2, 3)
    assert options.one_or_each(None, "--overlap", example="2") is None
    for text in ("", "-1", "1.5", "2x", "many"):
        with pytest.raises(ConfigError, match="--overlap") as caught:
            options.one_or_each(text, "--overlap", example="2, or 1x2x2")
        assert caught.value.hint == "for example --overlap 2, or 1x2x2"


def test_rates_are_not_factors():
    assert options.rate(192_000, "--rate") == 192_000
    with pytest.raises(ConfigError, match="--scale 192000 must lie between 0 and 10000"):
        options.factor(192_000, "--scale")
    for value in (0, -1.0, float("nan"), float("inf"), 1e9):
        with pytest.raises(ConfigError, match="--rate"):
            options.rate(value, "--rate")


def test_words_of_reading():
    assert options.reading(None, None, None, None, None) == {}
    assert options.reading("image", "copy", "sdf", 64, "2.5,0.7,.7") == {
        "kind": "image",
        "sound": "copy",
        "target": "sdf",
        "resolution": 64,
        "spacing": (2.5, 0.7, 0.7),
    }
    with pytest.raises(ConfigError, match="--spacing '1;2' is not made of numbers"):
        options.reading(None, None, None, None, "1;2")


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
