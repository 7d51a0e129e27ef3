"""What reaches a terminal: text of strangers as escapes, one line as one line, nothing that libraries say."""

from __future__ import annotations

import json
import logging
import struct
import sys
import unicodedata
import warnings
import zipfile
from io import BytesIO, TextIOWrapper
from pathlib import Path

import numpy as np
import pytest
from make.cli import FAST, Ran, inrfit
from PIL import Image

from inrfit.cli.console import libraries_silent, visible
from inrfit.cli.progress import Display
from inrfit.fitting.events import FitEvent

EVIL = "\x1b[2J\x1b]0;owned\x07a\u202eb\nError: c\r\u2028\x9b31m[red]d\x7f"
"""Clears the screen, sets the title, turns the writing, forges a line, a C1 control, markup of rich."""

SHOWN = r"\x1b[2J\x1b]0;owned\x07a\u202eb\nError: c\r\u2028\x9b31m[red]d\x7f"


@pytest.fixture
def evil(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "400")
    path = Path(f"{EVIL}.png")
    Image.new("RGB", (16, 12), "red").save(path, "PNG")
    return path


def clean(ran: Ran, lines: int | None = None) -> Ran:
    """Check that nothing on both streams steers a terminal, and how many lines there are on standard output."""
    for text in (ran.out, ran.err):
        assert not [
            c for c in text if c != "\n" and unicodedata.category(c) in ("Cc", "Cf", "Zl", "Zp", "Cs")
        ]
    assert "\nError: c" not in ran.out + ran.err
    assert lines is None or ran.out.count("\n") == lines
    return ran


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        (EVIL, SHOWN),
        ("bild für dich 写真 😀.png", "bild für dich 写真 😀.png"),
        ("non\xa0breaking\u3000space", "non\xa0breaking\u3000space"),
        ("a\tb", r"a\tb"),
        ("caf\udce9", r"caf\udce9"),
        ("\u2066\u200f\ufeff\U000e0041", r"\u2066\u200f\ufeff\U000e0041"),
    ],
)
def test_text_of_strangers_is_one_line_that_steers_nothing(text: str, shown: str) -> None:
    assert visible(text) == shown


def test_names_are_escaped_by_every_verb(evil: Path) -> None:
    ran = clean(inrfit("fit", evil, "-o", f"{EVIL}.inr", *FAST), 1)
    assert SHOWN in ran.out
    assert SHOWN in ran.err
    assert SHOWN in clean(inrfit("info", f"{EVIL}.inr")).out.splitlines()[0]
    assert SHOWN in clean(inrfit("eval", f"{EVIL}.inr", "--reference", evil), 2).out
    assert SHOWN in clean(inrfit("decode", f"{EVIL}.inr"), 1).out
    assert SHOWN in clean(inrfit("partition", evil, "-o", f"{EVIL}.labels.png", "--grid", "2x2"), 4).out
    assert SHOWN in clean(inrfit("crop", f"{EVIL}.inr", "--keep", "0:1,0:1")).out
    clean(inrfit("fit", evil, "-o", f"{EVIL}.inr", *FAST)).refused(SHOWN, "exists")
    assert json.loads(inrfit("info", f"{EVIL}.inr", "--json").out)["input"] == f"{EVIL}.inr"


@pytest.mark.parametrize(
    "words", [(EVIL,), ("fit", f"--{EVIL}"), ("fit", "--steps", EVIL), ("fit", "--kind", EVIL, "x")]
)
def test_usage_errors_are_escaped(evil: Path, words: tuple[str, ...]) -> None:
    ran = clean(inrfit(*words))
    assert ran.code == 2
    assert len(ran.err.splitlines()) <= 2
    assert EVIL not in ran.err


