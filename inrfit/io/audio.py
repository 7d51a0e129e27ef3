"""Sounds as signals: the entry of the registry, and arrays as sounds; files are opened in `audio_read` and `audio_write`."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterator
from dataclasses import replace
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from inrfit.domain import Domain
from inrfit.errors import InputError
from inrfit.io import audio_formats, audio_read, audio_write
from inrfit.io.audio_picture import spectrogram
from inrfit.io.config import ReadConfig
from inrfit.io.files import digest, read_start
from inrfit.io.kinds import SignalKind
from inrfit.io.spool import MappedSignal
from inrfit.signal import Bands, Signal, SignalInfo

RATE = 44100
"""Samples per second of an array that comes without."""

NPY = b"\x93NUMPY"
"""How a `.npy` file begins."""


class AudioIO(SignalKind):
    """Reads and writes sounds.

    Samples lie on one axis of time. Whole numbers keep their bits, 8-bit ones become signed; the value range is
    (-p, p) with the largest magnitude p of the sound, as in the papers, or full scale where it is silent.
    """

    kind = "audio"
    suffixes = audio_formats.SUFFIXES
    written = audio_formats.WRITTEN
    told = audio_formats.TOLD
    words = ("spacing",)
    defaults = {"cell": 512}  # noqa: RUF012 (declared as a class variable in the base class)
    metrics = ("psnr", "snr", "si-sdr", "lsd")

    def recognises(self, start: bytes) -> bool:
        """Tell whether the first bytes of a file are those of a sound."""
        return audio_formats.recognise(start)

    def read(self, source: Path | bytes, name: str, config: ReadConfig) -> MappedSignal:
        """Read a file; its content decides the format, not the suffix of `name`.

        Args:
            source: its path or its bytes: a sound, or a `.npy` file of samples.
            name: what messages call it.
            config: `spacing` is for `.npy` files; a sound must have just this rate where it is given.

        Raises:
            InputError: see `audio_read.read`; or the rate is another one than wanted.
        """
        if (source if isinstance(source, bytes) else read_start(source, len(NPY))).startswith(NPY):
            signal = self._from_array(_npy(source, name), config, name)
            return replace(signal, info=replace(signal.info, sha256=digest(source)))
        signal = audio_read.read(source, name)
        if config.spacing is not None and not math.isclose(_spacing(config, name), signal.domain.spacing[0]):
            wanted = 1 / _spacing(config, name)
            raise InputError(
                f"{name}: has {signal.domain.per_unit:.6g} samples per second, {wanted:.6g} are wanted",
                hint="resample it first",
            )
        return signal

    def reading(self, domain: Domain, info: SignalInfo) -> ReadConfig:
        """Return how a file is read as a sound like one that is known: at the same sample rate."""
        return ReadConfig(kind=self.kind, spacing=domain.spacing)

    def from_array(self, array: NDArray[Any], config: ReadConfig) -> MappedSignal:
        """Make a signal from an array [samples] or [samples, channels] with up to 64 channels.

        Args:
            array: 8-, 16- or 32-bit whole numbers, uint8 with silence at 128, or floats with full scale 1.
            config: `spacing` gives the seconds per sample, 1/44100 without.

        Raises:
            InputError: the array cannot be a sound.
        """
        signal = self._from_array(array, config, "array")
        header = repr((array.shape, array.dtype.str)).encode()
        made = hashlib.sha256(header + np.ascontiguousarray(array).tobytes()).hexdigest()
        return replace(signal, info=replace(signal.info, sha256=made))

    def _from_array(self, array: NDArray[Any], config: ReadConfig, name: str) -> MappedSignal:
        """Make a signal from an array; its hash is left open."""
        hint = "give [samples] or [samples, channels], time first"
        if array.ndim not in (1, 2) or array.size == 0:
            raise InputError(f"{name}: shape {array.shape} is not a sound", hint=hint)
        shaped = array[:, None] if array.ndim == 1 else array
        if shaped.shape[1] > audio_formats.MAX_CHANNELS:
            raise InputError(
                f"{name}: shape {array.shape} has {shaped.shape[1]} channels, at most "
                f"{audio_formats.MAX_CHANNELS} are allowed",
                hint=hint,
            )
        spacing = 1 / RATE if config.spacing is None else _spacing(config, name)
        native, encoding = _native(shaped, name)
        sound = audio_read.Sound(
            blocks=(native[at : at + audio_read.BLOCK] for at in range(0, len(native), audio_read.BLOCK)),
            rate=max(1, round(1 / spacing)),
            channels=native.shape[1],
            tags={"encoding": encoding},
            suffix=".npy",
        )
        signal = audio_read.signal_of(sound, name)
        info = replace(signal.info, suffix=".npy")
        return replace(signal, info=info, domain=replace(signal.domain, spacing=(spacing,)))

    def encode(self, samples: Bands, suffix: str, name: str) -> Iterator[bytes]:
        """Yield the bytes of a file piece by piece.

        Args:
            samples: samples [time, channel]; their encoding is that of the source, by its tag "encoding", where the
                format has it, and their rate that of their domain.
            suffix: file suffix, which picks the format.
            name: what messages call the file.

        Raises:
            OutputError: the suffix is unknown, or its format cannot hold these samples; at the first piece.
        """
        return audio_write.encode(samples, suffix, name)

    def check(self, info: SignalInfo, channels: int, suffix: str, name: str) -> None:
        """Refuse a format that cannot hold samples; see `SignalKind.check`."""
        audio_write.check(info, channels, suffix, name)

    def losses(self, info: SignalInfo, domain: Domain, channels: int, suffix: str) -> tuple[str, ...]:
        """Return what a file does not keep: where channels belong, in most formats; see `SignalKind.losses`."""
        return audio_write.notes(info, channels, suffix)

    def default_suffix(self, info: SignalInfo) -> str:
        """Return the suffix that decoded samples take when the user names none."""
        return audio_write.default_suffix(info)

    def picture(self, samples: Bands) -> NDArray[np.uint8]:
        """Return the spectrogram of a sound, [256, up to 1000, 3]."""
        return spectrogram(samples)

    def describe(self, signal: Signal) -> str:
        """Return length, rate, channels and type of a sound, for example "6.99 s 44100 Hz mono float32"."""
        domain, channels = signal.domain, signal.channels
        called = {1: "mono", 2: "stereo"}.get(channels, f"{channels} channels")
        seconds = domain.shape[0] * domain.spacing[0]
        shown = f"{seconds:.2f}" if seconds >= 0.1 else f"{seconds:.3g}"
        return f"{shown} s {domain.per_unit:.9g} Hz {called} {signal.info.dtype}"


def _spacing(config: ReadConfig, name: str) -> float:
    """Return the seconds per sample that are asked for."""
    if config.spacing is None or len(config.spacing) != 1:
        raise InputError(
            f"{name}: a sound has one axis, --spacing gives {len(config.spacing or ())} numbers",
            hint="give the seconds per sample, for example --spacing 0.0000625 for 16000 Hz",
        )
    return config.spacing[0]


def _native(values: NDArray[Any], name: str) -> tuple[NDArray[Any], str]:
    """Return samples as int16, int32 or float32 in native byte order, and the encoding that holds them."""
    dtype = values.dtype
    if dtype.kind == "f":
        with np.errstate(
            over="ignore"
        ):  # what does not fit becomes infinite, which is refused with its place
            return values.astype(np.float32, copy=False), "FLOAT"
    if dtype.name == "uint8":
        return values.astype(np.int16) - np.int16(128), "PCM_U8"
    encodings = {"int8": "PCM_S8", "int16": "PCM_16", "int32": "PCM_32"}
    if dtype.name not in encodings:
        raise InputError(
            f"{name}: samples of type {dtype} are not a sound",
            hint="allowed are uint8, int8, int16, int32 and floats with full scale 1",
        )
    return values.astype("int32" if dtype.name == "int32" else "int16", copy=False), encodings[dtype.name]


def _npy(source: Path | bytes, name: str) -> NDArray[Any]:
    """Return the array in a `.npy` file; that of a path is mapped.

    Raises:
        InputError: it is damaged or cut off, or holds no numbers.
    """
    try:
        if isinstance(source, Path):
            return np.load(source, mmap_mode="r", allow_pickle=False)
        return np.load(BytesIO(source), allow_pickle=False)
    except (ValueError, OSError, EOFError, SyntaxError) as error:
        raise InputError(f"{name}: cannot be read as .npy ({' '.join(str(error).split())})") from error
