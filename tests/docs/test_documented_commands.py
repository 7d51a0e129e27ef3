"""Every command and Python block of README and docs runs as written, in a folder with the examples in it.

A shell block is a test. The blocks of a page share a folder, as later ones use what earlier ones wrote; a block that is
asked for alone has those before it run first. The photo there is the page's own, scaled down.
"""

from __future__ import annotations

import itertools
import os
import re
import runpy
import shlex
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from inrfit import io
from inrfit.cli.app import main
from inrfit.cli.job import Job
from inrfit.fitting.run import Fit
from inrfit.io.config import ReadConfig
from inrfit.meta import plan as training

ROOT = Path(__file__).resolve().parents[2]
PAGES = {  # with the side of the photo: what positions and sizes in the page's commands need
    "README.md": 192,
    "docs/quickstart.md": 192,
    "docs/small-files.md": 128,
    "docs/croppable.md": 256,
    "docs/signals.md": 64,
    "docs/meta-learning.md": 192,
    "docs/cli.md": 64,
}
EXAMPLE = "python examples/"


def blocks(page: str, language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", (ROOT / page).read_text(), re.MULTILINE | re.DOTALL)


def commands(block: str) -> list[str]:
    lines = [line.partition(" #")[0].strip() for line in block.splitlines()]
    ours = [line for line in lines if line.startswith(EXAMPLE) or re.search(r"(^|/|&& )inrfit ", line)]
    return [line if line.startswith(EXAMPLE) else line[line.index("inrfit ") :] for line in ours]


def shell(page: str) -> list[list[str]]:
    """The commands of each shell block of a page that has some."""
    return [found for block in blocks(page, "sh") if (found := commands(block))]


class Walk:
    """A folder like the root of the repository, and how many blocks of a page have been run in it."""

    def __init__(self, page: str, folder: Path) -> None:
        made = shutil.ignore_patterns("*.inr*", "__pycache__")  # whoever tried the README may have left some
        shutil.copytree(ROOT / "examples", folder / "examples", ignore=made)
        photo = folder / "examples" / "astronaut.png"
        Image.open(photo).resize((PAGES[page], PAGES[page])).save(photo)
        self.folder, self.blocks, self.done = folder, shell(page), 0

    def reach(self, number: int) -> None:
        """Run the blocks up to this one that have not been run."""
        while self.done <= number:
            for line in self.blocks[self.done]:
                run_line(line)
            self.done += 1


@pytest.fixture(scope="module")
def walks(tmp_path_factory):
    """The walk through each page, begun when it is first asked for."""
    begun = {}

    def walk(page):
        if page not in begun:
            begun[page] = Walk(page, tmp_path_factory.mktemp("page"))
        return begun[page]

    return walk


@pytest.fixture
def few_steps(monkeypatch):
    """Cap the steps of every fit and meta-training: the commands must run, how well they do is measured elsewhere."""
    run, plan_training = Fit.run, training.plan

    def capped(plan, *hooks):
        fit = replace(plan.settings.fit, steps=min(plan.settings.fit.steps, 4), target_psnr=None)
        return run(replace(plan, settings=replace(plan.settings, fit=fit)), *hooks)

    def shortened(*inputs, **words):
        planned = plan_training(*inputs, **words)
        config = replace(planned.blank.config, steps=min(planned.blank.config.steps, 2))
        return replace(planned, blank=replace(planned.blank, config=config))

    monkeypatch.setattr(Fit, "run", capped)
    monkeypatch.setattr(Job, "_missed", lambda job, psnr, plan: None)  # so few steps reach no target
    monkeypatch.setattr(training, "plan", shortened)


def run_line(line: str) -> None:
    """Run one `inrfit` command or example in this process; those with pipes or redirections in a shell."""
    if any(sign in line for sign in "|<>&"):
        script = f'inrfit() {{ {shlex.quote(sys.executable)} -m inrfit "$@"; }}; set -eo pipefail; {line}'
        path = os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])
        subprocess.run(["bash", "-c", script], check=True, env={**os.environ, "PYTHONPATH": path})
        return
    if line.startswith(EXAMPLE):
        run_example(line)
        return
    words = []
    for word in shlex.split(line)[1:]:
        words += sorted(map(str, Path().glob(word))) if "*" in word else [word]
    before = sys.argv
    sys.argv = ["inrfit", *words]
    try:
        main()
    except SystemExit as stop:
        assert not stop.code, line
    finally:
        sys.argv = before


def run_example(line: str) -> None:
    """Run a script of `examples`."""
    before = sys.argv
    _, *sys.argv = shlex.split(line)
    try:
        runpy.run_path(sys.argv[0], run_name="__main__")
    finally:
        sys.argv = before


@pytest.mark.parametrize(("page", "number"), [(page, n) for page in PAGES for n in range(len(shell(page)))])
def test_commands_run_as_written(page, number, walks, few_steps, monkeypatch, capsys):
    walk = walks(page)
    monkeypatch.chdir(walk.folder)
    walk.reach(number)


@pytest.mark.parametrize("page", PAGES)
def test_every_page_has_commands(page):
    assert shell(page)


@pytest.mark.parametrize("page", [page for page in PAGES if page != "docs/cli.md"])
def test_python_blocks_run_as_written(page, tmp_path, few_steps, monkeypatch, capsys):
    monkeypatch.chdir(Walk(page, tmp_path).folder)
    found = blocks(page, "python")
    assert found
    for line in itertools.chain(*shell(page)):
        if line.startswith(EXAMPLE):  # what the blocks work on
            run_example(line)
    for block in found:
        exec(compile(block, page, "exec"), {})


SCRIPTS = sorted(path.name for path in (ROOT / "examples").glob("*.py") if not path.name.startswith("make_"))


@pytest.mark.parametrize("script", SCRIPTS)
def test_examples_run(script, few_steps, monkeypatch, capsys, tmp_path):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", [script])
    runpy.run_path(str(ROOT / "examples" / script), run_name="__main__")
    assert "dB" in capsys.readouterr().out


def test_the_example_signals_are_those_of_their_script(tmp_path):
    made = runpy.run_path(str(ROOT / "examples" / "make_signals.py"))
    made["main"].__globals__["FOLDER"] = tmp_path / "signals"
    made["main"]()
    for name in ("chime.flac", "knot.ply"):
        words = ReadConfig(resolution=16) if name == "knot.ply" else None
        here, kept = (io.read(folder / name, words) for folder in (tmp_path / "signals", made["FOLDER"]))
        assert np.array_equal(here.dense(), kept.dense()), name
    assert io.read(tmp_path / "signals" / "ball.mp4").dense().shape == (24, 48, 64, 3)
