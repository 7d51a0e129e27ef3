"""How values of options are read from text."""

from __future__ import annotations

import pytest

from inrfit import texts
from inrfit.errors import ConfigError


@pytest.mark.parametrize(
    ("read", "text", "value"),
    [
        (texts.count_of, "50000", 50_000),
        (texts.count_of, "200k", 200_000),
        (texts.count_of, "1.5M", 1_500_000),
        (texts.bytes_of, "1024", 1024),
        (texts.bytes_of, "512M", 512 << 20),
        (texts.bytes_of, "2 GiB", 2 << 30),
        (texts.bytes_of, "1.5kb", 1536),
        (texts.seconds_of, "90", 90.0),
        (texts.seconds_of, "60s", 60.0),
        (texts.seconds_of, "1.5m", 90.0),
        (texts.seconds_of, "2h", 7200.0),
    ],
)
def test_numbers_with_units(read, text, value):
    assert read(text, "--x") == value


@pytest.mark.parametrize("read", [texts.count_of, texts.bytes_of, texts.seconds_of])
@pytest.mark.parametrize(
    "text", ["", "many", "-1", "1e9", "nan", "inf", "1,000", "0x10", "k", "1 2", "9" * 400]
)
def test_what_is_no_number_is_refused_with_an_example(read, text):
    with pytest.raises(ConfigError, match="--x") as caught:
        read(text, "--x")
    assert caught.value.hint.startswith("for example --x ")


def test_counts():
    read = texts.counts("8x8")
    assert read("8x16", "--grid") == read(" 8×16 ", "--grid") == (8, 16)
    assert read("8", "--grid") == (8,)
    assert read("8,4X2", "--grid") == (8, 4, 2)
    for text in ("", "8x", "x8", "8xx8", "0x8", "8x0", "0", "-1x8", "axb", "1.5x2", "x".join("123456789")):
        with pytest.raises(ConfigError, match="--grid") as caught:
            read(text, "--grid")
        assert caught.value.hint == "for example --grid 8x8"


def test_one_number_or_one_for_each_axis():
    read = texts.one_or_each("2, or 1x2x2")
    assert read("0", "--overlap") == 0
    assert read("1x2×3", "--overlap") == (1, 2, 3)
    for text in ("", "-1", "1.5", "2x", "many"):
        with pytest.raises(ConfigError, match="--overlap") as caught:
            read(text, "--overlap")
        assert caught.value.hint == "for example --overlap 2, or 1x2x2"


def test_numbers_and_ends():
    assert texts.numbers("2.5,0.7,0.7")("2.5,0.7,.7", "--spacing") == (2.5, 0.7, 0.7)
    with pytest.raises(ConfigError, match="--spacing '1;2' is not made of numbers"):
        texts.numbers("2.5")("1;2", "--spacing")
    assert texts.ends("0:4095", "--range") == (0, 4095)
    assert texts.ends("data", "--range") == "data"
    assert texts.ends("1:2:3", "--range") == "1:2:3"
    assert texts.sample("-9999", "--nodata") == -9999
    assert texts.sample("none", "--nodata") == "none"


def test_regions():
    assert texts.region("0:4,-3:7", "--region") == ((0, 4), (-3, 7))
    assert texts.region(":4, -3:", "--region") == ((None, 4), (-3, None))
    assert texts.region(":", "--region") == ((None, None),)
    assert texts.region("1.5:3s", "--region") == ((1.5, 3),)
    for text in ("", "1", "1:2,3", "a:b", "1:2;3:4", "1:2:3", "1.:2", "1m:2m", "1e3:"):
        with pytest.raises(ConfigError, match="--region"):
            texts.region(text, "--region")


def test_sizes_are_typed_as_width_by_height_and_held_rows_first():
    assert texts.size("10x20", "--size") == (20, 10)


def test_colours_are_numbers_or_names_of_8_bit_samples():
    assert texts.colour("1,2.5,3", "--fill") == [1.0, 2.5, 3.0]
    assert texts.colour("red", "--fill") == "red"
    assert texts.named("red", "uint8", "rgb", "--fill") == [255.0, 0.0, 0.0]
    assert texts.named("#ffffff", "uint8", "grey", "--fill") == [255.0]
    for samples in (("uint16", "rgb"), ("uint8", "channels")):
        with pytest.raises(ConfigError, match="--fill 'red' is no value of"):
            texts.named("red", *samples, "--fill")
