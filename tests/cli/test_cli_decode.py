"""Decoding: sizes, regions, formats and names."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from tests_cli import files, inrfit, pixels

from inrfit import api
from inrfit.models.field import Field


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
    ],
)
def test_sizes_and_regions(field: Path, words: list[str], shape: tuple[int, int]) -> None:
    assert inrfit("decode", "photo.inr", "-o", "x.png", *words).code == 0
    decoded = pixels(field.parent / "x.png")
    assert decoded.shape == (*shape, 3)
    if "--scale" not in words and "--region" in words:
        assert (decoded == api.load(field).decode()[2:10, 30:36]).all()


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
        (["--format", "gif"], 2, "--format gif: .gif is not a format inrfit writes"),
        (["--format", ""], 2, "--format : no suffix"),
        (["--size", "3"], 2, "--size '3' is not two whole numbers"),
        (["--size", "0x3"], 2, "--size '0x3' is not two whole numbers above 0"),
        (["--size", "axb"], 2, "--size 'axb' is not two whole numbers"),
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
        (["--size", "999999x999999"], 2, "too large"),
    ],
)
def test_refused_before_anything_is_decoded(
    field: Path, monkeypatch: pytest.MonkeyPatch, words: list[str], code: int, said: str
) -> None:
    before = files(field.parent)
    if words[0] not in ("--region", "--size"):
        monkeypatch.setattr(Field, "decode", lambda *args, **kwargs: pytest.fail("it was decoded"))
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
    assert inrfit("fit", "deep.npy", "--steps", "1", "-q").code == 0
    monkeypatch.setattr(Field, "decode", lambda *args, **kwargs: pytest.fail("it was decoded"))
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
