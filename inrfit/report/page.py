"""The HTML of a report, put together from text, pictures and charts; it loads nothing from anywhere."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from inrfit.metrics.fidelity import mean_psnr, psnr_of_mean_mse
from inrfit.report import svg
from inrfit.report.entry import CurvePoint, Entry, Number
from inrfit.report.pictures import COLOURS, LONGEST, error_map, png_url, shown_size, shrunk
from inrfit.report.style import SCRIPT, STYLE
from inrfit.report.text import escaped, in_order, label, number, unit

SMALL = 256
"""Longest side, in pixels, up to which a picture is shown as squares instead of smoothed."""
THINNEST = 40
"""Ratio of the sides beyond which a picture is shown thicker than it is, so that it can be seen."""


def html(entries: Sequence[Entry], *, title: str, command: str, versions: Mapping[str, str]) -> str:
    """Return a whole report as one HTML file.

    Args:
        entries: the signals to show, in this order.
        title: heading of the page.
        command: the exact command line that made the report.
        versions: version by name of what made it, for example {"inrfit": "0.1.0"}.
    """
    body = [f"<header><h1>{escaped(title)}</h1></header><main>"]
    if len(entries) > 1:
        body.append(_summary(entries))
    body.extend(_article(entry, place) for place, entry in enumerate(entries, 1))
    body.append(f"</main>{_foot(command, versions)}")
    return _whole(title, body)


def comparison_html(
    lines: Mapping[str, Sequence[tuple[float, float]]],
    numbers: Mapping[str, Mapping[str, Number]],
    *,
    title: str,
    x_label: str,
    command: str,
    versions: Mapping[str, str],
) -> str:
    """Return a report of things that are compared: a chart with a line for each, and a table.

    Args:
        lines: name -> (x, PSNR in dB) in order.
        numbers: name -> values by name, as in `Entry`.
        title, command, versions: as for `html`.
        x_label: what x counts.
    """
    chart = svg.lines(lines, title=title, x_label=x_label, y_label="dB") or "<p>Nothing was measured.</p>"
    columns = list(dict.fromkeys(column for row in numbers.values() for column in row))
    head = "".join(f"<th>{escaped(label(one))}<small>{escaped(unit(one))}</small></th>" for one in columns)
    rows = "".join(
        f"<tr><th>{escaped(name)}</th>"
        + "".join(f"<td>{escaped(number(one, row.get(one)))}</td>" for one in columns)
        + "</tr>"
        for name, row in numbers.items()
    )
    body = [
        f"<header><h1>{escaped(title)}</h1></header><main>",
        f'<article><div class="charts"><div>{chart}</div></div>',
        f'<div class="wide"><table><thead><tr><th></th>{head}</tr></thead><tbody>{rows}</tbody></table></div></article>',
        f"</main>{_foot(command, versions)}",
    ]
    return _whole(title, body)


def _whole(title: str, body: Sequence[str]) -> str:
    return (
        '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        '<meta http-equiv="Content-Security-Policy" content="default-src \'none\'; img-src data:; '
        "style-src 'unsafe-inline'; script-src 'unsafe-inline'\">"
        f"<title>{escaped(title)}</title><style>{STYLE}</style></head>\n<body>"
        + "\n".join(body)
        + f"<script>{SCRIPT}</script></body></html>\n"
    )


def curve_html(
    name: str,
    curve: Sequence[CurvePoint],
    *,
    title: str,
    command: str,
    versions: Mapping[str, str],
    numbers: Mapping[str, Number] | None = None,
) -> str:
    """Return the report of one fit without pictures: its curve and its numbers.

    Args:
        name: what was fitted.
        curve: (step, seconds, PSNR in dB) in order.
        title, command, versions: as for `html`.
        numbers: values by name, as in `Entry`.
    """
    entry = Entry(name=name, curve=curve, numbers=numbers or {})
    return html([entry], title=title, command=command, versions=versions)


def _summary(entries: Sequence[Entry]) -> str:
    names = in_order(list(dict.fromkeys(name for entry in entries for name in entry.numbers)))
    head = "".join(f"<th>{escaped(label(name))}<small>{escaped(unit(name))}</small></th>" for name in names)
    rows = "".join(
        f'<tr><th><a href="#entry-{place}">{escaped(entry.name)}</a></th>'
        + "".join(f"<td>{escaped(number(name, entry.numbers.get(name)))}</td>" for name in names)
        + "</tr>"
        for place, entry in enumerate(entries, 1)
    )
    return (
        f'<section class="summary"><h2>{len(entries)} signals</h2><div class="wide"><table><thead><tr><th>Signal'
        f"</th>{head}</tr></thead><tbody>{rows}</tbody></table></div>{_averages(entries)}</section>"
    )


def _averages(entries: Sequence[Entry]) -> str:
    """Return both averages of the PSNR, which differ: codec tables use the one or the other."""
    values = [entry.numbers.get("psnr") for entry in entries]
    numbers = [float(value) for value in values if isinstance(value, int | float) and not math.isnan(value)]
    if not numbers:
        return ""
    errors = [10 ** (-value / 10) for value in numbers]
    mean, of_mean = (number("psnr", average(errors)) for average in (mean_psnr, psnr_of_mean_mse))
    return (
        f'<p class="soft">Mean of the PSNRs: {mean} dB. '
        f"PSNR of the mean squared error: {of_mean} dB. Over {len(numbers)} signals.</p>"
    )


def _article(entry: Entry, place: int) -> str:
    numbers = _numbers(entry)
    slider = "" if entry.original is None else _slider(entry.original)
    top = f'<div class="top">{slider}{numbers}</div>' if slider or numbers else ""
    return (
        f'<article id="entry-{place}"><h2>{escaped(entry.name)}</h2>{_size_note(entry)}{top}'
        f"{_pictures(entry)}{_charts(entry)}{_region_table(entry)}</article>"
    )


def _size_note(entry: Entry) -> str:
    if entry.original is None:
        return ""
    height, width = entry.original.shape[:2]
    note = f"{width} × {height} pixels"
    if max(height, width) > LONGEST:
        small_height, small_width = shown_size(height, width)
        note += f"; pictures reduced to {small_width} × {small_height} for this page, numbers are of the full size"
    elif max(height, width) <= SMALL:
        note += ", shown enlarged"
    if max(height, width) > THINNEST * min(height, width):
        note += "; shown thicker than it is"
    return f'<p class="soft">{note}</p>'


def _numbers(entry: Entry) -> str:
    if not entry.numbers:
        return ""
    rows = "".join(
        f"<tr><th>{escaped(label(name))}</th><td>{escaped(number(name, entry.numbers[name]))}</td>"
        f'<td class="unit">{escaped(unit(name))}</td></tr>'
        for name in in_order(list(entry.numbers))
    )
    return f'<div class="wide"><table><tbody>{rows}</tbody></table></div>'


def _slider(original: NDArray[np.uint8]) -> str:
    return (
        f'<div class="compare" style="--x: 50%; --aspect: {_aspect(original)}" hidden><div class="stack"></div>'
        '<label>Original<input type="range" min="0" max="100" step="0.5" value="50" '
        'aria-label="Share of the picture that shows the original">Decoded</label></div>'
    )


def _pictures(entry: Entry) -> str:
    figures = []
    if entry.original is not None and entry.decoded is not None:
        covered = True if entry.covered is None else entry.covered[..., None]
        error = error_map(entry.original, np.where(covered, entry.decoded, entry.original))
        figures += [
            _figure("original", entry.original, "Original"),
            _figure("decoded", entry.decoded, "Decoded"),
            _figure("error", error.picture, f"Error, amplified {error.factor} ×", _scale_bar(error.factor)),
        ]
    if entry.overlay is not None:
        figures.append(_figure("partition", entry.overlay, "Partition"))
    return f'<div class="pictures">{"".join(figures)}</div>' if figures else ""


def _figure(name: str, picture: NDArray[np.uint8], caption: str, more: str = "") -> str:
    small = ' class="small"' if max(picture.shape) <= SMALL else ""
    shown = shrunk(picture)
    return (
        f'<figure class="{name}"><img{small} src="{png_url(shown)}" alt="{caption}" '
        f'style="--aspect: {_aspect(picture)}"><figcaption>{caption}{more}</figcaption></figure>'
    )


def _aspect(picture: NDArray[np.uint8]) -> str:
    height, width = picture.shape[:2]
    return f"{min(max(width / height, 1 / THINNEST), THINNEST):.5g}"


def _scale_bar(factor: int) -> str:
    """Return the colours of the error map with the 8-bit error they stand for."""
    colours = ", ".join(f"rgb({r:.0f} {g:.0f} {b:.0f})" for r, g, b in COLOURS)
    return (
        f'<div class="scale">0<i style="background: linear-gradient(90deg, {colours})"></i>'
        f"{255 / factor:.3g} of 255</div>"
    )


def _charts(entry: Entry) -> str:
    charts = []
    if entry.region_psnr:
        charts.append(
            (
                "PSNR of each region",
                svg.bars(entry.region_psnr, title="PSNR of each region", x_label="region", y_label="dB"),
            )
        )
    title = "PSNR of each frame"
    frames = [(number, psnr) for number, psnr in enumerate(entry.frame_psnr or []) if psnr is not None]
    charts.append((title, svg.line(frames, title=title, x_label="frame", y_label="dB")))
    curve = entry.curve or []
    for title, x_label, points in (
        ("PSNR against step", "step", [(step, psnr) for step, _, psnr in curve]),
        ("PSNR against time", "seconds", [(seconds, psnr) for _, seconds, psnr in curve]),
    ):
        charts.append((title, svg.line(points, title=title, x_label=x_label, y_label="dB")))
    title = "PSNR against rate"
    charts.append((title, svg.lines(entry.rates or {}, title=title, x_label="bits per pixel", y_label="dB")))
    drawn = "".join(f"<div><h3>{title}</h3>{chart}</div>" for title, chart in charts if chart)
    return f'<div class="charts">{drawn}</div>' if drawn else ""


def _region_table(entry: Entry) -> str:
    if not entry.region_psnr:
        return ""
    areas = entry.areas or []
    total = sum(areas)
    head = "<th>Region</th><th>PSNR<small>dB</small></th>"
    head += "<th>Area<small>pixels</small></th><th>Share<small>%</small></th>" if total else ""
    rows = []
    ids = range(len(entry.region_psnr)) if entry.region_ids is None else entry.region_ids
    for place, psnr in enumerate(entry.region_psnr):
        cells = f"<th>{ids[place]}</th><td>{number('psnr', psnr)}</td>"
        if total:
            cells += f"<td>{areas[place]:,d}</td><td>{100 * areas[place] / total:.2f}</td>"
        rows.append(f"<tr>{cells}</tr>")
    return (
        f'<details><summary>All {len(rows)} regions as a table</summary><div class="wide"><table><thead><tr>'
        f"{head}</tr></thead><tbody>{''.join(rows)}</tbody></table></div></details>"
    )


def _foot(command: str, versions: Mapping[str, str]) -> str:
    listed = ", ".join(f"{escaped(name)} {escaped(version)}" for name, version in versions.items())
    return f"<footer>Made by<pre><code>{escaped(command)}</code></pre>{listed}</footer>"
