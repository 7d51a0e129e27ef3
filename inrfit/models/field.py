"""The neural field: a description, its weight stacks, and what is needed to turn them back into a signal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, NDArray

from inrfit.config import ModelConfig
from inrfit.coords import Frame
from inrfit.errors import ConfigError
from inrfit.models.description import Description
from inrfit.models.sizing import describe
from inrfit.partitions import Partition
from inrfit.signal import SignalInfo

if TYPE_CHECKING:
    from inrfit.domain import Box, Domain


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Field:
    """A fitted signal.

    Attributes:
        model: resolved model configuration.
        partition: domain and regions; the group axis of local stacks follows `partition.regions`.
        frame: the global frame, fixed when the signal was first fitted.
        info: what is needed to write samples back as they came.
        channels: values per sample.
        weights: stack name -> [region or 1, *shape] float32.
        tile: points of a decode tile; fixed in the file so that every decode gives the same bits.
        seed, steps: how it was fitted.
        weight_type: how a file keeps the weights, "float32" or "float16".
        psnr: dB of the decoded file against its source; None when unknown.
        mse: mean squared error per region of the decoded samples, with values on [-1, 1]; empty when unknown.
    """

    model: ModelConfig
    partition: Partition
    frame: Frame
    info: SignalInfo
    channels: int
    weights: Mapping[str, NDArray[np.float32]]
    tile: int
    seed: int = 0
    steps: int = 0
    weight_type: str = "float16"
    psnr: float | None = None
    mse: tuple[float, ...] = ()

    @property
    def domain(self) -> Domain:
        """The lattice the field was fitted on."""
        return self.partition.domain

    @property
    def description(self) -> Description:
        """The network as steps and stacks."""
        return describe(self.model, self.domain.dimensions, self.channels)

    @property
    def params(self) -> int:
        """Number of trained weights."""
        return self.description.count(len(self.partition))

    def select(self, positions: Sequence[int]) -> Field:
        """Return the field with only some regions, given by position in `partition.regions`."""
        local = {stack.name for stack in self.description.stacks if stack.local}
        rows = list(positions)
        return replace(
            self,
            partition=replace(self.partition, regions=tuple(self.partition.regions[i] for i in rows)),
            weights={n: w[rows] if n in local else w for n, w in self.weights.items()},
            mse=tuple(self.mse[i] for i in rows) if self.mse else (),
            psnr=None,
        )

    def decode(
        self,
        *,
        size: Sequence[int] | None = None,
        scale: float | None = None,
        region: Box | None = None,
        device: str = "auto",
        threads: int | None = None,
    ) -> NDArray[np.generic]:
        """Return native samples [*shape, channel].

        Args:
            size: samples per axis of the whole output, rows first; the fitted size when None.
            scale: factor on every axis, in place of `size`.
            region: half-open index range per axis, in samples of the fitted signal; the whole domain when None.
            device, threads: where it runs.

        Raises:
            ConfigError: both `size` and `scale`, an empty or too large output, or a region outside the domain.
            FitError: a network gives values that are not finite.
        """
        from inrfit.device import pick_device
        from inrfit.kernels.render import render

        if size is not None and scale is not None:
            raise ConfigError("size and scale both set the output size", hint="give one of them")
        if scale is not None:
            if not 0 < scale < 1e4:
                raise ConfigError(f"scale {scale} must lie between 0 and 10000")
            size = [max(1, round(n * scale)) for n in self.domain.shape]
        return self.info.from_unit(
            render(self, size=size, region=region, device=pick_device(device, threads))
        )

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
        from inrfit.device import pick_device
        from inrfit.kernels.render import evaluate

        return evaluate(self, np.asarray(coords, np.float64), pick_device(device))
