"""Arrays and `.npy` files as images: shapes, sample types, ranges and refusals."""

from __future__ import annotations

import io
import re

import numpy as np
import pytest
from make.images import image_of, read_image

from inrfit import io as signals
from inrfit.errors import InputError
from inrfit.io.config import ReadConfig


def saved(array: np.ndarray, **options: bool) -> bytes:
    file = io.BytesIO()
    np.save(file, array, **options)
    return file.getvalue()


@pytest.mark.parametrize(
    ("shape", "colour", "channels"),
    [
        ((3, 4), "grey", 1),
        ((3, 4, 1), "grey", 1),
        ((3, 4, 2), "grey-alpha", 2),
        ((3, 4, 3), "rgb", 3),
        ((3, 4, 4), "rgb-alpha", 4),
        ((3, 4, 5), "channels", 5),
        ((1, 1, 64), "channels", 64),
    ],
)
def test_the_number_of_channels_names_the_colour(shape: tuple[int, ...], colour: str, channels: int) -> None:
    array = np.arange(np.prod(shape), dtype=np.uint8).reshape(shape)
    for signal in (image_of(array), read_image(saved(array), "a.npy")):
        assert signal.info.colour == colour
        assert signal.values.shape == (*shape[:2], channels)
        assert signal.domain.shape == shape[:2]
        assert np.array_equal(signal.values.ravel(), array.ravel())
        assert signal.info.suffix == ".npy"


@pytest.mark.parametrize(
    ("array", "dtype", "value_range", "expected"),
    [
        (np.array([[True, False]]), "uint8", (0, 255), [255, 0]),
        (np.array([[0, 255]], np.uint8), "uint8", (0, 255), [0, 255]),
        (np.array([[0, 65535]], np.uint16), "uint16", (0, 65535), [0, 65535]),
        (np.array([[1, 258]], ">u2"), "uint16", (0, 65535), [1, 258]),
        (np.array([[0, 255]], np.int64), "uint8", (0, 255), [0, 255]),
        (np.array([[0, 256]], np.int32), "uint16", (0, 65535), [0, 256]),
        (np.array([[0, 1]], np.float16), "float32", (0, 1), [0, 1]),
        (np.array([[0.25, 0.75]], np.float64), "float32", (0, 1), [0.25, 0.75]),
        (np.array([[-2, 6]], np.float32), "float32", (-2, 6), [-2, 6]),
        (np.array([[0, 1.5]], ">f4"), "float32", (0, 1.5), [0, 1.5]),
        (np.array([[0.5, 0.5]], np.float32), "float32", (0, 1), [0.5, 0.5]),
        (np.array([[7, 7]], np.float32), "float32", (0, 7), [7, 7]),
        (np.array([[-1e30, -1e30]], np.float64), "float32", (np.float32(-1e30), 0), [-1e30, -1e30]),
    ],
)
def test_sample_types_and_ranges(
    array: np.ndarray, dtype: str, value_range: tuple[float, float], expected: list[float]
) -> None:
    for signal in (image_of(array), read_image(saved(array), "a.npy")):
        assert signal.values.dtype == np.dtype(dtype)
        assert signal.values.dtype.isnative
        assert signal.info.dtype == dtype
        assert signal.info.value_range == value_range
        assert np.array_equal(signal.values[0, :, 0], np.array(expected, dtype))
        unit = signal.sample(np.array([[0, 0], [0, 1]]))
        assert np.abs(unit).max() <= 1


def test_narrowed_integers_are_mentioned() -> None:
    assert image_of(np.zeros((2, 2), np.int64)).info.notes == ("int64 samples were read as uint8",)
    assert image_of(np.zeros((2, 2), np.uint8)).info.notes == ()


