"""The feature-grid model: its sizes, its optimiser, and that it works on every number of axes and on odd regions."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from make.data import textured

from inrfit import api
from inrfit.codec.container import Reader
from inrfit.coords import local_frame
from inrfit.device import pick_device
from inrfit.errors import ConfigError
from inrfit.fitting.config import FitConfig
from inrfit.fitting.optim import Soap
from inrfit.fitting.settings import settings
from inrfit.models.config import ModelConfig
from inrfit.models.description import describe
from inrfit.models.feature_grid import level_sides, levels_that_fit
from inrfit.models.sizing import resolve
from inrfit.partitions import build
from inrfit.signal import ArraySignal

MODEL = ModelConfig(name="feature-grid", hidden_layers=1)
WORDS = {"model": "feature-grid", "device": "cpu", "threads": 1}


def partition_of(picture, **words):
    signal = api.read(picture)
    return build(signal, settings(**words).partition)


def resolved(picture, model=MODEL, **words):
    return resolve(model, partition_of(picture, **words), 3)


def sound(samples=1200):
    t = np.arange(samples) / 8000
    return (0.6 * np.sin(2 * np.pi * 440 * t) + 0.2 * np.sin(2 * np.pi * 1250 * t)).astype(np.float32)


def test_the_lattice_follows_from_the_pitch_and_covers_a_cell_that_is_not_square():
    model = resolved(textured(60, 90), grid=(3, 2))  # cells of 20 x 45
    assert model.lattice == (11, 24)
    half = local_frame((0, 0), (20, 45), ("px", "px")).half
    assert model.extent == pytest.approx([10 / half[0], 22.5 / half[1]])
    assert model.levels == 6
    assert level_sides(model.lattice, 6) == ((11, 24), (6, 13), (4, 7), (3, 4), (2, 3), (2, 2))
    assert resolved(textured(60, 90), replace(MODEL, pitch=5.0), grid=(3, 2)).lattice == (5, 10)


def test_levels_halve_down_to_one_interval_and_are_seven_at_most():
    assert [levels_that_fit(side) for side in ((1,), (2,), (3,), (4,), (65, 5), (1000,))] == [
        1,
        1,
        2,
        3,
        7,
        7,
    ]
    assert level_sides((65,), 7)[-1] == (2,)
    assert level_sides((1, 5), 3) == ((1, 5), (1, 3), (1, 2))


@pytest.mark.parametrize("params", [1500, 4000, 30000])
def test_params_choose_the_pitch(params):
    picture = textured(64, 64)
    model = resolved(picture, replace(MODEL, params=params), cell=32)
    count = describe(model, 2, 3).count(len(partition_of(picture, cell=32)))
    assert 0.95 * params <= count <= params


def test_params_that_no_pitch_meets_are_met_from_below():
    picture = textured(64, 64)
    model = resolved(picture, replace(MODEL, params=2000), cell=8)
    count = describe(model, 2, 3).count(len(partition_of(picture, cell=8)))
    assert 0.5 * 2000 < count <= 2000
    with pytest.raises(ConfigError, match=r"--params 20 is fewer than the \d+ weights") as caught:
        resolved(picture, replace(MODEL, params=20), cell=8)
    named = int(caught.value.hint.split()[1])
    assert describe(resolved(picture, replace(MODEL, params=named), cell=8), 2, 3).count(64) == named
    with pytest.raises(ConfigError, match=f"--params {named - 1} is fewer"):
        resolved(picture, replace(MODEL, params=named - 1), cell=8)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ({"model": "partitioned", "pitch": 2.0}, r"--pitch sets lattices of features, which only"),
        ({"levels": 2, "feature_channels": 2}, r"--levels and --feature-channels set lattices"),
        ({"model": "feature-grid", "pitch": 2.0, "params": 900}, "--pitch and --params both"),
        ({"model": "feature-grid", "pitch": 0.1}, r"--pitch 0\.1 must lie between 0\.25 and 4096"),
        ({"model": "feature-grid", "levels": 8}, "--levels 8 must lie between 1 and 7"),
        ({"model": "feature-grid", "levels": 0}, "--levels 0 must lie between 1 and 7"),
        ({"model": "feature-grid", "feature_channels": 0}, "--feature-channels 0 must lie"),
        ({"model": "feature-grid", "weights_per_sample": 0.2}, "--weights-per-sample has no meaning"),
    ],
)
def test_options_that_make_no_sense_are_refused(words, message):
    with pytest.raises(ConfigError, match=message):
        settings(**words)


def test_lattices_that_cannot_be_are_refused():
    picture = textured(64, 64)
    with pytest.raises(
        ConfigError, match=r"--levels 6 is more than a lattice of 17x17 points has \(at most 5\)"
    ):
        resolved(picture, replace(MODEL, levels=6), cell=32)
    with pytest.raises(ConfigError, match="--frame global is not for --model feature-grid"):
        resolved(picture, replace(MODEL, frame="global"), cell=32)
    with pytest.raises(ConfigError, match="needs a lattice of as many numbers"):
        describe(replace(MODEL, hidden_features=4), 2, 3)
    big = replace(MODEL, pitch=0.25, feature_channels=64)
    with pytest.raises(ConfigError, match=r"a region would have .* features"):
        resolved(np.zeros((512, 512, 3), np.uint8), big, partition="none")


def test_it_cannot_be_meta_trained_and_says_so(tmp_path):
    from make.cli import save

    save(tmp_path / "a.png", textured(32, 32))
    with pytest.raises(ConfigError, match="--model feature-grid is not for --method maml"):
        api.meta_train(tmp_path, model="feature-grid", steps=1, size=16)


def test_features_are_stepped_one_by_one_and_the_network_in_its_basis():
    model = resolved(textured(32, 32), cell=16)
    description = describe(model, 2, 3)
    matrices = {matrix.weight: matrix for matrix in description.matrices()}
    tables = [name for name, matrix in matrices.items() if matrix.table]
    assert tables == [f"features{level}" for level in range(model.levels)]
    assert all(matrices[name].local and matrices[name].bias is None for name in tables)
    assert not any(matrices[name].local or matrices[name].table for name in ("weight0", "weight1", "weight2"))
    shapes = {s.name: s.shape for s in description.stacks}
    generator = torch.Generator().manual_seed(0)
    values, gradients, moments = {}, {}, {}
    for name, matrix in matrices.items():
        rows, columns = shapes[name]
        rows += matrix.bias is not None
        values[name] = torch.zeros(1, rows, columns)
        gradients[name] = torch.randn((1, rows, columns), generator=generator)
        if not matrix.table:
            moments[name] = torch.eye(rows)[None]
    given = {name: gradient.clone() for name, gradient in gradients.items()}
    rates = {name: torch.ones(1, 1, 1) for name in matrices}
    optimiser = Soap(values, matrices, FitConfig())
    optimiser.update(0, gradients, moments, rates)
    assert {key for key in optimiser.state() if key.startswith("basis.")} == {
        f"basis.{name}" for name in matrices if name not in tables
    }
    for name in tables:  # Adam's first step has the sign of the gradient, and one size
        assert torch.equal(values[name].sign(), -given[name].sign())
        assert values[name].abs().std() < 1e-3 * values[name].abs().mean()


def test_products_of_the_network_count_and_features_do_not():
    model = resolved(textured(32, 32), cell=16)
    assert describe(model, 2, 3).macs() == model.levels * 16 + 16 * 16 + 16 * 3


def test_a_finer_pitch_is_better_and_half_a_weight_per_sample_beats_thirty_decibels():
    coarse, fine = (api.fit(textured(64, 64), **WORDS, cell=32, steps=60, pitch=p).psnr for p in (8.0, 2.0))
    assert fine > 30
    assert fine > coarse + 6


@pytest.mark.parametrize("shape", [(29, 45), (7, 61), (1, 1)])
def test_ragged_cells_and_tiny_pictures_are_fitted(shape):
    picture = textured(*shape)
    field = api.fit(picture, **WORDS, cell=16, steps=60)
    assert field.psnr > 28
    assert field.decode(size=tuple(2 * n for n in shape)).shape == (*[2 * n for n in shape], 3)


def test_a_crop_and_a_region_decode_to_the_bits_of_the_whole():
    field = api.fit(textured(45, 61), **WORDS, grid=(3, 4), steps=5)
    whole, data = field.decode(), api.to_bytes(field)
    part = api.load(api.crop(data, keep="1:3,1:3"))
    (top, bottom), (left, right) = part.domain.box
    assert np.array_equal(part.decode(), whole[top:bottom, left:right])
    assert np.array_equal(api.decode(data, region=((7, 31), (20, 50))), whole[7:31, 20:50])
    alone = field.select([5])
    (top, bottom), (left, right) = alone.domain.box
    assert np.array_equal(alone.decode(threads=2), whole[top:bottom, left:right])


def test_threads_and_batches_change_no_bit():
    pictures = [textured(45, 61), textured(45, 61)[::-1].copy()]
    words = {**WORDS, "grid": (3, 4), "steps": 6}
    one = api.to_bytes(api.fit(pictures[0], **words))
    assert api.to_bytes(api.fit(pictures[0], **{**words, "threads": 2})) == one
    assert api.to_bytes(api.fit_many(pictures, **words)[0]) == one


def test_segments_have_lattices_over_the_square_of_their_area():
    field = api.fit(textured(40, 60), **WORDS, partition="seg", heads=4, steps=60, pitch=2.0)
    assert field.model.extent == pytest.approx((1.0, 1.0))
    assert field.psnr > 22
    back = api.load(api.to_bytes(field))
    assert np.array_equal(back.decode(), field.decode())


def test_sounds_and_volumes_are_fitted_and_read_back():
    tone = api.fit(sound(), **WORDS, kind="audio", cell=300, steps=60)
    assert (len(tone.model.lattice), tone.model.levels) == (1, 7)
    assert tone.psnr > 30
    z, y, x = np.indices((9, 14, 20))
    volume = np.rint(100 + 60 * np.sin(z / 3) * np.cos(y / 4 + x / 5)).astype(np.uint8)
    solid = api.fit(volume, **WORDS, kind="volume", grid=(2, 2, 2), steps=60)
    assert len(solid.model.lattice) == 3
    assert solid.psnr > 30
    for field in (tone, solid):
        assert np.array_equal(api.decode(api.to_bytes(field)), field.decode())


def test_a_file_keeps_lattice_extent_and_levels():
    field = api.fit(textured(20, 45), **WORDS, grid=(1, 2), steps=2, feature_channels=2, levels=3, pitch=3.0)
    data = api.to_bytes(field)
    with Reader(data) as reader:
        model = reader.header.model
        assert (model.levels, model.feature_channels, model.lattice) == (3, 2, field.model.lattice)
        assert model.extent == field.model.extent
    back = api.load(data)
    assert (
        back.params
        == field.params
        == 2 * 2 * sum(a * b for a, b in level_sides(field.model.lattice, 3))
        + (6 * 16 + 16 + 16 * 16 + 16 + 16 * 3 + 3)
    )
    assert np.array_equal(back.decode(), field.decode())


def test_the_plain_network_decodes_to_about_the_same_numbers():
    from inrfit.kernels.network import Network

    field = api.fit(textured(20, 45), **WORDS, grid=(1, 2), steps=10)
    points = np.random.default_rng(0).uniform(0, 20, (50, 2))
    both = [Network(field, pick_device("cpu"), kernel).single(0, points) for kernel in ("cpu", "reference")]
    assert both[0] == pytest.approx(both[1], abs=1e-4)


def test_a_field_is_extended():
    old = textured(32, 48)
    field = api.fit(old[:, :32], **WORDS, cell=16, steps=60)
    both = api.load(api.to_bytes(api.extend(api.to_bytes(field), old[:, 32:], side="right", steps=60)))
    assert np.array_equal(both.decode(region=((0, 32), (0, 32))), field.decode())
    assert both.psnr > 24


def test_the_fused_kernel_refuses_it():
    from inrfit.kernels import triton_fused

    description = describe(resolved(textured(32, 32), cell=16), 2, 3)
    assert triton_fused.supports(description, shared=1 << 20)


def test_samples_without_a_lattice_axis_are_one_point():
    values = np.linspace(0, 1, 40, dtype=np.float32).reshape(1, 40, 1)
    signal = api.read(values)
    assert isinstance(signal, ArraySignal)
    model = resolve(MODEL, build(signal, settings(grid=(1, 2)).partition), 1)
    assert model.lattice == (1, 11)
