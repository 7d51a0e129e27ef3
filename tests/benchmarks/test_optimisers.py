"""The benchmark of optimisers: its candidates and searches, and that tables show what the file holds."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from make.data import textured

from inrfit import api, registry
from inrfit.models.description import describe

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "benchmarks"))
import optimisers  # type: ignore[import-not-found]
import optimisers_report  # type: ignore[import-not-found]
from tables import markdown  # type: ignore[import-not-found]

WORDS = {"grid": (2, 2), "hidden_features": 8, "weights": "float32", "device": "cpu", "threads": 1}


@pytest.fixture(autouse=True)
def tables(monkeypatch):
    """Give what was tried its names for one test."""
    for kind in ("optimiser", "schedule"):
        monkeypatch.setitem(registry.TABLE, kind, dict(registry.TABLE[kind]))
    optimisers.register()


def test_candidates_have_names_of_their_own_and_known_words():
    found = list(optimisers.candidates(1024))
    assert len({candidate.name for candidate in found}) == len(found)
    assert found[0].name == optimisers_report.DEFAULT
    assert found[0].words == {}
    for candidate in found:
        api.plan(textured(32, 32), device="cpu", **candidate.words)


def test_only_the_hidden_matrices_are_scaled():
    planned = api.plan(textured(16, 16), **WORDS)
    assert optimisers._scaled(planned, 1.0) == {}
    twice, four = (optimisers._scaled(planned, scale) for scale in (2.0, 4.0))
    matrices = [matrix.weight for matrix in describe(planned.settings.model, 2, 3).matrices()]
    assert list(twice) == matrices[1:-1]
    assert all((four[name] == 2 * twice[name]).all() for name in twice)


def test_a_search_goes_on_while_the_best_rate_is_at_an_end():
    assert [optimisers._next(tried) for tried in ({}, {0: 1.0}, {0: 1.0, -1: 0.0})] == [0, -1, 1]
    assert optimisers._next({-1: 0.0, 0: 1.0, 1: 2.0}) == 2
    assert optimisers._next({-1: 3.0, 0: 1.0, 1: 2.0}) == -2
    assert optimisers._next({-1: 0.0, 0: 3.0, 1: 2.0}) is None


def results():
    """Return a small result: the default, one that is better, and one that diverged."""
    row = {"kind": "soap", "lr": 0.02, "cpu_seconds": 2.0, "ms_per_step": 20.0}
    rows = [
        {**row, "name": name, "kind": kind, "steps": steps, "image": image, "psnr": psnr}
        for name, kind, psnr in (("soap", "soap", 30.0), ("other", "else", 31.5), ("bad", "else", None))
        for steps in (30, 60)
        for image in ("a", "b")
    ]
    return {
        "provenance": {"command": "c", "date": "d", "commit": "e", "processor": "p", "device": "v"},
        "rows": rows,
        "searches": [{"name": "other", "lr": 0.02, "rates": [[0.01, 29.0], [0.02, 31.5]]}],
        "gauss_newton": [{"name": "soap", "steps": 30, "cpu_seconds": 0.5, "psnr": 28.0}],
    }


def test_the_table_compares_with_the_default_at_as_many_steps():
    lines = markdown(optimisers_report.table(results())).splitlines()
    assert "| 31.50 | 31.50 | +1.50 / +1.50 |" in lines[3]
    assert "| diverged | diverged |  |" in lines[4]
    assert any("0.01: 29.00, **0.02: 31.50**" in line for line in lines)


def test_the_best_of_a_kind_is_one_that_did_not_diverge():
    found = optimisers_report.means(results()["rows"])
    assert optimisers_report.best_of_kinds(found) == {"soap": "soap", "else": "other"}


def test_the_figure_is_drawn(tmp_path):
    pytest.importorskip("matplotlib")
    optimisers_report.figure(results(), tmp_path / "a.png")
    assert (tmp_path / "a.png").stat().st_size > 1000
