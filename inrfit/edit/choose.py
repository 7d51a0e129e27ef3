"""Which regions of a file a selection means: from cells, ids or a window to positions in the index."""

from __future__ import annotations

import math
from collections.abc import Sequence

from inrfit.codec.container import Reader
from inrfit.codec.layout import Layout
from inrfit.codec.read import region_mask
from inrfit.domain import Box, Domain, Typed
from inrfit.edit.keep import Entry, Selection, resolved, shown
from inrfit.errors import ConfigError
from inrfit.render.output import outside

SHOWN = 8
"""Regions that a message lists."""


def choose(reader: Reader, layout: Layout, wanted: Selection) -> list[int]:
    """Return the positions in the index of the regions that a selection means, rising; at least one.

    Args:
        reader: the file. Segments that the border of a window may cut are read for their mask, nothing else is.
        layout: where its regions lie.
        wanted: what to keep.

    Raises:
        ConfigError: the selection does not suit the file, or no region is there.
        ContainerError: the mask of a segment is needed and damaged.
    """
    if wanted.window is not None:
        return _in_window(reader, layout, _absolute(layout, wanted.window), wanted.snap)
    find = _cells if layout.is_grid else _ids
    found = {position for entries in wanted.sets for position in find(layout, entries)}
    if not found:
        raise ConfigError(
            f"--keep {' --keep '.join(map(shown, wanted.sets))} keeps no region of the file",
            hint=_what_there_is(layout),
        )
    return sorted(found)


def _cells(layout: Layout, entries: Sequence[Entry]) -> list[int]:
    """Return the regions of a grid in a range of cells per axis, counted among the cells of this file."""
    counts = [len(borders) - 1 for borders in layout.borders]
    spans = _ranges("--keep", "cells", entries, counts, layout.domain)
    window = Box(
        (borders[first], borders[last]) for borders, (first, last) in zip(layout.borders, spans, strict=True)
    )
    return [position for position in range(len(layout)) if layout.box(position) <= window]


def _ids(layout: Layout, entries: Sequence[Entry]) -> list[int]:
    """Return the regions of a label map with these ids; a range covers those that are there."""
    places = {number: position for position, number in enumerate(layout.index.ids)}
    found: list[int] = []
    for entry in entries:
        if isinstance(entry, int):
            if entry not in places:
                raise ConfigError(f"--keep {entry} is no region of the file", hint=_what_there_is(layout))
            found.append(places[entry])
            continue
        first, last = entry.start or 0, math.inf if entry.stop is None else entry.stop
        if not 0 <= first < last:
            raise ConfigError(
                f"--keep {shown([entry])} is not a range of ids",
                hint="lower id first, for example --keep 1:4 for 1, 2 and 3",
            )
        found += [position for number, position in places.items() if first <= number < last]
    return found


def _absolute(layout: Layout, window: Sequence[slice]) -> Box:
    """Return a window in absolute indices, from one that counts the samples of this file."""
    domain = layout.domain
    if len(window) == 1 and domain.units[0] == "s":  # a range of time keeps whole frames
        window = (*window, *(slice(None),) * (domain.dimensions - 1))
    counted = [
        slice(
            *(domain.end(axis, end) if isinstance(end, Typed) else end for end in (entry.start, entry.stop))
        )
        for axis, entry in enumerate(window[: domain.dimensions])
    ]
    counted += window[domain.dimensions :]
    try:
        spans = _ranges("--region", "samples", counted, domain.shape, domain)
    except ConfigError:
        if "s" in domain.units and any(isinstance(e, Typed) for w in window for e in (w.start, w.stop)):
            raise outside(domain, [(entry.start, entry.stop) for entry in window]) from None
        raise
    return Box((a + first, b + first) for (a, b), first in zip(spans, domain.origin, strict=True))


