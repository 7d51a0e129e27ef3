"""What the command line imports, and how it ends when nobody reads what it writes: in processes of their own."""

from __future__ import annotations

import inspect
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from inrfit.cli.verbs import VERBS, module

ROOT = Path(__file__).resolve().parents[2]
HEAVY = ("torch", "cv2", "scipy", "skimage", "tifffile", "torchmetrics", "safetensors", "pydantic")
SHOW_IMPORTS = f"""
import contextlib, io, json, sys
from inrfit.cli.app import main
for words in json.loads(sys.argv[1]):
    sys.argv[1:] = words
    code = 0
    with contextlib.redirect_stdout(io.StringIO()) as told:
        try:
            main()
        except SystemExit as stop:
            code = stop.code or 0
    loaded = [name for name in {HEAVY} if name in sys.modules]
    print(json.dumps([words, code, len(told.getvalue().splitlines()), loaded]))
"""
"""One process that runs one command after the other, and tells after each what has been loaded by then."""

COMPLETE = f"""
import sys
from inrfit.cli.app import main
try:
    main()
finally:
    print("loaded:", *[name for name in {HEAVY} if name in sys.modules], file=sys.stderr)
"""

pytestmark = pytest.mark.process


def environment(**more: str) -> dict[str, str]:
    path = os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])
    return {**os.environ, "PYTHONPATH": path, **more}


def test_starting_imports_nothing_heavy(field: Path) -> None:
    asked = [
        ["--help"],
        *([command, "--help"] for command in VERBS),
        ["info", "photo.inr"],
        ["crop", "photo.inr", "--keep", "0,0", "-o", "kept.inr"],
        ["crop", "photo.inr", "--region", "0:1,0:1", "-o", "region.inr"],
    ]
    ran = subprocess.run(
        [sys.executable, "-c", SHOW_IMPORTS, json.dumps(asked)],
        capture_output=True,
        text=True,
        env=environment(),
    )
    assert ran.returncode == 0, ran.stderr
    assert ran.stderr == ""
    told = [json.loads(line) for line in ran.stdout.splitlines()]
    assert [words for words, *_ in told] == asked
    for words, code, lines, loaded in told:
        assert (code, loaded) == (0, []), words
        assert lines > (0 if words[0] == "crop" else 8), words


def test_help_imports_no_command() -> None:
    asked = "import sys, inrfit.cli.app as a; a.app(['--help'], standalone_mode=False); print(*sys.modules)"
    ran = subprocess.run([sys.executable, "-c", asked], capture_output=True, text=True, env=environment())
    loaded = ran.stdout.splitlines()[-1].split()
    assert "inrfit.cli.app" in loaded
    assert not {"numpy", "inrfit.io", "inrfit.words", "inrfit.cli.fit"}.intersection(loaded)


@pytest.mark.parametrize("verb", VERBS)
def test_the_list_of_commands_says_what_their_first_lines_say(verb: str) -> None:
    assert (inspect.getdoc(module(verb).command) or "").split("\n\n")[0] == VERBS[verb]


def test_completion_imports_nothing_heavy(here: Path) -> None:
    typed = {"_INRFIT_COMPLETE": "complete_bash", "COMP_WORDS": "inrfit ev", "COMP_CWORD": "1"}
    ran = subprocess.run(
        [sys.executable, "-c", COMPLETE], capture_output=True, text=True, env=environment(**typed)
    )
    assert ran.stdout.split() == ["eval"]
    assert ran.stderr == "loaded:\n"


@pytest.mark.parametrize("broken", ["torchvision", "torchmetrics", "lightning_utilities", "matplotlib"])
def test_quality_is_measured_beside_a_library_that_does_not_load(
    field: Path, tmp_path: Path, broken: str
) -> None:
    aside = tmp_path / "aside"
    aside.mkdir()
    (aside / f"{broken}.py").write_text("raise RuntimeError('operator torchvision::nms does not exist')")
    path = os.pathsep.join([str(aside), environment()["PYTHONPATH"]])
    words = ["eval", "photo.inr", "--metrics", "psnr,ssim,ms-ssim"]
    ran = subprocess.run(
        [sys.executable, "-m", "inrfit", *words],
        capture_output=True,
        text=True,
        env=environment(PYTHONPATH=path),
    )
    assert ran.returncode == 0, ran.stderr
    assert "SSIM" in ran.stdout
    assert "nms" not in ran.stdout + ran.stderr


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="the system has no /dev/full")
def test_a_full_disk_behind_standard_output_is_one_error(field: Path) -> None:
    with Path("/dev/full").open("wb") as full:
        ran = subprocess.run(
            [sys.executable, "-m", "inrfit", "info", "photo.inr"],
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            env=environment(),
        )
    assert ran.returncode == 1
    assert ran.stderr.splitlines() == [
        "Error: standard output: cannot be written (No space left on device)",
        "Hint: name a file with -o, or free some space",
    ]


def test_a_reader_that_left_ends_the_command_silently(field: Path) -> None:
    read, write = os.pipe()
    os.close(read)
    ran = subprocess.run(
        [sys.executable, "-m", "inrfit", "info", "photo.inr"],
        stdout=write,
        stderr=subprocess.PIPE,
        text=True,
        env=environment(),
    )
    os.close(write)
    assert (ran.returncode, ran.stderr) == (1, "")
