"""What a fit prints and writes: numbers that come from the file, defaults, the report."""

from __future__ import annotations

import io
import json
from pathlib import Path

import numpy as np
import pytest
from make.cli import FAST, files, inrfit, pixels, save
from make.data import textured

from inrfit import api


def psnr(a: np.ndarray, b: np.ndarray, peak: float = 255.0) -> float:
    return float(10 * np.log10(peak**2 / np.mean((a.astype(np.float64) - b.astype(np.float64)) ** 2)))


@pytest.mark.parametrize("options", [["--grid", "2x2"], ["--partition", "seg", "--weights", "float32"]])
def test_the_psnr_is_that_of_the_decoded_file(here: Path, options: list[str]) -> None:
    words = ("--steps", "20", "--hidden-features", "8", *options)
    said = inrfit("fit", "photo.png", "--json", *words).results[0]["psnr"]
    assert inrfit("decode", "photo.inr", "--quiet").code == 0
    measured = psnr(textured(24, 36), pixels(here / "photo.dec.png"))
    assert said == pytest.approx(measured, abs=1e-3)
    assert f"PSNR {measured:.2f} dB" in inrfit("fit", "photo.png", "--force", *words).out
    assert inrfit("info", "photo.inr", "--json").results[0]["psnr"] == pytest.approx(measured, abs=1e-3)


def test_the_line_says_what_will_be_done_and_what_came_out(here: Path) -> None:
    ran = inrfit("fit", "photo.png", "--grid", "2x3", *FAST)
    assert "photo.png 36×24×3 uint8 · grid 2×3 · partitioned sine 4 wide · 162 weights" in ran.err
    words = ran.out.split("  ")
    assert words[0] == str(here / "photo.inr")
    assert words[3] == "162 weights"
    size = (here / "photo.inr").stat().st_size
    assert float(words[2].split()[0]) == pytest.approx(8 * size / (24 * 36), abs=0.01)


def test_the_defaults_are_those_of_the_python_interface(here: Path) -> None:
    for words, options in (
        ([], {}),
        (["--model", "mlp"], {"model": "mlp"}),
        (["--preset", "paper", "--hidden-features", "4"], {"preset": "paper", "hidden_features": 4}),
        (["--heads", "6"], {"heads": 6}),
    ):
        assert inrfit("fit", "photo.png", "--force", "--steps", "2", *words).code == 0
        api.save(api.fit("photo.png", steps=2, **options), "api.inr", overwrite=True)
        assert (here / "photo.inr").read_bytes() == (here / "api.inr").read_bytes(), words


def test_a_target_that_is_missed_is_said(here: Path) -> None:
    ran = inrfit("fit", "photo.png", "--target-psnr", "60", "--json", *FAST)
    assert ran.code == 1
    assert "dB is below --target-psnr 60; the file is written" in ran.err
    told = json.loads(ran.out)
    assert (told["status"], told["bytes"]) == ("missed", (here / "photo.inr").stat().st_size)
    assert "below --target-psnr" in told["error"]["message"]


@pytest.mark.parametrize(
    ("words", "hint"),
    [
        ((), "more --steps may reach it; larger networks were tried"),
        (("--params", "400"), "it needs more --steps or a larger --params"),
        (("--hidden-features", "5"), "it needs more --steps or a larger --hidden-features"),
        (("--max-time", "1h"), "a longer --max-time may reach it"),
    ],
)
def test_the_hint_of_a_missed_target_names_what_the_user_set(
    here: Path, words: tuple[str, ...], hint: str
) -> None:
    ran = inrfit("fit", "photo.png", "--target-psnr", "90", "--steps", "3", "--json", *words)
    told = json.loads(ran.out)
    assert (ran.code, told["status"]) == (1, "missed")
    assert told["error"]["hint"].startswith(hint)
    assert ("tries again with" in ran.err) == (not words or words[0] == "--max-time")


def test_a_size_that_cannot_be_is_an_error_and_writes_nothing(here: Path) -> None:
    ran = inrfit("fit", "photo.png", "--target-size", "300", *FAST)
    assert ran.code != 0
    assert "--target-size 300 is too small" in ran.err
    assert not (here / "photo.inr").exists()


def test_a_size_is_kept_by_the_file_on_disk(here: Path) -> None:
    ran = inrfit("fit", "photo.png", "--target-size", "2k", "--hidden-features", "16", "--json", *FAST)
    assert ran.code == 0
    assert json.loads(ran.out)["bytes"] == (here / "photo.inr").stat().st_size <= 2000


def test_ways_to_say_how_large_a_file_is_exclude_each_other(here: Path) -> None:
    ran = inrfit("fit", "photo.png", "-q", "50", "--target-bpp", "1", *FAST)
    assert ran.code == 2
    assert "--quality and --target-bpp each say how large the file is" in ran.err


def test_notes_on_the_input_are_said_once(here: Path) -> None:
    save(here / "white.png", np.full((9, 9, 3), 255, np.uint8))
    ran = inrfit("fit", "white.png", "--partition", "seg", "--heads", "3", *FAST)
    assert ran.code == 0
    assert ran.err.count("white.png: ") == 2  # the note on its segments, and the progress
    assert "one region" in ran.err


