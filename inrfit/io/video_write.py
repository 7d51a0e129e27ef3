"""Frames to the file of a clip, band after band, with its sound and tags; it decodes nothing."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path

import numpy as np

from inrfit.domain import Domain
from inrfit.errors import OutputError
from inrfit.io import scratch
from inrfit.io.arrays import npy_start
from inrfit.io.ffmpeg import SCALER, Ffmpeg
from inrfit.io.spool import check_room, spooling
from inrfit.io.video_colour import MATRICES, NONE, Colours, known, usual, written
from inrfit.io.video_formats import FULL, HALF, Format, check
from inrfit.io.video_probe import TAGS, opening, probe
from inrfit.io.video_rate import ratio, shown_from
from inrfit.signal import Bands

BLOCK = 1 << 20
"""Bytes of a file that are handed on at a time."""

INR = b"\x89INR\r\n\x1a\n"
"""First bytes of a sound track that is a field and not sound; it is not written here."""

_PALETTE = "split[a][b];[a]palettegen=stats_mode=single[p];[b][p]paletteuse=new=1"
"""A palette for each frame: better than one for all, and no frame waits for others."""


def encode(samples: Bands, suffix: str, name: str) -> Iterator[bytes]:
    """Yield the pieces of a file; see `VideoIO.encode`.

    ffmpeg writes to a temporary file, since some formats are finished at their start.
    """
    form = check(samples.info.dtype, samples.channels, suffix, name)
    if form is None:
        yield npy_start(samples.shape, np.dtype(samples.info.dtype))
        yield from (np.ascontiguousarray(band).tobytes() for band in samples.bands)
        return
    with spooling(OutputError, name), scratch.folder() as folder:
        made = folder / f"clip{form.suffixes[0]}"
        _write(samples, form, _sound(samples, form, folder), made, name)
        with made.open("rb") as file:
            yield from iter(lambda: file.read(BLOCK), b"")


def frame_rate(domain: Domain) -> Fraction:
    """Return frames per second as formats store them; see `ratio`."""
    return ratio(domain.spacing[0])


@dataclass(frozen=True, slots=True, kw_only=True)
class _Track:
    """A sound track to put in: the arguments that open it and those that encode it; empty where there is none."""

    opened: tuple[str, ...] = ()
    encoded: tuple[str, ...] = ()


def _write(samples: Bands, form: Format, track: _Track, made: Path, name: str) -> None:
    """Write a clip to a file.

    Raises:
        OutputError: ffmpeg refuses, or the format does not have the rate.
        OSError: the disk of temporary files is full.
    """
    height, width = samples.domain.shape[1:]
    deep, grey = samples.info.dtype == "uint16", samples.channels == 1
    given = ("gray16le" if deep else "gray") if grey else ("rgb48le" if deep else "rgb24")
    rate = _rate(samples.domain, form, name)
    arguments = f"-f rawvideo -pix_fmt {given} -s {width}x{height} -r {rate} -i pipe:0".split()
    arguments += [*track.opened, "-map", "0:v", *(("-map", "1:a") if track.opened else ())]
    arguments += ["-vf", _filters(samples, form, grey=grey, deep=deep), "-c:v", *form.codec, *track.encoded]
    arguments += _written(samples, form)[1].arguments() if form.named else []
    if rate < 1 and form.muxer in ("mp4", "mov"):  # which count whole ticks, and would count in frames
        arguments += ["-video_track_timescale", str(rate.numerator * -(-1000 // rate.numerator))]
    arguments += [*_metadata(samples.info.tags), "-f", form.muxer, "-y", f"file:{made}"]
    with Ffmpeg(arguments, write=True) as run:
        for band in samples.bands:
            values = np.ascontiguousarray(band, "<u2" if deep else "u1")
            if not run.feed(values.reshape(-1).view("u1").data):
                break
        if run.wait():
            check_room(made.parent)
            raise OutputError(
                f"{name}: cannot be written as {form.name} ({run.reason})", hint="write .mkv or .npy"
            )


def _rate(domain: Domain, form: Format, name: str) -> Fraction:
    """Return the frames per second of a file.

    Raises:
        OutputError: the format does not have them.
    """
    rate, (low, high) = frame_rate(domain), form.rates
    if low <= rate <= high:
        return rate
    near = float(min(max(rate, low), high))
    raise OutputError(
        f"{name}: {form.name} has {low} to {high} frames per second, not {rate}",
        hint=f"decode with --fps {near:.6g}, or write .mp4 or .npy",
    )


def _filters(samples: Bands, form: Format, *, grey: bool, deep: bool) -> str:
    """Return ffmpeg's filters from the samples to what the encoder takes; see `Format`."""
    domain = samples.domain
    aspect = samples.info.tags.get("pixel_aspect", "1:1")
    square = domain.spacing[1] != domain.spacing[2] or aspect == "1:1"
    shape = "setsar=1" if square else f"setsar={aspect.replace(':', '/')}"
    if form.muxer == "gif":
        return _PALETTE
    if form.muxer == "matroska":
        colours = _written(samples, form)[1]
        said = f"setparams=color_primaries={colours.primaries}:color_trc={colours.transfer}"
        return f"{shape},format={_LOSSLESS[grey, deep]},{said}"
    even = all(side % 2 == 0 for side in domain.shape[1:])
    matrix, colours = _written(samples, form)
    chroma = FULL if form.codec[0] == "libx264" and not even else HALF
    span = "pc" if form.named and colours.range == "pc" else "tv"
    pixels = f"yuv{chroma}p{'10le' if deep and form.deep else ''}"
    said = f",setparams={colours.options()}" if form.named else ""
    made = f"out_color_matrix={MATRICES[matrix]}:out_range={span}"
    return f"scale=flags={SCALER}:{made},format={pixels},{shape}{said}"


