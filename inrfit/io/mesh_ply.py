"""The geometry of PLY files, text and binary: vertices with their normals, polygons and strips of triangles, nothing else."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from inrfit.errors import InputError
from inrfit.io.mesh_held import Held
from inrfit.io.mesh_polygons import Polygons, strips, triangles
from inrfit.io.mesh_text import WIDE, numbers, plain
from inrfit.surface import Points

TYPES = {
    **dict.fromkeys(("char", "int8"), "i1"),
    **dict.fromkeys(("uchar", "uint8"), "u1"),
    **dict.fromkeys(("short", "int16"), "i2"),
    **dict.fromkeys(("ushort", "uint16"), "u2"),
    **dict.fromkeys(("int", "int32"), "i4"),
    **dict.fromkeys(("uint", "uint32"), "u4"),
    **dict.fromkeys(("float", "float32"), "f4"),
    **dict.fromkeys(("double", "float64"), "f8"),
    **dict.fromkeys(("int64", "long"), "i8"),
    **dict.fromkeys(("uint64", "ulong"), "u8"),
}
"""Types of numbers by the names that headers give them."""

ORDERS = {"ascii": "", "binary_little_endian": "<", "binary_big_endian": ">"}

LISTS = ("vertex_indices", "vertex_index", "vertex_indexes")
"""Names of the list of the vertices of a face."""

FACES, STRIPS = ("face", "faces"), ("tristrips", "tristrip")

LONGEST = 1 << 20
"""Most bytes of a header."""


Table = dict[str, NDArray[np.float64] | Polygons]
"""Columns of an element by their names: numbers [row], or lists of numbers of vertices."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Property:
    """A number, or a list of numbers, of each row.

    Attributes:
        name: as the header has it.
        form: type of the numbers, as NumPy writes it.
        count: type of the length in front of a list; "" for a single number.
    """

    name: str
    form: str
    count: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Element:
    """A table of the file: so many rows of the same properties."""

    name: str
    rows: int
    properties: tuple[Property, ...]


def read(data: bytes, name: str) -> Held:
    """Read the bytes of a file.

    Raises:
        InputError: it is cut off, damaged, or is no such file.
    """
    if data[:2] in WIDE:
        data = plain(data)
    order, elements, at, notes = _header(data, name)
    held = _geometry(_tables(_Body(data[at:], order), elements, name), elements, name)
    return held._replace(notes=(*notes, *held.notes))


def _geometry(tables: dict[str, Table], elements: list[Element], name: str) -> Held:
    """Return vertices and triangles of the tables of a file."""
    vertices = _vectors(tables.get("vertex", {}), ("x", "y", "z"))
    if vertices is None:
        raise InputError(f"{name}: holds no vertices with x, y and z", hint="look at its header")
    polygons: list[Polygons] = []
    for words, cut in ((FACES, None), (STRIPS, strips)):
        for found in (tables[word] for word in words if word in tables):
            lists = {key: value for key, value in found.items() if isinstance(value, Polygons)}
            runs = next((lists[key] for key in LISTS if key in lists), next(iter(lists.values()), None))
            if runs is not None:
                polygons.append(cut(runs) if cut else runs)
    others = [e for e in elements if e.rows and e.name not in ("vertex", *FACES, *STRIPS)]
    notes = tuple(f"the element {e.name!r} ({e.rows:,}) is no surface and was left out" for e in others)
    faces = triangles(vertices, Polygons.together(polygons), name)
    return Held(vertices, faces, notes, _vectors(tables["vertex"], ("nx", "ny", "nz")))


def _vectors(table: Table, words: tuple[str, str, str]) -> Points | None:
    """Return three numbers of each row [row, 3]; None where one of them is missing."""
    found = [value for word in words if isinstance(value := table.get(word), np.ndarray)]
    return np.stack(found, 1) if len(found) == 3 else None


