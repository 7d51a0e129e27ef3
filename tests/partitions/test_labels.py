from __future__ import annotations

import contextlib

import cv2
import numpy as np
import pytest
import tifffile
from PIL import Image

from inrfit.domain import Domain, image_domain
from inrfit.errors import ConfigError, InputError
from inrfit.partitions import labels as room
from inrfit.partitions.config import PartitionConfig
from inrfit.partitions.labels import from_file, from_labels, read_labels
from inrfit.signal import ArraySignal, SignalInfo

MAP = np.array([[0, 0, 5, 5], [0, 9, 9, 5], [9, 9, 0, 0]], np.uint8)
RANKS = np.array([[0, 0, 1, 1], [0, 2, 2, 1], [2, 2, 0, 0]])


@pytest.fixture
def photo(image_of):
    return image_of(np.zeros((3, 4, 3), np.uint8))


def take(photo, path):
    return from_file(photo, PartitionConfig(rule="labels", labels=str(path)))


def test_regions_come_in_increasing_order_of_value_with_box_mask_and_nominal():
    partition = from_labels(image_domain(3, 4), MAP)
    assert partition.kind == "labels" and partition.edges == () and partition.grid == ()
    assert np.array_equal(partition.labels(), RANKS)
    assert [region.id for region in partition.regions] == [0, 1, 2]
    first, second, third = partition.regions
    assert first.box == ((0, 3), (0, 4)) and second.box == ((0, 2), (2, 4)) and third.box == ((1, 3), (0, 3))
    assert second.mask is not None and second.mask.tolist() == [[True, True], [False, True]]
    assert second.nominal == (3**0.5, 3**0.5)
    assert partition.areas == (5, 3, 4)


def test_a_region_that_fills_its_box_has_no_mask():
    partition = from_labels(image_domain(2, 3), np.array([[0, 0, 1], [0, 0, 1]]))
    assert [region.mask for region in partition.regions] == [None, None]
    assert [region.shape for region in partition.regions] == [(2, 2), (2, 1)]


def test_boxes_start_at_the_origin_of_the_domain():
    domain = Domain(shape=(2, 3), axes=("y", "x"), units=("px", "px"), spacing=(1.0, 1.0), origin=(-4, 7))
    partition = from_labels(domain, np.array([[0, 0, 1], [0, 0, 1]]))
    assert partition.regions[1].box == ((-4, -2), (9, 10))
    assert partition.labels().tolist() == [[0, 0, 1], [0, 0, 1]]


def test_a_map_of_another_shape_names_both():
    with pytest.raises(InputError, match=r"3x4 .* 4x3"):
        from_labels(image_domain(4, 3), MAP)


def test_scattered_labels_are_refused_before_masks_are_made(monkeypatch):
    monkeypatch.setattr(room, "MAX_BOXES", 30)
    with pytest.raises(InputError, match="3 labels are scattered"):
        from_labels(
            image_domain(4, 4), np.array([[0, 1, 2, 3], [1, 2, 3, 0], [2, 3, 0, 1], [1, 3, 2, 0]]) % 3
        )


