"""Samples that are not there: transparent where the format holds alpha, white elsewhere."""

from __future__ import annotations

import numpy as np
import pytest
from make.images import whole

from inrfit import io
from inrfit.io.formats import COLOURS
from inrfit.io.transparency import transparent
from inrfit.signal import INTEGER_RANGES, SignalInfo

COVERED = np.array([[True, False, True], [True, True, False]])


def picture(dtype: str, channels: int) -> tuple[np.ndarray, SignalInfo]:
    value_range = INTEGER_RANGES.get(dtype, (0.0, 1.0))
    values = np.full((2, 3, channels), value_range[1] / 2).astype(dtype)
    return values, SignalInfo(dtype=dtype, value_range=value_range, colour=COLOURS.get(channels, "channels"))


@pytest.mark.parametrize(
    ("dtype", "channels", "suffix"),
    [
        ("uint8", 1, ".png"),
        ("uint8", 3, ".webp"),
        ("uint8", 3, ".avif"),
        ("uint8", 1, ".avif"),
        ("uint8", 1, ".webp"),
        ("uint8", 3, ".tif"),
        ("uint16", 1, ".png"),
        ("uint16", 3, ".tif"),
        ("float32", 3, ".tif"),
        ("float32", 1, ".npy"),
    ],
)
def test_an_image_without_alpha_gets_it(dtype: str, channels: int, suffix: str) -> None:
    values, info = picture(dtype, channels)
    made, known, holes = io.with_holes(values, info, COVERED, suffix)
    assert holes
    assert known.colour == info.colour + "-alpha"
    assert np.array_equal(made[..., :-1], values)
    full = {"uint8": 255, "uint16": 65535, "float32": 1}[dtype]
    assert np.array_equal(made[..., -1], np.where(COVERED, full, 0))
    back = io.read(b"".join(io.encode(whole(made, known), suffix, name="x" + suffix))).dense()
    assert np.array_equal(back[..., -1] > full // 2, COVERED)


@pytest.mark.parametrize("channels", [2, 4])
def test_alpha_that_is_there_becomes_0(channels: int) -> None:
    values, info = picture("uint8", channels)
    before = values.copy()
    made, known, holes = io.with_holes(values, info, COVERED, ".png")
    assert (holes, known) == (True, info)
    assert np.array_equal(made[..., -1], np.where(COVERED, 127, 0))
    assert np.array_equal(made[..., :-1], values[..., :-1])
    assert np.array_equal(values, before)


@pytest.mark.parametrize(
    ("dtype", "channels", "suffix"),
    [
        ("uint8", 3, ".jpg"),
        ("uint8", 1, ".bmp"),
        ("uint16", 7, ".npy"),
        ("float32", 5, ".npy"),
        ("uint8", 3, ".xyz"),
    ],
)
def test_without_a_place_for_alpha_they_are_white(dtype: str, channels: int, suffix: str) -> None:
    values, info = picture(dtype, channels)
    assert transparent(values, info, COVERED, suffix) is None
    made, known, holes = io.with_holes(values, info, COVERED, suffix)
    assert (holes, known, made.dtype) == (False, info, values.dtype)
    assert (made[~COVERED] == info.value_range[1]).all()
    assert np.array_equal(made[COVERED], values[COVERED])


def test_an_image_that_is_all_there_stays_as_it_is() -> None:
    values, info = picture("uint8", 3)
    made, known, _ = io.with_holes(values, info, np.ones((2, 3), bool), ".png")
    assert made is values
    assert known is info
