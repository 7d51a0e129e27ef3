"""Arrays as images: which shapes and sample types become a signal, and `.npy` files; no other formats."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import replace
from io import BytesIO
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from inrfit.domain import image_domain
from inrfit.errors import InputError
from inrfit.io.formats import COLOURS, MAX_CHANNELS, PLAIN
from inrfit.signal import INTEGER_RANGES, ArraySignal, SignalInfo

BANDS = 6
"""Channels up to which an array of few rows is taken for what it seems to be."""

STORED = ("uint8", "uint16")
"""Integer types in which images are kept; others are narrowed to one of them."""

UNIT = (0.0, 1.0)
"""Full scale of floats."""


def to_signal(
    values: NDArray[Any],
    name: str,
    *,
    high: int | None = None,
    icc: bytes | None = None,
    exif: bytes | None = None,
    colour: str | None = None,
    tags: Mapping[str, str] | None = None,
    notes: tuple[str, ...] = (),
    nodata: float | None = None,
) -> ArraySignal:
    """Make a signal from samples, in the range of their type; `holes.settled` finds what of it they use.

    Args:
        values: [H, W] or [H, W, C] of bool, integers from 0 to 65535 or floats.
        name: what to call the source in messages.
        high: the integer that stands for full scale, where it is not the largest of its type.
        icc: ICC profile.
        exif: EXIF block without orientation.
        colour: meaning of the channels, where their number does not tell it.
        tags: what else is known, as text by name.
        notes: what was changed on reading.
        nodata: the value that the file declares as "no data"; it becomes the tag "nodata".

    Raises:
        InputError: the shape or the sample type cannot be an image.
    """
    shaped = _shaped(values, name)
    native, converted = _native(shaped, name, nodata)
    dtype = native.dtype.name
    value_range = INTEGER_RANGES.get(dtype, UNIT) if high is None else (0.0, float(high))
    info = SignalInfo(
        dtype=dtype,
        value_range=value_range,
        colour=colour or COLOURS.get(native.shape[-1], PLAIN),
        icc=icc,
        exif=exif,
        tags=dict(tags or {}) | ({} if nodata is None else {"nodata": repr(nodata)}),
        notes=(*notes, *converted),
    )
    return ArraySignal(values=native, domain=image_domain(*native.shape[:2]), info=info)


def from_array(array: NDArray[Any]) -> ArraySignal:
    """Make a signal from an array [H, W] or [H, W, C]; see `to_signal`."""
    check_order(array.shape, "array")
    return with_source(to_signal(array, "array"), suffix=".npy", sha256=digest(array))


def digest(array: NDArray[Any]) -> str:
    """Return the SHA-256 of an array in hex: of its shape, type and samples."""
    found = hashlib.sha256(repr((array.shape, array.dtype.str)).encode())
    found.update(np.ascontiguousarray(array).reshape(-1).view(np.uint8).data)
    return found.hexdigest()


def with_source(signal: ArraySignal, *, suffix: str, sha256: str, notes: tuple[str, ...] = ()) -> ArraySignal:
    """Return a signal with what is known about the file or array it came from; `notes` are added."""
    info = replace(signal.info, suffix=suffix, sha256=sha256, notes=(*signal.info.notes, *notes))
    return replace(signal, info=info)


def read_npy(data: bytes, name: str) -> ArraySignal:
    """Read the bytes of a `.npy` file.

    Raises:
        InputError: the array cannot be an image, or the file is cut off.
    """
    file = BytesIO(data)
    check_order(check_npy(file, len(data), name), name)
    file.seek(0)
    return to_signal(np.load(file, allow_pickle=False), name)


def check_npy(file: BinaryIO, size: int, name: str) -> tuple[int, ...]:
    """Return the shape of the array in a `.npy` file, whose samples are not read.

    Args:
        file: the file, at its start.
        size: its bytes.
        name: what messages call it.

    Raises:
        InputError: it holds Python objects, or is cut off. ValueError, KeyError: it is no such file.
    """
    version = np.lib.format.read_magic(file)
    read_header = {
        (1, 0): np.lib.format.read_array_header_1_0,
        (2, 0): np.lib.format.read_array_header_2_0,
    }
    shape, _, dtype = read_header[version](file)
    if dtype.hasobject:
        raise InputError(f"{name}: holds Python objects, not samples", hint="save an array of numbers")
    # numpy would reserve memory for any size that the header names.
    wanted, there = int(np.prod(shape, dtype=object)) * dtype.itemsize, size - file.tell()
    if wanted > there:
        raise InputError(f"{name}: is cut off: {wanted} bytes of samples announced, {there} there")
    return shape


def npy_start(shape: tuple[int, ...], dtype: np.dtype[Any]) -> bytes:
    """Return what goes before samples [H, W, C] in a `.npy` file; a single channel becomes [H, W]."""
    file = BytesIO()
    stored = shape[:-1] if shape[-1] == 1 else shape
    header = {"descr": dtype.str, "fortran_order": False, "shape": stored}
    np.lib.format.write_array_header_1_0(file, header)
    return file.getvalue()


def check_order(shape: tuple[int, ...], name: str, *, axes: int = 2, places: tuple[int, ...] = (0,)) -> None:
    """Refuse a shape whose channels come first, as those of tensors do, before it becomes another signal in silence.

    Args:
        shape: of the array.
        name: what messages call it.
        axes: of the signal, beside that of the channels.
        places: where tensors may have their channels.

    Raises:
        InputError: there are 1, 3 or 4 at such a place, and more at the end than pictures have bands as a rule.
    """
    if len(shape) != axes + 1 or not BANDS < shape[-1] <= MAX_CHANNELS or shape[-2] <= max(COLOURS):
        return
    for place in places:
        if shape[place] in (1, 3, 4):
            raise InputError(
                f"{name}: shape {shape} has {shape[place]} channels before its other axes, or {shape[-1]} behind them",
                hint=f"move them last with numpy.moveaxis(array, {place}, -1)"
                + (", or give --kind volume where they are planes" if axes == 2 else ""),
            )


def _shaped(values: NDArray[Any], name: str) -> NDArray[Any]:
    """Return samples as [H, W, C]."""
    hint = "give [height, width] or [height, width, channels], the channels last"
    if values.ndim == 4 or (values.ndim == 3 and values.shape[-1] > MAX_CHANNELS):
        hint = "--kind volume reads [z, y, x] and [z, y, x, channels]; an image is " + hint.removeprefix(
            "give "
        )
    if values.ndim not in (2, 3):
        raise InputError(f"{name}: shape {values.shape} is not an image", hint=hint)
    shaped = values[..., None] if values.ndim == 2 else values
    if shaped.size == 0:
        raise InputError(f"{name}: shape {values.shape} has no samples", hint=hint)
    if shaped.shape[-1] > MAX_CHANNELS:
        raise InputError(
            f"{name}: shape {values.shape} has {shaped.shape[-1]} channels, at most {MAX_CHANNELS} are allowed",
            hint=hint,
        )
    return shaped


def _native(values: NDArray[Any], name: str, nodata: float | None) -> tuple[NDArray[Any], tuple[str, ...]]:
    """Return samples as uint8, uint16 or float32 in native byte order, and notes on what was converted."""
    dtype = values.dtype
    if dtype.kind == "b":
        return values.astype(np.uint8) * np.uint8(255), ()
    if dtype.kind == "f":
        return as_float32(values, name, nodata), ()
    if dtype.kind not in "ui":
        raise InputError(
            f"{name}: samples of type {dtype} are not allowed",
            hint="allowed are bool, integers from 0 to 65535 and floats",
        )
    if dtype.name in STORED:
        return np.ascontiguousarray(values, dtype.name), ()
    low, high = int(values.min()), int(values.max())
    if low < 0 or high > 65535:
        raise InputError(
            f"{name}: {dtype} samples from {low} to {high} do not fit 16 bit (0 to 65535)",
            hint="scale them to uint8 or uint16, or convert them to float32",
        )
    narrow = "uint8" if high <= 255 else "uint16"
    return np.ascontiguousarray(values, narrow), (f"{dtype} samples were read as {narrow}",)


def as_float32(values: NDArray[Any], name: str, nodata: float | None = None) -> NDArray[np.float32]:
    """Return samples as float32; those that are not finite, or "no data", may be anything.

    Raises:
        InputError: another sample does not fit float32.
    """
    if values.dtype.itemsize > 4:
        check_float32(largest(values, nodata), name)
    with np.errstate(over="ignore"):
        return np.ascontiguousarray(values, np.float32)


def largest(values: NDArray[Any], nodata: float | None = None) -> float:
    """Return the largest magnitude of the samples that are finite and not "no data"; 0 where there is none."""
    sizes = np.abs(values)
    good = np.isfinite(sizes) & (sizes < np.finfo(np.float64).max)
    if nodata is not None:
        good &= values != nodata
    return float(sizes.max(where=good, initial=0))


def check_float32(peak: Any, name: str) -> None:
    """Raise an InputError where the largest size of a sample does not fit float32."""
    if peak > np.float64(np.finfo(np.float32).max):
        raise InputError(
            f"{name}: a sample of {peak:.3g} does not fit float32", hint="scale the samples down"
        )
