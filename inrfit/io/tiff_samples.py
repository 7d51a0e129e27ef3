"""The bytes of a TIFF page as samples: any depth, number of samples, order and predictor; colours are known to `tiff`.

Source: TIFF 6.0, section 14 (predictor 2); Adobe Photoshop TIFF technical note 3 (predictor 3).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from inrfit.errors import InputError
from inrfit.io import tiff_codec
from inrfit.io.formats import MAX_CHANNELS, check_expansion, check_size
from inrfit.io.tiff_codec import Bytes, Grid

if TYPE_CHECKING:
    from tifffile import TiffPage

HINT = "convert it to 8- or 16-bit grey or RGB"

_PART = 1 << 20
"""Bytes that are turned into samples at a time."""

_DIFFERENCES, _FLOAT_DIFFERENCES = 2, 3


def check(page: TiffPage, name: str) -> None:
    """Raise an InputError unless `decode` knows the layout and the compression of a page."""
    if page.axes not in ("YX", "YXS", "SYX"):
        raise InputError(f"{name}: TIFF axes {page.axes} are not an image", hint="save one slice as an image")
    if page.samplesperpixel > MAX_CHANNELS:
        raise InputError(
            f"{name}: {page.samplesperpixel} channels are more than the {MAX_CHANNELS} allowed", hint=HINT
        )
    kind, bits = page.dtype and page.dtype.kind, page.bitspersample
    whole = bits in (8, 16, 32, 64)
    if isinstance(bits, tuple) or not (
        (kind in ("b", "u") and 1 <= bits <= 32)
        or (kind == "i" and bits in (8, 16, 32))
        or (kind == "f" and whole)
    ):
        said = f"of {bits} bits each" if isinstance(bits, tuple) else f"{page.dtype} of {bits} bits"
        raise InputError(f"{name}: TIFF samples of type {said} are not read", hint=HINT)
    tiff_codec.check(page, name)
    allowed = (1, _DIFFERENCES, _FLOAT_DIFFERENCES) if kind == "f" else (1, _DIFFERENCES) if whole else (1,)
    if page.predictor not in allowed:
        raise InputError(
            f"{name}: TIFF predictor {int(page.predictor)} is not read for {page.dtype} of {bits} bits",
            hint="save it without a predictor",
        )


def decode(page: TiffPage, data: bytes, name: str) -> NDArray[Any]:
    """Return the samples of a page as stored, [H, W, S] in native byte order.

    Memory: the samples, and beside them at most a group of parts three times; see `tiff_codec.GROUP`.

    Raises:
        InputError: there are more samples than so few bytes may hold.
        ValueError, OSError: a part is missing or damaged.
    """
    grid = Grid.of(page)
    check_size(grid.down * grid.rows if page.is_tiled else page.imagelength, grid.across * grid.columns, name)
    dtype = np.dtype(page.dtype)
    kind = np.dtype(np.uint8) if dtype.kind == "b" else dtype.newbyteorder("=")
    shape = (page.imagelength, page.imagewidth, page.samplesperpixel)
    check_expansion(int(np.prod(shape)) * kind.itemsize, len(data), name)
    check_expansion(grid.rows * grid.across * grid.row_bytes, len(data), name)
    made = np.empty(shape, kind)
    for plane in range(grid.planes):
        target = made[..., plane : plane + 1] if grid.planes > 1 else made
        for row, column, block in tiff_codec.blocks(page, data, plane, grid):
            step = max(1, _PART // (block.shape[1] * block.shape[2]))
            for start in range(0, len(block), step):
                values = _unpacked(block[start : start + step], page, grid, kind)
                part = target[row + start : row + start + len(values), column : column + values.shape[1]]
                part[:] = values[: part.shape[0], : part.shape[1]]
    return made


def _unpacked(block: Bytes, page: TiffPage, grid: Grid, kind: np.dtype[Any]) -> NDArray[Any]:
    """Return bytes [row, part, byte] as samples [row, column, channel]."""
    rows, across, _ = block.shape
    bits, shape = page.bitspersample, (rows, across, grid.columns, grid.channels)
    if bits not in (8, 16, 32, 64):
        values = _whole(block, bits, grid.columns * grid.channels).astype(kind)
    elif page.predictor == _FLOAT_DIFFERENCES:
        values = _floats(block, kind.itemsize, grid).astype(kind)
    else:
        order = page.parent.byteorder
        values = np.ascontiguousarray(block).view(kind.newbyteorder(order)).astype(kind, copy=False)
    values = values.reshape(shape)
    if page.predictor == _DIFFERENCES:
        counts = values.view(f"u{kind.itemsize}")
        values = np.cumsum(counts, axis=2, dtype=counts.dtype).view(kind)
    return values.reshape(rows, across * grid.columns, grid.channels)


def _whole(block: Bytes, bits: int, count: int) -> NDArray[np.unsignedinteger]:
    """Return integers of few bits, packed from the highest bit on; each row of a part begins with a byte."""
    loose = np.unpackbits(block, axis=-1, count=count * bits).reshape(*block.shape[:2], count, bits)
    size = 8 if bits <= 8 else 16 if bits <= 16 else 32
    padded = np.zeros((*loose.shape[:-1], size), np.uint8)
    padded[..., size - bits :] = loose
    return np.packbits(padded, axis=-1).view(f">u{size // 8}")[..., 0]


def _floats(block: Bytes, size: int, grid: Grid) -> NDArray[np.floating]:
    """Undo predictor 3: differences of bytes, after all first bytes of a row came before all second ones."""
    rows, across, _ = block.shape
    steps = block.reshape(rows, across, grid.columns * size, grid.channels)
    found = np.cumsum(steps, axis=2, dtype=np.uint8).reshape(rows, across, size, -1)
    return np.ascontiguousarray(np.moveaxis(found, 2, -1)).view(f">f{size}")[..., 0]
