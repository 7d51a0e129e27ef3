"""Compressed strips and tiles of a TIFF page as plain bytes; what the bytes mean is known to `tiff_samples`.

tifffile reads directories, but decodes little without a package of 40 MB. Pillow carries libtiff, which decodes more, but
knows few layouts of samples. So libtiff is shown every page as an 8-bit grey picture whose columns are its bytes.
Source: TIFF 6.0; TIFF specification supplements 1 and 2.
"""

from __future__ import annotations

import lzma
import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from io import BytesIO
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from inrfit.errors import InputError
from inrfit.io.libraries import silent_stderr

if TYPE_CHECKING:
    from tifffile import TiffPage

GROUP = 1 << 25
"""Bytes that libtiff decodes at a time, unless a single strip has more."""

_NONE, _DEFLATE, _LZMA = (1,), (8, 32946), (34925,)
_BYTES = (5, 32773, 50000)  # LZW, PackBits, ZSTD: libtiff gives the bytes that were compressed
_JPEG, _WEBP = 7, 50001  # libtiff gives 8-bit samples
_PHOTOMETRIC = {1: 1, 2: 1, 3: 2, 4: 5}  # grey, grey and another, RGB, four of any kind
_YCBCR = 6
_NAMES = {50002: "JPEG XL", 52546: "JPEG XL", 50000: "ZSTD", 34926: "old ZSTD", 50001: "WebP", 34887: "LERC"}
_OPTIONAL = {50000: "zstd", 50001: "webp"}
_REVERSED = bytes(int(f"{byte:08b}"[::-1], 2) for byte in range(256))

Bytes = NDArray[np.uint8]


