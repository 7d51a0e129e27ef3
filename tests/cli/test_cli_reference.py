"""The page on the command line is that of the program."""

from __future__ import annotations

import runpy
import sys
from pathlib import Path

import pytest

from inrfit.cli import reference
from inrfit.cli.verbs import VERBS

PAGE = Path(__file__).resolve().parents[2] / "docs" / "cli.md"


def test_the_page_is_up_to_date() -> None:
    assert PAGE.read_text() == reference.page(), "run: python -m inrfit.cli.reference docs/cli.md"


def test_the_page_does_not_depend_on_the_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    page = reference.page()
    monkeypatch.setenv("COLUMNS", "40")
    assert reference.page() == page


def test_the_page_is_complete() -> None:
    page = reference.page()
    for heading in (*(f"### `inrfit {verb}`" for verb in VERBS), "## Exit codes", "## JSON"):
        assert f"\n{heading}\n" in page
    assert "* `--target-psnr DB`: " in page
    assert page.count("| `psnr` |") == 1


def test_the_module_writes_the_page(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", ["reference", str(tmp_path / "cli.md")])
    runpy.run_path(reference.__file__, run_name="__main__")
    assert (tmp_path / "cli.md").read_text() == PAGE.read_text()
