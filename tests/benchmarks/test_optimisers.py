"""The benchmark of optimisers: what was tried learns, each group for itself, and the tables show what the file holds."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from make.data import textured

from inrfit import api, registry
from inrfit.fitting.config import FitConfig
from inrfit.models.description import Matrix, describe

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "benchmarks"))
import optimisers  # type: ignore[import-not-found]
import optimisers_gauss_newton  # type: ignore[import-not-found]
import optimisers_report  # type: ignore[import-not-found]
import optimisers_tried  # type: ignore[import-not-found]

WORDS = {"grid": (2, 2), "hidden_features": 8, "weights": "float32", "device": "cpu", "threads": 1}
RATES = {"lion": 0.005, "rprop": 0.005}
SCHEDULES = ("linear", "power-0.75", "cosine-at-once")


@pytest.fixture(autouse=True)
def tables(monkeypatch):
    """Give what was tried its names for one test."""
    for kind in ("optimiser", "schedule"):
        monkeypatch.setitem(registry.TABLE, kind, dict(registry.TABLE[kind]))
    optimisers_tried.register()


@pytest.mark.parametrize("name", optimisers_tried.TRIED)
def test_what_was_tried_lowers_the_error(name):
    picture = textured(24, 24)
    words = {**WORDS, "optimiser": name, "lr": RATES.get(name, 0.01)}
    first, last = (api.fit(picture, **words, steps=steps).psnr for steps in (2, 30))
    assert last > first + 3


@pytest.mark.parametrize("name", optimisers_tried.TRIED)
def test_a_group_does_not_see_the_others(name):
    """Other gradients in the last group leave the first two as they are."""
    matrices = {
        key: Matrix(weight=key, bias=f"bias of {key}", local=True, last=key == "c") for key in ("a", "b", "c")
    }

    def run(changed: float) -> dict[str, torch.Tensor]:
        random = np.random.default_rng(0)
        draw = lambda *shape: torch.tensor(random.normal(size=shape), dtype=torch.float32)  # noqa: E731
        values = {key: draw(3, 5, 4) for key in matrices}
        made = registry.load("optimiser", name)(values, matrices, FitConfig(optimiser=name, steps=12))
        for step in range(12):
            gradients, features = {key: draw(3, 5, 4) for key in matrices}, draw(3, 5, 40)
            for gradient in gradients.values():
                gradient[2] *= changed
            features[2] *= changed
            moments = dict.fromkeys(matrices, features @ features.mT / 40)
            rates = {key: torch.full((3, 1, 1), 0.01 * made.correction(step)) for key in matrices}
            made.update(step, gradients, moments, rates)
        return values

    for key, value in run(1.0).items():
        other = run(-2.0)[key]
        assert torch.equal(value[:2], other[:2])
        assert not torch.equal(value[2], other[2])


def test_newton_schulz_makes_singular_values_alike():
    matrices = torch.tensor(np.random.default_rng(0).normal(size=(3, 8, 8)), dtype=torch.float32)
    found = torch.linalg.svdvals(optimisers_tried.orthogonal(matrices))[:, :-1]
    assert found.min() > 0.5
    assert found.max() < 1.3


def test_a_last_step_solves_for_the_output_layer():
    """A step of Newton's method gives the least squares of the samples on the features."""
    random = np.random.default_rng(0)
    features, targets, value = (
        torch.tensor(random.normal(size=shape), dtype=torch.float32)
        for shape in ((2, 5, 40), (2, 3, 40), (2, 5, 3))
    )
    gradient = 2 / (40 * 3) * features @ (value.mT @ features - targets).mT
    optimisers_tried._newton(value, gradient, features @ features.mT / 40, 0.0)
    for group in range(2):
        expected = np.linalg.lstsq(features[group].T.numpy(), targets[group].T.numpy())[0]
        assert value[group].numpy() == pytest.approx(expected, abs=1e-4)


@pytest.mark.parametrize("name", SCHEDULES)
def test_schedules_come_to_rest(name):
    heights = [registry.load("schedule", name)(step, 100) for step in range(100)]
    assert max(heights) == pytest.approx(1, abs=0.06)
    assert heights[6:] == sorted(heights[6:], reverse=True)
    assert 0 < heights[-1] < 0.05


def test_gauss_newton_only_goes_down():
    planned = api.plan(textured(16, 16), **WORDS)
    for region in optimisers_gauss_newton._regions(planned, None):
        losses = [region.loss(region.weights)]
        for _ in range(4):
            region.step()
            losses.append(region.loss(region.weights))
        assert losses == sorted(losses, reverse=True)
        assert losses[-1] < losses[0]


def test_gauss_newton_begins_with_the_weights_it_is_given():
    picture = textured(16, 16)
    fitted = api.fit(picture, **WORDS, steps=40)
    (row,) = optimisers_gauss_newton.curve(api.plan(picture, **WORDS), 1e-6, fitted.weights)
    assert row["psnr"] > fitted.psnr


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
    lines = optimisers_report.table(results()).splitlines()
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