def _header(data: bytes, name: str) -> tuple[str, list[Element], int, tuple[str, ...]]:
    """Return the order of bytes ("" for text), the elements, where what they hold begins, and notes."""
    end = data.find(b"end_header", 0, LONGEST)
    lines = data[: max(end, 0)].decode("latin-1").replace("\r", "\n").split("\n")
    order, elements, lost = None, list[Element](), list[str]()
    try:
        for words in (line.split() for line in lines[1:]):
            if words[:1] == ["format"]:
                order = ORDERS[words[1].lower()]
            elif words[:1] == ["element"]:
                elements.append(Element(name=words[1], rows=_rows(words[2]), properties=()))
            elif words[:1] == ["property"]:
                last = elements[-1]
                made = _property(words[1:], order or "")
                if last.name == "vertex" and made.name in LISTS:
                    lost.append(made.name)  # Written by hand: the line "element face" is missing.
                    continue
                elements[-1] = Element(name=last.name, rows=last.rows, properties=(*last.properties, made))
        if order is None or end < 0:
            raise ValueError("it has no format or no end")
    except (ValueError, KeyError, IndexError) as error:
        raise InputError(
            f"{name}: cannot be read as ply: its header is damaged ({' '.join(str(error).split())})",
            hint="save it again as binary .ply",
        ) from error
    at = end + len(b"end_header")
    while data[at : at + 1] in (b" ", b"\t"):
        at += 1
    notes = tuple(f"the list {word!r} has no element of faces and was left out" for word in lost)
    return order, elements, at + _line_end(data, at), notes


def _line_end(data: bytes, at: int) -> int:
    """Return how many bytes end the header; behind a lone carriage return the first byte may look like a line feed."""
    if data[at : at + 2] == b"\r\n":
        return 1 if data[3:4] == b"\r" and data[4:5] != b"\n" else 2
    return 1


def _rows(word: str) -> int:
    count = int(word)
    if count < 0:
        raise ValueError(f"{count} rows")
    return count


def _property(words: list[str], order: str) -> Property:
    if words[0] == "list":
        if TYPES[words[1]][0] == "f":
            raise ValueError(f"lengths of the list {words[3]!r} that are no whole numbers")
        return Property(name=words[3], form=order + TYPES[words[2]], count=order + TYPES[words[1]])
    return Property(name=words[1], form=order + TYPES[words[0]])


class _Body:
    """What stands behind the header: bytes, or the numbers of a text, each of which takes the place of a byte."""

    def __init__(self, data: bytes, order: str) -> None:
        self.binary = order != ""
        self.order: Literal["big", "little"] = "big" if order == ">" else "little"
        self.data = data
        self.values = np.frombuffer(data, np.uint8) if self.binary else numbers(data)

    def width(self, form: str) -> int:
        """Return how many places a number takes."""
        return np.dtype(form).itemsize if self.binary else 1

    def whole(self, at: int, form: str) -> int:
        """Return the whole number at a place; -1 where it is none."""
        if not self.binary:
            value = self.values[at]
            return int(value) if 0 <= value < 1 << 53 else -1
        signed = np.dtype(form).kind == "i"
        return int.from_bytes(self.data[at : at + self.width(form)], self.order, signed=signed)

    def parts(self, block: NDArray[Any], forms: list[tuple[str, int]]) -> list[NDArray[Any]]:
        """Return rows [row, place] as numbers [row, number]: so many of each form."""
        if not self.binary:
            return np.split(block, np.cumsum([size for _, size in forms])[:-1], axis=1)
        row = np.dtype([(f"f{i}", form, (size,)) for i, (form, size) in enumerate(forms)])
        held = np.ascontiguousarray(block).reshape(-1).view(row)
        return [held[f"f{i}"] for i in range(len(forms))]


def _tables(body: _Body, elements: list[Element], name: str) -> dict[str, Table]:
    """Return the tables of a file by the names of the elements."""
    tables: dict[str, Table] = {}
    at = 0
    for element in elements:
        least = sum(body.width(part.count or part.form) for part in element.properties)
        if element.rows * least > len(body.values) - at:
            raise InputError(
                f"{name}: is cut off: {element.rows:,} rows of the element {element.name!r} announced, which take "
                f"{element.rows * least:,} {'bytes' if body.binary else 'numbers'}, {len(body.values) - at:,} there",
                hint="make or download it again",
            )
        if element.rows and least:
            sizes, starts = _sizes(body, element, at, name)
            tables[element.name] = _table(body, element, sizes, starts)
            at = int(starts[-1])
    return tables


