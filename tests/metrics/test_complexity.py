"""How many cosines a signal takes: none for what is even, and more for more detail and for a higher PSNR."""

from __future__ import annotations

import numpy as np
import pytest

from inrfit import api
from inrfit.metrics.complexity import terms


def signal_of(array: np.ndarray):
    return api.read(array)


def test_an_even_picture_takes_a_cosine_for_each_block():
    even = np.full((64, 96, 1), 200, np.uint8)
    assert terms(signal_of(even), 40) == 2 * 3  # of 32 x 32


def test_one_cosine_takes_one_more():
    x = (np.arange(32) + 0.5) * np.pi / 32
    wave = (80 + 60 * np.cos(3 * x)[None, :, None] * np.ones((32, 1, 1))).astype(np.uint8)
    assert terms(signal_of(wave), 40) == 2


@pytest.mark.parametrize("shape", [(70, 50, 3), (70, 50, 1), (33, 31, 3)])
def test_noise_takes_more_the_higher_the_psnr_and_never_more_than_there_is(shape):
    noise = np.random.default_rng(0).integers(0, 256, shape).astype(np.uint8)
    found = [terms(signal_of(noise), psnr) for psnr in (10, 20, 30, 60)]
    assert found == sorted(set(found))
    sides = [-(-side // 32) * 32 for side in shape[:2]]
    assert found[-1] <= np.prod(sides) * shape[2]


def test_colours_that_go_together_take_no_more_than_grey():
    grey = np.random.default_rng(0).integers(0, 256, (32, 32, 1)).astype(np.uint8)
    one, three = terms(signal_of(grey), 25), terms(signal_of(np.repeat(grey, 3, 2)), 25)
    assert three == pytest.approx(one, abs=1)
