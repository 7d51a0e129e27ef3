"""Volumes: shapes, sample types, ranges, spacing, files mapped and written, and the command line."""

from __future__ import annotations

import io
import re
from pathlib import Path

import numpy as np
import pytest
from make.cli import inrfit

from inrfit import api
from inrfit.errors import ConfigError, InputError, OutputError
from inrfit.io import volume
from inrfit.io.config import ReadConfig
from inrfit.io.image import ImageIO
from inrfit.io.volume import VolumeIO
from inrfit.signal import Bands

VOLUMES = VolumeIO()
PLAIN = ReadConfig(kind="volume")
FIT = ("--kind", "volume", "--cell", "6", "--steps", "3", "--hidden-features", "5", "--hidden-layers", "0")


def saved(array: np.ndarray, **options: bool) -> bytes:
    file = io.BytesIO()
    np.save(file, array, **options)
    return file.getvalue()


def ct(*shape: int) -> np.ndarray:
    """A smooth field with the extremes of a CT in Hounsfield units."""
    z, y, x = np.indices(shape)
    wave = np.sin(z / 2.0) + np.cos(y / 3.0) * np.sin(x / 3.0)
    scaled = (wave - wave.min()) / np.ptp(wave)
    return np.rint(scaled * 4095 - 1024).astype(np.int16)


def both_ways(array: np.ndarray, tmp_path: Path, config: ReadConfig = PLAIN):
    """Read an array as an array, as bytes and as a file."""
    path = tmp_path / "a.npy"
    path.write_bytes(saved(array))
    return VOLUMES.from_array(array, config), *(
        VOLUMES.read(s, "a.npy", config) for s in (saved(array), path)
    )


@pytest.mark.parametrize(
    ("shape", "channels", "colour"),
    [
        ((3, 4, 5), 1, "grey"),
        ((3, 4, 5, 1), 1, "grey"),
        ((3, 4, 5, 2), 2, "channels"),
        ((3, 4, 3, 3), 3, "channels"),
        ((1, 1, 1), 1, "grey"),
        ((2, 1, 3, 64), 64, "channels"),
        ((2, 3, 70), 1, "grey"),
    ],
)
def test_four_axes_have_the_channels_last(shape, channels, colour, tmp_path) -> None:
    array = np.arange(np.prod(shape), dtype=np.uint16).reshape(shape)
    for signal in both_ways(array, tmp_path):
        assert signal.domain.shape == shape[:3]
        assert signal.domain.axes == ("z", "y", "x")
        assert (signal.channels, signal.info.colour) == (channels, colour)
        assert np.array_equal(np.ravel(signal.dense()), array.ravel())
        assert (signal.info.kind, signal.info.suffix) == ("volume", ".npy")


@pytest.mark.parametrize(
    ("array", "dtype", "value_range", "expected"),
    [
        (np.array([-1024, 3071], np.int16), "int16", (-1024, 3071), [-1024, 3071]),
        (np.array([1, 200], np.uint8), "uint8", (1, 200), [1, 200]),
        (np.array([7, 258], ">u2"), "uint16", (7, 258), [7, 258]),
        (np.array([-70000, 9], np.int32), "int32", (-70000, 9), [-70000, 9]),
        (np.array([-2.5, 4], np.float32), "float32", (-2.5, 4), [-2.5, 4]),
        (np.array([0.25, 0.75], np.float64), "float32", (0.25, 0.75), [0.25, 0.75]),
        (np.array([0, 3], np.float16), "float32", (0, 3), [0, 3]),
        (np.array([1, 2], ">f4"), "float32", (1, 2), [1, 2]),
        (np.array([True, False]), "uint8", (0, 255), [255, 0]),
        (np.array([-3, 5], np.int8), "int16", (-3, 5), [-3, 5]),
        (np.array([0, 9], np.int64), "uint8", (0, 9), [0, 9]),
        (np.array([0, 65536], np.uint64), "int32", (0, 65536), [0, 65536]),
        (np.array([7, 7], np.int16), "int16", (0, 7), [7, 7]),
        (np.array([-7, -7], np.int16), "int16", (-7, 0), [-7, -7]),
        (np.array([0, 0], np.float32), "float32", (0, 1), [0, 0]),
        (np.array([0.5, 0.5], np.float32), "float32", (0, 0.5), [0.5, 0.5]),
    ],
)
def test_the_range_is_that_of_the_samples(array, dtype, value_range, expected, tmp_path) -> None:
    for signal in both_ways(array[:, None, None], tmp_path):
        assert (signal.info.dtype, signal.info.value_range) == (dtype, value_range)
        assert signal.values.dtype == np.dtype(dtype)
        assert np.ravel(signal.dense()).tolist() == expected
        unit = signal.sample(np.array([[0, 0, 0], [1, 0, 0]]))
        assert np.abs(unit).max() <= 1
        assert signal.info.from_unit(unit).ravel().tolist() == pytest.approx(expected)


