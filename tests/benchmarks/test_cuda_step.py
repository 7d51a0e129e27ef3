import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.process
def test_without_cuda_one_line_says_so():
    done = subprocess.run(
        [sys.executable, ROOT / "benchmarks" / "cuda_step.py"],
        env={**os.environ, "PYTHONPATH": str(ROOT), "CUDA_VISIBLE_DEVICES": ""},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr.splitlines() == ["cuda_step.py needs a CUDA device, and torch finds none"]
