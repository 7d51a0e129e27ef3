"""Samples to image files: lossless round trips, metadata, what each format refuses, and default suffixes."""

from __future__ import annotations

import io
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from make.images import encoded_image, read_image
from PIL import Image
from PIL.JpegImagePlugin import JpegImageFile, get_sampling

from inrfit.domain import image_domain
from inrfit.errors import OutputError
from inrfit.io.formats import COLOURS, FORMATS
from inrfit.io.image import ImageIO
from inrfit.signal import INTEGER_RANGES, Bands, SignalInfo

SIZES = [(1, 1), (1, 7), (7, 1), (5, 3)]
LOSSLESS = [
    (suffix, dtype, channels)
    for form in FORMATS
    if form.name in ("PNG", "TIFF", "BMP", "NPY")
    for suffix in form.suffixes
    for dtype in form.dtypes
    for channels in form.channels
    if channels <= 6
]


def info_of(values: np.ndarray, icc: bytes | None = None, exif: bytes | None = None) -> SignalInfo:
    dtype = values.dtype.name
    return SignalInfo(
        dtype=dtype,
        value_range=INTEGER_RANGES.get(dtype, (0, 1)),
        colour=COLOURS.get(values.shape[-1], "channels"),
        icc=icc,
        exif=exif,
    )


def encoded(values: np.ndarray, suffix: str, icc: bytes | None = None, exif: bytes | None = None) -> bytes:
    return encoded_image(values, info_of(values, icc, exif), suffix, "out" + suffix)


@pytest.mark.parametrize(("suffix", "dtype", "channels"), LOSSLESS)
@pytest.mark.parametrize("size", SIZES)
def test_lossless_formats_give_the_same_samples_back(
    noise: Callable[..., np.ndarray], size: tuple[int, int], suffix: str, dtype: str, channels: int
) -> None:
    values = noise(*size, channels, dtype)
    signal = read_image(encoded(values, suffix), "out" + suffix)
    assert np.array_equal(signal.values, values)
    assert signal.info.dtype == dtype
    assert signal.info.colour == info_of(values).colour
    assert signal.info.notes == ()


@settings(max_examples=60, deadline=None)
@given(
    size=st.tuples(st.integers(1, 40), st.integers(1, 40)),
    case=st.sampled_from(LOSSLESS),
    seed=st.integers(0, 2**31),
)
def test_lossless_formats_at_any_size(size: tuple[int, int], case: tuple[str, str, int], seed: int) -> None:
    suffix, dtype, channels = case
    rng = np.random.default_rng(seed)
    high = 1 if dtype == "float32" else np.iinfo(dtype).max
    values = (rng.random((*size, channels)) * high).astype(dtype)
    assert np.array_equal(read_image(encoded(values, suffix), "x").values, values)


@pytest.mark.parametrize("channels", [1, 2, 3, 4])
@pytest.mark.parametrize("size", SIZES)
def test_webp_is_lossless_with_grey_as_rgb(
    noise: Callable[..., np.ndarray], size: tuple[int, int], channels: int
) -> None:
    values = noise(*size, channels)
    expected = values if channels > 2 else np.concatenate([values[..., :1]] * 3 + [values[..., 1:]], axis=-1)
    assert np.array_equal(read_image(encoded(values, ".webp"), "x").values, expected)


def test_colours_under_transparent_webp_pixels_are_kept(noise: Callable[..., np.ndarray]) -> None:
    values = noise(16, 16, 4)
    values[..., 3] = 0
    assert np.array_equal(read_image(encoded(values, ".webp"), "x").values, values)


@pytest.mark.parametrize(("suffix", "least"), [(".jpg", 40), (".jpeg", 40), (".avif", 38)])
@pytest.mark.parametrize("channels", [1, 3])
def test_lossy_formats_are_close_and_keep_the_colours_sharp(suffix: str, least: float, channels: int) -> None:
    y, x = np.mgrid[:32, :48]
    planes = [128 + 100 * np.sin(x / 9), 128 + 100 * np.cos(y / 7), 128 + 60 * np.sin((x + y) / 8)]
    values = np.stack(planes[:channels], axis=-1).astype(np.uint8)
    decoded = read_image(encoded(values, suffix), "x")
    error = np.mean((decoded.values.astype(float) - values) ** 2)
    assert 10 * np.log10(255**2 / error) > least
    assert decoded.info.colour == info_of(values).colour


def test_avif_keeps_alpha() -> None:
    values = np.full((16, 16, 4), 90, np.uint8)
    decoded = read_image(encoded(values, ".avif"), "x")
    assert decoded.info.colour == "rgb-alpha"
    assert np.abs(decoded.values.astype(int) - values).max() <= 2


def test_jpeg_does_not_subsample_colours(noise: Callable[..., np.ndarray]) -> None:
    image = Image.open(io.BytesIO(encoded(noise(16, 16), ".jpg")))
    assert isinstance(image, JpegImageFile)
    assert get_sampling(image) == 0


@pytest.mark.parametrize(
    ("suffix", "dtype", "channels"),
    [
        (form.suffixes[0], dtype, channels)
        for form in FORMATS
        if form.name in ("PNG", "JPEG", "WEBP", "AVIF", "TIFF")
        for dtype in form.dtypes
        for channels in (1, 3)
    ],
)
def test_profile_and_exif_are_written_back(
    noise: Callable[..., np.ndarray],
    exif_block: Callable[..., bytes],
    icc: bytes,
    suffix: str,
    dtype: str,
    channels: int,
) -> None:
    values = noise(16, 24, channels, dtype)
    data = encoded(values, suffix, icc=icc, exif=exif_block().removeprefix(b"Exif\0\0"))
    info = read_image(data, "x").info
    assert info.icc == (None if suffix == ".webp" and channels == 1 else icc)
    kept = Image.Exif()
    kept.load(info.exif or b"")
    assert (kept[271], kept[33432]) == ("Maker of cameras", "Someone")
    assert kept.get_ifd(0x8769)[36867] == "2021:02:03 04:05:06"


