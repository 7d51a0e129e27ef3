"""Contracts of partition rules, metrics, optimisers and schedules."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from inrfit import api, registry
from inrfit.testing.networks import SMALL, picture


def check_partition(name: str, **words: Any) -> None:
    """Check that a rule covers each sample of a picture once, and divides the same in the same way.

    Args:
        name: of the table.
        words: those of `inrfit.partition` that it needs.
    """
    samples = picture(24, 36)
    divided = api.partition(samples, partition=name, **words)
    counted = np.zeros((24, 36), int)
    for region in divided.regions:
        counted[tuple(region.points().T)] += 1
    assert counted.min() >= 1, (
        f"partition {name} leaves {int((counted == 0).sum())} of {counted.size} samples out"
    )
    assert counted.max() == 1, f"partition {name} covers {int((counted > 1).sum())} samples more than once"
    again = api.partition(samples, partition=name, **words)
    same = [region.box for region in again.regions] == [region.box for region in divided.regions]
    assert same, f"partition {name} divides the same picture in two ways"


def check_metric(name: str, *, sound: bool = False) -> None:
    """Check that a metric of two arrays gives a number or None, of samples alike and of others, and changes neither.

    Args:
        name: of the table.
        sound: whether it takes sounds [time, channel]; pictures [y, x, channel] without it.
    """
    metric = registry.load("metric", name)
    one = picture(64, 64).reshape(-1, 3) if sound else picture(24, 36)
    other = np.clip(one.astype(int) + 9, 0, 255).astype(np.uint8)
    kept = one.copy(), other.copy()
    for decoded in (one, other):
        found = metric(one, decoded, (0.0, 255.0))
        good = found is None or (isinstance(found, float) and not math.isnan(found))
        assert good, f"metric {name} gives {found!r}, which is neither a number nor None"
    assert np.array_equal(one, kept[0]), f"metric {name} changes the reference"
    assert np.array_equal(other, kept[1]), f"metric {name} changes the decoded samples"


def check_optimiser(name: str, **words: Any) -> None:
    """Check that an optimiser lowers the error, and that a region learns the same alone and among others.

    Args:
        name: of the table.
        words: those of `inrfit.fit` that it needs, such as `lr`.
    """
    made: dict[str, Any] = {**SMALL, "hidden_features": 16, "weights": "float32", "optimiser": name, **words}
    start, end = (
        api.fit(picture(16, 16), grid=(2, 2), **dict[str, Any](made, steps=steps)).psnr or 0.0
        for steps in (1, 60)
    )
    assert end > start + 1, f"60 steps of optimiser {name} lead from {start:.2f} to {end:.2f} dB"
    other = picture(16, 16)
    other[:, 8:] = 255 - other[:, 8:]
    ours, theirs = (api.fit(samples, grid=(1, 2), **made).select([0]) for samples in (picture(16, 16), other))
    for stack, weights in ours.weights.items():
        same = np.array_equal(weights, theirs.weights[stack])
        assert same, f"optimiser {name} mixes regions: {stack} of one depends on another"


def check_schedule(name: str) -> None:
    """Check that a schedule gives a factor from 0 to 1 at every step, the first above 0."""
    schedule = registry.load("schedule", name)
    for steps in (1, 2, 100):
        factors = [schedule(step, steps) for step in range(steps)]
        assert all(0 <= factor <= 1 for factor in factors), (
            f"schedule {name} leaves 0 to 1 within {steps} steps"
        )
        assert factors[0] > 0, f"schedule {name} begins with 0"
