"""Weights kept in several ways, and one sound and one shape at equal bytes, on sizes that show nothing."""

from __future__ import annotations

import math
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from make.data import textured

from inrfit import api
from inrfit.models.coding import step_of
from inrfit.registry import names

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "benchmarks"))
import common  # type: ignore[import-not-found]
import quantisation_loss as bench  # type: ignore[import-not-found]
import shape_draco  # type: ignore[import-not-found]
import sound_mp3  # type: ignore[import-not-found]


@pytest.fixture(scope="module")
def device() -> Any:
    return common.device_for("cpu", threads=1)


@pytest.mark.parametrize("model", names("model"))
def test_the_default_keeps_the_quality_of_every_model(model, device):
    row = bench.measure("image", model, api.read(textured(32, 40)), 10, device)
    assert row.get("error") is None
    assert row["default_bytes"] < row["float32_bytes"] / 2
    assert row["default_loss"] <= 0.05
    assert max(row["one_step_bytes"], row["ranges_bytes"]) <= row["default_bytes"]
    assert row["params"] > 0


@pytest.fixture(scope="module")
def fitted(device):
    return api.fit(textured(32, 32), device="cpu", threads=1, steps=5, weights="float32", cell=16)


@pytest.mark.parametrize("steps", [bench.same, bench.by_range])
def test_naive_steps_are_the_finest_that_suit(fitted, steps):
    free = replace(fitted, weight_type="quantised")
    size = len(api.to_bytes(fitted)) // 5
    found = bench.finest(free, steps(free), size)
    shifts = {found.coding.exponents[name] - exponent for name, exponent in steps(free).items()}
    assert len(shifts) == 1
    assert len(api.to_bytes(found)) <= size
    finer = {name: exponent - 1 for name, exponent in found.coding.exponents.items()}
    assert len(api.to_bytes(bench.with_steps(free, bench.Coding(exponents=finer)))) > size


def test_one_step_is_one_for_all(fitted):
    assert len(set(bench.same(fitted).values())) == 1


def test_a_range_has_no_more_than_256_values(fitted):
    for name, exponent in bench.by_range(fitted).items():
        integers = np.rint(fitted.weights[name] / step_of(exponent)).astype(int)
        assert 250 <= np.ptp(integers) <= 262  # steps are powers of 2^(1/32), at most 2 % finer


def test_the_table_shows_losses_and_errors():
    made = {"command": "c", "date": "d", "commit": "e", "processor": "p"}
    ways = {
        f"{way}_{what}": value
        for way in ("default", "one_step", "ranges", "eight_bits")
        for what, value in (("bits", 5.0), ("loss", 0.25))
    }
    rows = [
        {"kind": "image", "model": "mlp", "params": 1000, "float32_psnr": 30.0, **ways},
        {"kind": "shape", "model": "mlp", "error": "it cannot be"},
    ]
    lines = bench.table({"provenance": made, "rows": rows}).splitlines()
    assert "| 30.00 | 5.00 | 0.25 | 0.25 | 0.25 | 5.00 | 0.25 |" in lines[2]
    assert "it cannot be" in lines[3]
    assert {line.count("|") for line in lines[:4]} == {11}


def test_a_missing_psnr_is_no_loss():
    assert bench._loss(30.0, 29.0) == 1.0
    assert math.isnan(bench._loss(None, 29.0))


@pytest.mark.parametrize("kind", ["image", "audio", "video", "shape", "volume"])
def test_signals_are_as_small_as_they_should_be(kind, shared_data):
    signal = bench.KINDS[kind](shared_data)
    assert signal.info.kind == kind
    known = {"image": (256, 256), "audio": (32_000,), "video": (8, 64, 64)}
    if kind in known:
        assert signal.domain.shape == known[kind]
    else:
        assert max(signal.domain.shape) <= {"shape": 60, "volume": 36}[kind]


def test_mp3_comes_back_in_its_place():
    random = np.random.default_rng(0)
    time = np.arange(16_000) / 16_000
    tone = sum(
        np.sin(2 * np.pi * f * time + p) for f, p in zip((200, 731, 1234), random.random(3), strict=True)
    )
    sound = np.rint(8000 * tone / 3 * np.hanning(16_000)).astype(np.int16)[:, None]
    size, decoded = sound_mp3.mp3(sound, 16_000, 64)
    assert 7000 < size < 10_000
    error = (decoded - sound.astype(float)).std()
    assert error < 0.1 * sound.std()
    assert error < (np.roll(decoded, 1) - sound.astype(float)).std()


def test_a_sound_is_fitted_at_the_bytes_of_the_mp3(device):
    time = np.arange(16_000) / 16_000
    sound = np.rint(9000 * np.sin(2 * np.pi * 300 * time)).astype(np.int16)[:, None]
    from inrfit.io.config import ReadConfig

    signal = api.read(sound, ReadConfig(kind="audio"))
    rate = round(1 / signal.domain.spacing[0])
    mp3, ours = sound_mp3.measure(signal, 32 if rate <= 24_000 else 64, 3, device)
    assert mp3["wanted_bytes"] == mp3["bytes"] >= ours["bytes"]
    assert mp3["snr"] > 20
    assert ours["steps"] == 3
    text = sound_mp3.table(
        {"provenance": dict.fromkeys(("command", "date", "commit", "processor")), "rows": [mp3, ours]}
    )
    assert f"{mp3['snr']:.2f}" in text


def test_a_shape_is_fitted_at_the_bytes_of_draco(device, shared_data):
    pytest.importorskip("DracoPy")
    from inrfit.io.config import ReadConfig

    mesh = shared_data / "mesh/spot.obj"
    signal = api.read(mesh, ReadConfig(kind="shape", resolution=24))
    draco, ours = shape_draco.measure(signal, 8, 3, device)
    assert ours["bytes"] <= draco["bytes"]
    assert draco["iou"] > 0.95
    assert draco["chamfer_l1"] < 1e-3
