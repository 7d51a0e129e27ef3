"""A decoded clip against its reference, some frames at a time: nothing here is as long as the clip but numbers."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from statistics import fmean
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from inrfit.decibel import decibel
from inrfit.errors import InputError
from inrfit.metrics import fidelity
from inrfit.registry import load
from inrfit.render.output import Output

if TYPE_CHECKING:
    from inrfit.device import Device
    from inrfit.domain import Domain
    from inrfit.field import Field
    from inrfit.partitions import Region
    from inrfit.signal import Signal

AT_ONCE = 1 << 21
"""Samples that are compared at a time, in whole frames."""

Metric = Callable[[NDArray[Any], NDArray[Any], fidelity.ValueRange], float | None]


def is_clip(domain: Domain) -> bool:
    """Tell whether samples on a domain are frames."""
    return domain.dimensions == 3 and domain.units[0] == "s"


def compare(fitted: Field, reference: Signal, metrics: Sequence[str], device: Device) -> dict[str, Any]:
    """Return what `comparison.compare` does, and values of each frame: "frame_psnr", "frame_ssim" and so on.

    The PSNR is that of the mean error over the whole clip. Metrics of pictures are taken of each frame and averaged.
    A value is None where no region covers a frame.

    Raises:
        InputError: a metric is not one of clips.
    """
    found = _Found(
        fitted=fitted, of_frames={name: load("metric", name) for name in metrics if name != "psnr"}
    )
    for name in found.of_frames:
        if name not in ("ssim", "ms-ssim"):
            raise InputError(
                f"--metrics {name} is not measured of clips", hint="choose from psnr, ssim, ms-ssim"
            )
    for first, last in _spans(fitted.domain):
        frames = Output(region=((first, last), (None, None), (None, None)))
        decoded = fitted.bands(frames, device).array()
        start = fitted.domain.origin[0]
        box = fitted.domain.box.along(0, first + start, last + start)
        known = reference.known_in(box)
        covered = None if _full(fitted) else fitted.covered(frames)
        if known is not None:
            covered = known if covered is None else covered & known
        found.add(first + start, reference.dense(box), decoded, covered)
    return found.numbers(with_psnr="psnr" in metrics)


def _full(field: Field) -> bool:
    """Tell whether every sample of the domain is covered."""
    return sum(field.partition.areas) == field.domain.size


def _spans(domain: Domain) -> Iterator[tuple[int, int]]:
    """Yield ranges of frames, counted from 0, of about `AT_ONCE` samples."""
    count = max(1, AT_ONCE // math.prod(domain.shape[1:]))
    for first in range(0, domain.shape[0], count):
        yield first, min(first + count, domain.shape[0])


@dataclass(slots=True, kw_only=True)
class _Found:
    """What was found so far.

    Attributes:
        fitted: the decoded field.
        of_frames: metrics that are taken of each frame.
        values: their values by name.
        errors: sum of the squared errors of each frame, value range 1, and the number of numbers it is over.
        regions: sum of the squared errors of each region, in the order of the partition.
        areas: samples of each region that these are of.
    """

    fitted: Field
    of_frames: dict[str, Metric]
    values: dict[str, list[float | None]] = field(default_factory=dict)
    errors: list[tuple[float, int]] = field(default_factory=list)
    regions: NDArray[np.float64] = field(default_factory=lambda: np.zeros(0))
    areas: NDArray[np.int64] = field(default_factory=lambda: np.zeros(0, np.int64))

    def __post_init__(self) -> None:
        self.values = {name: [] for name in self.of_frames}
        self.regions = np.zeros(len(self.fitted.partition))
        self.areas = np.zeros(len(self.fitted.partition), np.int64)

    def add(
        self, first: int, target: NDArray[Any], decoded: NDArray[Any], covered: NDArray[np.bool_] | None
    ) -> None:
        """Compare some frames [frame, height, width, channel], the first of which has the index `first`."""
        low, high = value_range = self.fitted.info.peak_range
        squares = np.subtract(target, decoded, dtype=np.float64)
        np.square(squares, out=squares)
        per_sample = squares.sum(axis=-1) / (high - low) ** 2
        if covered is not None:
            per_sample[~covered] = 0
            decoded = np.where(covered[..., None], decoded, target)
        for number, frame in enumerate(per_sample):
            count = frame.size if covered is None else int(covered[number].sum())
            self.errors.append((float(frame.sum()), count * self.fitted.channels))
            for name, metric in self.of_frames.items():
                value = metric(target[number], decoded[number], value_range) if count else None
                self.values[name].append(value)
        counted = np.ones(per_sample.shape, bool) if covered is None else covered
        self._add_regions(first, per_sample, counted)

    def _add_regions(self, first: int, per_sample: NDArray[np.float64], counted: NDArray[np.bool_]) -> None:
        """Add the errors of some frames, and which samples they are of, to those of the regions they meet."""
        last = first + len(per_sample)
        _, top, left = self.fitted.domain.origin
        for place, region in enumerate(self.fitted.partition.regions):
            (t0, t1), (y0, y1), (x0, x1) = region.box
            a, b = max(t0, first), min(t1, last)
            if a < b:
                box = slice(a - first, b - first), slice(y0 - top, y1 - top), slice(x0 - left, x1 - left)
                self.regions[place] += _inside(per_sample[box], region, a, b)
                self.areas[place] += int(_inside(counted[box], region, a, b))

    def numbers(self, *, with_psnr: bool) -> dict[str, Any]:
        """Return all that was found."""
        total, count = math.fsum(error for error, _ in self.errors), sum(count for _, count in self.errors)
        mse = total / count
        frames = [None if not count else decibel(error / count) for error, count in self.errors]
        channels = self.fitted.channels
        return {
            **({"psnr": decibel(mse)} if with_psnr else {}),
            **{name: _mean(values) for name, values in self.values.items()},
            "mse": mse,
            "psnr_type": self.fitted.info.psnr_type(decibel(mse)),
            "range": list(self.fitted.info.peak_range),
            "border_error": None,
            "region_psnr": [
                decibel(error / (max(area, 1) * channels))
                for error, area in zip(self.regions.tolist(), self.areas.tolist(), strict=True)
            ],
            "frame_psnr": frames,
            **{f"frame_{name.replace('-', '_')}": values for name, values in self.values.items()},
            "params": self.fitted.params,
            "samples": int(self.areas.sum()),
        }


def _inside(numbers: NDArray[Any], region: Region, first: int, last: int) -> float:
    """Return the sum of numbers [some frames, height, width of the box] over the samples of a region."""
    if region.mask is None:
        return float(numbers.sum())
    start = region.box[0][0]
    return float(numbers[region.mask[first - start : last - start]].sum())


def _mean(values: Sequence[float | None]) -> float | None:
    """Return the mean of the values that are defined; None where none is."""
    defined = [value for value in values if value is not None]
    return fmean(defined) if defined else None
