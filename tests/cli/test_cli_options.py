"""How values of options are read."""

from __future__ import annotations

from inrfit.cli.console import number, size


def test_numbers_for_people():
    assert [size(n) for n in (0, 999, 1000, 61_234, 5_000_000, 10**13)] == [
        "0 B",
        "999 B",
        "1.0 kB",
        "61.2 kB",
        "5.0 MB",
        "10000.0 GB",
    ]
    assert number(None) == "-"
    assert number(1234567, unit="weights") == "1,234,567 weights"
    assert number(float("inf"), 2, "dB") == "inf dB"
