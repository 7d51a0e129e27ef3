"""Line charts as SVG files of their own; the charts are those of `svg`, the look is that of the report."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from inrfit.report import svg

STYLE = (
    ".chart{font:13px system-ui,sans-serif;fill:#5b6673}.grid{stroke:#dfe4e9;fill:none}.tick{stroke:#9aa5b1;fill:none}"
    ".line{stroke:#2c6ba8;stroke-width:2;fill:none;stroke-linejoin:round}.dot{fill:#2c6ba8}"
    ".value{fill:#1d2530;font-size:12px}.title{fill:#1d2530;font-size:14px}"
)

ROOM = 24
"""Height of the title above the chart."""


def drawing(points: Sequence[tuple[float, float]], title: str, x_label: str, y_label: str = "dB") -> str:
    """Return an SVG file with a line of (x, y) points; without any finite one it says so."""
    return _file(svg.line(points, title=title, x_label=x_label, y_label=y_label), title, svg.HEIGHT)


def comparison(
    named: Mapping[str, Sequence[tuple[float, float]]], title: str, x_label: str, y_label: str = "dB"
) -> str:
    """Return an SVG file with a line for each name; without any finite point it says so."""
    chart = svg.lines(named, title=title, x_label=x_label, y_label=y_label)
    return _file(chart, title, svg.HEIGHT + 10 + svg.KEY * len(named))


def _file(chart: str, title: str, height: int) -> str:
    inner = chart.partition(">")[2].removesuffix("</svg>")
    shown = title if inner else f"{title}: nothing was measured"
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" class="chart" width="{svg.WIDTH}" height="{height + ROOM}" '
        f'viewBox="0 {-ROOM} {svg.WIDTH} {height + ROOM}"><style>{STYLE}</style>'
        f'<rect x="0" y="{-ROOM}" width="100%" height="100%" fill="#fff"/>'
        f'<text class="title" x="10" y="-6">{svg.escaped(shown)}</text>{inner}</svg>\n'
    )
