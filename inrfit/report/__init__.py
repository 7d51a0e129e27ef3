"""The HTML report: one page that stands alone in one file; it measures nothing and writes no files.

`html` sets what was measured of one or several signals, `curve_html` the course of one fit,
`comparison_html` several courses in one chart.
"""

from __future__ import annotations

from inrfit.report.entry import Entry
from inrfit.report.page import comparison_html, curve_html, html

__all__ = ["Entry", "comparison_html", "curve_html", "html"]
