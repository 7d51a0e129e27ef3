"""Decoding: exact by region, honest at other sizes."""

from __future__ import annotations

import tracemalloc
from dataclasses import replace

import numpy as np
import pytest
from make.rendered import render

from inrfit import api
from inrfit.codec.container import Reader
from inrfit.codec.read import loads
from inrfit.coords import global_frame
from inrfit.device import pick_device
from inrfit.domain import image_domain
from inrfit.errors import ConfigError, FitError
from inrfit.kernels.threads import tile_threads
from inrfit.kernels.tiles import cut, region_samples, tile_points
from inrfit.partitions.grid import divide
from inrfit.render.output import Output

CPU = pick_device("cpu", 1)


@pytest.fixture(scope="module", params=["grid", "seg"])
def field(request):
    from make.data import textured

    options = {"grid": (3, 4)} if request.param == "grid" else {"partition": "seg", "heads": 3}
    return api.fit(textured(50, 70), steps=3, hidden_features=9, device="cpu", **options)


def only(field, position):
    """The field with one region, on the domain of the whole."""
    with Reader(api.to_bytes(field)) as reader:
        return loads(reader, [position])


def test_regions_decode_to_the_same_bits_alone_and_in_the_whole(field):
    whole, labels = render(field, device=CPU), field.partition.labels()
    for position in range(len(field.partition)):
        alone = render(only(field, position), device=CPU)
        inside = labels == position
        assert np.array_equal(alone[inside], whole[inside])
        assert not alone[~inside].any()


def test_threads_do_not_change_the_bits(field):
    assert np.array_equal(render(field, device=pick_device("cpu", 3)), render(field, device=CPU))


@pytest.mark.parametrize("size", [(50, 70), (100, 140), (61, 33), (7, 5), (1, 1)])
def test_regions_decode_to_the_same_bits_at_any_size(field, size):
    whole = render(field, Output(size=size), device=CPU)
    assert whole.shape == (*size, 3)
    alone = [render(only(field, p), Output(size=size), device=CPU) for p in range(len(field.partition))]
    if min(size) >= 50:  # every sample has one owner: its value is there to the bit, and 0 elsewhere
        assert (np.stack(alone) != 0).any(-1).sum(0).max() == 1
        assert np.array_equal(np.sum(alone, 0), whole)
    else:  # box filtered: each is the mean of its own share
        alone, whole = np.stack(alone), np.broadcast_to(whole, (len(alone), *whole.shape))
        pure = (alone != 0).any(-1).sum(0) == 1
        assert np.array_equal(np.sum(alone, 0)[pure], whole[0][pure])
        assert (alone.max(0) >= whole[0] - 1e-6).all()


@pytest.mark.parametrize("region", [((0, 50), (0, 70)), ((3, 4), (69, 70)), ((10, 41), (16, 18))])
def test_a_window_is_the_window_of_the_whole(field, region):
    (y0, y1), (x0, x1) = region
    assert np.array_equal(
        render(field, Output(region=region), device=CPU), render(field, device=CPU)[y0:y1, x0:x1]
    )


def test_a_window_of_a_larger_output_is_the_window_of_it(field):
    whole = render(field, Output(size=(100, 140)), device=CPU)
    part = render(field, Output(size=(100, 140), region=((10, 20), (30, 50))), device=CPU)
    assert np.array_equal(part, whole[20:40, 60:100])


def test_downscaling_is_a_box_filter_of_the_samples(field):
    whole = render(field, device=CPU)
    expected = whole.reshape(25, 2, 35, 2, 3).mean((1, 3))
    assert render(field, Output(size=(25, 35)), device=CPU) == pytest.approx(expected, abs=1e-6)


def test_upscaling_samples_the_field_between_the_samples(field):
    """Three times larger: every third sample from the second is an original one."""
    whole = render(field, device=CPU)
    assert render(field, Output(size=(150, 210)), device=CPU)[1::3, 1::3] == pytest.approx(whole, abs=1e-4)


def test_calling_the_field_agrees_with_decoding(field):
    y, x = np.meshgrid(np.arange(50), np.arange(70), indexing="ij")
    coords = field.frame.coords(np.stack([y, x], -1))
    assert field(coords, device="cpu") == pytest.approx(render(field, device=CPU), abs=1e-5)


def test_points_outside_belong_to_the_nearest_region(field):
    corner = field.partition.labels()[-1, 0]
    outside = field([[5.0, -5.0]], device="cpu")
    for position in range(len(field.partition)):
        alone = only(field, position)([[5.0, -5.0]], device="cpu")
        assert np.array_equal(alone, outside if position == corner else np.zeros((1, 3)))


@pytest.mark.parametrize("coords", [0.5, [[np.nan, 0.0]], [[np.inf, 0.0]], [[0.0, 1e300]]])
def test_coords_that_are_no_place_are_named(field, coords):
    with pytest.raises(ConfigError, match="coords"):
        field(coords)


def test_no_coords_give_no_values(field):
    assert field(np.zeros((0, 2))).shape == (0, 3)


