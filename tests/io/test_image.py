"""The registry entry for images: content decides the format, sources are identified, arrays are taken."""

from __future__ import annotations

import hashlib
from collections.abc import Callable

import numpy as np
import pytest
from make.images import image_of, read_image

from inrfit.errors import InputError
from inrfit.io.image import ImageIO
from inrfit.registry import load


def test_the_registry_knows_it() -> None:
    assert load("signal", "image") is ImageIO
    assert ImageIO.kind == "image"


def test_the_source_is_identified(
    noise: Callable[..., np.ndarray], pillow_file: Callable[..., bytes]
) -> None:
    data = pillow_file(noise(5, 3), "PNG")
    info = read_image(data, "a.png").info
    assert info.sha256 == hashlib.sha256(data).hexdigest()
    assert (info.kind, info.suffix, info.notes) == ("image", ".png", ())


@pytest.mark.parametrize(
    ("form", "suffix"),
    [
        ("JPEG", ".jpg"),
        ("TIFF", ".tif"),
        ("WEBP", ".webp"),
        ("AVIF", ".avif"),
        ("PPM", ".ppm"),
        ("GIF", ".gif"),
    ],
)
def test_content_decides_the_format(
    noise: Callable[..., np.ndarray], pillow_file: Callable[..., bytes], form: str, suffix: str
) -> None:
    data = pillow_file(noise(16, 24), form)
    info = read_image(data, "photo.PNG").info
    assert info.suffix == suffix
    assert f"the file is named .PNG but holds {form}" in info.notes
    assert read_image(data, "photo" + suffix.upper()).info.notes == ()
    assert read_image(data, "<stdin>").info.notes == ()
    assert ImageIO().recognises(data)


@pytest.mark.parametrize("data", [b"this is not an image at all", b"\0" * 50, b"P632 358", b"<svg></svg>"])
def test_other_files_are_refused(data: bytes) -> None:
    assert not ImageIO().recognises(data)
    with pytest.raises(
        InputError, match=r"^text\.png: is not an image inrfit knows, it begins with"
    ) as caught:
        read_image(data, "text.png")
    assert "PNG, JPEG" in (caught.value.hint or "")
    assert "\n" not in caught.value.message


def test_arrays_are_taken() -> None:
    signal = image_of(np.eye(3))
    assert signal.info.colour == "grey"
    assert signal.info.suffix == ".npy"
