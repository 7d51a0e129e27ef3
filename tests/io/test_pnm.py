"""Portable maps: deep ones keep their values and their white, shallow ones go through Pillow."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from make.images import read_image

from inrfit.errors import InputError


@pytest.mark.parametrize(("magic", "channels"), [(b"P5", 1), (b"P6", 3)])
@pytest.mark.parametrize("white", [256, 4095, 65535])
def test_deep_binary_maps_are_exact(
    noise: Callable[..., np.ndarray], magic: bytes, channels: int, white: int
) -> None:
    values = noise(5, 3, channels, "uint16").astype(int) % (white + 1)
    data = magic + b"\n# a comment\n3 5 #another\n%d\n" % white + values.astype(">u2").tobytes()
    signal = read_image(data, "a.ppm")
    assert np.array_equal(signal.values, values)
    assert signal.info.dtype == "uint16"
    assert signal.info.value_range == (0, white)


@pytest.mark.parametrize(("magic", "channels"), [(b"P2", 1), (b"P3", 3)])
def test_deep_text_maps_are_exact(noise: Callable[..., np.ndarray], magic: bytes, channels: int) -> None:
    values = noise(2, 3, channels, "uint16")
    data = magic + b" 3 2 65535\n" + b"\n".join(b"%d" % value for value in values.ravel())
    assert np.array_equal(read_image(data, "a.pgm").values, values)


def test_shallow_maps_are_eight_bit(noise: Callable[..., np.ndarray]) -> None:
    values = noise(5, 3, 3)
    signal = read_image(b"P6 3 5 255\n" + values.tobytes(), "a.ppm")
    assert np.array_equal(signal.values, values)
    assert signal.info.suffix == ".ppm"
    bitmap = read_image(b"P4 8 1\n\xa5", "a.pbm")
    assert bitmap.values[0, :, 0].tolist() == [0, 255, 0, 255, 255, 0, 255, 0]


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"P5 3 5 65535\n" + bytes(29), "it is cut off"),
        (b"P5 3 5 65536\n" + bytes(60), "largest value is 65536"),
        (b"P5 1 1 1000\n\x04\x00", "above its largest value 1000"),
        (b"P2 1 1 1000\n-5", "above its largest value"),
        (b"P2 1 1 1000\nfive", "cannot be read as PPM"),
        (b"P5 0 5 65535\n", "has no samples"),
        (b"P5 99999 99999 65535\n", "9999800001 pixels, more than the 268435456 allowed"),
        (b"P6 99999 99999 255\n", "9999800001 pixels, more than the 268435456 allowed"),
    ],
)
def test_damaged_maps_are_refused(data: bytes, message: str) -> None:
    with pytest.raises(InputError, match=r"^a\.pgm: .*" + message):
        read_image(data, "a.pgm")
