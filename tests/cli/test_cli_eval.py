"""Evaluation: which original is taken, what is measured and how means are made."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from make.cli import inrfit, pixels, save
from make.data import textured

from inrfit import api


@pytest.fixture
def two(field: Path) -> Path:
    """photo.inr and other.inr, of unequal quality, with their originals."""
    save(Path("other.png"), textured(12, 12)[::-1])
    assert inrfit("fit", "other.png", "--steps", "3", "--quiet").code == 0
    return field.parent


def mse(name: str) -> float:
    inrfit("decode", f"{name}.inr", "--force", "--quiet")
    a, b = (pixels(Path(path)).astype(np.float64) for path in (f"{name}.png", f"{name}.dec.png"))
    return float(np.mean(((a - b) / 255) ** 2))


def test_the_numbers_are_those_of_the_decoded_file(field: Path) -> None:
    from skimage.metrics import structural_similarity

    result = inrfit("eval", "photo.inr", "--json").results[0]
    inrfit("decode", "photo.inr", "--quiet")
    source, decoded = pixels(Path("photo.png")), pixels(Path("photo.dec.png"))
    assert result["mse"] == pytest.approx(mse("photo"), rel=1e-6)
    assert result["psnr"] == pytest.approx(-10 * np.log10(mse("photo")), abs=1e-6)
    oracle = structural_similarity(
        source, decoded, channel_axis=2, gaussian_weights=True, sigma=1.5, use_sample_covariance=False
    )
    assert result["ssim"] == pytest.approx(oracle, abs=1e-3)
    assert result["ms-ssim"] is None  # too small
    assert result["bytes"] == field.stat().st_size
    assert len(result["region_psnr"]) == 4
    assert result["reference"] == "photo.png"


def test_the_original_is_found_beside_named_or_in_a_folder(field: Path) -> None:
    expected = inrfit("eval", "photo.inr", "--json").results[0]["psnr"]
    Path("originals/sub").mkdir(parents=True)
    Path("photo.png").rename("originals/sub/photo.PNG")
    inrfit("eval", "photo.inr").refused("photo.inr has no original named photo.* in .", "--reference")
    named = inrfit("eval", "photo.inr", "--reference", "originals/sub/photo.PNG", "--json").results[0]
    assert named["psnr"] == expected
    found = inrfit("eval", "photo.inr", "--reference", "originals/sub", "--json").results[0]
    assert (found["psnr"], found["reference"]) == (expected, "originals/sub/photo.PNG")
    piped = inrfit(
        "eval", "-", "--reference", "originals/sub/photo.PNG", "--json", stdin=field.read_bytes()
    ).results[0]
    assert (piped["psnr"], piped["input"], piped["bytes"]) == (expected, "<stdin>", named["bytes"])
    Path("fields/sub").mkdir(parents=True)
    field.rename("fields/sub/photo.inr")
    in_tree = inrfit("eval", "fields", "-r", "--reference", "originals", "--json").results[0]
    assert in_tree["psnr"] == expected


def test_two_possible_originals_are_an_error(field: Path) -> None:
    save(Path("photo.bmp"), textured(24, 36))
    inrfit("eval", "photo.inr").refused("photo.inr has 2 possible originals", "--reference")


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["photo.inr", "--reference", "missing.png"], 1, "--reference missing.png: no such file or folder"),
        (["photo.inr", "x.inr", "--reference", "photo.png"], 2, "is one file for 2 inputs"),
        (["-"], 2, "standard input needs its original"),
        (["-", "--reference", "."], 2, "standard input needs its original"),
        (["photo.inr", "--metrics", "psnt"], 2, "--metrics 'psnt' is not known"),
        (["photo.inr", "--metrics", ""], 2, "--metrics '' is not known"),
        (["missing.inr"], 1, "missing.inr does not exist"),
        (["photo.png"], 1, "photo.png is not an .inr file"),
        (["photo.inr", "--report", "photo.inr", "--force"], 2, "--report photo.inr is an input"),
        (
            ["photo.inr", "--reference", "photo.png", "--report", "photo.png", "--force"],
            2,
            "--report photo.png is an",
        ),
    ],
)
def test_what_cannot_be_measured_is_refused(field: Path, words: list[str], code: int, said: str) -> None:
    ran = inrfit("eval", *words)
    assert said in ran.err
    assert ran.code == code
    assert ran.err.count("Error: ") == 1


def test_another_image_is_no_original(field: Path) -> None:
    save(Path("photo.png"), textured(10, 10))
    ran = inrfit("eval", "photo.inr")
    ran.refused("differs in size: (10, 10), but the field has (24, 36)")


def test_means_over_files_are_given_both_ways(two: Path) -> None:
    errors = [mse("photo"), mse("other")]
    mean_psnr = np.mean([-10 * np.log10(error) for error in errors])
    psnr_of_mean = -10 * np.log10(np.mean(errors))
    assert abs(mean_psnr - psnr_of_mean) > 0.1
    said = f"mean of 2: PSNR {mean_psnr:.2f} dB, SSIM "
    ran = inrfit("eval", "photo.inr", "other.inr", "--metrics", "psnr,ssim")
    assert said in ran.out.splitlines()[-1]
    assert f"PSNR of the mean error {psnr_of_mean:.2f} dB" in ran.out
    ran = inrfit("eval", "photo.inr", "other.inr", "--metrics", "psnr,ssim", "--json")
    assert len(ran.results) == 2
    assert said in ran.err


def test_a_file_that_fails_is_left_out_of_the_mean_and_the_report(two: Path) -> None:
    ran = inrfit("eval", "photo.inr", "missing.inr", "other.inr", "--report", "r.html")
    assert ran.code == 1
    assert "mean of 2: " in ran.out
    assert "1 of 3 inputs failed: missing.inr" in ran.err
    page = Path("r.html").read_text()
    assert "photo.inr" in page
    assert "other.inr" in page
    assert "data:image/png;base64," in page
    assert "https://" not in page


def test_only_the_metrics_that_are_asked_for(field: Path) -> None:
    result = inrfit("eval", "photo.inr", "--metrics", " ssim ", "--json").results[0]
    assert result["psnr"] is None
    assert 0 < result["ssim"] < 1


def test_a_crop_is_measured_against_its_part_of_the_original(field: Path) -> None:
    whole = inrfit("eval", "photo.inr", "--json").results[0]["region_psnr"]
    api.crop(field, "part.inr", keep=["0,0", "1,1"])
    found = inrfit("eval", "part.inr", "--reference", "photo.png", "--report", "r.html", "--json").results[0]
    assert found["region_psnr"] == [whole[0], whole[3]]
    assert found["samples"] == 2 * 12 * 18
    assert found["psnr"] == pytest.approx(
        -10 * np.log10(np.mean([10 ** (-p / 10) for p in found["region_psnr"]]))
    )
    assert "<th>3</th>" in Path("r.html").read_text()
    api.crop(field, "corner.inr", keep="1,1")
    cut = inrfit("eval", "corner.inr", "--reference", "photo.png", "--json").results[0]
    assert cut["psnr"] == pytest.approx(whole[3])
    save(Path("small.png"), textured(20, 30))
    inrfit("eval", "corner.inr", "--reference", "small.png").refused(
        "differs in size", "the part that is left"
    )
    save(Path("corner.png"), textured(24, 36)[12:, 18:])
    assert inrfit("eval", "corner.inr", "--json").results[0]["psnr"] == pytest.approx(whole[3])
