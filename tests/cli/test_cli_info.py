"""Information on good, damaged and foreign files, and exit codes."""

from __future__ import annotations

from pathlib import Path

from tests_cli import inrfit


def test_a_good_file(field: Path) -> None:
    ran = inrfit("info", "photo.inr")
    assert (ran.code, ran.err) == (0, "")
    lines = dict(line.strip().split(maxsplit=1) for line in ran.out.splitlines()[1:])
    assert ran.out.splitlines()[0] == "photo.inr"
    assert lines["signal"] == "image 36×24×3 uint8 rgb"
    assert lines["partition"] == "grid 2×2"
    assert lines["bytes"].startswith(f"{field.stat().st_size:,} (")
    assert lines["fit"] == "30 steps, seed 0"
    assert lines["format"].endswith("intact")


def test_standard_input(field: Path) -> None:
    ran = inrfit("info", "-", "--json", stdin=field.read_bytes())
    assert ran.results[0]["input"] == "<stdin>"
    assert ran.results[0]["regions"] == 4
    inrfit("info", "-", stdin=b"").refused("<stdin> is empty")


def test_damaged_and_foreign_files(field: Path) -> None:
    data = bytearray(field.read_bytes())
    data[-1] ^= 1
    Path("bad.inr").write_bytes(data)
    inrfit("info", "bad.inr").refused("bad.inr is damaged: 1 of 4 regions (3)", "download the file again")
    inrfit("info", "photo.png").refused("photo.png is not an .inr file", "inrfit fit")
    inrfit("info", "missing.inr").refused("missing.inr does not exist")
    ran = inrfit("info", "bad.inr", "photo.inr", "photo.png", "--quiet")
    assert (ran.code, ran.out) == (1, "")
    assert "2 of 3 inputs failed: bad.inr, photo.png" in ran.err
