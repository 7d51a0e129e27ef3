from __future__ import annotations

import numpy as np
import pytest

from inrfit.errors import InputError
from inrfit.report import Entry

PICTURE = np.zeros((4, 5, 3), np.uint8)


@pytest.mark.parametrize(
    "picture",
    [np.zeros((4, 5), np.uint8), np.zeros((4, 5, 4), np.uint8), np.zeros((4, 5, 3), np.float32), PICTURE[:0]],
)
def test_pictures_must_be_rgb_bytes(picture):
    with pytest.raises(InputError, match=r"original picture of x must be \[height, width, 3\] uint8"):
        Entry(name="x", original=picture, decoded=picture)
    with pytest.raises(InputError, match="partition picture of x"):
        Entry(name="x", overlay=picture)


@pytest.mark.parametrize("decoded", [None, PICTURE[:2]])
def test_original_and_decoded_need_one_shape(decoded):
    with pytest.raises(InputError, match=r"\(4, 5, 3\)") as caught:
        Entry(name="x", original=PICTURE, decoded=decoded)
    assert caught.value.hint


def test_every_region_needs_an_area():
    with pytest.raises(InputError, match="2 regions have a PSNR and 1 an area"):
        Entry(name="x", region_psnr=[1.0, 2.0], areas=[7])
