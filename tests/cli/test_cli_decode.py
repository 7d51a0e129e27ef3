"""Decoding: sizes, regions, formats and names."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from make.cli import files, inrfit, pixels

from inrfit import api
from inrfit.field import Field


def test_the_name_is_that_of_the_source_with_dec(field: Path) -> None:
    photo = (field.parent / "photo.png").read_bytes()
    ran = inrfit("decode", "photo.inr")
    assert f"{field.parent / 'photo.dec.png'}  36×24×3" in ran.out
    assert (pixels(field.parent / "photo.dec.png") == api.load(field).decode()).all()
    assert (field.parent / "photo.png").read_bytes() == photo


@pytest.mark.parametrize(
    ("words", "shape"),
    [
        (["--scale", "2"], (48, 72)),
        (["--scale", "0.5"], (12, 18)),
        (["--scale", "0.001"], (1, 1)),
        (["--size", "10x20"], (20, 10)),
        (["--region", "2:10,30:36"], (8, 6)),
        (["--region", "2:10,30:36", "--scale", "3"], (24, 18)),
        (["--region", "-22:10,-6:"], (8, 6)),
        (["--region", ":10,:"], (10, 36)),
    ],
)
def test_sizes_and_regions(field: Path, words: list[str], shape: tuple[int, int]) -> None:
    assert inrfit("decode", "photo.inr", "-o", "x.png", *words).code == 0
    decoded = pixels(field.parent / "x.png")
    assert decoded.shape == (*shape, 3)
    if "--scale" not in words and "--region" in words:
        rows, columns = (
            slice(*(int(end) if end else None for end in part.split(":"))) for part in words[1].split(",")
        )
        assert (decoded == api.load(field).decode()[rows, columns]).all()


@pytest.mark.parametrize("suffix", ["png", ".PNG", "jpg", "webp", "avif", "tif", "bmp", "npy"])
def test_formats(field: Path, suffix: str) -> None:
    assert inrfit("decode", "photo.inr", "--format", suffix).code == 0
    name = f"photo.dec.{suffix.lower().lstrip('.')}"
    decoded = np.load(name) if suffix == "npy" else pixels(field.parent / name)
    assert np.abs(decoded.astype(int) - api.load(field).decode()).mean() < 6


def test_the_suffix_of_the_output_picks_the_format_unless_format_does(field: Path) -> None:
    assert inrfit("decode", "photo.inr", "-o", "a.bmp").code == 0
    assert Path("a.bmp").read_bytes().startswith(b"BM")
    assert inrfit("decode", "photo.inr", "-o", "b.dat", "--format", "bmp").code == 0
    assert Path("b.dat").read_bytes() == Path("a.bmp").read_bytes()
    assert inrfit("decode", "photo.inr", "-o", "folder", "--format", "bmp").code == 0
    assert Path("folder/photo.bmp").read_bytes() == Path("a.bmp").read_bytes()


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["-o", "x.xyz"], 2, "-o x.xyz: .xyz is not a format inrfit writes"),
        (["--format", "ppm"], 2, "--format ppm: .ppm is not a format inrfit writes"),
        (["--format", ""], 2, "--format : no suffix"),
        (["--size", "3"], 2, "--size 3 gives 1 number, the file has the axes x, y"),
        (["--size", "0x3"], 2, "--size '0x3' is not made of whole numbers above 0"),
        (["--size", "axb"], 2, "--size 'axb' is not made of whole numbers"),
        (["--scale", "0"], 2, "--scale 0.0 must lie between 0 and 10000"),
        (["--scale", "nan"], 2, "--scale nan must lie between"),
        (["--scale", "inf"], 2, "--scale inf must lie between"),
        (["--scale", "-1"], 2, "--scale -1.0 must lie between"),
        (["--region", "all"], 2, "--region 'all' is not a range for each axis"),
        (["--region", "0:4"], 2, "region 0:4 is empty or outside"),
        (["--region", "4:4,0:3"], 2, "region 4:4,0:3 is empty or outside"),
        (
            ["--region", "0:4,0:37"],
            2,
            "region 0:4,0:37 is empty or outside the signal, which spans 0:24,0:36",
        ),
        (["--region", "-25:,0:3"], 2, "region -25:,0:3 is empty or outside"),
        (["--region", "1:2:3,0:3"], 2, "--region '1:2:3,0:3' is not a range for each axis"),
        (["--fill", "purplish"], 2, "--fill 'purplish' is no value of uint8 rgb samples"),
        (["--fill", ""], 2, "--fill '' is no value"),
        (["--fill", "1,2"], 2, "fill [1.0, 2.0] is not a rgb sample"),
        (["--fill", "256"], 2, "fill [256.0] is not a rgb sample"),
        (["--fill", "nan"], 2, "fill [nan] is not a rgb sample"),
        (["--size", "999999x999999"], 2, "too large"),
    ],
)
def test_refused_before_anything_is_decoded(
    field: Path, monkeypatch: pytest.MonkeyPatch, words: list[str], code: int, said: str
) -> None:
    before = files(field.parent)
    if words[0] not in ("--region", "--size", "--fill"):
        monkeypatch.setattr(Field, "bands", lambda *args, **kwargs: pytest.fail("it was decoded"))
    ran = inrfit("decode", "photo.inr", *words)
    assert said in ran.err
    assert ran.code == code
    assert ran.err.count("Error: ") == 1
    assert files(field.parent) == before
    if "is not a format" in said:
        assert ".png, .jpg, .jpeg, .webp, .avif, .tif, .tiff, .bmp, .npy" in ran.err


def test_a_format_that_cannot_hold_the_samples_is_refused_before_they_are_decoded(
    here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    np.save("deep.npy", np.arange(30, dtype=np.uint16).reshape(5, 6))
    assert inrfit("fit", "deep.npy", "--steps", "1", "--quiet").code == 0
    monkeypatch.setattr(Field, "bands", lambda *args, **kwargs: pytest.fail("it was decoded"))
    inrfit("decode", "deep.inr", "-o", "x.jpg").refused("JPEG cannot hold uint16", ".png")
    assert files(here) == ["deep.inr", "deep.npy", "photo.png"]


def test_one_damaged_file_stops_nothing(field: Path) -> None:
    damaged = bytearray(field.read_bytes())
    damaged[-1] ^= 1
    Path("bad.inr").write_bytes(damaged)
    Path("other.png").write_bytes(Path("photo.png").read_bytes())
    ran = inrfit("decode", "bad.inr", "photo.inr", "missing.inr", "other.png")
    assert ran.code == 1
    assert files(field.parent) == ["bad.inr", "other.png", "photo.dec.png", "photo.inr", "photo.png"]
    assert "bad.inr is damaged in region 3: its checksum does not match" in ran.err
    assert "missing.inr does not exist" in ran.err
    assert "other.png is not an .inr file" in ran.err


@pytest.fixture
def holed(field: Path) -> Path:
    """holed.inr: the cells (0, 0) and (1, 1) of photo.inr."""
    api.crop(field, "holed.inr", keep=["0,0", "1,1"])
    return field.with_name("holed.inr")


def test_what_was_cropped_away_is_transparent(holed: Path) -> None:
    ran = inrfit("decode", "holed.inr", "--json")
    (result,) = ran.results
    assert (result["uncovered"], result["fill"], result["damaged"]) == (2 * 12 * 18, None, [])
    decoded, whole = pixels(Path("holed.dec.png")), api.load("photo.inr").decode()
    covered = api.load(holed).covered()
    assert np.array_equal(decoded[covered][:, :3], whole[covered])
    assert np.array_equal(decoded[..., 3], np.where(covered, 255, 0))
    assert inrfit("decode", "holed.inr", "-o", "half.png", "--scale", "0.5").out.count("18×12×4") == 1
    assert pixels(Path("half.png")).shape == (12, 18, 4)


def test_a_part_without_holes_stays_without_alpha(holed: Path) -> None:
    (result,) = inrfit("decode", "holed.inr", "-o", "x.png", "--region", ":12,:18", "--json").results
    assert (result["uncovered"], pixels(Path("x.png")).shape) == (0, (12, 18, 3))
    inrfit("decode", "holed.inr", "-o", "y.png", "--region", ":12,18:")
    assert (pixels(Path("y.png")) == 0).all()


@pytest.mark.parametrize(
    ("fill", "sample"),
    [("7", [7] * 3), ("1,2,3", [1, 2, 3]), ("#0a0b0c", [10, 11, 12]), ("red", [255, 0, 0])],
)
def test_fill_is_written_in_place(holed: Path, fill: str, sample: list[int]) -> None:
    ran = inrfit("decode", "holed.inr", "-o", "x.png", "--fill", fill, "--json")
    decoded = pixels(Path("x.png"))
    assert decoded.shape == (24, 36, 3)
    assert (decoded[:12, 18:] == sample).all()
    assert ran.results[0]["fill"] == sample
    assert "white" not in ran.err


def test_formats_without_transparency_get_white_and_say_so(holed: Path) -> None:
    ran = inrfit("decode", "holed.inr", "-o", "x.bmp", "--json")
    assert "holed.inr: samples that no region covers are white: .bmp has no transparency" in ran.err
    assert ran.results[0]["fill"] == [255, 255, 255]
    assert (pixels(Path("x.bmp"))[:12, 18:] == 255).all()
    assert "white" not in inrfit("decode", "holed.inr", "-o", "y.bmp", "--fill", "0").err
    assert "white" not in inrfit("decode", "photo.inr", "-o", "z.bmp").err


def test_a_colour_name_is_for_8_bit(here: Path) -> None:
    np.save("deep.npy", np.arange(30, dtype=np.uint16).reshape(5, 6))
    assert inrfit("fit", "deep.npy", "--steps", "1", "--quiet").code == 0
    inrfit("decode", "deep.inr", "--fill", "red").refused("--fill 'red' is no value of uint16 grey", code=2)


def damage(path: Path, *places: int) -> None:
    data = bytearray(path.read_bytes())
    for place in places:
        data[place] ^= 1
    path.write_bytes(data)


def test_partial_decodes_what_is_intact(field: Path) -> None:
    whole = api.load(field).decode()
    size = len(field.read_bytes())
    damage(field, -1)
    ran = inrfit("decode", "photo.inr")
    ran.refused("photo.inr is damaged in region 3: its checksum does not match", "--partial")
    ran = inrfit("decode", "photo.inr", "--partial", "--json")
    assert ran.code == 0
    assert "Left out: photo.inr is damaged in region 3: its checksum does not match" in ran.err
    assert ran.results[0]["damaged"] == [3]
    decoded = pixels(Path("photo.dec.png"))
    assert (decoded[12:, 18:] == 0).all()
    assert np.array_equal(decoded[:12, :, :3], whole[:12])
    intact = inrfit("decode", "photo.inr", "-o", "top.png", "--region", ":12,:", "--json")
    assert (intact.code, intact.results[0]["damaged"]) == (0, [])
    assert np.array_equal(pixels(Path("top.png")), whole[:12])
    field.write_bytes(field.read_bytes()[: size - 100])
    inrfit("decode", "photo.inr", "-f").refused("region 3", "are missing", "--partial")
    assert inrfit("decode", "photo.inr", "-f", "--partial", "--json").results[0]["damaged"] == [3]
    assert np.array_equal(pixels(Path("photo.dec.png")), decoded)
    field.write_bytes(field.read_bytes()[:50])
    inrfit("decode", "photo.inr", "-f", "--partial").refused("is cut off or damaged in chunk HEAD")


def test_params_are_those_of_the_file(field: Path) -> None:
    (result,) = inrfit("decode", "photo.inr", "--region", ":3,:3", "--json").results
    assert result["params"] == api.load(field).params


def test_borders_are_blended_when_asked_for(field: Path) -> None:
    for blend in (0, 2):
        assert inrfit("decode", "photo.inr", "-o", f"{blend}.png", "--blend", blend).code == 0
        assert (pixels(Path(f"{blend}.png")) == api.load(field).decode(blend=blend)).all()
    words = ["--region", "10:14,16:20", "--scale", "2", "--blend", "2"]
    assert inrfit("decode", "photo.inr", "-o", "part.png", *words).code == 0
    whole = api.load(field).decode(scale=2, blend=2)
    assert (pixels(Path("part.png")) == whole[20:28, 32:40]).all()
    assert (pixels(Path("0.png")) != pixels(Path("2.png"))).any()


@pytest.mark.parametrize("blend", ["-1", "65", "9" * 30])
def test_blends_that_cannot_be(field: Path, blend: str) -> None:
    ran = inrfit("decode", "photo.inr", "--blend", blend, "--json")
    ran.refused(f"--blend {blend} is not a whole number of samples from 0 to 64", code=2)
    assert ran.results[0]["error"]["code"] == "ConfigError"
    inrfit("decode", "photo.inr", "--blend", "much").refused("'--blend'", "valid integer", code=2)


@pytest.mark.parametrize("device", ["cpu", "auto"])
def test_half_precision_is_refused_on_the_cpu(
    field: Path, monkeypatch: pytest.MonkeyPatch, device: str
) -> None:
    """Before any work where the CPU is asked for, at the file where there happens to be no other device."""
    import torch

    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    ran = inrfit("decode", "photo.inr", "-o", "x.png", "--half", "--device", device)
    assert ran.code == 2
    assert "for CUDA only" in ran.err
    assert "leave --half out" in ran.err
    assert files(field.parent) == ["photo.inr", "photo.png"]


def test_a_decode_that_fails_half_way_leaves_nothing(field: Path) -> None:
    made = api.load(field)
    huge = {name: np.full_like(w, 3e38) for name, w in made.weights.items()}
    api.save(replace(made, weights=huge, weight_type="float32", coding=None), "huge.inr")
    ran = inrfit("decode", "huge.inr", "-o", "x.png")
    assert ran.code == 1
    assert "gives values that are not finite" in ran.err
    assert files(field.parent) == ["huge.inr", "photo.inr", "photo.png"]


def test_python_fills_and_scales_as_the_command_does(holed: Path) -> None:
    words = ("--fill", "red", "--resolution", "50")
    assert inrfit("decode", holed, *words, "-o", "said.png").code == 0
    api.decode(holed, "made.png", fill="red", resolution=50)
    assert Path("said.png").read_bytes() == Path("made.png").read_bytes()