@pytest.mark.parametrize(
    ("array", "message"),
    [
        (np.array([[-1, 4]]), "int64 samples from -1 to 4 do not fit 16 bit"),
        (np.array([[0, 65536]]), "from 0 to 65536 do not fit"),
        (np.array([[2**64 - 1]], np.uint64), "from 18446744073709551615 to"),
        (np.array([[np.nan, np.inf, -np.inf]]), "none of its 3 samples has a value"),
        (np.array([[1e39]]), "does not fit float32"),
        (np.array([[1j]]), "samples of type complex128 are not allowed"),
        (np.array([["a"]]), "samples of type <U1 are not allowed"),
        (np.array([[(1, 2.0)]], "i4,f8"), "are not allowed"),
        (np.zeros(5), "shape (5,) is not an image"),
        (np.zeros((1, 2, 3, 4)), "shape (1, 2, 3, 4) is not an image"),
        (np.zeros(()), "shape () is not an image"),
        (np.zeros((0, 4)), "shape (0, 4) has no samples"),
        (np.zeros((4, 4, 0)), "has no samples"),
        (np.zeros((3, 8, 65)), "has 65 channels, at most 64"),
    ],
)
def test_what_is_no_image_is_refused(array: np.ndarray, message: str) -> None:
    with pytest.raises(InputError, match="^array: .*" + re.escape(message)):
        image_of(array)
    with pytest.raises(InputError, match=r"^a\.npy: .*" + re.escape(message)):
        read_image(saved(array), "a.npy")


def test_the_hash_depends_on_samples_shape_and_type() -> None:
    arrays = [
        np.zeros((2, 3), np.uint8),
        np.zeros((3, 2), np.uint8),
        np.ones((2, 3), np.uint8),
        np.zeros((2, 3), bool),
    ]
    assert len({image_of(array).info.sha256 for array in arrays}) == 4
    again = np.asfortranarray(np.zeros((2, 3), np.uint8))
    assert image_of(again).info.sha256 == image_of(arrays[0]).info.sha256


def test_a_fortran_ordered_file_is_read_as_it_looks() -> None:
    array = np.asfortranarray(np.arange(12, dtype=np.uint8).reshape(3, 4))
    assert np.array_equal(read_image(saved(array), "a.npy").values[..., 0], array)


def test_pickled_objects_are_never_loaded() -> None:
    data = saved(np.array([[{}]], object), allow_pickle=True)
    with pytest.raises(InputError, match="holds Python objects"):
        read_image(data, "a.npy")


def test_an_array_file_cut_anywhere_is_refused() -> None:
    data = saved(np.zeros((3, 4), np.uint16))
    for size in range(1, len(data)):
        with pytest.raises(InputError):
            read_image(data[:size], "a.npy")


def test_a_huge_announced_shape_reserves_nothing() -> None:
    data = saved(np.zeros((3, 4), np.uint8)).replace(b"(3, 4)", b"(9999999, 9999999)")
    data = data.replace(b" " * 12 + b"\n", b"\n")
    with pytest.raises(InputError, match="99999980000001 bytes of samples announced, 12 there"):
        read_image(data, "a.npy")


def test_a_header_that_is_no_python_literal_is_refused() -> None:
    data = saved(np.zeros((3, 4), np.uint8)).replace(b"(3, 4)", b"f(3,4)")
    with pytest.raises(InputError, match="cannot be read as NPY"):
        read_image(data, "a.npy")


@pytest.mark.parametrize("shape", [(3, 32, 32), (1, 28, 28), (4, 8, 64), (3, 5, 7)])
def test_channels_that_come_first_are_refused_with_how_to_move_them(shape: tuple[int, ...]) -> None:
    array = np.zeros(shape, np.uint8)
    file = io.BytesIO()
    np.save(file, array)
    for read in (lambda: image_of(array), lambda: signals.read(file.getvalue(), name="a.npy")):
        with pytest.raises(
            InputError, match=r"has \d channels before its other axes, or \d+ behind"
        ) as caught:
            read()
        assert "numpy.moveaxis(array, 0, -1)" in str(caught.value.hint)
    assert image_of(np.moveaxis(array, 0, -1)).channels == shape[0]


@pytest.mark.parametrize(
    ("shape", "kind", "place"),
    [((10, 3, 32, 32), "video", 1), ((3, 10, 32, 32), "video", 0), ((1, 16, 16, 16), "volume", 0)],
)
def test_the_same_of_clips_and_volumes(shape: tuple[int, ...], kind: str, place: int) -> None:
    with pytest.raises(InputError, match="channels before its other axes") as caught:
        signals.read(np.zeros(shape, np.uint8), ReadConfig(kind=kind))
    assert caught.value.hint == f"move them last with numpy.moveaxis(array, {place}, -1)"


@pytest.mark.parametrize("shape", [(3, 5, 3), (1, 9, 4), (3, 32, 1), (2, 8, 8), (5, 8, 8), (1, 7, 6)])
def test_shapes_that_say_what_they_are_stay(shape: tuple[int, ...]) -> None:
    assert image_of(np.zeros(shape, np.uint8)).channels == shape[-1]