def _sizes(body: _Body, element: Element, at: int, name: str) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the sizes of the lists of each row [row, list], and where each row begins, and the last ends, [row + 1]."""
    fixed = sum(body.width(part.count or part.form) for part in element.properties)
    lists = [part for part in element.properties if part.count]
    first = _walk(body, element, at, 1, name)[0]
    row = fixed + sum(
        size * body.width(part.form) for size, part in zip(first[0].tolist(), lists, strict=True)
    )
    if at + element.rows * row <= len(body.values):
        block = body.values[at : at + element.rows * row].reshape(element.rows, row)
        counts = body.parts(block, _forms(element, first[0].tolist()))
        lengths = [c for c, (_, is_count) in zip(counts, _columns(element), strict=True) if is_count]
        if all((length == size).all() for length, size in zip(lengths, first[0].tolist(), strict=True)):
            return np.broadcast_to(first, (element.rows, len(lists))), at + row * np.arange(element.rows + 1)
    return _walk(body, element, at, element.rows, name)


def _walk(
    body: _Body, element: Element, at: int, rows: int, name: str
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return what `_sizes` does, row by row."""
    steps = [
        (part.count, body.width(part.count or part.form), body.width(part.form))
        for part in element.properties
    ]
    sizes, starts, end = list[int](), [at], len(body.values)
    for _ in range(rows):
        for count, width, each in steps:
            if count and at + width <= end:
                size = body.whole(at, count)
                at += each * size if size >= 0 else end
                sizes.append(size)
            at += width
        if at > end:
            raise InputError(
                f"{name}: is damaged or cut off: row {len(starts):,} of {element.rows:,} of the element "
                f"{element.name!r} goes beyond its end",
                hint="make or download it again",
            )
        starts.append(at)
    return np.array(sizes, np.int64).reshape(rows, -1), np.array(starts, np.int64)


def _columns(element: Element) -> list[tuple[Property, bool]]:
    """Return the columns of a row: its properties, and in front of each list its length, which is marked."""
    return [
        (part, is_count)
        for part in element.properties
        for is_count in ((True, False) if part.count else (False,))
    ]


def _forms(element: Element, sizes: list[int]) -> list[tuple[str, int]]:
    """Return form and size of each column, where lists have these sizes."""
    left = iter(sizes)
    return [
        (part.count, 1) if is_count else (part.form, next(left) if part.count else 1)
        for part, is_count in _columns(element)
    ]


def _table(body: _Body, element: Element, sizes: NDArray[np.int64], starts: NDArray[np.int64]) -> Table:
    """Return the columns of a table: numbers [row], or lists as polygons."""
    lists = [part for part in element.properties if part.count]
    table: Table = {
        part.name: Polygons(corners=np.zeros(int(size.sum()), np.int64), sizes=size)
        for part, size in zip(lists, sizes.T, strict=True)
    }
    table |= {part.name: np.zeros(element.rows) for part in element.properties if not part.count}
    even = bool((sizes == sizes[:1]).all())
    kinds, kind = (sizes[:1], starts) if even else np.unique(sizes, axis=0, return_inverse=True)
    for i, shape in enumerate(kinds.tolist()):
        rows = np.flatnonzero(kind.reshape(-1) == i) if len(kinds) > 1 else np.arange(element.rows)
        width = int(starts[rows[0] + 1] - starts[rows[0]])
        block = (
            body.values[starts[0] : starts[-1]].reshape(-1, width)
            if len(kinds) == 1
            else body.values[starts[rows, None] + np.arange(width)]
        )
        for (part, is_count), values in zip(
            _columns(element), body.parts(block, _forms(element, shape)), strict=True
        ):
            column = table[part.name]
            if isinstance(column, np.ndarray):
                column[rows] = values[:, 0]
            elif not is_count:
                first = (np.cumsum(column.sizes) - column.sizes)[rows]
                column.corners[first[:, None] + np.arange(values.shape[1])] = _whole(values)
    return table


def _whole(values: NDArray[Any]) -> NDArray[np.int64]:
    """Return whole numbers; -1 for what is none."""
    if values.dtype.kind in "iu":
        return values.astype(np.int64)
    return np.where(np.abs(values) < 1 << 53, values, -1).astype(np.int64)