def test_a_single_channel_becomes_a_flat_array(noise: Callable[..., np.ndarray]) -> None:
    assert np.load(io.BytesIO(encoded(noise(5, 3, 1), ".npy"))).shape == (5, 3)
    assert np.load(io.BytesIO(encoded(noise(5, 3, 3, "uint16"), ".npy"))).dtype == np.uint16


@pytest.mark.parametrize(
    ("suffix", "dtype", "channels", "hint"),
    [
        (".jpg", "uint8", 4, "write .png, .webp, .avif, .tif, .npy"),
        (".jpeg", "uint8", 2, "write .png, .webp, .avif, .tif, .npy"),
        (".bmp", "uint8", 4, "write .png, .webp, .avif, .tif, .npy"),
        (".jpg", "uint16", 3, "write .png, .tif, .npy"),
        (".webp", "uint16", 3, "write .png, .tif, .npy"),
        (".avif", "uint16", 1, "write .png, .tif, .npy"),
        (".bmp", "uint16", 1, "write .png, .tif, .npy"),
        (".png", "float32", 3, "write .tif, .npy"),
        (".jpg", "float32", 1, "write .tif, .npy"),
        (".png", "uint8", 5, "write .tif, .npy"),
        (".png", "float32", 7, "write .tif, .npy"),
    ],
)
def test_what_a_format_cannot_hold_is_refused_with_those_that_can(
    noise: Callable[..., np.ndarray], suffix: str, dtype: str, channels: int, hint: str
) -> None:
    message = f"^out{suffix}: [A-Z]+ cannot hold {dtype} samples with {channels} channels"
    with pytest.raises(OutputError, match=message) as caught:
        encoded(noise(5, 3, channels, dtype), suffix)
    assert caught.value.hint == hint


@pytest.mark.parametrize("suffix", [".gif", ".ppm", ".xyz", ""])
def test_unknown_suffixes_are_refused_with_the_known(noise: Callable[..., np.ndarray], suffix: str) -> None:
    with pytest.raises(OutputError, match="is not a format inrfit writes") as caught:
        encoded(noise(5, 3), suffix)
    assert caught.value.hint == "write .png, .jpg, .jpeg, .webp, .avif, .tif, .tiff, .bmp, .npy"


@pytest.mark.parametrize("suffix", [".jpg", ".webp"])
def test_an_image_too_long_for_a_format_is_refused(suffix: str) -> None:
    with pytest.raises(OutputError, match=f"^out{suffix}: cannot be written as"):
        encoded(np.zeros((1, 70_000, 3), np.uint8), suffix)


def test_exif_too_long_for_jpeg_is_refused(noise: Callable[..., np.ndarray]) -> None:
    block = Image.Exif()
    block[270] = "x" * 70_000
    with pytest.raises(OutputError, match="cannot be written as JPEG"):
        encoded(noise(5, 3), ".jpg", exif=block.tobytes().removeprefix(b"Exif\0\0"))


@pytest.mark.parametrize(
    ("suffix", "dtype", "colour", "expected"),
    [
        (".png", "uint8", "rgb", ".png"),
        (".jpg", "uint8", "rgb", ".jpg"),
        (".jpg", "uint8", "rgb-alpha", ".png"),
        (".webp", "uint8", "rgb-alpha", ".webp"),
        (".gif", "uint8", "rgb", ".png"),
        (".ppm", "uint16", "grey", ".png"),
        (".tif", "uint16", "rgb", ".tif"),
        (".tif", "float32", "rgb", ".tif"),
        (".tif", "uint16", "channels", ".tif"),
        (".png", "uint16", "channels", ".npy"),
        (".npy", "uint8", "rgb", ".npy"),
        (".npy", "float32", "channels", ".npy"),
        ("", "uint8", "rgb", ".png"),
        ("", "float32", "rgb", ".npy"),
    ],
)
def test_default_suffixes(suffix: str, dtype: str, colour: str, expected: str) -> None:
    assert ImageIO().default_suffix(SignalInfo(suffix=suffix, dtype=dtype, colour=colour)) == expected


@pytest.mark.parametrize(
    ("suffix", "dtype", "channels"),
    [
        (".png", "uint8", 3),
        (".png", "uint16", 4),
        (".npy", "float32", 7),
        (".npy", "uint8", 1),
        (".tif", "float32", 3),
        (".jpg", "uint8", 3),
    ],
)
def test_bands_make_the_file_of_the_whole(
    noise: Callable[..., np.ndarray], suffix: str, dtype: str, channels: int
) -> None:
    values = noise(13, 5, channels, dtype)
    cut = Bands(
        bands=iter([values[:1], values[1:9], values[9:]]),
        domain=image_domain(13, 5),
        channels=channels,
        info=info_of(values),
    )
    whole = encoded(values, suffix)
    assert b"".join(ImageIO().encode(cut, suffix, "out")) == whole
    if suffix != ".jpg":
        assert np.array_equal(read_image(whole, "out" + suffix).values, values)
