"""Pages lead somewhere, are not too wide, and those of the studies are what their results give."""

from __future__ import annotations

import re
import runpy
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))]
STUDIES = sorted((ROOT / "benchmarks" / "studies").glob("*.md"))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page):
    for target, heading in re.findall(r"\]\(([^)#]*)(?:#([^)]*))?\)", page.read_text()):
        if target.startswith("http"):
            continue
        led = page.parent / target if target else page
        assert led.exists(), target
        if heading:
            assert heading in anchors(led), f"{target}#{heading}"


def anchors(page: Path) -> set[str]:
    """The names that headings of a page have in links."""
    heads = re.findall(r"^#+ (.*)$", page.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", head.lower()).replace(" ", "-") for head in heads}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_prose_wraps_at_120(page):
    if page.name == "cli.md":
        pytest.skip("made of the help of the commands")
    assert not runpy.run_path(str(ROOT / "docs" / "wrap.py"))["too_wide"](page.read_text())


def test_readme_is_under_150_lines():
    assert len((ROOT / "README.md").read_text().splitlines()) < 150


def test_the_page_of_findings_can_be_read_in_ten_minutes():
    assert len((ROOT / "docs" / "benchmarks.md").read_text().split()) <= 2500


@pytest.mark.parametrize("study", STUDIES, ids=lambda study: study.stem)
def test_a_study_s_page_is_up_to_date(study, monkeypatch):
    monkeypatch.syspath_prepend(str(ROOT / "benchmarks"))
    import report  # type: ignore[import-not-found]

    made = (ROOT / "docs" / "studies" / study.name).read_text(encoding="utf-8")
    assert made == report.page(study), "run: python benchmarks/report.py"


def test_every_study_is_among_the_findings():
    told = (ROOT / "docs" / "benchmarks.md").read_text()
    assert [study.stem for study in STUDIES if f"studies/{study.name}" not in told] == []