def _written(samples: Bands, form: Format) -> tuple[str, Colours]:
    """Return the matrix of the frames that are written, and what the file says; see `video_colour.written`.

    A format that cannot say it has the usual matrix of its size, and a lossless one of R'G'B' none.
    """
    height, width = samples.domain.shape[1:]
    if not form.named:
        return usual(height, width), NONE
    if form.muxer == "matroska":
        source = known(samples.info.tags) or NONE
        return "", replace(source, matrix="unknown", range="unknown")
    return written(samples.info.tags, height, width)


_LOSSLESS = {
    (False, False): "bgr0",
    (False, True): "gbrp16le",
    (True, False): "gray",
    (True, True): "gray16le",
}
"""(grey, deep) -> pixel format in which FFV1 keeps samples to the bit."""


def _metadata(tags: Mapping[str, str]) -> list[str]:
    """Return the arguments that set the tags which files of clips have."""
    known = {name: tags[name].replace("\0", " ") for name in TAGS if name in tags}
    return [word for name, text in known.items() for word in ("-metadata", f"{name}={text}")]


def _sound(samples: Bands, form: Format, folder: Path) -> _Track:
    """Put the sound that goes with the frames into a folder, and return how it is put in.

    The sound of a part of a clip is that of its time; see `shown_from`.
    """
    sound = samples.info.sound
    if not sound or sound.startswith(INR) or not form.sound:
        return _Track()
    path = folder / "sound"
    path.write_bytes(sound)
    found = probe(path)
    if not found.sounds:
        return _Track()
    codec = "copy" if found.sounds[0].codec in form.sounds else form.sound
    domain = samples.domain
    begin = shown_from(samples.info, domain)
    opened = ["-t", f"{domain.shape[0] * domain.spacing[0]:.6f}"]
    if begin >= 1e-6:
        opened += ["-ss", f"{begin:.6f}"]
    elif begin <= -1e-6:
        opened += ["-itsoffset", f"{-begin:.6f}"]
    encoded = ("copy",) if codec == "copy" else tuple(form.sound)
    return _Track(opened=(*opened, *opening(path)), encoded=("-c:a", *encoded))
