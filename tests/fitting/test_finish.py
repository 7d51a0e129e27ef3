"""Quantising after a fit: by its effect on the signal, so that hardly any quality is lost."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from make.data import textured

from inrfit import api
from inrfit.device import pick_device
from inrfit.errors import FitError
from inrfit.fitting.finish import quantise_field
from inrfit.fitting.measure import measured
from inrfit.registry import names

CPU = pick_device("cpu", 1)
OPTIONS = {"hidden_features": 12, "hidden_layers": 1, "steps": 120, "device": "cpu"}
CASES = [
    *(
        {"model": name, **({"partition": "none"} if name == "mlp" else {"grid": (2, 3)})}
        for name in names("model")
    ),
    {"grid": (6, 9), "hidden_features": 5, "steps": 40},
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: "-".join(map(str, case.values())))
def test_less_than_a_tenth_of_a_decibel_is_lost(case):
    picture = textured(24, 36)
    full = api.fit(picture, weights="float32", **{**OPTIONS, **case})
    field = api.fit(picture, **{**OPTIONS, **case})
    assert field.psnr > full.psnr - 0.1
    assert field.psnr > 15
    assert len(api.to_bytes(field)) < 0.5 * len(api.to_bytes(full))
    back = api.load(api.to_bytes(field))
    assert all(np.array_equal(back.weights[name], w) for name, w in field.weights.items())


def test_as_many_levels_for_each_stack_lose_more_and_take_more():
    """Eight bits between the least and the largest weight of each stack, as is usual."""
    picture = textured(24, 36)
    full = api.fit(picture, weights="float32", grid=(2, 3), **{**OPTIONS, "steps": 300})
    naive = {}
    for name, weights in full.weights.items():
        low, step = weights.min(), np.ptp(weights) / 255
        naive[name] = (low + np.rint((weights - low) / step) * step).astype(np.float32)
    plan = api.plan(picture, grid=(2, 3), **OPTIONS)
    plain = measured(replace(full, weights=naive), plan.signal, CPU)
    found = quantise_field(full, plan)
    assert full.psnr - plain.psnr > 2 * (full.psnr - found.psnr)


def test_steps_do_not_depend_on_what_else_is_fitted():
    pictures = [textured(16, 24), textured(16, 24)[::-1].copy(), (textured(16, 24) * 0.3).astype(np.uint8)]
    options = {"grid": (2, 2), "hidden_features": 6, "steps": 30, "device": "cpu"}
    together = api.fit_many(pictures, **options)
    alone = [api.fit(picture, **options) for picture in pictures]
    for one, other in zip(together, alone, strict=True):
        assert one.coding == other.coding
        assert api.to_bytes(one) == api.to_bytes(other)
    assert together[0].coding != together[2].coding


def test_fields_with_steps_are_left_as_they_are():
    plan = api.plan(textured(16, 24), grid=(2, 2), steps=3, device="cpu")
    field = plan.run()
    again = quantise_field(field, plan)
    assert all(np.array_equal(again.weights[name], w) for name, w in field.weights.items())
    assert again.coding == field.coding


def test_weights_that_are_not_finite_are_refused():
    plan = api.plan(textured(16, 24), grid=(2, 2), steps=3, device="cpu")
    field = plan.fitting(weights="float32", saving=None).run()
    broken = {name: np.full_like(w, np.nan) for name, w in field.weights.items()}
    with pytest.raises(FitError, match="weights are not finite"):
        quantise_field(replace(field, weights=broken), plan)
