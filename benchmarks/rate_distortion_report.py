"""The tables of `rate_distortion.py`: means over pictures, codecs at the same rates, BD-rates; it measures nothing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from tables import Block, Table, source

from inrfit.errors import InputError
from inrfit.metrics import bjontegaard, fidelity

PUBLISHED: dict[str, tuple[tuple[float, float], ...]] = {
    "COIN, mean of 24 pictures": ((0.1604, 24.64), (0.3074, 26.41), (0.6109, 28.41), (1.209, 30.64)),
    "Strümpler et al., 8 bits, mean of 24 pictures": ((0.30, 28.42), (0.50, 30.01), (0.75, 31.41)),
}
"""Bits per pixel and mean PSNR in dB of whole Kodak pictures.

Sources: Dupont et al., COIN, arXiv 2103.03123, whose rate is that of 16-bit weights and no file; Strümpler et al., Implicit
neural representations for image compression, arXiv 2112.04267, the results of its repository (basic, no
meta-learning), interpolated over the logarithm of the rate.
"""

Row = Mapping[str, Any]
Points = Sequence[tuple[float, float]]


def points_of(row: Row) -> list[tuple[float, float]]:
    """Return the points (bits per pixel, PSNR in dB) of a codec's row that no smaller file surpasses."""
    return bjontegaard.front([(8 * p["bytes"] / row["pixels"], p["psnr"]) for p in row["points"]])


def mean_curve(rows: Sequence[Row]) -> list[tuple[float, float]]:
    """Return the curve of the means of bits per pixel and of PSNR at each quality of one codec.

    Curves are mostly published so: hard pictures take more bits than easy ones there, as they cannot at one rate for all.
    """
    qualities = [point["quality"] for point in rows[0]["points"]]
    found = []
    for place in range(len(qualities)):
        rates = [8 * row["points"][place]["bytes"] / row["pixels"] for row in rows]
        found.append((float(np.mean(rates)), float(np.mean([row["points"][place]["psnr"] for row in rows]))))
    return bjontegaard.front(found)


def at_rate(points: Points, rate: float) -> float | None:
    """Return the PSNR of a curve at a rate, by PCHIP over the logarithm of the rate; None beyond its ends.

    Args:
        points: (rate, PSNR in dB) by rising rate, two at least.
        rate: in the unit of the points.
    """
    from scipy.interpolate import PchipInterpolator

    rates, values = np.array(points).T
    if not rates[0] <= rate <= rates[-1]:
        return None
    return float(PchipInterpolator(np.log(rates), values)(np.log(rate)))


def label(row: Row) -> str:
    """Return what a row is called: its way, and the steps."""
    return f"{row['way']}, {row['steps']:,} steps"


def tables(results: Sequence[Mapping[str, Any]]) -> list[Block]:
    """Return the tables of results of fits and of codecs, in any order.

    Codecs are averaged over the pictures that were fitted, where there are fits.
    """
    fits = [
        row for data in results if data["part"] == "fits" for row in data["rows"] if row["psnr"] is not None
    ]
    codecs = [row for data in results if data["part"] == "codecs" for row in data["rows"]]
    shown = {row["image"] for row in fits}
    codecs = [row for row in codecs if not shown or row["image"] in shown]
    rates = sorted({row["wanted_bpp"] for row in fits}) or [0.15, 0.3, 0.5, 0.75, 1.0]
    parts: list[Block] = [_quality(fits, codecs, rates)]
    if fits:
        parts.append(_cost(fits))
    if fits and codecs:
        parts.append(_distance(fits, codecs))
    if any(data["settings"]["side"] is None for data in results):
        parts.append(_published())
    return [*parts, *(source(data["provenance"], data["provenance"]["device"]) for data in results)]


