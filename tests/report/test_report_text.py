from __future__ import annotations

import math

import numpy as np
import pytest

from inrfit.report.text import escaped, in_order, label, number, unit


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("psnr", 31.236, "31.24"),
        ("psnr", 30, "30.00"),
        ("psnr", math.inf, "∞"),
        ("psnr", -math.inf, "−∞"),
        ("psnr", math.nan, "–"),
        ("ssim", None, "–"),
        ("ms-ssim", 0.98765, "0.9877"),
        ("mse", 0.00012345, "0.000123"),
        ("bytes", 1234567, "1,234,567"),
        ("bytes", np.int64(1200), "1,200"),
        ("bpp", np.float64(0.5), "0.500"),
        ("seconds", 12, "12.0"),
        ("device", "cuda:0", "cuda:0"),
        ("device", "", "–"),
        ("made_up", 0.123456, "0.1235"),
        ("made_up", 12000, "12,000"),
    ],
)
def test_numbers_are_rounded_as_suits_them(name, value, expected):
    assert number(name, value) == expected


def test_labels_and_units():
    assert (label("psnr"), unit("psnr")) == ("PSNR", "dB")
    assert label("ms-ssim") == label("ms_ssim") == "MS-SSIM"
    assert (label("my_own"), unit("my_own")) == ("my own", "")


def test_known_numbers_come_first_and_in_order():
    assert in_order(["zeta", "bytes", "alpha", "ms-ssim", "psnr"]) == [
        "psnr",
        "ms-ssim",
        "bytes",
        "zeta",
        "alpha",
    ]


def test_escaping_covers_quotes_and_lone_surrogates():
    assert escaped('<a href="x">\'&') == "&lt;a href=&quot;x&quot;&gt;&#x27;&amp;"
    assert escaped("caf\udce9") == "caf?"
    assert escaped(7) == "7"
