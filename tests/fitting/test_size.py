"""Steps that meet a size or a quality: never beyond it, and not far below."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from make.data import textured

from inrfit import api
from inrfit.errors import ConfigError
from inrfit.fitting.size import COARSE, bisect_size, kept_as


@settings(max_examples=100, deadline=None)
@given(st.lists(st.integers(50, 100_000), min_size=1, max_size=4), st.integers(40, 50_000))
def test_each_file_is_as_fine_as_fits(weights, limit):
    """By a rule for bytes that falls as weights get coarser, of files that differ."""
    now = np.zeros(len(weights), np.int64)

    def change(coarse):
        nonlocal now
        now = coarse.copy()

    def bytes_at(count, coarse):
        return 30 + math.floor(count * math.log2(1 + 16 * 2.0 ** (-20 * coarse / COARSE)) / 8)

    sizes = [lambda n=n, c=c: bytes_at(c, int(now[n])) for n, c in enumerate(weights)]
    met = bisect_size(change, sizes, limit)
    for count, at, good in zip(weights, now.tolist(), met.tolist(), strict=True):
        assert good == (bytes_at(count, at) <= limit)
        assert good or at == COARSE
        assert at == 0 or bytes_at(count, at - 1) > limit


@pytest.mark.parametrize("size", [700, 1000, 1600])
def test_a_size_is_kept_and_used(size):
    field = api.fit(textured(24, 36), grid=(1, 2), target_size=size, steps=80, device="cpu")
    assert 0.98 * size <= len(api.to_bytes(field)) <= size


def test_a_size_in_bits_per_sample_is_kept():
    field = api.fit(textured(24, 36), grid=(1, 2), target_bpp=10.0, steps=80, device="cpu")
    assert 0.98 * 10 <= 8 * len(api.to_bytes(field)) / 864 <= 10


def test_the_size_of_a_sound_is_kept():
    t = np.arange(1500) / 8000
    sound = (0.4 * np.sin(2 * np.pi * 300 * t) + 0.2 * np.sin(2 * np.pi * 731 * t)).astype(np.float32)
    field = api.fit(sound, kind="audio", target_size=900, steps=80, device="cpu")
    data = api.to_bytes(field)
    assert 0.98 * 900 <= len(data) <= 900
    assert np.array_equal(api.load(data).decode(), field.decode())


def test_a_quality_that_is_asked_for_is_kept_and_hardly_exceeded():
    picture = textured(24, 36)
    options = {"grid": (1, 2), "hidden_features": 16, "hidden_layers": 1, "steps": 200, "device": "cpu"}
    usual = api.fit(picture, **options)
    assert usual.psnr > 27
    field = api.fit(picture, target_psnr=25.0, **options)
    assert 25.0 <= field.psnr <= 25.1


def test_sizes_that_hold_no_weights_are_refused():
    with pytest.raises(
        ConfigError, match=r"--target-size 300 is too small: about \d+ bytes are not weights"
    ) as e:
        api.fit(textured(24, 36), target_size=300, device="cpu")
    assert "allow at least" in str(e.value.hint)


def test_kept_as_is_what_a_file_gives_back():
    for kind in ("quantised", "float16"):
        field = api.fit(textured(16, 16), grid=(2, 2), steps=2, hidden_features=5, weights=kind)
        back = api.load(api.to_bytes(field))
        kept = kept_as(field)
        assert all(np.array_equal(kept.weights[name], w) for name, w in back.weights.items())
