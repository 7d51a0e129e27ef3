"""Sound files to signals, block by block through libsndfile, or ffmpeg for what that does not know; nothing is written."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePath
from typing import Any

import numpy as np
from numpy.typing import NDArray

from inrfit.domain import Domain
from inrfit.errors import InputError
from inrfit.io import audio_ffmpeg, audio_wav, speakers
from inrfit.io.audio_formats import (
    FLOAT,
    MAX_CHANNELS,
    bits_of_encoding,
    by_suffix,
    dtype_of,
    full_scale,
    suffix_of,
)
from inrfit.io.files import as_file, digest
from inrfit.io.libraries import guarded, silent_stderr
from inrfit.io.spool import MappedSignal, gather, spooling
from inrfit.signal import SignalInfo

BLOCK = 1 << 15
"""Samples of each channel that are read at a time."""

LONGEST = (1 << 31) - 1
"""Most samples of each channel."""

ENDLESS = (0, 0x7FFFFFFF, 0xFFFFFFFF)
"""Sizes of data that programs write which do not know them; what is missing of them is not told."""

CUT = re.compile(r"^ *(?:data|SSND|Data Size|Riff size|riff) *: (\d+) \(should be (\d+)\)", re.MULTILINE)
"""Line in the log of libsndfile where a file is shorter than it says: in WAV, AIFF, AU, RF64 and W64."""

ADVERT = re.compile(r" \(libsndfile-[\d.]+\)$")
"""What libsndfile puts behind the name of the software that wrote a file."""


@dataclass(slots=True, kw_only=True)
class Sound:
    """A sound of which the samples come in blocks, and what is found on the way.

    Attributes:
        blocks: native samples [some, channel].
        rate: samples per second.
        channels: values per sample.
        tags: text by name, with "encoding" and "format".
        suffix: usual suffix of the format.
        notes: what was changed or is missing.
        count: samples so far.
        low, high: extremes so far of the samples that are finite.
        known: which samples are finite in all channels, block by block.
    """

    blocks: Iterable[NDArray[Any]]
    rate: int
    channels: int
    tags: dict[str, str]
    suffix: str
    notes: list[str] = field(default_factory=list)
    count: int = 0
    low: float = np.inf
    high: float = -np.inf
    known: list[NDArray[np.bool_]] = field(default_factory=list)

    @property
    def bits(self) -> int:
        """Bits of the samples; see `audio_formats.bits_of`."""
        return bits_of_encoding(self.tags["encoding"])


def read(source: Path | bytes, name: str) -> MappedSignal:
    """Read a sound file.

    Args:
        source: its path or its bytes.
        name: what messages call it; the content decides the format, not its suffix.

    Raises:
        InputError: it is no sound, is damaged before its first sample, has no samples, has samples that are not
            finite, or too many samples or channels, or there is no room for them.
    """
    with spooling(InputError, name), as_file(source, PurePath(name).suffix) as path, silent_stderr():
        sound = _opened(path, name)
        signal = signal_of(sound, name)
    named = by_suffix(PurePath(name).suffix)
    notes = sound.notes
    if named is not None and sound.suffix and sound.suffix not in named.suffixes and sound.suffix != ".opus":
        notes.append(f"the file is named {PurePath(name).suffix} but holds {sound.tags['format']}")
    info = replace(signal.info, suffix=sound.suffix, notes=tuple(notes), sha256=digest(source))
    return replace(signal, info=info)


def signal_of(sound: Sound, name: str) -> MappedSignal:
    """Return the signal of a sound, whose samples are taken; see `read` for errors."""
    _check_shape(sound, name)
    dtype = dtype_of(sound.bits)
    with spooling(InputError, name):
        values = gather(_measured(sound, name), (sound.channels,), dtype)
    if not len(values):
        raise InputError(f"{name}: holds no samples", hint="record or download it again")
    known = np.concatenate(sound.known)
    lost = len(known) - int(np.count_nonzero(known))
    if lost:
        sound.notes.append(f"{lost:,} of {len(values):,} samples are NaN or infinite and are left out")
    return MappedSignal(
        values=values,
        domain=Domain(
            shape=(len(values),), axes=("t",), units=("s",), spacing=(1.0 / sound.rate,), origin=(0,)
        ),
        info=SignalInfo(
            kind="audio",
            dtype=dtype,
            value_range=_swing(sound),
            colour="waveform",
            tags=sound.tags,
            notes=tuple(sound.notes),
        ),
        known=known if lost else None,
    )


def _swing(sound: Sound) -> tuple[float, float]:
    """Return the range of a sound: about 0, or about its middle where it swings less than it is away from 0."""
    low, high = sound.low, sound.high
    peak = max(abs(low), abs(high)) or full_scale(sound.bits)
    if not 0 < high - low < peak:
        return -peak, peak
    middle = (low + high) / 2
    sound.notes.append(
        f"its samples lie about {middle:.4g}, an offset that the range {low:.4g} to {high:.4g} takes out"
    )
    return low, high


def _opened(path: Path, name: str) -> Sound:
    """Open a file by the library that knows it."""
    import soundfile

    header, notes = audio_wav.look(path), []
    mended = header is not None and (header.unfinished or header.unpadded)

    def opened() -> Any:
        held: Any = header.mended() if header is not None and mended else path
        return soundfile.SoundFile(held)

    try:
        file = opened()
    except (soundfile.LibsndfileError, TypeError, ValueError, OSError) as error:
        reason = getattr(error, "error_string", str(error)).rstrip(".")
        return _by_ffmpeg(path, name, reason)
    if header is not None and header.unfinished:
        said = f"announces {max(0, header.size)} bytes of samples"
        notes.append(f"its header was never finished ({said}); the {header.there} that are there were read")
    encoding, tags = file.subtype, {}
    with guarded(lambda reason: InputError(f"{name}: its tags cannot be read ({reason})")):
        tags = {key: _printable(value) for key, value in file.copy_metadata().items()}
    if "software" in tags:
        tags["software"] = ADVERT.sub("", tags["software"])
    places = _speakers(path, header, file.format, encoding, file.channels)
    sound = Sound(
        blocks=(),
        rate=file.samplerate,
        channels=file.channels,
        tags={key: value for key, value in tags.items() if value}
        | {"encoding": encoding, "format": file.format}
        | speakers.tag(places, file.channels),
        suffix=suffix_of(file.format, encoding),
        notes=notes,
    )
    sound.blocks = _in_order(_blocks(file, opened, sound, name), sound)
    if encoding == "DOUBLE":
        sound.notes.append("64-bit floats were read as 32-bit floats")
    return sound


def _speakers(
    path: Path, header: audio_wav.Wav | None, form: str, encoding: str, channels: int
) -> int | None:
    """Return where the channels of a file belong; None where it does not tell."""
    if header is not None:
        return header.speakers or (0 if form == "WAVEX" else None)
    if channels < 3:
        return None
    if form == "OGG" and encoding == "VORBIS":
        return speakers.USUAL.get(channels)
    return audio_ffmpeg.speakers(path, channels)


def _in_order(blocks: Iterator[NDArray[Any]], sound: Sound) -> Iterator[NDArray[Any]]:
    """Yield blocks with their channels in the order of `speakers`; libsndfile leaves those of Vorbis and Opus as they are."""
    order = speakers.VORBIS.get(sound.channels) if sound.tags["format"] == "OGG" else None
    placed = speakers.TAG in sound.tags
    return (block[:, order] for block in blocks) if order is not None and placed else blocks


def _by_ffmpeg(path: Path, name: str, reason: str) -> Sound:
    """Open a file by ffmpeg.

    Args:
        path: the file.
        name: what messages call it.
        reason: why libsndfile refused it.
    """
    found = audio_ffmpeg.probe(path)
    if found is None:
        raise InputError(
            f"{name}: cannot be read as a sound ({reason})",
            hint="readable are WAV, FLAC, OGG, Opus, MP3, AIFF, AU, CAF, M4A and what ffmpeg knows; is it whole?",
        )
    sound = Sound(
        blocks=(),
        rate=found.rate,
        channels=found.channels,
        tags={**found.tags, **speakers.tag(found.speakers, found.channels)},
        suffix=found.suffix,
    )
    sound.blocks = audio_ffmpeg.blocks(path, found, BLOCK, sound.notes)
    return sound


def _blocks(file: Any, again: Callable[[], Any], sound: Sound, name: str) -> Iterator[NDArray[Any]]:
    """Yield the samples that a file holds, up to where it is damaged.

    Of a block that is not all there libsndfile gives nothing, so that the last of them are taken in smaller ones.
    """
    import soundfile

    if "detection failed" in file.extra_info:
        file.close()
        raise InputError(
            f"{name}: its header names {sound.tags['encoding']} in containers of another size, which is ambiguous",
            hint="convert it, for example with sox or ffmpeg",
        )
    frames, log, count, reason = file.frames, file.extra_info, 0, ""
    for size in (BLOCK, BLOCK // 8, BLOCK // 64, BLOCK // 512):
        try:
            with file if size == BLOCK else again() as part:
                if count:
                    part.seek(count)
                for block in _taken(part, size, sound.bits):
                    count += len(block)
                    yield block
            sound.notes += _missing(log, count, frames, sound.rate)
            return
        except (soundfile.LibsndfileError, RuntimeError) as error:
            reason = getattr(error, "error_string", str(error)).rstrip(".")
    if not count:
        raise InputError(f"{name}: is damaged ({reason})", hint="make or download it again")
    sound.notes.append(f"it is damaged or cut off after {count / sound.rate:.3f} s ({reason})")


def _taken(file: Any, size: int, bits: int) -> Iterator[NDArray[Any]]:
    """Yield native samples of so many bits, a block at a time."""
    stored = {FLOAT: "float32", 24: "int32", 32: "int32"}.get(bits, "int16")
    while len(block := file.read(size, stored, always_2d=True)):
        yield block >> 8 if bits in (8, 24) else block


def _missing(log: str, count: int, frames: int, rate: int) -> list[str]:
    """Return a note where a file is cut off: by the log of libsndfile, or by its announced number of samples."""
    cut = CUT.search(log)
    if cut and int(cut[1]) > int(cut[2]) and int(cut[1]) not in ENDLESS:
        return [f"it is cut off: {int(cut[1])} bytes announced, {int(cut[2])} there"]
    if count < frames < 1 << 62:
        return [f"it is cut off: {frames / rate:.3f} s announced, {count / rate:.3f} s there"]
    return []


def _check_shape(sound: Sound, name: str) -> None:
    """Refuse sounds that make no signal."""
    if not 1 <= sound.channels <= MAX_CHANNELS:
        raise InputError(
            f"{name}: has {sound.channels} channels, 1 to {MAX_CHANNELS} are allowed",
            hint="take some of them out first",
        )
    if sound.rate < 1:
        raise InputError(f"{name}: has a sample rate of {sound.rate} Hz", hint="make or download it again")


def _measured(sound: Sound, name: str) -> Iterator[NDArray[Any]]:
    """Yield the blocks of a sound, counted, and measured for their extremes; 0 stands for samples that are not finite.

    Raises:
        InputError: no sample is finite, or there are too many.
    """
    for block in sound.blocks:
        good, finite = block, np.isfinite(block)
        sound.known.append(np.all(finite, axis=-1))
        if not finite.all():
            good, block = block[finite], np.where(finite, block, block.dtype.type(0))
        if good.size:
            sound.low, sound.high = min(sound.low, float(good.min())), max(sound.high, float(good.max()))
        sound.count += len(block)
        if sound.count > LONGEST:
            raise InputError(f"{name}: has more than {LONGEST} samples", hint="cut it into parts")
        yield block
    if sound.count and not any(known.any() for known in sound.known):
        raise InputError(
            f"{name}: all of its {sound.count} samples are NaN or infinite", hint="record it again"
        )


def _printable(text: str) -> str:
    """Return text without characters that cannot be shown."""
    return "".join(letter if letter.isprintable() else " " for letter in text).strip()
