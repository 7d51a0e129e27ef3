"""Blending at decode: weights that sum to 1, ramps in place of steps, and the old bits away from borders."""

from __future__ import annotations

import tracemalloc
from dataclasses import replace

import numpy as np
import pytest
from make.data import textured
from make.rendered import render

from inrfit import api
from inrfit.codec.chunks import CHECKSUM
from inrfit.codec.container import Reader
from inrfit.device import pick_device
from inrfit.domain import image_domain
from inrfit.errors import ConfigError, ContainerError
from inrfit.partitions import Region
from inrfit.partitions.grid import divide
from inrfit.partitions.labels import from_labels
from inrfit.render import blend as blending
from inrfit.render.blend import Zone
from inrfit.render.lattice import lattice_of, region_samples
from inrfit.render.output import Output

CPU = pick_device("cpu", 1)
SIZES = [None, (96, 120), (70, 61), (24, 30), (5, 7)]


@pytest.fixture(scope="module", params=["grid", "seg", "shared"])
def field(request):
    options = {
        "grid": {"grid": (4, 5)},
        "seg": {"partition": "seg", "heads": 6},
        "shared": {"grid": (4, 5), "model": "local-global"},
    }
    return api.fit(textured(48, 60), steps=3, hidden_features=9, device="cpu", **options[request.param])


def constant(partition, values):
    """A field whose regions have one value each, on [-1, 1]."""
    field = api.fit(np.zeros((8, 8), np.uint8), steps=1, hidden_features=4, hidden_layers=0, device="cpu")
    weights = {name: np.zeros((len(values), *w.shape[1:]), np.float32) for name, w in field.weights.items()}
    weights["bias1"][:, 0, 0] = values
    return replace(field, partition=partition, weights=weights, mse=(), psnr=None)


def segments():
    y, x = np.mgrid[0:20, 0:24]
    return from_labels(image_domain(20, 24), (np.hypot(y - 8, x - 9) < 6) + 2 * (x + y > 30))


@pytest.mark.parametrize("size", [None, (41, 47), (10, 12)])
@pytest.mark.parametrize("blend", [1, 3, 40])
@pytest.mark.parametrize("partition", [divide(image_domain(20, 24), (3, 4)), segments()])
def test_weights_sum_to_one(partition, blend, size):
    """A constant is reproduced: to the last bit or the one before it."""
    flat = constant(partition, [0.3] * len(partition))
    out = render(flat, Output(blend=blend, size=size), device=CPU)
    assert out == pytest.approx(np.full(out.shape, np.float32(0.3)), abs=6e-8)


def test_a_step_becomes_a_ramp():
    """Within 3 samples of the face at 9.5 the share of the right cell rises by 1/6 a sample."""
    partition = divide(image_domain(20, 20), (1, 2))
    row = render(constant(partition, [-1, 1]), Output(blend=3), device=CPU)[10, :, 0]
    expected = np.clip((np.arange(20) - 9.5) / 3, -1, 1)
    assert row == pytest.approx(expected, abs=1e-6)
    fine = render(constant(partition, [-1, 1]), Output(blend=3, size=(20, 80)), device=CPU)[10, :, 0]
    assert fine == pytest.approx(np.clip(((np.arange(80) + 0.5) / 4 - 10) / 3, -1, 1), abs=1e-6)
    assert np.abs(np.diff(fine)).max() < 0.09


def test_the_weight_of_a_segment_that_fills_its_box_is_that_of_a_cell():
    mask = np.ones((5, 7), bool)
    box = ((2, 7), (-3, 4))
    y, x = np.mgrid[-4:14, -8:9] + 0.0
    points = np.stack([y.ravel(), x.ravel()], -1)
    for blend in (1, 2, 4):
        cell = Zone(Region(id=0, box=box, nominal=(5.0, 7.0)), blend).weights(points)
        segment = Zone(Region(id=0, box=box, nominal=(5.0, 7.0), mask=mask), blend).weights(points)
        assert np.array_equal(cell, segment)
        assert cell.max() == min(1, 0.5 + 2.5 / (2 * blend))
        assert cell[(np.abs(y - 4) > 2.5 + blend).ravel()].max() == 0


def near_other_regions(partition, distance):
    """Samples with another region within a chessboard distance, the slow way."""
    labels = partition.labels()
    near = np.zeros(labels.shape, bool)
    for dy in range(-distance, distance + 1):
        for dx in range(-distance, distance + 1):
            rolled = np.full(labels.shape, -1)
            y, x = (
                slice(max(dy, 0), labels.shape[0] + min(dy, 0)),
                slice(max(dx, 0), labels.shape[1] + min(dx, 0)),
            )
            v, u = (
                slice(max(-dy, 0), labels.shape[0] + min(-dy, 0)),
                slice(max(-dx, 0), labels.shape[1] + min(-dx, 0)),
            )
            rolled[y, x] = labels[v, u]
            near |= (rolled >= 0) & (rolled != labels)
    return near


@pytest.mark.parametrize("blend", [1, 2, 3])
def test_away_from_borders_the_bits_are_those_without(field, blend):
    """Bit for bit, and nearer to a border a little of the neighbour."""
    plain, mixed = render(field, device=CPU), render(field, Output(blend=blend), device=CPU)
    near = near_other_regions(field.partition, blend)
    assert np.array_equal(mixed[~near], plain[~near])
    assert (mixed[near] != plain[near]).any(-1).mean() > 0.9


