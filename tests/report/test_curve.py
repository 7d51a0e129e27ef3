"""A line chart as a file of its own."""

from __future__ import annotations

from xml.etree import ElementTree

from inrfit.report.curve import comparison, drawing


def test_it_is_a_whole_picture_with_its_own_style() -> None:
    text = drawing([(0, 10.0), (5, 20.0)], "PSNR of A & B", "step")
    root = ElementTree.fromstring(text)
    assert root.tag == "{http://www.w3.org/2000/svg}svg"
    words = [element.text for element in root.iter() if element.text]
    assert "PSNR of A & B" in words
    assert "20.00" in words
    assert any(".line{" in word for word in words)


def test_without_numbers_it_says_so() -> None:
    root = ElementTree.fromstring(drawing([(0, float("nan"))], "PSNR", "step"))
    assert any("nothing was measured" in (element.text or "") for element in root.iter())


def test_a_comparison_has_a_line_and_a_name_for_each() -> None:
    lines = {"a & b": [(0, 10.0), (1, 12.5)], "c": [(0, float("nan"))]}
    root = ElementTree.fromstring(comparison(lines, "PSNR", "step"))
    words = [element.text for element in root.iter() if element.text]
    assert "a & b: 12.50" in words
    assert "c: nothing was measured" in words
    empty = ElementTree.fromstring(comparison({"c": lines["c"]}, "PSNR", "step"))
    assert any("PSNR: nothing was measured" in (element.text or "") for element in empty.iter())
