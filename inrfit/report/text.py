"""Words and numbers of a report: labels, units, rounding and escaping; no layout."""

from __future__ import annotations

import html
import math
import unicodedata

from inrfit.report.entry import Number

UNDEFINED = "–"

UNSEEN = ("Cc", "Cf", "Cs")
"""Classes of characters that have no picture of their own: controls, formats, surrogates."""

QUANTITIES: dict[str, tuple[str, str, str]] = {
    "psnr": ("PSNR", "dB", ".2f"),
    "psnr_minmax": ("PSNR, both stretched", "dB", ".2f"),
    "mse": ("Mean squared error", "", ".3g"),
    "ssim": ("SSIM", "", ".4f"),
    "ms_ssim": ("MS-SSIM", "", ".4f"),
    "border_error": ("Error at borders / elsewhere", "×", ".2f"),
    "bytes": ("File size", "bytes", ",d"),
    "bpp": ("Rate", "bits/pixel", ".3f"),
    "params": ("Weights", "", ",d"),
    "regions": ("Regions", "", ",d"),
    "steps": ("Steps", "", ",d"),
    "seconds": ("Time", "s", ".1f"),
    "device": ("Device", "", "s"),
}
"""Label, unit and format of the numbers a report knows, in the order of its tables."""


def escaped(value: object) -> str:
    """Return text that is safe in HTML, also between quotes.

    Bytes of a file name that are no text (lone surrogates in Python), control characters and marks that turn the
    direction of writing become question marks.
    """
    shown = ("?" if c != "\n" and unicodedata.category(c) in UNSEEN else c for c in str(value))
    return html.escape("".join(shown), quote=True)


def known(name: str) -> str:
    """Return the spelling of a number's name in `QUANTITIES`: `ms-ssim` is `ms_ssim`."""
    return name.replace("-", "_")


def in_order(names: list[str]) -> list[str]:
    """Sort names of numbers: the known ones as in `QUANTITIES`, then the others as they come."""
    places = {name: place for place, name in enumerate(QUANTITIES)}
    return sorted(names, key=lambda name: places.get(known(name), len(places)))


def label(name: str) -> str:
    """Return the words for a number's name; an unknown name is shown as it is, with spaces."""
    return QUANTITIES[known(name)][0] if known(name) in QUANTITIES else name.replace("_", " ")


def unit(name: str) -> str:
    """Return the unit of a number; empty where it has none or is unknown."""
    return QUANTITIES[known(name)][1] if known(name) in QUANTITIES else ""


def number(name: str, value: Number) -> str:
    """Return a value as text: rounded as suits its name, a dash where it is not defined, ∞ where infinite."""
    if value is None or isinstance(value, str):
        return value or UNDEFINED
    if math.isnan(value):
        return UNDEFINED
    if math.isinf(value):
        return "∞" if value > 0 else "−∞"
    spec = QUANTITIES[known(name)][2] if known(name) in QUANTITIES else ""
    if float(value).is_integer() and spec in ("", ",d", "s"):
        return f"{int(value):,d}"
    return format(float(value), spec if spec[-1:] in ("f", "g") else ".4g")
