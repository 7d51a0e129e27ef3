"""Clouds of points as lines of text: which column is which, what separates them, decimal commas; it makes no body."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from inrfit.errors import InputError
from inrfit.io.mesh_text import number, plain
from inrfit.surface import Points

HINT = "give x y z, or x y z nx ny nz, on every line"

PLACES, NORMALS = ("x", "y", "z"), ("nx", "ny", "nz")
"""Names of columns."""

_REMARK = re.compile(rb"(#|//|%|!).*")
_SYNONYMS = re.compile(
    r"^(?:normal|norm|n)[_.]?([xyz])$|^([xyz]|east|easting|north|northing|height|elevation|altitude)(?:\[.*\]|\(.*\))?$"
)
_AXES = {
    **dict.fromkeys(("east", "easting"), "x"),
    **dict.fromkeys(("north", "northing"), "y"),
    **dict.fromkeys(("height", "elevation", "altitude"), "z"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Header:
    """A line that names columns.

    Attributes:
        line: its number, from 1.
        columns: number of the column of each name that is known.
        count: how many words it has.
        remark: whether it is a remark, which may be of something else.
    """

    line: int
    columns: dict[str, int]
    count: int
    remark: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Style:
    """How lines are written.

    Attributes:
        separator: between numbers, beside blanks and tabs; empty where there is none.
        decimal: what stands before the fraction.
    """

    separator: bytes
    decimal: bytes

    def plain(self, line: bytes) -> bytes:
        """Return a line with blanks between numbers and points in them."""
        if self.separator:
            line = line.replace(self.separator, b" ")
        return line if self.decimal == b"." else line.replace(self.decimal, b".")


def recognise(start: bytes) -> bool:
    """Tell whether the first line of a file that is no remark holds at least three numbers and nothing else."""
    lines = [text for _, text in _lines(plain(start))]
    if not lines:
        return False
    words = re.split(rb"[\s,;]+", lines[0].strip())
    return len(words) >= 3 and not np.isnan([number(word) for word in words]).any()


def read(data: bytes, name: str) -> tuple[Points, Points | None]:
    """Return the points of a file [point, 3], and their normals where there are some.

    A line of names says which columns are which, else the first three are x, y, z and six with a negative one among the
    last three have normals; other columns go. Remarks begin with #, //, % or !. A line of one whole number in front of the
    points, or between them, is the count of a scan, as in `.pts` files; all scans are read.

    Raises:
        InputError: a line is no point, or it cannot be told what its commas mean.
    """
    text = plain(data)
    header = _header(text)
    numbered = [(place, line) for place, line in _lines(text) if header is None or place > header.line]
    if not numbered:
        raise InputError(f"{name}: holds no points", hint=HINT)
    table = _table(numbered, _style([line for _, line in numbered], name), name)
    columns = header.columns if header else {}
    if header and header.count != table.shape[1]:
        if not header.remark:
            raise InputError(
                f"{name}: line {header.line} names {header.count} columns, the points have {table.shape[1]}",
                hint=HINT,
            )
        columns = {}
    if not columns:
        columns = dict(zip(PLACES, range(3), strict=True))
        if table.shape[1] == 6 and (table[:, 3:6] < 0).any():
            columns |= dict(zip(NORMALS, range(3, 6), strict=True))
    has = all(word in columns for word in NORMALS)
    places = table[:, [columns[word] for word in PLACES]]
    return places, table[:, [columns[word] for word in NORMALS]] if has else None


def _lines(text: bytes) -> Iterator[tuple[int, bytes]]:
    """Yield the lines that are no remarks, with their numbers from 1."""
    marked = any(mark in text for mark in (b"#", b"//", b"%", b"!"))
    for place, line in enumerate(text.split(b"\n"), 1):
        held = _REMARK.sub(b"", line) if marked else line
        if held and not held.isspace():
            yield place, held


def _header(text: bytes) -> Header | None:
    """Return the first line that names columns, among the remarks at the start and the line behind them."""
    for line, held in enumerate(text[:4096].split(b"\n")[:20], 1):
        told = held.decode("latin-1").replace('"', "").strip()
        remark = _REMARK.match(held.lstrip()) is not None
        words = [word for word in re.split(r"[\s,;]+", told.lstrip("/#%! ").lower()) if word]
        found: dict[str, int] = {}
        for column, word in enumerate(words):
            if match := _SYNONYMS.match(word):
                found.setdefault(f"n{match[1]}" if match[1] else _AXES.get(match[2], match[2]), column)
        if all(word in found for word in PLACES):
            return Header(line=line, columns=found, count=len(words), remark=remark)
        if words and not remark and not (len(words) == 1 and words[0].isdigit()):
            return None
    return None


def _style(lines: list[bytes], name: str) -> Style:
    """Return how lines are written."""
    some = lines[:200]
    commas, points = any(b"," in line for line in some), any(b"." in line for line in some)
    if any(b";" in line for line in some):
        return Style(separator=b";", decimal=b"," if commas else b".")
    if not commas:
        return Style(separator=b"", decimal=b".")
    words = [line.split() for line in some]
    # Commas within words that blanks part are decimal marks; those at the ends of words, or between all, part numbers.
    if all(
        len(row) >= 3 and not any(word.endswith(b",") for word in row) for row in words if not _is_count(row)
    ):
        if points:
            raise _unclear(name, some)
        return Style(separator=b"", decimal=b",")
    fields = [[word.strip() for word in line.split(b",")] for line in some]
    padded = any(re.fullmatch(rb"0\d+", word) for row in fields for word in row[1::2])
    if not points and padded and all(len(row) % 2 == 0 for row in fields):
        raise _unclear(name, some)
    return Style(separator=b",", decimal=b".")


def _unclear(name: str, lines: list[bytes]) -> InputError:
    line = next(line for line in lines if b"," in line)
    return InputError(
        f"{name}: it is not clear what its commas mean: {line[:40]!r}",
        hint="write numbers with points, or put semicolons between numbers with decimal commas",
    )


def _table(numbered: list[tuple[int, bytes]], style: Style, name: str) -> NDArray[np.float64]:
    """Return the numbers of all points [point, column]."""
    lines = [style.plain(line) for _, line in numbered]
    if len(lines[0].split()) >= 3:
        try:
            return np.loadtxt(lines, np.float64, comments=None, ndmin=2)
        except ValueError:
            pass  # One of the lines is none of a point: a count between scans, or a fault that is told below.
    rows: list[list[float]] = []
    for (place, told), line in zip(numbered, lines, strict=True):
        words = line.split()
        if _is_count(words):
            continue
        row = [number(word) for word in words]
        valid = len(row) >= 3 and not any(
            np.isnan(value) and b"nan" not in word.lower() for value, word in zip(row, words, strict=True)
        )
        if not valid or (rows and len(row) != len(rows[0])):
            wanted = f"the {len(rows[0])} numbers" if rows else "three numbers"
            shown = told.decode("utf-8", "replace").strip()[:40]
            raise InputError(f"{name}: line {place} does not hold {wanted} of a point: {shown!r}", hint=HINT)
        rows.append(row)
    if not rows:
        raise InputError(f"{name}: holds no points", hint=HINT)
    return np.array(rows)


def _is_count(words: list[bytes]) -> bool:
    """Tell whether a line is the count of a scan."""
    return len(words) == 1 and words[0].isdigit()
