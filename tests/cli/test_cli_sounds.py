"""Sounds through the command line: fitted, decoded at another rate, cropped by seconds, extended and measured."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soundfile
from make.cli import FAST, inrfit

RATE = 8000


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with a sound of 2 s, its field of four cells, and one of another rate."""
    folder = tmp_path_factory.mktemp("sounds")
    time = np.arange(2 * RATE) / RATE
    values = np.stack([0.2 * np.sin(30 * time), 0.1 * np.cos(45 * time)], axis=1)
    with soundfile.SoundFile(folder / "a.wav", "w", RATE, 2, "PCM_24") as sound:
        sound.title = "A song"
        sound.write(values)
    soundfile.write(folder / "slow.wav", values[:4000], RATE // 2, subtype="PCM_24")
    done = inrfit("fit", folder / "a.wav", "--cell", "4000", *FAST)
    assert done.code == 0, done.err
    assert "2.00 s 8000 Hz stereo int32 · grid 4" in done.err
    return folder


def test_decoded_sounds_have_rate_length_encoding_and_title(folder: Path, tmp_path: Path) -> None:
    for name, form, subtype in (
        ("a.wav", "WAV", "PCM_24"),
        ("a.flac", "FLAC", "PCM_24"),
        ("a.mp3", "MP3", None),
    ):
        done = inrfit("decode", folder / "a.inr", "-o", tmp_path / name)
        assert done.code == 0, done.err
        with soundfile.SoundFile(tmp_path / name) as sound:
            assert (sound.format, sound.samplerate, sound.channels) == (form, RATE, 2)
            assert subtype is None or sound.subtype == subtype
            assert (sound.frames, sound.title) == (2 * RATE, "A song")


@pytest.mark.parametrize(
    ("words", "rate", "frames"),
    [
        (("--region", "0.5:1"), RATE, 4000),
        (("--region", "-0.25:"), RATE, 2000),
        (("--rate", "48000"), 48000, 96000),
        (("--rate", "4000", "--region", "0.5:1"), 4000, 2000),
        (("--scale", "2"), 16000, 32000),
    ],
)
def test_parts_and_rates(
    words: tuple[str, ...], rate: int, frames: int, folder: Path, tmp_path: Path
) -> None:
    done = inrfit("decode", folder / "a.inr", "-o", tmp_path / "x.wav", *words)
    assert done.code == 0, done.err
    found = soundfile.info(tmp_path / "x.wav")
    assert (found.samplerate, found.frames) == (rate, frames)


def test_a_region_is_that_part_of_the_whole(folder: Path, tmp_path: Path) -> None:
    inrfit("decode", folder / "a.inr", "-o", tmp_path / "whole.wav")
    inrfit("decode", folder / "a.inr", "-o", tmp_path / "part.wav", "--region", "0.3:0.9")
    whole, part = (soundfile.read(tmp_path / f"{name}.wav", dtype="int32")[0] for name in ("whole", "part"))
    assert np.array_equal(part, whole[2400:7200])


def test_a_rate_that_a_format_has_not(folder: Path, tmp_path: Path) -> None:
    inrfit("decode", folder / "a.inr", "-o", tmp_path / "x.mp3", "--rate", "9000").refused(
        "MP3 has no sample rate of 9000 Hz", "--rate 8000"
    )
    inrfit("decode", folder / "a.inr", "-o", tmp_path / "x.wav", "--rate", "0").refused("--rate 0", code=2)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("words", "cells", "first"),
    [
        (("--keep", "0:3"), 3, 0),
        (("--keep", "0.5s:1s"), 1, 4000),
        (("--keep", "1.6s:"), 1, 12000),
        (("--region", "0.4:0.6"), 2, 0),
    ],
)
def test_crops_keep_samples_and_encoding(
    words: tuple[str, ...], cells: int, first: int, folder: Path, tmp_path: Path
) -> None:
    done = inrfit("crop", folder / "a.inr", *words, "-o", tmp_path / "c.inr", "--json")
    assert done.results[0]["regions"] == cells
    inrfit("decode", folder / "a.inr", "-o", tmp_path / "whole.wav")
    inrfit("decode", tmp_path / "c.inr", "-o", tmp_path / "part.wav")
    whole, part = (soundfile.read(tmp_path / f"{name}.wav", dtype="int32")[0] for name in ("whole", "part"))
    assert np.array_equal(part, whole[first : first + 4000 * cells])
    assert soundfile.info(tmp_path / "part.wav").subtype == "PCM_24"


