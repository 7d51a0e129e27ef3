"""Several inputs at once: failures that stop nothing, exit codes, JSON and how much is said."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from make.cli import FAST, files, inrfit, save
from make.data import textured

from inrfit import api
from inrfit.cli import batch, decode, evaluate, fit, info, partition

COMMON = [
    *("input", "output", "bytes", "bpp", "params", "psnr", "psnr_type", "range"),
    *("seconds", "device", "status", "error"),
]


@pytest.fixture
def mixed(here: Path) -> Path:
    """a.png and c.png are good, b.png is not."""
    save(here / "a.png", textured(8, 9))
    (here / "b.png").write_text("text")
    save(here / "c.png", textured(9, 8))
    return here


def test_one_bad_file_stops_nothing(mixed: Path) -> None:
    ran = inrfit("fit", "a.png", "b.png", "missing.png", "c.png", *FAST)
    assert ran.code == 1
    assert [name for name in files(mixed) if name.endswith(".inr")] == ["a.inr", "c.inr"]
    assert "Error: b.png: is not an image" in ran.err
    assert "Error: missing.png: no such file" in ran.err
    assert ran.err.rstrip().endswith("2 of 4 inputs failed: b.png, missing.png")
    assert len(ran.out.splitlines()) == 2


def test_a_defect_met_by_one_file_stops_nothing(mixed: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    plan = api.plan

    def breaks(source: Path, **options: object) -> object:
        if source == Path("a.png"):
            raise KeyError("defect")
        if source == Path("b.png"):
            raise MemoryError
        return plan(source, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(api, "plan", breaks)
    ran = inrfit("fit", "a.png", "b.png", "c.png", "--json", *FAST)
    assert ran.code == 1
    assert [result["status"] for result in ran.results] == ["error", "error", "ok"]
    assert "Error: a.png: unexpected KeyError: 'defect'" in ran.err
    assert "report this" in ran.err
    assert "Error: b.png: there is not enough memory" in ran.err
    assert "Traceback" not in ran.err


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (["fit", "a.png", *FAST], 0),
        (["fit", "b.png", *FAST], 1),
        (["fit", "a.png", "--heads", "1000", *FAST], 2),  # an option that cannot work, met by the only input
        (["fit", "a.png", "c.png", "--heads", "1000", *FAST], 1),
        (["fit", "a.png", "c.png", "--device", "cuda:x", *FAST], 2),
        (["fit", "a.png", "--steps", "zero"], 2),
        (["fit", "--stepz", "1", "a.png"], 2),
        (["fit"], 2),
        (["fti", "a.png"], 2),
        (["--version"], 0),
        ([], 0),
    ],
)
def test_exit_codes(mixed: Path, words: list[str], code: int) -> None:
    assert inrfit(*words).code == code


def test_fit_and_decode_give_exactly_the_documented_keys(mixed: Path) -> None:
    ran = inrfit("fit", "a.png", "b.png", "c.png", "--json", *FAST)
    assert [list(result) for result in ran.results] == [COMMON] * 3
    good, bad, _ = ran.results
    size = (mixed / "a.inr").stat().st_size
    assert good["input"] == "a.png"
    assert good["output"] == "a.inr"
    assert good["bytes"] == size
    assert good["bpp"] == pytest.approx(8 * size / 72)
    assert good["params"] == 4 * 2 + 4 + 3 * 4 + 3
    assert 5 < good["psnr"] < 40
    assert good["seconds"] >= 0
    assert (good["device"], good["status"], good["error"]) == ("cpu", "ok", None)
    assert {name: value for name, value in bad.items() if value is not None} == {
        "input": "b.png",
        "output": "b.inr",
        "status": "error",
        "error": bad["error"],
    }
    assert set(bad["error"]) == {"code", "message", "hint"}
    assert bad["error"]["code"] == "InputError"
    ran = inrfit("decode", "a.inr", "--json")
    assert [list(result) for result in ran.results] == [[*COMMON, *decode.KEYS]]
    assert ran.results[0]["bytes"] == (mixed / "a.dec.png").stat().st_size


def test_the_other_commands_add_the_keys_they_document(mixed: Path) -> None:
    inrfit("fit", "a.png", *FAST)
    for words, keys in (
        (["info", "a.inr", "c.png"], info.KEYS),
        (["eval", "a.inr", "c.inr"], evaluate.KEYS),
        (["partition", "a.png", "b.png"], partition.KEYS),
        (["decode", "a.inr", "c.inr"], decode.KEYS),
    ):
        ran = inrfit(*words, "--json")
        assert ran.code == 1
        assert [list(result) for result in ran.results] == [[*COMMON, *keys]] * 2, words
        assert [result["status"] for result in ran.results] == ["ok", "error"]
        assert all(ran.results[1][key] is None for key in keys)
    assert fit.KEYS == {}
    assert list(batch.RESULT) == COMMON


def test_infinite_numbers_are_words_in_json(here: Path) -> None:
    save(here / "black.png", np.zeros((4, 4), np.uint8))
    words = ("--target-psnr", "99", "--activation", "relu", "--lr", "0.05", *FAST, "--steps", "2000")
    fitted = inrfit("fit", "black.png", "--json", *words)
    assert fitted.results[0]["psnr"] == "inf"
    assert "inf dB" in inrfit("fit", "black.png", "--force", *words).out
    assert inrfit("info", "black.inr", "--json").results[0]["psnr"] == "inf"
    measured = inrfit("eval", "black.inr", "--json").results[0]
    assert measured["psnr"] == "inf"
    assert measured["mse"] == 0


def test_an_error_before_any_work_is_one_object(here: Path) -> None:
    for words in (["--grid", "x"], ["--activation", "sin"], ["--device", "gpu"], ["--memory", "much"]):
        ran = inrfit("fit", "photo.png", "--json", *words)
        assert ran.code == 2
        assert [list(result) for result in ran.results] == [COMMON]
        assert ran.results[0]["input"] is None
        assert ran.results[0]["error"]["code"] in ("ConfigError", "DeviceError")


def test_quiet_says_only_what_failed(mixed: Path) -> None:
    ran = inrfit("fit", "a.png", "--heads", "9", "--partition", "seg", "--quiet", *FAST)
    assert (ran.code, ran.out, ran.err) == (0, "", "")
    for words in (
        ["decode", "a.inr"],
        ["eval", "a.inr", "--report", "r.html"],
        ["info", "a.inr"],
        ["partition", "a.png", "--heads", "30"],
    ):
        ran = inrfit(*words, "--quiet")
        assert (ran.code, ran.out, ran.err) == (0, "", ""), words
    ran = inrfit("fit", "b.png", "--quiet")
    assert ran.err.startswith("Error: b.png: ")


def test_verbose_says_the_settings(here: Path) -> None:
    assert "hidden_features=4" in inrfit("fit", "photo.png", "-v", *FAST).err
    assert "hidden_features=4" not in inrfit("fit", "photo.png", "--force", *FAST).err


def test_debug_shows_where_an_error_came_from(mixed: Path) -> None:
    ran = inrfit("fit", "b.png", "--debug")
    assert ran.code == 1
    assert "Traceback" in ran.err
    assert "Error: b.png: " in ran.err
    with pytest.raises(Exception, match="is not known"):
        inrfit("fit", "a.png", "--activation", "sin", "--debug")


def test_the_device_is_said_with_its_reason(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import torch

    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    for words in (["fit", "photo.png", *FAST], ["decode", "photo.inr"], ["eval", "photo.inr"]):
        first = inrfit(*words).err.splitlines()[0]
        assert first.startswith("cpu (")
        assert "without CUDA" in first or "no CUDA device" in first
    assert inrfit("decode", "photo.inr", "--force", "--device", "cpu", "--threads", "3").err.startswith(
        "cpu (3 threads) · photo.inr"
    )


@pytest.mark.parametrize("verb", ["fit", "decode", "eval"])
def test_cuda_that_is_not_there_is_an_error_before_any_work(
    field: Path, monkeypatch: pytest.MonkeyPatch, verb: str
) -> None:
    import torch

    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(batch, "run", lambda *args, **kwargs: pytest.fail("work was started"))
    name = "photo.png" if verb == "fit" else "photo.inr"
    ran = inrfit(verb, name, "missing", "--device", "cuda", *(["-o", "x"] if verb != "eval" else []))
    ran.refused("--device cuda: ", "--device cpu", code=2)
    inrfit(verb, name, "--threads", "0", "--force" if verb != "eval" else "--quiet").refused(
        "--threads 0", code=2
    )


def test_help_lists_options_that_exclude_each_other(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    for verb, pairs in {
        "fit": [("--grid", "--heads"), ("--params", "--hidden-features"), ("--skip-existing", "--force")],
        "decode": [("--scale", "--size")],
        "partition": [("--grid", "--heads")],
        "info": [],
        "eval": [],
    }.items():
        ran = inrfit(verb, "--help")
        assert ran.code == 0, ran.err
        assert f"inrfit {verb} [OPTIONS] {{IN}}..." in ran.out
        for one, other in pairs:
            line = next(line for line in ran.out.splitlines() if line.startswith(f"│ {one} "))
            assert f"Not with {other}." in line
    assert inrfit().out == inrfit("-h").out
    assert all(verb in inrfit("--help").out for verb in ("fit", "decode", "info", "partition", "eval"))


@pytest.mark.parametrize(
    "words",
    [
        ["fit", "photo.png", "--grid", "2x2", "--heads", "4"],
        ["fit", "photo.png", "--params", "9k", "--hidden-features", "4"],
        ["decode", "photo.inr", "--size", "4x4", "--scale", "2"],
    ],
)
def test_options_that_exclude_each_other_are_refused(field: Path, words: list[str]) -> None:
    inrfit(*words, "--force").refused(words[2], words[4], "give one of them", code=2)


def test_a_defect_outside_any_input_is_one_line(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def breaks(*args: object, **kwargs: object) -> None:
        raise ZeroDivisionError("defect")

    monkeypatch.setattr(fit, "planned", breaks)
    ran = inrfit("fit", "photo.png")
    assert ran.code == 1
    assert ran.err.splitlines() == [
        "Error: unexpected ZeroDivisionError: defect",
        "Hint: run again with --debug and report this",
    ]
