"""Coordinates put together from those along axes are the same doubles; tiles land where their samples are."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from make.data import textured

from inrfit import api
from inrfit.kernels.tiles import RegionSamples, coordinates
from inrfit.render import placing
from inrfit.render.lattice import lattice_of, region_samples
from inrfit.render.placing import Coordinates, has_wanted, put
from inrfit.render.tiles import cuts, tiles_in


class Recorder:
    """In place of a network: encodes nothing, counts."""

    sizes = (1,)

    def __init__(self, net):
        self.net = net
        self.encoded = 0

    def encode(self, coords):
        self.encoded += 1
        return coords


@pytest.fixture(scope="module", params=["grid", "seg", "shared"])
def field(request):
    options = {
        "grid": {"grid": (3, 4), "frame": "global"},
        "seg": {"partition": "seg", "heads": 3},
        "shared": {"grid": (3, 4), "model": "local-global", "trunk_frame": "global"},
    }[request.param]
    return api.fit(textured(50, 70), steps=1, hidden_features=4, device="cpu", **options)


def tiles_of(field, wanted):
    for position, region in enumerate(field.partition.regions):
        samples = region_samples(region, wanted)
        for ranks in tiles_in(samples, wanted.fine, 40):
            yield position, samples, ranks


@pytest.mark.parametrize("longest", [1 << 16, 5])
@pytest.mark.parametrize("size", [None, (100, 140), (61, 83), (20, 33)])
def test_coordinates_are_those_of_each_sample_to_the_bit(field, size, longest, monkeypatch):
    monkeypatch.setattr(placing, "LONGEST", longest)
    wanted = lattice_of(field.domain, size)
    made = Coordinates(Recorder(field), wanted)
    for position, samples, ranks in tiles_of(field, wanted):
        index = samples.index(np.arange(ranks.start, ranks.stop))
        points = np.stack([axis.positions(index[:, d]) for d, axis in enumerate(wanted.axes)], axis=-1)
        found = made.tile(position, samples, ranks)
        for register, kind in field.description.frames.items():
            region = field.partition.regions[position]
            expected = coordinates(kind, points, region, field.frame, field.domain.units)
            assert np.array_equal(found[register], expected)


@pytest.mark.parametrize(("size", "once"), [(None, True), ((96, 96), True), ((144, 144), False)])
def test_cells_of_one_shape_are_encoded_once_where_their_coordinates_are_equal(size, once):
    """At three times the size positions are rounded, each cell in its own way."""
    field = api.fit(textured(48, 48), grid=(4, 4), steps=1, hidden_features=4, device="cpu")
    wanted, recorder = lattice_of(field.domain, size), Recorder(field)
    made = Coordinates(recorder, wanted)
    seen = {}
    for position, samples, ranks in tiles_of(field, wanted):
        local = seen.setdefault(ranks, made.tile(position, samples, ranks))
        if once:
            assert made.tile(position, samples, ranks) is local
    assert (recorder.encoded == len(seen)) is once


def test_few_tiles_are_kept(field, monkeypatch):
    monkeypatch.setattr(placing, "KEPT", 3)
    wanted = lattice_of(field.domain, (61, 83))
    made = Coordinates(Recorder(field), wanted)
    for tile in tiles_of(field, wanted):
        made.tile(*tile)
        assert len(made._tiles) <= 3


spans = st.tuples(st.integers(0, 12), st.integers(1, 9)).map(lambda p: (p[0], p[0] + p[1]))


@settings(max_examples=200, deadline=None)
@given(st.integers(-3, 9), st.integers(-3, 9), st.integers(1, 8), st.integers(1, 8), spans, spans, st.data())
def test_tiles_are_put_where_their_samples_are(top, left, height, width, rows, columns, data):
    """Against the same box with a list of its samples, which are put one by one."""
    filled = RegionSamples(start=(top, left), shape=(height, width))
    listed = RegionSamples(start=(top, left), shape=(height, width), inside=np.arange(height * width))
    start = data.draw(st.integers(0, height * width - 1))
    ranks = range(start, data.draw(st.integers(start + 1, height * width)))
    values = np.random.default_rng(0).normal(size=(2, len(ranks)))
    window = (rows, columns)
    outs = []
    for samples in (filled, listed):
        out = np.zeros((rows[1] - rows[0], columns[1] - columns[0], 2))
        put(out, window, samples, ranks, values)
        outs.append(out)
        assert has_wanted(window, samples, ranks) == out.any()
    assert np.array_equal(*outs)


@given(st.integers(-5, 5), st.integers(0, 60), st.integers(1, 20), st.sets(st.integers(-5, 65)))
def test_bands_cover_all_rows_once_and_end_at_edges_where_they_can(first, count, rows, edges):
    found = list(cuts(first, first + count, rows, edges))
    assert [row for a, b in found for row in range(a, b)] == list(range(first, first + count))
    for start, stop in found:
        assert 0 < stop - start <= rows
        near = [edge for edge in edges if start + rows / 2 < edge <= start + rows and edge < first + count]
        assert stop == first + count or not near or stop == max(near)
