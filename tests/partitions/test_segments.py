from __future__ import annotations

import pathlib

import numpy as np
import pytest
from PIL import Image

from inrfit.domain import Domain
from inrfit.errors import ConfigError
from inrfit.partitions import segments as room
from inrfit.partitions.config import PartitionConfig
from inrfit.partitions.merge import components
from inrfit.partitions.segments import enlarged, felzenszwalb, hfs, reduced, segments, to_rgb8
from inrfit.signal import ArraySignal, SignalInfo

SHARED = pathlib.Path(__file__).resolve().parents[2].parent / "shared" / "data" / "images"
SEGMENTERS = {"hfs": hfs, "felzenszwalb": felzenszwalb}


def config(heads=None, segmenter="felzenszwalb"):
    return PartitionConfig(rule="seg", heads=heads, segmenter=segmenter)


@pytest.mark.parametrize("name", SEGMENTERS)
@pytest.mark.parametrize("heads", [1, 2, 3, 4, 9, 16])
def test_exactly_as_many_segments_as_asked_for(image_of, textured, name, heads):
    partition = segments(image_of(textured), config(heads, name))
    assert len(partition) == heads and partition.warnings == ()
    assert components(partition.labels()).max() == heads - 1


def test_four_when_not_given(image_of, textured):
    assert len(segments(image_of(textured), config())) == 4


@pytest.mark.parametrize("name", SEGMENTERS)
def test_segmenters_are_deterministic_and_find_flat_patches(textured, name):
    first = SEGMENTERS[name](textured)
    assert np.array_equal(first, SEGMENTERS[name](textured.copy()))
    assert first.shape == textured.shape[:2]
    assert len(np.unique(first[45:85, 65:195])) == 1
    assert 16 <= len(np.unique(first)) < 200


def test_hfs_is_fed_blue_green_red(textured):
    import cv2

    segmenter = cv2.hfs.HfsSegment_create(*textured.shape[:2])
    expected = segmenter.performSegmentCpu(np.ascontiguousarray(textured[..., ::-1]), False)
    assert np.array_equal(hfs(textured), expected)


@pytest.mark.parametrize("name", SEGMENTERS)
@pytest.mark.parametrize("shape", [(1, 1), (1, 9), (9, 1), (2, 40), (40, 2), (3, 3), (3, 40), (16, 16)])
def test_flat_images_of_any_size_have_one_segment(image_of, name, shape):
    partition = segments(image_of(np.full((*shape, 3), 90, np.uint8)), config(None, name))
    assert len(partition) == 1 and partition.areas == (shape[0] * shape[1],)


def test_a_flat_image_says_that_it_has_only_one_segment(image_of):
    flat = image_of(np.full((64, 64, 3), 90, np.uint8))
    partition = segments(flat, config(4))
    assert partition.warnings == ("the image has only 1 segment, 4 were asked for",)
    (warning,) = segments(flat, config(4, "hfs")).warnings
    assert warning.startswith("the image has only 1 segment, 4 were asked for (--segmenter felzenszwalb")


def test_hfs_says_when_an_image_is_too_thin_for_it(image_of):
    thin = np.repeat(np.array([0, 200, 40, 250], np.uint8), 30).reshape(1, -1, 1).repeat(3, 2)
    partition = segments(image_of(thin), config(4, "hfs"))
    assert partition.warnings == (
        "hfs needs 3 pixels on each side, the image is 1x120: felzenszwalb was used",
    )
    assert len(partition) == 4


def test_more_segments_than_samples(image_of):
    with pytest.raises(ConfigError, match=r"--heads 13 .* 3x4 samples .*at most 12"):
        segments(image_of(np.zeros((3, 4, 3), np.uint8)), config(13))


def test_only_images_have_segments():
    line = Domain(shape=(9,), axes=("t",), units=("s",), spacing=(0.1,), origin=(0,))
    sound = ArraySignal(values=np.zeros((9, 1), np.uint8), domain=line, info=SignalInfo(colour="channels"))
    with pytest.raises(ConfigError, match=r"needs an image, the axes of the signal are t"):
        segments(sound, config())


