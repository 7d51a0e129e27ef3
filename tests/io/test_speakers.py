"""Where the channels of a sound belong: read of every format that says it, and written to those that can."""

from __future__ import annotations

import io as memory
import struct
import subprocess
from pathlib import Path

import numpy as np
import pytest
import soundfile
from numpy.typing import NDArray

from inrfit import io
from inrfit.io import audio_wav, kind_of, speakers
from inrfit.io.config import ReadConfig
from inrfit.io.ffmpeg import executable
from inrfit.signal import Bands, Signal

MASKS = {
    "2.1": 0xB,
    "3.0": 0x7,
    "3.0(back)": 0x103,
    "quad": 0x33,
    "4.0": 0x107,
    "quad(side)": 0x603,
    "5.1": 0x3F,
    "5.1(side)": 0x60F,
    "6.1": 0x70F,
    "7.1": 0x63F,
    "7.1(wide)": 0xFF,
}


def tones(channels: int) -> NDArray[np.int16]:
    """A tone of its own on every channel, none of them too high for a subwoofer."""
    time = np.arange(9600) / 48000
    waves = [np.sin(2 * np.pi * (40 + 10 * channel) * time) for channel in range(channels)]
    return (np.stack(waves, axis=1) * 9000).astype(np.int16)


def wav(mask: int, channels: int) -> bytes:
    """A file with a header that names places."""
    values = tones(channels)
    layout = struct.pack(
        "<HHIIHHHHI", 0xFFFE, channels, 48000, 96000 * channels, 2 * channels, 16, 22, 16, mask
    )
    layout += bytes.fromhex("0100000000001000800000aa00389b71")
    body = b"WAVEfmt " + struct.pack("<I", len(layout)) + layout
    body += b"data" + struct.pack("<I", values.nbytes) + values.tobytes()
    return b"RIFF" + struct.pack("<I", len(body)) + body


def written(signal: Signal, suffix: str) -> bytes:
    samples = Bands.of(signal.dense(), signal.domain, signal.info)
    return b"".join(io.encode(samples, suffix, name=f"x{suffix}"))


def order(values: NDArray[np.generic], channels: int) -> list[int]:
    """Which tone each channel has."""
    count = min(len(values), 9600)
    found = np.corrcoef(tones(channels)[:count].T, np.asarray(values)[:count].T)[channels:, :channels]
    return found.argmax(axis=1).tolist()


def mask_in(data: bytes, path: Path) -> int | None:
    path.write_bytes(data)
    found = audio_wav.look(path)
    return None if found is None else found.speakers


@pytest.mark.parametrize("mask", [*MASKS.values(), 0x0, 0x1, 0x80000007, 0x3FFFF])
def test_a_mask_of_wav_is_kept_to_the_bit(mask: int, tmp_path: Path) -> None:
    channels = max(3, mask.bit_count()) if mask < 1 << 31 else 4
    signal = io.read(wav(mask, channels), name="x.wav")
    assert speakers.known(signal.info.tags) == mask
    assert mask_in(written(signal, ".wav"), tmp_path / "x.wav") == mask


@pytest.mark.parametrize(("mask", "channels"), [(0x3, 2), (0x4, 1)])
def test_mono_and_stereo_go_without_saying(mask: int, channels: int) -> None:
    assert speakers.TAG not in io.read(wav(mask, channels), name="x.wav").info.tags


def test_stereo_that_is_not_in_front_is_kept(tmp_path: Path) -> None:
    signal = io.read(wav(0x600, 2), name="x.wav")
    assert mask_in(written(signal, ".wav"), tmp_path / "x.wav") == 0x600


@pytest.mark.parametrize("name", MASKS)
def test_flac_keeps_every_place(name: str, tmp_path: Path) -> None:
    mask = MASKS[name]
    signal = io.read(wav(mask, mask.bit_count()), name="x.wav")
    data = written(signal, ".flac")
    assert np.array_equal(soundfile.read(memory.BytesIO(data), dtype="int16")[0], signal.dense())
    again = io.read(data, name="x.flac")
    assert speakers.known(again.info.tags) == mask
    assert np.array_equal(again.dense(), signal.dense())
    assert mask_in(written(again, ".wav"), tmp_path / "x.wav") == mask
    assert kind_of("audio").losses(signal.info, signal.domain, signal.channels, ".flac") == ()


