"""The benchmarks of speed and effort: what they measure is what they say, and their tables show it."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest
from make.cli import save
from make.data import textured

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "benchmarks"))
import effort  # type: ignore[import-not-found]
import speed  # type: ignore[import-not-found]

from inrfit.presets import EFFORTS

MADE = {"command": "python x.py", "date": "today", "processor": "p", "device": "cpu"}


def point(psnr, seconds, **words):
    return {
        "cell": 32,
        "hidden_layers": 2,
        "steps": 10,
        "psnr": psnr,
        "cpu_seconds": seconds,
        "width": 9,
        **words,
    }


def test_the_front_is_what_nothing_beats_in_time_and_quality():
    found = [point(30, 2.0), point(31, 3.0), point(29, 1.0), point(28, 1.5), point(31, 4.0)]
    assert [row["psnr"] for row in effort.front(found)] == [29, 30, 31]


def test_means_are_over_photos_and_levels_stand_apart():
    rows = [point(30, 1.0, image="a"), point(32, 3.0, image="b"), point(33, 1.0, image="a", effort=5)]
    found = effort.means(rows)
    assert [(row["psnr"], row["cpu_seconds"], row["effort"]) for row in found] == [(31, 2, None), (33, 1, 5)]


def test_the_table_of_effort_names_the_settings_of_a_level():
    level = {"effort": 3, "psnr": 30.0, "cpu_seconds": 1.0, "width": 6, "image": "a"}
    words = EFFORTS[3]
    table = effort.table({"rows": [point(31, 2.0, image="a"), level], "side": 100, "provenance": MADE})
    assert (
        f"| 3 | {words['cell']} | {words['hidden_layers']} | 6 | {words['steps']} | 30.00 | 100.0 |" in table
    )


def test_every_level_is_tried(tmp_path):
    tried = effort.trials([tmp_path / "a.png"], "cpu", "cpu")
    assert [trial.words for trial in tried if "effort" in trial.words] == [{"effort": n} for n in EFFORTS]


def test_a_timed_fit_is_the_fit_that_a_user_gets():
    found = speed.timed(textured(12, 16), "cpu", steps=3, hidden_features=4)
    assert found["seconds"] > 0
    assert (found["steps"], found["psnr"]) == (
        3,
        pytest.approx(speed.api.fit(textured(12, 16), device="cpu", steps=3, hidden_features=4).psnr),
    )


def test_a_photo_is_fitted_and_decoded_in_processes_of_their_own(tmp_path):
    (row,) = speed.kodak([save(tmp_path / "small.png", textured(16, 16))], "cpu", "cpu")
    assert row["params"] > 0
    assert np.isfinite([row["psnr"], row["decode_cpu"], row["seconds"]]).all()


def test_the_table_of_speed_has_means_and_leaves_out_what_was_not_run():
    rows = [
        {"section": "kodak", "image": name, "seconds": 2.0, "psnr": psnr, "params": 7, "bytes": 1, "decode_cpu": 0.1, "decode_seconds": 0.1}
        for name, psnr in (("a", 30.0), ("b", 40.0))
    ]  # fmt: skip
    table = speed.table({"rows": rows, "provenance": MADE})
    assert "| mean | 2.00 | 35.00 |" in table
    assert "cifar" not in table