def test_what_was_cropped_away_is_silent(folder: Path, tmp_path: Path) -> None:
    inrfit("crop", folder / "a.inr", "--keep", "0", "--keep", "2", "-o", tmp_path / "h.inr")
    done = inrfit("decode", tmp_path / "h.inr", "-o", tmp_path / "h.wav")
    assert "samples that no region covers are 0" in done.err
    values = soundfile.read(tmp_path / "h.wav", dtype="int32")[0]
    assert values.shape == (12000, 2)
    assert not values[4000:8000].any()
    assert values[:4000].any()


@pytest.mark.parametrize(("side", "old"), [("after", slice(0, 1600)), ("before", slice(800, 2400))])
def test_extensions_go_on_and_may_be_louder(side: str, old: slice, tmp_path: Path) -> None:
    time = np.arange(1600) / RATE
    soundfile.write(tmp_path / "a.wav", 0.2 * np.sin(1500 * time), RATE)
    soundfile.write(tmp_path / "next.wav", 0.8 * np.sin(1500 * time[:800]), RATE)
    network = ("--cell", "200", "--hidden-features", "12", "--hidden-layers", "1", "--steps", "60")
    inrfit("fit", tmp_path / "a.wav", *network)
    words = ("extend", tmp_path / "a.inr", tmp_path / "next.wav", "--side", side, "--steps", "100")
    done = inrfit(*words, "-o", tmp_path / "e.inr", "--json")
    assert done.code == 0, done.err
    assert "louder than the field" in done.err
    assert done.results[0]["added"] == 4
    for name in "ae":
        inrfit("decode", tmp_path / f"{name}.inr", "-o", tmp_path / f"{name}.dec.wav")
    before, both = (soundfile.read(tmp_path / f"{name}.dec.wav")[0] for name in "ae")
    assert np.array_equal(both[old], before)
    error = np.delete(both, np.r_[old]) - 0.8 * np.sin(1500 * time[:800])
    assert np.abs(error).max() < 0.1


def test_a_part_of_another_rate_does_not_fit(folder: Path, tmp_path: Path) -> None:
    words = ("extend", folder / "a.inr", folder / "slow.wav", "--side", "after", "-o", tmp_path / "e.inr")
    inrfit(*words).refused("has 4000 samples per second, 8000 are wanted")
    inrfit("eval", folder / "a.inr", "--reference", folder / "slow.wav").refused("4000 samples per second")


def test_measured_and_shown(folder: Path, tmp_path: Path) -> None:
    page = tmp_path / "r.html"
    words = ("eval", folder / "a.inr", "--reference", folder / "a.wav", "--json", "--report", page)
    found = inrfit(*words).results[0]
    assert found["status"] == "ok", found["error"]
    assert all(isinstance(found[name], float) for name in ("psnr", "snr", "si-sdr", "lsd"))
    assert found["ssim"] is None
    peak_to_mean = found["psnr"] - found["snr"]
    values = soundfile.read(folder / "a.wav")[0]
    assert peak_to_mean == pytest.approx(-10 * np.log10((values**2).mean() / values.max() ** 2), abs=0.01)
    assert page.read_text().count("data:image/png") >= 2
    assert "waveform, 2 s at 8000 Hz" in inrfit("info", folder / "a.inr").out


def test_what_means_nothing_for_a_sound(folder: Path, tmp_path: Path) -> None:
    inrfit("fit", folder / "a.wav", "--partition", "seg", "-o", tmp_path / "x.inr").refused(
        "seg needs", code=2
    )
    inrfit("partition", folder / "a.wav", "--partition", "grid", "-o", tmp_path / "x.png").refused(
        "needs two axes", code=2
    )
    assert inrfit("partition", folder / "a.wav", "-o", tmp_path / "x.npy").code == 0
    labels = np.load(tmp_path / "x.npy")
    assert labels.ndim == 1 and (np.diff(labels.astype(int)) >= 0).all() and labels.max() > 1
    (tmp_path / "text.wav").write_text("hello\n")
    inrfit("fit", tmp_path / "text.wav").refused("text.wav: cannot be read as a sound")
