"""The neural field: a net, and what is needed to turn it back into a signal and to keep it in a file."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import ArrayLike, NDArray

from inrfit.decibel import unit_decibel
from inrfit.device import Device, pick_device
from inrfit.errors import ConfigError
from inrfit.models.coding import Coding
from inrfit.models.net import Net
from inrfit.partitions.counted import counts, tagged
from inrfit.render.lattice import covered, uncovered
from inrfit.render.output import WHOLE, Output, Slices
from inrfit.signal import Bands, SignalInfo


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Adapted:
    """What a file keeps of a field in place of its weights, which follow from it and an init.

    Attributes:
        init: SHA-256 of the init's file, in hex.
        numbers: name -> [region, *shape] float32, rounded as the file keeps them: what each region adapted.
        bases: name -> [*shape]: numbers of the init that quantised ones are kept as differences from; zeros for those
            that are not there.
    """

    init: str
    numbers: Mapping[str, NDArray[np.float32]]
    bases: Mapping[str, NDArray[np.float32]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Field(Net):
    """A fitted signal: a net, and what a file says of it.

    Attributes:
        info: what is needed to write samples back as they came.
        seed, steps: how it was fitted.
        weight_type: how a file keeps the weights, "float32", "float16" or "quantised".
        psnr: dB of the decoded file against its source; None when unknown.
        mse: mean squared error per region of the decoded samples, with values on [-1, 1]; empty when unknown.
        adapted: what its file keeps in place of the weights; None where it keeps the weights.
        coding: steps of quantised weights, which are whole multiples of them, and the tables of its file; None for the
            other types.
    """

    info: SignalInfo
    seed: int = 0
    steps: int = 0
    weight_type: str = "float16"
    psnr: float | None = None
    mse: tuple[float, ...] = ()
    adapted: Adapted | None = None
    coding: Coding | None = None

    def select(self, positions: Sequence[int]) -> Field:
        """Return the field with only some regions, as `inrfit crop` makes it.

        The domain shrinks to the box around them. The PSNR is that of the regions kept, and what tells of the rest
        goes: the hash of the source, tags of the EXIF block, and the sound track where the time is another (`inrfit
        crop` cuts it instead).

        Args:
            positions: places of the regions in `partition.regions`, at least one.

        Raises:
            ConfigError: there is none, or no such region.
        """
        from inrfit.io.metadata import of_part

        rows = sorted(set(positions))
        part = self.partition.select(rows)
        if len(part) == len(self.partition):
            return replace(self, partition=part)
        local = {stack.name for stack in self.description.stacks if stack.local}
        mse = tuple(self.mse[row] for row in rows) if self.mse else ()
        return replace(
            self,
            partition=part,
            info=of_part(self.info, self.domain, part.domain),
            weights={n: w[rows] if n in local else w for n, w in self.weights.items()},
            adapted=None
            if self.adapted is None
            else replace(self.adapted, numbers={n: v[rows] for n, v in self.adapted.numbers.items()}),
            mse=mse,
            psnr=pooled_psnr(mse, [self.counts[row] for row in rows], self.info.peak),
        )

    @property
    def counts(self) -> list[int]:
        """Samples of each region that have a value, and that its error is a mean over."""
        regions = self.partition.regions
        return counts(self.info.tags, [region.id for region in regions], self.partition.areas)

    def append(self, other: Field) -> Field:
        """Return the field with the regions of another beside its own, as `inrfit extend` makes it.

        Frame and tile are those of this field, seed and steps those of the other, which was fitted last. Cells are
        numbered anew, segments of the other after the largest id here. What belongs to one of the two parts alone
        goes: the hash of the source, tags of the EXIF block, and the sound track where the time grows. An `mlp` becomes `partitioned`, which is the same
        network once for each region. Its file keeps the weights whole.

        Args:
            other: a field of the same model and with the same shared weights, whose domain touches this one along one
                axis and has the same extent on the others.

        Raises:
            ConfigError: the model or the shared weights differ.
        """
        from inrfit.io.metadata import of_part
        from inrfit.partitions.join import joined

        local = {stack.name for stack in self.description.stacks if stack.local}
        same = all(np.array_equal(w, other.weights[n]) for n, w in self.weights.items() if n not in local)
        if other.model != self.model or not same:
            raise ConfigError("fields of different models or shared weights cannot be put together")
        partition, order = joined(self.partition, other.partition)
        both = {n: np.concatenate([w, other.weights[n]]) for n, w in self.weights.items() if n in local}
        mse = (*self.mse, *other.mse) if self.mse and other.mse else ()
        mse = tuple(mse[place] for place in order) if mse else ()
        known = [*self.counts, *other.counts]
        known = [known[place] for place in order]
        return replace(
            self,
            model=replace(self.model, name="partitioned") if self.model.name == "mlp" else self.model,
            partition=partition,
            info=tagged(of_part(self.info, self.domain, partition.domain), partition, known),
            weights={n: both[n][order] if n in local else w for n, w in self.weights.items()},
            adapted=None,
            weight_type="float32" if self.adapted and self.coding else self.weight_type,
            coding=None if self.adapted else self.coding,
            seed=other.seed,
            steps=other.steps,
            mse=mse,
            psnr=pooled_psnr(mse, known, self.info.peak),
        )

    def decode(
        self,
        *,
        size: Sequence[int] | None = None,
        scale: float | None = None,
        region: Slices | None = None,
        fill: float | Sequence[float] | None = None,
        blend: int = 0,
        device: str = "auto",
        threads: int | None = None,
        precision: str = "float32",
    ) -> NDArray[np.generic]:
        """Return native samples [*shape, channel].

        Args:
            size: samples per axis of the whole output, rows first; the fitted size when None.
            scale: factor on every axis, in place of `size`.
            region: (start, stop) per axis, in samples of this field at its fitted size, counted as in slices: from
                0 at its first sample, negative from the end, None for an open end; all of it when None.
            fill: value, or one per channel, of samples that no region covers (see `covered`); that of the kind of
                signal when None, for an image the low end of the value range. A value for the colours alone goes with full alpha.
            blend: samples of this field on either side of a border over which the regions beside it are mixed, 0 to
                64. With 0 every region gives what it gives alone. Beyond its border a network knows only what
                the overlap of its fit showed it: give about as many, and 0 for a fit without overlap.
            device, threads: where it runs.
            precision: "float32", or "half" on CUDA, which is faster and coarser.

        Raises:
            ConfigError: both `size` and `scale`, an empty or too large output, a region outside the domain, a fill
                that is no sample, a blend that cannot be, or a precision that the device does not have.
            FitError: a network gives values that are not finite.
        """
        output = Output(size=size, scale=scale, region=region, fill=fill, blend=blend)
        return self.bands(output, pick_device(device, threads, precision)).array()

    def bands(self, output: Output = WHOLE, device: Device | None = None) -> Bands:
        """Return native samples in bands of rows, each made while the one before is used.

        Args:
            output: the samples.
            device: where it runs; see `pick_device` for None.

        Raises:
            ConfigError: as for `decode`. FitError: as for `decode`, while the bands are taken.
        """
        from inrfit.render.bands import native_bands

        return native_bands(self, self.info, output, device or pick_device())

    def covered(self, output: Output = WHOLE) -> NDArray[np.bool_]:
        """Return which samples of an output the regions of the field cover, [*shape]; not all of them after a crop.

        A sample of a smaller output is covered, and is the mean of what is covered, where a region has a share in it.

        Raises:
            ConfigError: the output cannot be.
        """
        return covered(self.partition, output.lattice(self.domain, self.channels))

    def uncovered(self, output: Output = WHOLE) -> int:
        """Return how many samples of an output no region covers, see `covered`; with less memory.

        Raises:
            ConfigError: the output cannot be.
        """
        return uncovered(self.partition, output.lattice(self.domain, self.channels))

    def __call__(self, coords: ArrayLike, *, device: str = "auto") -> NDArray[np.float32]:
        """Evaluate the field anywhere.

        Args:
            coords: [..., axis] in the global frame: [-1, 1] spans the fitted signal on each axis, rows first.
                Points outside belong to the nearest region.
            device: where it runs.

        Returns:
            Values [..., channel]; -1 and 1 are the ends of the signal's value range.

        Raises:
            ConfigError: the last axis has another length, or a coordinate is NaN or more than 10^6 from 0.
            FitError: a network gives values that are not finite.
        """
        from inrfit.render.points import evaluate

        return evaluate(self, np.asarray(coords, np.float64), pick_device(device))


def pooled_psnr(mse: Sequence[float], counts: Sequence[int], peak: float) -> float | None:
    """Return the PSNR in dB over the samples of several regions; None where their errors are not known, or of none.

    Args:
        mse: mean squared error of each region with values on [-1, 1], or empty.
        counts: samples of each region that have a value.
        peak: see `SignalInfo.peak`.
    """
    if not mse or not sum(counts):
        return None
    return unit_decibel(
        math.fsum(m * count for m, count in zip(mse, counts, strict=True)) / sum(counts), peak
    )
