"""From a size, a quality or a PSNR to weights and a rate: what is decided, and what cannot be."""

from __future__ import annotations

import pytest
from make.data import textured

from inrfit import api
from inrfit.errors import ConfigError
from inrfit.fitting.rate import SAVING


def decided(**options):
    return api.plan(textured(48, 64), device="cpu", **options).settings


def test_nothing_is_saved_where_nothing_is_asked_for():
    assert decided().fit.saving == 0
    assert decided(saving=1.0).fit.saving == 1
    assert decided(quality=50).fit.saving == SAVING
    assert decided(target_size=3000).fit.saving == SAVING
    assert decided(target_size=3000, saving=0.5).fit.saving == 0.5
    assert decided(weights="float16").fit.saving is None


def test_bits_per_sample_become_bytes():
    fit = decided(target_bpp=8.0).fit
    assert (fit.target_bpp, fit.target_size) == (None, 48 * 64)


def test_more_bytes_and_more_quality_are_more_weights():
    def count(**options):
        words = {"grid": (2, 2), "model": "partitioned", **options}
        return api.plan(textured(48, 64), device="cpu", **words).params

    sizes = [count(target_size=size) for size in (1500, 3000, 6000)]
    assert sizes == sorted(set(sizes))
    qualities = [count(quality=quality) for quality in (40, 70, 100)]
    assert qualities == sorted(set(qualities))


@pytest.mark.parametrize("target", [{"target_size": 3000}, {"quality": 30}, {"target_psnr": 30.0}])
def test_what_the_user_says_of_the_network_is_kept(target):
    assert decided(hidden_features=7, grid=(2, 2), **target).model.hidden_features == 7


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"quality": 5, "target_size": 2000}, "--quality and --target-size each say"),
        ({"target_bpp": 1.0, "target_psnr": 30.0}, "--target-bpp and --target-psnr each say"),
        ({"quality": 101}, "--quality 101 must lie between 0 and 100"),
        ({"saving": 0.01}, "--saving 0.01 must be 0, or lie between"),
        ({"target_size": 0}, "--target-size 0 must be at least 1 byte"),
        ({"target_bpp": 0.0}, "--target-bpp 0.0 must lie"),
        ({"quality": 50, "weights": "float16"}, "--quality needs quantised weights, not float16"),
        ({"saving": 1.0, "weights": "float32"}, "--saving needs quantised weights, not float32"),
        ({"target_size": 200}, "--target-size 200 is too small"),
    ],
)
def test_what_cannot_be_is_refused_in_a_line(options, message):
    with pytest.raises(ConfigError) as caught:
        decided(**options)
    assert message in caught.value.message
    assert "\n" not in caught.value.message


def test_an_image_that_is_to_be_small_becomes_a_feature_grid():
    def model(**options):
        return api.plan(textured(192, 256), device="cpu", **options).settings.model

    assert model(target_bpp=0.5).name == model(quality=50).name == "feature-grid"
    assert max(model(target_bpp=3.0).lattice) > max(model(target_bpp=0.5).lattice)
    assert model(target_bpp=2.0, model="partitioned").name == "partitioned"
    assert model(target_bpp=2.0, hidden_features=5).name == "partitioned"
    assert model(target_psnr=30.0).name != "feature-grid"


def test_its_cells_are_those_that_the_documents_name():
    cells = api.plan(textured(256, 256), device="cpu", target_bpp=0.5).settings.partition.cell
    assert cells == 128
    assert api.plan(textured(64, 64), device="cpu", target_bpp=2.0, cell=32).settings.partition.cell == 32
