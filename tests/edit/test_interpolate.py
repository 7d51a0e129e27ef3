"""Mixing weights: the mix is linear, ends are the fields, and what is not alike is refused."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from make.data import textured

import inrfit
from inrfit import ConfigError, api
from inrfit.edit.interpolate import interpolate, path


def field(picture, **words):
    small = {"grid": (1, 2), "hidden_features": 8, "steps": 30, "device": "cpu", "weights": "float32"}
    return inrfit.fit(picture, **{**small, **words})


@pytest.fixture(scope="module")
def pair():
    picture = textured(12, 16)
    return field(picture), field(255 - picture, seed=1)


def test_the_mix_is_linear_and_its_ends_are_the_fields(pair):
    one, two = pair
    quarter = inrfit.interpolate(pair, [0.75, 0.25])
    for name, weights in quarter.weights.items():
        assert weights.dtype == np.float32
        assert weights == pytest.approx(0.75 * one.weights[name] + 0.25 * two.weights[name], abs=1e-6), name
    for shares, end in (([1, 0], one), ([0, 1], two)):
        assert np.array_equal(interpolate(pair, shares).decode(), end.decode())


def test_nothing_is_known_of_a_mix_but_what_its_fields_share(pair):
    one, two = (replace(f, info=replace(f.info, exif=b"x", sha256="00", icc=b"a")) for f in pair)
    tagged = [replace(f, info=replace(f.info, tags={"a": "1", "b": b})) for f, b in ((one, "1"), (two, "2"))]
    mixed = interpolate(tagged, [0.5, 0.5])
    assert mixed.psnr is None
    assert mixed.mse == ()
    assert (mixed.info.exif, mixed.info.sha256, mixed.info.icc) == (None, "", b"a")
    assert mixed.info.tags == {"a": "1"}
    other = replace(tagged[1], info=replace(tagged[1].info, icc=b"b"))
    assert interpolate([tagged[0], other], [0.5, 0.5]).info.icc is None


def test_a_mix_is_a_file_like_any_other(pair):
    mixed = inrfit.interpolate([*pair, pair[0]], [0.2, 0.3, 0.5])
    back = api.decode(api.to_bytes(mixed))
    assert np.array_equal(back, mixed.decode())


@pytest.mark.parametrize(
    ("shares", "said"),
    [
        ([0.5], "1 shares do not fit 2 fields"),
        ([0.5, 0.6], "must be finite and add up to 1"),
        ([float("nan"), 1], "must be finite and add up to 1"),
        ([], "0 shares"),
    ],
)
def test_shares_that_are_none_are_refused(pair, shares, said):
    with pytest.raises(ConfigError, match=said):
        interpolate(pair, shares)
    with pytest.raises(ConfigError, match="do not fit 0 fields"):
        interpolate([], [1.0])


@pytest.mark.parametrize(
    ("words", "what"),
    [
        ({"hidden_features": 7}, "model"),
        ({"grid": (2, 1)}, "partition"),
        ({"span": 2.0}, "frame"),
        ({"picture": textured(12, 17)}, "size"),
        ({"picture": textured(12, 16, 1)}, "number of channels"),
        ({"picture": textured(12, 16).astype(np.uint16)}, "type of samples"),
        ({"partition": "seg", "grid": None, "heads": 2}, "partition"),
    ],
    ids=str,
)
def test_fields_that_are_not_alike_are_refused(pair, words, what):
    other = field(words.pop("picture", textured(12, 16)), **{"steps": 1, **words})
    if what == "partition":
        other = replace(other, model=pair[0].model)
    with pytest.raises(ConfigError, match=f"field 1 has another {what} than field 0") as caught:
        interpolate([pair[0], other], [0.5, 0.5])
    assert "same model, partition and size" in (caught.value.hint or "")


def test_the_way_is_measured_against_the_mix_of_the_signals(pair):
    pictures = inrfit.read(textured(12, 16)), inrfit.read(255 - textured(12, 16))
    found = path(*pair, pictures, points=5, device="cpu")
    assert found.shares == (0, 0.25, 0.5, 0.75, 1)
    units = [p.info.to_unit(p.dense()).astype(float) for p in pictures]
    for share, mse in zip(found.shares, found.mse, strict=True):
        decoded = pair[0].info.to_unit(interpolate(pair, [1 - share, share]).decode())
        expected = np.square(decoded - ((1 - share) * units[0] + share * units[1])).mean()
        assert mse == pytest.approx(expected, rel=1e-5)
    assert found.barrier == max(found.mse)
    assert found.midpoint_psnr == pytest.approx(10 * np.log10(4 / found.mse[2]))
    assert 10 * np.log10(4 / found.mse[0]) == pytest.approx(pair[0].psnr, abs=1e-3)


def test_the_way_from_a_field_to_itself_has_no_error(pair):
    found = path(pair[0], pair[0])
    assert found.barrier < 1e-20
    assert found.midpoint_psnr > 200


def test_what_cannot_be_measured_is_refused(pair):
    with pytest.raises(ConfigError, match="points 4 must be odd"):
        path(*pair, points=4)
    wrong = inrfit.read(textured(12, 15))
    with pytest.raises(ConfigError, match=r"a signal of shape \(12, 15, 3\)"):
        path(*pair, (wrong, wrong))
