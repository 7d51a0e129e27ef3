"""`inrfit fit --dry-run`: what would be done, and nothing done."""

from __future__ import annotations

from pathlib import Path

from make.cli import FAST, files, inrfit


def test_a_dry_run_says_what_holds_and_writes_nothing(here: Path) -> None:
    before = files(here)
    ran = inrfit("fit", "photo.png", *FAST, "--grid", "2x3", "--dry-run", "--json")
    assert ran.code == 0, ran.err
    (result,) = ran.results
    assert files(here) == before
    plan, words = result["plan"], result["plan"]["words"]
    assert (result["status"], result["output"], result["psnr"]) == ("planned", None, None)
    assert (plan["regions"], plan["grid"], plan["steps"]) == (6, [2, 3], 2)
    assert (words["model"], words["hidden_features"], words["optimiser"]) == ("partitioned", 4, "soap")
    assert result["params"] == 6 * (2 * 4 + 4 + 4 * 3 + 3)
    assert result["seconds"] >= 0 and 0 < result["bytes"] < 10_000


def test_a_dry_run_shows_what_a_preset_an_effort_and_a_kind_decide(here: Path) -> None:
    for options, expected in {
        ("--preset", "paper"): {"frame": "global", "heads": 4, "first_omega_0": 60.0, "steps": 300},
        ("--effort", "1"): {"steps": 20, "cell": 16, "hidden_layers": 1},
        ("--quality", "40"): {"model": "feature-grid", "steps": 500, "saving": 2.0},
    }.items():
        (result,) = inrfit("fit", "photo.png", "--dry-run", "--json", *options).results
        words = result["plan"]["words"]
        assert {name: words[name] for name in expected} == expected


def test_a_dry_run_neither_minds_nor_touches_an_output_that_is_there(here: Path) -> None:
    Path("photo.inr").write_bytes(b"mine")
    ran = inrfit("fit", "photo.png", *FAST, "--dry-run")
    assert ran.code == 0, ran.err
    assert Path("photo.inr").read_bytes() == b"mine"
    assert "regions" in ran.out
    assert "about" in ran.out


def test_estimated_bytes_are_near_those_of_the_file(here: Path) -> None:
    options = ("fit", "photo.png", *FAST, "--weights", "float32", "--json")
    (guess,) = inrfit(*options, "--dry-run").results
    (made,) = inrfit(*options).results
    assert abs(guess["bytes"] - made["bytes"]) < 0.4 * made["bytes"]


def test_an_input_that_cannot_be_fitted_is_refused_as_in_a_fit(here: Path) -> None:
    Path("photo.png").write_bytes(b"no picture")
    inrfit("fit", "photo.png", "--dry-run").refused("photo.png")
