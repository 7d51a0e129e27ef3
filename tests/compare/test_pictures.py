from __future__ import annotations

from io import BytesIO

import numpy as np
import pytest
from make.data import textured
from PIL import Image, features

from inrfit.compare import pictures
from inrfit.errors import ConfigError, InputError
from inrfit.registry import names

CODECS = [
    pytest.param(
        name,
        marks=pytest.mark.skipif(name != "jpeg" and not features.check(name), reason=f"Pillow has no {name}"),
    )
    for name in names("picture-codec")
]


def picture(channels: int = 3, size: tuple[int, int] = (40, 56)) -> np.ndarray:
    colours = textured(*size)
    alpha = np.broadcast_to(np.linspace(0, 255, size[1]).astype(np.uint8)[None, :, None], (*size, 1))
    return {
        1: colours[..., :1],
        2: np.concatenate([colours[..., :1], alpha], axis=2),
        3: colours,
        4: np.concatenate([colours, alpha], axis=2),
    }[channels]


@pytest.mark.parametrize("name", CODECS)
@pytest.mark.parametrize("channels", [1, 3])
def test_more_quality_is_more_bytes_and_more_psnr(name: str, channels: int) -> None:
    found = pictures.curve(picture(channels), name, [10, 50, 90])
    assert [point.quality for point in found] == [10, 50, 90]
    assert found[0].bytes < found[1].bytes < found[2].bytes
    assert found[0].psnr < found[1].psnr < found[2].psnr


@pytest.mark.parametrize("name", CODECS)
def test_a_point_is_a_real_file_and_what_pillow_reads_of_it(name: str) -> None:
    samples = picture()
    data = pictures.encode(samples, name, 60)
    with Image.open(BytesIO(data)) as image:
        assert image.format is not None
        assert image.format.lower() == name
        assert "icc_profile" not in image.info
        error = np.square(np.asarray(image.convert("RGB"), np.float64) - samples).mean()
    point = pictures.point(samples, name, 60)
    assert point.bytes == len(data)
    assert point.psnr == pytest.approx(10 * np.log10(255**2 / error))
    assert pictures.encode(samples, name, 60) == data


@pytest.mark.parametrize("name", CODECS)
@pytest.mark.parametrize("channels", [2, 4])
def test_alpha_is_kept_or_refused(name: str, channels: int) -> None:
    samples = picture(channels)
    if name == "jpeg":
        assert pictures.refusal(samples, name) == "it holds no transparency"
        with pytest.raises(InputError, match="jpeg cannot hold the picture: it holds no transparency"):
            pictures.encode(samples, name, 60)
        return
    decoded = pictures.decode(pictures.encode(samples, name, 90), channels)
    assert decoded.shape == samples.shape
    assert np.abs(decoded[..., -1].astype(int) - samples[..., -1]).mean() < 4
    full = samples.copy()
    full[..., -1] = 255  # codecs leave it out
    assert (pictures.decode(pictures.encode(full, name, 90), channels)[..., -1] == 255).all()


def test_jpeg_is_progressive_with_half_the_colours() -> None:
    data = pictures.encode(picture(), "jpeg", 75)
    at = data.index(b"\xff\xc2")  # the start of a progressive frame; its first component is 2 x 2
    assert data[at + 11] == 0x22


@pytest.mark.parametrize(
    ("samples", "quality", "error", "said"),
    [
        (picture().astype(np.uint16), 50, InputError, "uint8"),
        (picture()[..., 0], 50, InputError, "needs a picture"),
        (np.zeros((4, 4, 5), np.uint8), 50, InputError, "1 to 4 channels, the picture has 5"),
        (picture(), 0, ConfigError, "quality 0 of jpeg is not one of 1 to 100"),
        (picture(), 101, ConfigError, "quality 101"),
    ],
)
def test_what_cannot_be_encoded_is_refused(
    samples: np.ndarray, quality: int, error: type[Exception], said: str
) -> None:
    with pytest.raises(error, match=said):
        pictures.encode(samples, "jpeg", quality)


def test_a_size_that_a_codec_cannot_hold_is_refused() -> None:
    with pytest.raises(InputError, match="cannot be written as webp"):
        pictures.encode(np.zeros((1, 20_000, 1), np.uint8), "webp", 50)


def test_a_codec_that_pillow_lacks_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(features, "check", lambda name: name != "avif")
    with pytest.raises(ConfigError, match="avif is not there: Pillow was built without it") as caught:
        pictures.codec("avif")
    assert caught.value.hint == "choose from jpeg, webp, or install a Pillow with it"
