"""Files that keep only what adapted: what is in them, and how their init is found."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from make.data import textured
from make.inits import init_of

import inrfit
from inrfit import api
from inrfit.codec.container import Reader
from inrfit.errors import ContainerError, InputError
from inrfit.meta.init import Init


@pytest.fixture(scope="module")
def init() -> Init:
    return init_of()


@pytest.fixture(scope="module")
def field(init: Init) -> inrfit.Field:
    return api.adapt(textured(20, 28), init, reference_init=True, grid=(2, 3))


@pytest.fixture
def path(field: inrfit.Field, tmp_path: Path) -> Path:
    path = tmp_path / "photo.inr"
    api.save(field, path)
    return path


def test_the_file_names_its_init_and_shares_nothing(init: Init, path: Path) -> None:
    with Reader(path) as reader:
        assert reader.header.init == init.hash
        assert reader.shared == b""
    assert api.info(path)["init"] == init.hash


def test_it_reads_with_the_init_named_or_beside_it(init: Init, field: inrfit.Field, path: Path) -> None:
    beside = path.with_name("some.safetensors")
    path.with_name("bad.safetensors").write_bytes(b"none")
    path.with_name("other.safetensors").write_bytes(init_of(outer=1).data)
    with pytest.raises(ContainerError, match=init.hash) as caught:
        api.load(path)
    assert "--init" in (caught.value.hint or "")
    named = api.load(path, init=init)
    beside.write_bytes(init.data)
    found = api.load(path)
    for name, weights in field.weights.items():
        np.testing.assert_array_equal(named.weights[name], weights)
        np.testing.assert_array_equal(found.weights[name], weights)
    assert found.adapted is not None
    assert api.to_bytes(found) == path.read_bytes()
    np.testing.assert_array_equal(api.decode(path, region=((0, 9), (3, 20))), field.decode()[0:9, 3:20])


def test_another_init_is_an_error(path: Path) -> None:
    with pytest.raises(InputError, match="the init has the SHA-256"):
        api.load(path, init=init_of(outer=1))


def test_a_crop_needs_no_init_and_is_such_a_file(init: Init, field: inrfit.Field, path: Path) -> None:
    cropped = api.crop(path, keep="0,:2")
    with pytest.raises(ContainerError, match="which is not there"):
        api.decode(cropped)
    part = api.load(cropped, init=init)
    np.testing.assert_array_equal(part.decode(), field.decode()[:10, : part.domain.shape[1]])
    selected = field.select([0, 1])
    assert selected.adapted is not None
    np.testing.assert_array_equal(api.load(api.to_bytes(selected), init=init).decode(), part.decode())


def test_an_extension_keeps_whole_weights(init: Init, field: inrfit.Field, path: Path) -> None:
    both = api.extend(path, textured(20, 14), side="right", steps=2, init=init)
    assert both.adapted is None
    again = api.load(api.to_bytes(both))
    np.testing.assert_allclose(again.decode()[:, :28].astype(int), field.decode().astype(int), atol=1)


def test_a_measure_needs_the_init(init: Init, field: inrfit.Field, path: Path) -> None:
    measured = api.evaluate(path, textured(20, 28), metrics=["psnr"], init=init)
    assert measured["psnr"] == pytest.approx(field.psnr, abs=1e-4)
