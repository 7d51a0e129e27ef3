from __future__ import annotations

import math
import re
import xml.etree.ElementTree as ElementTree

import pytest

from inrfit.report import svg

LABELS = {"title": "t & <t>", "x_label": "x", "y_label": "dB"}


def texts(chart: str) -> list[str]:
    return [element.text or "" for element in ElementTree.fromstring(chart).iter("text")]


def shapes(chart: str, name: str) -> list[str]:
    paths = ElementTree.fromstring(chart).iter("path")
    drawn = "".join(path.get("d", "") for path in paths if path.get("class") == name)
    return re.findall(r"M[^M]*", drawn)


@pytest.mark.parametrize(
    ("extent", "count", "step"),
    [(10, 5, 2), (1000, 5, 200), (0.3, 5, 0.1), (7, 7, 1), (26, 5, 10), (1, 5, 0.2)],
)
def test_steps_are_one_two_or_five(extent, count, step):
    assert svg.nice_step(extent, count) == pytest.approx(step)


def test_an_axis_ends_at_ticks_and_holds_its_values():
    axis = svg.nice_axis([10.3, 31.7], 200, 0)
    assert (axis.low, axis.high) == (10, 35)
    assert axis.ticks() == [10, 15, 20, 25, 30, 35]
    assert axis.place(10) == 200
    assert axis.place(35) == 0


@pytest.mark.parametrize("value", [0.0, 30.0, -3.0, 1e17])
def test_an_axis_of_one_value_has_room(value):
    axis = svg.nice_axis([value], 0, 100)
    assert axis.low < value < axis.high
    assert len(axis.ticks()) >= 2


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([0, 1], ["0.0", "0.2", "0.4", "0.6", "0.8", "1.0"]),
        ([0, 2000], ["0", "500", "1,000", "1,500", "2,000"]),
    ],
)
def test_ticks_have_the_decimals_they_need(values, expected):
    axis = svg.nice_axis(values, 0, 1)
    assert [axis.text(tick) for tick in axis.ticks()] == expected


def test_a_line_goes_through_its_points():
    chart = svg.line([(0, 10.0), (50, 20.0), (100, 30.0)], **LABELS)
    (path,) = shapes(chart, "line")
    points = [tuple(map(float, pair.split(","))) for pair in path[1:].split("L")]
    assert points == [
        (svg.LEFT, svg.BOTTOM),
        ((svg.LEFT + svg.RIGHT) / 2, (svg.TOP + svg.BOTTOM) / 2),
        (svg.RIGHT, svg.TOP),
    ]
    assert "30.00" in texts(chart)
    assert {"x", "dB", "100"} <= set(texts(chart))


def test_points_that_are_not_finite_are_left_out():
    chart = svg.line([(0, 1.0), (1, math.nan), (2, math.inf), (3, 2.0)], **LABELS)
    (path,) = shapes(chart, "line")
    assert path.count("L") == 1
    assert svg.line([(0, math.inf)], **LABELS) == ""
    assert svg.line([], **LABELS) == ""


def test_one_point_is_a_dot():
    chart = svg.line([(7, 30.0)], **LABELS)
    assert len(list(ElementTree.fromstring(chart).iter("circle"))) == 1


def test_long_curves_are_thinned_and_keep_their_ends():
    (path,) = shapes(svg.line([(n, float(n)) for n in range(50001)], **LABELS), "line")
    points = path[1:].split("L")
    assert len(points) == svg.MOST_POINTS
    assert points[0] == f"{svg.LEFT:.1f},{svg.BOTTOM:.1f}"
    assert points[-1].startswith(f"{svg.nice_axis([0, 50000], svg.LEFT, svg.RIGHT).place(50000):.1f},")


def test_bars_start_at_zero_and_end_at_their_value():
    chart = svg.bars([10.0, 20.0], **LABELS)
    tops = [float(re.findall(r"V([\d.]+)", shape)[0]) for shape in shapes(chart, "bar")]
    assert tops == [(svg.TOP + svg.BOTTOM) / 2, svg.TOP]
    assert {"10.0", "20.0", "0", "1"} <= set(texts(chart))


def test_infinite_bars_reach_the_top_and_nan_has_none():
    chart = svg.bars([10.0, math.inf, math.nan, -math.inf], **LABELS)
    assert len(shapes(chart, "bar")) == 1
    (exact,) = shapes(chart, "bar exact")
    assert f"V{svg.TOP:.1f}H" in exact
    assert texts(chart).count("∞") == 1
    assert "nan" not in chart


@pytest.mark.parametrize("values", [[math.inf] * 3, [0.0], [-1.0, 2.0], [math.nan]])
def test_odd_bars_stay_inside_the_drawing(values):
    chart = svg.bars(values, **LABELS)
    heights = [float(y) for y in re.findall(r"V([-\d.]+)", chart)]
    assert all(svg.TOP <= y <= svg.BOTTOM for y in heights)


def test_many_bars_have_no_labels_and_few_ticks():
    chart = svg.bars([30.0] * 5000, **LABELS)
    assert len(shapes(chart, "bar")) == 5000
    assert len(texts(chart)) < 25
    assert "1,000" in texts(chart)


def test_no_bars_are_no_chart():
    assert svg.bars([], **LABELS) == ""


def test_labels_are_escaped():
    root = ElementTree.fromstring(svg.bars([1.0], **LABELS))
    assert root.get("aria-label") == "t & <t>"


def test_a_line_of_one_point_is_a_dot():
    chart = svg.lines({"curve": [(0, 1), (1, 2)], "one": [(0.5, 1.5)]}, **LABELS)
    dots = ElementTree.fromstring(chart).iter("circle")
    assert [dot.get("style") for dot in dots] == [f"fill:{svg.COLOURS[1]}"]
