"""Cropping on the command line: names, streams, results, and what is refused."""

from __future__ import annotations

import io
import os
import struct
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from make.cli import FAST, files, inrfit, pixels
from make.data import textured
from PIL import Image

from inrfit import api

ROOT = Path(__file__).resolve().parents[2]


def piped(words: list[str], *, data: bytes = b"", file: Path | None = None) -> bytes:
    """Run `inrfit crop` in a process of its own, with a pipe or a file as standard input."""
    command = [sys.executable, "-m", "inrfit", "crop", *words]
    env = {**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])}
    if file is None:
        ran = subprocess.run(command, input=data, capture_output=True, env=env)
    else:
        with file.open("rb") as stream:
            ran = subprocess.run(command, stdin=stream, capture_output=True, env=env)
    assert ran.returncode == 0, ran.stderr.decode()
    return ran.stdout


def test_the_output_lies_beside_the_input(field: Path, fitted: bytes) -> None:
    ran = inrfit("crop", "photo.inr", "--keep", "0,1")
    crop = field.parent / "photo.crop.inr"
    assert crop.read_bytes() == api.crop(fitted, keep="0,1")
    assert ran.out.startswith(f"{crop}  18×12×3  1 of 4 regions  ")
    assert files(field.parent) == ["photo.crop.inr", "photo.inr", "photo.png"]
    assert field.read_bytes() == fitted


def test_the_crop_decodes_to_the_window(field: Path) -> None:
    assert inrfit("crop", "photo.inr", "--region", "12:24,0:36", "--snap", "error", "--quiet").data == b""
    assert inrfit("decode", "photo.inr", "-o", "whole.png").code == 0
    assert inrfit("decode", "photo.crop.inr", "-o", "part.png").code == 0
    assert (pixels(Path("part.png")) == pixels(Path("whole.png"))[12:24]).all()


@pytest.mark.parametrize("words", [["--keep", "-1,:1"], ["--keep=-1,:1"], ["--region", "-5:24,0:18"]])
def test_negative_numbers_count_from_the_end(field: Path, fitted: bytes, words: list[str]) -> None:
    assert inrfit("crop", "photo.inr", *words).code == 0
    assert Path("photo.crop.inr").read_bytes() == api.crop(fitted, keep="1,0")


def test_keep_sets_are_joined(field: Path, fitted: bytes) -> None:
    assert inrfit("crop", "photo.inr", "--keep", "0,0", "--keep", "1,1", "-o", "x.inr").code == 0
    assert Path("x.inr").read_bytes() == api.crop(fitted, keep=["0,0", "1,1"])


def test_the_result_in_json(field: Path) -> None:
    (result,) = inrfit("crop", "photo.inr", "--keep", ":,1", "--json").results
    (seen,) = inrfit("info", "photo.crop.inr", "--json").results
    assert result["output"] == "photo.crop.inr"
    assert (result["regions"], result["removed"], result["shape"]) == (2, 2, [24, 18])
    assert result["bytes"] == Path("photo.crop.inr").stat().st_size
    for key in ("bytes", "bpp", "samples", "params", "psnr", "regions"):
        assert result[key] == seen[key], key
    assert (result["status"], result["error"], result["device"]) == ("ok", None, None)


def test_the_rate_counts_the_samples_that_are_left(field: Path) -> None:
    ran = inrfit("crop", "photo.inr", "--keep", "0,0", "--keep", "1,1")
    size = Path("photo.crop.inr").stat().st_size
    assert size < 1000
    assert f"  2 of 4 regions  {size} B  {8 * size / 432:.3f} bpp  " in ran.out
    Path("photo.crop.png").write_bytes(Path("photo.png").read_bytes())
    assert f"{8 * size / 432:.3f} bpp" in inrfit("eval", "photo.crop.inr").out
    assert f"({8 * size / 432:.3f} bpp)" in inrfit("info", "photo.crop.inr").out


def test_names_in_other_scripts(field: Path, fitted: bytes) -> None:
    Path("fö lder").mkdir()
    for name in ("写真 ✂.inr", "-x.inr"):
        (Path("fö lder") / name).write_bytes(fitted)
    ran = inrfit("crop", "fö lder/*.inr", "--keep", "1,0", "-o", "öut", "--json")
    assert [result["output"] for result in ran.results] == ["öut/-x.inr", "öut/写真 ✂.inr"]
    assert files(Path("öut")) == ["-x.inr", "写真 ✂.inr"]
    assert inrfit("decode", "öut/写真 ✂.inr", "-o", "✂.png").code == 0
    assert (pixels(Path("✂.png")) == api.load(field).decode()[12:, :18]).all()


