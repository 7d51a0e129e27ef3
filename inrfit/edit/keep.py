"""What a crop shall keep, as the user says it: cells, ids or a window of samples; no file is known here."""

from __future__ import annotations

import operator
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from inrfit.domain import Typed
from inrfit.errors import ConfigError, require
from inrfit.registry import unknown

if TYPE_CHECKING:
    from inrfit.render.output import Slices

SNAPS = ("out", "in", "error")
"""What happens to the regions that the border of a window cuts."""

SECONDS = re.compile(r"(?=.*s)(-?\d{1,9}(\.\d{1,9})?s)?:(-?\d{1,9}(\.\d{1,9})?s)?")
"""A range of time, which keeps the cells that it meets."""

EXAMPLES = "for example --keep 0:8,0:8 for cells, or --keep 1,3 for segments"

Entry = slice | int
"""A range of cells, samples or ids, half-open as in Python, or one of them."""

Keep = str | Sequence[str] | Sequence[Entry]
"""What to keep in one string, in several whose union is kept, or as one entry per axis (grid) or id (segments)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """What to keep; made by `selection`.

    Attributes:
        sets: keep-sets whose union is kept, each with one entry per axis of a grid or one or more ids of
            segments; empty when a window is given.
        window: one range of samples per axis, or None.
        snap: what happens to the regions that the border of the window cuts: "out" keeps them, "in" does not,
            "error" refuses them.
    """

    sets: tuple[tuple[Entry, ...], ...]
    window: tuple[slice, ...] | None
    snap: str


def selection(keep: Keep | None, region: Slices | None, snap: str) -> Selection:
    """Return what a crop shall keep.

    Args:
        keep: cells or ids; see `Keep`.
        region: ranges of samples in place of `keep`, (start, stop) per axis as in slices, None for an open end.
        snap: one of `SNAPS`; only for `region`.

    Raises:
        ConfigError: both or neither are given, or one cannot be read.
    """
    require(
        keep is not None or region is not None,
        "a crop needs --keep or --region, neither was given",
        hint=EXAMPLES,
    )
    require(
        keep is None or region is None, "--keep and --region both say what to keep", hint="give one of them"
    )
    texts = [keep] if isinstance(keep, str) else keep
    if isinstance(texts, Sequence) and len(texts) == 1 and isinstance(texts[0], str):
        text = texts[0].strip()
        if SECONDS.fullmatch(text):
            keep, region = None, (_seconds(text),)
    if snap not in SNAPS:
        raise unknown(str(snap), SNAPS, option="--snap")
    if region is not None:
        return Selection(sets=(), window=_window(region), snap=snap)
    require(snap == "out", f"--snap {snap} is for --region, --keep was given", hint="leave --snap out")
    return Selection(sets=_sets(keep), window=None, snap=snap)


def _seconds(text: str) -> tuple[Typed | None, Typed | None]:
    """Return a range of time written as 1.5s:3s."""
    first, last = (end.strip().removesuffix("s") for end in text.split(":"))
    return Typed(first) if first else None, Typed(last) if last else None


def resolved(entry: Entry, count: int) -> tuple[int, int] | None:
    """Return the half-open range that an entry means among `count` things; None where it is empty or reaches beyond.

    Negative numbers count from the end, as in Python.
    """
    if isinstance(entry, int):
        first = entry + count if entry < 0 else entry
        last = first + 1
    else:
        first, last = (
            default if end is None else end + count if end < 0 else end
            for end, default in ((entry.start, 0), (entry.stop, count))
        )
    return (first, last) if 0 <= first < last <= count else None


def shown(entries: Sequence[Entry]) -> str:
    """Write entries the way the options take them, for example 0:8,3."""
    return ",".join(
        str(entry)
        if isinstance(entry, int)
        else ":".join("" if end is None else str(end) for end in (entry.start, entry.stop))
        for entry in entries
    )


def _sets(keep: Keep | None) -> tuple[tuple[Entry, ...], ...]:
    """Read one or several keep-sets."""
    texts = [keep] if isinstance(keep, str) else list(keep) if isinstance(keep, Sequence) else []
    require(bool(texts), f"--keep {keep!r} names nothing to keep", hint=EXAMPLES)
    if all(isinstance(text, str) for text in texts):
        return tuple(_parsed(str(text)) for text in texts)
    return (tuple(_entry(value) for value in texts),)


def _parsed(text: str) -> tuple[Entry, ...]:
    """Read entries separated by commas: 3, 0:8, :4, -2: or :."""
    require(
        SECONDS.fullmatch(text.strip()) is None,
        f"--keep {text} is a range of time, which cannot be joined with others",
        hint="give one range of time, or cells",
    )
    entries = []
    for part in text.split(","):
        found = re.fullmatch(r"(-?\d{1,10})|(-?\d{1,10})?:(-?\d{1,10})?", part.strip())
        if not found:
            raise ConfigError(
                f"--keep {text!r} is not made of numbers and ranges",
                hint=f"{EXAMPLES}, or --keep 1.5s:3s for seconds",
            )
        one, first, last = (None if end is None else int(end) for end in found.groups())
        entries.append(slice(first, last) if one is None else one)
    return tuple(entries)


def _entry(value: object) -> Entry:
    """Check an entry that a program gave."""
    try:
        if not isinstance(value, slice):
            return operator.index(value)  # pyright: ignore[reportArgumentType]
        first, last = _end(value.start), _end(value.stop)
    except TypeError:
        raise ConfigError(f"--keep {value!r} is neither a whole number nor a slice", hint=EXAMPLES) from None
    require(value.step in (None, 1), f"--keep {value!r} has a step", hint="give ranges without a step")
    return slice(first, last)


def _window(region: Slices) -> tuple[slice, ...]:
    """Check a window that a program gave."""
    try:
        return tuple(slice(_end(first), _end(last)) for first, last in region)
    except (TypeError, ValueError):
        raise ConfigError(
            f"--region {region!r} is not a range for each axis",
            hint="rows first, for example --region 0:64,32:96, or ((0, 64), (32, 96)) in Python",
        ) from None


def _end(value: object) -> int | None:
    """Check an end of a range; a TypeError says that it is none. What a user typed stays as it is."""
    if isinstance(value, Typed):
        return value  # pyright: ignore[reportReturnType]
    return None if value is None else operator.index(value)  # pyright: ignore[reportArgumentType]
