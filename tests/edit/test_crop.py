"""Crops of cells: header, index, windows, metadata, damage; what is read and what is left behind."""

from __future__ import annotations

import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from make.data import CountingFile
from msgspec.structs import replace

from inrfit import api
from inrfit.codec import chunks, container
from inrfit.codec.chunks import EXIF, ICC, SOURCE
from inrfit.codec.container import Reader
from inrfit.codec.mse import rounded
from inrfit.decibel import unit_decibel
from inrfit.errors import ConfigError, ContainerError, InputError, OutputError
from inrfit.version import __version__

Plain = Callable[..., bytes]


def kept(data: bytes) -> list[int]:
    with Reader(data) as reader:
        return reader.index.ids


@pytest.mark.parametrize(
    ("keep", "ids"),
    [
        ("0:2,0:2", [0, 1, 4, 5]),
        (":,:", list(range(12))),
        ("-1,-2:", [10, 11]),
        ("1,:", [4, 5, 6, 7]),
        (["0,0", "2,3"], [0, 11]),
        (["0:2,:2", "1,1:3"], [0, 1, 4, 5, 6]),
        ((1, slice(None, 2)), [4, 5]),
    ],
)
def test_cells(plain: Plain, keep: Any, ids: list[int]) -> None:
    assert kept(api.crop(plain(), keep=keep)) == ids


@pytest.mark.parametrize(
    ("region", "snap", "ids"),
    [
        (((0, 4), (0, 4)), "error", [0]),
        (((4, 12), (-8, -4)), "error", [6, 10]),
        (((3, 5), (0, 1)), "out", [0, 4]),
        (((3, 12), (0, 7)), "in", [4, 8]),
        (((None, 4), (-4, None)), "error", [3]),
        (((-12, -8), (0, 16)), "in", [0, 1, 2, 3]),
    ],
)
def test_windows_count_the_samples_of_this_file(plain: Plain, region: Any, snap: str, ids: list[int]) -> None:
    assert kept(api.crop(plain(), region=region, snap=snap)) == ids


def test_the_header_holds_the_box_and_nothing_else_moves(plain: Plain) -> None:
    data = plain()
    whole, part = Reader(data), Reader(api.crop(data, keep=["1,1", "2,3"]))
    assert (part.header.signal.origin, part.header.signal.shape) == ([-4, 104], [8, 12])
    for name in ("model", "partition", "frame", "weights", "tile", "seed", "steps"):
        assert getattr(part.header, name) == getattr(whole.header, name)
    assert part.header.writer == f"inrfit {__version__}"
    assert (part.index.ids, part.index.mse) == ([5, 11], list(rounded([6 / 64, 12 / 64])))
    assert part.shared == whole.shared
    assert list(part.parts()) == [whole.part(5), whole.part(11)]


def test_the_psnr_is_that_of_the_samples_kept(plain: Plain) -> None:
    data = plain()
    assert Reader(api.crop(data, keep=":,:")).header.psnr == 30.0
    assert Reader(api.crop(data, keep="0,:2")).header.psnr == pytest.approx(unit_decibel(1.5 / 64), rel=1e-12)


def test_the_psnr_is_unknown_where_the_errors_are(plain: Plain) -> None:
    held = container.read(plain())
    silent = replace(held.index, mse=[])
    data = chunks.write(held.header, silent, held.shared, held.ancillary, held.parts)
    assert Reader(api.crop(data, keep="0,0")).header.psnr is None
    assert Reader(api.crop(data, keep=":,:")).header.psnr == 30.0


def test_the_psnr_weighs_by_area(segments: bytes) -> None:
    field = api.load(segments)
    some = field.partition.areas[:2]
    error = sum(m * n for m, n in zip(field.mse, some, strict=False)) / sum(some)
    assert Reader(api.crop(segments, keep="0,1")).header.psnr == pytest.approx(unit_decibel(error), rel=1e-12)


def test_cells_count_in_the_file_at_hand(plain: Plain) -> None:
    once = api.crop(plain(), keep="1:,1:")
    assert kept(api.crop(once, keep="0,0")) == [5]
    assert kept(api.crop(once, region=((0, 4), (0, 4)), snap="error")) == [5]
    with pytest.raises(ConfigError, match=r"--keep 0:3,0 is empty or outside the cells of the file, 0:2,0:3"):
        api.crop(once, keep="0:3,0")


def test_holes_are_passed_over_and_nothing_else_is_an_error(plain: Plain) -> None:
    holed = api.crop(plain(), keep=["0,0", "2,2"])
    assert kept(api.crop(holed, keep="0:2,:")) == [0]
    assert kept(api.crop(holed, keep=["1,1", "2,2"])) == [10]
    with pytest.raises(ConfigError, match=r"--keep 1,1 --keep 0,2 keeps no region") as caught:
        api.crop(holed, keep=["1,1", "0,2"])
    assert caught.value.hint == "the file holds the cells (0,0), (2,2)"
    with pytest.raises(ConfigError, match=r"--region 4:8,4:8 meets no region"):
        api.crop(holed, region=((4, 8), (4, 8)))
    assert kept(api.crop(holed, region=((0, 12), (0, 12)), snap="error")) == [0, 10]


