"""Coarser grids for few weights: what is asked for is never exceeded and met from below."""

from __future__ import annotations

import numpy as np
import pytest

from inrfit import api
from inrfit.domain import image_domain
from inrfit.errors import ConfigError
from inrfit.models.coarser import coarser, shortfall
from inrfit.models.config import ModelConfig
from inrfit.models.sizing import SMALLEST_WIDTH, resolve
from inrfit.partitions.grid import divide

KODAK = np.zeros((512, 768, 3), np.uint8)


@pytest.mark.parametrize("params", [3000, 8000, 12000, 20000, 40000])
@pytest.mark.parametrize("model", [None, "local-global"])
def test_the_sizes_of_coin_are_met_on_a_whole_picture(params, model):
    words = {} if model is None else {"model": model}
    plan = api.plan(KODAK, params=params, device="cpu", **words)
    assert 0.95 * params <= plan.params <= params
    assert plan.settings.model.hidden_features >= SMALLEST_WIDTH


def test_the_grid_is_told_and_part_of_what_a_resumed_fit_must_share():
    plan = api.plan(KODAK, params=3000, device="cpu")
    rows, columns = plan.partition.grid
    assert len(plan.partition) < 24 * 16
    (note,) = plan.partition.warnings
    assert (
        note == f"--params 3000 goes into a grid of {rows}x{columns} in place of 16x24; --grid sets another"
    )
    assert plan.identity()["partition.grid"] == repr((rows, columns))


def test_a_grid_that_was_named_is_kept_and_the_number_of_weights_told():
    plan = api.plan(KODAK[:256, :256], params=2000, grid=(8, 8), device="cpu")
    assert plan.partition.grid == (8, 8)
    assert plan.params == 1728
    assert plan.partition.warnings == (
        "1,728 weights, the most that 64 equal networks have within --params 2000",
    )


def test_a_grid_that_meets_the_number_stays_as_it_is():
    partition = divide(image_domain(256, 256), (8, 8))
    config = ModelConfig(params=22_000)
    assert coarser(config, partition, 3) is partition
    assert coarser(ModelConfig(), partition, 3) is partition
    assert shortfall(22_000, resolve(config, partition, 3), partition, 3) is None


@pytest.mark.parametrize("params", [13, 14, 45, 50, 100, 230, 999, 1729, 5000])
def test_any_number_from_the_least_on_is_met_from_below(params):
    plan = api.plan(KODAK[:64, :64], params=params, device="cpu")
    assert plan.params <= params


def test_the_least_number_is_told_for_one_network():
    with pytest.raises(
        ConfigError, match="--params 12 is fewer than the 13 weights that one network has"
    ) as caught:
        api.plan(KODAK, params=12, device="cpu")
    assert caught.value.hint == "--params 13 is the least here"


def test_feature_grids_get_fewer_regions_too():
    plan = api.plan(KODAK, params=300, model="feature-grid", device="cpu")
    assert 0.95 * 300 <= plan.params <= 300
    with pytest.raises(ConfigError, match=r"in 1 region$"):
        api.plan(KODAK, params=20, model="feature-grid", device="cpu")
