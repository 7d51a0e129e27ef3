"""Several processes train the init that one would."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from make.cli import save
from make.data import textured

from inrfit.meta import ranks
from inrfit.meta.init import read
from inrfit.meta.ranks import Ranks

ROOT = Path(__file__).resolve().parents[2]
WORDS = ("--size", "8", "--hidden-features", "8", "--hidden-layers", "1", "--batch", "3", "--steps", "6")


def test_work_is_shared_without_gaps() -> None:
    parts = [list(Ranks(rank=rank, world=3).share(8)) for rank in range(3)]
    assert parts == [[0, 3, 6], [1, 4, 7], [2, 5]]
    assert Ranks().leads
    assert not Ranks(rank=1, world=2).leads


def test_alone_there_is_nothing_to_sum() -> None:
    assert Ranks().summed([torch.ones(2)])[0].tolist() == [1.0, 1.0]


def test_the_environment_says_who_this_is(monkeypatch: pytest.MonkeyPatch) -> None:
    for variable in ("RANK", "WORLD_SIZE", "LOCAL_RANK"):
        monkeypatch.delenv(variable, raising=False)
    assert ranks.from_environment() == Ranks()
    monkeypatch.setenv("WORLD_SIZE", "4")
    monkeypatch.setenv("RANK", "2")
    assert ranks.from_environment() == Ranks(rank=2, world=4)
    assert ranks.own_device("cpu") == "cpu"


@pytest.mark.process
def test_two_processes_train_the_init_of_one(tmp_path: Path) -> None:
    for n in range(6):
        save(tmp_path / "photos" / f"{n}.png", np.roll(textured(12, 14), n, axis=(0, 1)))
    for n in range(2):
        (tmp_path / "photos" / f"bad{n}.png").write_bytes(b"no picture")
    path = os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])
    env = {**os.environ, "PYTHONPATH": path, "OMP_NUM_THREADS": "1"}
    train = ("-m", "inrfit", "meta-train", "photos", *WORDS, "--device", "cpu", "--threads", "1", "--json")
    torchrun = ("-m", "torch.distributed.run", "--standalone", "--nproc_per_node", "2")
    running = [
        subprocess.Popen(
            [sys.executable, *more, *train, "-o", f"{name}.safetensors"],
            cwd=tmp_path,
            env=env,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for name, more in (("one", ()), ("two", torchrun))
    ]
    skipped = []
    for process in running:
        out, err = process.communicate(timeout=120)
        assert process.returncode == 0, err
        (result,) = (json.loads(line) for line in out.splitlines())
        skipped.append(sorted(entry["input"] for entry in result["skipped"]))
    assert "2 processes" in err
    assert skipped[0] == skipped[1] != []
    one, two = (read(tmp_path / f"{name}.safetensors") for name in ("one", "two"))
    assert two.notes["val_psnr"] == pytest.approx(one.notes["val_psnr"], abs=1e-3)
    for name, value in one.params.items():
        np.testing.assert_allclose(two.params[name], value, atol=1e-5)
    assert not (tmp_path / "two.safetensors.ckpt").exists()
    assert len((tmp_path / "two.csv").read_text().splitlines()) == 8
