from __future__ import annotations

import math
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from inrfit import registry
from inrfit.compare.comparison import OF_FIELD
from inrfit.decibel import unit_decibel
from inrfit.errors import InputError
from inrfit.metrics import fidelity
from inrfit.metrics.fidelity import (
    mean_psnr,
    ms_ssim,
    mse,
    psnr,
    psnr_minmax,
    psnr_of_mean_mse,
    ssim,
)

BYTES = (0.0, 255.0)
WORDS = (0.0, 65535.0)


def picture(height: int, width: int, channels: int = 3, seed: int = 0) -> np.ndarray:
    """Smooth waves with some noise, uint8."""
    y, x = np.mgrid[0:height, 0:width]
    waves = np.stack([np.sin(x / (7 + c)) + np.cos(y / (9 - c)) for c in range(channels)], axis=-1)
    noise = np.random.default_rng(seed).normal(0, 0.2, waves.shape)
    return np.clip(128 + 50 * (waves + noise), 0, 255).astype(np.uint8)


def noisy(image: np.ndarray, sd: float, seed: int = 1) -> np.ndarray:
    noise = np.random.default_rng(seed).normal(0, sd, image.shape)
    return np.clip(image + noise, 0, np.iinfo(image.dtype).max).astype(image.dtype)


def test_mse_and_psnr_of_bytes_by_hand():
    reference = np.array([[[10], [20]], [[30], [40]]], np.uint8)
    decoded = np.array([[[12], [20]], [[30], [36]]], np.uint8)  # differences 2, 0, 0, -4: mean square 5
    assert mse(reference, decoded, BYTES) == pytest.approx(5 / 255**2, rel=1e-12)
    assert psnr(reference, decoded, BYTES) == pytest.approx(10 * math.log10(255**2 / 5), rel=1e-12)


def test_unsigned_differences_do_not_wrap_around():
    dark, light = np.zeros((1, 1, 1), np.uint8), np.full((1, 1, 1), 255, np.uint8)
    assert mse(dark, light, BYTES) == mse(light, dark, BYTES) == 1
    assert psnr(dark, light, BYTES) == 0


def test_psnr_of_words_by_hand():
    reference = np.full((3, 5, 3), 40000, np.uint16)
    assert psnr(reference, reference - np.uint16(655), WORDS) == pytest.approx(
        20 * math.log10(65535 / 655), rel=1e-12
    )


def test_psnr_of_floats_uses_the_value_range_as_peak():
    reference = np.zeros((4, 4, 1), np.float32)
    decoded = np.full((4, 4, 1), 0.5, np.float32)
    assert psnr(reference, decoded, (-1.0, 1.0)) == pytest.approx(20 * math.log10(4), rel=1e-12)


def test_bytes_and_their_words_have_the_same_psnr():
    reference = picture(20, 30)
    decoded = noisy(reference, 4)
    wide, wide_decoded = (image.astype(np.uint16) * 257 for image in (reference, decoded))
    assert psnr(wide, wide_decoded, WORDS) == pytest.approx(psnr(reference, decoded, BYTES), abs=1e-9)


@pytest.mark.parametrize("metric", [psnr, psnr_minmax])
def test_identical_arrays_have_infinite_psnr(metric):
    assert metric(picture(5, 7), picture(5, 7), BYTES) == math.inf


def test_minmax_psnr_by_hand():
    reference = np.array([[[0.0], [0.5], [1.0]]], np.float32)
    decoded = np.array([[[-0.5], [0.5], [1.5]]], np.float32)  # the same after each is stretched
    assert psnr_minmax(reference, decoded, (0.0, 1.0)) == math.inf
    overshoot = np.array([[[0.0], [0.5], [2.0]]], np.float32)  # stretched: 0, 0.25, 1
    assert psnr_minmax(reference, overshoot, (0.0, 1.0)) == pytest.approx(-10 * math.log10(0.25**2 / 3))


def test_minmax_psnr_of_constant_arrays():
    flat, other = np.full((2, 2, 1), 7, np.uint8), np.full((2, 2, 1), 9, np.uint8)
    assert psnr_minmax(flat, other, BYTES) == math.inf
    half = np.array([[[0], [255]]], np.uint8)
    assert psnr_minmax(half, np.full((1, 2, 1), 9, np.uint8), BYTES) == pytest.approx(-10 * math.log10(0.5))


