"""Values at positions that are encoded once: those of `render.values_at`, for any weights and number of threads."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from make.data import textured

from inrfit import api
from inrfit.device import pick_device
from inrfit.errors import FitError
from inrfit.registry import names
from inrfit.render.points import Points, values_at

CPU = pick_device("cpu", 1)
POSITIONS = np.random.default_rng(0).uniform(-4, 40, (1500, 2))  # of 24 x 36 samples: some lie outside


def field_of(model, **options):
    options = {"grid": (2, 3), "hidden_features": 8, "hidden_layers": 1, "steps": 3, **options}
    if model == "mlp":
        options["grid"] = None
    return api.fit(textured(24, 36), model=model, device="cpu", weights="float32", **options)


@pytest.mark.parametrize("model", names("model"))
def test_values_are_those_of_the_plain_way_for_any_weights(model):
    field = field_of(model)
    points = Points(field, POSITIONS, CPU)
    name = next(stack.name for stack in field.description.stacks if stack.trained)
    for factor in (1.0, 0.5):
        weights = {name: np.float32(factor) * field.weights[name]}
        wanted = values_at(replace(field, weights={**field.weights, **weights}), POSITIONS, CPU)
        assert np.abs(points.values(weights) - wanted).max() < 1e-5
        assert np.ptp(wanted) > 0.1


def test_regions_of_more_points_than_a_tile_and_any_number_of_threads():
    field = replace(field_of("partitioned"), tile=64)
    alone, more = Points(field, POSITIONS, CPU), Points(field, POSITIONS, pick_device("cpu", 3))
    assert np.array_equal(alone.values({}), more.values({}))
    assert np.abs(alone.values({}) - values_at(field, POSITIONS, CPU)).max() < 1e-5


def test_what_no_region_covers_is_0():
    field = field_of("partitioned").select([0, 5])
    positions = np.array([[2.0, 3.0], [2.0, 30.0]])
    inside, outside = Points(field, positions, CPU).values({})
    assert inside.any()
    assert not outside.any()


def test_values_that_are_not_finite_are_refused():
    field = field_of("partitioned")
    name = field.description.stacks[0].name
    with pytest.raises(FitError, match="not finite"):
        Points(field, POSITIONS, CPU).values({name: np.full_like(field.weights[name], np.nan)})
