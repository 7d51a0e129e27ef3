"""Pictures at equal bytes, at sizes that show nothing: that files are counted, means are right and a stopped run goes on."""

from __future__ import annotations

import json
import math
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from make.data import textured
from PIL import Image

from inrfit.errors import ConfigError, InputError
from inrfit.metrics import fidelity

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "benchmarks"))
import common  # type: ignore[import-not-found]
import rate_distortion as bench  # type: ignore[import-not-found]
import rate_distortion_report as report  # type: ignore[import-not-found]
from tables import markdown  # type: ignore[import-not-found]

BENCHMARKS = Path(common.__file__).parent

HEAVY = {"soundfile", "trimesh", "igl", "cv2", "skimage", "imageio_ffmpeg", "tifffile", "torchmetrics"}
"""Libraries that a machine with an accelerator need not have."""


@pytest.fixture
def device() -> Any:
    return common.device_for("cpu", threads=1)


@pytest.fixture
def pictures() -> list[Any]:
    return [
        bench.Picture(name="a.png", samples=textured(40, 48)),
        bench.Picture(name="b.png", samples=textured(40, 48)[:, ::-1]),
    ]


def results(path: Path, part: str = "fits") -> Any:
    """Return results that go to a file."""
    made = {"command": "c", "date": "d", "commit": "e", "device": "v", "processor": "p"}
    return bench.Results(path, part, made, {"side": None, "cell": 128})


def test_a_way_is_a_model_with_options():
    way = bench.way_of("local-global:global_share=0.2,steps=50,activation=finer")
    assert way.model == "local-global"
    assert way.words == {"global_share": 0.2, "steps": 50, "activation": "finer"}
    for wrong in ("nothing", "partitioned:steps"):
        with pytest.raises(ConfigError):
            bench.way_of(wrong)


def test_rates_are_numbers_above_zero():
    assert bench.rates_of("0.15,1") == (0.15, 1.0)
    for wrong in ("", "0", "a", "1,-1", "inf"):
        with pytest.raises(ConfigError):
            bench.rates_of(wrong)


def test_the_middle_of_a_picture_is_taken(tmp_path):
    picture = textured(40, 60)
    Image.fromarray(picture).save(tmp_path / "a.png")
    assert (bench.read(tmp_path / "a.png", 20).samples == picture[10:30, 20:40]).all()
    assert bench.read(tmp_path / "a.png", None).samples.shape == (40, 60, 3)
    with pytest.raises(InputError, match="41x41"):
        bench.read(tmp_path / "a.png", 41)


def test_a_row_tells_the_bytes_and_the_decoded_psnr(device, pictures, monkeypatch):
    monkeypatch.setattr(bench, "CELL", 24)
    job = bench.Job(picture=pictures[0], rate=4.0, way=bench.way_of("partitioned"), steps=4)
    row = bench.measure(job, device)
    assert row["regions"] == 4
    assert row["bytes"] <= 4.0 * 40 * 48 / 8
    assert row["bpp"] == pytest.approx(8 * row["bytes"] / (40 * 48))
    assert sum(row["parts"].values()) == row["bytes"]
    assert row["psnr"] == pytest.approx(-10 * math.log10(row["mse"]))


def test_a_fit_that_cannot_be_is_told_and_not_tried_again(tmp_path, device, pictures, monkeypatch):
    job = bench.Job(picture=pictures[0], rate=0.1, way=bench.way_of("partitioned"), steps=4)
    found = results(tmp_path / "a.json")
    assert bench.fit_all([job], device, found, math.inf)
    assert "too small" in found.data["rows"][0]["error"]
    monkeypatch.setattr(bench, "measure", lambda *_: pytest.fail("it is there"))
    assert bench.fit_all([job], device, found, math.inf)


def test_a_run_goes_on_where_it_stopped(tmp_path, device, pictures, monkeypatch):
    made: list[Any] = []

    def measure(job: Any, _: Any) -> dict[str, Any]:
        made.append(job.key)
        return {**job.key, "psnr": 30.0, "bpp": job.rate, "seconds": 0.0}

    monkeypatch.setattr(bench, "measure", measure)
    ways = [bench.way_of("partitioned"), bench.way_of("local-global:steps=7")]
    wanted = list(bench.jobs(pictures, (0.3, 0.5), ways, 3))
    assert [job.steps for job in wanted[:2]] == [3, 7]
    assert [job.picture.name for job in wanted] == ["a.png"] * 4 + ["b.png"] * 4
    assert not bench.fit_all(wanted, device, results(tmp_path / "a.json"), 0.0)
    assert bench.fit_all(wanted[:3], device, results(tmp_path / "a.json"), math.inf)
    assert bench.fit_all(wanted, device, results(tmp_path / "a.json"), math.inf)
    assert made == [job.key for job in wanted]
    assert len(json.loads((tmp_path / "a.json").read_text())["rows"]) == 8


def test_results_of_other_settings_are_not_mixed(tmp_path):
    results(tmp_path / "a.json").put({"image": "a"})
    with pytest.raises(InputError, match="other settings"):
        results(tmp_path / "a.json", "codecs")