def write_palette(path):
    image = Image.fromarray(MAP, mode=None).convert("P")
    image.putpalette([value for index in range(256) for value in (255 - index // 8, 40, 40)])
    image.putdata(MAP.ravel().tolist())
    image.save(path)


COLOURS = np.array([(0, 0, 200), (0, 90, 0), (7, 0, 0)], np.uint8)[RANKS]
DEEP = np.array([(1, 0, 513), (1, 0, 514), (1, 3, 0)], np.uint16)[RANKS]
WRITERS = {
    "grey8.png": lambda path: Image.fromarray(MAP).save(path),
    "grey16.png": lambda path: cv2.imwrite(str(path), MAP.astype(np.uint16) + 1000),
    "palette.png": write_palette,
    "rgb.png": lambda path: Image.fromarray(COLOURS).save(path),
    "rgb.bmp": lambda path: Image.fromarray(COLOURS).save(path),
    "rgb16.png": lambda path: cv2.imwrite(str(path), DEEP[..., ::-1]),
    "rgb16.tif": lambda path: tifffile.imwrite(path, DEEP),
    "int8.npy": lambda path: np.save(path, MAP.astype(np.int8) - 5),
    "uint64.npy": lambda path: np.save(path, MAP.astype(np.uint64) + np.uint64(2**63)),
    "grey16.tiff": lambda path: tifffile.imwrite(path, MAP.astype(np.uint16) + 1000),
    "int32.tiff": lambda path: tifffile.imwrite(path, MAP.astype(np.int32) * 70000),
}


@pytest.mark.parametrize("name", WRITERS)
def test_every_kind_of_label_file_gives_the_same_regions(tmp_path, photo, name):
    WRITERS[name](tmp_path / name)
    assert np.array_equal(take(photo, tmp_path / name).labels(), RANKS)


def test_palette_indices_count_even_where_two_have_one_colour(tmp_path):
    image = Image.frombytes("P", (4, 3), MAP.tobytes())
    image.putpalette([10, 20, 30] * 256)
    image.save(tmp_path / "same.png")
    assert np.array_equal(read_labels(tmp_path / "same.png", (3, 4)), MAP)


def test_one_bit_images_and_bool_arrays_have_two_labels(tmp_path):
    Image.fromarray(MAP > 4).save(tmp_path / "bits.png")
    np.save(tmp_path / "bits.npy", MAP > 4)
    for name in ("bits.png", "bits.npy"):
        assert np.array_equal(read_labels(tmp_path / name, (3, 4)) > 0, MAP > 4)


def test_the_orientation_tag_is_not_applied(tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.fromarray(MAP).save(tmp_path / "turned.png", exif=exif)
    assert np.array_equal(read_labels(tmp_path / "turned.png", (3, 4)), MAP)


@pytest.mark.parametrize("name", ["labels.png", "labels.npy"])
def test_another_size_names_both_sizes(tmp_path, image_of, name):
    np.save(tmp_path / "labels.npy", MAP)
    Image.fromarray(MAP).save(tmp_path / "labels.png")
    with pytest.raises(InputError, match=rf"{name} is 3x4, the signal is 4x3 \(height x width\)"):
        take(image_of(np.zeros((4, 3, 1), np.uint8), "grey"), tmp_path / name)


def test_too_many_labels(tmp_path, image_of):
    np.save(tmp_path / "all.npy", np.arange(256 * 257).reshape(256, 257))
    with pytest.raises(InputError, match="65792 distinct labels \\(at most 65535\\)"):
        take(image_of(np.zeros((256, 257, 1), np.uint8), "grey"), tmp_path / "all.npy")


def write_truncated(path):
    noise = np.random.default_rng(0).integers(0, 256, (3, 4, 3), np.uint8)
    Image.fromarray(noise).save(path)
    path.write_bytes(path.read_bytes()[:-30])


def write_huge_header(path):
    np.save(path, MAP)
    path.write_bytes(path.read_bytes().replace(b"(3, 4), }          ", b"(3000000, 4000000),}"[:19]))


def write_pickle(path):
    np.save(path, np.array([[{}]]), allow_pickle=True)


BAD = {
    "zero.png": lambda path: path.write_bytes(b""),
    "zero.npy": lambda path: path.write_bytes(b""),
    "text.png": lambda path: path.write_text("no picture"),
    "text.npy": lambda path: path.write_text("no array"),
    "truncated.png": write_truncated,
    "huge.npy": write_huge_header,
    "pickle.npy": write_pickle,
    "float.npy": lambda path: np.save(path, MAP.astype(float)),
    "float.tif": lambda path: tifffile.imwrite(path, MAP.astype(np.float32)),
    "colour.npy": lambda path: np.save(path, COLOURS),
    "folder.png": lambda path: path.mkdir(),
    "missing.png": lambda path: None,
}


@pytest.mark.parametrize("name", BAD)
def test_a_bad_file_is_an_input_error_that_names_it(tmp_path, photo, name):
    BAD[name](tmp_path / name)
    with pytest.raises(InputError, match=name) as caught:
        take(photo, tmp_path / name)
    assert caught.value.hint
    assert "\n" not in caught.value.message


def test_every_truncation_of_a_label_file_is_an_input_error_or_a_correct_read(tmp_path, photo):
    good = tmp_path / "good.png"
    Image.fromarray(MAP).save(good)
    data = good.read_bytes()
    for end in range(len(data)):
        part = tmp_path / "part.png"
        part.write_bytes(data[:end])
        with contextlib.suppress(InputError):
            assert np.array_equal(take(photo, part).labels(), RANKS)


def test_no_path_and_no_image_are_config_errors():
    one = Domain(shape=(9,), axes=("t",), units=("s",), spacing=(0.1,), origin=(0,))
    sound = ArraySignal(values=np.zeros((9, 1), np.uint8), domain=one, info=SignalInfo(colour="channels"))
    with pytest.raises(ConfigError, match="needs a label image"):
        from_file(sound, PartitionConfig(rule="labels"))
    with pytest.raises(ConfigError, match="needs an image"):
        take(sound, "labels.png")


@pytest.mark.parametrize("channels", [2, 4])
def test_alpha_is_part_of_the_colour(tmp_path, photo, channels):
    values = np.full((3, 4, channels), 30, np.uint8)
    values[..., -1] = MAP
    Image.fromarray(values).save(tmp_path / "alpha.png")
    assert np.array_equal(take(photo, tmp_path / "alpha.png").labels(), RANKS)