def test_networks_without_finite_values_are_an_error(field):
    huge = replace(field, weights={n: np.full_like(w, 3e38) for n, w in field.weights.items()})
    for attempt in (huge.decode, lambda: huge([[0.1, 0.1]])):
        with pytest.raises(FitError, match="gives values that are not finite"):
            attempt()


def test_a_large_domain_costs_what_is_asked_of_it(field):
    """One network over 2^32 samples: a window and some points are quick and small, the whole is refused."""
    side = 1 << 16
    large = replace(
        api.fit(np.zeros((2, 2), np.uint8), steps=1, device="cpu"),
        partition=divide(image_domain(side, side), (1, 1)),
        frame=global_frame(image_domain(side, side)),
        tile=1024,
    )
    tracemalloc.start()
    assert large.decode(region=((side - 2, side), (3, 9)), device="cpu").shape == (2, 6, 1)
    assert large([[0.3, -0.4], [0.3, -0.39999]], device="cpu").shape == (2, 1)
    assert tracemalloc.get_traced_memory()[1] < 32 << 20
    tracemalloc.stop()
    for options in ({}, {"size": (3, 3)}):
        with pytest.raises(ConfigError, match="65536x65536 samples is too large"):
            large.decode(device="cpu", **options)
    with pytest.raises(ConfigError, match="coords span"):
        large([[-1.0, -1.0], [1.0, 1.0]])


def test_work_is_begun_as_results_are_taken():
    begun = []
    with tile_threads(2) as map_tiles:
        results = map_tiles(lambda n: begun.append(n) or n, iter(range(10**9)))
        assert [next(results) for _ in range(20)] == list(range(20))
        results.close()
    assert len(begun) < 40


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"size": (0, 5)}, "positive"),
        ({"size": (5,)}, "--size 5 gives 1 number"),
        ({"size": (1 << 20, 1 << 20)}, "too large"),
        ({"region": ((0, 51), (0, 70))}, "region 0:51,0:70 .* spans 0:50,0:70"),
        ({"region": ((5, 5), (0, 70))}, "region 5:5,0:70 is empty"),
        ({"region": ((-51, None), (0, 70))}, "region -51:,0:70 is empty or outside"),
        ({"region": ((0, 5),)}, "region 0:5 is empty or outside the signal, which spans 0:50,0:70 .y,x."),
        ({"region": ((0, 5.5), (0, 5))}, "for each of the axes y, x"),
        ({"region": 5}, "for each of the axes y, x"),
    ],
)
def test_impossible_outputs_are_named(field, options, message):
    with pytest.raises(ConfigError, match=message):
        field.decode(device="cpu", **options)


def test_size_and_scale_exclude_each_other(field):
    with pytest.raises(ConfigError, match="both"):
        field.decode(size=(5, 5), scale=2)
    with pytest.raises(ConfigError, match="scale"):
        field.decode(scale=-1)


def test_coords_need_one_value_per_axis(field):
    with pytest.raises(ConfigError, match="2 values"):
        field([[0.0, 0.0, 0.0]])


def test_select_keeps_the_errors_of_its_regions_and_knows_their_psnr(field):
    kept = [0, len(field.partition) - 1]
    part = field.select([*kept[::-1], kept[0]])
    assert [r.id for r in part.partition.regions] == [field.partition.regions[p].id for p in kept]
    assert part.mse == tuple(field.mse[p] for p in kept)
    areas = np.array(field.partition.areas)[kept]
    assert part.psnr == pytest.approx(10 * np.log10(4 / np.average(part.mse, weights=areas)))
    assert field.select(range(len(field.partition))).psnr == field.psnr
    assert field.select([0]).info.sha256 == ""
    assert replace(field, mse=(), psnr=None).select([0]).psnr is None


@pytest.mark.parametrize("positions", [[], [-1], [99]])
def test_select_names_regions_that_are_not_there(field, positions):
    with pytest.raises(ConfigError, match="do not name some of the"):
        field.select(positions)


def test_tiles_cover_every_point_once():
    tiles = cut([5, 3, 8], 4)
    assert [(t.position, t.start, t.stop) for t in tiles] == [
        (0, 0, 4),
        (0, 4, 5),
        (1, 0, 3),
        (2, 0, 4),
        (2, 4, 8),
    ]


@pytest.mark.parametrize(
    ("areas", "expected"), [([1], 8), ([1024], 1024), ([1025], 520), ([90, 33], 96), ([10**6], 1024)]
)
def test_tile_size_wastes_little(areas, expected):
    assert tile_points(areas) == expected


def test_samples_by_rank_are_those_of_the_region(field):
    for region in field.partition.regions:
        samples = region_samples(region)
        assert samples.count == region.area
        assert np.array_equal(samples.index(np.arange(samples.count)), region.points())
        for first, last in ((0, 50), (10, 30), (49, 50), (20, 20)):
            ranks = samples.rows(first, last)
            rows = region.points()[:, 0]
            assert list(ranks) == np.flatnonzero((rows >= first) & (rows < last)).tolist()
