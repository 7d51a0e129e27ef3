"""The local-global model: its formula, its frames, and what of it belongs to a region."""

import numpy as np
import pytest
import torch
from make.data import textured

from inrfit import api
from inrfit.coords import fold
from inrfit.kernels import reference
from inrfit.kernels.batch import Batch
from inrfit.models.config import ModelConfig
from inrfit.models.description import TRUNK_COORDS, describe, initial_weights

SIZED = {"name": "local-global", "hidden_features": 5, "hidden_layers": 2, "trunk_features": 7}
OMEGAS = {"first_omega_0": 15.0, "hidden_omega_0": 10.0, "trunk_omega_0": 30.0}


def drawn(config, regions=3):
    description = describe(config, 2, 3)
    initial = initial_weights(description, range(regions), 0)
    return description, {name: torch.tensor(w) for name, w in initial.items()}


def by_hand(weights, region, coords, trunk_coords):
    """The maths of the paper, for one region, with the merge as one matrix."""
    merge = torch.cat([weights["merge_local"][0], weights["merge_trunk"][0]])
    merged, trunk = coords, trunk_coords
    for k in range(3):
        first = k == 0
        trunk = trunk @ weights[f"trunk_weight{k}"][0] + weights[f"trunk_bias{k}"][0]
        trunk = torch.sin((30.0 if first else 10.0) * trunk)
        local = merged @ weights[f"weight{k}"][region] + weights[f"bias{k}"][region]
        local = torch.sin((15.0 if first else 10.0) * local)
        merged = torch.sin(10.0 * (torch.cat([local, trunk], -1) @ merge + weights["merge_bias"][0]))
    return merged @ weights["weight3"][region] + weights["bias3"][region]


def test_the_steps_are_the_formula_of_the_paper():
    description, weights = drawn(ModelConfig(**SIZED, **OMEGAS))
    random = np.random.default_rng(1)
    features = {name: torch.tensor(random.uniform(-1, 1, (4, 6, 2))).float() for name in description.frames}
    owner = torch.tensor([2, 0, 1, 2])
    out = reference.apply(description, weights, features, owner)
    for tile, region in enumerate(owner):
        expected = by_hand(weights, region, features["coords"][tile], features[TRUNK_COORDS][tile])
        assert torch.allclose(out[tile], expected, atol=2e-5)


def test_tiles_that_share_trunk_coordinates_give_the_same_gradients_as_tiles_of_their_own():
    description, weights = drawn(ModelConfig(**SIZED, **OMEGAS, trunk_frame="local"))
    random = np.random.default_rng(1)
    distinct = torch.tensor(random.uniform(-1, 1, (2, 6, 2))).float()
    rows = torch.tensor([0, 1, 0, 0])
    shared = {"coords": torch.tensor(random.uniform(-1, 1, (4, 6, 2))).float(), TRUNK_COORDS: distinct}
    own = {**shared, TRUNK_COORDS: distinct[rows]}
    results = []
    for features, trunk_rows in ((shared, rows), (own, None)):
        batch = Batch(
            features=features,
            targets=torch.zeros(4, 6, 3),
            mask=torch.ones(4, 6, 1),
            weight=torch.ones(4, 6, 1),
            owner=torch.tensor([0, 0, 1, 2]),
            trunk_rows=trunk_rows,
        )
        results.append(reference.errors_and_gradients(description, weights, batch))
    assert torch.allclose(results[0][0], results[1][0], rtol=1e-5)
    for name, gradient in results[0][1].items():
        assert torch.allclose(gradient, results[1][1][name], rtol=1e-4, atol=1e-4), name


def test_only_trunk_and_merge_are_shared():
    description, _ = drawn(ModelConfig(**SIZED, **OMEGAS))
    shared = {stack.name for stack in description.stacks if not stack.local}
    assert shared == {name for name in shared if name.startswith(("trunk_", "merge_"))}
    assert {"merge_local", "merge_trunk", "merge_bias", "trunk_weight0", "trunk_bias2"} <= shared


def test_the_fold_is_the_identity_inside_and_a_mirror_outside():
    inside = np.linspace(-1, 1, 1001)
    assert np.array_equal(fold(inside), inside)
    assert fold(np.array([1.25, -1.25, 2.0, 3.0, -3.0, 5.0])) == pytest.approx([0.75, -0.75, 0, -1, 1, 1])


def test_a_trunk_sees_folded_global_or_local_coordinates():
    frames = [describe(ModelConfig(**SIZED, trunk_frame=f), 2, 3).frames for f in ("global", "local")]
    assert [frame[TRUNK_COORDS] for frame in frames] == ["folded", "local"]


@pytest.mark.parametrize("trunk_frame", ["global", "local"])
@pytest.mark.parametrize("partition", [{"grid": (2, 3)}, {"partition": "seg", "heads": 3}])
def test_it_learns_on_grids_and_on_segments(partition, trunk_frame):
    options = {"model": "local-global", "trunk_frame": trunk_frame, "hidden_features": 8, "device": "cpu"}
    start, end = (
        api.fit(textured(24, 36), steps=n, **options, **partition, trunk_features=12).psnr for n in (1, 150)
    )
    assert end > start + 4