def test_codecs_are_encoded_once(tmp_path, pictures, monkeypatch):
    monkeypatch.setattr(bench, "names", lambda _: ("jpeg", "webp"))
    bench.encode_all(pictures[:1], results(tmp_path / "a.json", "codecs"))
    found = results(tmp_path / "a.json", "codecs")
    assert [row["codec"] for row in found.data["rows"]] == ["jpeg", "webp"]
    monkeypatch.setattr(bench.pictures, "curve", lambda *_: pytest.fail("it is there"))
    bench.encode_all(pictures[:1], found)
    points = report.points_of(found.data["rows"][0])
    assert points == sorted(points)
    assert len(points) > 4


def test_a_curve_is_met_at_its_points_and_not_beyond():
    curve = [(0.1, 20.0), (0.4, 26.0), (1.6, 32.0)]
    assert [report.at_rate(curve, rate) for rate, _ in curve] == pytest.approx([20.0, 26.0, 32.0])
    assert report.at_rate(curve, 0.2) == pytest.approx(23.0)  # a straight line over the logarithm
    assert report.at_rate(curve, 0.09) is None
    assert report.at_rate(curve, 1.7) is None


def example() -> list[dict[str, Any]]:
    """Return results of fits and of a codec that takes twice the bytes for the same PSNR."""
    made = {"command": "c", "date": "d", "commit": "e", "device": "v", "processor": "p"}
    rates = (0.25, 0.5, 1.0, 2.0)
    rows = [
        {
            "image": image,
            "way": "partitioned",
            "wanted_bpp": rate,
            "steps": 10,
            "pixels": 8000,
            "bytes": 1000 * rate,
            "bpp": rate,
            "psnr": base + 6 * math.log2(rate),
            "regions": 4,
            "params": 100,
            "parts": {"front": 10, "shared": 5},
            "macs_per_pixel": 7,
            "seconds": 1.0,
        }
        for image, base in (("a", 30.0), ("b", 40.0))
        for rate in rates
    ]
    codec = [
        {
            "image": image,
            "codec": "webp",
            "pixels": 8000,
            "points": [
                {"quality": q, "bytes": 2000 * rate, "psnr": base + 6 * math.log2(rate)}
                for q, rate in enumerate(rates)
            ],
        }
        for image, base in (("a", 30.0), ("b", 40.0), ("not fitted", 10.0))
    ]
    common_part = {"provenance": made, "settings": {"side": None}}
    return [{**common_part, "part": "fits", "rows": rows}, {**common_part, "part": "codecs", "rows": codec}]


def test_tables_average_in_both_ways_over_the_pictures_that_were_fitted():
    lines = markdown(report.tables(example())).splitlines()
    both = fidelity.psnr_of_mean_mse([1e-3, 1e-4])
    assert f"| 35.00 / {both:.2f} |" in lines[2]
    assert lines[2].startswith("| partitioned, 10 steps | 2 | 23.00")
    webp = next(line for line in lines if line.startswith("| WEBP | 2 |"))
    assert webp.split("|")[3].strip() == ""  # below its smallest files
    assert "29.00" in webp.split("|")[5]
    assert any("-50.0 % (2 pictures)" in line for line in lines)
    assert any("COIN" in line and "0.3074: 26.41" in line for line in lines)


def test_a_picture_without_a_fit_is_counted():
    data = example()
    data[0]["rows"][0]["psnr"] = None
    line = markdown(report.tables(data)).splitlines()[2]
    assert line.startswith("| partitioned, 10 steps | 2 | 28.00 / 28.00 (1) |")


@pytest.mark.process
def test_the_fits_need_no_library_that_other_signals_do(tmp_path):
    Image.fromarray(textured(280, 280)).save(tmp_path / "a.png")
    words = [
        "--images",
        str(tmp_path),
        "--steps",
        "2",
        "--ways",
        "partitioned",
        "--bpp",
        "0.3",
        "--threads",
        "1",
    ]
    words += ["--out", str(tmp_path / "a.json")]
    code = (
        "import runpy, sys\n"
        f"for name in {sorted(HEAVY)}: sys.modules[name] = None\n"
        f"sys.path.insert(0, {str(BENCHMARKS)!r})\n"
        f"sys.argv = ['rate_distortion.py', *{words!r}]\n"
        f"runpy.run_path({str(BENCHMARKS / 'rate_distortion.py')!r}, run_name='__main__')\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=BENCHMARKS.parent)
    assert done.returncode == 0, done.stderr
    (row,) = common.read_json(tmp_path / "a.json")["rows"]
    assert row["bytes"] <= 0.3 * 256 * 256 / 8
    assert row["psnr"] > 5


def test_codec_curves_of_the_committed_result_rise():
    data = common.read_json(common.default_out("rate_distortion_codecs_whole"))
    assert len({row["image"] for row in data["rows"]}) == 16
    for row in data["rows"]:
        assert np.all(np.diff(report.points_of(row), axis=0) > 0)
        assert len(report.points_of(row)) >= 10
