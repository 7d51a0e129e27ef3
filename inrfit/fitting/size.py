"""Steps that make a file as large, or as good, as is wanted; weights learn nothing here."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from inrfit.codec.write import with_tables
from inrfit.field import Field
from inrfit.fitting.rounding import NOTHING, PROBE, PROBES, SMALL
from inrfit.fitting.target import OVERSHOOT
from inrfit.models.coding import PER_OCTAVE, Coding, exponent_of, quantised, restored

FAITHFUL = 10**0.004 - 1
"""Growth of the squared errors that rounding may cause where the file is to be as good as with float32: 0.04 dB."""

FINE = 1 << 24
"""Thresholds of rounding that are tried to meet a size before steps are made coarser. There are so many because weights
whose bits are just worth it learn to lie at the threshold: of 23,000 on four cells 1,700 came to within 10^-5 of a step,
400 to within 10^-6 and 60 to within 10^-7."""

COARSE = FINE + 512
"""Coarsest that `bisect_size` tries."""

FURTHEST = 8 * PER_OCTAVE
"""Largest change of the exponents of steps that is tried: by a factor of 256."""

JUMPS = 48
"""Steps beyond the coarsest good ones that are looked at where a target PSNR is exceeded by too much."""


def bisect_size(
    change: Callable[[NDArray[np.int64]], None], sizes: Sequence[Callable[[], int]], limit: int
) -> NDArray[np.bool_]:
    """Find the least coarseness with which each file has at most `limit` bytes, and leave it so.

    Args:
        change: sets the coarseness of each file's weights, 0 to `COARSE`; sizes fall with it, more or less.
        sizes: returns the bytes of each file.
        limit: bytes.

    Returns:
        Which files have that size; others are as coarse as can be.
    """
    low, high = np.full(len(sizes), -1), np.full(len(sizes), COARSE)
    while (high - low > 1).any():
        middle = np.where(high - low > 1, (low + high) // 2, high)
        change(middle)
        good = np.array([size() <= limit for size in sizes])
        low, high = np.where(good, low, np.minimum(middle, high - 1)), np.where(good, middle, high)
    change(high)
    return np.array([size() <= limit for size in sizes])


def by_effect(
    numbers: Mapping[str, NDArray[np.float32]],
    bases: Mapping[str, NDArray[np.float32]],
    error: Callable[[Mapping[str, NDArray[np.float32]]], float],
    sizes: Mapping[str, int] | None = None,
) -> tuple[dict[str, int], dict[str, NDArray[np.float32]]]:
    """Return steps that add no more than `FAITHFUL` to an error, and the numbers rounded to them.

    This is what `Rounding.choose` does within a fit, for numbers that are no stacks of a network.

    Args:
        numbers: name -> [group, *shape].
        bases: name -> [*shape], what integers are differences from; zeros where there is none.
        error: returns the squared error with some numbers.
        sizes: how many numbers each name has in a file, of which these may be a part; all when None.
    """
    before = error(numbers)
    beyond = {name: value.astype(np.float64) - bases.get(name, 0.0) for name, value in numbers.items()}
    counts = {name: value.size for name, value in numbers.items()} if sizes is None else sizes

    def rounded(exponents: Mapping[str, int]) -> dict[str, NDArray[np.float32]]:
        found = dict(numbers)
        for name, exponent in exponents.items():
            near = restored(quantised(beyond[name], exponent), exponent)
            found[name] = bases[name] + near if name in bases else near
        return found

    shape = {
        name: _shape(name, beyond[name], numbers, rounded, error, before) + 0.5 * math.log2(counts[name])
        for name in numbers
    }
    middle = round(PER_OCTAVE * 0.5 * math.log2(max(FAITHFUL * before, 1e-12) / sum(counts.values())))
    low, high = middle - FURTHEST, middle + FURTHEST
    while high - low > 1:
        exponents = {name: math.floor(PER_OCTAVE * value) + middle for name, value in shape.items()}
        if error(rounded(exponents)) - before <= FAITHFUL * before:
            low = middle
        else:
            high = middle
        middle = (low + high) // 2
    exponents = {name: math.floor(PER_OCTAVE * value) + low for name, value in shape.items()}
    return exponents, rounded(exponents)


def _shape(
    name: str,
    beyond: NDArray[np.float64],
    numbers: Mapping[str, NDArray[np.float32]],
    rounded: Callable[[Mapping[str, int]], dict[str, NDArray[np.float32]]],
    error: Callable[[Mapping[str, NDArray[np.float32]]], float],
    before: float,
) -> float:
    """Return the logarithm of a step over the root of its numbers' count, up to a common summand; see `Rounding.choose`."""
    probe = exponent_of(max(float(np.sqrt(np.mean(beyond**2))), 1e-9) * PROBE)
    effect = math.inf
    for _ in range(PROBES):
        near = rounded({name: probe})
        mirrored = {**numbers, name: 2 * numbers[name] - near[name]}
        effect = max((error(near) + error(mirrored)) / 2 - before, NOTHING * before + 1e-12)
        if effect <= SMALL * before:
            break
        probe -= 2 * PER_OCTAVE
    return probe / PER_OCTAVE - 0.5 * math.log2(effect)