def test_fields_of_one_region(here: Path) -> None:
    for words in (["--grid", "1x1"], ["--partition", "none"]):
        assert inrfit("fit", "photo.png", "-o", "one.inr", *words, *FAST, "--quiet", "-f").code == 0
        for keep in ("0,0", ":,:", "-1,0:1"):
            assert inrfit("crop", "one.inr", f"--keep={keep}", "-o", "same.inr", "-f", "--quiet").code == 0
            assert Path("same.inr").read_bytes() == Path("one.inr").read_bytes()
        inrfit("crop", "one.inr", "--keep", "0", "-o", "x.inr").refused("0:1,0:1 (y, x)", code=2)
        inrfit("crop", "one.inr", "--keep", "1,0", "-o", "x.inr").refused("is empty or outside", code=2)


def test_crops_of_crops_of_segments(here: Path) -> None:
    labels = np.arange(24)[:, None] // 6 * 3 + np.arange(36) // 12
    labels[5:9, 10:20] = 20
    Image.fromarray(labels.astype(np.uint8)).save("labels.png")
    assert inrfit("fit", "photo.png", "--partition", "labels.png", *FAST, "--quiet").code == 0
    whole = api.decode("photo.inr", device="cpu")
    names = ["photo"]
    for keep, origin in (("0,2,4,12", (0, 0)), ("2:5", (0, 12)), ("4", (6, 12)), ("4", (6, 12))):
        names.append(f"{names[-1]}x")
        assert inrfit("crop", f"{names[-2]}.inr", "--keep", keep, "-o", f"{names[-1]}.inr").code == 0
        (y, x), part = origin, api.load(f"{names[-1]}.inr")
        height, width = part.domain.shape
        there = part.covered()
        window = whole[y : y + height, x : x + width]
        assert part.domain.origin == origin
        assert np.array_equal(part.decode(device="cpu")[there], window[there])
    assert Path(f"{names[-1]}.inr").read_bytes() == Path(f"{names[-2]}.inr").read_bytes()
    inrfit("crop", f"{names[-1]}.inr", "--keep", "0", "-o", "x.inr").refused("holds the ids 4", code=2)


def test_streams(field: Path, fitted: bytes) -> None:
    wanted = api.crop(fitted, keep="1,:")
    words = ["-", "-o", "-", "--keep", "1,:"]
    assert piped(words, data=fitted) == wanted
    assert piped(words, file=field) == wanted
    assert piped(["photo.inr", "-o", "-", "--keep", "1,:"]) == wanted
    assert inrfit("crop", *words, stdin=fitted).data == wanted
    again = inrfit("crop", "-", "-o", "-", "--keep", "0,0", stdin=wanted)
    assert again.data == api.crop(fitted, keep="1,0")
    assert "of 2 regions" in again.err


def test_a_damaged_region_that_is_kept_leaves_nothing_behind(field: Path, fitted: bytes) -> None:
    damaged = bytearray(fitted)
    damaged[-1] ^= 1
    Path("bad.inr").write_bytes(damaged)
    before = files(field.parent)
    inrfit("crop", "bad.inr", "--keep", "1,:").refused("bad.inr is damaged in region 3")
    ran = inrfit("crop", "bad.inr", "--keep", "1,:", "-o", "-")
    ran.refused("bad.inr is damaged in region 3")
    assert ran.data == b""
    assert files(field.parent) == before
    assert inrfit("crop", "bad.inr", "--keep", "0,:", "-o", "good.inr").code == 0
    assert Path("good.inr").read_bytes() == api.crop(fitted, keep="0,:")


def test_one_bad_file_stops_nothing(field: Path, fitted: bytes) -> None:
    Path("folder").mkdir()
    Path("folder/a.inr").write_bytes(fitted)
    Path("folder/b.inr").write_bytes(b"nothing")
    Path("folder/c.inr").write_bytes(api.crop(fitted, keep="0,:"))
    ran = inrfit("crop", "folder", "photo.inr", "--keep", "1,0", "-o", "out", "--json")
    assert ran.code == 1
    assert files(Path("out")) == ["a.inr", "photo.inr"]
    assert [result["status"] for result in ran.results] == ["ok", "error", "error", "ok"]
    assert "folder/b.inr is not an .inr file" in ran.err
    assert "folder/c.inr: --keep 1,0 is empty or outside the cells of the file, 0:1,0:2" in ran.err


