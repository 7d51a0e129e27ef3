"""Fits that count bits: the same file however they are run, and few bytes where there is little."""

from __future__ import annotations

import numpy as np
import pytest
from make.data import textured

from inrfit import api
from inrfit.codec.container import Reader
from inrfit.codec.write import dumps
from inrfit.errors import ConfigError, Interrupted
from inrfit.fitting.progress import Progress

SIZES = {"target_size": 900, "grid": (1, 2), "steps": 80, "hidden_features": 10, "device": "cpu"}
GRID = {**SIZES, "model": "feature-grid", "hidden_features": 12, "pitch": 2.0}


@pytest.mark.parametrize("options", [SIZES, GRID])
@pytest.mark.parametrize("step", [10, 47, 75])
def test_an_interrupted_fit_goes_on_to_the_same_bytes(options, step):
    """Before weights are rounded, while their price is steered, and while it rests."""
    plan, states, seen = api.plan(textured(24, 36), **options), [], []
    whole = dumps(api.run(plan))
    hooks = Progress(on_event=seen.append, stop=lambda: len(seen) > step, save=states.append)
    with pytest.raises(Interrupted):
        api.run(plan, progress=hooks)
    assert 0 < states[-1].step < 80
    assert dumps(api.run(plan, resume=states[-1])) == whole


@pytest.mark.parametrize("options", [SIZES, GRID])
def test_threads_and_company_change_no_byte(options):
    pictures = [textured(24, 36), textured(24, 36)[::-1].copy(), 255 - textured(24, 36)]
    alone = [dumps(api.fit(picture, **options, threads=1)) for picture in pictures]
    assert dumps(api.fit(pictures[0], **options, threads=2)) == alone[0]
    together = api.fit_many(pictures, **options)
    assert [len(dumps(field)) for field in together] == pytest.approx([900] * 3, rel=0.02)
    assert [dumps(field) for field in together] == alone


@pytest.mark.parametrize(("model", "most"), [("partitioned", 48), ("feature-grid", 16)])
def test_flat_regions_cost_few_bytes(model, most):
    """Of a picture that is one colour but for its first cell."""
    picture = np.full((64, 64, 3), 90, np.uint8)
    picture[:32, :32] = textured(32, 32)
    options = {"model": model, "grid": (2, 2), "saving": 4.0, "steps": 200, "device": "cpu"}
    field = api.fit(picture, **options)
    with Reader(dumps(field)) as reader:
        busy, *flat = [len(part) for part in reader.parts()]
    assert max(flat) <= most
    assert busy > 5 * max(flat)


def test_a_size_and_no_rate_contradict_each_other():
    with pytest.raises(ConfigError, match="--saving 0 saves no bits, which --target-size asks for"):
        api.plan(textured(24, 36), target_size=900, saving=0.0)
    with pytest.raises(ConfigError, match=r"--saving 2\.0 and --target-psnr both say"):
        api.plan(textured(24, 36), target_psnr=30.0, saving=2.0)
