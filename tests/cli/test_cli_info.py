"""Information on good, damaged and foreign files, and exit codes."""

from __future__ import annotations

from pathlib import Path

from make.cli import inrfit

from inrfit import api


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


def test_a_crop_counts_the_samples_that_are_left(field: Path) -> None:
    api.crop(field, "part.inr", keep=["0,1", "1,0"])
    api.crop(field, "corner.inr", keep="1,1")
    held, corner = (inrfit("info", name, "--json").results[0] for name in ("part.inr", "corner.inr"))
    assert (held["samples"], held["signal"]["shape"], held["regions"]) == (432, [24, 36], 2)
    assert held["bpp"] == 8 * held["bytes"] / 432
    assert (corner["samples"], corner["signal"]["shape"], corner["signal"]["origin"]) == (
        216,
        [12, 18],
        [12, 18],
    )
    shown = inrfit("info", "part.inr").out
    assert "partition  2 cells of a grid 2×2" in shown
    assert "place      432 samples in no region" in shown
    assert "place      first sample at y 12, x 18\n" in inrfit("info", "corner.inr").out
    assert "place" not in inrfit("info", "photo.inr").out


def test_nothing_is_written_whether_the_file_is_good_or_bad(field: Path) -> None:
    for name in ("photo.inr", "photo.png"):
        assert inrfit("info", name, "--json").results[0]["output"] is None


def test_one_region_of_many_is_shown_as_one(field: Path) -> None:
    api.crop(field, "corner.inr", keep="1,1")
    assert "partition  1 cell of a grid 2×2\n" in inrfit("info", "corner.inr").out