def _ranges(
    option: str, what: str, entries: Sequence[Entry], counts: Sequence[int], domain: Domain
) -> list[tuple[int, int]]:
    """Return what the entries mean among so many things per axis.

    With three axes or more the last ones may be left out: all of them is meant, so that "0:4" are slabs.

    Raises:
        ConfigError: there is not one entry per axis, or one is empty or reaches beyond.
    """
    if 0 < len(entries) < len(counts) and len(counts) > 2:
        entries = [*entries, *(slice(None) for _ in counts[len(entries) :])]
    spans = [resolved(entry, count) for entry, count in zip(entries, counts, strict=False)]
    good = [span for span in spans if span is not None]
    if len(entries) != len(counts) or len(good) != len(counts):
        wrong = "gives another number of axes than" if len(entries) != len(counts) else "is empty or outside"
        raise ConfigError(
            f"{option} {shown(entries)} {wrong} the {what} of the file, "
            f"{','.join(f'0:{count}' for count in counts)} ({', '.join(domain.axes)})",
            hint="ranges are half-open and count from 0 in this file; negative numbers count from its end",
        )
    return good


def _in_window(reader: Reader, layout: Layout, window: Box, snap: str) -> list[int]:
    """Return the regions that meet a window ("out"), or those wholly inside it."""
    whole = [position for position in range(len(layout)) if layout.box(position) <= window]
    met = whole if snap == "in" else _meeting(reader, layout, window)
    asked = f"--region {_relative(layout, window)}"
    if not met and snap == "in" and (cut := _meeting(reader, layout, window)):
        raise ConfigError(
            f"{asked} holds no whole region",
            hint=f"--snap out keeps the {len(cut)} it cuts, {_relative(layout, layout.around(cut))}",
        )
    if not met:
        raise ConfigError(
            f"{asked} meets no region of the file; these samples were cropped away",
            hint=_what_there_is(layout),
        )
    if snap == "error" and not _fits(layout, met, window):
        raise ConfigError(
            f"{asked} does not follow the borders of the regions",
            hint=_fitting_windows(reader, layout, window, whole),
        )
    return met


def _meeting(reader: Reader, layout: Layout, window: Box) -> list[int]:
    """Return the regions with a sample in a window; the mask decides where the border cuts a segment's box."""
    return [
        position
        for position in range(len(layout))
        if ((box := layout.box(position)) & window).size
        and (layout.is_grid or box <= window or _mask_meets(reader, layout, position, window))
    ]


def _mask_meets(reader: Reader, layout: Layout, position: int, window: Box) -> bool:
    """Return whether a segment has a sample in a window."""
    box, mask = layout.box(position), region_mask(reader, position)
    if mask is None:
        return True
    return bool(mask[(box & window).slices(box.origin)].any())


def _fits(layout: Layout, met: Sequence[int], window: Box) -> bool:
    """Return whether the regions that meet a window give exactly it, without a sample more."""
    return layout.around(met) == window


def _fitting_windows(reader: Reader, layout: Layout, window: Box, whole: Sequence[int]) -> str:
    """Name the nearest windows that the regions follow: the smallest around a window, and one within it."""
    around = layout.around(_meeting(reader, layout, window))
    while (wider := layout.around(_meeting(reader, layout, around))) != around:
        around = wider
    text = f"--region {_relative(layout, around)} around it does"
    if whole:
        within = layout.around(whole)
        if _fits(layout, _meeting(reader, layout, within), within):
            text += f", --region {_relative(layout, within)} within it too"
    return f"{text}; or give --snap out or in"


def _relative(layout: Layout, window: Box) -> str:
    """Write a window the way the options take it: counted in this file."""
    return ",".join(f"{a}:{b}" for a, b in window.from_origin(layout.domain.origin))


def _what_there_is(layout: Layout) -> str:
    """Name the regions of a file in the words of --keep."""
    count = len(layout)
    more = f", ... ({count} in all)" if count > SHOWN else ""
    first = range(min(count, SHOWN))
    if not layout.is_grid:
        return f"the file holds the ids {', '.join(str(layout.index.ids[i]) for i in first)}{more}"
    cells = ("(" + ",".join(map(str, layout.cell(position))) + ")" for position in first)
    return f"the file holds the cells {', '.join(cells)}{more}"
