from __future__ import annotations

import numpy as np
import pytest
from make.data import textured

from inrfit.compare import pictures
from inrfit.compare.rivals import Rivals

SAMPLES = textured(40, 56)
JPEGS = {quality: pictures.point(SAMPLES, "jpeg", quality) for quality in range(1, 101)}


def beside(size: int, psnr: float) -> dict:
    return Rivals(samples=SAMPLES, names=["jpeg"]).beside(size, psnr)["jpeg"]


@pytest.mark.parametrize("quality", [1, 20, 57, 99])
def test_it_is_the_last_that_is_small_enough_and_the_first_that_is_good_enough(quality: int) -> None:
    size, psnr = JPEGS[quality].bytes + 1, JPEGS[quality].psnr - 1e-6
    found = beside(size, psnr)
    at, good = found["same_bytes"]["quality"], found["same_psnr"]["quality"]
    assert JPEGS[at].bytes <= size < JPEGS[at + 1].bytes
    assert JPEGS[good].psnr >= psnr
    assert good == 1 or JPEGS[good - 1].psnr < psnr
    assert found["same_bytes"]["bytes"] == JPEGS[at].bytes
    assert found["same_bytes"]["bpp"] == 8 * JPEGS[at].bytes / (40 * 56)
    assert found["psnr_gain"] == pytest.approx(psnr - JPEGS[at].psnr)
    assert found["bytes_gain"] == pytest.approx(100 * (size / JPEGS[good].bytes - 1))


def test_what_a_codec_cannot_do_is_none_and_its_ends_are_told() -> None:
    found = beside(JPEGS[1].bytes - 1, 90.0)
    assert (found["same_bytes"], found["psnr_gain"], found["same_psnr"], found["bytes_gain"]) == (None,) * 4
    assert (found["smallest"]["bytes"], found["best"]["psnr"]) == (JPEGS[1].bytes, JPEGS[100].psnr)


def test_each_quality_is_encoded_once(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[int] = []
    monkeypatch.setattr(pictures, "point", lambda _s, _n, quality: asked.append(quality) or JPEGS[quality])
    done: dict = {}
    for size in (800, 900, 1500):
        Rivals(samples=SAMPLES, names=["jpeg"], done=done).beside(size, 30.0)
    Rivals(samples=SAMPLES, names=["jpeg"], done=done).curves()
    assert len(asked) == len(set(asked)) == len(done)


def test_files_that_are_that_codec_at_a_factor_have_that_bd_rate() -> None:
    others = Rivals(samples=SAMPLES, names=["jpeg"])
    points = [(1.5 * one.bytes, one.psnr) for one in others.curves()["jpeg"]]
    found = others.bd(points)["jpeg"]
    assert found["rate"] == pytest.approx(50, abs=1e-6)
    assert found["psnr"] < 0
    assert (found["files"], found["reason"]) == (len(points), None)


def test_too_few_files_have_a_reason_in_place_of_a_rate() -> None:
    found = Rivals(samples=SAMPLES, names=["jpeg"]).bd([(1000, 30.0), (2000, 33.0)])["jpeg"]
    assert found["rate"] is None
    assert "2 points" in found["reason"]


def test_alpha_leaves_jpeg_out_and_says_so() -> None:
    alpha = np.concatenate([SAMPLES, SAMPLES[..., :1]], axis=2)
    others = Rivals(samples=alpha, names=["jpeg"])
    found = others.beside(1000, 30.0)["jpeg"]
    assert found["reason"] == "it holds no transparency"
    assert found["same_bytes"] is None
    assert others.curves() == {"jpeg": []}
    assert others.bd([(1000, 30.0)] * 4)["jpeg"]["reason"] == "it holds no transparency"
