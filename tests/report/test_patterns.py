"""Activation maps of a field and their contact sheet."""

import numpy as np
import pytest
import torch
from make.data import textured

from inrfit import api
from inrfit.errors import ConfigError
from inrfit.report.patterns import maps, sheet

SMALL = {"hidden_features": 5, "hidden_layers": 1, "steps": 2, "device": "cpu"}


def test_maps_are_what_the_units_of_each_region_give():
    field = api.fit(textured(9, 14), model="composer", grid=(1, 2), **SMALL)
    found = maps(field)
    assert found.shape == (5, 9, 14)
    region = field.partition.regions[1]
    x = torch.tensor(region.frame(field.domain.units).coords(np.array([[4.0, 9.0]]))).float()
    w = {name: torch.tensor(values) for name, values in field.weights.items()}
    first = torch.sin(field.model.first_omega_0 * (x @ w["weight0"][0] + w["bias0"][0]))
    second = torch.sin(field.model.hidden_omega_0 * (first @ w["weight1"][1] + w["bias1"][0]))
    assert found[:, 4, 9] == pytest.approx(second[0].numpy(), abs=1e-4)
    assert maps(field, 0)[:, 4, 9] == pytest.approx(first[0].numpy(), abs=1e-4)


def test_the_output_layer_is_the_picture_before_rounding():
    field = api.fit(textured(9, 14), model="mlp", **SMALL)
    found = np.moveaxis(maps(field, 2), 0, -1)
    assert np.abs(field.info.from_unit(found).astype(int) - field.decode().astype(int)).max() <= 1


def test_crops_keep_their_place():
    field = api.fit(textured(9, 14), model="composer", grid=(1, 2), **SMALL)
    assert np.array_equal(maps(field.select([1])), maps(field)[:, :, 7:])


def test_what_has_no_maps_is_refused():
    with pytest.raises(ConfigError, match="layer 3 must lie between 0 and 2"):
        maps(api.fit(textured(9, 14), model="mlp", **SMALL), 3)
    sound = np.sin(np.arange(400) / 9).astype(np.float32)
    with pytest.raises(ConfigError, match="this field has 1 axes"):
        maps(api.fit(sound, kind="audio", **SMALL))


def test_a_sheet_stretches_each_map_and_puts_lines_between_them():
    pictures = np.stack([np.linspace(0, scale, 6).reshape(2, 3) for scale in (1, 50, 0)])
    found = sheet(pictures, 2)
    assert (found.shape, found.dtype) == ((5, 7), np.uint8)
    assert found[:2, :3].tolist() == [[0, 51, 102], [153, 204, 255]] == found[:2, 4:].tolist()
    assert (found[2] == 255).all() and (found[:, 3] == 255).all()
    assert not found[3:, :3].any() and not found[3:, 4:].any()
