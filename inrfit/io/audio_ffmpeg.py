"""Sounds through ffmpeg's pipes, for formats that libsndfile does not know; no shell, no file but the one named."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from inrfit.errors import InrfitError
from inrfit.io.ffmpeg import Ffmpeg, source
from inrfit.io.speakers import by_words

DEMUXERS = (
    "aac,ac3,aiff,amr,ape,asf,avi,caf,dts,dtshd,eac3,flac,flv,loas,matroska,webm,mov,mp4,m4a,3gp,3g2,mj2,mp3,mpc,mpc8,"
    "mpeg,mpegts,ogg,shn,tak,truehd,tta,voc,w64,wav,wv,xwma"
)
"""Formats that ffmpeg may take a file for; among them are no playlists, which name other files."""

NAMES = ("title", "artist", "album", "date", "comment", "genre", "copyright")
"""Tags that are taken over; "track" is "tracknumber" elsewhere."""

_STREAM = re.compile(
    r"^  Stream #0:\d+[^:]*: Audio: (?!none)(\w+).*?, (\d+) Hz, ([^,]+), (\w+)( \((\d+) bit\))?"
)
_MANY = 10_000
"""Lines of ffmpeg's that are looked at."""

_METADATA = 1 << 20
"""Bytes of tags that are looked at."""

_WIDE = {
    "s16": "s16",
    "s16p": "s16",
    "u8": "s16",
    "u8p": "s16",
    "s32": "s32",
    "s32p": "s32",
    "s64": "s32",
    "s64p": "s32",
}
_TYPES = {
    "s16": (">i2", 0, "PCM_16"),
    "s24": (">i4", 8, "PCM_24"),
    "s32": (">i4", 0, "PCM_32"),
    "f32": (">f4", 0, "FLOAT"),
}
"""Samples in a pipe: their type in it, bits that are shifted out, and the encoding that holds them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """What ffmpeg says about the first sound in a file.

    Attributes:
        rate: samples per second.
        channels: values per sample.
        pipe: samples to ask for, a key of `_TYPES`.
        tags: text by name, with "encoding" and "format".
        suffix: usual suffix of the format where it is one that is written, or empty.
        speakers: where its channels belong; see `speakers`. None where that is not told.
    """

    rate: int
    channels: int
    pipe: str
    tags: Mapping[str, str]
    suffix: str
    speakers: int | None = None


def probe(path: Path) -> Found | None:
    """Return what is known about the first sound in a file; None where there is none that ffmpeg can read."""
    said: list[str] = []
    try:
        with _opened(path, "-f", "ffmetadata", "pipe:1", said=said) as run:
            tags = _tags(run.read(_METADATA))
            run.wait()
        form = next((found[1] for line in said if (found := re.match(r"Input #0, ([\w-]+)", line))), None)
        stream = next((found for line in said if (found := _STREAM.match(line))), None)
        if form is None or stream is None:
            return None
        pipe = _WIDE.get(stream[4], "f32")
        if pipe == "s32" and stream[6] and int(stream[6]) <= 24:
            pipe = "s24"
        with _reading(path, pipe) as run:
            header = _start(run)
    except InrfitError:  # there is no ffmpeg
        return None
    if header is None:
        return None
    encoding = "AAC" if stream[1] == "aac" else _TYPES[pipe][2]
    name = "M4A" if form == "mov" else form.upper()
    return Found(
        rate=header[0],
        channels=header[1],
        pipe=pipe,
        tags={**tags, "encoding": encoding, "format": name},
        suffix=".m4a" if encoding == "AAC" else "",
        speakers=by_words(stream[3], header[1]),
    )


def speakers(path: Path, channels: int) -> int | None:
    """Return where the channels of the first sound in a file belong; None where that is not told."""
    said: list[str] = []
    try:
        with Ffmpeg(["-guess_layout_max", "0", *source(path, DEMUXERS)], on_line=_kept(said)) as run:
            run.wait()
    except InrfitError:
        return None
    stream = next((found for line in said if (found := _STREAM.match(line))), None)
    return None if stream is None else by_words(stream[3], channels)


def blocks(path: Path, found: Found, size: int, notes: list[str]) -> Iterator[NDArray[Any]]:
    """Yield the samples of the first sound in a file as [up to `size`, channel]; a note is added where it is damaged."""
    stored, down, _ = _TYPES[found.pipe]
    row = np.dtype(stored).itemsize * found.channels
    with _reading(path, found.pipe) as run:
        _start(run)
        while data := run.read(size * row):
            values = np.frombuffer(data[: len(data) // row * row], stored).reshape(-1, found.channels)
            native = values.astype(values.dtype.newbyteorder("="))
            yield native >> down if down else native
        if run.wait() or run.errors:
            notes.append(f"it is damaged or cut off; what could be read of it was ({run.reason})")


def encode(
    parts: Iterable[NDArray[np.float32]],
    path: Path,
    rate: int,
    channels: int,
    tags: Mapping[str, str],
    layout: str,
) -> None:
    """Write samples [some, channel] with full scale 1 as AAC.

    Args:
        parts: the samples.
        path: where to.
        rate, channels: what they are.
        tags: text by name.
        layout: where the channels belong, in words of ffmpeg's; empty where that is not known.

    Raises:
        OSError: ffmpeg refuses; the message says why.
        InrfitError: it is not there.
    """
    named = [(name, text.replace("\0", " ")) for name, text in tags.items() if name in NAMES]
    words = [
        "-f",
        "f32le",
        "-ar",
        str(rate),
        "-ac",
        str(channels),
        *(("-channel_layout", layout) if layout else ()),
    ]
    words += ["-i", "pipe:0", "-c:a", "aac", "-b:a", f"{96 * channels}k", "-fflags", "+bitexact"]
    words += [word for name, text in named for word in ("-metadata", f"{name}={text}")]
    with Ffmpeg([*words, "-f", "ipod", "-y", f"file:{path.absolute()}"], write=True) as run:
        for part in parts:
            if not run.feed(np.ascontiguousarray(part, "<f4").tobytes()):
                break
        if run.wait():
            raise OSError(run.reason)


def _kept(said: list[str]) -> Callable[[str], None]:
    """Return what keeps lines of ffmpeg's, so many as are looked at."""
    return lambda line: said.append(line) if len(said) < _MANY else None


