from __future__ import annotations

import base64
import io
import math
import re
from html.parser import HTMLParser

import numpy as np
import pytest
from PIL import Image

from inrfit.errors import InputError
from inrfit.report import Entry, curve_html, html

VOID = {"meta", "img", "input", "br", "link", "hr"}
VERSIONS = {"inrfit": "0.1.0", "numpy": "2.4.6"}
CURVE = [(step, step * 0.01, 10 + 5 * math.log10(step)) for step in (1, 10, 100, 1000)]


class Page(HTMLParser):
    """Checks that tags balance; collects the tags, their attributes and the text outside style and script."""

    def __init__(self, source: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.words = ""
        self.feed(source)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if self.open and self.open[-1] not in ("style", "script"):
            self.words += data + " "

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.tags if name == tag]

    def pictures(self) -> dict[str, Image.Image]:
        """The pictures by their caption, decoded."""
        found = {}
        for image in self.all("img"):
            head, _, data = (image["src"] or "").partition(",")
            assert head == "data:image/png;base64"
            picture = Image.open(io.BytesIO(base64.b64decode(data, validate=True)))
            picture.load()
            assert picture.format == "PNG"
            found[image["alt"]] = picture
        return found


def colours(height: int, width: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)


def full_entry(name: str = "photo.png", height: int = 20, width: int = 30) -> Entry:
    return Entry(
        name=name,
        original=colours(height, width, 0),
        decoded=colours(height, width, 1),
        overlay=colours(height, width, 2),
        numbers={"psnr": 31.234, "bytes": 12345, "ms-ssim": None, "bpp": 0.5, "device": "cpu"},
        region_psnr=[30.0, math.inf],
        areas=[400, 200],
        curve=CURVE,
    )


def report(*entries: Entry, title: str = "inrfit eval", command: str = "inrfit eval x.inr") -> str:
    return html(entries, title=title, command=command, versions=VERSIONS)


def test_one_entry_shows_its_pictures_numbers_and_charts():
    page = Page(report(full_entry()))
    pictures = page.pictures()
    assert [re.sub(r" \d+ ×", "", alt) for alt in pictures] == [
        "Original",
        "Decoded",
        "Error, amplified",
        "Partition",
    ]
    assert all(picture.size == (30, 20) for picture in pictures.values())
    assert np.array_equal(np.asarray(pictures["Original"]), colours(20, 30, 0))
    assert np.array_equal(np.asarray(pictures["Decoded"]), colours(20, 30, 1))
    assert [chart["aria-label"] for chart in page.all("svg")] == [
        "PSNR of each region",
        "PSNR against step",
        "PSNR against time",
    ]
    for words in ("31.23", "12,345", "bits/pixel", "30 × 20 pixels", "inrfit eval x.inr", "numpy 2.4.6"):
        assert words in page.words
    assert "signals" not in page.words


def test_the_page_loads_nothing():
    source = report(full_entry(), full_entry("other.png"))
    assert "http://" not in source
    assert "https://" not in source
    assert "@import" not in source
    page = Page(source)
    assert not page.all("link")
    assert [attributes for attributes in page.all("script") if "src" in attributes] == []
    assert all((image["src"] or "").startswith("data:") for image in page.all("img"))
    assert {(a["href"] or "")[0] for a in page.all("a")} == {"#"}
    policy = next(meta["content"] for meta in page.all("meta") if "http-equiv" in meta)
    assert policy is not None
    assert policy.startswith("default-src 'none'")


def test_several_entries_have_a_summary_that_links_to_them():
    page = Page(report(full_entry("a.png"), full_entry("b.png"), Entry(name="c.png")))
    assert "3 signals" in page.words
    assert [a["href"] for a in page.all("a")] == ["#entry-1", "#entry-2", "#entry-3"]
    assert [a["id"] for a in page.all("article")] == ["entry-1", "entry-2", "entry-3"]


def test_the_summary_gives_both_averages():
    entries = [Entry(name=str(psnr), numbers={"psnr": psnr}) for psnr in (20.0, 40.0)]
    words = Page(report(*entries)).words
    assert "Mean of the PSNRs: 30.00 dB." in words
    assert "PSNR of the mean squared error: 22.97 dB. Over 2 signals." in words


def test_the_averages_hold_with_exact_and_undefined_numbers():
    numbers = (math.inf, 20.0, None, math.nan)
    words = Page(report(*(Entry(name="x", numbers={"psnr": psnr}) for psnr in numbers))).words
    assert "Mean of the PSNRs: ∞ dB." in words
    assert "PSNR of the mean squared error: 23.01 dB. Over 2 signals." in words
    assert "Mean of" not in Page(report(Entry(name="x"), Entry(name="y", numbers={"psnr": None}))).words


