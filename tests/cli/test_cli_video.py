"""Clips through the command line: fit, decode in every way, crop, extend, measure."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
from make.cli import inrfit
from make.clips import clip

from inrfit import api, io
from inrfit.compare.clip import is_clip
from inrfit.fitting import run, waves
from inrfit.io.config import ReadConfig

FIT = ("--grid", "3x2x2", "--hidden-features", "6", "--hidden-layers", "1", "--steps", "20")


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """The bytes of a field of the clip that `here` has."""
    path = source(tmp_path_factory.mktemp("clip"))
    ran = inrfit("fit", path, *FIT, "--sound", "copy", "--quiet")
    assert ran.code == 0, ran.err
    return path.with_suffix(".inr").read_bytes()


def source(folder: Path) -> Path:
    return clip(
        folder / "c.mkv", "-c:v", "ffv1", "-pix_fmt", "bgr0", "-metadata", "title=A title", sound=True
    )


@pytest.fixture
def work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, made: bytes) -> Path:
    monkeypatch.chdir(tmp_path)
    source(tmp_path)
    (tmp_path / "c.inr").write_bytes(made)
    return tmp_path


def read(path: str, **words):
    return io.read(path, ReadConfig(**{"kind": "video", "sound": "none", **words}))


def decode(*words: str, to: str) -> None:
    ran = inrfit("decode", "c.inr", "-o", to, *words)
    assert ran.code == 0, ran.err


def test_a_fit_tells_of_frames_and_seconds(work):
    ran = inrfit("fit", "c.mkv", *FIT, "-o", "new.inr", "--sound", "none")
    assert ran.code == 0, ran.err
    assert "32×20×3 uint8, 12 frames at 25 fps, 0.48 s" in ran.err


def test_ranges_of_the_last_axes_may_be_left_away(work):
    whole = api.decode("c.inr")
    for words, frames, rows in (
        ("0.12:0.24", slice(3, 6), slice(None)),
        (":0.2,4:9", slice(0, 5), slice(4, 9)),
    ):
        decode("--region", words, "--force", to="out.npy")
        assert np.array_equal(np.load("out.npy"), whole[frames, rows])


@pytest.mark.parametrize("how", ["fit", "copy"])
def test_a_sound_track_too_large_for_a_file_is_refused_before_the_frames_are_fitted(work, how, monkeypatch):
    def fitted(*_, **__):
        raise AssertionError("the frames were fitted")

    fit_waves = waves.fit
    monkeypatch.setattr(
        waves, "fit", lambda p, *a, **k: fitted() if is_clip(p.signal.domain) else fit_waves(p, *a, **k)
    )
    monkeypatch.setattr(run, "MAX_METADATA", 500)
    ran = inrfit("fit", "c.mkv", *FIT, "-o", "new.inr", "--sound", how)
    ran.refused("a file holds at most 500")
    assert not Path("new.inr").exists()


@pytest.mark.parametrize("suffix", [".mp4", ".mkv", ".gif", ".npy"])
def test_a_clip_is_decoded_to(work, suffix):
    decode(to=f"out{suffix}")
    signal = read(f"out{suffix}", sound="copy")
    assert signal.domain.shape == (12, 20, 32)
    assert signal.domain.per_unit == pytest.approx(25)
    if suffix in (".mp4", ".mkv"):
        assert signal.info.tags["title"] == "A title"
        assert signal.info.sound


def test_the_lossless_format_holds_what_the_array_does(work):
    decode(to="a.mkv")
    decode(to="a.npy")
    assert np.array_equal(read("a.mkv").values, np.load("a.npy"))


def test_a_region_is_in_seconds_rows_and_columns(work):
    decode(to="whole.npy")
    decode("--region", "0.12:0.32,0:10,4:20", to="part.npy")
    assert np.array_equal(np.load("part.npy"), np.load("whole.npy")[3:8, :10, 4:20])


@pytest.mark.parametrize(
    ("words", "shape", "rate"),
    [
        (["--fps", "50"], (24, 20, 32), 50),
        (["--size", "48x33"], (12, 33, 48), 25),
        (["--size", "16x10", "--fps", "12.5"], (6, 10, 16), 12.5),
        (["--scale", "0.5", "--no-soundtrack"], (6, 10, 16), 12.5),
    ],
)
def test_another_size_and_rate(work, words, shape, rate):
    decode(*words, to="out.mkv")
    signal = read("out.mkv", sound="copy")
    assert signal.domain.shape == shape
    assert signal.domain.per_unit == pytest.approx(rate)
    assert (signal.info.sound is None) is ("--no-soundtrack" in words)


def test_a_crop_keeps_its_frames(work):
    decode(to="whole.npy")
    for name, words in {"a": ["--keep", "1:3,:,:"], "b": ["--region", "0.16:0.48,:,:"]}.items():
        ran = inrfit("crop", "c.inr", *words, "-o", f"{name}.inr")
        assert ran.code == 0, ran.err
        assert inrfit("decode", f"{name}.inr", "-o", f"{name}.npy").code == 0
        assert np.array_equal(np.load(f"{name}.npy"), np.load("whole.npy")[4:])


def test_holes_are_told_as_what_they_are(work):
    assert inrfit("crop", "c.inr", "--keep", "0,0,0", "--keep", "2,1,1", "-o", "h.inr").code == 0
    ran = inrfit("decode", "h.inr", "-o", "h.mkv")
    assert ran.code == 0, ran.err
    assert "samples that no region covers are 0, 0, 0 (see --fill)" in ran.err
    assert not read("h.mkv").values[5].any()


def test_more_frames_are_added_after(work):
    clip(work / "more.mkv", "-c:v", "ffv1", "-pix_fmt", "bgr0", frames=4)
    ran = inrfit("extend", "c.inr", "more.mkv", "--side", "after", "--steps", "5", "-o", "x.inr")
    assert ran.code == 0, ran.err
    decode(to="old.npy")
    assert inrfit("decode", "x.inr", "-o", "new.npy").code == 0
    assert np.array_equal(np.load("new.npy")[:12], np.load("old.npy"))
    assert len(np.load("new.npy")) == 16


def test_eval_measures_frame_by_frame_and_shows_the_curve(work):
    ran = inrfit("eval", "c.inr", "--json", "--report", "page.html")
    assert ran.code == 0, ran.err
    result = ran.results[0]
    assert len(result["frame_psnr"]) == len(result["frame_ssim"]) == 12
    mean = np.mean([10 ** (-psnr / 10) for psnr in result["frame_psnr"]])
    assert result["psnr"] == pytest.approx(-10 * math.log10(mean))
    assert result["ssim"] == pytest.approx(np.mean(result["frame_ssim"]))
    assert 'aria-label="PSNR of each frame"' in (work / "page.html").read_text()


def test_errors_are_one_line_with_a_way_out(work):
    for words, said in {
        ("decode", "c.inr", "-o", "c.png"): ".png is not a format of clips",
        ("fit", "c.mkv", "--partition", "seg", "-o", "s.inr"): "needs an image",
        (
            "fit",
            "c.mkv",
            "--target",
            "sdf",
            "-o",
            "s.inr",
        ): "c.mkv: --target means nothing for a signal of the kind video",
    }.items():
        ran = inrfit(*words)
        assert ran.code != 0
        assert said in ran.err
        assert "Hint: " in ran.err
        assert "Traceback" not in ran.err


def test_python_writes_what_the_command_does(work):
    words = ("--fps", "12.5", "--resolution", "16")
    assert inrfit("decode", "c.inr", *words, "--no-sound", "-o", "said.mkv").err.count(
        "--sound is called --soundtrack now"
    )
    assert inrfit("decode", "c.inr", *words, "--no-soundtrack", "-o", "now.mkv", "--quiet").code == 0
    api.decode("c.inr", "made.mkv", rate=12.5, resolution=16, soundtrack=False)
    said, now, made = (read(name, sound="copy") for name in ("said.mkv", "now.mkv", "made.mkv"))
    assert said.domain == now.domain == made.domain
    assert said.info.sound is now.info.sound is made.info.sound is None
