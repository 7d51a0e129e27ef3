"""The benchmark of decoding measures what the command writes, and its committed table can be printed."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from make.data import textured

from inrfit import api

ROOT = Path(__file__).resolve().parents[2]
SCRIPT = ROOT / "benchmarks" / "decode.py"


def ran(*words: str) -> str:
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [sys.executable, SCRIPT, *words], capture_output=True, text=True, check=True, env=environment
    )
    return done.stdout


@pytest.mark.process
def test_a_child_decodes_the_file_and_tells_the_parts(tmp_path: Path) -> None:
    field = api.fit(textured(64, 96), steps=1, hidden_features=4, device="cpu")
    api.save(field, tmp_path / "x.inr")
    case = {"name": "x", "height": 64, "width": 96, "scale": 2}
    asked = {"case": case, "path": str(tmp_path / "x.inr"), "threads": 1, "repeats": 1}
    found = json.loads(ran("--child", json.dumps(asked)))
    assert found["samples"] == 4 * 64 * 96
    parts = found["read"] + found["render"] + found["convert"] + found["write"]
    assert abs(parts - found["cpu"]) < 1e-9
    written = api.read(tmp_path / "x.png").dense()
    assert np.array_equal(written, field.decode(scale=2, device="cpu"))


@pytest.mark.process
def test_the_committed_results_make_a_table() -> None:
    lines = ran("--table", str(ROOT / "benchmarks" / "results" / "decode_cpu.json")).splitlines()
    assert any(line.startswith("| 4096x4096 | 1 |") for line in lines)
    assert len({line.count("|") for line in lines if line.startswith("|")}) == 1
