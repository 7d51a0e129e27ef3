"""The sound track of a clip: cut with it, and as sound for the file of a decode; how it is fitted is not known here.

A track is the bytes of an `.inr` file, or those of a sound file that were copied. Its time is that of the clip: second
0 is that of the first frame that was fitted.
"""

from __future__ import annotations

from dataclasses import replace

from inrfit import io
from inrfit.codec.container import MAGIC, Reader
from inrfit.codec.excerpt import read
from inrfit.codec.layout import Layout
from inrfit.domain import Domain, Typed
from inrfit.edit.crop import plan
from inrfit.edit.keep import selection
from inrfit.errors import ConfigError
from inrfit.signal import Bands


def is_field(sound: bytes) -> bool:
    """Return whether a track is a field of its own."""
    return sound.startswith(MAGIC)


def cropped(sound: bytes, clip: Domain) -> bytes | None:
    """Return what is left of a track where its clip was cropped in time; None where nothing can be.

    A field is cropped to the cells that the clip meets. A copied track would have to be decoded to be cut, and would
    tell of what was cropped away: it goes.

    Args:
        sound: the track.
        clip: the domain of the cropped clip.
    """
    if not is_field(sound):
        return None
    with Reader(sound) as reader:
        domain = Layout(header=reader.header, index=reader.index).domain
        try:
            return b"".join(plan(reader, selection(None, (_range(domain, clip),), "out")).blocks())
        except ConfigError:  # the track ends before the clip begins
            return None


def heard(samples: Bands, *, device: str, threads: int | None) -> Bands:
    """Return frames whose track, if it is a field, is decoded to a WAV file of their time.

    Args:
        samples: what is written.
        device, threads: where it is decoded.
    """
    sound = samples.info.sound
    if sound is None or not is_field(sound):
        return samples
    clip = samples.domain
    with Reader(sound) as reader:
        domain = Layout(header=reader.header, index=reader.index).domain
    begin = replace(clip, offset=(0.0, *clip.corner[1:]), origin=(0,) * clip.dimensions)
    try:
        field = read(sound, region=(_range(domain, clip),)).field
        made = field.bands(region=(_range(domain, clip),), device=device, threads=threads)
    except ConfigError:  # the track ends before the clip begins
        return replace(samples, info=replace(samples.info, sound=None))
    data = b"".join(io.encode(made, ".wav", name="the sound track"))
    return replace(samples, domain=begin, info=replace(samples.info, sound=data))


def _range(track: Domain, clip: Domain) -> tuple[Typed, Typed]:
    """Return the time of a clip in seconds from the first sample of a track."""
    length = track.shape[0] * track.spacing[0]
    first = clip.corner[0] - track.corner[0]
    last = first + clip.shape[0] * clip.spacing[0]
    return Typed(max(0.0, first)), Typed(min(length, last))