def test_what_was_converted_is_mentioned() -> None:
    notes = [VOLUMES.from_array(np.zeros((2, 2, 2), t), PLAIN).info.notes for t in ("i8", "i2", "f8", "?")]
    assert notes == [("int64 samples were read as uint8",), (), (), ()]


@pytest.mark.parametrize(
    ("array", "message", "hint"),
    [
        (np.zeros((4, 5)), "shape (4, 5) is not a volume", "--kind image"),
        (np.zeros(5), "shape (5,) is not a volume", "[z, y, x]"),
        (np.zeros((1, 2, 3, 4, 5)), "is not a volume", "channels last"),
        (np.zeros((0, 4, 4)), "shape (0, 4, 4) has no samples", "[z, y, x]"),
        (np.zeros((2, 3, 4, 65)), "has 65 channels, at most 64 are allowed", "channels last"),
        (np.full((2, 2, 2), np.nan), "none of its 8 samples has a value", "--nodata none"),
        (np.array([[[1e39]]]), "a sample of 1e+39 does not fit float32", "scale"),
        (np.array([[[0, 2**32]]]), "int64 samples from 0 to 4294967296 do not fit 32 bit", "float32"),
        (np.array([[[1j]]]), "samples of type complex128 are not allowed", "floats"),
    ],
)
def test_what_is_no_volume_is_refused(array, message, hint) -> None:
    with pytest.raises(InputError, match="^array: .*" + re.escape(message)) as caught:
        VOLUMES.from_array(array, PLAIN)
    assert hint in (caught.value.hint or "")
    with pytest.raises(InputError, match=r"^a\.npy: .*" + re.escape(message)):
        VOLUMES.read(saved(array), "a.npy", PLAIN)


def test_a_damaged_file_is_refused(tmp_path) -> None:
    data = saved(np.zeros((2, 3, 4), np.uint16))
    path = tmp_path / "a.npy"
    for size in (5, 60, len(data) - 1):
        path.write_bytes(data[:size])
        for source in (data[:size], path):
            with pytest.raises(InputError, match=r"^a\.npy: "):
                VOLUMES.read(source, "a.npy", PLAIN)
    with pytest.raises(InputError, match="holds Python objects"):
        VOLUMES.read(saved(np.array([[[{}]]], object), allow_pickle=True), "a.npy", PLAIN)
    with pytest.raises(InputError, match=r"cannot be read as a \.npy file"):
        VOLUMES.read(b"PNG" * 99, "a.npy", PLAIN)


@pytest.mark.parametrize(
    ("given", "spacing"), [(None, (1, 1, 1)), ((0.5,), (0.5, 0.5, 0.5)), ((2.5, 0.7, 0.8), (2.5, 0.7, 0.8))]
)
def test_spacing_is_one_number_or_one_for_each_axis(given, spacing) -> None:
    signal = VOLUMES.from_array(ct(2, 3, 4), ReadConfig(kind="volume", spacing=given))
    assert signal.domain.spacing == spacing
    assert VOLUMES.reading(signal.domain, signal.info).spacing == spacing


def test_another_number_of_spacings_is_refused() -> None:
    with pytest.raises(ConfigError, match="--spacing 1,2 gives 2 numbers, a volume has 3 axes"):
        VOLUMES.from_array(ct(2, 3, 4), ReadConfig(kind="volume", spacing=(1.0, 2.0)))


