"""What a clip holds, by what ffmpeg says of it: streams, sizes and tags; no frame is decoded."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path

from inrfit.io.ffmpeg import Ffmpeg, source
from inrfit.io.video_colour import NONE, Colours, said

DEMUXERS = "mov,mp4,m4a,3gp,3g2,mj2,matroska,webm,avi,gif,mpeg,ogg,asf,flv,wav,flac,mp3,aac"
"""Formats that ffmpeg may read; others, such as playlists, could name further files."""

TAGS = ("title", "artist", "album", "genre", "comment", "description", "copyright", "date", "creation_time")
"""Tags of a file that are kept."""

_STREAM = re.compile(r"^  Stream #0:(\d+)[^:]*: (Video|Audio): (.*)$")
_DEEP = re.compile(r"(?:[a-z]|p[024]|y2|xv|x2[a-z]+|f)(?:9|10|12|14|16|32|48|64|96|128)(?:le|be)$")
_TAG = re.compile(r"^    (\w+) *: (.*)$")
_START = re.compile(r"^  Duration: .*, start: (-?\d+\.\d+)")
_MASTERED = re.compile(r"^ +(?:Mastering Display Metadata|Content Light Level Metadata|DOVI configuration)")
_INPUT = re.compile(r"^Input #0, (.*), from ")


@dataclass(frozen=True, slots=True, kw_only=True)
class Pictures:
    """A stream of pictures.

    Attributes:
        index: its number in the file.
        codec: for example "h264".
        pixels: ffmpeg's name of the pixel format, for example "yuv420p10le".
        width, height: size as stored, before a rotation.
        aspect: width to height of a pixel, for example "1936:1917"; "1:1" when square or not known.
        default: whether the file marks it as the one to show.
        colours: what it says of its colours.
    """

    index: int
    codec: str
    pixels: str
    width: int
    height: int
    aspect: str
    default: bool
    colours: Colours = NONE

    @property
    def grey(self) -> bool:
        """Whether it has no colours."""
        return self.pixels.startswith(("gray", "mono", "ya"))

    @property
    def deep(self) -> bool:
        """Whether it has more than 8 bit per sample."""
        return _DEEP.search(self.pixels) is not None


@dataclass(frozen=True, slots=True, kw_only=True)
class Sound:
    """A stream of sound: its number in the file, and its codec, for example "aac"."""

    index: int
    codec: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """What ffmpeg says of a file.

    Attributes:
        form: names of its format, for example "matroska,webm"; empty when it is none that is read.
        pictures: streams of moving pictures, not of covers.
        sounds: streams of sound.
        tags: what is known about the file, by name.
        start: time of its first sample or frame, in seconds; 0 when not told.
        mastered: whether it tells of the screen that it was made for, and how bright it gets.
        reason: why it cannot be read, where it cannot.
    """

    form: str = ""
    pictures: tuple[Pictures, ...] = ()
    sounds: tuple[Sound, ...] = ()
    tags: dict[str, str] = field(default_factory=dict)
    start: float = 0.0
    mastered: bool = False
    reason: str = ""

    @property
    def shown(self) -> Pictures | None:
        """The stream that a player shows: marked so, then the largest, then the first."""
        ranked = sorted(self.pictures, key=lambda p: (p.default, p.width * p.height), reverse=True)
        return ranked[0] if ranked else None


MANY = 10_000
"""Lines of ffmpeg's that are kept; a file cannot make it say so many that are needed."""


def opening(path: Path) -> list[str]:
    """Return the arguments that open a clip or the sound of one."""
    return source(path, DEMUXERS)


def probe(path: Path) -> Found:
    """Ask ffmpeg what a file holds."""
    lines: list[str] = []
    with Ffmpeg(opening(path), on_line=lambda line: lines.append(line) if len(lines) < MANY else None) as run:
        run.wait()
        reason = run.reason
    form, pictures, sounds, tags, start = "", [], [], {}, 0.0
    for line in lines:
        if found := _INPUT.match(line):
            form = found[1]
        elif found := _START.match(line):
            start = float(found[1])
        elif found := _STREAM.match(line):
            index, kind, words = int(found[1]), found[2], found[3]
            if kind == "Audio":
                sounds.append(Sound(index=index, codec=_codec(words)))
            elif "(attached pic)" not in words and (made := _pictures(index, words)) is not None:
                pictures.append(made)
        elif not (pictures or sounds) and (found := _TAG.match(line)) and found[1].lower() in TAGS:
            tags[found[1].lower()] = found[2]
    return Found(
        form=form,
        pictures=tuple(pictures),
        sounds=tuple(sounds),
        tags=tags,
        start=start,
        mastered=any(_MASTERED.match(line) for line in lines),
        reason=reason,
    )


def _codec(words: str) -> str:
    """Return the codec of a stream, the first word that tells of it."""
    return re.split(r"[ ,]", words, maxsplit=1)[0]


def _pictures(index: int, words: str) -> Pictures | None:
    """Read what ffmpeg says of a stream of pictures; None where it has no size."""
    bare = re.sub(r"\([^()]*\)", "", words)
    size = re.search(r", (\d+)x(\d+)", bare)
    if size is None:
        return None
    parts = [part.strip() for part in bare[: size.start()].split(",")]
    pixels = re.search(r", \w+\(((?:tv|pc|[^()])*)\), \d+x\d+", words)
    aspect = re.search(r"SAR (\d+:\d+)", words)
    return Pictures(
        index=index,
        codec=_codec(words),
        pixels=parts[1] if len(parts) > 1 else "",
        width=int(size[1]),
        height=int(size[2]),
        aspect=aspect[1] if aspect and aspect[1][0] != "0" else "1:1",
        default="(default)" in words,
        colours=said(pixels[1]) if pixels else NONE,
    )
