"""The page on licences names what is installed with inrfit, and what it says of libigl is so."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "licences.md").read_text()


@pytest.fixture(scope="module")
def maker():
    spec = importlib.util.spec_from_file_location("make_licences", ROOT / "docs" / "make_licences.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_every_dependency_stands_in_the_page(maker) -> None:
    for name in maker.required():
        assert f"| {name.lower()} |" in PAGE.lower(), "run: python docs/make_licences.py docs/licences.md"


def test_remarks_are_about_what_is_installed(maker) -> None:
    names = {package.name.lower() for package in maker.installed()}
    assert set(maker.REMARKS) <= names
    for text in maker.REMARKS.values():
        assert text in " ".join(PAGE.split())


def test_the_page_is_made_of_what_packages_say(maker) -> None:
    packages = {package.name.lower(): package for package in maker.installed()}
    assert "MIT" in maker.licence(packages["constriction"])
    assert any("ffmpeg" in name for name in maker.carried(packages["imageio-ffmpeg"]))
    assert "torchmetrics" not in packages
    assert maker.ffmpeg().startswith("ffmpeg version")


def test_only_the_core_of_libigl_is_imported() -> None:
    """A shape of a closed mesh, of an open one and of points: all that asks libigl for something."""
    program = """
import sys
import numpy as np
from inrfit import api
cube = np.array([[x, y, z] for x in (0, 1) for y in (0, 1) for z in (0, 1)], float)
sides = [(0, 1, 3, 2), (4, 6, 7, 5), (0, 4, 5, 1), (2, 3, 7, 6), (0, 2, 6, 4), (1, 5, 7, 3)]
def obj(sides):
    return "".join(f"v {x} {y} {z}\\n" for x, y, z in cube) + "".join(
        f"f {a + 1} {b + 1} {c + 1}\\nf {a + 1} {c + 1} {d + 1}\\n" for a, b, c, d in sides)
points = np.random.default_rng(0).normal(size=(300, 3))
points /= np.linalg.norm(points, axis=1, keepdims=True)
for name, text in (("closed.obj", obj(sides)), ("open.obj", obj(sides[1:])),
                   ("points.xyz", "".join("%f %f %f\\n" % tuple(p) for p in points))):
    open(name, "w").write(text)
    signal = api.plan(name, kind="shape", resolution=12, device="cpu").signal
    signal.dense(signal.domain.box)
assert "igl" in sys.modules
print(*sorted(name for name in sys.modules if name.startswith(("igl.copyleft", "igl.triangle"))))
"""
    import os
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        path = os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])
        ran = subprocess.run(
            [sys.executable, "-c", program],
            cwd=folder,
            capture_output=True,
            text=True,
            env={**os.environ, "PYTHONPATH": path},
        )
    assert (ran.returncode, ran.stdout.strip()) == (0, ""), ran.stderr


def test_no_line_of_the_package_names_the_other_parts_of_libigl() -> None:
    for path in (ROOT / "inrfit").rglob("*.py"):
        text = path.read_text()
        assert "igl.copyleft" not in text, path
        assert "igl.triangle" not in text, path