@pytest.mark.parametrize("suffix", [".ogg", ".m4a", ".opus"])
@pytest.mark.parametrize("name", ["3.0", "quad", "5.1", "7.1", "5.1(side)", "2.1"])
def test_lossy_formats_keep_what_they_can_and_their_channels_in_order(suffix: str, name: str) -> None:
    mask = MASKS[name]
    channels = mask.bit_count()
    signal = io.read(wav(mask, channels), name="x.wav")
    again = io.read(written(signal, suffix), name=f"x{suffix}")
    lost = kind_of("audio").losses(signal.info, signal.domain, channels, suffix)
    assert bool(lost) == (speakers.known(again.info.tags) != mask)
    assert bool(lost) == (name == "5.1(side)" or (name == "2.1" and suffix != ".m4a"))
    assert suffix == ".opus" or order(again.dense(), channels) == list(
        range(channels)
    )  # Opus has no tones below


@pytest.mark.parametrize(
    ("name", "suffix"),
    [
        *((name, suffix) for name in ("3.0", "5.1", "7.1") for suffix in ("ogg", "flac", "m4a", "w64")),
        ("3.0", "caf"),
    ],
)
def test_files_of_others_are_read_with_their_places_and_in_order(
    name: str, suffix: str, tmp_path: Path
) -> None:
    """Vorbis has the centre second, and libsndfile leaves it there."""
    mask, path = MASKS[name], tmp_path / f"x.{suffix}"
    channels = mask.bit_count()
    words = [
        executable(),
        "-loglevel",
        "error",
        "-f",
        "s16le",
        "-ar",
        "48000",
        "-channel_layout",
        name,
        "-i",
        "-",
    ]
    codec = {"ogg": ["-c:a", "libvorbis"]}.get(suffix, [])
    subprocess.run([*words, *codec, path], input=tones(channels).tobytes(), check=True)
    signal = io.read(path)
    assert speakers.known(signal.info.tags) == mask
    assert order(signal.dense(), channels) == list(range(channels))


def test_channels_without_places_get_none(tmp_path: Path) -> None:
    signal = io.read(tones(6), ReadConfig(kind="audio", spacing=(1 / 48000,)))
    assert speakers.known(signal.info.tags) is None
    assert mask_in(written(signal, ".wav"), tmp_path / "x.wav") == 0
    assert order(io.read(written(signal, ".ogg"), name="x.ogg").dense(), 6) == list(range(6))
    plain = memory.BytesIO()
    soundfile.write(plain, tones(6), 48000, format="WAV")
    again = io.read(plain.getvalue(), name="x.wav")
    assert speakers.TAG not in again.info.tags
    assert mask_in(written(again, ".wav"), tmp_path / "y.wav") is None


def test_a_format_without_places_is_told() -> None:
    signal = io.read(wav(0x60F, 6), name="x.wav")
    info, domain = signal.info, signal.domain
    (note,) = kind_of("audio").losses(info, domain, 6, ".aiff")
    assert note == "AIFF does not keep where its channels belong, to the speakers FL+FR+FC+LFE+SL+SR"
    assert kind_of("audio").losses(info, domain, 6, ".wav") == ()


@pytest.mark.parametrize(
    ("text", "channels", "number"),
    [
        ("5.1(side)", 6, 0x60F),
        ("3 channels (FL+FR+BC)", 3, 0x103),
        ("3 channels (FL+BC+FR)", 3, None),
        ("3 channels (FL+FR+UNK)", 3, None),
        ("3 channels", 3, None),
        ("ambisonic 1", 4, None),
        ("5.1", 5, None),
    ],
)
def test_words_of_ffmpeg(text: str, channels: int, number: int | None) -> None:
    assert speakers.by_words(text, channels) == number


@pytest.mark.parametrize("text", ["", "x", "-0x7", "0x" + "f" * 30])
def test_tags_of_strangers_are_no_places(text: str) -> None:
    assert speakers.known({speakers.TAG: text}) is None
