"""`inrfit extend`: what it writes, says and refuses."""

from __future__ import annotations

import os
import signal
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from make.cli import files, hearing, inrfit, save
from make.data import textured

from inrfit import api
from inrfit.cli.batch import RESULT
from inrfit.cli.extend import KEYS
from inrfit.edit import extend
from inrfit.metrics.fidelity import psnr

QUICK = ("--steps", "3")


@pytest.fixture
def right(field: Path) -> Path:
    """A picture as high as the field photo.inr, beside it in the working folder."""
    return save(field.with_name("right.png"), textured(24, 20))


def test_the_output_goes_beside_the_input(right: Path) -> None:
    ran = inrfit("extend", "photo.inr", "right.png", "--side", "right", *QUICK)
    assert ran.code == 0, ran.err
    assert files(right.parent) == ["photo.ext.inr", "photo.inr", "photo.png", "right.png"]
    old, new = api.load("photo.inr"), api.load("photo.ext.inr")
    assert np.array_equal(new.decode()[:, :36], old.decode())
    assert "photo.ext.inr  56×24×3  6 regions, 2 new" in ran.out
    assert "old part the same" in ran.out
    assert "2 new regions beside the 4 of photo.inr" in ran.err


def test_json_tells_what_the_file_holds(right: Path) -> None:
    inrfit(
        "fit",
        "photo.png",
        "-o",
        "lg.inr",
        "--model",
        "local-global",
        "--grid",
        "2x2",
        "--steps",
        "80",
        "--quiet",
    )
    old = api.load("lg.inr").decode()
    words = ("extend", "lg.inr", "right.png", "--side", "left", *QUICK, "--json", "--seed", "3", "--force")
    for mode in ("strict", "joint"):
        ran = inrfit(*words, "--mode", mode)
        assert ran.code == 0, ran.err
        (result,) = ran.results
        assert list(result) == [*RESULT, *KEYS]
        field = api.load("lg.ext.inr")
        decoded = field.decode()
        assert result["bytes"] == (right.parent / "lg.ext.inr").stat().st_size
        assert result["bpp"] == 8 * result["bytes"] / (24 * 56)
        assert (result["regions"], result["added"], result["params"]) == (6, 2, field.params)
        assert result["psnr"] == pytest.approx(field.psnr)
        assert result["psnr_new"] == pytest.approx(
            psnr(textured(24, 20), decoded[:, :20], (0, 255)), abs=1e-4
        )
        kept = psnr(old, decoded[:, 20:], (0, 255))
        assert result["psnr_old_kept"] == (None if mode == "strict" else pytest.approx(kept))
        assert (kept == np.inf) == (mode == "strict")


def test_pipes(right: Path, fitted: bytes) -> None:
    words = ("--side", "bottom", *QUICK, "--quiet")
    save(right.with_name("below.png"), textured(7, 36))
    assert inrfit("extend", "photo.inr", "below.png", *words).code == 0
    wanted = Path("photo.ext.inr").read_bytes()
    piped = inrfit("extend", "-", "below.png", *words, "-o", "-", stdin=fitted)
    assert (piped.code, piped.err) == (0, "")
    assert piped.data == wanted
    below = Path("below.png").read_bytes()
    assert inrfit("extend", "photo.inr", "-", *words, "-o", "-", stdin=below).data == wanted
    assert inrfit("decode", "-", "-o", "-", "--format", "png", "--quiet", stdin=piped.data).code == 0


