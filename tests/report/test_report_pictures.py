from __future__ import annotations

import base64
import io

import numpy as np
import pytest
from PIL import Image

from inrfit.report.pictures import COLOURS, error_map, png_url, shown_size, shrunk


def grey(value: int, height: int = 10, width: int = 10) -> np.ndarray:
    return np.full((height, width, 3), value, np.uint8)


def test_shown_size_keeps_small_pictures_and_the_shape_of_big_ones():
    assert shown_size(1024, 300) == (1024, 300)
    assert shown_size(2048, 1000) == (1024, 500)
    assert shown_size(1, 90000) == (1, 1024)


def test_shrinking_averages():
    checks = np.indices((2048, 2048)).sum(0) % 2
    picture = np.repeat((checks * 200).astype(np.uint8)[..., None], 3, axis=-1)
    assert shrunk(picture).shape == (1024, 1024, 3)
    assert (shrunk(picture) == 100).all()
    assert shrunk(checks.astype(np.float32)) == pytest.approx(np.full((1024, 1024), 0.5))


@pytest.mark.parametrize(
    ("error", "factor"), [(2, 100), (3, 50), (5, 50), (12, 20), (25, 10), (51, 5), (127, 2), (200, 1)]
)
def test_the_amplification_is_the_strongest_that_fits(error, factor):
    assert error_map(grey(20), grey(20 + error)).factor == factor


def test_an_exact_picture_has_a_black_map():
    result = error_map(grey(7), grey(7))
    assert result.factor == 1
    assert (result.picture == COLOURS[0]).all()


def test_one_wrong_pixel_still_sets_the_scale():
    decoded = grey(0, 100, 100)
    decoded[3, 4] = 255
    result = error_map(grey(0, 100, 100), decoded)
    assert result.factor == 1
    assert (result.picture[3, 4] == COLOURS[-1]).all()
    assert (result.picture[0, 0] == COLOURS[0]).all()


def test_the_map_is_the_mean_over_channels_and_takes_no_sign():
    original, decoded = grey(100), grey(100)
    original[..., 0], decoded[..., 1] = 130, 130  # mean error 20: factor 10, 200 of 255
    result = error_map(original, decoded)
    assert result.factor == 10
    stops = np.linspace(0, 1, 5)
    expected = [round(float(np.interp(200 / 255, stops, COLOURS[:, c]))) for c in range(3)]
    assert result.picture[0, 0].tolist() == expected


def test_png_addresses_hold_the_picture():
    picture = np.random.default_rng(0).integers(0, 256, (3, 5, 3), dtype=np.uint8)
    head, _, data = png_url(picture).partition(",")
    assert head == "data:image/png;base64"
    assert np.array_equal(np.asarray(Image.open(io.BytesIO(base64.b64decode(data)))), picture)
