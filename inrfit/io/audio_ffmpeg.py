"""Sounds through ffmpeg's pipes, for formats that libsndfile does not know; no shell, no file but the one named."""

from __future__ import annotations

import re
import subprocess
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from inrfit.errors import InrfitError
from inrfit.io.ffmpeg import executable

DEMUXERS = (
    "aac,ac3,aiff,amr,ape,asf,avi,caf,dts,dtshd,eac3,flac,flv,loas,matroska,webm,mov,mp4,m4a,3gp,3g2,mj2,mp3,mpc,mpc8,"
    "mpeg,mpegts,ogg,shn,tak,truehd,tta,voc,w64,wav,wv,xwma"
)
"""Formats that ffmpeg may take a file for; among them are no playlists, which name other files."""

INPUT = ("-hide_banner", "-nostdin", "-protocol_whitelist", "file,pipe", "-format_whitelist", DEMUXERS)
NAMES = ("title", "artist", "album", "date", "comment", "genre", "copyright")
"""Tags that are taken over; "track" is "tracknumber" elsewhere."""

APART = True
"""In a session of its own: a Ctrl-C stops this program, which stops ffmpeg, and cannot cut a sound short in silence."""

PATIENCE = 60
"""Seconds after which looking at a file is given up."""

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
    """

    rate: int
    channels: int
    pipe: str
    tags: Mapping[str, str]
    suffix: str


def program() -> str | None:
    """Return the path of ffmpeg, None where it is not installed; see `ffmpeg.executable`."""
    try:
        return executable()
    except InrfitError:
        return None


def probe(path: Path) -> Found | None:
    """Return what is known about the first sound in a file; None where there is none that ffmpeg can read."""
    ffmpeg = program()
    if ffmpeg is None:
        return None
    words = [ffmpeg, *INPUT, "-i", _address(path), "-f", "ffmetadata", "pipe:1"]
    try:
        done = subprocess.run(
            words, capture_output=True, timeout=PATIENCE, check=False, start_new_session=APART
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    said = done.stderr.decode("utf-8", "replace")
    form = re.search(r"^Input #0, ([\w-]+)", said, re.MULTILINE)
    stream = re.search(
        r"Stream #0:\d+.*?: Audio: (?!none)(\w+).*?, (\d+) Hz, [^,]+, (\w+)( \((\d+) bit\))?", said
    )
    if form is None or stream is None:
        return None
    pipe = _WIDE.get(stream[3], "f32")
    if pipe == "s32" and stream[5] and int(stream[5]) <= 24:
        pipe = "s24"
    header = _header(ffmpeg, path, pipe)
    if header is None:
        return None
    encoding = "AAC" if stream[1] == "aac" else _TYPES[pipe][2]
    name = "M4A" if form[1] == "mov" else form[1].upper()
    tags = {**_tags(done.stdout), "encoding": encoding, "format": name}
    return Found(
        rate=header[0],
        channels=header[1],
        pipe=pipe,
        tags=tags,
        suffix=".m4a" if encoding == "AAC" else "",
    )


def blocks(path: Path, found: Found, size: int, notes: list[str]) -> Iterator[NDArray[Any]]:
    """Yield the samples of the first sound in a file as [up to `size`, channel]; a note is added where it is damaged."""
    stored, down, _ = _TYPES[found.pipe]
    row = np.dtype(stored).itemsize * found.channels
    with tempfile.TemporaryFile() as said, _reading(program() or "", path, found.pipe, said) as process:
        stream = process.stdout
        if stream is None:
            return
        try:
            _start(stream)
            while data := stream.read(size * row):
                values = np.frombuffer(data[: len(data) // row * row], stored).reshape(-1, found.channels)
                native = values.astype(values.dtype.newbyteorder("="))
                yield native >> down if down else native
        finally:
            stream.close()
            process.kill() if process.poll() is None else None
            process.wait()
        said.seek(0)
        complaint = said.read(1 << 12).decode("utf-8", "replace").strip().splitlines()
    if complaint:
        reason = re.sub(r"^(\[[^]]*\] )+", "", complaint[-1])
        notes.append(f"it is damaged or cut off; what could be read of it was ({reason})")


def encode(
    parts: Iterable[NDArray[np.float32]], path: Path, rate: int, channels: int, tags: Mapping[str, str]
) -> None:
    """Write samples [some, channel] with full scale 1 as AAC.

    Raises:
        OSError: ffmpeg is not there, or refuses; the message says why.
    """
    ffmpeg = program()
    if ffmpeg is None:
        raise OSError("ffmpeg is not installed")
    named = [(name, text) for name, text in tags.items() if name in NAMES]
    words = [
        ffmpeg,
        "-hide_banner",
        "-loglevel",
        "error",
        "-f",
        "f32le",
        "-ar",
        str(rate),
        "-ac",
        str(channels),
    ]
    words += ["-i", "pipe:0", "-c:a", "aac", "-b:a", f"{96 * channels}k", "-fflags", "+bitexact"]
    words += [word for name, text in named for word in ("-metadata", f"{name}={text}")]
    words += ["-f", "ipod", "-y", _address(path)]
    with tempfile.TemporaryFile() as said:
        process = subprocess.Popen(
            words, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=said, start_new_session=APART
        )
        try:
            with suppress(BrokenPipeError):  # ffmpeg says why
                for part in parts:
                    process.stdin.write(
                        np.ascontiguousarray(part, "<f4").tobytes()
                    ) if process.stdin else None
        finally:
            with suppress(BrokenPipeError):
                process.stdin.close() if process.stdin else None
            code = process.wait()
        said.seek(0)
        reason = said.read(1 << 12).decode("utf-8", "replace").strip().splitlines()
    if code:
        raise OSError(re.sub(r"^(\[[^]]*\] )+", "", reason[0]) if reason else f"ffmpeg returned {code}")


def _header(ffmpeg: str, path: Path, pipe: str) -> tuple[int, int] | None:
    """Return rate and channels of the samples that ffmpeg makes; None where it makes none."""
    with tempfile.TemporaryFile() as said, _reading(ffmpeg, path, pipe, said) as process:
        stream = process.stdout
        header = None if stream is None else _start(stream)
        if stream is not None:
            stream.close()
        process.kill()
    return header


def _reading(ffmpeg: str, path: Path, pipe: str, said: IO[bytes]) -> subprocess.Popen[bytes]:
    """Start ffmpeg, which sends the first sound of a file into a pipe as an AU file: a short header and samples."""
    words = [ffmpeg, *INPUT, "-loglevel", "error", "-i", _address(path), "-map", "0:a:0"]
    codec = f"pcm_{'s32' if pipe == 's24' else pipe}be"
    words += ["-c:a", codec, "-f", "au", "pipe:1"]
    return subprocess.Popen(
        words, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=said, start_new_session=APART
    )


def _start(stream: IO[bytes]) -> tuple[int, int] | None:
    """Read the header of an AU file and return its rate and channels; None where it is none."""
    header = stream.read(24)
    if len(header) < 24 or header[:4] != b".snd":
        return None
    offset, _, _, rate, channels = (int.from_bytes(header[at : at + 4], "big") for at in range(4, 24, 4))
    stream.read(max(0, offset - 24))
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


def _address(path: Path) -> str:
    """Return a path as ffmpeg takes it for a path, whatever is in it."""
    return f"file:{path.absolute()}"
