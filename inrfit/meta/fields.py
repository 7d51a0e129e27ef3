"""From what adapts to the field of a signal, which is like any other; nothing is adapted here."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from inrfit.coords import global_frame
from inrfit.kernels.tiles import tile_points
from inrfit.meta.inner import Numbers
from inrfit.meta.learner import Learner
from inrfit.models.field import Field
from inrfit.partitions import Partition
from inrfit.signal import Signal


def field_of(
    learner: Learner,
    params: Numbers,
    adapted: Numbers,
    signal: Signal,
    partition: Partition,
    *,
    seed: int = 0,
    steps: int = 0,
    weight_type: str = "float32",
) -> Field:
    """Return the field of one signal whose regions have adapted.

    Args:
        learner, params: what was learned.
        adapted: the groups of this signal alone, [region, ...].
        signal: what was adapted to.
        partition: its regions, in the order of the groups.
        seed, steps: how it was adapted, for the file.
        weight_type: how a file keeps the weights; in the field they are rounded to it already.
    """
    regions = len(partition)
    many = learner.model.name == "mlp" and regions > 1
    model = replace(learner.model, name="partitioned") if many else learner.model
    found = learner.weights(params, adapted)
    weights = {}
    for stack in learner.description.stacks:
        kept = found[stack.name].detach().cpu().numpy().astype(np.float32)
        if stack.trained:
            kept = kept.astype(weight_type).astype(np.float32)
        groups = regions if stack.local else 1
        weights[stack.name] = np.array(np.broadcast_to(kept, (groups, *stack.shape)))
    return Field(
        model=model,
        partition=partition,
        frame=global_frame(partition.domain),
        info=signal.info,
        channels=signal.channels,
        weights=weights,
        tile=tile_points(partition.areas),
        seed=seed,
        steps=steps,
        weight_type=weight_type,
    )
