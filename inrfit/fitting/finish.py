"""From the weights of a fit to those of its file: integers with steps by their effect on the signal; nothing is fitted.

What is decided here depends on the field and its signal alone, not on how the fit went about them: fits in waves, fits of
many signals and a fit alone give the same file.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from inrfit.device import Device
from inrfit.errors import FitError
from inrfit.field import Field
from inrfit.fitting.measure import measured, with_stored_errors
from inrfit.fitting.plan import Plan
from inrfit.fitting.size import by_effect, coarsest, shifted, with_steps
from inrfit.kernels.tiles import region_samples
from inrfit.models.coding import PER_OCTAVE, Coding
from inrfit.render.points import Points
from inrfit.signal import Signal

SAMPLES, REGIONS = 1 << 14, 32
"""Samples and regions, spread over the signal, at which the effect of rounding is looked at, at most."""

LOSS, FINER = 0.08, 16
"""dB that a decoded file may lose by rounding, and how often steps are made finer by a quarter of an octave until it does
not: rounding to the samples' type can make more of a change than it is, in small signals."""


def quantise_field(field: Field, plan: Plan, coding: Coding | None = None) -> Field:
    """Return a field as its file gives it back: with rounded weights, and errors rounded as the file keeps them.

    Quantised weights have steps that add at most `size.FAITHFUL` to the squared error; with a target PSNR that the
    field exceeds, the coarsest steps that keep it.

    Args:
        field: measured, with the weights of a fit; those with steps already are left as they are.
        plan: its signal, the type of the weights, the target, and where it runs.
        coding: steps that are not chosen, of some stacks or all.

    Raises:
        FitError: the weights are not finite.
    """
    signal, config, device = plan.signal, plan.settings.fit, plan.device
    if config.weights != "quantised" or field.coding is not None:
        return with_stored_errors(field)
    if not all(np.isfinite(weights).all() for weights in field.weights.values()):
        raise FitError(
            "the fit diverged: its weights are not finite", hint="use a lower learning rate with --lr"
        )
    fixed = {} if coding is None else dict(coding.exponents)
    free = [stack.name for stack in field.description.stacks if stack.trained and stack.name not in fixed]
    exponents = {**fixed, **_chosen(field, free, signal, device)}
    ends = replace(coding or Coding(exponents={}), exponents=exponents)
    rounded = measured(with_steps(field, ends), signal, device)
    for _ in range(FINER):
        if not free or (field.psnr or 0.0) - (rounded.psnr or 0.0) <= LOSS:
            break
        ends = shifted(ends, free, -len(free) * PER_OCTAVE // 4)
        rounded = measured(with_steps(field, ends), signal, device)
    wanted = config.target_psnr
    if wanted is None or (field.psnr or 0.0) < wanted or not free:
        return with_stored_errors(rounded)
    found = coarsest(field, rounded, wanted, lambda one: measured(one, signal, device), fixed)
    return with_stored_errors(found or rounded)


def _chosen(field: Field, free: Collection[str], signal: Signal, device: Device) -> dict[str, int]:
    """Return the exponents of the steps of some stacks, by some regions of a field."""
    if not free:
        return {}
    count = len(field.partition)
    rows = np.unique(np.linspace(0, count - 1, min(count, REGIONS)).astype(np.int64))
    part = field.select(rows.tolist())
    samples = _spread(part, signal)
    targets, points = signal.sample(samples), Points(part, samples.astype(np.float64), device)

    def error(weights: Mapping[str, NDArray[np.float32]]) -> float:
        return float(np.square(points.values(weights) - targets, dtype=np.float64).sum())

    sizes = {name: field.weights[name].size for name in free}
    return by_effect({name: part.weights[name] for name in free}, {}, error, sizes)[0]


def _spread(field: Field, signal: Signal) -> NDArray[np.int64]:
    """Return every so many a sample of the regions, [sample, axis]."""
    regions = [region_samples(region, pool=signal.pool) for region in field.partition.regions]
    every = max(1, math.ceil(sum(region.count for region in regions) / SAMPLES))
    if every > 1:
        every += 1 - every % 2  # odd, so that rows of an even length are not looked at in columns
    found, offset = [], 0
    for region in regions:
        found.append(region.index(np.arange(offset, region.count, every)))
        offset = (offset - region.count) % every
    return np.concatenate(found)
