"""What kernels take and give: encoded tiles, what they should become, and what is found out about them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from torch import Tensor


@dataclass(frozen=True, slots=True, kw_only=True)
class Tiles:
    """Encoded tiles.

    Attributes:
        features: register -> [tile, point, feature].
        owner: [tile], the group of each tile in the weights it is run with; None where tile g belongs to group g.
        trunk_rows: [tile], the row of the trunk's registers that belongs to each tile, where tiles that see the same
            trunk coordinates share a row; None when each tile has its own.
    """

    features: Mapping[str, Tensor]
    owner: Tensor | None
    trunk_rows: Tensor | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch(Tiles):
    """Encoded tiles with what they should become.

    Attributes:
        owner: [tile], as for `Tiles`.
        targets: [tile, point, channel] on [-1, 1].
        mask: [tile, point, 1]: 1 for samples of the region, 0 for padding and for samples of its neighbours.
        weight: [tile, point, 1]: what a sample counts in the loss; 0 for padding.
    """

    owner: Tensor
    targets: Tensor
    mask: Tensor
    weight: Tensor


@dataclass(frozen=True, slots=True, kw_only=True)
class Sums:
    """What a kernel finds out about a batch.

    Attributes:
        errors: [tile], the squared errors of each tile, summed over the region's own samples.
        gradients: stack name -> [group, *shape], of the sum of squared errors over all samples, each with its weight.
        moments: weight stack -> [group, in (+ 1), in (+ 1)], the sums of products of what the matrix is multiplied with,
            each sample with its weight (see `second_moments`); empty unless asked for.
    """

    errors: Tensor
    gradients: dict[str, Tensor]
    moments: dict[str, Tensor]
