"""Clips as signals: the entry of the registry, with axes t, y and x; ffmpeg reads and writes their files."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import replace
from fractions import Fraction
from itertools import chain
from pathlib import Path, PurePath
from typing import Any

import numpy as np
from numpy.typing import NDArray

from inrfit.domain import Box, Domain
from inrfit.errors import InputError
from inrfit.io import arrays, video_colour, video_formats, video_read, video_write
from inrfit.io.config import ReadConfig
from inrfit.io.files import as_file, digest
from inrfit.io.formats import COLOURS, check_size
from inrfit.io.holes import settled
from inrfit.io.kinds import OtherKind, SignalKind
from inrfit.io.spool import MappedSignal, gather, spooling
from inrfit.io.video_probe import Found, Pictures, probe
from inrfit.io.video_rate import USUAL, ratio
from inrfit.signal import INTEGER_RANGES, ArraySignal, Bands, Signal, SignalInfo, declared

NPY = b"\x93NUMPY"
"""First bytes of a file that numpy writes."""

SPACING_HINT = "give the seconds of a frame, as --spacing 0.04, or those and the spacing of rows and columns"


class VideoIO(SignalKind):
    """Reads and writes clips."""

    kind = "video"
    suffixes = video_formats.SUFFIXES
    written = video_formats.WRITTEN
    told = video_formats.TOLD
    words = ("sound", "spacing", "range", "nodata")
    defaults = {"cell": (8, 32, 32), "weights_per_sample": 0.05, "points": 200_000}  # noqa: RUF012 (as in the base)
    metrics = ("psnr", "ssim")

    def recognises(self, start: bytes) -> bool:
        """Tell whether the first bytes of a file are those of a clip; see `video_formats.recognise`."""
        return video_formats.recognise(start)

    def read(self, source: Path | bytes, name: str, config: ReadConfig) -> Signal:
        """Read a clip: frames [time, height, width, channel], uint16 where the file has more than 8 bit.

        Frames are decoded one after the other; beyond some MiB they lie in a temporary file.

        Raises:
            InputError: it is damaged from the start, holds no moving pictures, or there is no room for its frames.
        """
        sha256 = digest(source)
        if _start(source) == NPY:
            return _from_npy(source, name, config, sha256)
        with spooling(InputError, name), as_file(source, "") as path:
            found = probe(path)
            stream = _shown(found, name)
            decoding = video_read.Decoding(path=path, stream=stream)
            values = _gathered(decoding, name)
            rate, uneven = decoding.times.rate(to_the_end=found.form == "gif")
            sound = None
            if config.sound != "none":
                start = decoding.times.start
                sound = _sound(path, found, start if start * rate > 0.5 else 0.0, name)
        spacing = _spacing(config, 1 / rate, name)
        tags = {**found.tags, "codec": stream.codec, "pix_fmt": stream.pixels}
        tags["fps"] = str(rate if config.spacing is None else ratio(spacing[0]))
        tags[video_colour.TAG] = _colours(stream).text
        tags |= {} if stream.aspect == "1:1" else {"pixel_aspect": stream.aspect}
        tags |= {} if sound is None else {"sound": config.sound}
        info = SignalInfo(
            kind=self.kind,
            dtype=decoding.dtype,
            value_range=INTEGER_RANGES[decoding.dtype],
            colour=COLOURS[decoding.channels],
            suffix=video_formats.suffix_of(found.form, PurePath(name).suffix.lower()),
            sound=sound,
            tags=tags,
            notes=_notes(found, decoding, len(values), uneven, rate),
            sha256=sha256,
        )
        return _signal(values, info, spacing, config, name)

    def reading(self, domain: Domain, info: SignalInfo) -> ReadConfig:
        """Return how a file is read as a clip like one that is known; its sound is left out."""
        return ReadConfig(kind=self.kind, sound="none", nodata=declared(info))

    def from_array(self, array: NDArray[Any], config: ReadConfig) -> ArraySignal:
        """Make a clip from an array [time, height, width] or [time, height, width, channel].

        It has 25 frames per second unless `config.spacing` gives the seconds of one.

        Raises:
            InputError: the array cannot be a clip.
        """
        found = hashlib.sha256(repr((array.shape, array.dtype.str)).encode())
        found.update(np.ascontiguousarray(array).reshape(-1).view(np.uint8).data)
        return _from_array(array, "array", config, found.hexdigest())

    def encode(self, samples: Bands, suffix: str, name: str) -> Iterator[bytes]:
        """Yield the bytes of a file piece by piece.

        MP4 and QuickTime are H.264 with colours at half the size where both sides are even, WebM is VP9, AVI is
        MPEG-4, GIF has a palette for each frame, and Matroska is lossless, as FFV1.

        Args:
            samples: frames [time, height, width, channel] in bands; sound and tags come from their `info`.
            suffix: file suffix, which picks the format.
            name: what to call the file in messages.

        Raises:
            OutputError: the suffix is unknown, or its format cannot hold these samples; at the first piece.
        """
        return video_write.encode(samples, suffix, name)

    def check(self, info: SignalInfo, channels: int, suffix: str, name: str) -> None:
        """Refuse a format that cannot hold samples; see `SignalKind.check`."""
        if info.colour:
            video_formats.check(info.dtype, channels, suffix, name)
        else:
            video_formats.check("uint8", 3, suffix, name)

    def losses(self, info: SignalInfo, domain: Domain, channels: int, suffix: str) -> tuple[str, ...]:
        """Return what a file does not keep: what wide colours are, in some formats; see `SignalKind.losses`."""
        colours, form = video_colour.known(info.tags), video_formats.by_suffix(suffix)
        if colours is None or not colours.wide or (form is not None and form.named):
            return ()
        kind = f"{form.name if form else suffix} does not say that its colours are {colours.wide}"
        return (f"{kind}; the numbers stay as they are coded, R'G'B' of those, and are not converted",)

    def default_suffix(self, info: SignalInfo) -> str:
        """Return the suffix of the source where it is written, else `.mp4`, or `.npy` for what no clip can hold."""
        if info.dtype not in ("uint8", "uint16") or info.colour not in ("grey", "rgb"):
            return video_formats.ARRAY
        return info.suffix if info.suffix in self.written else ".mp4"

    def views(self, domain: Domain) -> list[Box]:
        """Return the first, the middle and the last frame."""
        first, last = domain.box[0][0], domain.box[0][1] - 1
        return [domain.box.along(0, at, at + 1) for at in sorted({first, (first + last) // 2, last})]

    def describe(self, signal: Signal) -> str:
        """Return size, type and length, for example "640×360×3 uint8, 132 frames at 25 fps, 5.28 s"."""
        frames, height, width = signal.domain.shape
        seconds = frames * signal.domain.spacing[0]
        return (
            f"{width}×{height}×{signal.channels} {signal.info.dtype}, "
            f"{_frames(frames)} at {signal.domain.per_unit:.4g} fps, {seconds:.3g} s"
        )


def _frames(count: int) -> str:
    return "1 frame" if count == 1 else f"{count} frames"


def _start(source: Path | bytes) -> bytes:
    """Return the first bytes of a file, as many as `NPY` has."""
    if isinstance(source, bytes):
        return source[: len(NPY)]
    with source.open("rb") as file:
        return file.read(len(NPY))


def _shown(found: Found, name: str) -> Pictures:
    """Return the stream that is read.

    Raises:
        InputError: there is none, or its pictures are too large. OtherKind: there is sound alone.
    """
    hint = f"readable are clips as {', '.join(video_formats.SUFFIXES)}"
    if not found.form:
        raise InputError(f"{name}: cannot be read as a clip ({found.reason})", hint=hint)
    stream = found.shown
    if stream is None:
        if found.sounds:
            raise OtherKind(f"{name}: holds sound but no moving pictures", kind="audio")
        raise InputError(f"{name}: holds no moving pictures", hint=hint)
    check_size(stream.height, stream.width, name)
    return stream


def _colours(stream: Pictures) -> video_colour.Colours:
    """Return what the samples that are read of a stream are: what it says, with the matrix that they were read by."""
    _, other = video_colour.taken(stream.colours, stream.pixels, stream.height, stream.width)
    return replace(stream.colours, matrix=other) if other else stream.colours


def _gathered(decoding: video_read.Decoding, name: str) -> NDArray[Any]:
    """Return all frames of a stream.

    Raises:
        InputError: there are none.
        OSError: there is no room for them.
    """
    frames = decoding.frames()
    try:
        first = next(frames, None)
        if first is None:
            raise InputError(
                f"{name}: holds no frame that can be decoded ({decoding.damage or 'there are none'})",
                hint="the file is damaged or empty; get it again",
            )
        return gather(chain((first,), frames), first.shape[1:], decoding.dtype)
    finally:
        frames.close()


def _sound(path: Path, found: Found, start: float, name: str) -> bytes | None:
    """Return the sound track of a clip; see `video_read.sound_track`."""
    try:
        return video_read.sound_track(path, found, start)
    except InputError as error:
        raise InputError(f"{name}: {error.message}", hint=error.hint) from error


def _notes(
    found: Found, decoding: video_read.Decoding, count: int, uneven: str, rate: Fraction
) -> tuple[str, ...]:
    """Return what the user should know about how a clip was read."""
    notes, stream = [], decoding.stream
    if decoding.damage:
        notes.append(f"it is damaged ({decoding.damage}); {_frames(count)} could be decoded and were read")
    if uneven:
        notes.append(
            f"its frame rate varies ({uneven} from frame to frame); "
            f"frames were taken as they come, at their average rate of {float(rate):.4g} fps"
        )
    if len(found.pictures) > 1:
        notes.append(f"one of its {len(found.pictures)} video streams was read, number {stream.index}")
    if len(found.sounds) > 1:
        notes.append(f"of its {len(found.sounds)} sound tracks only the first is used")
    _, other = video_colour.taken(stream.colours, stream.pixels, stream.height, stream.width)
    if other:
        notes.append(f"its colours are coded by {stream.colours.matrix}, which was read as {other}")
    if found.mastered:
        notes.append(
            "what it says of the screen that it was made for, and of its brightest places, is not kept"
        )
    if abs(float(Fraction(*map(int, stream.aspect.split(":")))) - 1) > 0.02:
        notes.append(f"its pixels are not square ({stream.aspect}); frames have the size they are stored in")
    return tuple(notes)


def _spacing(config: ReadConfig, frame: float | Fraction, name: str) -> tuple[float, ...]:
    """Return seconds per frame, and spacing of rows and columns, as asked for or as known.

    Raises:
        InputError: as many numbers as asked for mean nothing.
    """
    given = config.spacing or (float(frame),)
    if len(given) not in (1, 3):
        raise InputError(f"{name}: --spacing gives {len(given)} numbers for a clip", hint=SPACING_HINT)
    return given if len(given) == 3 else (given[0], 1.0, 1.0)


def _signal(
    values: NDArray[Any], info: SignalInfo, spacing: tuple[float, ...], config: ReadConfig, name: str
) -> MappedSignal:
    """Make a signal of frames [time, height, width, channel]; see `holes.settled` for errors."""
    domain = Domain(
        shape=values.shape[:-1],
        axes=("t", "y", "x"),
        units=("s", "px", "px"),
        spacing=spacing,
        origin=(0, 0, 0),
    )
    signal = MappedSignal(values=values, domain=domain, info=info)
    return settled(signal, config, name, full=info.value_range)


def _from_array(array: NDArray[Any], name: str, config: ReadConfig, sha256: str) -> MappedSignal:
    """Make a clip of an array; see `VideoIO.from_array`."""
    if array.ndim not in (3, 4) or array.size == 0:
        raise InputError(
            f"{name}: shape {array.shape} is not a clip",
            hint="give [time, height, width] or [time, height, width, channels], the channels last",
        )
    arrays.check_order(array.shape, name, axes=3, places=(1, 0))
    frames = array[..., None] if array.ndim == 3 else array
    rows = arrays.to_signal(
        frames.reshape(-1, *frames.shape[2:]), name
    )  # frames below each other are an image
    spacing = _spacing(config, 1 / USUAL, name)
    known = {"kind": VideoIO.kind, "suffix": video_formats.ARRAY, "sha256": sha256}
    info = replace(rows.info, **known, tags={"fps": str(ratio(spacing[0]))})
    return _signal(rows.values.reshape(frames.shape), info, spacing, config, name)


def _from_npy(source: Path | bytes, name: str, config: ReadConfig, sha256: str) -> MappedSignal:
    """Read a `.npy` file; its samples are mapped.

    Raises:
        InputError: it is damaged, holds objects, or cannot be a clip.
    """
    with as_file(source, video_formats.ARRAY) as path:
        try:
            array = np.load(path, mmap_mode="r", allow_pickle=False)
        except (ValueError, OSError, EOFError) as error:
            raise InputError(
                f"{name}: cannot be read as NPY ({' '.join(str(error).split())})",
                hint="save an array of numbers with numpy.save",
            ) from error
    return _from_array(array, name, config, sha256)
