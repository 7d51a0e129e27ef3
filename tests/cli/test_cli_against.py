"""`inrfit eval --against`: bytes by part, files of other codecs beside a field, BD-rates and what the report draws."""

from __future__ import annotations

import re
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from make.cli import FAST, inrfit, pixels, save
from make.data import textured
from PIL import Image, features

import inrfit as library
from inrfit.errors import ConfigError, InputError

WIDTHS = {"a": 1, "b": 3, "c": 8, "d": 20}


@pytest.fixture(scope="session")
def sizes_of_one(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """Four files of `textured(24, 36)`, of rising size and quality."""
    folder = tmp_path_factory.mktemp("sizes")
    photo = save(folder / "photo.png", textured(24, 36))
    for name, width in WIDTHS.items():
        words = ["--partition", "none", "--steps", "200", "--hidden-features", width, "--quiet"]
        assert inrfit("fit", photo, "-o", folder / f"{name}.inr", *words).code == 0
    return {name: (folder / f"{name}.inr").read_bytes() for name in WIDTHS}


@pytest.fixture
def four(here: Path, sizes_of_one: dict[str, bytes]) -> list[str]:
    """The names of those files in the working folder."""
    for name, data in sizes_of_one.items():
        Path(f"{name}.inr").write_bytes(data)
    return [f"{name}.inr" for name in sizes_of_one]


def jpeg(quality: int) -> tuple[int, float]:
    """Return bytes and PSNR of the photo by Pillow alone."""
    file, source = BytesIO(), pixels(Path("photo.png"))
    Image.fromarray(source).save(
        file, "JPEG", quality=quality, subsampling="4:2:0", optimize=True, progressive=True
    )
    error = np.square(pixels(file).astype(np.float64) - source).mean()
    return len(file.getvalue()), 10 * np.log10(255**2 / error)


def test_bytes_are_told_by_part_and_add_up(field: Path) -> None:
    result = inrfit("eval", "photo.inr", "--json").results[0]
    parts = result["parts"]
    assert sum(parts[name] for name in ("header", "shared", "metadata", "regions")) == field.stat().st_size
    assert parts["region_smallest"] <= parts["region_median"] <= parts["region_largest"]
    assert 4 * parts["region_smallest"] <= parts["regions"] <= 4 * parts["region_largest"]
    assert (result["against"], result["bd"]) == (None, None)
    said = inrfit("eval", "photo.inr").out
    assert f"shared weights {parts['shared']:,}, 4 regions {parts['regions']:,} (smallest" in said
    assert f"{result['bytes']:,} bytes: header and index {parts['header']:,}" in said


def test_a_sound_has_parts_and_a_rate_too(here: Path) -> None:
    import soundfile

    soundfile.write("tone.wav", 0.5 * np.sin(np.arange(2000) / 9), 8000)
    assert inrfit("fit", "tone.wav", *FAST, "--quiet").code == 0
    result = inrfit("eval", "tone.inr", "--json").results[0]
    assert result["bpp"] == pytest.approx(8 * Path("tone.inr").stat().st_size / 2000)
    assert sum(result["parts"][key] for key in ("header", "shared", "metadata", "regions")) == result["bytes"]
    inrfit("eval", "tone.inr", "--against", "jpeg").refused("compares pictures, this is of the kind audio")


def test_a_field_is_set_beside_jpeg_at_its_bytes_and_at_its_psnr(field: Path) -> None:
    result = inrfit("eval", "photo.inr", "--against", "jpeg", "--json").results[0]
    found = result["against"]["jpeg"]
    for key in ("same_bytes", "same_psnr", "smallest", "best"):
        assert (found[key]["bytes"], found[key]["psnr"]) == pytest.approx(jpeg(found[key]["quality"]))
    at, good = found["same_bytes"], found["same_psnr"]
    assert at["bytes"] <= result["bytes"]
    assert at["quality"] == 100 or jpeg(at["quality"] + 1)[0] > result["bytes"]
    assert good["psnr"] >= result["psnr"]
    assert good["quality"] == 1 or jpeg(good["quality"] - 1)[1] < result["psnr"]
    assert found["psnr_gain"] == pytest.approx(result["psnr"] - at["psnr"])
    assert found["bytes_gain"] == pytest.approx(100 * (result["bytes"] / good["bytes"] - 1))
    said = inrfit("eval", "photo.inr", "--against", "jpeg").out
    assert "jpeg (4:2:0, optimised, progressive)" in said
    gain = re.escape(f"{found['psnr_gain']:+.2f} dB")
    row = rf"same bytes +{at['quality']} +{at['bytes']:,} +{at['bpp']:.3f} +{at['psnr']:.2f}  {gain}"
    assert re.search(row, said), said


def test_a_codec_that_cannot_go_as_small_or_as_good_says_so(here: Path) -> None:
    save(Path("photo.png"), textured(96, 128))
    words = ["--partition", "none", "--hidden-features", "2", "--hidden-layers", "1", "--steps", "5"]
    assert inrfit("fit", "photo.png", *words, "--quiet").code == 0
    ran = inrfit("eval", "photo.inr", "--against", "jpeg", "--json")
    assert ran.results[0]["bytes"] < jpeg(1)[0]
    assert ran.results[0]["against"]["jpeg"]["same_bytes"] is None
    said = inrfit("eval", "photo.inr", "--against", "jpeg").out
    assert (
        f"same bytes: none, its smallest file has {jpeg(1)[0]:,} bytes and {jpeg(1)[1]:.2f} dB (quality 1)"
        in said
    )


@pytest.mark.parametrize("name", ["webp", "avif"])
def test_other_codecs_are_set_beside_it_too(field: Path, name: str) -> None:
    if not features.check(name):
        pytest.skip(f"Pillow has no {name}")
    found = inrfit("eval", "photo.inr", "--against", f"jpeg, {name.upper()}", "--json").results[0]["against"]
    assert list(found) == ["jpeg", name]
    assert found[name]["smallest"]["bytes"] < found[name]["best"]["bytes"]


def test_four_files_of_one_picture_have_a_bd_rate(four: list[str]) -> None:
    ran = inrfit("eval", *four, "--reference", "photo.png", "--against", "jpeg", "--json")
    assert [result["bd"] for result in ran.results[:3]] == [None] * 3
    found = ran.results[3]["bd"]["jpeg"]
    points = [(result["bytes"], result["psnr"]) for result in ran.results]
    curve = [jpeg(quality) for quality in (1, 5, 10, 15, 20, 30, 40, 50, 60, 70, 80, 90, 95)]
    from inrfit.metrics.bjontegaard import bd_psnr, bd_rate, front

    assert found["reason"] is None
    assert found["rate"] == pytest.approx(bd_rate(front(curve), points))
    assert found["psnr"] == pytest.approx(bd_psnr(front(curve), points))
    last = (
        f"4 files of photo.png against jpeg: BD-rate {found['rate']:+.1f} %, BD-PSNR {found['psnr']:+.2f} dB"
    )
    assert last in ran.err.splitlines()[-1]
    said = inrfit("eval", *four, "--reference", "photo.png", "--against", "jpeg").out
    assert said.splitlines()[-1] == last
    assert said.count("BD-rate") == 1


def test_files_that_give_no_bd_rate_have_a_reason(four: list[str]) -> None:
    Path("e.inr").write_bytes(Path("a.inr").read_bytes())
    ran = inrfit("eval", *four, "e.inr", "--reference", "photo.png", "--against", "jpeg")
    assert ran.code == 0
    assert "5 files of photo.png against jpeg: no BD-rate, the tested curve does not rise" in ran.out
    bad = inrfit("eval", *four[:3], "no.inr", "--reference", "photo.png", "--against", "jpeg", "--json")
    assert bad.code == 1
    assert [result["bd"] for result in bad.results] == [None] * 4


def test_the_report_draws_the_codecs_and_a_point_for_each_file(four: list[str]) -> None:
    words = ["--reference", "photo.png", "--against", "jpeg,webp", "--report", "r.html"]
    assert inrfit("eval", *four, *words).code == 0
    charts = re.findall(r"<h3>PSNR against rate</h3>(<svg.*?</svg>)", Path("r.html").read_text(), re.DOTALL)
    assert len(charts) == 4
    for chart in charts:
        assert chart.count('<circle class="dot"') == 4
        for name in ("jpeg", "webp", *four):
            assert f">{name}: " in chart
    assert inrfit("eval", "a.inr", "--reference", "photo.png", "--report", "plain.html").code == 0
    assert "PSNR against rate" not in Path("plain.html").read_text()


@pytest.mark.parametrize(
    ("names", "said"),
    [
        ("jpg", "--against 'jpg' is not known (choose from jpeg, webp, avif)"),
        ("", "--against '' is not known"),
        ("jpeg,webp,jpeg", "--against names jpeg more than once"),
    ],
)
def test_names_are_checked_before_any_work(here: Path, names: str, said: str) -> None:
    ran = inrfit("eval", "missing.inr", "--against", names)
    assert (ran.code, said in ran.err) == (2, True)
    assert "missing.inr" not in ran.err


def test_a_codec_that_pillow_lacks_is_one_error(field: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(features, "check", lambda name: name != "avif")
    inrfit("eval", "photo.inr", "--against", "avif").refused("avif is not there", "jpeg, webp", code=2)


def test_pixels_of_16_bit_and_missing_regions_are_refused(field: Path) -> None:
    Path("deep").mkdir()
    np.save("deep/deep.npy", textured(24, 36).astype(np.uint16) * 257)
    assert inrfit("fit", "deep/deep.npy", "--kind", "image", *FAST, "--quiet").code == 0
    inrfit("eval", "deep/deep.inr", "--against", "jpeg").refused(
        "needs 8 bits in a channel, the samples are uint16"
    )
    library.crop("photo.inr", "part.inr", keep=["0,0", "1,1"])
    inrfit("eval", "part.inr", "--reference", "photo.png", "--against", "jpeg").refused(
        "regions of this one are missing"
    )


def test_a_crop_is_set_beside_its_part_of_the_original(field: Path) -> None:
    library.crop("photo.inr", "corner.inr", keep="1,1")
    words = ["--reference", "photo.png", "--against", "jpeg", "--json"]
    cut = inrfit("eval", "corner.inr", *words).results[0]["against"]["jpeg"]
    save(Path("photo.png"), textured(24, 36)[12:, 18:])
    assert (cut["best"]["bytes"], cut["best"]["psnr"]) == pytest.approx(jpeg(100))


def test_jpeg_says_that_it_holds_no_transparency(here: Path) -> None:
    alpha = np.concatenate([textured(24, 36), textured(24, 36)[..., :1]], axis=2)
    Image.fromarray(alpha).save("photo.png")
    assert inrfit("fit", "photo.png", *FAST, "--quiet").code == 0
    ran = inrfit("eval", "photo.inr", "--against", "jpeg,webp")
    assert ran.code == 0
    assert "not compared: it holds no transparency" in ran.out
    assert ran.out.count("same PSNR") == 1


def test_the_library_says_the_same(four: list[str]) -> None:
    ran = inrfit("eval", *four, "--reference", "photo.png", "--against", "jpeg", "--json")
    found = library.rate_distortion(four, "photo.png", against=["jpeg"], device="cpu")
    assert found["bd"] == ran.results[3]["bd"]
    one: dict[str, Any] = library.evaluate("b.inr", "photo.png", against=["jpeg"], device="cpu")
    assert one == found["files"][1]
    assert one["against"] == ran.results[1]["against"]
    assert one["parts"] == ran.results[1]["parts"]
    point = found["curves"]["jpeg"][-1]
    assert (point["bytes"], point["psnr"]) == pytest.approx(jpeg(95))
    fields = [library.load(name) for name in four]
    assert library.rate_distortion(fields, "photo.png", against=["jpeg"], device="cpu")["bd"] == found["bd"]


def test_the_library_refuses_what_cannot_be_compared(field: Path) -> None:
    with pytest.raises(ConfigError, match="--against 'gif' is not known"):
        library.evaluate("photo.inr", "photo.png", against=["gif"])
    with pytest.raises(ConfigError, match="no codec"):
        library.rate_distortion(["photo.inr"], "photo.png", against=[])
    library.crop("photo.inr", "corner.inr", keep="1,1")
    with pytest.raises(InputError, match="different parts of the picture"):
        library.rate_distortion(["photo.inr", "corner.inr"], "photo.png", against=["jpeg"])


def test_profile_and_exif_are_counted_in_no_file(here: Path) -> None:
    image = Image.open("photo.png")
    exif = Image.Exif()
    exif[0x010E] = "a description " + "".join(map(str, range(2000)))
    image.save("told.png", exif=exif)
    for words in (("told.png",), ("told.png", "-o", "bare.inr", "--no-metadata")):
        assert inrfit("fit", *words, "--grid", "2x2", "--steps", "3", "--hidden-features", "6").code == 0
    names = ("told.inr", "bare.inr", "--reference", "told.png", "--against", "jpeg")
    told, bare = inrfit("eval", *names, "--json").results
    assert told["bytes"] > bare["bytes"] + 1000
    assert 0 <= told["bytes"] - bare["bytes"] - told["set_aside"] < 8  # of their length in the index
    assert bare["set_aside"] == 0
    assert told["against"]["jpeg"]["same_bytes"] == bare["against"]["jpeg"]["same_bytes"]
    lines = inrfit("eval", *names).out.splitlines()
    said = f"  profile and EXIF are counted in no file: {told['set_aside']:,} bytes less of this one"
    assert [line for line in lines if "counted" in line] == [said]
