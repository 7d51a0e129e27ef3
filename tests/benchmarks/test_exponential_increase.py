"""The benchmark of growth: its targets, and a run of the smallest size."""

from __future__ import annotations

import importlib
import sys
from dataclasses import replace
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

BENCHMARKS = Path(__file__).resolve().parents[2] / "benchmarks"


def module(name: str) -> ModuleType:
    if str(BENCHMARKS) not in sys.path:
        sys.path.insert(0, str(BENCHMARKS))
    return importlib.import_module(name)


benchmark = module("exponential_increase")
report = module("exponential_report")
markdown = module("tables").markdown


def jumps(target: str, count: int) -> int:
    made = benchmark.signal(
        target, benchmark.SCALES["cpu"], count, benchmark.thresholds(target, count, repeat=0)
    )
    return int(np.count_nonzero(np.diff(np.sign(made.values[:, 0]))))


@pytest.mark.parametrize("target", ["square", "random", "spaced"])
@pytest.mark.parametrize("count", [1, 7, 30])
def test_a_line_has_as_many_jumps_as_it_says(target: str, count: int) -> None:
    assert jumps(target, count) == benchmark.boundaries(target, count)


def test_spaced_thresholds_keep_their_distance_and_random_ones_do_not() -> None:
    (spaced,), (free,) = (benchmark.thresholds(target, 40, repeat=3) for target in ("spaced", "random"))
    assert np.diff(spaced).min() > 1 / 40 > np.diff(free).min()
    assert spaced.min() > -1 and spaced.max() < 1


def test_parity_is_that_of_the_thresholds_above() -> None:
    assert benchmark.parity(np.array([-1.0, 0.1, 0.4, 0.9]), np.array([0.0, 0.3, 0.5])).tolist() == [
        -1,
        1,
        -1,
        1,
    ]


def test_a_checkerboard_has_the_released_divisors_and_boundaries() -> None:
    assert benchmark.factors(10) == (2, 5)
    assert benchmark.factors(12) == (4, 3)
    assert benchmark.factors(250) == (10, 25)
    assert (benchmark.boundaries("board", 10), benchmark.boundaries("board", 250)) == (27, 535)


def test_a_run_writes_its_cells_and_what_is_shown_of_them(tmp_path: Path) -> None:
    series = [
        benchmark.Series(target="random", network=name, counts=(1, 2, 3, 5), repeats=3)
        for name in ("single", "heads-local")
    ]
    series.append(benchmark.Series(target="board", network="heads-global", counts=(4,), repeats=1))
    scale = benchmark.Scale(series=tuple(series), cap=40, points=256, samples=1024, side=8)
    out = tmp_path / "out.json"
    record = benchmark.measure(scale, out, workers=1)
    first, last = record["cells"][0], record["cells"][-1]
    assert (first["weights"], first["heads"], last["weights"], last["heads"]) == (3265, 1, 3524, 4)
    for made in record["cells"]:
        assert made["each_reached"] == [loss < benchmark.GOAL for loss in made["each_loss"]]
        assert made["censored"] == made["each_reached"].count(False)
        assert all(
            steps == 40
            for steps, got in zip(made["each_steps"], made["each_reached"], strict=True)
            if not got
        )
    assert record["cells"][4]["each_gap"] == record["cells"][0]["each_gap"]

    known = benchmark.measure(replace(scale, series=scale.series[:1]), out, workers=1, resume=True)
    assert known["cells"] == record["cells"][:4]
    with pytest.raises(SystemExit, match="other settings"):
        benchmark.measure(replace(scale, cap=41), out, workers=1, resume=True)

    whole = benchmark.estimated(out, resamples=10)
    assert [fit["network"] for fit in whole["fits"]] == ["single"]
    text = markdown(report.tables(whole))
    assert "random steps" in text and "p [95 %]" in text and whole["command"] in text
    report.draw(whole, tmp_path / "img" / "picture.png")
    assert (tmp_path / "img" / "picture.png").stat().st_size > 10_000


def test_weights_match_and_only_a_finer_network_has_a_higher_omega() -> None:
    scale = benchmark.SCALES["cpu"]
    for target in ("random", "board"):
        cells = {
            name: benchmark.cell(
                benchmark.Series(target=target, network=name, counts=(4,), repeats=1),
                4,
                scale,
                [benchmark.Run(steps=1, reached=True, loss=0.0, seconds=0.0, gap=None)],
            )
            for name in benchmark.NETWORKS
            if name != "single"
        }
        weights = [made["weights"] for made in cells.values()]
        assert max(weights) < 1.01 * min(weights)
    task = benchmark.Task(target="random", network="single-33-fine", count=4, repeat=0, scale=scale)
    whole = benchmark.partition_of(task, benchmark.domain_of("random", scale))
    assert benchmark.model_of(task, whole).first_omega_0 == 40
    assert benchmark.model_of(replace(task, network="single"), whole).first_omega_0 == 10
