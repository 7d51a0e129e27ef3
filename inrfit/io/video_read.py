"""Frames, times and sound out of the file of a clip, frame after frame; it makes no signals."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from inrfit.errors import InputError
from inrfit.io import scratch
from inrfit.io.ffmpeg import SCALER, Ffmpeg, passthrough
from inrfit.io.spool import check_room
from inrfit.io.video_colour import MATRICES, coded, taken
from inrfit.io.video_probe import Found, Pictures, Sound, opening, probe
from inrfit.io.video_rate import Times

LATE = 0.02
"""Seconds by which a sound track may begin after the pictures without silence before it."""

BATCH = 4 << 20
"""Bytes of frames that are handed on at a time."""


@dataclass(slots=True, kw_only=True)
class Decoding:
    """Frames of a stream as they are decoded; how it went is known when they are taken.

    Frames come as they are in the stream, none twice and none left out, turned upright by their rotation.

    Attributes:
        path: the file.
        stream: the stream of pictures.
        times: when the frames are shown.
        damage: what ffmpeg found wrong; empty when nothing.
    """

    path: Path
    stream: Pictures
    times: Times = field(default_factory=Times)
    damage: str = ""

    @property
    def dtype(self) -> str:
        """Sample type: uint16 where the stream has more than 8 bit."""
        return "uint16" if self.stream.deep else "uint8"

    @property
    def channels(self) -> int:
        """Values per pixel: 1 for grey, 3 for colours."""
        return 1 if self.stream.grey else 3

    def _scaling(self) -> str:
        """Return ffmpeg's scaler, told how colours are coded where they are not R'G'B' or grey."""
        stream, scale = self.stream, f"scale=flags={SCALER}"
        if not coded(stream.pixels):
            return scale
        matrix, other = taken(stream.colours, stream.pixels, stream.height, stream.width)
        full = stream.colours.range == "pc" or stream.pixels.startswith("yuvj")
        named = f"setparams=colorspace={other}," if other else ""  # the scaler refuses some that frames name
        return f"{named}{scale}:in_color_matrix={MATRICES[matrix]}:in_range={'pc' if full else 'tv'}"

    def frames(self) -> Generator[NDArray[Any], None, None]:
        """Yield the frames, [some, height, width, channel] at a time.

        They come through a pipe as PPM or PGM pictures, each of which tells its size.
        """
        pixels = f"{'gray' if self.stream.grey else 'rgb'}{_BITS[self.stream.grey, self.stream.deep]}"
        filters = f"showinfo=checksum=0,{self._scaling()},format={pixels}"
        arguments = [*opening(self.path), "-map", f"0:{self.stream.index}", "-vf", filters, *passthrough()]
        arguments += ["-c:v", "pgm" if self.stream.grey else "ppm", "-f", "image2pipe", "pipe:1"]
        with Ffmpeg(arguments, read=True, on_line=self.times.hear) as run:
            yield from _batches(run, self.channels)
            if run.wait() or any(not error.startswith(_COARSE) for error in run.errors):
                self.damage = run.reason


_COARSE = "Application provided invalid, non monotonically increasing dts"
"""What ffmpeg says where frames follow each other faster than the clip counts time; they are all there."""

_BITS = {(False, False): "24", (False, True): "48be", (True, False): "", (True, True): "16be"}
"""(grey, deep) -> the end of ffmpeg's name of a pixel format."""


def _batches(run: Ffmpeg, channels: int) -> Iterator[NDArray[Any]]:
    """Yield the pictures that ffmpeg gives, some of them at a time, while they have the size of the first."""
    held: list[NDArray[Any]] = []
    for picture in _pictures(run, channels):
        held.append(picture)
        if len(held) * picture.nbytes >= BATCH:
            yield np.stack(held)
            held = []
    if held:
        yield np.stack(held)


def _pictures(run: Ffmpeg, channels: int) -> Iterator[NDArray[Any]]:
    """Yield whole PPM or PGM pictures [height, width, channel]; see the manual page ppm(5) of Netpbm."""
    first = None
    while run.readline(16) in (b"P6\n", b"P5\n"):
        width, height = map(int, run.readline(32).split())
        dtype = ">u2" if int(run.readline(16)) > 255 else "u1"
        picture = np.empty((height, width, channels), dtype)
        first = first or picture.shape
        if _filled(run, picture) < picture.nbytes or picture.shape != first:
            return
        yield picture


def _filled(run: Ffmpeg, array: NDArray[Any]) -> int:
    """Read into an array and return how many bytes there were."""
    view, at = array.reshape(-1).view("u1").data, 0
    while at < len(view):
        count = run.readinto(view[at:])
        if not count:
            break
        at += count
    return at


def sound_track(path: Path, found: Found, start: float) -> bytes | None:
    """Return the sound track of a clip as a Matroska file, its packets copied; None without one.

    Packets that Matroska cannot hold are decoded and stored as FLAC. So are those of a track that begins later than
    the pictures, with silence before it: who reads a file of sound takes its first sample for its beginning.

    Args:
        path: the file.
        found: what it holds.
        start: seconds at which the first frame is shown; the sound before is left out.

    Raises:
        InputError: the sound is damaged.
        OSError: the disk of temporary files is full.
    """
    if not found.sounds:
        return None
    with scratch.folder() as folder:
        made, reason = folder / "sound.mka", ""
        for codec in ("copy", "flac"):
            with Ffmpeg(_extracting(path, found.sounds[0], start, codec, made)) as run:
                done = run.wait() == 0
                if done and (codec == "flac" or probe(made).start < LATE):
                    return made.read_bytes()
                if not done:
                    check_room(folder)
                reason = run.reason
    raise InputError(f"its sound track cannot be read ({reason})", hint="leave it out with --sound none")


def _extracting(path: Path, sound: Sound, start: float, codec: str, made: Path) -> list[str]:
    """Return the arguments that put a sound track into a file of its own."""
    skipped = ["-ss", f"{start:.6f}"] if start > 0 else []
    wanted = ["-map", f"0:{sound.index}", "-map_metadata", "-1", "-c:a", codec, "-fflags", "+bitexact"]
    if codec != "copy":
        wanted += ["-af", "aresample=async=1:first_pts=0"]
    return [*skipped, *opening(path), *wanted, "-f", "matroska", "-y", f"file:{made}"]
