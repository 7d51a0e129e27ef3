"""The hand-written kernel gives the numbers of the plain one, for every model made of known steps."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import torch

from inrfit import registry
from inrfit.kernels import cpu, reference
from inrfit.kernels.batch import Batch, Tiles, encode
from inrfit.kernels.threads import tile_threads
from inrfit.models.config import ModelConfig
from inrfit.models.description import TRUNK_COORDS, describe, initial_weights, without

POINTS, TILES, GROUPS = 24, 6, 3

CASES = [
    {"name": model, "activation": activation, "output": output, "encoding": encoding}
    for model in registry.names("model")
    for activation in registry.names("activation")
    for output in registry.names("output")
    for encoding in registry.names("encoding")
    if encoding == "none" or (activation in ("sine", "relu") and output == "linear")
]


def ids(case):
    return "-".join(case.values())


def description_of(case, **more):
    config = {"hidden_features": 7, "trunk_features": 9, "first_omega_0": 8.0, "hidden_omega_0": 4.0}
    trunk = {} if case["name"] == "local-global" else {"trunk_features": None}
    if case["name"] == "feature-grid":
        trunk |= {"lattice": (6, 4), "levels": 3, "extent": (1.2, 0.8), "feature_channels": 2}
    sizes = {"hidden_layers": 2, "bands": 3, "features": 4, "trunk_omega_0": 6.0}
    return describe(ModelConfig(**{**config, **sizes, **trunk, **case, **more}), 2, 3)


def weights_of(description, seed=0):
    initial = initial_weights(description, range(GROUPS), seed)
    return {name: torch.tensor(w) for name, w in initial.items()}


def batch_of(description, weights, *, owner=None, plain=False, rows=None, seed=1):
    """Return random tiles, ragged and weighted unless `plain`; `rows` of the trunk are shared by tiles."""
    random = np.random.default_rng(seed)
    owner = np.sort(random.integers(0, GROUPS, TILES)) if owner is None else np.asarray(owner)
    tiles = len(owner)
    features = {}
    for register in description.frames:
        count = tiles if rows is None or register != TRUNK_COORDS else 1 + max(rows)
        coords = torch.tensor(random.uniform(-1, 1, (count, POINTS, 2)))
        features[register] = encode(description, weights, coords)
    shape = (tiles, POINTS, 1)
    mask = np.ones(shape) if plain else random.integers(0, 2, shape)
    weight = np.ones(shape) if plain else random.uniform(0, 2, shape) * mask
    return Batch(
        features=features,
        targets=torch.tensor(random.uniform(-1, 1, (tiles, POINTS, 3)), dtype=torch.float32),
        mask=torch.tensor(mask, dtype=torch.float32),
        weight=torch.tensor(weight, dtype=torch.float32),
        owner=torch.tensor(owner),
        trunk_rows=None if rows is None or TRUNK_COORDS not in features else torch.tensor(rows),
    )


def assert_same(description, weights, batch):
    """Assert that errors and gradients agree, within 2e-5 of the largest: rounding in single precision."""
    plain, program = reference.Reference(description), cpu.Cpu(description)
    expected = plain.sums(weights, batch, moments=True)
    found = program.sums(weights, program.prepare(batch), moments=True)
    assert torch.allclose(found.errors, expected.errors, rtol=2e-5, atol=1e-6)
    for by_hand, others in ((found.gradients, expected.gradients), (found.moments, expected.moments)):
        assert set(by_hand) == set(others)
        for name, values in others.items():
            assert by_hand[name].shape == values.shape, name
            largest = float(values.abs().max())
            assert torch.allclose(by_hand[name], values, rtol=0, atol=2e-5 * largest + 1e-9), name


@pytest.mark.parametrize("case", CASES, ids=ids)
def test_errors_and_gradients_are_those_of_the_reference(case):
    description = description_of(case)
    weights = weights_of(description)
    assert_same(description, weights, batch_of(description, weights))


@pytest.mark.parametrize("case", CASES, ids=ids)
def test_values_are_those_of_the_reference(case):
    description = description_of(case)
    weights = {name: w[:1] for name, w in weights_of(description).items()}
    batch = batch_of(description, weights, owner=[0])
    expected = reference.apply(description, weights, batch.features, batch.owner)
    program = cpu.Cpu(description)
    found = program.values(weights, program.prepare(batch))
    assert torch.allclose(found.mT, expected, rtol=0, atol=2e-5)


@pytest.mark.parametrize("depth", [0, 1, 4])
@pytest.mark.parametrize("width", [1, 5, 16, 33])
@pytest.mark.parametrize("name", ["mlp", "local-global"])
def test_every_width_and_depth(name, width, depth):
    case = {"name": name, "activation": "sine", "output": "linear", "encoding": "none"}
    description = description_of(case, hidden_features=width, hidden_layers=depth)
    weights = weights_of(description)
    assert_same(description, weights, batch_of(description, weights))


@pytest.mark.parametrize("rows", [[0] * 6, [0, 1, 0, 1, 2, 2]])
def test_tiles_may_share_rows_of_the_trunk(rows):
    case = {"name": "local-global", "activation": "sine", "output": "linear", "encoding": "none"}
    description = description_of(case)
    weights = weights_of(description)
    assert_same(description, weights, batch_of(description, weights, rows=rows))


@pytest.mark.parametrize("name", registry.names("model"))
def test_a_tile_for_each_group_and_all_samples_alike(name):
    case = {"name": name, "activation": "sine", "output": "linear", "encoding": "none"}
    description = description_of(case)
    weights = weights_of(description)
    batch = batch_of(description, weights, owner=range(GROUPS), plain=True)
    prepared = cpu.Cpu(description).prepare(batch)
    assert prepared.owner is None
    assert prepared.mask is None
    assert_same(description, weights, batch)


@pytest.mark.parametrize("frozen", [("trunk_weight0", "trunk_bias0"), ("merge_trunk",), ("weight1", "bias0")])
def test_frozen_stacks_get_no_gradient_and_change_no_other(frozen):
    case = {"name": "local-global", "activation": "sine", "output": "linear", "encoding": "none"}
    description = without(description_of(case), frozen)
    weights = weights_of(description)
    assert_same(description, weights, batch_of(description, weights))


def test_all_that_is_shared_may_be_frozen():
    case = {"name": "local-global", "activation": "sine", "output": "linear", "encoding": "none"}
    whole = description_of(case)
    description = without(whole, {stack.name for stack in whole.stacks if not stack.local})
    weights = weights_of(description)
    assert_same(description, weights, batch_of(description, weights, rows=[0, 1, 0, 1, 2, 2]))


def test_buffers_used_again_leave_nothing_behind():
    """A program that has seen a larger batch gives the bits of one that has not."""
    case = {"name": "local-global", "activation": "wire", "output": "sigmoid", "encoding": "none"}
    description = description_of(case)
    weights = weights_of(description)
    used, fresh = cpu.Cpu(description), cpu.Cpu(description)
    small = used.prepare(batch_of(description, weights, owner=[0, 2], seed=5))
    used.sums(weights, used.prepare(batch_of(description, weights)))
    first, second = (program.sums(weights, small) for program in (used, fresh))
    assert torch.equal(first.errors, second.errors)
    assert all(torch.equal(first.gradients[name], second.gradients[name]) for name in first.gradients)


def test_a_tile_gives_the_same_bits_alone_and_among_others():
    case = {"name": "partitioned", "activation": "sine", "output": "linear", "encoding": "none"}
    description = description_of(case, hidden_features=13)
    weights = weights_of(description)
    batch = batch_of(description, weights, owner=range(GROUPS))
    program = cpu.Cpu(description)
    together = program.sums(weights, program.prepare(batch), moments=True)
    for group in range(GROUPS):
        row = slice(group, group + 1)
        alone = Batch(
            features={name: values[row] for name, values in batch.features.items()},
            targets=batch.targets[row],
            mask=batch.mask[row],
            weight=batch.weight[row],
            owner=torch.tensor([0]),
        )
        own = {name: w[row].clone() for name, w in weights.items()}
        found = program.sums(own, program.prepare(alone), moments=True)
        assert torch.equal(found.errors, together.errors[row])
        for name, gradient in found.gradients.items():
            assert torch.equal(gradient, together.gradients[name][row])
        for name, moments in found.moments.items():
            assert torch.equal(moments, together.moments[name][row])


@pytest.mark.parametrize("threads", [2, 3])
def test_values_and_pulls_from_any_number_of_threads_have_the_same_bits(threads):
    case = {"name": "local-global", "activation": "sine", "output": "linear", "encoding": "none"}
    description = description_of(case)
    weights, program = weights_of(description), cpu.Cpu(description)
    batches = [program.prepare(batch_of(description, weights, seed=seed)) for seed in range(8)]

    def work(batch):
        values = program.values(weights, batch).clone()
        return values, program.pull(weights, batch, values, moments=True)

    with tile_threads(1) as one, tile_threads(threads) as more:
        for (values, alone), (others, among) in zip(one(work, batches), more(work, batches), strict=True):
            assert torch.equal(values, others)
            for name, gradient in alone.gradients.items():
                assert torch.equal(among.gradients[name], gradient)
            for name, moments in alone.moments.items():
                assert torch.equal(among.moments[name], moments)


def test_tiles_that_are_no_batch_are_pulled_back_too():
    case = {"name": "local-global", "activation": "sine", "output": "linear", "encoding": "none"}
    description = description_of(case)
    weights = weights_of(description)
    batch = batch_of(description, weights, owner=range(GROUPS))
    for owner in (batch.owner, None):
        tiles = Tiles(features=batch.features, owner=owner, weight=batch.weight)
        for made in (cpu.Cpu(description), reference.Reference(description)):
            prepared, whole = made.prepare(tiles), made.prepare(batch)
            gradient = made.values(weights, prepared).detach().clone()
            found = made.pull(weights, prepared, gradient, moments=True)
            expected = made.pull(weights, whole, gradient, moments=True)
            for kind in ("gradients", "moments"):
                for name, values in getattr(expected, kind).items():
                    assert torch.allclose(getattr(found, kind)[name], values, rtol=1e-5, atol=1e-5), name


def test_a_gradient_is_left_as_it_is():
    case = {"name": "mlp", "activation": "sine", "output": "sigmoid", "encoding": "none"}
    description = description_of(case)
    weights, program = weights_of(description), cpu.Cpu(description)
    prepared = program.prepare(batch_of(description, weights))
    gradient = torch.ones_like(program.values(weights, prepared))
    program.pull(weights, prepared, gradient)
    assert bool((gradient == 1).all())


class TestFolding:
    """Omega goes into the weights where that changes nothing, and stays where it is elsewhere."""

    def description(self, **more):
        return description_of(
            {"name": "local-global", "activation": "sine", "output": "linear", "encoding": "none"}, **more
        )

    def test_every_layer_before_a_sine_has_its_factor(self):
        steps, scales = cpu._folded(self.description().steps)
        assert all(step.omega_0 == 1 for step in steps if getattr(step, "target", "").startswith("local"))
        assert (scales["weight0"], scales["trunk_bias0"], scales["merge_trunk"]) == (8.0, 6.0, 4.0)
        assert "weight3" not in scales  # the output is linear

    def test_a_matrix_that_is_wanted_with_two_factors_is_left_alone(self):
        whole = self.description()
        steps = tuple(
            dataclasses.replace(step, omega_0=9.0) if step.target == "merged0" else step
            for step in whole.steps
        )
        description = dataclasses.replace(whole, steps=steps)
        assert cpu._folded(description.steps) == (steps, {})
        weights = weights_of(description)
        assert_same(description, weights, batch_of(description, weights))

    @pytest.mark.parametrize("activation", ["relu", "finer", "wire"])
    def test_activations_that_are_no_function_of_the_product_alone_are_left_alone(self, activation):
        case = {"name": "mlp", "activation": activation, "output": "linear", "encoding": "none"}
        assert cpu._folded(description_of(case).steps)[1] == {}