@pytest.mark.parametrize("name", ["<script>alert(1)</script>", "\"'><img src=x onerror=alert(1)>", "a & b"])
def test_texts_are_escaped_everywhere(name):
    entry = Entry(name=name, numbers={name: name, "device": name})
    source = html([entry, entry], title=name, command=name, versions={name: name})
    page = Page(source)
    assert len(page.all("script")) == 1
    assert not page.all("img")
    assert page.words.count(name) >= 8


def test_a_file_name_that_is_no_text_can_be_written():
    source = report(Entry(name="bad\udcff.png"))
    assert "bad?.png" in source
    source.encode("utf-8")


def test_big_pictures_are_reduced_and_the_page_says_so():
    page = Page(report(full_entry(height=1030, width=2060)))
    assert {picture.size for picture in page.pictures().values()} == {(1024, 512)}
    assert "2060 × 1030 pixels; pictures reduced to 1024 × 512" in page.words


def test_small_pictures_are_shown_as_squares():
    small, large = (
        Page(report(full_entry(height=2, width=3))),
        Page(report(full_entry(height=300, width=300))),
    )
    assert {image.get("class") for image in small.all("img")} == {"small"}
    assert {image.get("class") for image in large.all("img")} == {None}
    assert "3 × 2 pixels, shown enlarged" in small.words


@pytest.mark.parametrize(("height", "width", "aspect"), [(1, 1, "1"), (1, 3000, "40"), (2000, 2, "0.025")])
def test_extreme_shapes_stay_visible(height, width, aspect):
    page = Page(report(full_entry(height=height, width=width)))
    assert {image["style"] for image in page.all("img")} == {f"--aspect: {aspect}"}
    assert ("shown thicker than it is" in page.words) == (aspect != "1")


def test_undefined_and_infinite_numbers_have_signs():
    numbers = {"psnr": math.inf, "ssim": None, "border_error": math.nan}
    words = Page(report(Entry(name="x", numbers=numbers))).words
    assert "∞" in words
    assert words.count("–") == 2
    assert "nan" not in words.lower()
    assert "none" not in words.lower()


def test_the_regions_are_listed_with_their_areas():
    words = " ".join(Page(report(full_entry())).words.split())
    assert "All 2 regions as a table" in words
    assert "0 30.00 400 66.67 1 ∞ 200 33.33" in words


def test_the_regions_are_listed_by_their_ids_where_those_are_known():
    entry = Entry(name="x", region_psnr=[30.0, 31.0], region_ids=[4, 17])
    words = " ".join(Page(report(entry)).words.split())
    assert "4 30.00 17 31.00" in words
    with pytest.raises(InputError, match="2 regions have a PSNR and 1 an id"):
        Entry(name="x", region_psnr=[30.0, 31.0], region_ids=[4])


def test_pixels_that_no_region_covers_have_no_error():
    original, decoded = np.full((4, 4, 3), 200, np.uint8), np.full((4, 4, 3), 199, np.uint8)
    decoded[:, 2:] = 0
    entry = Entry(name="x", original=original, decoded=decoded, covered=np.arange(4) < 2 * np.ones((4, 1)))
    shown = Page(report(entry)).words
    assert "amplified 100" in shown


def test_regions_without_areas_have_no_area_column():
    assert "Area" not in Page(report(Entry(name="x", region_psnr=[1.0]))).words


def test_the_slider_is_labelled_and_hidden_until_the_script_runs():
    page = Page(report(full_entry()))
    (slider,) = page.all("input")
    assert slider["type"] == "range"
    assert slider["aria-label"]
    assert any("hidden" in a and a.get("class") == "compare" for a in page.all("div"))


def test_an_entry_without_pictures_has_neither_slider_nor_figures():
    page = Page(report(Entry(name="x", numbers={"psnr": 1.0})))
    assert not page.all("img")
    assert not page.all("input")


def test_the_report_of_nothing_is_still_a_page():
    assert "inrfit eval x.inr" in Page(report()).words


def test_the_report_of_a_fit_shows_its_curve():
    page = Page(
        curve_html(
            "p.png", CURVE, title="fit", command="inrfit fit p.png", versions=VERSIONS, numbers={"psnr": 25.0}
        )
    )
    assert [chart["aria-label"] for chart in page.all("svg")] == ["PSNR against step", "PSNR against time"]
    assert "25.00" in page.words
    assert "inrfit fit p.png" in page.words


@pytest.mark.parametrize("curve", [[], [(1, 0.1, math.nan)], [(1, 0.1, math.inf)]])
def test_a_curve_without_a_finite_point_is_left_out(curve):
    page = Page(curve_html("p.png", curve, title="fit", command="c", versions={}))
    assert not page.all("svg")


def test_a_clip_has_a_curve_of_its_frames():
    entry = Entry(name="clip", frame_psnr=[30.0, None, 31.5, math.inf])
    page = Page(html([entry], title="t", command="c", versions=VERSIONS))
    charts = page.all("svg")
    assert [chart["aria-label"] for chart in charts] == ["PSNR of each frame"]
    assert "31.50" in page.words