@pytest.mark.parametrize(("height", "width", "channels"), [(64, 48, 3), (30, 41, 1), (300, 20, 2)])
def test_ssim_agrees_with_scikit_image(height, width, channels):
    from skimage.metrics import structural_similarity

    reference = picture(height, width, channels)
    decoded = noisy(reference, 12)
    # Both average over the places where the whole window fits, so no border has to be left out here.
    expected = structural_similarity(
        reference,
        decoded,
        gaussian_weights=True,
        sigma=1.5,
        use_sample_covariance=False,
        data_range=255,
        channel_axis=-1,
    )
    assert ssim(reference, decoded, BYTES) == pytest.approx(expected, abs=1e-9)


RECORDED = [
    ((64, 48, 3, 12), 0.7437769284276474, None),
    ((30, 41, 1, 12), 0.7424251560091903, None),
    ((300, 20, 2, 12), 0.7198345150437132, None),
    ((180, 190, 3, 5), 0.943613070800846, 0.9945155156418698),
    ((176, 203, 1, 40), 0.22397966452407603, 0.8195341511369023),
    ((300, 181, 3, 15), 0.655545083568978, 0.9568274230079158),
]
"""Height, width, channels and noise, and what torchmetrics 1.9.0 gives for them in double precision."""


@pytest.mark.parametrize(("made", "single", "several"), RECORDED)
def test_similarities_are_those_that_torchmetrics_gave(made, single, several):
    height, width, channels, noise = made
    reference = picture(height, width, channels)
    decoded = noisy(reference, noise)
    assert ssim(reference, decoded, BYTES) == pytest.approx(single, abs=1e-9)
    assert ms_ssim(reference, decoded, BYTES) == (several and pytest.approx(several, abs=1e-8))


def test_similarities_are_those_that_torchmetrics_gives():
    torch = pytest.importorskip("torch")
    image = pytest.importorskip("torchmetrics.functional.image")
    reference = picture(190, 177, channels=2)
    decoded = noisy(reference, 25)
    a, b = (torch.from_numpy(x / 255.0).permute(2, 0, 1)[:, None] for x in (reference, decoded))
    words = {"sigma": 1.5, "data_range": 1.0}
    _, places = image.structural_similarity_index_measure(b, a, return_full_image=True, **words)
    assert ssim(reference, decoded, BYTES) == pytest.approx(float(places[..., 5:-5, 5:-5].mean()), abs=1e-9)
    several = image.multiscale_structural_similarity_index_measure(b, a, **words)
    assert ms_ssim(reference, decoded, BYTES) == pytest.approx(float(several), abs=1e-8)


@pytest.mark.parametrize("metric", [ssim, ms_ssim])
def test_similarities_of_opposites_are_numbers(metric):
    reference = picture(176, 176, 1)
    value = metric(reference, 255 - reference, BYTES)
    assert -1 <= value < 0.5


def test_ssim_of_words_and_floats_equals_that_of_bytes():
    reference = picture(40, 40)
    decoded = noisy(reference, 10)
    expected = ssim(reference, decoded, BYTES)
    wide, wide_decoded = (image.astype(np.uint16) * 257 for image in (reference, decoded))
    unit, unit_decoded = ((image / 127.5 - 1).astype(np.float32) for image in (reference, decoded))
    assert ssim(wide, wide_decoded, WORDS) == pytest.approx(expected, abs=1e-5)
    assert ssim(unit, unit_decoded, (-1.0, 1.0)) == pytest.approx(expected, abs=1e-5)


def test_ssim_does_not_depend_on_the_bands(monkeypatch):
    reference = picture(70, 30)
    decoded = noisy(reference, 20)
    whole = ssim(reference, decoded, BYTES)
    for band in (1, 17, 59, 60):
        monkeypatch.setattr(fidelity, "BAND", band)
        assert ssim(reference, decoded, BYTES) == pytest.approx(whole, abs=1e-12)


@pytest.mark.parametrize(("shape", "window"), [((3, 50), 3), ((8, 8), 7), ((10, 9), 9), ((5, 6), 5)])
def test_ssim_of_small_images_takes_the_largest_odd_window_that_fits(shape, window):
    from skimage.metrics import structural_similarity

    reference = picture(*shape, channels=1)
    decoded = noisy(reference, 30)
    # scikit-image takes the window from sigma too, and leaves out the same border.
    expected = structural_similarity(
        reference[..., 0],
        decoded[..., 0],
        gaussian_weights=True,
        sigma=1.5 * window / 11,
        use_sample_covariance=False,
        data_range=255,
    )
    assert ssim(reference, decoded, BYTES) == pytest.approx(expected, abs=1e-9)


@pytest.mark.parametrize("shape", [(1, 1), (2, 300), (300, 2)])
def test_ssim_is_not_defined_below_three_samples(shape):
    reference = picture(*shape)
    assert ssim(reference, reference, BYTES) is None


