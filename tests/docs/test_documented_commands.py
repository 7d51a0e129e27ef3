"""Every command and Python block of README and docs runs as written, in a folder with the examples in it."""

from __future__ import annotations

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

from inrfit import api, io
from inrfit.cli.app import main
from inrfit.cli.fit_job import Job
from inrfit.io.config import ReadConfig
from inrfit.meta import plan as training

ROOT = Path(__file__).resolve().parents[2]
PAGES = (
    "README.md",
    "docs/quickstart.md",
    "docs/small-files.md",
    "docs/croppable.md",
    "docs/signals.md",
    "docs/meta-learning.md",
    "docs/cli.md",
)
EXAMPLE = "python examples/"


def blocks(page: str, language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", (ROOT / page).read_text(), re.MULTILINE | re.DOTALL)


def commands(page: str) -> list[str]:
    lines = [line.partition(" #")[0].strip() for block in blocks(page, "sh") for line in block.splitlines()]
    ours = [line for line in lines if line.startswith(EXAMPLE) or re.search(r"(^|/|&& )inrfit ", line)]
    return [line if line.startswith(EXAMPLE) else line[line.index("inrfit ") :] for line in ours]


@pytest.fixture
def folder(tmp_path):
    """A folder like the root of the repository: later commands of a page use what earlier ones wrote."""
    made = shutil.ignore_patterns("*.inr*", "__pycache__")  # whoever tried the README may have left some
    shutil.copytree(ROOT / "examples", tmp_path / "examples", ignore=made)
    return tmp_path


@pytest.fixture
def few_steps(monkeypatch):
    """Cap the steps of every fit and meta-training: the commands must run, how well they do is measured elsewhere."""
    run, plan_training = api.run, training.plan

    def capped(plan, **hooks):
        fit = replace(plan.settings.fit, steps=min(plan.settings.fit.steps, 4), target_psnr=None)
        return run(replace(plan, settings=replace(plan.settings, fit=fit)), **hooks)

    def shortened(*inputs, **words):
        planned = plan_training(*inputs, **words)
        config = replace(planned.blank.config, steps=min(planned.blank.config.steps, 2))
        return replace(planned, blank=replace(planned.blank, config=config))

    monkeypatch.setattr(api, "run", capped)
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


@pytest.mark.parametrize("page", PAGES)
def test_commands_run_as_written(page, folder, few_steps, monkeypatch, capsys):
    monkeypatch.chdir(folder)
    found = commands(page)
    assert found
    for line in found:
        run_line(line)


@pytest.mark.parametrize("page", PAGES[:6])
def test_python_blocks_run_as_written(page, folder, few_steps, monkeypatch, capsys):
    monkeypatch.chdir(folder)
    found = blocks(page, "python")
    assert found
    for line in commands(page):
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


def test_links_between_pages_lead_somewhere():
    for page in [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *(ROOT / "docs").glob("*.md")]:
        for target in re.findall(r"\]\(([^)#]+?)(?:#[^)]*)?\)", page.read_text()):
            if not target.startswith("http"):
                assert (page.parent / target).exists(), f"{page.name}: {target}"


def test_readme_is_under_150_lines():
    assert len((ROOT / "README.md").read_text().splitlines()) < 150