def _quality(fits: Sequence[Row], codecs: Sequence[Row], rates: Sequence[float]) -> Table:
    """Return mean PSNR / PSNR of the mean error, by way and codec; a codec has none where a picture has none."""
    lines = []
    for name in dict.fromkeys(map(label, fits)):
        own = [row for row in fits if label(row) == name]
        cells = [[row["psnr"] for row in own if row["wanted_bpp"] == rate] for rate in rates]
        most = max(map(len, cells))
        told = [_both(cell) + (f" ({len(cell)})" if 0 < len(cell) < most else "") for cell in cells]
        lines.append([name, str(most), *told])
    for codec in dict.fromkeys(row["codec"] for row in codecs):
        curves = [points_of(row) for row in codecs if row["codec"] == codec]
        cells = [[at_rate(curve, rate) for curve in curves] for rate in rates]
        lines.append([codec.upper(), str(len(curves)), *map(_both, cells)])
        curve = mean_curve([row for row in codecs if row["codec"] == codec])
        values = [at_rate(curve, rate) for rate in rates]
        told = ["" if value is None else f"{value:.2f}" for value in values]
        lines.append([f"{codec.upper()}, means at equal quality", str(len(curves)), *told])
    return Table(["", "pictures", *(f"{rate:g} bpp" for rate in rates)], lines, right=True)


def _both(values: Sequence[float | None]) -> str:
    """Return the mean of some PSNRs and the PSNR of the mean of their errors; nothing where one is missing."""
    known = [value for value in values if value is not None]
    if not known or len(known) < len(values):
        return ""
    errors = [10 ** (-value / 10) for value in known]
    return f"{np.mean(known):.2f} / {fidelity.psnr_of_mean_mse(errors):.2f}"


def _cost(fits: Sequence[Row]) -> Table:
    """Return what was written, means over the pictures."""
    head = ["", "wanted bpp", "bpp", "bytes", "front", "shared", "weights", "bits a weight", "MAC a pixel"]
    lines = []
    for key in dict.fromkeys((label(row), row["wanted_bpp"]) for row in fits):
        own = [row for row in fits if (label(row), row["wanted_bpp"]) == key]
        mean = {
            name: float(np.mean([row[name] for row in own]))
            for name in ("bpp", "bytes", "params", "macs_per_pixel", "seconds")
        }
        front, shared = (float(np.mean([row["parts"][name] for row in own])) for name in ("front", "shared"))
        cells = [key[0], f"{key[1]:g}", f"{mean['bpp']:.4f}", f"{mean['bytes']:,.0f}", f"{front:,.0f}"]
        cells += [f"{shared:,.0f}", f"{mean['params']:,.0f}", f"{8 * mean['bytes'] / mean['params']:.2f}"]
        cells += [f"{mean['macs_per_pixel']:,.0f}", f"{mean['seconds']:.1f}", str(len(own))]
        lines.append(cells)
    return Table([*head, "seconds", "pictures"], lines, right=True)


def _distance(fits: Sequence[Row], codecs: Sequence[Row]) -> Table:
    """Return the BD-rate of each way against each codec, the mean over pictures for which there is one."""
    known = list(dict.fromkeys(row["codec"] for row in codecs))
    lines = []
    for name in dict.fromkeys(map(label, fits)):
        cells = []
        for codec in known:
            found = [
                distance
                for row in codecs
                if row["codec"] == codec and (distance := _bd_rate(row, name, fits)) is not None
            ]
            cells.append(f"{np.mean(found):+.1f} % ({len(found)} pictures)" if found else "")
        lines.append([name, *cells])
    return Table(["BD-rate", *(f"against {name.upper()}" for name in known)], lines, right=True)


def _bd_rate(codec: Row, name: str, fits: Sequence[Row]) -> float | None:
    """Return the BD-rate of the fits of one picture in one way; None where there are too few, or nothing in common."""
    own = [(row["bpp"], row["psnr"]) for row in fits if label(row) == name and row["image"] == codec["image"]]
    try:
        return bjontegaard.bd_rate(points_of(codec), bjontegaard.front(own))
    except InputError:
        return None


def _published() -> Table:
    lines = [
        [name, ", ".join(f"{rate:g}: {value:.2f}" for rate, value in points)]
        for name, points in PUBLISHED.items()
    ]
    return Table(["published", "bpp: PSNR"], lines)