def test_large_images_are_segmented_smaller_and_say_so(image_of, textured, monkeypatch):
    monkeypatch.setattr(room, "MAX_PIXELS", 96 * 128)
    partition = segments(image_of(textured), config(4))
    assert partition.warnings == ("the segments were found at 96x128 pixels and enlarged to 192x256",)
    assert partition.labels().shape == (192, 256) and sum(partition.areas) == 192 * 256
    assert components(partition.labels()).max() == 3
    red = partition.labels()[45:85, 65:195]
    assert (red == red[0, 0]).all()


@pytest.mark.parametrize("shape", [(1200, 900), (1, 2_000_000), (2_000_000, 1), (3, 700_000)])
def test_reduced_images_keep_the_limit_and_a_pixel_per_side(shape):
    small = reduced(np.full((*shape, 3), 7, np.uint8))
    assert small.shape[0] >= 1 and small.shape[1] >= 1
    assert room.MAX_PIXELS * 0.99 < small.shape[0] * small.shape[1] <= room.MAX_PIXELS or shape[0] == 3
    assert (small == 7).all()


def test_enlarging_repeats_and_leaves_the_same_size_as_it_is():
    labels = np.array([[0, 1], [2, 3]])
    assert np.array_equal(enlarged(labels, (2, 2)), labels)
    assert np.array_equal(enlarged(labels, (4, 6)), labels.repeat(2, 0).repeat(3, 1))
    assert enlarged(labels, (3, 2)).tolist() == [[0, 1], [0, 1], [2, 3]]


RAMP = np.arange(256, dtype=np.uint8).reshape(16, 16)


@pytest.mark.parametrize(
    ("values", "colour", "value_range"),
    [
        (RAMP[..., None], "grey", (0.0, 255.0)),
        (np.stack([RAMP, RAMP[::-1]], -1), "grey-alpha", (0.0, 255.0)),
        (np.stack([RAMP] * 3, -1), "rgb", (0.0, 255.0)),
        (np.stack([RAMP] * 3 + [RAMP[::-1]], -1), "rgb-alpha", (0.0, 255.0)),
        (RAMP[..., None].astype(np.uint16) * 257, "grey", (0.0, 65535.0)),
        (RAMP[..., None].astype(np.float32) / 255, "grey", (0.0, 1.0)),
        (np.stack([RAMP - 0.0, RAMP - 50.0, RAMP + 50.0], -1).astype(np.float32), "channels", (0.0, 255.0)),
    ],
)
def test_every_sample_type_becomes_the_same_8_bit_picture(image_of, values, colour, value_range):
    picture = to_rgb8(image_of(values, colour, value_range))
    assert picture.dtype == np.uint8 and picture.shape == (16, 16, 3)
    assert np.array_equal(picture, np.stack([RAMP] * 3, -1))


def test_values_outside_the_range_are_clipped_and_missing_ones_survive(image_of):
    values = np.array([[[-3.0], [0.0], [1.0], [9.0], [np.nan], [np.inf]]], np.float32)
    assert to_rgb8(image_of(values, "grey", (0.0, 1.0)))[0, :, 0].tolist() == [0, 0, 255, 255, 128, 255]


def test_bands_do_not_change_the_picture(image_of, textured, monkeypatch):
    monkeypatch.setattr(room, "BAND", 1000)
    assert np.array_equal(to_rgb8(image_of(textured)), textured)


def test_a_domain_that_starts_below_zero(textured):
    height, width = textured.shape[:2]
    domain = Domain(
        shape=(height, width), axes=("y", "x"), units=("px", "px"), spacing=(1.0, 1.0), origin=(-5, 9)
    )
    partition = segments(ArraySignal(values=textured, domain=domain), config(4))
    assert min(region.box[0][0] for region in partition.regions) == -5
    assert (partition.labels() >= 0).all()


@pytest.mark.shared
@pytest.mark.parametrize("name", SEGMENTERS)
def test_natural_images_have_exactly_four_segments(image_of, name):
    files = [*sorted((SHARED / "natural" / "val").glob("*.jpg"))[:4], SHARED / "singles" / "001_L.png"]
    if not files[-1].is_file():
        pytest.skip("the test material is not beside the project")
    for file in files:
        with Image.open(file) as image:
            values = np.asarray(image.convert("RGB"))
        partition = segments(image_of(values), config(4, name))
        assert len(partition) == 4 and partition.warnings == (), file.name
        assert components(partition.labels()).max() == 3
