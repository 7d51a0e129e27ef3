"""Sounds to files: through libsndfile, band after band into a temporary file, and ffmpeg for M4A; nothing is read."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from inrfit.errors import OutputError
from inrfit.io import audio_ffmpeg, audio_flac, audio_wav, scratch, speakers
from inrfit.io.arrays import npy_start
from inrfit.io.audio_formats import FLOAT, FORMATS, WRITTEN, Format, bits_of, by_suffix, full_scale
from inrfit.io.spool import check_room, spooling
from inrfit.signal import Bands, SignalInfo

BLOCK = 1 << 14
"""Samples of each channel that are written at a time; the Vorbis encoder keeps more of them on its stack."""

PIECE = 1 << 20
"""Bytes of the finished file that are passed on at a time."""

TAGS = (
    *("title", "artist", "album", "date", "comment", "genre", "tracknumber"),
    *("copyright", "software", "license"),
)
"""Tags that libsndfile writes, where a format has them."""

COMPRESSION = {"OGG": 0.2, "OPUS": 0.2, "MP3": 0.0}
"""Levels of libsndfile, 0 for the best and 1 for the smallest: of Vorbis this is quality 8, of MP3 the best."""

WAV_LIMIT = (1 << 32) - (1 << 16)
"""Bytes of samples from which a WAV file is an RF64 file, whose sizes have 64 bits."""

NO_PEAKS = 0x1050
"""Number of libsndfile's command SFC_SET_ADD_PEAK_CHUNK: the chunk would hold the time of writing."""


def check(info: SignalInfo, channels: int, suffix: str, name: str) -> Format:
    """Return the format that a suffix stands for; `colour` "" asks about the suffix alone.

    Raises:
        OutputError: it is unknown, or cannot hold samples of this type and so many channels.
    """
    form = by_suffix(suffix)
    if form is None:
        raise OutputError(
            f"{name}: {suffix or 'no suffix'} is not a format of sounds that inrfit writes",
            hint=f"write {', '.join(WRITTEN)}",
        )
    if info.colour and form.encoding(info) is None:
        raise OutputError(
            f"{name}: {form.name} cannot hold {_called(info)} samples",
            hint=f"write {_others(info, channels)}",
        )
    if info.colour and channels > form.channels:
        raise OutputError(
            f"{name}: {form.name} holds at most {form.channels} channels, the sound has {channels}",
            hint=f"write {_others(info, channels)}",
        )
    return form


def encode(samples: Bands, suffix: str, name: str) -> Iterator[bytes]:
    """Yield the pieces of a file; see `AudioIO.encode`."""
    form = check(samples.info, samples.channels, suffix, name)
    if form.name == "NPY":
        yield npy_start((*samples.shape, 1), np.dtype(samples.info.dtype))
        yield from (part.tobytes() for part in _parts(samples, raw=True))
        return
    rate = _rate(samples, form, name)
    places = _places(samples.info, samples.channels)
    with spooling(OutputError, name), scratch.folder() as folder:
        path = folder / f"sound{form.suffixes[0]}"
        _fill(samples, form, rate, path, name)
        if form.name == "WAV":
            audio_wav.put_speakers(path, places or 0) if _placed(samples) else None
        with path.open("rb") as file:
            if (
                form.name == "FLAC" and places and samples.channels > 2
            ):  # programs differ about what 5 and 6 mean
                yield audio_flac.with_speakers(file, places)
            while piece := file.read(PIECE):
                yield piece


def default_suffix(info: SignalInfo) -> str:
    """Return the suffix of the source where its format is written and holds the samples, or that of WAV."""
    form = by_suffix(info.suffix)
    return info.suffix if form is not None and form.encoding(info) is not None else ".wav"


def _rate(samples: Bands, form: Format, name: str) -> int:
    """Return the sample rate of a file.

    Raises:
        OutputError: the format does not have it.
    """
    rate = round(samples.domain.per_unit)
    if form.rates and rate not in form.rates:
        near = min(form.rates, key=lambda known: abs(known - rate))
        raise OutputError(
            f"{name}: {form.name} has no sample rate of {rate} Hz, only {', '.join(map(str, form.rates))}",
            hint=f"decode with --rate {near}, or write .wav",
        )
    if not 1 <= rate <= form.fastest:
        raise OutputError(
            f"{name}: {form.name} has sample rates from 1 to {form.fastest} Hz, not {samples.domain.per_unit:g}",
            hint="decode with another --rate, or write .npy",
        )
    return rate


def _fill(samples: Bands, form: Format, rate: int, path: Path, name: str) -> None:
    """Write a file.

    Raises:
        OutputError: the encoder refuses.
        OSError: the disk of temporary files is full.
    """
    import soundfile

    try:
        if form.name == "M4A":
            places = _places(samples.info, samples.channels) or 0
            layout = speakers.words(places) if form.keeps(places, samples.channels) else ""
            parts = _parts(samples, lossy=True)
            audio_ffmpeg.encode(parts, path, rate, samples.channels, samples.info.tags, layout)
        else:
            _by_soundfile(samples, form, rate, path)
    except (soundfile.LibsndfileError, OSError, ValueError) as error:
        check_room(path.parent)
        reason = getattr(error, "error_string", str(error)).rstrip(".")
        raise OutputError(
            f"{name}: cannot be written as {form.name} at {rate} Hz with {samples.channels} channels ({reason})",
            hint="write .wav",
        ) from error


