"""Small charts as inline SVG text, bars and lines; not a plotting library."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from inrfit.report.text import escaped

WIDTH, HEIGHT = 460, 260
LEFT, RIGHT, TOP, BOTTOM = 50, 436, 22, 214
MOST_POINTS = 600
"""Points of a line; more could not be told apart."""
COLOURS = ("#2c6ba8", "#c2571a", "#2f8f5b", "#8a4fa3", "#b3923c", "#5b6673")
"""Of the lines of one chart, in their order; after the last the first comes again."""
KEY = 18
"""Height of a line's name below the chart."""
MOST_LABELS = 16
"""Bars that have room for their value in writing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Axis:
    """A linear scale.

    Attributes:
        low, high: values at its ends; low < high.
        start, end: where the ends lie in the drawing.
        step: distance between ticks.
    """

    low: float
    high: float
    start: float
    end: float
    step: float

    def place(self, value: float) -> float:
        """Return where a value lies in the drawing."""
        return self.start + (value - self.low) / (self.high - self.low) * (self.end - self.start)

    def ticks(self) -> list[float]:
        """Return the multiples of `step` from `low` to `high`."""
        first, last = math.ceil(self.low / self.step - 1e-9), math.floor(self.high / self.step + 1e-9)
        return [number * self.step for number in range(first, last + 1)]

    def text(self, tick: float) -> str:
        """Write a tick with the decimals that `step` needs."""
        return f"{tick:,.{max(0, -math.floor(math.log10(self.step) + 1e-9))}f}"


def nice_step(extent: float, count: int) -> float:
    """Return 1, 2 or 5 times a power of ten that cuts `extent` into at most `count` parts."""
    rough = extent / count
    power = 10.0 ** math.floor(math.log10(rough))
    return next(power * m for m in (1, 2, 5, 10) if power * m >= rough * (1 - 1e-9))


def nice_axis(values: Sequence[float], start: float, end: float, *, count: int = 5) -> Axis:
    """Return an axis that holds all values (finite, at least one) and ends at ticks."""
    low, high = min(values), max(values)
    if high - low <= 1e-9 * max(abs(low), abs(high), 1):
        room = max(0.5, abs(high) * 1e-6)
        low, high = low - room, high + room
    step = nice_step(high - low, count)
    low, high = math.floor(low / step + 1e-9) * step, math.ceil(high / step - 1e-9) * step
    return Axis(low=low, high=high, start=start, end=end, step=step)


def line(points: Sequence[tuple[float, float]], *, title: str, x_label: str, y_label: str) -> str:
    """Return a line chart of (x, y) points; those that are not finite are left out.

    Returns:
        One `svg` element, or an empty text when no point is finite.
    """
    finite = [point for point in points if math.isfinite(point[0]) and math.isfinite(point[1])]
    if not finite:
        return ""
    x_axis = nice_axis([0.0, *(x for x, _ in finite)], LEFT, RIGHT)
    y_axis = nice_axis([y for _, y in finite], BOTTOM, TOP)
    places = [(x_axis.place(x), y_axis.place(y)) for x, y in _thinned(finite)]
    path = "L".join(f"{x:.1f},{y:.1f}" for x, y in places)
    x, y = places[-1]
    below = "" if y > TOP + 12 else ' dy="22"'
    marks = (
        f'<path class="line" d="M{path}"/><circle class="dot" cx="{x:.1f}" cy="{y:.1f}" r="3.5"/>'
        f'<text class="value" x="{x:.1f}" y="{y - 8:.1f}"{below} text-anchor="end">{finite[-1][1]:.2f}</text>'
    )
    return _chart(marks, _x_ticks(x_axis) + _y_ticks(y_axis), title=title, x_label=x_label, y_label=y_label)


def lines(
    named: Mapping[str, Sequence[tuple[float, float]]], *, title: str, x_label: str, y_label: str
) -> str:
    """Return a chart of several lines, each in a colour of its own, with their names below it.

    Args:
        named: name -> (x, y) points, one for a dot; those that are not finite are left out.
        title, x_label, y_label: what is shown and what the axes count.

    Returns:
        One `svg` element, or an empty text when no point is finite.
    """
    kept = {
        name: [point for point in points if math.isfinite(point[0]) and math.isfinite(point[1])]
        for name, points in named.items()
    }
    every = [point for points in kept.values() for point in points]
    if not every:
        return ""
    x_axis = nice_axis([0.0, *(x for x, _ in every)], LEFT, RIGHT)
    y_axis = nice_axis([y for _, y in every], BOTTOM, TOP)
    marks = ""
    for place, (name, points) in enumerate(kept.items()):
        colour, below = COLOURS[place % len(COLOURS)], HEIGHT + 10 + KEY * place
        path = "L".join(f"{x_axis.place(x):.1f},{y_axis.place(y):.1f}" for x, y in _thinned(points))
        marks += f'<path class="line" style="stroke:{colour}" d="M{path}"/>' if points else ""
        if len(points) == 1:
            x, y = x_axis.place(points[0][0]), y_axis.place(points[0][1])
            marks += f'<circle class="dot" style="fill:{colour}" cx="{x:.1f}" cy="{y:.1f}" r="3.5"/>'
        last = f": {points[-1][1]:.2f}" if points else ": nothing was measured"
        marks += (
            f'<path class="line" style="stroke:{colour}" d="M{LEFT},{below - 4}h18"/>'
            f'<text x="{LEFT + 24}" y="{below}">{escaped(name + last)}</text>'
        )
    axes = _x_ticks(x_axis) + _y_ticks(y_axis)
    height = HEIGHT + 10 + KEY * len(kept)
    return _chart(marks, axes, title=title, x_label=x_label, y_label=y_label, height=height)


def bars(values: Sequence[float], *, title: str, x_label: str, y_label: str) -> str:
    """Return a bar chart of values numbered from 0; inf has a paler bar to the top, NaN and -inf none.

    Returns:
        One `svg` element, or an empty text when there are no values.
    """
    if not values:
        return ""
    few = len(values) <= MOST_LABELS
    finite = [value for value in values if math.isfinite(value)]
    y_axis = nice_axis([0.0, *(finite or [1.0])], BOTTOM, TOP)
    # Bars stand on whole numbers, with room for half a bar on either side.
    step = 1.0 if few else nice_step(len(values), 8)
    x_axis = Axis(low=-0.5, high=len(values) - 0.5, start=LEFT, end=RIGHT, step=step)
    tops = [TOP if value == math.inf else y_axis.place(value) for value in values]
    outlines: dict[str, list[str]] = {"bar": [], "bar exact": []}
    for number, (value, top) in enumerate(zip(values, tops, strict=True)):
        if math.isfinite(value) or value == math.inf:
            outlines["bar exact" if value == math.inf else "bar"].append(_bar(x_axis, y_axis, number, top))
    marks = "".join(f'<path class="{name}" d="{"".join(shapes)}"/>' for name, shapes in outlines.items())
    marks += _bar_labels(x_axis, values, tops) if few else ""
    axes = _x_ticks(x_axis) + _y_ticks(y_axis)
    return _chart(marks, axes, title=title, x_label=x_label, y_label=y_label)


def _bar(x_axis: Axis, y_axis: Axis, number: int, top: float) -> str:
    foot = y_axis.place(0)
    left, right = x_axis.place(number - 0.4), x_axis.place(number + 0.4)
    return f"M{left:.2f},{foot:.1f}V{top:.1f}H{right:.2f}V{foot:.1f}Z"


def _bar_labels(x_axis: Axis, values: Sequence[float], tops: Sequence[float]) -> str:
    return "".join(
        f'<text class="value" x="{x_axis.place(number):.1f}" y="{top - 4:.1f}" text-anchor="middle">'
        f"{'∞' if value == math.inf else f'{value:.1f}'}</text>"
        for number, (value, top) in enumerate(zip(values, tops, strict=True))
        if math.isfinite(value) or value == math.inf
    )


def _thinned(points: Sequence[tuple[float, float]]) -> Sequence[tuple[float, float]]:
    """Return at most `MOST_POINTS` of the points, evenly picked, with the first and the last."""
    if len(points) <= MOST_POINTS:
        return points
    last = len(points) - 1
    return [points[round(number * last / (MOST_POINTS - 1))] for number in range(MOST_POINTS)]


def _x_ticks(axis: Axis) -> str:
    places = [(axis.place(tick), axis.text(tick)) for tick in axis.ticks()]
    return "".join(
        f'<path class="tick" d="M{x:.1f},{BOTTOM}v4"/>'
        f'<text x="{x:.1f}" y="{BOTTOM + 17}" text-anchor="middle">{text}</text>'
        for x, text in places
    )


def _y_ticks(axis: Axis) -> str:
    places = [(axis.place(tick), axis.text(tick)) for tick in axis.ticks()]
    return "".join(
        f'<path class="grid" d="M{LEFT},{y:.1f}H{RIGHT}"/>'
        f'<text x="{LEFT - 7}" y="{y + 4:.1f}" text-anchor="end">{text}</text>'
        for y, text in places
    )


def _chart(marks: str, axes: str, *, title: str, x_label: str, y_label: str, height: int = HEIGHT) -> str:
    """Put marks over axes and name everything."""
    return (
        f'<svg class="chart" viewBox="0 0 {WIDTH} {height}" role="img" aria-label="{escaped(title)}">'
        f'{axes}<path class="tick" d="M{LEFT},{BOTTOM}H{RIGHT}"/>{marks}'
        f'<text x="{(LEFT + RIGHT) / 2}" y="{HEIGHT - 8}" text-anchor="middle">{escaped(x_label)}</text>'
        f'<text x="{LEFT - 40}" y="12">{escaped(y_label)}</text></svg>'
    )
