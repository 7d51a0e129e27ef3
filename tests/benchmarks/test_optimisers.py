"""The benchmark of optimisers: each that was tried and dropped learns, and leaves the groups independent."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest
from tests_data import textured

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "benchmarks"))
import optimisers  # type: ignore[import-not-found]
import optimisers_tried  # type: ignore[import-not-found]

from inrfit import api, registry
from inrfit.fitting.loop import Progress


@pytest.fixture(autouse=True)
def registered(monkeypatch):
    """Register what was tried for one test only."""
    monkeypatch.setattr(registry, "TABLE", {kind: dict(names) for kind, names in registry.TABLE.items()})
    optimisers_tried.register()


def names():
    return sorted({c.words["optimiser"] for c in optimisers.candidates(4096) if "optimiser" in c.words})


@pytest.mark.parametrize("name", names())
def test_each_learns_and_a_region_learns_the_same_alone(name):
    words = {"optimiser": name, "hidden_features": 6, "hidden_layers": 1, "weights": "float32", "lr": 0.005}
    words |= {"steps": 25, "device": "cpu"}
    events = []
    wide = textured(12, 32)
    whole = api.fit(wide, grid=(1, 2), progress=Progress(on_event=events.append), **words)
    assert events[-1].loss < 0.8 * events[0].loss
    alone = api.fit(wide[:, :16], grid=(1, 1), **words)
    for stack, weights in alone.weights.items():
        assert np.allclose(weights[0], whole.weights[stack][0], atol=1e-3), stack


def test_candidates_have_names_of_their_own():
    found = [candidate.name for candidate in optimisers.candidates(65536)]
    assert len(found) == len(set(found))