def _by_soundfile(samples: Bands, form: Format, rate: int, path: Path) -> None:
    """Write a file by libsndfile."""
    import soundfile

    encoding = form.encoding(samples.info) or ""
    options: dict[str, Any] = {}
    if form.name in COMPRESSION:
        options = {"compression_level": COMPRESSION[form.name]}
    if form.name == "MP3":
        options["bitrate_mode"] = "VARIABLE"
    file = soundfile.SoundFile(
        path, "w", rate, samples.channels, subtype=encoding, format=_container(samples, form), **options
    )
    with file:
        _plain(file)
        for tag in TAGS:
            with suppress(soundfile.LibsndfileError):  # the format has no such tag
                if text := samples.info.tags.get(tag):
                    setattr(file, tag, text)
        order = _order(samples, form)
        for part in _parts(samples, lossy=bool(form.lossy)):
            file.write(part if order is None else np.ascontiguousarray(part[:, order]))


def notes(info: SignalInfo, channels: int, suffix: str) -> tuple[str, ...]:
    """Return what a file of a format does not keep of a sound, in words for the user."""
    places, form = _places(info, channels), by_suffix(suffix)
    if not places or form is None or form.keeps(places, channels):
        return ()
    named = speakers.words(places) or f"{places:#x}"
    return (f"{form.name} does not keep where its channels belong, to the speakers {named}",)


def _places(info: SignalInfo, channels: int) -> int | None:
    """Return where channels belong; None where it is not known, or cannot be of so many."""
    places = speakers.known(info.tags)
    return places if places is None or places.bit_count() <= channels or not places else None


def _placed(samples: Bands) -> bool:
    """Tell whether the places in a header of WAV are ours: known, or of samples that came without; not of older fields."""
    return speakers.TAG in samples.info.tags or (
        samples.channels > 2 and samples.info.tags.get("format") != "WAVEX"
    )


def _order(samples: Bands, form: Format) -> tuple[int, ...] | None:
    """Return which channels Vorbis and Opus have in turn; None where they are in order.

    Older fields of such files have their channels in that order, and do not say where they belong.
    """
    tags = samples.info.tags
    order = speakers.VORBIS.get(samples.channels) if form.name in ("OGG", "OPUS") else None
    if order is None or (tags.get("format") == "OGG" and speakers.TAG not in tags):
        return None
    return tuple(order.index(channel) for channel in range(len(order)))


def _plain(file: Any) -> None:
    """Leave out what libsndfile adds to floats, so that equal samples make equal files; best effort."""
    import soundfile

    library, empty = getattr(soundfile, "_snd", None), getattr(soundfile, "_ffi", None)
    handle = getattr(file, "_file", None)
    if library is not None and empty is not None and handle is not None:
        library.sf_command(handle, NO_PEAKS, empty.NULL, 0)


def _container(samples: Bands, form: Format) -> str:
    """Return the format as libsndfile calls it: WAV has three of them, for many channels and for large files."""
    if form.name == "OPUS":
        return "OGG"
    if form.name != "WAV":
        return form.name
    size = np.dtype(samples.info.dtype).itemsize * samples.channels * samples.domain.size
    source = samples.info.tags.get("format", "")
    if size > WAV_LIMIT or source == "RF64":
        return "RF64"
    placed = source == "WAVEX" or speakers.TAG in samples.info.tags
    return "WAVEX" if placed or (samples.channels > 2 and source != "WAV") else "WAV"


def _parts(samples: Bands, *, lossy: bool = False, raw: bool = False) -> Iterator[NDArray[Any]]:
    """Yield samples a part at a time, as encoders take them.

    Whole numbers have their highest bit at that of the type, or become floats with full scale 1 where `lossy`; `raw`
    ones stay as they are.
    """
    bits = bits_of(samples.info)
    half = int(full_scale(bits))
    for band in samples.bands:
        for start in range(0, len(band), BLOCK):
            part = np.ascontiguousarray(band[start : start + BLOCK])
            if raw or bits == FLOAT:
                yield part
            elif lossy:
                yield (part / half).astype(np.float32)
            else:
                yield np.clip(part, -half, half - 1) << (8 * part.itemsize - bits)


def _called(info: SignalInfo) -> str:
    bits = bits_of(info)
    return "float" if bits == FLOAT else f"{bits}-bit"


def _others(info: SignalInfo, channels: int) -> str:
    """Name the suffixes of formats that hold samples."""
    fitting = [f.suffixes[0] for f in FORMATS if f.encoding(info) is not None and channels <= f.channels]
    return ", ".join(fitting)
