"""Tasks: which samples, coordinates and targets a group gets, whatever the kind, the size and the division."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from make.images import image_of
from make.meta import MODEL, TRUNK, learner_of, pictures, tasks_of, thirds, trained
from make.shapes import ball, file

from inrfit import io
from inrfit.coords import global_frame
from inrfit.io.config import ReadConfig
from inrfit.meta.tasks import TILES, _tile
from inrfit.models.config import ModelConfig
from inrfit.partitions.grid import divide


def samples_of(tasks, group):
    """Return coordinates and targets of a group, without padding."""
    batch = tasks.batch
    own = (batch.owner == group)[:, None] & (batch.mask[..., 0] > 0)
    return batch.features["coords"][own].numpy(), batch.targets[own].numpy()


@pytest.mark.parametrize("model", [MODEL, TRUNK], ids=["partitioned", "local-global"])
def test_a_group_holds_the_samples_of_its_region_where_they_lie(model):
    learner = learner_of(model=model)
    signals = pictures(2, 9, 13)
    partitions = [divide(signals[0].domain, (2, 2)), thirds(signals[1])]
    tasks = tasks_of(learner, signals, partitions)
    assert tasks.groups == 7
    assert tasks.signal_of.tolist() == [0, 0, 0, 0, 1, 1, 1]
    assert tasks.areas.tolist() == [*partitions[0].areas, *partitions[1].areas]
    regions = [(s, r) for s, p in zip(signals, partitions, strict=True) for r in p.regions]
    for group, (signal, region) in enumerate(regions):
        coords, targets = samples_of(tasks, group)
        points, units = region.points(), signal.domain.units
        frame = region.frame(units) if model.frame == "local" else global_frame(signal.domain)
        assert coords == pytest.approx(frame.coords(points), abs=1e-6)
        assert np.array_equal(targets, signal.sample(points))


def test_tiles_are_as_many_as_groups_only_where_each_is_one_group():
    learner = learner_of()
    assert tasks_of(learner, pictures(2), grid=(2, 2)).one_each
    ragged = tasks_of(learner, pictures(1, 40, 40), [divide(pictures(1, 40, 40)[0].domain, (1, 1))])
    assert ragged.one_each == (len(ragged.batch.owner) == 1)
    assert not tasks_of(learner, pictures(1, 80, 80)).one_each


@pytest.mark.parametrize("areas", [[5], [64, 64], [4096] * 3, [1, 2, 700], [4097], [130, 1000, 9000]])
def test_tiles_waste_little_or_are_the_smallest(areas):
    tile = _tile(areas)
    padded = sum(-(-area // tile) * tile for area in areas)
    assert tile % 8 == 0
    assert tile <= max(TILES)
    assert padded <= 1.15 * sum(areas) or tile == min(8 * -(-max(areas) // 8), TILES[-1])


def test_drawn_samples_are_spread_by_area_and_are_samples_of_their_region():
    signal = pictures(1, 16, 16)[0]
    partition = thirds(signal)
    learner = learner_of()
    words = {"points": 64, "random": np.random.default_rng(0)}
    tasks = tasks_of(learner, [signal], [partition], **words)
    for group, (region, area) in enumerate(zip(partition.regions, tasks.areas.tolist(), strict=True)):
        assert area == pytest.approx(64 * region.area / 256, abs=1)
        there = {
            row.tobytes() for row in global_frame(signal.domain).coords(region.points()).astype(np.float32)
        }
        coords, _ = samples_of(tasks, group)
        assert len({row.tobytes() for row in coords}) == area
        assert {row.tobytes() for row in coords} <= there


def test_more_points_than_there_are_take_all():
    tasks = tasks_of(learner_of(), pictures(1), points=1000, random=np.random.default_rng(0))
    assert tasks.areas.tolist() == [64]


def line(count=3, samples=400):
    """Return sounds: a tone each, of another pitch and phase."""
    t = np.arange(samples) / 8000
    made = [0.6 * np.sin(2 * np.pi * (120 + 10 * k) * t + k) for k in range(count)]
    waves = [np.round(32767 * wave).astype(np.int16) for wave in made]
    return [io.read(wave, ReadConfig(kind="audio"), name=None) for wave in waves]


def test_sounds_are_learned_from():
    model = ModelConfig(
        name="partitioned", hidden_features=16, first_omega_0=30.0, hidden_omega_0=20.0, hidden_layers=1
    )
    learner = learner_of(model=model, axes=1, channels=1, inner_lr=0.03)
    tasks = tasks_of(learner, line(), grid=(2,))
    assert tasks.batch.features["coords"].shape[-1] == 1
    _, losses = trained(learner, tasks, 30)
    assert losses[-1] < 0.5 * losses[0]


@pytest.mark.parametrize("grid", [(1, 1, 1), (2, 1, 1)])
def test_shapes_are_learned_from_the_samples_of_their_pool(grid):
    config = ReadConfig(kind="shape", resolution=40)
    signals = [io.read(file(ball(2), "ply"), config, name="ball.ply")]
    learner = learner_of(model=MODEL, axes=3, channels=1)
    tasks = tasks_of(learner, signals, grid=grid)
    pooled = len(signals[0].pool(signals[0].domain.box))
    assert int(tasks.areas.sum()) == pooled < signals[0].domain.size
    drawn = tasks_of(learner, signals, grid=grid, points=500, random=np.random.default_rng(0))
    assert int(drawn.areas.sum()) == pytest.approx(500, abs=2)
    _, losses = trained(learner, drawn, 15)
    assert losses[-1] < 0.6 * losses[0]


def test_one_channel_and_odd_sizes():
    grey = [image_of(np.full((5, 3), 40 * k + 20, np.uint8)) for k in range(2)]
    learner = learner_of(channels=1)
    found, mse = learner.outer_gradients(
        {n: v.requires_grad_() for n, v in learner_params(learner).items()}, tasks_of(learner, grey)
    )
    assert mse.shape == (2,)
    assert all(torch.isfinite(value).all() for value in found.values())


def learner_params(learner):
    return {n: torch.tensor(v) for n, v in learner.parameters(0).items()}
