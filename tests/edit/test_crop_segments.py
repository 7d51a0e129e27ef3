"""Crops of segments: ids, windows that cut segments of any shape, and damage."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from inrfit import api
from inrfit.codec.container import Reader
from inrfit.domain import image_domain
from inrfit.errors import ConfigError, ContainerError
from inrfit.partitions.labels import from_labels

LABELS = np.array([[0, 0, 0, 0], [0, 1, 1, 2], [0, 1, 2, 2], [3, 3, 3, 3]])
"""An L around two triangles over a bar."""


@pytest.fixture(scope="module")
def shapes() -> bytes:
    """A file of the segments `LABELS`; its networks are those of another partition."""
    field = api.fit(np.zeros((4, 4), np.uint8), grid=(2, 2), steps=1, hidden_features=4, device="cpu")
    partition = from_labels(image_domain(4, 4), LABELS)
    return api.to_bytes(replace(field, partition=partition))


def kept(data: bytes) -> list[int]:
    with Reader(data) as reader:
        return reader.index.ids


@pytest.mark.parametrize(
    ("keep", "ids"), [("1,3", [1, 3]), ("3,1", [1, 3]), ("1:3", [1, 2]), ("2:", [2, 3]), (":2", [0, 1])]
)
def test_ids(shapes: bytes, keep: str, ids: list[int]) -> None:
    data = api.crop(shapes, keep=keep)
    assert kept(data) == ids
    assert kept(api.crop(shapes, keep=keep.split(","))) == ids
    assert kept(api.crop(data, keep=":")) == ids
    assert data == api.crop(shapes, keep=ids)


def test_the_file_shrinks_to_the_boxes_kept(shapes: bytes) -> None:
    data = api.crop(shapes, keep="1,2")
    with Reader(data) as reader:
        assert (reader.header.signal.origin, reader.header.signal.shape) == ([1, 1], [2, 3])
        assert reader.index.boxes == [[1, 3, 1, 3], [1, 3, 2, 4]]
        assert reader.index.areas == [3, 3]


@pytest.mark.parametrize(
    ("region", "snap", "ids"),
    [
        (((1, 2), (1, 2)), "out", [1]),  # the boxes of 0 and 1 meet it, the mask of 0 does not
        (((1, 2), (2, 3)), "out", [1]),  # the box of 2 holds it, its mask does not
        (((2, 3), (2, 3)), "out", [2]),
        (((1, 3), (1, 4)), "error", [1, 2]),
        (((3, 4), (0, 4)), "error", [3]),
        (((1, 4), (0, 4)), "in", [1, 2, 3]),
        (((0, 4), (0, 4)), "error", [0, 1, 2, 3]),
    ],
)
def test_windows_go_by_samples_not_by_boxes(shapes: bytes, region, snap: str, ids: list[int]) -> None:
    assert kept(api.crop(shapes, region=region, snap=snap)) == ids


def test_a_window_across_segments_names_one_that_follows_them(shapes: bytes) -> None:
    with pytest.raises(ConfigError, match="--region 1:3,1:3 does not follow") as caught:
        api.crop(shapes, region=((1, 3), (1, 3)), snap="error")
    assert caught.value.hint == "--region 1:3,1:4 around it does; or give --snap out or in"


@pytest.mark.parametrize(
    ("keep", "said"),
    [
        ("9", "--keep 9 is no region of the file"),
        ("1,9", "--keep 9 is no region of the file"),
        ("-1", "--keep -1 is no region of the file"),
        ("5:9", "--keep 5:9 keeps no region of the file"),
        ("4:", "--keep 4: keeps no region of the file"),
        ("3:1", "--keep 3:1 is not a range of ids"),
        ("-2:", "--keep -2: is not a range of ids"),
        (":0", "--keep :0 is not a range of ids"),
    ],
)
def test_ids_that_are_not_there(shapes: bytes, keep: str, said: str) -> None:
    with pytest.raises(ConfigError) as caught:
        api.crop(shapes, keep=keep)
    assert caught.value.message == said
    assert caught.value.hint
    if "no region" in said:
        assert caught.value.hint == "the file holds the ids 0, 1, 2, 3"


def test_many_regions_are_not_all_listed(plain) -> None:
    holed = api.crop(plain(5, 5), keep=["0,:", ":,0"])
    with pytest.raises(ConfigError) as caught:
        api.crop(holed, keep="1,1")
    assert caught.value.hint == (
        "the file holds the cells (0,0), (0,1), (0,2), (0,3), (0,4), (1,0), (2,0), (3,0), ... (9 in all)"
    )


def test_a_damaged_mask_is_an_error_where_it_decides(shapes: bytes) -> None:
    with Reader(shapes) as reader:
        start = reader.front_size
    damaged = bytearray(shapes)
    damaged[start + 6] ^= 1
    assert kept(api.crop(bytes(damaged), region=((1, 4), (0, 4)), snap="in")) == [1, 2, 3]
    assert kept(api.crop(bytes(damaged), keep="1:")) == [1, 2, 3]
    with pytest.raises(ContainerError, match="damaged in region 0"):
        api.crop(bytes(damaged), region=((1, 2), (1, 2)))
