"""Damaged files of every format: cut anywhere they are refused, with any byte changed nothing else escapes."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import Any

import cv2
import numpy as np
import pytest
from make.images import encoded_image, read_image
from PIL import Image

from inrfit.errors import InputError
from inrfit.signal import SignalInfo


def pillow(form: str, **options: Any) -> Callable[[np.ndarray], bytes]:
    def make(values: np.ndarray) -> bytes:
        file = io.BytesIO()
        Image.fromarray((values >> 8).astype(np.uint8)).save(file, form, **options)
        return file.getvalue()

    return make


def ours(suffix: str) -> Callable[[np.ndarray], bytes]:
    return lambda values: encoded_image(values, SignalInfo(dtype="uint16"), suffix, "a" + suffix)


FILES: dict[str, Callable[[np.ndarray], bytes]] = {
    "png 8 bit": pillow("PNG"),
    "png 16 bit": ours(".png"),
    "jpeg": pillow("JPEG"),
    "progressive jpeg": pillow("JPEG", progressive=True),
    "webp": pillow("WEBP"),
    "lossless webp": pillow("WEBP", lossless=True),
    "avif": pillow("AVIF"),
    "tiff 8 bit": pillow("TIFF"),
    "tiff 8 bit lzw": pillow("TIFF", compression="tiff_lzw"),
    "tiff 8 bit jpeg": pillow("TIFF", compression="jpeg"),
    "tiff 16 bit": ours(".tif"),
    "tiff 16 bit lzw": lambda values: cv2.imencode(".tiff", values)[1].tobytes(),
    "bmp": pillow("BMP"),
    "gif": pillow("GIF"),
    "ppm": pillow("PPM"),
    "deep ppm": lambda values: b"P6 11 9 65535\n" + values.astype(">u2").tobytes(),
    "npy": ours(".npy"),
}


@pytest.fixture
def values() -> np.ndarray:
    rng = np.random.default_rng(0)
    smooth = np.linspace(0, 60_000, 9 * 11 * 3).reshape(9, 11, 3)
    return (smooth + rng.integers(0, 5000, smooth.shape)).astype(np.uint16)


@pytest.mark.parametrize("label", FILES)
def test_a_file_cut_anywhere_is_refused_or_whole(
    label: str, values: np.ndarray, capfd: pytest.CaptureFixture[str]
) -> None:
    data = FILES[label](values)
    whole = read_image(data, "a").values
    for size in range(1, len(data), 3):
        try:
            cut = read_image(data[:size], "a").values
        except InputError as error:
            assert "\n" not in error.message
        else:
            assert np.array_equal(cut, whole), f"{size} of {len(data)} bytes were read as if they were all"
    with pytest.raises(InputError):
        read_image(data[: len(data) // 2], "a")
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("label", FILES)
def test_a_changed_byte_gives_samples_or_an_input_error(
    label: str, values: np.ndarray, capfd: pytest.CaptureFixture[str]
) -> None:
    data = FILES[label](values)
    rng = np.random.default_rng(1)
    for trial in range(250):
        damaged = bytearray(data)
        damaged[rng.integers(len(data) if trial % 2 else min(len(data), 200))] = rng.integers(256)
        try:
            signal = read_image(bytes(damaged), "a")
        except InputError as error:
            assert error.message.startswith("a: ")
            assert "\n" not in error.message
        else:
            assert np.isfinite(signal.values).all()
    assert capfd.readouterr().out == ""