def test_zero_is_the_decode_of_old(field):
    assert np.array_equal(field.decode(blend=0, device="cpu"), field.decode(device="cpu"))
    assert not np.array_equal(field.decode(blend=1, device="cpu"), field.decode(device="cpu"))


@pytest.mark.parametrize("size", SIZES)
def test_threads_and_bands_do_not_change_the_bits(field, size, monkeypatch):
    whole = render(field, Output(blend=2, size=size), device=CPU)
    assert np.array_equal(render(field, Output(blend=2, size=size), device=pick_device("cpu", 3)), whole)
    monkeypatch.setattr(blending, "BAND", 500)
    assert np.array_equal(render(field, Output(blend=2, size=size), device=CPU), whole)


@pytest.mark.parametrize("scale", [None, 2, 1.5, 0.5])
@pytest.mark.parametrize(
    "region", [((0, 12), (0, 12)), ((10, 14), (22, 26)), ((44, 48), (0, 60)), ((12, 24), (24, 36))]
)
def test_a_window_of_a_file_is_the_window_of_the_whole(field, region, scale):
    data, options = api.to_bytes(field), {"scale": scale, "blend": 3, "device": "cpu"}
    whole = api.decode(data, **options)
    factor = scale or 1
    window = tuple(slice(int(a * factor), int(b * factor)) for a, b in region)
    assert np.array_equal(api.decode(data, region=region, **options), whole[window])


def test_neighbours_whose_blend_reaches_into_the_window_are_read():
    data = api.to_bytes(api.fit(textured(48, 60), grid=(4, 5), steps=1, hidden_features=4, device="cpu"))
    with Reader(data) as reader:
        parts = reader.front_size + np.cumsum([0, *(n + CHECKSUM for n in reader.index.lengths)])
    damaged = bytearray(data)
    damaged[parts[1] + 20] ^= 1  # the cell at columns 12 to 24 of the first row
    damaged = bytes(damaged)
    whole = api.decode(data, blend=2, device="cpu")
    inner = api.decode(damaged, region=((0, 12), (0, 10)), blend=2, device="cpu")
    assert np.array_equal(inner, whole[:12, :10])
    touching = {"region": ((0, 12), (0, 11)), "blend": 2, "device": "cpu"}
    with pytest.raises(ContainerError, match="region 1"):
        api.decode(damaged, **touching)
    assert np.array_equal(api.decode(damaged, partial=True, **touching)[:, :10], whole[:12, :10])


def test_neighbours_that_are_gone_do_not_count(field):
    part = field.select([0, len(field.partition) - 1])
    covered = part.covered()
    plain, mixed = part.decode(device="cpu"), part.decode(blend=3, fill=7, device="cpu")
    assert (mixed[~covered] == 7).all()
    near = near_other_regions(part.partition, 3)
    assert np.array_equal(mixed[covered & ~near], plain[covered & ~near])
    alone = field.select([1])
    assert np.array_equal(alone.decode(blend=64, device="cpu"), alone.decode(device="cpu"))


@pytest.mark.parametrize("blend", [-1, 65, 10**30, 1.5, "2", float("nan")])
def test_blends_that_cannot_be_are_named(field, blend):
    for attempt in (field.decode, lambda **words: api.decode(api.to_bytes(field), **words)):
        with pytest.raises(
            ConfigError, match=r"--blend .* is not a whole number of samples from 0 to 64"
        ) as caught:
            attempt(blend=blend)
        assert "\n" not in caught.value.message


@pytest.mark.parametrize("longest", [0, 1 << 20])
@pytest.mark.parametrize("size", [None, (50, 66), (120, 150)])
@pytest.mark.parametrize("blend", [1, 2, 5])
def test_no_sample_with_a_weight_is_left_out(field, blend, size, longest, monkeypatch):
    """Between samples too: all fine samples of the domain are tried."""
    monkeypatch.setattr(blending, "LONGEST_RING", longest)
    lattice = lattice_of(field.domain, size)
    rows = np.ix_(*(axis.positions(np.arange(axis.size)) for axis in lattice.axes))
    points = np.stack(np.broadcast_arrays(*rows), -1).reshape(-1, 2)
    for region in field.partition.regions:
        zone = Zone(region, blend)
        reached = np.zeros([axis.size for axis in lattice.axes], bool)
        for samples in (region_samples(region, lattice), *zone.beyond(lattice)):
            index = samples.index(np.arange(samples.count))
            assert not reached[tuple(index.T)].any()
            reached[tuple(index.T)] = True
        assert not zone.weights(points)[~reached.ravel()].any()


def test_a_window_of_a_huge_output_is_small_work():
    """Rings of 2^27 samples beside two cells, of which a few are wanted."""
    partition = divide(image_domain(1 << 14, 256), (1, 2))
    field = replace(constant(partition, [-1, 1]), tile=1024)
    tracemalloc.start()
    try:
        row = field.decode(scale=64, region=((5, 6), (127, 129)), blend=2, device="cpu", threads=1)
        assert tracemalloc.get_traced_memory()[1] < 64 << 20
    finally:
        tracemalloc.stop()
    assert row.shape == (64, 128, 1)
    assert row[7, :, 0] == pytest.approx((1 + ((np.arange(128) + 0.5) / 64 - 1) / 2) * 127.5, abs=0.51)
