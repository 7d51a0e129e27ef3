"""Clips are compared frame by frame, and give what the whole compared at once gives."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from inrfit import api
from inrfit.compare import clip
from inrfit.errors import ConfigError
from inrfit.io.config import ReadConfig
from inrfit.metrics import fidelity
from inrfit.metrics.regions import region_psnr

SHAPE = (7, 13, 17)


@pytest.fixture(scope="module")
def values() -> np.ndarray:
    t, y, x = np.indices(SHAPE)
    planes = [128 + 90 * np.sin(x / 3 + t / 2), 128 + 90 * np.cos(y / 4 - t / 3), 20 * t + 5 * y]
    return np.stack(planes, axis=-1).astype(np.uint8)


@pytest.fixture(scope="module")
def field(values):
    words = {"grid": (3, 2, 2), "hidden_features": 6, "hidden_layers": 1, "steps": 20, "points": None}
    return api.fit(values, kind="video", device="cpu", **words)


@pytest.mark.parametrize("at_once", [1, 500, 1 << 30])
def test_frames_and_the_whole_are_those_of_the_arrays(values, field, monkeypatch, at_once):
    monkeypatch.setattr(clip, "AT_ONCE", at_once)
    found = api.evaluate(field, api.read(values, ReadConfig(kind="video")), device="cpu")
    decoded = api.decode(field, device="cpu")
    assert found["psnr"] == pytest.approx(fidelity.psnr(values, decoded, (0, 255)))
    assert found["mse"] == pytest.approx(fidelity.mse(values, decoded, (0, 255)))
    pairs = list(zip(values, decoded, strict=True))
    assert found["frame_psnr"] == pytest.approx([fidelity.psnr(*pair, (0, 255)) for pair in pairs])
    ssim = [fidelity.ssim(*pair, (0, 255)) for pair in pairs]
    assert found["frame_ssim"] == pytest.approx(ssim)
    assert found["ssim"] == pytest.approx(np.mean(ssim))
    assert found["region_psnr"] == pytest.approx(region_psnr(values, decoded, field.partition, (0, 255)))
    assert found["samples"] == np.prod(SHAPE)


def test_no_more_than_some_frames_are_decoded_at_a_time(values, field, monkeypatch):
    monkeypatch.setattr(clip, "AT_ONCE", 2 * 13 * 17)
    asked, bands = [], type(field).bands
    monkeypatch.setattr(
        type(field), "bands", lambda self, out, *more: asked.append(out.region[0]) or bands(self, out, *more)
    )
    api.evaluate(field, api.read(values, ReadConfig(kind="video")), device="cpu")
    assert asked == [(0, 2), (2, 4), (4, 6), (6, 7)]


def test_samples_that_no_region_covers_are_not_counted(values, field):
    regions = field.partition.regions
    first = [p for p, r in enumerate(regions) if r.box[0][0] == 0 and r.box[1][0] == 0]
    last = [p for p, r in enumerate(regions) if r.box[0][1] == SHAPE[0]]
    part = field.select([first[0], last[-1]])
    (t0, t1), (y0, y1), (x0, x1) = part.domain.box
    reference = api.read(values[t0:t1, y0:y1, x0:x1], ReadConfig(kind="video"))
    reference = replace(reference, domain=replace(part.domain, spacing=reference.domain.spacing))
    found = api.evaluate(part, reference, device="cpu")
    assert found["samples"] == sum(part.partition.areas) < part.domain.size
    middle = regions[first[0]].box[0][1]
    assert found["frame_psnr"][middle] is None
    assert found["frame_ssim"][middle] is None
    whole = api.evaluate(field, api.read(values, ReadConfig(kind="video")), device="cpu")
    assert found["region_psnr"] == pytest.approx([whole["region_psnr"][p] for p in (first[0], last[-1])])


def test_metrics_that_are_not_for_clips_are_refused(values, field):
    with pytest.raises(ConfigError, match="psnr-minmax is not defined for a signal of the kind video"):
        api.evaluate(field, api.read(values, ReadConfig(kind="video")), metrics=["psnr-minmax"])


def test_samples_without_a_value_are_not_counted(values):
    floats = values.astype(np.float32)
    floats[:2, :, :9] = np.nan
    floats[4, 5, 6] = np.inf
    known = np.isfinite(floats).all(-1)
    words = {"grid": (3, 1, 1), "hidden_features": 6, "hidden_layers": 1, "steps": 20, "points": None}
    field = api.fit(floats, kind="video", device="cpu", **words)
    found = api.evaluate(field, api.read(floats, ReadConfig(kind="video")), device="cpu")
    error = np.square(field.decode(device="cpu").astype(np.float64) - np.where(known[..., None], floats, 0))
    extent = np.ptp(field.info.peak_range)
    boxes = [tuple(slice(*span) for span in region.box) for region in field.partition.regions]
    assert found["samples"] == known.sum()
    assert found["region_psnr"] == pytest.approx(
        [10 * np.log10(extent**2 / error[box][known[box]].mean()) for box in boxes]
    )
    assert found["psnr"] == pytest.approx(10 * np.log10(extent**2 / error[known].mean()))
    assert found["psnr"] == pytest.approx(field.psnr, abs=1e-3)
