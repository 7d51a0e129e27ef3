"""The benchmark behind the defaults: its trials are what they say, and the table shows them."""

from __future__ import annotations

import sys
from pathlib import Path

from make.data import textured

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "benchmarks"))
import defaults  # type: ignore[import-not-found]


def test_every_trial_varies_one_option_and_all_values_differ():
    found = list(defaults.trials())
    assert len({(trial.option, trial.value, trial.cells) for trial in found}) == len(found)
    assert sum(trial.option == "all" for trial in found) == 3
    for trial in found:
        assert (trial.words == {}) == (trial.option == "all")


def test_a_trial_of_the_rate_scales_the_default_rate():
    pictures = [textured(32, 32)]
    base = defaults.measure(defaults.Trial(option="all", value="default", cells=1), pictures, 3, "cpu")
    same = defaults.measure(
        defaults.Trial(option="lr", value="1 x default", cells=1, words={"lr": 1.0}), pictures, 3, "cpu"
    )
    twice = defaults.measure(
        defaults.Trial(option="lr", value="2 x default", cells=1, words={"lr": 2.0}), pictures, 3, "cpu"
    )
    assert same["psnr"] == base["psnr"]
    assert twice["psnr"] != base["psnr"]
    assert base["cell"] == 32


def test_the_table_compares_with_the_default_of_the_same_cell():
    row = {"width": 14, "params": 8112, "cpu_ms_per_step": 1.0}
    data = {
        "provenance": {"command": "c", "date": "d", "processor": "p", "device": "v"},
        "trials": [
            {**row, "option": "all", "value": "default", "cell": 32, "mean": 30.0},
            {**row, "option": "lr", "value": "2 x default", "cell": 32, "mean": 28.5},
        ],
    }
    lines = defaults.table(data).splitlines()
    assert "-1.50" in lines[3]
    assert lines[2].count("30.00") == 1


def test_crops_come_from_the_middle(tmp_path):
    from PIL import Image

    picture = textured(40, 60)
    Image.fromarray(picture).save(tmp_path / "a.png")
    assert (defaults.crop(tmp_path / "a.png", 20) == picture[10:30, 20:40]).all()
