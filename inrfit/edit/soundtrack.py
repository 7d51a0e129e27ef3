"""The sound track of a clip: its time, and as sound for the file of a decode; how it is fitted or cut is not known here.

A track is the bytes of an `.inr` file, or those of a sound file that were copied. Its time is that of the clip: second
0 is that of the first frame that was fitted.
"""

from __future__ import annotations

from dataclasses import replace

from inrfit import io
from inrfit.codec.chunks import MAGIC, SOUND
from inrfit.codec.container import WRONG, Reader
from inrfit.codec.excerpt import read
from inrfit.codec.layout import Layout
from inrfit.device import Device
from inrfit.domain import Domain, Typed
from inrfit.errors import ConfigError, ContainerError
from inrfit.io.video_rate import lateness
from inrfit.render.output import Output
from inrfit.signal import Bands


def is_field(sound: bytes) -> bool:
    """Return whether a track is a field of its own."""
    return sound.startswith(MAGIC)


def heard(samples: Bands, device: Device) -> Bands:
    """Return frames whose track, if it is a field, is decoded to a WAV file of their time.

    Args:
        samples: what is written.
        device: where it is decoded.
    """
    sound = samples.info.sound
    if sound is None or not is_field(sound):
        return samples
    clip, late = samples.domain, lateness(samples.info, samples.domain)
    with opened(sound) as reader:
        domain = Layout(header=reader.header, index=reader.index).domain
    begin = clip.corner[0] - late
    time = time_of(domain, begin, clip.shape[0] * clip.spacing[0])
    try:
        shown = Output(region=(time,))
        made = read(sound, shown).field.bands(shown, device)
    except ConfigError:  # the track ends before the clip begins
        return replace(samples, info=replace(samples.info, sound=None))
    data = b"".join(io.encode(made, ".wav", name="the sound track"))
    offset = late - max(0.0, domain.corner[0] - begin)  # second 0 is the first sample that is heard
    placed = replace(clip, offset=(offset, *clip.corner[1:]), origin=(0,) * clip.dimensions)
    return replace(samples, domain=placed, info=replace(samples.info, sound=data))


def opened(sound: bytes) -> Reader:
    """Open a track that is a field, without a track of its own.

    Raises:
        ContainerError: it is damaged, or not that of a sound.
    """
    reader = Reader(sound)
    if (kind := reader.header.signal.kind) != "audio":
        raise ContainerError(f"the sound track holds a signal of kind {kind!r}, allowed: 'audio'", hint=WRONG)
    reader.ancillary.pop(SOUND, None)
    return reader


def time_of(track: Domain, begin: float, seconds: float) -> tuple[Typed, Typed]:
    """Return the time of a clip that begins somewhere, in seconds from the first sample of a track."""
    length = track.shape[0] * track.spacing[0]
    first = begin - track.corner[0]
    last = first + seconds
    return Typed(max(0.0, first)), Typed(min(length, last))