@dataclass(frozen=True, slots=True, kw_only=True)
class Grid:
    """How a page is cut into strips or tiles.

    Attributes:
        rows: rows of a part; the last strip of a page may have fewer.
        columns: columns of a part; those of tiles may reach beyond the page.
        across, down: parts side by side and below each other.
        channels: samples of a place in a part; 1 where each has planes of its own.
        planes: how often the grid repeats.
        row_bytes: bytes of a row of a part.
    """

    rows: int
    columns: int
    across: int
    down: int
    channels: int
    planes: int
    row_bytes: int

    @classmethod
    def of(cls, page: TiffPage) -> Grid:
        """Return the grid of a page."""
        height, width = page.imagelength, page.imagewidth
        separate = page.planarconfig == 2 and page.samplesperpixel > 1
        channels = 1 if separate else page.samplesperpixel
        rows, columns = (
            (page.tilelength, page.tilewidth) if page.is_tiled else (min(page.rowsperstrip, height), width)
        )
        if min(rows, columns) < 1:
            raise ValueError("its parts have no rows")
        return cls(
            rows=rows,
            columns=columns,
            across=-(-width // columns),
            down=-(-height // rows),
            channels=channels,
            planes=page.samplesperpixel if separate else 1,
            row_bytes=-(-columns * channels * page.bitspersample // 8),
        )


def check(page: TiffPage, name: str) -> None:
    """Raise an InputError unless the compression of a page is one that `blocks` decodes."""
    kind = page.compression
    pixels = page.bitspersample == 8 and Grid.of(page).channels in _PHOTOMETRIC
    known = kind in (*_NONE, *_DEFLATE, *_LZMA, *_BYTES) or (kind in (_JPEG, _WEBP) and pixels)
    if not known or not available(kind):
        raise unread(page, name)


@cache
def available(compression: int) -> bool:
    """Tell whether the libtiff in Pillow was built with a compression, of those that are left out at times."""
    if compression not in _OPTIONAL:
        return True
    try:
        with silent_stderr():
            Image.new("RGB", (16, 16)).save(BytesIO(), "TIFF", compression=_OPTIONAL[compression])
    except Exception:  # whatever it says, it does not work
        return False
    return True


def unread(page: TiffPage, name: str) -> InputError:
    """Return the error for a compression that is not decoded."""
    number = int(page.compression)
    known = _NAMES.get(number) or getattr(page.compression, "name", "of an unknown kind")
    return InputError(
        f"{name}: its TIFF compression, {known} (number {number}), is not read for "
        f"{page.samplesperpixel} x {page.bitspersample} bits",
        hint="the file is whole; save it with LZW, deflate or ZSTD, for example by gdal_translate -co COMPRESS=DEFLATE",
    )


def blocks(page: TiffPage, data: bytes, plane: int, grid: Grid) -> Iterator[tuple[int, int, Bytes]]:
    """Yield the bytes of a plane of a page, decompressed; they may be differences, see `tiff_samples`.

    Yields:
        First row, first column, and bytes [row, part side by side, byte of the row of a part].

    Raises:
        ValueError, OSError: a part is missing or damaged.
    """
    count = grid.across * grid.down
    offsets, sizes = (list(x)[plane * count :][:count] for x in (page.dataoffsets, page.databytecounts))
    if len(offsets) < count or len(sizes) < count:
        raise ValueError("it is cut off")
    if any(size == 0 or at < 0 or at + size > len(data) for at, size in zip(offsets, sizes, strict=True)):
        raise ValueError("it is cut off")
    view = memoryview(data)
    parts = [view[at : at + size] for at, size in zip(offsets, sizes, strict=True)]
    reverse = page.fillorder == 2 and page.compression not in (_JPEG, _WEBP)
    library = page.compression not in (*_NONE, *_DEFLATE, *_LZMA)
    step = max(1, GROUP // (grid.rows * grid.across * grid.row_bytes)) * grid.across if library else 1
    for start in range(0, count, step):
        row, across = start // grid.across * grid.rows, start % grid.across
        some = [bytes(part).translate(_REVERSED) if reverse else part for part in parts[start : start + step]]
        lines = -(-len(some) // grid.across) * grid.rows
        lines = lines if page.is_tiled else min(lines, page.imagelength - row)
        if library:
            yield row, 0, _by_libtiff(page, some, lines, grid)
        else:
            made = _decompress(some[0], lines * grid.row_bytes, page.compression)
            block = np.frombuffer(made, np.uint8, lines * grid.row_bytes)
            yield row, across * grid.columns, block.reshape(lines, 1, grid.row_bytes)


def _decompress(part: bytes | memoryview, wanted: int, compression: int) -> bytes | memoryview:
    """Return just so many bytes of a part, checked against its checksum; a bomb is not decoded further."""
    if compression in _NONE:
        made, whole = part, True
    elif compression in _LZMA:
        lz = lzma.LZMADecompressor()
        made = lz.decompress(part, wanted)
        whole = lz.eof or bool(lz.decompress(b"", 1)) or lz.eof
    else:
        inflate = zlib.decompressobj()
        made = inflate.decompress(part, wanted)
        whole = inflate.eof or bool(inflate.decompress(inflate.unconsumed_tail, 1)) or inflate.eof
    if len(made) < wanted or not whole:
        raise ValueError("it is cut off")
    return made


def _by_libtiff(page: TiffPage, parts: list[bytes | memoryview], rows: int, grid: Grid) -> Bytes:
    """Decode parts through a small TIFF around them."""
    samples = page.compression in (_JPEG, _WEBP)
    pixel = grid.channels if samples else 1
    columns = grid.row_bytes // pixel
    photometric = _PHOTOMETRIC[pixel]
    tags: dict[int, tuple[int, tuple[int, ...] | bytes]] = {
        256: (4, (columns * grid.across,)),
        257: (4, (rows,)),
        258: (3, (8,) * pixel),
        259: (3, (int(page.compression),)),
        277: (3, (pixel,)),
    }
    if samples and page.compression == _JPEG:
        tables, sampling = page.jpegtables, page.tags.get(530)
        if tables:
            tags[347] = (7, tables)
        if page.photometric == _YCBCR:
            photometric = _YCBCR
            tags[530] = (3, tuple(sampling.value) if sampling else (2, 2))
    tags[262] = (3, (photometric,))
    if pixel == 2:
        tags[338] = (3, (2,))
    if page.is_tiled:
        tags |= {322: (4, (columns,)), 323: (4, (grid.rows,))}
    else:
        tags[278] = (4, (grid.rows,))
    data = _around(parts, tags, *((324, 325) if page.is_tiled else (273, 279)))
    with silent_stderr(), Image.open(BytesIO(data), formats=["TIFF"]) as image:
        image.load()
        made = np.asarray(image)
    if made.size != rows * grid.across * grid.row_bytes:
        raise ValueError("its layout is not read in this compression")
    return made.reshape(rows, grid.across, grid.row_bytes)


def _around(
    parts: list[bytes | memoryview],
    tags: dict[int, tuple[int, tuple[int, ...] | bytes]],
    places: int,
    lengths: int,
) -> bytes:
    """Return a little-endian TIFF of parts; `places` and `lengths` are the tags that say where they are."""
    starts = np.cumsum([8, *(len(part) for part in parts)]).tolist()
    if starts[-1] >= 1 << 31:
        raise ValueError("its parts have more than 2 GiB")
    tags = {**tags, places: (4, tuple(starts[:-1])), lengths: (4, tuple(len(part) for part in parts))}
    at = starts[-1] + starts[-1] % 2
    table, values, after = struct.pack("<H", len(tags)), b"", at + 2 + 12 * len(tags) + 4
    for tag, (kind, value) in sorted(tags.items()):
        letter = {3: "H", 4: "I"}.get(kind)
        packed = value if isinstance(value, bytes) else struct.pack(f"<{len(value)}{letter}", *value)
        table += struct.pack("<HHI", tag, kind, len(value))
        if len(packed) > 4:
            table += struct.pack("<I", after + len(values))
            values += packed + bytes(len(packed) % 2)
        else:
            table += packed.ljust(4, b"\0")
    return b"".join([b"II*\0", struct.pack("<I", at), *parts, bytes(starts[-1] % 2), table, bytes(4), values])