def test_content_is_escaped(evil: Path) -> None:
    array = BytesIO()
    np.save(array, np.zeros(3))
    with zipfile.ZipFile("cloud.npz", "w") as archive:
        archive.writestr(f"{EVIL}.npy", array.getvalue())
    ran = clean(inrfit("fit", "cloud.npz"))
    assert ran.code == 1
    assert r"\x1b" in ran.err
    held = {"version": 1, "kind": "image", "axes": ["y", "x"], "channels": 3, "model": {EVIL: 1}}
    held |= {"partition": {}, "config": {}, "notes": {}}
    front = json.dumps({"__metadata__": {"inrfit-init": json.dumps(held)}}).encode()
    Path("i.safetensors").write_bytes(struct.pack("<Q", len(front)) + front)
    clean(inrfit("adapt", evil, "--init", "i.safetensors"))


def test_traces_are_escaped(evil: Path) -> None:
    Path(f"{EVIL}.jpg").write_bytes(b"no picture")
    ran = clean(inrfit("fit", f"{EVIL}.jpg", "--debug"))
    assert "Traceback" in ran.err


def test_bars_show_names_as_they_are_written(monkeypatch: pytest.MonkeyPatch) -> None:
    err = BytesIO()
    stream = TextIOWrapper(err, encoding="utf-8")
    stream.isatty = lambda: True  # type: ignore[method-assign]
    monkeypatch.setattr(sys, "stderr", stream)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "200")
    with Display(quiet=False, limited=True).fit("[bold]\x1b]0;t\x07\u202e") as show:
        show(FitEvent(step=0, steps=2, loss=0.1, psnr=20.0, seconds=0.1))
    stream.flush()
    text = err.getvalue().decode()
    assert r"[bold]\x1b]0;t\x07\u202e" in text
    assert "\x1b]0;" not in text


def test_reports_show_names_without_controls(evil: Path) -> None:
    assert inrfit("fit", evil, "-o", "a.inr", "--report", "r.html", *FAST).code == 0
    page = Path("r.html").read_text(encoding="utf-8")
    assert not [c for c in page if c != "\n" and unicodedata.category(c) in ("Cc", "Cf", "Cs")]
    assert "?[2J?]0;owned?a?b" in page


def test_what_libraries_log_is_shown_by_debug_alone(
    caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    with libraries_silent(debug=False):
        logging.getLogger("some.library").critical("a line", exc_info=ValueError("of a library"))
        warnings.showwarning(UserWarning("of a library"), UserWarning, "library.py", 1)
    assert capsys.readouterr().err == ""
    assert not caplog.records
    assert logging.root.manager.disable == 0
    assert warnings.showwarning.__module__ == "warnings"
    with libraries_silent(debug=True):
        logging.getLogger("some.library").critical("a line")
    assert [record.message for record in caplog.records] == ["a line"]


def test_a_mesh_that_names_a_texture_brings_no_trace(tmp_path: Path) -> None:
    corners = [(x, y, z) for x in (0, 1) for y in (0, 1) for z in (0, 1)]
    sides = [(0, 1, 3, 2), (4, 6, 7, 5), (0, 4, 5, 1), (2, 3, 7, 6), (0, 2, 6, 4), (1, 5, 7, 3)]
    triangles = [t for a, b, c, d in sides for t in ((a, b, c), (a, c, d))]
    head = ["ply", "format ascii 1.0", "comment TextureFile skin.png", "element vertex 8"]
    head += [f"property float {axis}" for axis in "xyz"]
    head += [
        "element face 12",
        "property list uchar int vertex_indices",
        "property list uchar float texcoord",
    ]
    rows = [" ".join(map(str, corner)) for corner in corners]
    rows += [f"3 {a} {b} {c} 6 0 0 1 0 1 1" for a, b, c in triangles]
    path = tmp_path / "a.ply"
    path.write_text("\n".join([*head, "end_header", *rows, ""]))
    words = ("--resolution", 8, "--cell", 8, "--hidden-features", 4, "--steps", 1)
    ran = inrfit("fit", path, "--quiet", *words)
    assert ran.code == 0
    assert ran.err == ""
