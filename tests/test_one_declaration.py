"""A new option is one declaration: added to a copy of the package, it is in API, command, page, types, checks and plan."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from make.data import textured
from PIL import Image

ROOT = Path(__file__).resolve().parents[1]

DECLARED = """    warmth: Annotated[
        float, Word(help="How warm it is; {default} by default.", panel=FITTING, above=0, below=9)
    ] = 1.5

    def __post_init__(self) -> None:
        check(self)
        require(
            not self.saving"""

LOOK = """
import inspect, json, sys
import numpy as np
from inrfit import ConfigError, api
from inrfit.cli import fit, reference, signatures
picture = np.load(sys.argv[1])
try:
    api.plan(picture, warmth=9.0, device="cpu")
except ConfigError as error:
    refused = error.message
print(json.dumps({
    "held": api.plan(picture, warmth=2.0, device="cpu").settings.fit.warmth,
    "usual": api.plan(picture, device="cpu").settings.fit.warmth,
    "refused": refused,
    "command": "warmth" in inspect.signature(fit.command).parameters,
    "page": "`--warmth <float>`: How warm it is; 1.5 by default." in reference.page(),
    "types": "    warmth: float\\n" in signatures.source(),
}))
"""


@pytest.mark.process
def test_an_option_is_declared_in_one_place(tmp_path: Path) -> None:
    import numpy as np

    shutil.copytree(ROOT / "inrfit", tmp_path / "inrfit", ignore=shutil.ignore_patterns("__pycache__"))
    config = tmp_path / "inrfit" / "fitting" / "config.py"
    before = config.read_text(encoding="utf-8")
    mark = DECLARED[DECLARED.index("    def __post_init__") :]
    assert before.count(mark) == 1
    config.write_text(before.replace(mark, DECLARED), encoding="utf-8")
    np.save(tmp_path / "picture.npy", textured(12, 12))
    Image.fromarray(textured(12, 12)).save(tmp_path / "photo.png")

    def ran(*words: str) -> str:
        environment = {**os.environ, "PYTHONPATH": str(tmp_path)}
        done = subprocess.run(
            [sys.executable, *words],
            cwd=tmp_path,
            env=environment,
            capture_output=True,
            text=True,
            check=True,
        )
        return done.stdout

    found = json.loads(ran("-c", LOOK, "picture.npy"))
    assert found == {
        "held": 2.0,
        "usual": 1.5,
        "refused": "--warmth 9.0 must lie between 0 and 9",
        "command": True,
        "page": True,
        "types": True,
    }
    small = ("--steps", "2", "--hidden-features", "4", "--device", "cpu")
    shown = json.loads(
        ran("-m", "inrfit", "fit", "photo.png", *small, "--warmth", "2", "--dry-run", "--json")
    )
    assert shown["plan"]["words"]["warmth"] == 2.0
