"""The package of `examples/plugin`, installed beside inrfit: used by name, checked by its own test, missed by name."""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path
from types import SimpleNamespace

import pytest
from make.cli import save
from make.data import textured

ROOT = Path(__file__).resolve().parents[2]
PLUGIN = ROOT / "examples" / "plugin"


def install(target: Path) -> None:
    """Install the package into a folder: by pip where its build tool is there, otherwise as pip would, without it."""
    if importlib.util.find_spec("hatchling"):
        source = shutil.copytree(PLUGIN, target.with_name("source"))
        words = [
            "--no-deps",
            "--no-index",
            "--no-build-isolation",
            "--quiet",
            "--target",
            str(target),
            str(source),
        ]
        subprocess.run([sys.executable, "-m", "pip", "install", *words], check=True)
        return
    project = tomllib.loads((PLUGIN / "pyproject.toml").read_text())["project"]
    info = target / f"{project['name'].replace('-', '_')}-{project['version']}.dist-info"
    info.mkdir(parents=True)
    shutil.copy(PLUGIN / "inrfit_sinc.py", target)
    info.joinpath("METADATA").write_text(
        f"Metadata-Version: 2.1\nName: {project['name']}\nVersion: {project['version']}\n"
    )
    lines = [
        f"[{group}]\n" + "".join(f"{name} = {value}\n" for name, value in points.items())
        for group, points in project["entry-points"].items()
    ]
    info.joinpath("entry_points.txt").write_text("\n".join(lines))


def run(folder: Path, *words: str, beside: Path | None = None) -> SimpleNamespace:
    path = os.pathsep.join(map(str, filter(None, [beside, ROOT])))
    environment = {**os.environ, "PYTHONPATH": path}
    ran = subprocess.run(
        [sys.executable, *words], cwd=folder, capture_output=True, text=True, env=environment
    )
    return SimpleNamespace(code=ran.returncode, out=ran.stdout, err=ran.stderr)


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    target = tmp_path_factory.mktemp("site") / "packages"
    install(target)
    return target


def test_it_is_used_by_name_and_its_file_says_what_is_missing(installed: Path, tmp_path: Path) -> None:
    save(tmp_path / "photo.png", textured(24, 36))
    fit = ["-m", "inrfit", "fit", "photo.png", "--activation", "sinc", "--steps", "4", "--grid", "2x2"]
    done = run(tmp_path, *fit, beside=installed)
    assert done.code == 0, done.err
    assert "an activation of inrfit_sinc: no derivative by hand" in done.err
    assert run(tmp_path, "-m", "inrfit", "decode", "photo.inr", beside=installed).code == 0
    assert "activation sinc" in " ".join(
        run(tmp_path, "-m", "inrfit", "fit", "--help", beside=installed).out.split()
    )
    for words in (("info", "photo.inr"), ("decode", "photo.inr", "-f")):
        missed = run(tmp_path, "-m", "inrfit", *words)
        assert missed.code == 1
        assert missed.err.splitlines() == [
            "Error: photo.inr: activation 'sinc' comes from the package inrfit-sinc 0.1, which is not installed",
            "Hint: pip install inrfit-sinc",
        ]
    assert run(tmp_path, *fit).err.startswith(
        "Error: --activation 'sinc' is not known (choose from sine, relu"
    )


def test_its_own_test_passes(installed: Path, tmp_path: Path) -> None:
    shutil.copy(PLUGIN / "tests" / "test_sinc.py", tmp_path)
    ran = run(tmp_path, "-c", "from test_sinc import test_sinc; test_sinc()", beside=installed)
    assert ran.code == 0, ran.err


def test_the_page_shows_the_whole_package() -> None:
    page = (ROOT / "docs" / "extending.md").read_text()
    for path in ("pyproject.toml", "inrfit_sinc.py", "tests/test_sinc.py"):
        assert f"\n{PLUGIN.joinpath(path).read_text()}```\n" in page, path
