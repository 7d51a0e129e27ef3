"""A signal in memory or behind a reader: samples on a domain and what is known about them; no file formats."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from inrfit.domain import Box, Domain
from inrfit.errors import InputError

INTEGER_RANGES: dict[str, tuple[float, float]] = {
    "uint8": (0.0, 255.0),
    "uint16": (0.0, 65535.0),
    "int16": (-32768.0, 32767.0),
    "int32": (-2147483648.0, 2147483647.0),
}
"""Integer sample types, and the values they hold."""

FLOAT_RANGE = (-float(np.finfo(np.float32).max), float(np.finfo(np.float32).max))
"""Values that the sample type float32 holds."""

PART = 1 << 17
"""Numbers that are converted at a time: in double precision they fit into the cache, which makes it five times faster."""

DTYPES = (*INTEGER_RANGES, "float32")

SIGNED = ("waveform", "distance")
"""Meanings of channels whose values swing about 0: their range is symmetric and their peak is its high end."""


TELLING = (
    *(
        "title",
        "artist",
        "album",
        "date",
        "comment",
        "genre",
        "copyright",
        "description",
        "license",
        "software",
    ),
    *("track", "tracknumber", "creation_time"),
)
"""Tags that tell of a source and not of its samples."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SignalInfo:
    """What must be known to write a signal back as it came.

    Attributes:
        kind: signal kind of the registry, for example "image".
        dtype: sample type, a name of `DTYPES`.
        value_range: (low, high) of the samples that map to -1 and 1; low < high.
        colour: meaning of the channels: "grey", "grey-alpha", "rgb", "rgb-alpha", "waveform", "distance",
            "occupancy" or "channels".
        suffix: file suffix of the source, for example ".png"; empty for arrays.
        icc: ICC profile, or None.
        exif: EXIF block without orientation (it is applied to the samples), or None.
        sound: sound track of a clip: the bytes of an `.inr` file, or of a sound file; None without one.
        tags: what else is known, such as title, artist or encoding, as text by name.
        notes: what was changed on reading, in words for the user.
        sha256: hash of the source bytes in hex; empty where there was no file.
    """

    kind: str = "image"
    dtype: str = "uint8"
    value_range: tuple[float, float] = (0.0, 255.0)
    colour: str = "rgb"
    suffix: str = ""
    icc: bytes | None = None
    exif: bytes | None = None
    sound: bytes | None = None
    tags: Mapping[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    sha256: str = ""

    def without_metadata(self) -> SignalInfo:
        """Return the same without the EXIF block and the tags that tell of a source.

        What samples need to be understood stays: the colour profile, sizes, rates and encodings.
        """
        return replace(
            self, exif=None, tags={name: text for name, text in self.tags.items() if name not in TELLING}
        )

    @property
    def peak(self) -> float:
        """Peak of a PSNR on the scale where samples lie on [-1, 1]: 1 for values that swing about 0, else 2."""
        return 1.0 if self.colour in SIGNED else 2.0

    @property
    def peak_range(self) -> tuple[float, float]:
        """Range of native samples whose extent is the peak of a PSNR: the value range, or its upper half."""
        low, high = self.value_range
        return ((low + high) / 2, high) if self.colour in SIGNED else (low, high)

    @property
    def type_range(self) -> tuple[float, float]:
        """Range of the sample type by which the peak of a PSNR is taken by convention.

        That of an integer type, (0, 1) of floats within it, full scale of a waveform, and else the value range.
        """
        low, high = self.value_range
        if self.dtype in INTEGER_RANGES and self.kind != "shape":
            least, most = INTEGER_RANGES[self.dtype]
            return (0.0, most + 1) if self.colour == "waveform" else (least, most)
        if self.dtype == "float32" and self.colour not in SIGNED:
            return (0.0, 1.0) if low >= 0 and high <= 1 else (low, high)
        return (0.0, 1.0) if self.colour == "waveform" else self.peak_range

    def psnr_type(self, psnr: float | None) -> float | None:
        """Return a PSNR in dB with the extent of `type_range` as its peak, from one with that of `peak_range`."""
        if psnr is None:
            return None
        (low, high), (least, most) = self.peak_range, self.type_range
        return psnr + 20 * math.log10((most - least) / (high - low))

    def figures(self, psnr: float | None) -> dict[str, Any]:
        """Return a PSNR as results tell it: "psnr", "psnr_type", and "range", whose extent is the peak of the former."""
        return {"psnr": psnr, "psnr_type": self.psnr_type(psnr), "range": list(self.peak_range)}

    @property
    def nothing(self) -> float:
        """Native sample of places that no region covers: silence, outside of a shape, or the low end of the range."""
        low, high = self.value_range
        return {"waveform": 0.0, "distance": high}.get(self.colour, low)

    @property
    def limits(self) -> tuple[float, float]:
        """Least and greatest native sample: the value range within the sample type, which is one narrower about 0.

        A waveform is bounded by its sample type alone: a part that is added later may be louder.
        """
        low, high = self.value_range
        least, most = INTEGER_RANGES.get(self.dtype, FLOAT_RANGE)
        return (least, most) if self.colour == "waveform" else (max(low, least), min(high, most))

    def to_unit(self, values: ArrayLike) -> NDArray[np.float32]:
        """Map native samples to [-1, 1]."""
        low, high = self.value_range

        def scaled(part: NDArray[np.float64]) -> NDArray[np.float64]:
            return (part - low) * (2.0 / (high - low)) - 1.0

        return _in_parts(scaled, np.asarray(values), "float32")

    def from_unit(self, unit: ArrayLike) -> NDArray[np.generic]:
        """Map [-1, 1] to native samples: clipped to `limits`, and rounded for integer types."""
        low, high = self.value_range

        def native(part: NDArray[np.float64]) -> NDArray[np.float64]:
            scaled = np.clip((part + 1.0) * ((high - low) / 2.0) + low, *self.limits)
            return np.rint(scaled) if self.dtype in INTEGER_RANGES else scaled

        return _in_parts(native, np.asarray(unit), self.dtype)


def declared(info: SignalInfo) -> str | float | None:
    """Return the value that stands for "no data" by the tag "nodata"; "none" where no value does, None where none is said."""
    text = info.tags.get("nodata")
    try:
        return text if text is None or text == "none" else float(text)
    except ValueError:
        return None


def _in_parts(
    function: Callable[[NDArray[np.float64]], NDArray[np.float64]], values: NDArray[Any], dtype: str
) -> NDArray[Any]:
    """Apply a function of single samples in double precision, a part at a time to spare memory."""
    flat = values.reshape(-1)
    made = np.empty(flat.shape, dtype)
    for start in range(0, len(flat), PART):
        made[start : start + PART] = function(flat[start : start + PART].astype(np.float64))
    return made.reshape(values.shape)


def gathered(
    bands: Iterable[NDArray[Any]], shape: tuple[int, ...], dtype: np.dtype[Any] | str
) -> NDArray[Any]:
    """Put bands along the first axis together into [*shape]; a band that is all of it is returned as it is."""
    made, at = np.zeros((0, *shape[1:]), dtype), 0
    for band in bands:
        if len(band) == shape[0]:
            return band
        made = np.empty(shape, dtype) if at == 0 else made
        made[at : at + len(band)] = band
        at += len(band)
    return made


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Bands:
    """Native samples that come in bands along the first axis: what a decode yields and a file is made of.

    Attributes:
        bands: samples [some of the first axis, ..., channel], in order; they can be taken once.
        domain: the lattice of all of them together.
        channels: values per sample.
        info: what is known about them.
    """

    bands: Iterable[NDArray[Any]]
    domain: Domain
    channels: int
    info: SignalInfo

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of all samples together, [*domain.shape, channel]."""
        return (*self.domain.shape, self.channels)

    def array(self) -> NDArray[Any]:
        """Return all samples as one array."""
        return gathered(self.bands, self.shape, self.info.dtype)

    @classmethod
    def of(cls, values: NDArray[Any], domain: Domain, info: SignalInfo) -> Bands:
        """Return samples [*shape, channel] that are there already; `domain` may be that of a part or another size."""
        domain = replace(domain, shape=values.shape[:-1])
        return cls(bands=[values], domain=domain, channels=values.shape[-1], info=info)


class Signal(ABC):
    """A source of samples: an array is one, a video behind a file and a mesh with its distance function are others.

    Attributes:
        domain: the lattice the samples lie on.
        info: what is known about the samples.
        known: which samples have a value, [*domain.shape]; None when all do, or when they cannot be listed.
    """

    __slots__ = ()
    domain: Domain
    info: SignalInfo
    known: NDArray[np.bool_] | None = None

    @property
    @abstractmethod
    def channels(self) -> int:
        """Values per sample."""

    @abstractmethod
    def sample(self, points: NDArray[np.int64]) -> NDArray[np.float32]:
        """Return the samples at integer indices [point, axis] as [point, channel] in [-1, 1]."""

    @abstractmethod
    def dense(self, window: Box | None = None) -> NDArray[np.generic]:
        """Return the native samples of a window (the whole domain when None) as [*shape, channel]."""

    @property
    def pooled(self) -> bool:
        """Whether some samples alone are fitted and measured, those of `pool`."""
        return self.known is not None

    def pool(self, box: Box) -> NDArray[np.intp] | None:
        """Return which samples of a box are fitted and measured, as rising ranks in row-major order; None for all."""
        known = self.known_in(box)
        return None if known is None else np.flatnonzero(known)

    def occupied(self, boxes: Sequence[Box]) -> NDArray[np.bool_]:
        """Return which of many boxes hold anything to fit, [box]; cells of a grid that do not are left out."""
        return np.array([known is None or known.any() for known in map(self.known_in, boxes)], bool)

    def known_in(self, window: Box) -> NDArray[np.bool_] | None:
        """Return which samples of a window have a value, [*shape]; None when all of the signal do."""
        return None if self.known is None else self.known[Box(window).slices(self.domain.origin)]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ArraySignal(Signal):
    """A signal held in one array.

    Attributes:
        values: native samples [*domain.shape, channel].
        domain: the lattice the samples lie on.
        info: what is known about them.
        known: which samples have a value, [*domain.shape]; None when all do. Those that have none are neither
            fitted nor measured; something finite stands in their place.
    """

    values: NDArray[np.generic]
    domain: Domain
    info: SignalInfo = field(default_factory=SignalInfo)
    known: NDArray[np.bool_] | None = None

    def __post_init__(self) -> None:
        if self.values.shape[:-1] != self.domain.shape or self.values.ndim != self.domain.dimensions + 1:
            raise InputError(
                f"array of shape {self.values.shape} does not fit the domain {self.domain.shape}"
            )
        if self.values.dtype.name != self.info.dtype or self.info.dtype not in DTYPES:
            raise InputError(f"sample type {self.values.dtype.name} is not one of {', '.join(DTYPES)}")
        if self.known is not None and self.known.shape != self.domain.shape:
            raise InputError(f"mask of shape {self.known.shape} does not fit the domain {self.domain.shape}")

    @property
    def channels(self) -> int:
        """Values per sample."""
        return self.values.shape[-1]

    def sample(self, points: NDArray[np.int64]) -> NDArray[np.float32]:
        """Return the samples at integer indices [point, axis] as [point, channel] in [-1, 1]."""
        index = tuple(points[:, axis] - origin for axis, origin in enumerate(self.domain.origin))
        return self.info.to_unit(self.values[index])

    def dense(self, window: Box | None = None) -> NDArray[np.generic]:
        """Return the native samples of a window (the whole domain when None) as [*shape, channel]."""
        return self.values if window is None else self.values[Box(window).slices(self.domain.origin)]