def with_steps(field: Field, coding: Coding) -> Field:
    """Return a field with its trained weights rounded to some steps, and with tables for them."""
    rounded = {
        name: restored(quantised(weights, coding.exponents[name]), coding.exponents[name])
        if name in coding.exponents
        else weights
        for name, weights in field.weights.items()
    }
    return with_tables(replace(field, weights=rounded, coding=coding))


def kept_as(field: Field) -> Field:
    """Return a field with its trained weights rounded as its file keeps them."""
    if field.coding is not None:
        return with_steps(field, field.coding)
    trained = {stack.name for stack in field.description.stacks if stack.trained}
    rounded = {
        name: weights.astype(field.weight_type).astype(np.float32) if name in trained else weights
        for name, weights in field.weights.items()
    }
    return replace(field, weights=rounded)


def coarsest(
    field: Field,
    usual: Field,
    wanted: float,
    measure: Callable[[Field], Field],
    fixed: Collection[str] = (),
) -> Field | None:
    """Return a field with the coarsest steps at which its PSNR is at least `wanted` dB; None where there are none.

    Of few weights the PSNR jumps from step to step, up and down; where it is further above `wanted` than a target may be,
    some coarser steps are looked at for one that is not.

    Args:
        field: with weights that are not rounded.
        usual: the same with some steps, measured.
        wanted: dB.
        measure: returns a field with its PSNR.
        fixed: names of stacks whose steps stay as they are.
    """
    coding = usual.coding
    names = [] if coding is None else [name for name in coding.exponents if name not in fixed]
    if coding is None or not names:
        return usual if (usual.psnr or 0.0) >= wanted else None
    best: Field | None = None
    low, high = -FURTHEST * len(names), FURTHEST * len(names)
    found, at, jump = usual, 0, len(names) * PER_OCTAVE // 2
    while True:
        if (found.psnr or 0.0) >= wanted:
            best, low = found, at
        else:
            high = at
        if high - low <= 1:
            break
        near = low + jump if best is found else high - jump
        at = near if low < near < high else (low + high) // 2
        jump *= 2
        found = measure(with_steps(field, shifted(coding, names, at)))
    for further in range(low + 2, low + 2 + JUMPS):
        if best is None or (best.psnr or 0.0) <= wanted + OVERSHOOT:
            break
        found = measure(with_steps(field, shifted(coding, names, further)))
        if wanted <= (found.psnr or 0.0) < (best.psnr or 0.0):
            best = found
    return best


def shifted(coding: Coding, names: Sequence[str], by: int) -> Coding:
    """Return steps that are coarser by `by` 32nds of an octave in all, spread over some stacks; without tables."""
    all_, first = divmod(by, len(names))
    moved = {name: coding.exponents[name] + all_ + (place < first) for place, name in enumerate(names)}
    return Coding(exponents={**coding.exponents, **moved})
