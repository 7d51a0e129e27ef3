"""What the metadata of a signal tell of a part of it, and what several have in common; no file is read or written here."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from inrfit.domain import Domain
from inrfit.io import exif
from inrfit.signal import SignalInfo

Cut = Callable[[bytes, Domain], bytes | None]
"""Gives what is left of a sound track on the domain of a part; None where nothing can be."""


def of_part(info: SignalInfo, whole: Domain, part: Domain, cut: Cut | None = None) -> SignalInfo:
    """Return what is true of a part of a signal, and tells nothing of the rest.

    The hash of the source goes, tags of the EXIF block (see `exif.of_part`), and the sound track where the time is another
    and nothing cuts it.

    Args:
        info: of the whole.
        whole, part: where they lie; of something that was put together, the part it had and both.
        cut: cuts a sound track.
    """
    sound = info.sound
    if sound is not None and part.box[0] != whole.box[0]:
        sound = None if cut is None else cut(sound, part)
    return replace(info, exif=exif.of_part(info.exif), sound=sound, sha256="")


def common(infos: Sequence[SignalInfo]) -> SignalInfo:
    """Return what is true of each of several signals, at least one, of one kind and form.

    Colour profile and tags stay where they are the same. EXIF block, sound track, notes and the hash of the source go.
    """
    first, *others = infos
    icc = first.icc if all(other.icc == first.icc for other in others) else None
    tags = {k: v for k, v in first.tags.items() if all(other.tags.get(k) == v for other in others)}
    return replace(first, icc=icc, exif=None, sound=None, tags=tags, notes=(), sha256="")