def test_nothing_is_replaced_unless_told(field: Path, fitted: bytes) -> None:
    Path("photo.crop.inr").write_bytes(b"mine")
    inrfit("crop", "photo.inr", "--keep", "0,0").refused("photo.crop.inr exists", "--force")
    inrfit("crop", "photo.inr", "--keep", "0,0", "-o", "photo.inr", "-f").refused("both an input", code=2)
    assert Path("photo.crop.inr").read_bytes() == b"mine"
    assert inrfit("crop", "photo.inr", "--keep", "0,0", "--force").code == 0
    assert Path("photo.crop.inr").read_bytes() == api.crop(fitted, keep="0,0")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ([], "needs --keep or --region, neither was given"),
        (["--keep", "0,0", "--region", "0:1,0:1"], "both say what to keep"),
        (["--keep", "all"], "--keep 'all' is not made of numbers and ranges"),
        (["--keep", ""], "--keep '' is not made of"),
        (["--keep", "0:1;0:1"], "--keep '0:1;0:1' is not made of"),
        (["--keep", "0,0", "--snap", "error"], "--snap error is for --region"),
        (["--region", "0:1,0:1", "--snap", "inn"], "--snap 'inn' is not known"),
        (["--region", "left half"], "--region 'left half' is not a range for each axis"),
        (["--keep", "0"], "--keep 0 gives another number of axes than the cells of the file, 0:2,0:2 (y, x)"),
        (["--keep", "0:3,0"], "--keep 0:3,0 is empty or outside the cells of the file, 0:2,0:2 (y, x)"),
        (["--keep", "1:1,0"], "--keep 1:1,0 is empty or outside"),
        (["--region", "0:25,0:1"], "is empty or outside the samples of the file, 0:24,0:36 (y, x)"),
        (["--region", "0:13,0:18", "--snap", "error"], "--region 0:24,0:18 around it does"),
        (["--region", "1:13,0:18", "--snap", "in"], "holds no whole region"),
        (["--keep", "0,0", "-o", "-", "--json"], "both write to standard output"),
        (
            ["--keep", "0,0", "-o", "photo.PNG"],
            "-o photo.PNG names a file of another format, but crop writes .inr files",
        ),
        (["--keep", "9999999999,0"], "--keep 9999999999,0 is empty or outside"),
        (["--keep", "99999999999,0"], "is not made of numbers and ranges"),
        (["--region", "0:9999999999,0:1"], "--region 0:9999999999,0:1 is empty or outside"),
        (["--keep", "0,0", "--keep", "1"], "--keep 1 gives another number of axes"),
    ],
)
def test_refused(field: Path, words: list[str], said: str) -> None:
    before = files(field.parent)
    ran = inrfit("crop", "photo.inr", *words)
    assert said in ran.err
    assert ran.code == 2
    assert ran.err.count("Error: ") == ran.err.count("Hint: ") == 1
    assert "Traceback" not in ran.err
    assert files(field.parent) == before


def test_a_photo_loses_its_thumbnail_and_its_hash_and_keeps_its_camera(here: Path) -> None:
    tags = Image.Exif()
    tags[271], tags[274] = "Maker of cameras", 1
    data = tags.tobytes().removeprefix(b"Exif\0\0")
    order = "<" if data.startswith(b"II") else ">"
    after = 8 + 2 + 2 * 12
    thumb = io.BytesIO()
    Image.fromarray(textured(8, 12)).save(thumb, "JPEG")
    second = struct.pack(order + "HHHII", 2, 0x201, 4, 1, len(data) + 30)
    second += struct.pack(order + "HHIII", 0x202, 4, 1, len(thumb.getvalue()), 0)
    data = data[:after] + struct.pack(order + "I", len(data)) + data[after + 4 :] + second + thumb.getvalue()
    Image.fromarray(textured(24, 36)).save("camera.jpg", exif=b"Exif\0\0" + data)
    assert inrfit("fit", "camera.jpg", "--grid", "2x2", *FAST, "--quiet").code == 0
    assert inrfit("crop", "camera.inr", "--keep", "0,:", "--quiet").code == 0
    whole, part = (inrfit("info", name, "--json").results[0] for name in ("camera.inr", "camera.crop.inr"))
    assert set(whole["metadata"]) == {"exif", "srce"}
    assert set(part["metadata"]) == {"exif"}
    assert thumb.getvalue() in (api.load("camera.inr").info.exif or b"")
    kept = api.load("camera.crop.inr").info.exif or b""
    assert b"Maker of cameras" in kept
    assert len(kept) < 60