@pytest.mark.parametrize("order", ["C", "F"])
def test_a_file_is_mapped_and_windows_of_it_are_copies(order, tmp_path) -> None:
    array = np.asarray(ct(9, 5, 6), order=order)
    np.save(tmp_path / "a.npy", array)
    signal = VOLUMES.read(tmp_path / "a.npy", "a.npy", PLAIN)
    assert isinstance(signal.values, np.memmap)
    window = signal.dense(((2, 4), (0, 5), (1, 6)))
    assert np.array_equal(window[..., 0], array[2:4, :, 1:6])
    assert not np.shares_memory(window, signal.values)
    assert np.array_equal(signal.sample(np.array([[8, 4, 5]])), signal.info.to_unit(array[8:, 4:, 5]))


def test_extremes_and_conversion_go_block_by_block(monkeypatch) -> None:
    """A volume of many blocks gives what it gives in one."""
    array = ct(9, 5, 6).astype(np.int64) * 30
    whole = VOLUMES.from_array(array, PLAIN)
    taken = []

    def small(values, **options):
        for block in blocks(values, size=1):
            taken.append(len(block))
            yield block

    blocks = volume.blocks
    monkeypatch.setattr(volume, "blocks", small)
    parts = VOLUMES.from_array(array, PLAIN)
    assert taken == [1] * 18
    assert parts.info == whole.info
    assert np.array_equal(parts.dense(), whole.dense())
    array[8, 4, 5] = 10**6
    assert VOLUMES.from_array(array, PLAIN).info.value_range[1] == 10**6


def test_the_hash_is_that_of_the_file(tmp_path) -> None:
    _, of_bytes, of_file = both_ways(ct(2, 3, 4), tmp_path)
    assert of_bytes.info.sha256 == of_file.info.sha256 != ""
    one, other = (VOLUMES.from_array(ct(2, 3, 4).reshape(s), PLAIN) for s in ((2, 3, 4), (4, 3, 2)))
    assert one.info.sha256 != other.info.sha256


@pytest.mark.parametrize("shape", [(3, 4, 5), (3, 4, 5, 2)])
def test_written_bands_are_read_back(shape) -> None:
    array = np.arange(np.prod(shape), dtype=np.int16).reshape(shape)
    signal = VOLUMES.from_array(array, PLAIN)
    bands = Bands(
        bands=iter([signal.dense()[:1], signal.dense()[1:]]),
        domain=signal.domain,
        channels=signal.channels,
        info=signal.info,
    )
    written = np.load(io.BytesIO(b"".join(VOLUMES.encode(bands, ".NPY", "b.NPY"))))
    assert written.dtype == array.dtype
    assert np.array_equal(written, array)


def test_other_formats_are_refused() -> None:
    signal = VOLUMES.from_array(ct(2, 3, 4), PLAIN)
    with pytest.raises(OutputError, match=r"b\.png: \.png is not a format that volumes") as caught:
        VOLUMES.check(signal.info, 1, ".png", "b.png")
    assert caught.value.hint == "write .npy"
    assert VOLUMES.default_suffix(signal.info) == ".npy"


@pytest.mark.parametrize("shape", [(3, 8, 70), (3, 8, 5, 2)])
def test_an_array_that_is_no_image_is_sent_to_volumes(shape) -> None:
    with pytest.raises(InputError) as caught:
        ImageIO().from_array(np.zeros(shape, np.uint8), ReadConfig())
    assert "--kind volume reads [z, y, x]" in (caught.value.hint or "")


