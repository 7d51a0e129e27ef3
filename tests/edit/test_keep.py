"""What a crop shall keep: what can be read from strings and from Python values, and what cannot."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from inrfit.edit.keep import resolved, selection, shown
from inrfit.errors import ConfigError


@pytest.mark.parametrize(
    ("keep", "sets"),
    [
        ("0:8,0:8", ((slice(0, 8), slice(0, 8)),)),
        (" :4 , -2: ", ((slice(None, 4), slice(-2, None)),)),
        ("3", ((3,),)),
        (":,-1", ((slice(None), -1),)),
        (["0,0", "1:,1"], ((0, 0), (slice(1, None), 1))),
        ((slice(2), slice(1, None, 1)), ((slice(None, 2), slice(1, None)),)),
        ([1, np.int64(3)], ((1, 3),)),
    ],
)
def test_keep_sets(keep: Any, sets: tuple[Any, ...]) -> None:
    assert selection(keep, None, "out").sets == sets


@pytest.mark.parametrize(
    "keep",
    [
        *("", ",", "a", "1,", "1:2:3", "1.5", "--1", "1-3", "0x1", "9" * 11),
        *([], ["1", 2], [1.5], [None], 5, (slice(0, 8, 2),), (slice("a"),), np.arange(3)),
    ],
)
def test_what_is_no_keep_set(keep: Any) -> None:
    with pytest.raises(ConfigError, match="--keep") as caught:
        selection(keep, None, "out")
    assert caught.value.hint
    assert "\n" not in caught.value.message


@pytest.mark.parametrize("region", [5, "0:4", [4], [(1, 2, 3)], [("a", "b")], [(0.5, 2)], [None], 0])
def test_what_is_no_window(region: Any) -> None:
    with pytest.raises(ConfigError, match="is not a range for each axis"):
        selection(None, region, "out")


def test_one_way_to_say_it() -> None:
    with pytest.raises(ConfigError, match="neither was given"):
        selection(None, None, "out")
    with pytest.raises(ConfigError, match="both say what to keep"):
        selection("0,0", ((0, 1), (0, 1)), "out")
    with pytest.raises(ConfigError, match=r"--snap 'inn' is not known \(choose from out, in, error\)"):
        selection(None, ((0, 1), (0, 1)), "inn")
    with pytest.raises(ConfigError, match="--snap in is for --region"):
        selection("0,0", None, "in")


@pytest.mark.parametrize("count", [1, 2, 5])
def test_entries_mean_what_they_do_in_python_within_the_ends(count: int) -> None:
    things = list(range(count))
    for first in (None, *range(-count, count + 1)):
        for last in (None, *range(-count, count + 1)):
            span = resolved(slice(first, last), count)
            assert things[slice(first, last)] == ([] if span is None else things[slice(*span)])
    for number in range(-count, count):
        assert things[slice(*resolved(number, count) or (0, 0))] == [things[number]]


@pytest.mark.parametrize(
    "entry", [4, -5, slice(0, 5), slice(-5, 2), slice(4, None), slice(2, 2), slice(3, 1)]
)
def test_entries_that_are_empty_or_reach_beyond(entry: Any) -> None:
    assert resolved(entry, 4) is None


def test_entries_are_shown_as_they_are_typed() -> None:
    assert shown([3, slice(None, 4), slice(-2, None), slice(None)]) == "3,:4,-2:,:"
