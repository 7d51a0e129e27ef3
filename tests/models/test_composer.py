"""The composer model: one network, of which each region has one matrix of its own."""

import numpy as np
import pytest
import torch
from make.data import textured

from inrfit import api
from inrfit.codec.container import Reader
from inrfit.errors import ConfigError
from inrfit.kernels import reference
from inrfit.kernels.batch import Batch
from inrfit.kernels.cpu import Cpu
from inrfit.models.config import ModelConfig
from inrfit.models.description import describe, initial_weights

SIZED = {"name": "composer", "hidden_features": 6, "hidden_layers": 2}


@pytest.mark.parametrize("layer", range(4))
def test_one_weight_belongs_to_a_region_and_nothing_else(layer):
    description = describe(ModelConfig(**SIZED, modulated=layer, encoding="rff"), 2, 3)
    assert [stack.name for stack in description.stacks if stack.local] == [f"weight{layer}"]
    assert (
        description.count(5) - description.count(4) == {0: 32, 1: 6, 2: 6, 3: 6}[layer] * (6, 6, 6, 3)[layer]
    )


def test_regions_with_equal_matrices_are_the_mlp():
    model = ModelConfig(**SIZED)
    description, plain = describe(model, 2, 3), describe(ModelConfig(**{**SIZED, "name": "mlp"}), 2, 3)
    weights = {n: torch.tensor(w) for n, w in initial_weights(plain, [0], 0).items()}
    features = {"coords": torch.rand(2, 5, 2)}
    owner = torch.tensor([1, 0])
    both = {**weights, "weight1": weights["weight1"].expand(2, 6, 6)}
    expected = reference.apply(plain, weights, features, torch.zeros(2, dtype=torch.int64))
    assert torch.allclose(reference.apply(description, both, features, owner), expected, atol=1e-6)


def test_layers_that_do_not_exist_are_refused():
    with pytest.raises(ConfigError, match="--modulated 4 must lie between 0 and 3"):
        describe(ModelConfig(**SIZED, modulated=4), 2, 3)
    with pytest.raises(ConfigError, match="--modulated 66"):
        ModelConfig(modulated=66)


def test_the_shared_bias_of_the_modulated_layer_is_a_matrix_of_its_own():
    matrices = {m.weight: m for m in describe(ModelConfig(**SIZED), 2, 3).matrices()}
    assert (matrices["weight1"].bias, matrices["weight1"].local) == (None, True)
    assert (matrices["bias1"].bias, matrices["bias1"].local) == (None, False)
    assert matrices["weight2"].bias == "bias2" and "bias2" not in matrices


def test_both_kernels_give_the_moments_of_weights_and_of_a_bias_apart():
    description = describe(ModelConfig(**SIZED), 2, 3)
    weights = {n: torch.tensor(w) for n, w in initial_weights(description, [0, 1], 0).items()}
    mask = torch.ones(2, 4, 1)
    mask[1, 3] = 0
    batch = Batch(
        features={"coords": torch.rand(2, 4, 2)},
        targets=torch.rand(2, 4, 3),
        mask=mask,
        weight=mask,
        owner=torch.tensor([1, 0]),
    )
    plain = reference.Reference(description).sums(weights, batch, moments=True)
    fast = Cpu(description)
    found = fast.sums(weights, fast.prepare(batch), moments=True)
    assert plain.moments["bias1"].tolist() == [[[7.0]]]
    assert plain.moments["weight1"].shape == (2, 6, 6)
    for name, moment in plain.moments.items():
        assert torch.allclose(found.moments[name], moment, atol=1e-4), name
        assert torch.allclose(found.gradients[name], plain.gradients[name], atol=1e-4), name


@pytest.mark.parametrize("optimiser", ["soap", "adam"])
@pytest.mark.parametrize("partition", [{"grid": (2, 3)}, {"partition": "none"}])
def test_it_learns_shared_and_own_weights_together(partition, optimiser):
    options = {
        "model": "composer",
        "hidden_features": 12,
        "device": "cpu",
        "optimiser": optimiser,
        "lr": 0.01,
    }
    start, end = (api.fit(textured(24, 36), steps=n, **options, **partition) for n in (1, 100))
    assert end.psnr > start.psnr + 4
    assert np.abs(end.weights["bias1"] - start.weights["bias1"]).max() > 1e-3


def test_the_layer_survives_the_file():
    options = {"model": "composer", "modulated": 2, "grid": (2, 2), "steps": 2, "hidden_features": 5}
    with Reader(api.to_bytes(api.fit(textured(9, 14), weights="float16", **options))) as reader:
        assert reader.header.model.modulated == 2
        assert len(reader.part(0)) == 2 * 5 * 5
    field = api.fit(textured(9, 14), **options)
    with Reader(api.to_bytes(field)) as reader:
        assert reader.header.model.modulated == 2
        assert len(reader.part(0)) < 2 * 5 * 5
    back = api.load(api.to_bytes(field))
    assert [n for n, w in back.weights.items() if len(w) == 4] == ["weight2"]
    assert np.array_equal(back.weights["weight2"], field.weights["weight2"])


def test_a_budget_of_weights_sets_its_width():
    field = api.fit(textured(16, 16), model="composer", params=2000, grid=(2, 2), steps=1)
    assert 1900 <= field.description.count(4) <= 2000