def _opened(path: Path, *output: str, said: list[str] | None = None) -> Ffmpeg:
    """Start ffmpeg on a file, with its standard output as ours; what it says is kept."""
    heard = None if said is None else _kept(said)
    return Ffmpeg([*source(path, DEMUXERS), *output], read=True, on_line=heard)


def _reading(path: Path, pipe: str) -> Ffmpeg:
    """Start ffmpeg, which sends the first sound of a file into a pipe as an AU file: a short header and samples."""
    codec = f"pcm_{'s32' if pipe == 's24' else pipe}be"
    return _opened(path, "-map", "0:a:0", "-c:a", codec, "-f", "au", "pipe:1")


def _start(run: Ffmpeg) -> tuple[int, int] | None:
    """Read the header of an AU file and return its rate and channels; None where it is none."""
    header = run.read(24)
    if len(header) < 24 or header[:4] != b".snd":
        return None
    offset, _, _, rate, channels = (int.from_bytes(header[at : at + 4], "big") for at in range(4, 24, 4))
    run.read(max(0, offset - 24))
    return (rate, channels) if rate and channels else None


def _tags(text: bytes) -> dict[str, str]:
    """Return the tags that are known of what ffmpeg writes as its own metadata format."""
    found = {}
    for line in re.split(r"(?<!\\)\n", text.decode("utf-8", "replace")):
        name, equals, value = line.partition("=")
        name = {"track": "tracknumber"}.get(name.lower(), name.lower())
        if equals and name in (*NAMES, "tracknumber"):
            found[name] = " ".join(re.sub(r"\\(.)", r"\1", value, flags=re.DOTALL).split())
        if line.startswith("["):  # those of streams and chapters follow
            break
    return {name: value for name, value in found.items() if value}
