"""The same fit and decode on every device present agree within the tolerances stated here."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from make.data import textured
from make.rendered import render

from inrfit import api
from inrfit.device import pick_device

DEVICES = ["cpu", *(["cuda"] if torch.cuda.is_available() else [])]
OPTIONS = {"grid": (2, 3), "hidden_features": 9, "steps": 30, "weights": "float32"}
"""An odd width: the weights of most regions then begin at addresses that are not aligned."""


@pytest.fixture(scope="module")
def on_cpu():
    return api.fit(textured(40, 60), device="cpu", **OPTIONS)


@pytest.mark.parametrize("name", DEVICES)
def test_decoded_values_agree_to_1e_4_of_the_range(on_cpu, name):
    """Single precision with sines of arguments up to about 50: a few units in the last place of the argument."""
    values = render(on_cpu, device=pick_device(name))
    assert values == pytest.approx(render(on_cpu, device=pick_device("cpu", 1)), abs=2e-4)


@pytest.mark.parametrize("name", DEVICES)
def test_fits_reach_the_same_quality(on_cpu, name):
    assert api.fit(textured(40, 60), device=name, **OPTIONS).psnr == pytest.approx(on_cpu.psnr, abs=0.3)


@pytest.mark.parametrize("name", DEVICES)
def test_regions_are_exact_on_one_device(on_cpu, name):
    device = pick_device(name)
    part = on_cpu.select([4])
    whole, alone = render(on_cpu, device=device), render(part, device=device)
    window = whole[tuple(slice(a, b) for a, b in part.domain.box)]
    assert np.array_equal(alone[part.covered()], window[part.covered()])