def test_views_are_the_three_middle_slices() -> None:
    signal = VOLUMES.from_array(ct(3, 4, 5), PLAIN)
    boxes = VOLUMES.views(signal.domain)
    assert boxes == [((1, 2), (0, 4), (0, 5)), ((0, 3), (2, 3), (0, 5)), ((0, 3), (0, 4), (2, 3))]
    pictures = [VOLUMES.picture(Bands.of(signal.dense(box), signal.domain, signal.info)) for box in boxes]
    assert [picture.shape for picture in pictures] == [(4, 5, 3), (3, 5, 3), (3, 4, 3)]
    grey = np.rint((signal.dense()[1, ..., 0] + 1024) / 4095 * 255)
    assert np.array_equal(pictures[0][..., 1], grey)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working folder with ct.npy, its next slices in more.npy, and a field of the first."""
    monkeypatch.chdir(tmp_path)
    np.save("ct.npy", ct(18, 13, 11)[:12])
    np.save("more.npy", np.clip(ct(18, 13, 11)[12:], *(f(ct(18, 13, 11)[:12]) for f in (np.min, np.max))))
    ran = inrfit("fit", "ct.npy", *FIT, "--spacing", "2,1,0.5", "--report", "r.html")
    assert ran.code == 0, ran.err
    assert "11×13×12×1 int16 · grid 2×2×2" in ran.err
    assert (tmp_path / "r.html").read_text().count("data:image/png") >= 2
    return tmp_path


def test_decode_writes_an_array_like_the_source(folder) -> None:
    assert inrfit("decode", "ct.inr").code == 0
    whole = np.load("ct.dec.npy")
    assert (whole.shape, whole.dtype) == ((12, 13, 11), np.dtype("int16"))
    assert inrfit("decode", "ct.inr", "--region", "2:5,:,-4:", "-o", "part.npy").code == 0
    assert np.array_equal(np.load("part.npy"), whole[2:5, :, -4:])
    assert inrfit("decode", "ct.inr", "--scale", "0.5", "-o", "half.npy").code == 0
    assert np.load("half.npy").shape == (6, 6, 6)
    assert inrfit("decode", "ct.inr", "--size", "4x5x6", "-o", "small.npy").code == 0
    assert np.load("small.npy").shape == (6, 5, 4)
    inrfit("decode", "ct.inr", "-o", "a.png").refused(".png is not a format that volumes are written to")


def test_a_crop_and_an_extension_keep_the_samples_and_the_spacing(folder) -> None:
    whole = api.load("ct.inr").decode()
    assert inrfit("crop", "ct.inr", "--keep", "0:1,:,:", "-o", "top.inr").code == 0
    top = api.load("top.inr")
    assert np.array_equal(top.decode(), whole[:6])
    assert (
        inrfit("extend", "ct.inr", "more.npy", "--side", "back", "--steps", "2", "-o", "both.inr").code == 0
    )
    both = api.load("both.inr")
    assert both.domain.shape == (18, 13, 11)
    assert np.array_equal(both.decode(region=((0, 12), (None, None), (None, None))), whole)
    assert top.domain.spacing == both.domain.spacing == (2, 1, 0.5)


def test_cells_have_the_default_side_of_volumes_unless_said() -> None:
    for words, grid in (({}, (2, 1, 2)), ({"cell": 8}, (3, 2, 3)), ({"heads": 2}, (1, 1, 2))):
        plan = api.plan(ct(24, 13, 25), kind="volume", device="cpu", **words)
        assert plan.partition.grid == grid


def test_an_extension_beyond_the_range_is_refused(folder) -> None:
    np.save("more.npy", np.full((6, 13, 11), 4000, np.int16))
    ran = inrfit("extend", "ct.inr", "more.npy", "--side", "back", "-o", "both.inr")
    ran.refused("the new part has values from 4000 to 4000, the field holds those from -1024")


def test_eval_and_info_tell_of_a_volume(folder) -> None:
    (measured,) = inrfit("eval", "ct.inr", "--reference", "ct.npy", "--json").results
    assert 5 < measured["psnr"] < 100
    assert measured["samples"] == 12 * 13 * 11
    (known,) = inrfit("info", "ct.inr", "--json").results
    assert known["signal"]["kind"] == "volume"
    assert known["signal"]["spacing"] == [2, 1, 0.5]


def test_spacing_without_the_kind_names_the_kind(tmp_path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    np.save("ct.npy", np.zeros((3, 4, 3), np.uint8))
    inrfit("fit", "ct.npy", "--spacing", "2").refused(
        "ct.npy: --spacing means nothing for a signal of the kind image", "--kind", code=2
    )
