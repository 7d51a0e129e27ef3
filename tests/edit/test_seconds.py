"""Ranges of time: on an axis in seconds, decode and crop take seconds, on others they count samples."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from make.cli import inrfit
from make.data import textured

from inrfit import api
from inrfit.domain import Domain, Typed
from inrfit.errors import ConfigError
from inrfit.field import Field
from inrfit.render.output import Output
from inrfit.signal import ArraySignal, SignalInfo

DOMAIN = Domain(shape=(40, 12), axes=("t", "x"), units=("s", "px"), spacing=(0.1, 1.0), origin=(0, 0))
"""4 s at 10 samples per second, in cells of 0.5 s."""


@pytest.fixture(scope="module")
def field() -> Field:
    signal = ArraySignal(
        values=textured(40, 12, 1), domain=DOMAIN, info=SignalInfo(colour="grey", suffix=".png")
    )
    return api.fit(signal, grid=(8, 1), steps=2, hidden_features=4, device="cpu")


@pytest.fixture
def file(field: Field, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    api.save(field, tmp_path / "a.inr")
    return tmp_path / "a.inr"


@pytest.mark.parametrize(
    ("ends", "rows"),
    [((1.5, 3), (15, 30)), ((None, 0.5), (0, 5)), ((-1, None), (30, 40)), ((0.26, 1), (3, 10))],
)
def test_decode_takes_seconds(field: Field, ends: tuple[float | None, ...], rows: tuple[int, int]) -> None:
    first, last = (None if end is None else Typed(end) for end in ends)
    made = field.bands(Output(region=((first, last), (Typed(2), Typed(7)))))
    assert made.domain.shape == (rows[1] - rows[0], 5)
    assert made.domain.corner == pytest.approx((rows[0] / 10, 2.0))
    assert np.array_equal(made.array(), field.decode(region=(rows, (2, 7)), device="cpu"))


def test_whole_numbers_of_a_program_count_samples(field: Field) -> None:
    assert field.decode(region=((1, 3), (0, 12)), device="cpu").shape == (2, 12, 1)


def test_parts_of_a_sample_are_refused_where_an_axis_counts_samples(field: Field) -> None:
    with pytest.raises(ConfigError, match=r"1\.5 is no whole number of samples on the axis x"):
        field.decode(region=((None, None), (Typed(1.5), Typed(3))), device="cpu")
    with pytest.raises(ConfigError, match=r"1\.5 is no whole number of samples on the axis x"):
        api.crop(api.to_bytes(field), region=((None, None), (Typed(1.5), Typed(3))))


@pytest.mark.parametrize(
    ("keep", "rows"),
    [
        ("1.5s:3s", (15, 30)),
        ("1.6s:2.9s", (15, 30)),
        (":1s", (0, 10)),
        ("-1s:", (30, 40)),
        ("3.5s:4s", (35, 40)),
    ],
)
def test_a_crop_keeps_the_cells_that_a_range_of_time_meets(
    field: Field, keep: str, rows: tuple[int, int]
) -> None:
    for words in (keep, [keep]):
        part = api.load(api.crop(api.to_bytes(field), keep=words))
        assert part.domain.box == (rows, (0, 12))
        assert part.domain.corner == pytest.approx((rows[0] / 10, 0.0))
        assert np.array_equal(part.decode(device="cpu"), field.decode(region=(rows, (0, 12)), device="cpu"))


def test_cells_are_still_cells(field: Field) -> None:
    assert api.load(api.crop(api.to_bytes(field), keep="1:3,:")).domain.box == ((5, 15), (0, 12))


@pytest.mark.parametrize("keep", ["3s:1.5s", "5s:6s", "1s:1s"])
def test_no_time_is_refused(field: Field, keep: str) -> None:
    with pytest.raises(ConfigError, match="is empty or outside"):
        api.crop(api.to_bytes(field), keep=keep)


@pytest.mark.parametrize("keep", ["1s", "s:", "1.s:2s", "1:2s", "1s:2"])
def test_what_is_no_range_of_time_is_no_keep_set_either(field: Field, keep: str) -> None:
    with pytest.raises(ConfigError, match="--keep"):
        api.crop(api.to_bytes(field), keep=keep)


def test_a_picture_has_no_time(picture: np.ndarray) -> None:
    field = api.fit(picture, grid=(2, 2), steps=1, hidden_features=4, device="cpu")
    with pytest.raises(ConfigError):
        api.crop(api.to_bytes(field), keep="1s:3s")


@pytest.mark.parametrize("words", [["--keep", "1.5s:3s"], ["--region", "1.5:3,:"], ["--region", "1.5s:3s"]])
def test_the_command_line_crops_by_seconds(file: Path, words: list[str]) -> None:
    assert inrfit("crop", file, *words, "-o", "b.inr", "--quiet").code == 0
    assert api.load("b.inr").domain.box == ((15, 30), (0, 12))


def test_the_command_line_decodes_by_seconds_and_at_a_rate(file: Path, field: Field) -> None:
    assert (
        inrfit("decode", file, "--region", "1.5:3,2:7", "-o", "b.png", "--quiet", "--device", "cpu").code == 0
    )
    assert np.array_equal(api.read("b.png").dense(), field.decode(region=((15, 30), (2, 7)), device="cpu"))
    assert inrfit("decode", file, "--rate", "20", "-o", "c.png", "--quiet", "--device", "cpu").code == 0
    assert np.array_equal(api.read("c.png").dense(), field.decode(size=(80, 12), device="cpu"))
    inrfit("decode", file, "--rate", "20", "--scale", "2", "-o", "d.png").refused(
        "--rate and --scale both", code=2
    )