def test_joint_without_shared_weights_is_said(right: Path) -> None:
    ran = inrfit("extend", "photo.inr", "right.png", "--side", "right", "--mode", "joint", *QUICK)
    assert ran.code == 0
    assert "--mode joint is strict here: regions of the model partitioned share no weights" in ran.err


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["right.png", "--side", "top"], 1, ["24x20 samples", "24x36", "36 along x"]),
        (["right.png", "--side", "after"], 2, ["--side after", "left, right, top, bottom"]),
        (["right.png", "--side", "rigt"], 2, ["--side 'rigt'", "did you mean 'right'?"]),
        (
            ["right.png", "--side", "left", "--mode", "strikt"],
            2,
            ["--mode 'strikt'", "did you mean 'strict'?"],
        ),
        (["none.png", "--side", "left"], 1, ["none.png: no such file"]),
        (["photo.inr", "--side", "left"], 2, ["photo.inr is an .inr file", "the .inr file first"]),
        (["part.data", "--side", "left", "-o", "part.data", "--force"], 2, ["part.data is both the part"]),
        (
            ["right.png", "--side", "left", "-o", "right.png", "--force"],
            2,
            ["right.png names a file of another format"],
        ),
        (["right.png", "--side", "left", "-o", "photo.inr"], 2, ["both an input and an output"]),
        (["right.png", "--side", "left", "-o", "-", "--json"], 2, ["both write to standard output"]),
        (["right.png"], 2, ["--side"]),
    ],
)
def test_what_cannot_be(right: Path, words: list[str], code: int, said: list[str]) -> None:
    before = files(right.parent)
    inrfit("extend", "photo.inr", *words, *QUICK).refused(*said, code=code)
    assert files(right.parent) == before


def test_more_than_two_files_or_none(right: Path) -> None:
    save(right.with_name("other.png"), textured(24, 3))
    inrfit("extend", "photo.inr", "*.png", "--side", "left").refused("one part to add", code=2)
    inrfit("extend", "-", "-", "--side", "left", "-o", "x.inr").refused("only once", code=2)
    inrfit("extend", "right.png", "right.png", "--side", "left").refused("right.png is not an .inr file")


def test_nothing_is_replaced_without_force(right: Path) -> None:
    words = ("extend", "photo.inr", "right.png", "--side", "right", *QUICK)
    assert inrfit(*words).code == 0
    before = Path("photo.ext.inr").read_bytes()
    inrfit(*words, "--seed", "1").refused("photo.ext.inr exists", code=1)
    assert Path("photo.ext.inr").read_bytes() == before
    assert inrfit(*words, "--seed", "1", "--force").code == 0
    assert Path("photo.ext.inr").read_bytes() != before


def test_ctrl_c_leaves_nothing(right: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def press(*args: Any, **kwargs: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(extend.Extension, "run", press)
    ran = inrfit("extend", "photo.inr", "right.png", "--side", "right", "--quiet")
    assert (ran.code, ran.out, ran.err) == (130, "", "Interrupted\n")
    assert files(right.parent) == ["photo.inr", "photo.png", "right.png"]


def test_a_real_ctrl_c(right: Path) -> None:
    words = ["extend", "photo.inr", "right.png", "--side", "right", "--steps", "20000"]
    root = str(Path(__file__).resolve().parents[2])
    env = {**os.environ, "PYTHONPATH": os.pathsep.join([root, os.environ.get("PYTHONPATH", "")])}
    command = hearing(*words)
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=env) as process:
        assert process.stderr is not None
        said = ""
        for line in process.stderr:
            said += line
            if line.startswith("right.png: step 1 of 20000"):
                process.send_signal(signal.SIGINT)
    assert process.returncode == 130, said
    assert "Hint: go on with: inrfit extend --resume photo.inr right.png --side right" in said
    assert "Traceback" not in said
    assert files(right.parent) == ["photo.ext.inr.ckpt", "photo.inr", "photo.png", "right.png"]


@pytest.mark.parametrize("side", ["right", "left"])
def test_a_report_shows_the_new_part(right: Path, side: str) -> None:
    words = ("photo.inr", "right.png", "--side", side, *QUICK, "--report", "r.html")
    ran = inrfit("extend", *words)
    assert ran.code == 0, ran.err
    assert f"report: {right.parent / 'r.html'}" in ran.err
    page = (right.parent / "r.html").read_text()
    assert "20 × 24 pixels" in page
    assert "photo.inr" in page
    inrfit("extend", *words, "-o", "b.inr").refused("--report r.html exists")
    inrfit("extend", *words[:-1], "right.png", "-o", "b.inr").refused("right.png is an input", code=2)
