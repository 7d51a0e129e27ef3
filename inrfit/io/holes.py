"""Which samples of a signal have a value to fit, and the range they are fitted in; it reads no files.

Samples that are no numbers, that are declared as "no data", or that lie far away from all others are *holes*: they are
not fitted and not measured, and a decode fills them in. The range is that of the sample type where the samples use a
quarter of it or more, and their own where they use less: a fit is as fine as its range, and a PSNR with a peak that
no sample comes near says little.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from inrfit.errors import InputError
from inrfit.io.config import ReadConfig
from inrfit.io.spool import blocks, gather, spooling
from inrfit.signal import INTEGER_RANGES, ArraySignal, SignalInfo, declared

USED = 0.25
"""Share of a range of which samples that use less are fitted in their own."""

NARROW = 0.05
"""Share of a range that channels have in common below which it is told of one."""

NO_DATA = (
    -9999.0,
    -999.0,
    -99999.0,
    -999999.0,
    -32768.0,
    -32767.0,
    -(2.0**31),
    1e20,
    1e30,
    9.969209968386869e36,
)
"""Values that stand for "no data" in rasters and NetCDF files whether or not the file says so, where they lie apart."""

EDGE = 3e38
"""Magnitude from which a float stands for "no data"."""

MANY = 64
"""Samples from which their extent is taken for that of the signal."""

FAR = 7.0
"""Extents of all others by which an outlier is away from them."""

FEW = 0.005
"""Largest share of outliers: what is more is what the signal is about."""

CACHED = 1 << 20
"""Bytes of samples that stay in the cache of a processor while they are looked at."""

LOOKED_AT = 1 << 18
"""Values, spread over a signal, from which the extent of all but outliers is estimated."""

Array = TypeVar("Array", bound=ArraySignal)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Rule:
    """Which values are holes, beside those that are not finite.

    Attributes:
        none: values that stand for "no data".
        inside: (low, high) that all others lie within; None without such a limit.
        together: first channels that are "no data" only where all of them are, as colours; without them each is alone.
    """

    none: tuple[float, ...] = ()
    inside: tuple[float, float] | None = None
    together: int = 0

    def may_hold(self, least: Any, most: Any) -> bool:
        """Return whether there may be holes among samples from `least` to `most`, NaN where one of them is."""
        if not (np.isfinite(least) and np.isfinite(most)):
            return True
        if self.inside is not None and not (self.inside[0] <= least and most <= self.inside[1]):
            return True
        return any(least <= value <= most for value in self.none)

    def holes(self, block: NDArray[Any]) -> NDArray[np.bool_] | None:
        """Return which samples of [..., channel] are holes, in any channel, [...]; None where none is."""
        found = [] if block.dtype.kind != "f" else [(~np.isfinite(block)).any(-1)]
        for value in self.none:
            if _holds(block.dtype, value):
                equal = block == _like(value, block.dtype)
                found.append(equal[..., : self.together].all(-1) if self.together else equal.any(-1))
        if self.inside is not None:
            found.append(((block < self.inside[0]) | (block > self.inside[1])).any(-1))
        bad = [one for one in found if one.any()]
        return np.logical_or.reduce(bad) if bad else None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Seen:
    """Extremes of the samples that are no holes, and how many are; low > high where all are holes."""

    low: float
    high: float
    holes: int


class _Look:
    """Samples [*shape, channel], all of which are looked at once by each rule.

    Attributes:
        values: the samples.
    """

    def __init__(self, values: NDArray[Any]) -> None:
        self.values = values
        self._seen: dict[_Rule, _Seen] = {}

    @property
    def count(self) -> int:
        """Number of samples."""
        return self.values[..., 0].size

    def by(self, rule: _Rule) -> _Seen:
        """Return what there is beside the holes of a rule."""
        if rule not in self._seen:
            self._seen[rule] = _seen(self.values, rule)
        return self._seen[rule]


def settled(signal: Array, config: ReadConfig, name: str, *, full: tuple[float, float] | None) -> Array:
    """Return a signal with the range that it is fitted in, and without its holes.

    Args:
        signal: what was read. Its tag "nodata" is the value that its file declares as "no data".
        config: `range` and `nodata`, as the user wants it.
        name: what messages call it.
        full: range of the sample type, or what the format says is full scale; None where samples always have their own.

    Returns:
        The signal with `known` where it has holes; there the samples before them are repeated.

    Raises:
        InputError: all samples are holes, or there is no room for samples without them.
    """
    look = _Look(signal.values)
    rule, notes = _rule(look, signal.info, config)
    seen, count = look.by(rule), look.count
    if seen.holes == count:
        raise InputError(
            f"{name}: none of its {count} samples has a value: they are NaN, infinite or no data",
            hint="look at what made it; --nodata none takes all finite samples as they are",
        )
    if seen.holes and not notes:
        notes = (f"{_of(seen.holes, count)} have no value (NaN, infinite or no data) and are left out",)
    values = signal.values
    if config.range == "auto" and (count < MANY or _flat(values)):  # too little to have a range of its own
        config = replace(config, range="type")
    value_range, said = _range(signal.info, config, full, seen)
    said += _shared(signal, rule, value_range)
    info = replace(signal.info, value_range=value_range, notes=(*signal.info.notes, *notes, *said))
    if config.nodata is not None:
        info = replace(info, tags={**info.tags, "nodata": str(config.nodata)})
    with spooling(InputError, name):
        known = np.concatenate([_known(block, rule) for block in blocks(values)]) if seen.holes else None
        if not (value_range[0] <= seen.low and seen.high <= value_range[1]):
            values = _mapped(values, lambda block: np.clip(block, *_whole(value_range, block.dtype)))
        if known is not None:
            values = _filled(values, known)
        return replace(signal, values=values, known=known, info=info)


def _rule(look: _Look, info: SignalInfo, config: ReadConfig) -> tuple[_Rule, tuple[str, ...]]:
    """Return which values are holes, and what is told of those that were found without being declared."""
    own = declared(info)
    said = own if config.nodata is None else config.nodata
    if said == "none":
        return _Rule(), ()
    colours = (
        3 if info.colour in ("rgb", "rgb-alpha") and info.dtype in INTEGER_RANGES else 0
    )  # a 0 may be red
    rule = _Rule(none=() if said is None else (float(said),), together=colours)
    if said != own or isinstance(config.range, tuple) or info.dtype == "uint8":
        return rule, ()
    count = look.count
    if count < MANY:
        return rule, ()
    before = 0 if said is None else look.by(rule).holes
    conventional = _conventional(look, rule)
    if conventional.none != rule.none:
        told = ", ".join(f"{value:g}" for value in conventional.none[len(rule.none) :])
        rule = conventional
        held = look.by(rule).holes
        return rule, (
            f"{_of(held, count)} have no value: {told} stands for no data here; they are left out "
            "(--nodata none keeps them)",
        )
    inside = _inside(look, rule)
    if inside is None:
        return rule, ()
    rule = replace(rule, inside=inside)
    held = look.by(rule).holes - before
    return rule, (
        f"{_of(held, count)} lie far outside of all others, which go from {inside[0]:g} to {inside[1]:g}, and are "
        "left out (--nodata none keeps them)",
    )


def _conventional(look: _Look, rule: _Rule) -> _Rule:
    """Add the extremes that stand for "no data" by convention and lie apart: as far from all others as those extend."""
    while True:
        seen = look.by(rule)
        ends = [end for end in (seen.low, seen.high) if _is_no_data(end, look.values.dtype)]
        for end in ends:
            wider = replace(rule, none=(*rule.none, end))
            rest = look.by(wider)
            gap = rest.low - end if end == seen.low else end - rest.high
            if rest.low <= rest.high and gap >= max(rest.high - rest.low, abs(end) / 2):
                rule = wider
                break
        else:
            return rule


def _is_no_data(value: float, dtype: np.dtype[Any]) -> bool:
    """Return whether a value stands for "no data" by convention."""
    known = {float(_like(one, dtype)) for one in NO_DATA if _holds(dtype, one)}
    return value in known or (dtype.kind == "f" and abs(value) >= EDGE)


def _inside(look: _Look, rule: _Rule) -> tuple[float, float] | None:
    """Return the extremes of all but outliers: few samples, far away, with nothing between; None without outliers."""
    flat = look.values.reshape(-1)
    some = flat[:: max(1, len(flat) // LOOKED_AT)]
    holes = rule.holes(some[:, None])
    some = some if holes is None else some[~holes]
    if len(some) < 2:
        return None
    low, high = (float(value) for value in np.quantile(some, (2 * FEW, 1 - 2 * FEW)))
    extent = high - low
    if extent <= 0:
        return None
    seen = look.by(rule)
    reach = (low - extent * (FAR + 1), high + extent * (FAR + 1))
    if reach[0] <= seen.low and seen.high <= reach[1]:
        return None
    rest = look.by(replace(rule, inside=reach))
    near = (low - extent, high + extent)
    few = rest.holes - seen.holes <= max(1, FEW * look.count)
    return (rest.low, rest.high) if few and near[0] <= rest.low and rest.high <= near[1] else None


def _seen(values: NDArray[Any], rule: _Rule) -> _Seen:
    """Look at all samples."""
    low, high, holes = np.inf, -np.inf, 0
    if values.shape[-1] == 1 and values.flags.f_contiguous:  # as it lies in memory, which is faster
        values = values[..., 0].T[..., None]
    for block in blocks(values, size=CACHED):
        least, most = block.min(), block.max()
        if rule.may_hold(least, most):
            bad = rule.holes(block)
            if bad is not None:
                holes += int(bad.sum())
                block = block[~bad]
                if not block.size:
                    continue
                least, most = block.min(), block.max()
        low, high = min(low, float(least)), max(high, float(most))
    return _Seen(low=low, high=high, holes=holes)


def _range(
    info: SignalInfo, config: ReadConfig, full: tuple[float, float] | None, seen: _Seen
) -> tuple[tuple[float, float], tuple[str, ...]]:
    """Return the range that samples are fitted in, low < high, and what is told of it."""
    low, high = seen.low, seen.high
    if isinstance(config.range, tuple):
        least, most = config.range[0], config.range[1]
        told = f"samples from {low:g} to {high:g} are clipped to the range {least:g} to {most:g}"
        return (least, most), () if least <= low and high <= most else (told,)
    if full is not None and info.dtype == "float32" and not (full[0] <= low and high <= full[1]):
        full = None
    if config.range == "data":
        full = None
    if low == high:
        return full or ((min(low, 0.0), max(high, 0.0)) if low else (0.0, 1.0)), ()
    if full is None:
        return (low, high), ()
    share = (high - low) / (full[1] - full[0])
    if config.range == "type" or share >= USED:
        return full, ()
    return (low, high), (
        f"samples from {low:g} to {high:g} use {100 * share:.2g} % of {_called(info, full)}: they are fitted and "
        "measured in their own range (--range type takes all of it)",
    )


def _shared(signal: ArraySignal, rule: _Rule, value_range: tuple[float, float]) -> tuple[str, ...]:
    """Return what is told of channels that are no colours and use little of the range that all of them share."""
    if signal.info.colour != "channels":
        return ()
    low, high = value_range
    seen = (_seen(signal.values[..., [channel]], rule) for channel in range(signal.channels))
    extents = [max(0.0, min(one.high, high) - max(one.low, low)) for one in seen]
    narrow = [str(channel) for channel, extent in enumerate(extents) if 0 < extent < NARROW * (high - low)]
    if not narrow or max(extents) < USED * (high - low):
        return ()
    return (
        f"channels {', '.join(narrow)}, counted from 0, use less than {NARROW:.0%} of the range {low:g} to {high:g} that "
        "all share and are fitted as coarsely (fit them apart where they matter)",
    )


def _flat(values: NDArray[Any]) -> bool:
    """Return whether all samples are the same."""
    first = values.reshape(-1, values.shape[-1])[0]
    return all(
        np.array_equal(block, np.broadcast_to(first, block.shape)) for block in blocks(values, size=CACHED)
    )


def _called(info: SignalInfo, full: tuple[float, float]) -> str:
    """Name a full range."""
    return info.dtype if INTEGER_RANGES.get(info.dtype) == full else f"{full[0]:g} to {full[1]:g}"


def _of(part: int, count: int) -> str:
    return f"{part:,} of {count:,} samples"


def _holds(dtype: np.dtype[Any], value: float) -> bool:
    """Return whether a sample type has a value."""
    if dtype.kind == "f":
        return True
    return value.is_integer() and np.iinfo(dtype).min <= value <= np.iinfo(dtype).max


def _like(value: float, dtype: np.dtype[Any]) -> Any:
    """Return a value as a sample; one that a float type cannot hold is infinite, and so a hole."""
    with np.errstate(over="ignore"):
        return dtype.type(value if dtype.kind == "f" else int(value))


def _whole(bounds: tuple[float, float], dtype: np.dtype[Any]) -> tuple[Any, Any]:
    """Return bounds as samples: of an integer type the nearest inside."""
    if dtype.kind == "f":
        return dtype.type(bounds[0]), dtype.type(bounds[1])
    least, most = np.iinfo(dtype).min, np.iinfo(dtype).max
    return max(least, int(np.ceil(bounds[0]))), min(most, int(np.floor(bounds[1])))


def _mapped(values: NDArray[Any], function: Any) -> NDArray[Any]:
    """Apply a function of samples block by block."""
    return gather((function(block) for block in blocks(values)), values.shape[1:], values.dtype.name)


def _known(block: NDArray[Any], rule: _Rule) -> NDArray[np.bool_]:
    bad = rule.holes(block)
    return np.ones(block.shape[:-1], bool) if bad is None else ~bad


def _filled(values: NDArray[Any], known: NDArray[np.bool_]) -> NDArray[Any]:
    """Return samples with the one before, in row-major order, in each hole; the first known one where there is none."""
    flat = known.reshape(-1)
    last = values.reshape(-1, values.shape[-1])[int(flat.argmax())].copy()

    def parts() -> Iterator[NDArray[Any]]:
        nonlocal last
        at = 0
        for block in blocks(values):
            rows = np.concatenate([last[None], block.reshape(-1, block.shape[-1])])
            there = np.concatenate([[True], flat[at : at + len(rows) - 1]])
            at += len(rows) - 1
            from_ = np.maximum.accumulate(np.where(there, np.arange(len(rows)), 0))
            filled = rows[from_]
            last = filled[-1]
            yield filled[1:].reshape(block.shape)

    return gather(parts(), values.shape[1:], values.dtype.name)