@pytest.mark.parametrize("keep", ["0:4,0", "0,4", "-4,0", "0", "0,0,0", "2:1,0", "3:3,0"])
def test_cells_that_are_not_there(plain: Plain, keep: str) -> None:
    with pytest.raises(ConfigError, match=f"--keep {keep} .*the cells of the file, 0:3,0:4 .y, x."):
        api.crop(plain(), keep=keep)


@pytest.mark.parametrize("region", [((0, 13), (0, 4)), ((4, 4), (0, 4)), ((0, 4),), ((0, 4), (-17, 4))])
def test_windows_that_are_not_there(plain: Plain, region: Any) -> None:
    with pytest.raises(ConfigError, match=r"--region .*the samples of the file, 0:12,0:16 \(y, x\)"):
        api.crop(plain(), region=region)


def test_a_window_across_borders_names_those_that_follow_them(plain: Plain) -> None:
    with pytest.raises(ConfigError, match="--region 3:9,0:4 does not follow") as caught:
        api.crop(plain(), region=((3, 9), (0, 4)), snap="error")
    assert caught.value.hint == (
        "--region 0:12,0:4 around it does, --region 4:8,0:4 within it too; or give --snap out or in"
    )
    with pytest.raises(ConfigError, match="--region 3:5,0:4 holds no whole region") as caught:
        api.crop(plain(), region=((3, 5), (0, 4)), snap="in")
    assert caught.value.hint == "--snap out keeps the 2 it cuts, 0:8,0:4"


def test_metadata_stays_when_nothing_is_removed_and_the_hash_of_the_source_goes_otherwise(
    plain: Plain,
) -> None:
    data = plain(icc=b"a profile", srce=b"s" * 32, exif=b"not an EXIF block")
    assert Reader(api.crop(data, keep=":,:")).ancillary == Reader(data).ancillary
    assert Reader(api.crop(data, keep="0,0")).ancillary == {ICC: b"a profile"}
    assert set(Reader(data).ancillary) == {ICC, EXIF, SOURCE}


def test_only_the_front_matter_and_the_kept_regions_are_read(plain: Plain) -> None:
    data = plain(size=200)
    file = CountingFile(data)
    crop = api.crop(file, keep="1,1:3")
    with Reader(data) as reader:
        front, chunk = reader.front_size, 200 + 4
    assert file.touched == set(range(front)) | set(range(front + 5 * chunk, front + 7 * chunk))
    assert crop.endswith(data[front + 5 * chunk : front + 7 * chunk])
    assert not file.closed


def test_memory_is_that_of_the_front_matter_and_one_region(plain: Plain, tmp_path: Path) -> None:
    size = 1 << 18
    (tmp_path / "big.inr").write_bytes(plain(8, 8, size=size))
    tracemalloc.start()
    try:
        written = api.crop(tmp_path / "big.inr", tmp_path / "small.inr", keep=":,1:")
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert written == (tmp_path / "small.inr").stat().st_size > 56 * size
    assert peak < 1.5 * size


def test_damage_matters_only_in_what_is_kept(plain: Plain, tmp_path: Path) -> None:
    data = bytearray(plain())
    clean = api.crop(bytes(data), keep="0,:")
    data[-1] ^= 1
    assert api.crop(bytes(data), keep="0,:") == clean
    assert api.crop(bytes(data[:-20]), keep="0,:") == clean
    for broken, reason in ((data, "is damaged in region 11"), (data[:-20], "damaged in region 11")):
        with pytest.raises(ContainerError, match=reason):
            api.crop(bytes(broken), tmp_path / "out.inr", keep="2,:")
    assert list(tmp_path.iterdir()) == []


def test_outputs(plain: Plain, tmp_path: Path) -> None:
    source, out = tmp_path / "a.inr", tmp_path / "b.inr"
    source.write_bytes(plain())
    wanted = api.crop(source, keep="0,0")
    assert api.crop(source, out, keep="0,0") == len(wanted)
    assert out.read_bytes() == wanted
    with pytest.raises(OutputError, match="exists already"):
        api.crop(source, out, keep="1,1")
    assert out.read_bytes() == wanted
    api.crop(source, source, keep="0,0", overwrite=True)
    assert source.read_bytes() == wanted
    with pytest.raises(InputError, match="does not exist"):
        api.crop(tmp_path / "none.inr", keep="0,0")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.inr", "b.inr"]


def test_what_is_no_inr_file(tmp_path: Path) -> None:
    for data in (b"", b"\x89PNG\r\n\x1a\n" + bytes(50)):
        with pytest.raises(ContainerError):
            api.crop(data, keep="0,0")
