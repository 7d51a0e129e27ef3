"""The errors of a field are those of its decoded samples."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from make.data import textured

from inrfit import api
from inrfit.device import pick_device
from inrfit.fitting import measure
from inrfit.fitting.measure import with_errors

CPU = pick_device("cpu", 1)


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "float32"])
@pytest.mark.parametrize(
    "options", [{"grid": (3, 4)}, {"partition": "seg", "heads": 3}, {"partition": "none"}]
)
def test_errors_are_those_of_the_decoded_samples(options, dtype):
    picture = textured(50, 70)
    picture = (
        picture.astype(dtype) * 257
        if dtype == "uint16"
        else (picture / 255).astype(dtype)
        if dtype == "float32"
        else picture
    )
    field = api.fit(picture, steps=3, hidden_features=5, device="cpu", **options)
    high = field.info.value_range[1] - field.info.value_range[0]
    error = (field.decode(device="cpu").astype(float) - picture) * 2 / high
    labels = field.partition.labels()
    expected = [np.square(error[labels == p]).mean() for p in range(len(field.partition))]
    assert field.mse == pytest.approx(expected, rel=4e-4)  # two bytes each
    assert field.psnr == pytest.approx(10 * np.log10(4 / np.square(error).mean()), abs=1e-4)


@pytest.mark.parametrize("options", [{"grid": (3, 4)}, {"partition": "seg", "heads": 3}])
def test_a_crop_has_the_same_errors_to_the_bit(options):
    picture = textured(50, 70)
    field = api.fit(picture, steps=3, hidden_features=5, device="cpu", **options)
    part = field.select([0, 2])
    window = tuple(slice(a, b) for a, b in part.domain.box)
    measured = with_errors(replace(part, mse=(), psnr=None), api.read(picture[window].copy()), CPU)
    assert measured.mse == part.mse


def test_a_large_region_is_measured_in_blocks(monkeypatch):
    picture = textured(50, 70)
    field = api.fit(picture, partition="none", steps=3, hidden_features=5, device="cpu")
    monkeypatch.setattr(measure, "BLOCK", 300)
    assert with_errors(field, api.read(picture), CPU).mse == pytest.approx(field.mse, rel=1e-6)


def test_a_written_field_has_the_errors_of_the_fit_and_its_exact_psnr():
    picture = textured(50, 70)
    field = api.fit(picture, grid=(3, 4), steps=3, hidden_features=5, device="cpu")
    read = api.load(api.to_bytes(field))
    assert (read.mse, read.psnr) == (field.mse, field.psnr)
    assert with_errors(read, api.read(picture), CPU).mse == read.mse
    pooled = np.average(read.mse, weights=read.partition.areas)
    assert 10 * np.log10(4 / pooled) == pytest.approx(read.psnr, abs=2e-3)
