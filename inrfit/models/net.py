"""A neural field as mathematics knows it: a description, its weight stacks, and the frames of its regions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from inrfit.coords import Frame
from inrfit.models.config import ModelConfig
from inrfit.models.description import Description, describe
from inrfit.partitions import Partition

if TYPE_CHECKING:
    from inrfit.domain import Domain


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Net:
    """What values follow from: networks on regions.

    Attributes:
        model: resolved model configuration.
        partition: domain and regions; the group axis of local stacks follows `partition.regions`.
        frame: the global frame, fixed when the signal was first fitted.
        channels: values per sample.
        weights: stack name -> [region or 1, *shape] float32.
        tile: points of a decode tile; fixed in the file so that every decode gives the same bits.
    """

    model: ModelConfig
    partition: Partition
    frame: Frame
    channels: int
    weights: Mapping[str, NDArray[np.float32]]
    tile: int

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