def test_the_report_stands_alone(here: Path) -> None:
    save(here / "other.png", textured(9, 9))
    (here / "bad.png").write_text("text")
    ran = inrfit("fit", "photo.png", "bad.png", "other.png", "--report", "r.html", *FAST)
    assert ran.code == 1
    assert f"report: {here / 'r.html'}" in ran.err
    page = (here / "r.html").read_text()
    assert "photo.png" in page
    assert "other.png" in page
    assert "inrfit fit photo.png bad.png other.png --report r.html" in page
    assert "data:image/png;base64," in page
    assert "<svg" in page
    assert "http://" not in page.replace("http://www.w3.org", "")
    assert "https://" not in page


def test_no_report_where_nothing_came_out(here: Path) -> None:
    inrfit("fit", "missing.png", "--report", "r.html").refused("missing.png: no such file")
    assert files(here) == ["photo.png"]


def test_options_reach_the_fit(here: Path) -> None:
    words = [
        "--activation",
        "wire",
        "--encoding",
        "rff",
        "--features",
        "3",
        "--sigma",
        "2",
        "--first-omega-0",
        "7",
        "--hidden-omega-0",
        "8",
    ]
    words += [
        "--scale-0",
        "9",
        "--output-activation",
        "sigmoid",
        "--frame",
        "global",
        "--seed",
        "5",
        "--weights",
        "float32",
    ]
    words += ["--lr", "0.001", "--schedule", "constant", "--points", "50", "--memory", "64M", "--steps", "3"]
    words += ["--hidden-features", "5", "--hidden-layers", "1"]
    assert inrfit("fit", "photo.png", *words).code == 0
    field = api.load("photo.inr")
    model = field.model
    assert (model.activation, model.encoding, model.features, model.sigma) == ("wire", "rff", 3, 2)
    assert (model.first_omega_0, model.hidden_omega_0, model.scale_0) == (7, 8, 9)
    assert (model.output, model.frame, model.hidden_features, model.hidden_layers) == (
        "sigmoid",
        "global",
        5,
        1,
    )
    assert (field.seed, field.weight_type, field.steps) == (5, "float32", 3)


def test_a_limit_on_the_time_limits_the_steps(here: Path) -> None:
    ran = inrfit("fit", "photo.png", "--steps", "1000000", "--max-time", "0.3s", "--hidden-features", "4")
    assert ran.code == 0
    assert 8 <= inrfit("info", "photo.inr", "--json").results[0]["steps"] < 5000
    assert "to go" not in ran.err


def test_a_budget_of_weights_is_kept(here: Path) -> None:
    result = inrfit("fit", "photo.png", "--params", "0.4k", "--json", "--steps", "1").results[0]
    assert 380 <= result["params"] <= 400


def test_a_label_image_divides(here: Path) -> None:
    labels = np.zeros((24, 36), np.uint8)
    labels[:, 20:] = 7
    save(here / "labels.png", labels)
    ran = inrfit("fit", "photo.png", "--partition", "labels.png", *FAST)
    assert "2 regions" in ran.err
    assert sorted(api.load("photo.inr").partition.areas) == [24 * 16, 24 * 20]


def test_images_with_alpha_and_depth_go_through_end_to_end(here: Path) -> None:
    save(here / "alpha.png", textured(8, 9, 4))
    save(here / "grey.png", textured(8, 9, 1))
    save(here / "dot.png", textured(1, 1))
    save(here / "line.png", textured(1, 9))
    np.save(here / "float.npy", np.linspace(-3, 5, 9 * 8 * 5, dtype=np.float32).reshape(9, 8, 5))
    deep = (textured(8, 9).astype(np.uint16) * 257)[..., ::-1]
    import cv2

    cv2.imwrite("deep.png", deep)
    names = ["alpha.png", "grey.png", "dot.png", "line.png", "float.npy", "deep.png"]
    ran = inrfit("fit", *names, "--steps", "30", "--json")
    assert ran.code == 0, ran.err
    assert inrfit("decode", *(Path(name).with_suffix(".inr") for name in names), "--quiet").code == 0
    for name, result in zip(names, ran.results, strict=True):
        source, decoded = (np.asarray(api.read(path).dense()) for path in (name, name.replace(".", ".dec.")))
        assert decoded.dtype == source.dtype
        assert decoded.shape == source.shape
        peak = {"uint8": 255.0, "uint16": 65535.0, "float32": 8.0}[source.dtype.name]
        if result["psnr"] != "inf":
            assert psnr(source, decoded, peak) == pytest.approx(result["psnr"], abs=1e-3), name
    assert np.load(here / "float.dec.npy").shape == (9, 8, 5)


def test_data_on_standard_output_can_be_any_format(field: Path) -> None:
    ran = inrfit("decode", "photo.inr", "-o", "-", "--format", "npy")
    assert np.load(io.BytesIO(ran.data)).shape == (24, 36, 3)
    assert "36×24×3" in ran.err
