"""TIFF files of any layout, laid out by hand, so that what reads them is tested against something else."""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Sequence
from typing import Any

import numpy as np
import tifffile
from PIL import Image

NONE, LZW, DEFLATE, PACKBITS, ZSTD, LZMA = 1, 5, 8, 32773, 50000, 34925
_PILLOW = {LZW: "tiff_lzw", PACKBITS: "packbits", ZSTD: "zstd", LZMA: "lzma"}
_TYPES = {"B": 1, "s": 2, "H": 3, "I": 4, "bytes": 7, "Q": 16}


def directory(
    entries: dict[int, tuple[str, Any]], *, order: str = "<", big: bool = False, at: int = 8
) -> bytes:
    """Return a directory that lies at `at`, with its values; entries are a letter of struct and its numbers by tag."""
    head, entry, inline, letter = (8, 20, 8, "Q") if big else (2, 12, 4, "I")
    table, values = struct.pack(order + ("Q" if big else "H"), len(entries)), b""
    after = at + head + entry * len(entries) + inline
    for tag, (kind, value) in sorted(entries.items()):
        given = value if isinstance(value, (list, tuple, bytes)) else (value,)
        packed = given if isinstance(given, bytes) else struct.pack(f"{order}{len(given)}{kind}", *given)
        table += struct.pack(order + "HH" + letter, tag, _TYPES[kind], len(given))
        if len(packed) > inline:
            table += struct.pack(order + letter, after + len(values))
            values += packed + bytes(len(packed) % 2)
        else:
            table += packed.ljust(inline, b"\0")
    return table + bytes(inline) + values


def start(order: str, big: bool, at: int) -> bytes:
    """Return the first bytes of a file whose first directory is at `at`."""
    mark = b"II" if order == "<" else b"MM"
    if big:
        return mark + struct.pack(order + "HHHQ", 43, 8, 0, at)
    return mark + struct.pack(order + "HI", 42, at)


def compressed(rows: np.ndarray, compression: int) -> bytes:
    """Return rows of bytes [row, byte] as one part of a file."""
    if compression == NONE:
        return rows.tobytes()
    if compression == DEFLATE:
        return zlib.compress(rows.tobytes())
    file = io.BytesIO()
    Image.fromarray(np.ascontiguousarray(rows)).save(
        file, "TIFF", compression=_PILLOW[compression], strip_size=1 << 30
    )
    with tifffile.TiffFile(io.BytesIO(file.getvalue())) as made:
        page = made.pages.first
        assert len(page.dataoffsets) == 1
        return file.getvalue()[page.dataoffsets[0] :][: page.databytecounts[0]]


def jpeg(values: np.ndarray) -> bytes:
    """Return samples [H, W] or [H, W, 4] of any meaning as a JPEG part."""
    file = io.BytesIO()
    image = Image.frombytes("L" if values.ndim == 2 else "CMYK", values.shape[1::-1], values.tobytes())
    image.save(file, "TIFF", compression="jpeg", quality=95)
    with tifffile.TiffFile(io.BytesIO(file.getvalue())) as made:
        page = made.pages.first
        part = file.getvalue()[page.dataoffsets[0] :][: page.databytecounts[0]]
        tables = page.jpegtables
    return part[:2] + tables[2:-2] + part[2:] if tables else part


def packed(values: np.ndarray, bits: int, order: str, predictor: int) -> np.ndarray:
    """Return samples [row, column, channel] as rows of bytes."""
    rows, columns, channels = values.shape
    if bits not in (8, 16, 32, 64):
        loose = (
            values[..., None].astype(np.uint64) >> np.arange(bits - 1, -1, -1, dtype=np.uint64)
        ) & np.uint64(1)
        return np.packbits(loose.reshape(rows, -1).astype(np.uint8), axis=1)
    if predictor == 2:
        counts = values.view(f"u{bits // 8}")
        values = np.diff(counts, axis=1, prepend=np.zeros((rows, 1, channels), counts.dtype)).view(
            values.dtype
        )
    if predictor == 3:
        planes = values.astype(f">f{bits // 8}").view(np.uint8).reshape(rows, columns * channels, bits // 8)
        flat = np.ascontiguousarray(planes.swapaxes(1, 2)).reshape(rows, -1, channels)
        return np.diff(flat, axis=1, prepend=np.zeros((rows, 1, channels), np.uint8)).reshape(rows, -1)
    return (
        np.ascontiguousarray(values.astype(f"{order}{values.dtype.kind}{bits // 8}"))
        .view(np.uint8)
        .reshape(rows, -1)
    )


def tiff(
    values: np.ndarray,
    bits: int,
    *,
    order: str = "<",
    big: bool = False,
    planar: bool = False,
    tile: tuple[int, int] | None = None,
    strip: int = 0,
    compression: int = NONE,
    predictor: int = 1,
    photometric: int = 1,
    extra: Sequence[int] = (),
    more: dict[int, tuple[str, Any]] | None = None,
) -> bytes:
    """Return samples [H, W, S] as a file; `more` are further entries of its directory."""
    height, width, samples = values.shape
    rows, columns = tile or (strip or height, width)
    parts = []
    for plane in np.split(values, samples, axis=-1) if planar else [values]:
        for y in range(0, height, rows):
            for x in range(0, width, columns):
                part = plane[y : y + rows, x : x + columns]
                if tile:
                    gaps = ((0, rows - part.shape[0]), (0, columns - part.shape[1]), (0, 0))
                    part = np.pad(part, gaps)
                parts.append(compressed(packed(part, bits, order, predictor), compression))
    words = {"order": order, "big": big, "planar": planar, "tile": tile, "strip": strip}
    words |= {"predictor": predictor, "photometric": photometric, "extra": extra, "more": more, "bits": bits}
    return of_parts(values, parts, compression, **words)


def of_parts(
    values: np.ndarray,
    parts: list[bytes],
    compression: int,
    *,
    bits: int = 0,
    order: str = "<",
    big: bool = False,
    planar: bool = False,
    tile: tuple[int, int] | None = None,
    strip: int = 0,
    predictor: int = 1,
    photometric: int = 1,
    extra: Sequence[int] = (),
    more: dict[int, tuple[str, Any]] | None = None,
) -> bytes:
    """Return a file whose strips or tiles are given; of `values` the shape and the type count."""
    height, width, samples = values.shape
    rows, columns = tile or (strip or height, width)
    bits = bits or values.dtype.itemsize * 8
    first = 16 if big else 8
    places = np.cumsum([first, *(len(part) for part in parts)]).tolist()
    at = places[-1] + places[-1] % 2
    entries: dict[int, tuple[str, Any]] = {
        256: ("I", width),
        257: ("I", height),
        258: ("H", (bits,) * samples),
        259: ("H", compression),
        262: ("H", photometric),
        277: ("H", samples),
        284: ("H", 2 if planar else 1),
        317: ("H", predictor),
        339: ("H", ({"f": 3, "i": 2}.get(values.dtype.kind, 1),) * samples),
    }
    if extra:
        entries[338] = ("H", tuple(extra))
    if tile:
        entries |= {322: ("I", columns), 323: ("I", rows)}
    else:
        entries[278] = ("I", rows)
    entries[324 if tile else 273] = ("Q" if big else "I", tuple(places[:-1]))
    entries[325 if tile else 279] = ("Q" if big else "I", tuple(len(part) for part in parts))
    body = start(order, big, at) + b"".join(parts) + bytes(places[-1] % 2)
    return body + directory({**entries, **(more or {})}, order=order, big=big, at=at)
