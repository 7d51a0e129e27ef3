"""Metrics of sounds against their formulas, written down once more without blocks."""

from __future__ import annotations

import math

import numpy as np
import pytest
from numpy.typing import NDArray

from inrfit.errors import InputError
from inrfit.metrics import sound
from inrfit.metrics.sound import lsd, si_sdr, snr
from inrfit.registry import load

RANGE = (0.0, 1000.0)


@pytest.fixture
def pair() -> tuple[NDArray[np.int16], NDArray[np.int16]]:
    """Return a sound [time, 2] and the same with an error that is 20 dB below."""
    rng = np.random.default_rng(0)
    reference = rng.normal(size=(5000, 2)) * 300
    decoded = reference + rng.normal(size=reference.shape) * 30
    return np.rint(reference).astype(np.int16), np.rint(decoded).astype(np.int16)


def test_snr_is_the_energy_over_that_of_the_error(pair: tuple[NDArray[np.int16], ...]) -> None:
    a, b = (x.astype(float) for x in pair)
    assert snr(*pair, RANGE) == pytest.approx(10 * np.log10((a**2).sum() / ((a - b) ** 2).sum()), abs=1e-9)
    assert snr(*pair, RANGE) == pytest.approx(20, abs=0.3)
    assert snr(pair[0], pair[0], RANGE) == math.inf
    assert snr(pair[0][:, 0], pair[1][:, 0], RANGE) == pytest.approx(20, abs=0.5)


def test_si_sdr_is_that_of_the_paper(pair: tuple[NDArray[np.int16], ...]) -> None:
    a, b = (x.astype(float) for x in pair)
    ratios = []
    for channel in range(2):
        scale = (b[:, channel] @ a[:, channel]) / (a[:, channel] @ a[:, channel])
        target = scale * a[:, channel]
        ratios.append(10 * np.log10((target**2).sum() / ((target - b[:, channel]) ** 2).sum()))
    assert si_sdr(*pair, RANGE) == pytest.approx(np.mean(ratios), abs=1e-9)


def test_si_sdr_agrees_with_torchmetrics(pair: tuple[NDArray[np.int16], ...]) -> None:
    torch = pytest.importorskip("torch")
    audio = pytest.importorskip("torchmetrics.functional.audio")
    a, b = (torch.from_numpy(x.T.astype(np.float64)) for x in pair)
    expected = float(audio.scale_invariant_signal_distortion_ratio(b, a).mean())
    assert si_sdr(*pair, RANGE) == pytest.approx(expected, abs=1e-6)


def test_loudness_counts_for_snr_and_not_for_si_sdr(pair: tuple[NDArray[np.int16], ...]) -> None:
    a, b = (x.astype(np.float32) for x in pair)
    assert si_sdr(a, b / 2, RANGE) == pytest.approx(si_sdr(a, b, RANGE), abs=1e-5)
    assert snr(a, b / 2, RANGE) == pytest.approx(6, abs=0.1)
    assert si_sdr(a, 2 * a, RANGE) == math.inf
    assert si_sdr(a, 0 * a, RANGE) == -math.inf


def test_lsd_is_a_root_mean_square_over_frequencies(pair: tuple[NDArray[np.int16], ...]) -> None:
    window = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(2048) / 2048)

    def spectra(values: NDArray[np.int16]) -> NDArray[np.float64]:
        padded = np.pad(values / 1000, (0, 6 * 512 + 2048 - len(values)))
        frames = [padded[at : at + 2048] * window for at in range(0, 7 * 512, 512)]
        power = np.square(np.abs(np.fft.rfft(frames)) * 2 / window.sum())
        return 10 * np.log10(power + 1e-10)

    distances = [
        np.sqrt(((spectra(pair[0][:, channel]) - spectra(pair[1][:, channel])) ** 2).mean(axis=1)).mean()
        for channel in range(2)
    ]
    assert lsd(*pair, RANGE) == pytest.approx(np.mean(distances), abs=1e-9)
    assert lsd(pair[0], pair[0], RANGE) == 0


def test_lsd_of_a_sound_ten_times_as_quiet_is_twenty_decibels(pair: tuple[NDArray[np.int16], ...]) -> None:
    reference = pair[0].astype(np.float32)
    assert lsd(reference, reference / 10, RANGE) == pytest.approx(20, abs=0.01)


def test_lsd_does_not_hear_below_its_floor() -> None:
    rng = np.random.default_rng(0)
    tone = (np.sin(np.arange(9000) * 0.3) * 1000)[:, None]
    assert lsd(tone, tone + rng.normal(size=tone.shape) * 1e-3, RANGE) < 0.1
    assert lsd(tone, tone + rng.normal(size=tone.shape), RANGE) > 5


@pytest.mark.parametrize("name", ["snr", "si-sdr", "lsd"])
def test_parts_change_nothing(
    name: str, pair: tuple[NDArray[np.int16], ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    metric = load("metric", name)
    whole = metric(*pair, RANGE)
    monkeypatch.setattr(sound, "PART", 700)
    monkeypatch.setattr(sound, "BATCH", 2)
    assert metric(*pair, RANGE) == pytest.approx(whole, rel=1e-12)


@pytest.mark.parametrize("name", ["snr", "si-sdr", "lsd"])
def test_silence_short_sounds_and_what_is_no_sound(name: str) -> None:
    metric = load("metric", name)
    silent, loud = np.zeros((50, 2), np.int16), np.full((50, 2), 7, np.int16)
    assert metric(silent, loud, RANGE) is None
    assert metric(silent, silent, RANGE) is None
    assert metric(loud[:1], loud[:1], RANGE) == (0 if name == "lsd" else math.inf)
    with pytest.raises(InputError, match="cannot be compared"):
        metric(loud, loud[:-1], RANGE)
    if name != "snr":
        with pytest.raises(InputError, match="need sounds"):
            metric(loud[:, 0], loud[:, 0], RANGE)


def test_a_silent_channel_is_left_out_of_si_sdr(pair: tuple[NDArray[np.int16], ...]) -> None:
    reference, decoded = (x.copy() for x in pair)
    reference[:, 1] = 0
    assert si_sdr(reference, decoded, RANGE) == pytest.approx(si_sdr(pair[0][:, :1], decoded[:, :1], RANGE))


def test_integers_do_not_wrap_around() -> None:
    low, high = np.full((9, 1), -32768, np.int16), np.full((9, 1), 32767, np.int16)
    assert snr(low, high, RANGE) == pytest.approx(-6.02, abs=0.01)
