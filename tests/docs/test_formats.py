"""The page on formats is that of the program, and names every format that is read or written."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest

from inrfit.io import kind_of
from inrfit.registry import names

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def page() -> str:
    spec = importlib.util.spec_from_file_location("make_formats", ROOT / "docs" / "make_formats.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.page()


def test_the_page_is_up_to_date(page: str) -> None:
    told = (ROOT / "docs" / "formats.md").read_text()
    assert told == page, "run: python docs/make_formats.py docs/formats.md"


@pytest.mark.parametrize("name", names("signal"))
def test_every_suffix_of_a_kind_stands_in_it_once(name: str) -> None:
    kind = kind_of(name)
    told = [suffix for row in kind.told for suffix in row.suffixes]
    assert len(told) == len(set(told))
    # Arrays are read by name of the kind alone, so they need not be among its suffixes.
    assert set(told) - {".npy"} == {*kind.suffixes, *kind.written} - {".npy"}


@pytest.mark.parametrize("name", names("signal"))
def test_what_is_said_to_be_written_is_written_and_nothing_else(name: str) -> None:
    kind = kind_of(name)
    written = {suffix for row in kind.told if row.written for suffix in row.suffixes}
    assert written == set(kind.written)
    assert all(row.read or row.written for row in kind.told)


@pytest.mark.parametrize("name", names("signal"))
def test_no_cell_breaks_the_table(name: str) -> None:
    for row in kind_of(name).told:
        for text in (row.name, row.read, row.kept, row.converted, row.dropped, row.written):
            assert "|" not in text
            assert "\n" not in text
