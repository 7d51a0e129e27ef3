"""What a report shows of one signal: pictures, numbers, regions and the curve of its fit; no HTML."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from inrfit.errors import InputError

Number = float | int | str | None
CurvePoint = tuple[int, float, float]
"""Step, seconds since the start and PSNR in dB."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Entry:
    """One signal of a report.

    Attributes:
        name: what the signal is called, for example its file name; any text.
        original: RGB picture [height, width, 3] uint8, or None for an entry without pictures.
        decoded: RGB picture of the same shape; given exactly when `original` is.
        overlay: RGB picture of the partition, or None.
        numbers: values by name, in native units (bytes, dB, seconds); None where one is not defined.
        covered: which pixels of the pictures a region covers, [height, width]; None when all are. Others have no error.
        region_psnr: dB per region in partition order, or None.
        region_ids: id per region, as many as `region_psnr`; None for their places in it.
        areas: samples per region, as many as `region_psnr`, or None.
        curve: the course of the fit, or None.
        frame_psnr: dB of each frame of a clip, None for a frame that has none; None for what is no clip.
        rates: bits per sample and PSNR in dB of what the signal is compared with, and of its own file; or None.
    """

    name: str
    original: NDArray[np.uint8] | None = None
    decoded: NDArray[np.uint8] | None = None
    overlay: NDArray[np.uint8] | None = None
    numbers: Mapping[str, Number] = field(default_factory=dict)
    covered: NDArray[np.bool_] | None = None
    region_psnr: Sequence[float] | None = None
    region_ids: Sequence[int] | None = None
    areas: Sequence[int] | None = None
    curve: Sequence[CurvePoint] | None = None
    frame_psnr: Sequence[float | None] | None = None
    rates: Mapping[str, Sequence[tuple[float, float]]] | None = None

    def __post_init__(self) -> None:
        for label, picture in (
            ("original", self.original),
            ("decoded", self.decoded),
            ("partition", self.overlay),
        ):
            if picture is not None:
                _check_picture(f"{label} picture of {self.name}", picture)
        shapes = [None if picture is None else picture.shape for picture in (self.original, self.decoded)]
        if shapes[0] != shapes[1]:
            raise InputError(
                f"{self.name}: the original {shapes[0]} and the decoded picture {shapes[1]} "
                "of a report need one shape",
                hint="decode at the size of the original",
            )
        for label, held in (("an area", self.areas), ("an id", self.region_ids)):
            if self.region_psnr is not None and held is not None and len(held) != len(self.region_psnr):
                raise InputError(
                    f"{self.name}: {len(self.region_psnr)} regions have a PSNR and {len(held)} {label}"
                )


def _check_picture(label: str, picture: NDArray[np.generic]) -> None:
    if picture.dtype != np.uint8 or picture.ndim != 3 or picture.shape[2] != 3 or picture.size == 0:
        raise InputError(f"{label} must be [height, width, 3] uint8, not {picture.shape} {picture.dtype}")