def test_ssim_of_identical_images_is_one():
    assert ssim(picture(16, 16), picture(16, 16), BYTES) == pytest.approx(1, abs=1e-6)


def test_ms_ssim_starts_where_its_window_fits_into_the_coarsest_scale():
    reference = picture(176, 180, channels=1)
    decoded = noisy(reference, 12)
    value = ms_ssim(reference, decoded, BYTES)
    assert value is not None
    assert 0.5 < value < 1
    assert ms_ssim(reference[:175], decoded[:175], BYTES) is None
    assert ms_ssim(reference[:, :175], decoded[:, :175], BYTES) is None


def test_ms_ssim_falls_with_noise_and_is_one_without():
    reference = picture(180, 180)
    values = [ms_ssim(reference, noisy(reference, sd), BYTES) or 0.0 for sd in (0, 10, 40)]
    assert values[0] == pytest.approx(1, abs=1e-6)
    assert values[0] > values[1] > values[2]


def test_ms_ssim_of_colour_is_the_mean_over_channels():
    reference = picture(176, 176, channels=2)
    decoded = noisy(reference, 15)
    single = [ms_ssim(reference[..., [c]], decoded[..., [c]], BYTES) or 0.0 for c in range(2)]
    assert ms_ssim(reference, decoded, BYTES) == pytest.approx(np.mean(single), abs=1e-7)


@pytest.mark.parametrize("name", [name for name in registry.names("metric") if name not in OF_FIELD])
def test_every_registered_metric_of_samples_gives_a_float_or_none(name):
    metric = registry.load("metric", name)
    reference, single = picture(180, 190), picture(1, 1)
    decoded = noisy(reference, 5)
    if name in ("si-sdr", "lsd"):
        reference, decoded, single = (values.reshape(-1, 3) for values in (reference, decoded, single))
    assert type(metric(reference, decoded, BYTES)) is float
    assert metric(single, single, BYTES) in (None, 0, math.inf)


@pytest.mark.parametrize("metric", [mse, psnr, psnr_minmax, ssim, ms_ssim])
def test_shapes_that_differ_are_named(metric):
    with pytest.raises(InputError, match=r"\(4, 4, 3\).*\(4, 5, 3\)") as caught:
        metric(picture(4, 4), picture(4, 5), BYTES)
    assert caught.value.hint


@pytest.mark.parametrize("metric", [mse, psnr, psnr_minmax, ssim, ms_ssim])
def test_nothing_to_compare_and_empty_ranges_are_errors(metric):
    with pytest.raises(InputError, match="no samples"):
        metric(np.zeros((0, 4, 3), np.uint8), np.zeros((0, 4, 3), np.uint8), BYTES)
    with pytest.raises(InputError, match="value range"):
        metric(picture(4, 4), picture(4, 4), (1.0, 1.0))


def test_ssim_refuses_what_is_not_an_image():
    with pytest.raises(InputError, match="height, width, channel"):
        ssim(np.zeros((20, 20), np.uint8), np.zeros((20, 20), np.uint8), BYTES)


def test_the_two_averages_over_images_differ():
    errors = [1e-2, 1e-4]  # 20 dB and 40 dB
    assert mean_psnr(errors) == pytest.approx(30)
    assert psnr_of_mean_mse(errors) == pytest.approx(-10 * math.log10(5.05e-3))


def test_averages_with_an_exact_image_and_of_nothing():
    assert mean_psnr([0.0, 1e-2]) == math.inf
    assert psnr_of_mean_mse([0.0, 1e-2]) == pytest.approx(20 + 10 * math.log10(2))
    for average in (mean_psnr, psnr_of_mean_mse):
        with pytest.raises(InputError, match="no measured images"):
            average([])


def test_nothing_here_imports_torch():
    program = (
        "import sys, numpy as np; from inrfit.metrics.fidelity import ms_ssim, psnr, ssim; "
        "a, b = np.zeros((176, 176, 1)), np.ones((176, 176, 1)); "
        "[metric(a, b, (0.0, 1.0)) for metric in (ms_ssim, psnr, ssim)]; sys.exit('torch' in sys.modules)"
    )
    root = Path(__file__).resolve().parents[2]
    assert subprocess.run([sys.executable, "-c", program], cwd=root, check=False).returncode == 0


def test_errors_of_values_on_minus_one_to_one_have_a_peak_of_two():
    assert unit_decibel(4.0) == 0
    assert unit_decibel(4e-3) == pytest.approx(30)
    assert unit_decibel(0.0) == math.inf
