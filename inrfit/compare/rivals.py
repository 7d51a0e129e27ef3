"""A field beside other codecs of the same picture: at its size, at its PSNR, and as curves; files are not known here."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from inrfit.compare import pictures
from inrfit.compare.comparison import part_of
from inrfit.compare.pictures import BEST, QUALITIES, Picture, Point
from inrfit.errors import InputError
from inrfit.metrics import bjontegaard
from inrfit.metrics.bits import bpp

if TYPE_CHECKING:
    from inrfit.field import Field
    from inrfit.signal import Signal

Points = list[tuple[float, float]]
"""Bytes and PSNR in dB."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Rivals:
    """One picture as files of other codecs.

    Attributes:
        samples: the picture [height, width, channel] uint8.
        names: codecs of the registry.
        done: what was encoded before, by codec and quality; grows.
    """

    samples: Picture
    names: Sequence[str]
    done: dict[tuple[str, int], Point] = field(default_factory=dict)

    def beside(self, size: int, psnr: float) -> dict[str, dict[str, Any]]:
        """Set a file of the picture beside each codec.

        Sizes and PSNRs are taken to rise with the quality, which is found by bisection.

        Args:
            size: bytes of the file.
            psnr: dB of its decoded picture.

        Returns:
            By codec: "setting", "reason" (why it cannot hold the picture, or None), and, each with "quality", "bytes",
            "bpp" and "psnr", "same_bytes" (its largest file of at most `size` bytes), "same_psnr" (its smallest with at
            least `psnr`), "smallest" and "best" (at its lowest and highest quality). The first two are None where it
            has no such file. "psnr_gain" is `psnr` minus that at the same bytes, in dB; "bytes_gain" is the share of
            bytes that the field takes more than at the same PSNR, in percent.
        """
        return {name: self._beside(name, size, psnr) for name in self.names}

    def curves(self) -> dict[str, list[Point]]:
        """Return what the picture costs at `QUALITIES`, by codec; those that cannot hold it have no points."""
        return {
            name: [] if self._refusal(name) else [self._point(name, quality) for quality in QUALITIES]
            for name in self.names
        }

    def bd(self, points: Points) -> dict[str, dict[str, Any]]:
        """Return the mean distance of files of the picture from the curve of each codec.

        Args:
            points: bytes and PSNR in dB of each file.

        Returns:
            By codec: "files", "rate" (BD-rate in percent, below 0 where the files take fewer bytes), "psnr" (BD-PSNR
            in dB, above 0 where they are better), and "reason" (why there is no rate, or None). Of the codec's curve the
            points count that no smaller file of it surpasses.
        """
        return {name: self._bd(name, points) for name in self.names}

    def _beside(self, name: str, size: int, psnr: float) -> dict[str, Any]:
        found: dict[str, Any] = {
            "setting": pictures.codec(name).setting,
            "reason": self._refusal(name),
            **dict.fromkeys(("same_bytes", "psnr_gain", "same_psnr", "bytes_gain", "smallest", "best"), None),
        }
        if found["reason"] is not None:
            return found
        lowest = pictures.codec(name).lowest
        # The first quality that is too large, and the one before it; the first that is good enough.
        too_large = self._first(name, lambda point: point.bytes > size)
        good = self._first(name, lambda point: point.psnr >= psnr)
        if too_large > lowest:
            at = self._point(name, too_large - 1)
            found |= {"same_bytes": self._told(at), "psnr_gain": psnr - at.psnr}
        if good <= BEST:
            at = self._point(name, good)
            found |= {"same_psnr": self._told(at), "bytes_gain": 100 * (size / at.bytes - 1)}
        ends = {"smallest": self._point(name, lowest), "best": self._point(name, BEST)}
        return found | {key: self._told(point) for key, point in ends.items()}

    def _first(self, name: str, holds: Callable[[Point], bool]) -> int:
        """Return the lowest quality of which something holds that holds for all above; `BEST` + 1 without one."""
        low, high = pictures.codec(name).lowest, BEST + 1
        while low < high:
            middle = (low + high) // 2
            if holds(self._point(name, middle)):
                high = middle
            else:
                low = middle + 1
        return low

    def _bd(self, name: str, points: Points) -> dict[str, Any]:
        found: dict[str, Any] = {"files": len(points), "rate": None, "psnr": None, "reason": None}
        reason = self._refusal(name)
        if reason is not None:
            return found | {"reason": reason}
        codec = [(float(one.bytes), one.psnr) for one in self.curves()[name] if np.isfinite(one.psnr)]
        anchor = bjontegaard.front(codec)
        try:
            rate = bjontegaard.bd_rate(anchor, points)
            found |= {"rate": rate}
            return found | {"psnr": bjontegaard.bd_psnr(anchor, points)}
        except InputError as error:
            return found | {"reason": error.message}

    def _refusal(self, name: str) -> str | None:
        return pictures.refusal(self.samples, name)

    def _point(self, name: str, quality: int) -> Point:
        key = name, quality
        if key not in self.done:
            self.done[key] = pictures.point(self.samples, name, quality)
        return self.done[key]

    def _told(self, point: Point) -> dict[str, Any]:
        height, width = self.samples.shape[:2]
        return {
            "quality": point.quality,
            "bytes": point.bytes,
            "bpp": bpp(point.bytes, height * width),
            "psnr": point.psnr,
        }


def of(
    field: Field, reference: Signal, names: Sequence[str], *, done: dict[tuple[str, int], Point] | None = None
) -> Rivals:
    """Return the picture that a field should give back as files of other codecs.

    Args:
        field: what is set beside them.
        reference: the original; of a whole one the part that a crop has left is taken.
        names: codecs of the registry.
        done: see `Rivals`.

    Raises:
        ConfigError: a codec is not there. InputError: the field is no picture of 8 bits, or regions of it are missing.
    """
    for name in names:
        pictures.codec(name)
    told, info = f"--against {','.join(names)}", field.info
    if info.kind != "image":
        raise InputError(
            f"{told} compares pictures, this is of the kind {info.kind}", hint="leave --against out"
        )
    if info.dtype != "uint8":
        raise InputError(
            f"{told} needs 8 bits in a channel, the samples are {info.dtype}",
            hint="leave --against out, or fit an 8-bit copy of the picture",
        )
    if not field.covered().all():
        raise InputError(
            f"{told} compares whole pictures, and regions of this one are missing",
            hint="leave --against out, or crop to a box without holes",
        )
    samples = np.ascontiguousarray(part_of(reference, field).dense()).astype(np.uint8, copy=False)
    return Rivals(samples=samples, names=names, done={} if done is None else done)
