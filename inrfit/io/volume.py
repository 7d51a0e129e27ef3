"""Volumes as signals: `.npy` arrays of three axes, such as a CT or a field of a simulation; images are in `image`."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from io import BytesIO
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from inrfit.domain import Box, Domain
from inrfit.errors import InputError, OutputError, require
from inrfit.io import arrays
from inrfit.io.config import ReadConfig
from inrfit.io.files import digest
from inrfit.io.formats import MAX_CHANNELS
from inrfit.io.holes import settled
from inrfit.io.kinds import SignalKind
from inrfit.io.libraries import guarded
from inrfit.io.spool import MappedSignal, blocks, gather, spooling
from inrfit.io.told import Told
from inrfit.rgb import rgb8
from inrfit.signal import INTEGER_RANGES, Bands, SignalInfo, declared

AXES = ("z", "y", "x")

CELL = 12
"""Side of a cell in samples when nothing else is said.

Half a weight per sample, sides of 8, 12, 16 and 32 samples: a phantom of 64 samples a side after 100 steps has 47.5, 47.8,
47.0 and 46.1 dB, a random field with the spectrum of a natural scene of 48 after 200 steps 37.5, 38.6, 38.4 (and 38.3 at 24).
A side of 16 takes 1.3 to 1.8 times as long as one of 12, one of 32 five times.
"""

SHAPES = "give [z, y, x], or [z, y, x, channel] with the channels last"

TOLD = (
    Told(
        name="NumPy",
        suffixes=(".npy",),
        read="[z, y, x] or [z, y, x, channel] with `--kind volume`: bool, whole numbers up to 32 bit, floats; up to 64 channels",
        kept="sample type up to float32 and int32",
        converted="float64 and float16 to float32, uint32 and others to the next type that holds them (told); "
        "NaN to samples without a target (told)",
        dropped="the spacing, which is that of `--spacing`",
        written="uint8, uint16, int16, int32, float32",
    ),
)
"""What is read of each format, and what becomes of it."""


class VolumeIO(SignalKind):
    """Reads and writes volumes. A `.npy` file is an image unless the user says that it is a volume."""

    kind = "volume"
    suffixes = (".npy",)
    written = (".npy",)
    told = TOLD
    words = ("spacing", "range", "nodata")
    defaults: ClassVar[Mapping[str, object]] = {"cell": CELL}

    def read(self, source: Path | bytes, name: str, config: ReadConfig) -> MappedSignal:
        """Read a `.npy` file; one with a path is mapped, not read whole.

        Raises:
            InputError: the file is no `.npy` file or cut off, or its array cannot be a volume.
            ConfigError: the spacing does not fit.
        """
        return _signal(_opened(source, name), name, config, lambda: digest(source))

    def reading(self, domain: Domain, info: SignalInfo) -> ReadConfig:
        """Return how a volume with the same spacing is read."""
        return ReadConfig(kind=self.kind, spacing=domain.spacing, nodata=declared(info))

    def from_array(self, array: NDArray[Any], config: ReadConfig) -> MappedSignal:
        """Make a signal from an array.

        Args:
            array: [z, y, x], or [z, y, x, channel] with up to 64 channels, of bool, integers up to 32 bit or floats.
                Its extremes are the value range.
            config: `spacing`, units per sample on each axis.

        Raises:
            InputError: the array cannot be a volume. ConfigError: the spacing does not fit.
        """
        return _signal(array, "array", config, lambda: arrays.digest(array))

    def encode(self, samples: Bands, suffix: str, name: str) -> Iterator[bytes]:
        """Yield a `.npy` file band after band; a single channel becomes [z, y, x]. It cannot hold the spacing.

        Raises:
            OutputError: the suffix is another, at the first piece.
        """
        self.check(samples.info, samples.channels, suffix, name)
        yield arrays.npy_start(samples.shape, np.dtype(samples.info.dtype))
        for band in samples.bands:
            yield np.ascontiguousarray(band).tobytes()

    def check(self, info: SignalInfo, channels: int, suffix: str, name: str) -> None:
        """Refuse every format but `.npy`; see `SignalKind.check`."""
        if suffix.lower() not in self.written:
            raise OutputError(
                f"{name}: {suffix or 'no suffix'} is not a format that volumes are written to",
                hint="write .npy",
            )

    def views(self, domain: Domain) -> list[Box]:
        """Return the three slices through the middle: across z, across y and across x."""
        return [domain.box.middle(axis) for axis in range(3)]

    def picture(self, samples: Bands) -> NDArray[np.uint8]:
        """Return a slice as a picture: its two axes of more than one sample, the value range from black to white."""
        values = samples.array()
        across = values.shape.index(1)
        return np.ascontiguousarray(rgb8(values.take(0, axis=across), samples.info))

    def default_suffix(self, info: SignalInfo) -> str:
        """Return ".npy"."""
        return ".npy"


def _opened(source: Path | bytes, name: str) -> NDArray[Any]:
    """Return the array in a `.npy` file, mapped where it has a path."""

    def damaged(reason: str) -> InputError:
        return InputError(
            f"{name}: cannot be read as a .npy file ({reason})", hint=f"save an array: {SHAPES}"
        )

    with guarded(damaged):
        if isinstance(source, bytes):
            _check_shape(arrays.check_npy(BytesIO(source), len(source), name), name)
            return np.load(BytesIO(source), allow_pickle=False)
        with source.open("rb") as file:
            _check_shape(arrays.check_npy(file, source.stat().st_size, name), name)
        return np.load(source, mmap_mode="r", allow_pickle=False)


def _signal(array: NDArray[Any], name: str, config: ReadConfig, sha256: Callable[[], str]) -> MappedSignal:
    """Make a signal from an array [z, y, x] or [z, y, x, channel]."""
    _check_shape(array.shape, name)
    spacing = _spacing(config.spacing)
    values, notes = _native(array if array.ndim == 4 else array[..., None], name, config.nodata)
    info = SignalInfo(
        kind=VolumeIO.kind,
        dtype=values.dtype.name,
        colour="grey" if values.shape[-1] == 1 else "channels",
        suffix=".npy",
        notes=notes,
        sha256=sha256(),
    )
    domain = Domain(
        shape=values.shape[:-1], axes=AXES, units=("unit",) * 3, spacing=spacing, origin=(0, 0, 0)
    )
    return settled(MappedSignal(values=values, domain=domain, info=info), config, name, full=None)


def _check_shape(shape: tuple[int, ...], name: str) -> None:
    """Refuse what has not three axes, or four with the channels last."""
    if len(shape) not in (3, 4):
        hint = f"{SHAPES}; --kind image reads [y, x]" if len(shape) == 2 else SHAPES
        raise InputError(f"{name}: shape {shape} is not a volume", hint=hint)
    if min(shape) < 1:
        raise InputError(f"{name}: shape {shape} has no samples", hint=SHAPES)
    arrays.check_order(shape, name, axes=3)
    if len(shape) == 4 and shape[-1] > MAX_CHANNELS:
        raise InputError(
            f"{name}: shape {shape} has {shape[-1]} channels, at most {MAX_CHANNELS} are allowed", hint=SHAPES
        )


def _spacing(given: tuple[float, ...] | None) -> tuple[float, ...]:
    """Return the units per sample of each axis."""
    spacing = given or (1.0,)
    require(
        len(spacing) in (1, 3),
        f"--spacing {','.join(f'{s:g}' for s in spacing)} gives {len(spacing)} numbers, a volume has 3 axes (z, y, x)",
        hint="give one for each axis, or one for all, for example --spacing 2.5,0.7,0.7",
    )
    return spacing * 3 if len(spacing) == 1 else spacing


def _native(
    values: NDArray[Any], name: str, nodata: str | float | None
) -> tuple[NDArray[Any], tuple[str, ...]]:
    """Return samples in a type that is fitted and in native byte order, and notes on what was converted."""
    dtype = values.dtype
    if dtype.kind not in "buif":
        raise InputError(
            f"{name}: samples of type {dtype} are not allowed",
            hint="allowed are bool, integers up to 32 bit and floats",
        )
    wanted = _type_for(dtype, values, name, None if nodata == "none" else nodata)
    if dtype != wanted:
        factor = 255 if dtype.kind == "b" else 1
        parts = (_converted(block, wanted, factor) for block in blocks(values))
        with spooling(InputError, name):
            values = gather(parts, values.shape[1:], wanted.name)
    known = dtype.name in (wanted.name, "bool") or dtype.kind == "f"
    return values, () if known else (f"{dtype} samples were read as {wanted}",)


def _converted(block: NDArray[Any], wanted: np.dtype[Any], factor: int) -> NDArray[Any]:
    with np.errstate(over="ignore"):  # what does not fit float32 is no data
        return block.astype(wanted) * wanted.type(factor)


def _type_for(dtype: np.dtype[Any], values: NDArray[Any], name: str, nodata: Any) -> np.dtype[Any]:
    """Return the sample type that takes all samples; of integers that are too wide the narrowest."""
    if dtype.kind == "f":
        if dtype.itemsize > 4:
            arrays.check_float32(max(arrays.largest(block, nodata) for block in blocks(values)), name)
        return np.dtype("float32")
    if dtype.kind == "b":
        return np.dtype("uint8")
    if dtype.name in INTEGER_RANGES:
        return np.dtype(dtype.name)
    lows, highs = zip(*((block.min(), block.max()) for block in blocks(values)), strict=True)
    low, high = min(lows), max(highs)
    for narrow, (least, most) in INTEGER_RANGES.items():
        if least <= low and high <= most:
            return np.dtype(narrow)
    raise InputError(
        f"{name}: {dtype} samples from {low} to {high} do not fit 32 bit",
        hint="scale them, or convert them to float32",
    )
