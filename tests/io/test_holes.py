"""Samples without a value, and the range of those that have one: what is read, fitted, measured and decoded."""

from __future__ import annotations

import json

import numpy as np
import pytest
import tifffile

import inrfit
from inrfit import io
from inrfit.cli.app import main
from inrfit.errors import ConfigError, InputError
from inrfit.io import holes
from inrfit.io.config import ReadConfig
from inrfit.io.spool import blocks
from inrfit.signal import ArraySignal

TINY = {"steps": 60, "hidden_features": 10, "device": "cpu", "threads": 1, "cell": 16}


def smooth(*shape: int) -> np.ndarray:
    """Return a smooth pattern on [0, 1]."""
    axes = np.meshgrid(*(np.linspace(0, 5, n) for n in shape), indexing="ij")
    return 0.5 + 0.5 * np.sin(sum(axes)) * np.cos(axes[0])


def counts() -> np.ndarray:
    """Return 16-bit counts from 100 to 600, as of a camera with few photons."""
    return (100 + 500 * smooth(48, 40)).astype(np.uint16)


def read(array: np.ndarray, **words) -> ArraySignal:
    return io.read(array, ReadConfig(**words))


@pytest.mark.parametrize(
    ("array", "value_range"),
    [
        (counts(), (100, 599)),
        (np.clip(counts() // 20, 5, 29).astype(np.uint8), (5, 29)),
        ((smooth(48, 40) * 1e-4).astype(np.float32), (0, 1e-4)),
        ((smooth(48, 40) * 0.1 + 0.7).astype(np.float32), (0.7, 0.8)),
        ((smooth(48, 40) * 65535).astype(np.uint16), (0, 65535)),
        ((smooth(48, 40) * 255).astype(np.uint8), (0, 255)),
        ((smooth(48, 40) * 20000).astype(np.uint16), (0, 65535)),
        (smooth(48, 40), (0, 1)),
        (np.full((48, 40, 3), [3, 5, 9], np.uint8), (0, 255)),
        (np.full((48, 40), 7, np.uint16), (0, 65535)),
    ],
)
def test_the_range_is_that_of_the_data_where_they_use_little_of_their_type(array, value_range):
    info = read(array).info
    assert info.value_range == pytest.approx(value_range, abs=1e-2 * float(np.ptp(array)) + 1e-9)
    assert bool(info.notes) == (np.ptp(array) > 0 and info.value_range not in ((0, 255), (0, 65535), (0, 1)))


def test_the_range_can_be_said():
    assert read(counts(), range="type").info.value_range == (0, 65535)
    assert read(counts(), range="type").info.notes == ()
    assert read((smooth(48, 40) * 30000).astype(np.uint16), range="data").info.value_range == (
        pytest.approx(0, abs=100),
        pytest.approx(30000, abs=100),
    )
    clipped = read(counts(), range=(200.0, 400.0))
    assert clipped.info.value_range == (200, 400)
    assert (clipped.values.min(), clipped.values.max()) == (200, 400)
    assert clipped.info.notes == ("samples from 100 to 599 are clipped to the range 200 to 400",)


def test_a_range_that_was_named_clips_no_holes_into_it():
    heights = (100 * smooth(48, 40)).astype(np.float32)
    heights[:5] = -9999
    signal = read(heights, nodata=-9999.0, range=(20.0, 80.0))
    assert np.array_equal(signal.known, heights != -9999)
    assert signal.info.value_range == (20, 80)


@pytest.mark.parametrize("wrong", ["both", (2.0, 1.0), (0.0, np.inf), (1.0, 2.0, 3.0)])
def test_a_range_that_is_none_is_refused(wrong):
    with pytest.raises(ConfigError, match=r"--range .* is not a range"):
        ReadConfig(range=wrong)


@pytest.mark.parametrize("nodata", [-9999.0, -32768.0, 1e20, float(np.finfo(np.float32).min), np.nan, np.inf])
def test_no_data_is_a_hole_and_does_not_decide_the_range(nodata):
    array = (100 * smooth(48, 40)).astype(np.float32)
    lost = np.zeros(array.shape, bool)
    lost[3:9, 5:30] = True
    array[lost] = nodata
    signal = read(array)
    assert signal.known is not None
    assert np.array_equal(~signal.known, lost)
    assert signal.info.value_range == pytest.approx((0, 100), abs=1)
    assert "150 of 1,920 samples have no value" in signal.info.notes[0]
    assert 0 <= signal.dense().min() <= signal.dense().max() <= 100
    assert signal.pool(((0, 4), (0, 40))).tolist() == np.flatnonzero(~lost[:4]).tolist()


def test_values_that_look_like_no_data_but_lie_among_the_others_are_data():
    depth = np.linspace(-11000, 0, 1920).round().reshape(48, 40).astype(np.float32)
    depth[0, 0] = -9999
    assert read(depth).known is None


def test_a_declared_value_is_a_hole_wherever_it_lies(tmp_path):
    array = counts()
    array[:5] = 300
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, array)
    signal = io.read(path, ReadConfig(nodata=300))
    assert np.array_equal(signal.known, array != 300)
    assert io.kind_of("image").reading(signal.domain, signal.info).nodata == 300
    assert io.read(path, ReadConfig(nodata="none")).known is None


def test_hot_pixels_are_left_out_and_stars_are_not():
    hot = counts()
    hot[7, 9] = hot[20, 30] = 65535
    signal = read(hot)
    assert np.flatnonzero(~signal.known).tolist() == [7 * 40 + 9, 20 * 40 + 30]
    assert signal.info.value_range == (100, 599)
    assert "2 of 1,920 samples lie far outside of all others" in signal.info.notes[0]
    assert read(hot, nodata="none").info.value_range == (0, 65535)

    y, x = np.mgrid[:48, :40]
    sky = (
        100
        + np.random.default_rng(0).poisson(20, (48, 40))
        + 40000 * np.exp(-((y - 20) ** 2 + (x - 9) ** 2) / 3)
    )
    stars = read(sky.astype(np.uint16))
    assert stars.known is None


def test_all_holes_are_refused():
    with pytest.raises(InputError, match="none of its 1920 samples has a value"):
        read(np.full((48, 40), np.nan))


def test_blocks_do_not_matter(monkeypatch):
    array = (100 * smooth(12, 9, 10)).astype(np.float32)
    array[0, 0, :4] = np.nan
    array[5] = -9999
    whole = io.read(array, ReadConfig(kind="volume"))
    monkeypatch.setattr(holes, "blocks", lambda values, size=1: blocks(values, size=1))
    parts = io.read(array, ReadConfig(kind="volume"))
    assert parts.info == whole.info
    assert np.array_equal(parts.known, whole.known)
    assert np.array_equal(parts.values, whole.values)
    assert np.isfinite(parts.values).all()


def test_a_fit_is_as_good_as_that_of_the_same_samples_over_the_full_range():
    narrow = counts()
    full = ((narrow.astype(np.float64) - 100) * (65535 / 499)).round().astype(np.uint16)
    first, second = (inrfit.fit(array, **TINY) for array in (narrow, full))
    assert first.psnr == pytest.approx(second.psnr, abs=0.5)
    own = narrow.astype(np.float64) - first.decode()[..., 0]
    assert first.psnr == pytest.approx(10 * np.log10(499**2 / np.square(own).mean()), abs=0.01)
    told = first.info.figures(first.psnr)
    assert told["range"] == [100, 599]
    assert told["psnr_type"] == pytest.approx(10 * np.log10(65535**2 / np.square(own).mean()), abs=0.01)


@pytest.mark.parametrize(
    "words",
    [
        {},
        {"cell": None, "partition": "none", "hidden_features": 24},
        {"model": "local-global"},
        {"model": "feature-grid"},
    ],
)
def test_holes_are_neither_fitted_nor_measured(words):
    array = (100 * smooth(48, 40)).astype(np.float32)
    lost = np.zeros(array.shape, bool)
    lost[3:14, 5:30] = True
    hurt = np.where(lost, np.float32(-9999), array)
    field = inrfit.fit(hurt, **{word: value for word, value in (TINY | words).items() if value is not None})
    decoded = field.decode()[..., 0]
    error = np.square(decoded.astype(np.float64) - array)[~lost].mean()
    assert field.psnr == pytest.approx(10 * np.log10(np.ptp(array[~lost]) ** 2 / error), abs=0.01)
    assert np.corrcoef(decoded[~lost], array[~lost])[0, 1] > 0.97
    found = inrfit.evaluate(field, hurt, metrics=["psnr", "ssim"])
    assert found["psnr"] == pytest.approx(field.psnr, abs=0.01)


def test_a_cell_without_a_value_has_no_network():
    array = (100 * smooth(48, 48)).astype(np.float32)
    array[:16, 16:32] = np.nan
    field = inrfit.fit(array, **TINY)
    assert [region.id for region in field.partition.regions] == [0, 2, 3, 4, 5, 6, 7, 8]
    assert not field.covered()[:16, 16:32].any()
    assert inrfit.evaluate(field, array)["psnr"] == pytest.approx(field.psnr, abs=0.01)


def test_eval_finds_the_holes_of_the_fit_where_the_file_declares_another_number(tmp_path):
    array = (100 * smooth(32, 32)).astype(np.float32)
    array[:5, :9] = np.finfo(np.float32).min
    tag = (42113, "s", 0, "-3.40282306073709653e+38", True)  # as old versions of GDAL write it: another float
    tifffile.imwrite(tmp_path / "dem.tif", array, extratags=[tag])
    field = inrfit.fit(tmp_path / "dem.tif", **TINY)
    assert " have no value: -3.40282e+38 stands for no data here;" in field.info.notes[0]
    found = inrfit.evaluate(field, tmp_path / "dem.tif")
    assert found["psnr"] == pytest.approx(field.psnr, abs=0.01)
    assert found["samples"] == 32 * 32 - 45


def test_bands_that_use_little_of_the_range_of_all_are_told():
    bands = [
        5 * smooth(48, 40),
        3000 * smooth(48, 40),
        0 * smooth(48, 40),
        40 + smooth(48, 40),
        100 + smooth(48, 40),
    ]
    (told,) = read(np.stack(bands, -1).astype(np.float32)).info.notes
    assert told.startswith("channels 0, 3, 4, counted from 0, use less than 5% of the range 0 to 2999.22")
    assert read(np.stack([bands[1]] * 5, -1).astype(np.float32)).info.notes == ()


def test_samples_that_are_clipped_to_a_range_keep_their_holes():
    array = counts().astype(np.float32)
    array[:5] = -9999
    signal = read(array, range=(200.0, 400.0), nodata=-9999)
    assert signal.known is not None
    assert np.array_equal(signal.known, array != -9999)
    assert (signal.values.min(), signal.values.max()) == (200, 400)


def test_colours_are_no_data_only_where_all_of_them_are():
    array = np.stack([128 + 100 * smooth(48, 40)] * 3, -1).astype(np.uint8)
    array[5:9, 5:9, 1:] = 0  # red
    array[20:30, 20:30] = 0
    signal = read(array, nodata=0)
    assert signal.known is not None
    assert not signal.known[20:30, 20:30].any()
    assert np.count_nonzero(~signal.known) == 100
    bands = np.concatenate([array, array[..., :2]], -1)  # of bands any that is no data
    assert np.count_nonzero(~read(bands, nodata=0).known) == 116


@pytest.mark.parametrize("words", [{}, {"cell": None, "partition": "seg", "heads": 6}])
def test_a_crop_says_the_psnr_of_the_samples_that_have_a_value(tmp_path, words):
    steps = 30 * (np.arange(48)[:, None] // 16 + np.arange(48) // 16 * 3)
    array = (20 * smooth(48, 48) + steps).astype(np.float32)
    array[:20, :28] = np.nan
    options = {word: value for word, value in (TINY | words).items() if value is not None}
    field = inrfit.fit(array, **options)
    inrfit.save(field, tmp_path / "whole.inr")
    inrfit.crop(tmp_path / "whole.inr", tmp_path / "part.inr", region=((0, 32), (0, 32)))
    part = inrfit.load(tmp_path / "part.inr")
    assert len(part.partition) < len(field.partition)
    assert part.psnr == pytest.approx(inrfit.evaluate(part, array)["psnr"], abs=0.01)
    kept = {region.id for region in part.partition.regions}
    rows = [row for row, region in enumerate(field.partition.regions) if region.id in kept]
    assert field.select(rows).psnr == pytest.approx(part.psnr, abs=1e-4)


def test_an_extension_says_the_psnr_of_the_samples_that_have_a_value(tmp_path):
    array = np.tile((100 * smooth(32, 32)).astype(np.float32), 2)
    field = inrfit.fit(array[:, :32], **TINY)
    new = array[:, 32:].copy()
    new[:16, :16], new[20:24, 4:20] = np.nan, np.nan
    for mode in ("strict", "joint"):
        whole = inrfit.extend(field, new, side="right", mode=mode, steps=60)
        assert len(whole.partition) == 7
        both = np.concatenate([array[:, :32], new], 1)
        error = np.square(whole.decode()[..., 0] - both.astype(np.float64))[np.isfinite(both)].mean()
        low, high = whole.info.value_range
        assert whole.psnr == pytest.approx(10 * np.log10((high - low) ** 2 / error), abs=0.01)


def test_an_extension_leaves_holes_out():
    array = np.tile((100 * smooth(32, 32)).astype(np.float32), 2)
    field = inrfit.fit(array[:, :32], **TINY)
    new = array[:, 32:].copy()
    new[8:12, 4:20] = np.nan
    whole = inrfit.extend(field, new, side="right", steps=60)
    part = whole.decode()[:, 32:, 0]
    assert np.corrcoef(part[np.isfinite(new)], new[np.isfinite(new)])[0, 1] > 0.97


def test_the_command_line_says_which_peak_it_means(tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    np.save("cells.npy", counts())
    options = ["--steps", "5", "--cell", "16", "--hidden-features", "6", "--device", "cpu", "--threads", "1"]
    monkeypatch.setattr("sys.argv", ["inrfit", "fit", "cells.npy", "-o", "a.inr", *options])
    assert _status(main) == 0
    said = capsys.readouterr()
    assert "dB of the range 100 to 599 (" in said.out
    assert "use 0.76 % of uint16" in said.err
    for command in (["info", "a.inr"], ["eval", "a.inr", "--reference", "cells.npy"]):
        monkeypatch.setattr("sys.argv", ["inrfit", *command, "--json"])
        assert _status(main) == 0
        found = json.loads(capsys.readouterr().out)
        assert found["range"] == [100, 599]
        assert found["psnr_type"] - found["psnr"] == pytest.approx(20 * np.log10(65535 / 499))


def _status(call) -> int:
    with pytest.raises(SystemExit) as caught:
        call()
    return int(caught.value.code or 0)
