"""Sounds as signals: what is read, what is written, and that nothing is lost between."""

from __future__ import annotations

import io as memory
import subprocess
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile
from numpy.typing import NDArray

import inrfit
from inrfit import api, io
from inrfit.errors import InputError, OutputError
from inrfit.io import audio_read
from inrfit.io.audio import AudioIO
from inrfit.io.audio_formats import WRITTEN
from inrfit.io.config import ReadConfig
from inrfit.io.ffmpeg import executable
from inrfit.io.spool import IN_MEMORY
from inrfit.signal import Bands, Signal, SignalInfo

Noise = Callable[..., NDArray[np.generic]]

ENCODINGS = [
    *(
        ("WAV", "wav", name)
        for name in ("PCM_U8", "PCM_16", "PCM_24", "PCM_32", "FLOAT", "DOUBLE", "ALAW", "ULAW")
    ),
    *(("WAVEX", "wav", name) for name in ("PCM_16", "PCM_24")),
    *(("RF64", "wav", name) for name in ("PCM_16", "FLOAT")),
    *(("FLAC", "flac", name) for name in ("PCM_S8", "PCM_16", "PCM_24")),
    *(("AIFF", "aiff", name) for name in ("PCM_S8", "PCM_U8", "PCM_16", "PCM_24", "PCM_32", "FLOAT", "ULAW")),
    *(("AU", "au", name) for name in ("PCM_S8", "PCM_16", "PCM_24", "PCM_32", "FLOAT", "DOUBLE", "ALAW")),
    *(("CAF", "caf", name) for name in ("PCM_S8", "PCM_16", "PCM_24", "FLOAT", "ALAC_16", "ALAC_24")),
]
DTYPES = {"PCM_24": "int32", "PCM_32": "int32", "ALAC_24": "int32", "FLOAT": "float32", "DOUBLE": "float32"}


def wav(
    values: NDArray[np.generic], rate: int = 8000, form: str = "WAV", encoding: str | None = None, **tags: str
) -> bytes:
    """Return the bytes of a sound as libsndfile writes it."""
    file = memory.BytesIO()
    channels = 1 if values.ndim == 1 else values.shape[1]
    with soundfile.SoundFile(file, "w", rate, channels, encoding, format=form) as sound:
        for name, text in tags.items():
            setattr(sound, name, text)
        sound.write(values)
    return file.getvalue()


def written(signal: Signal, suffix: str) -> bytes:
    """Return the bytes of a file with the samples of a signal."""
    samples = Bands.of(signal.dense(), signal.domain, signal.info)
    return b"".join(io.encode(samples, suffix, name=f"x{suffix}"))


def read(data: bytes, name: str = "x.wav") -> Signal:
    return io.read(data, name=name)


def array(values: NDArray[np.generic], rate: float = 8000) -> Signal:
    return io.read(values, ReadConfig(kind="audio", spacing=(1 / rate,)))


@pytest.fixture
def noise() -> Noise:
    """Return a function that makes repeatable samples [time, channel] over the whole range of a type."""

    def make(samples: int = 500, channels: int = 2, dtype: str = "int32") -> NDArray[np.generic]:
        rng = np.random.default_rng([samples, channels])
        if dtype == "float32":
            return rng.uniform(-1.5, 1.5, (samples, channels)).astype(np.float32)
        limits = np.iinfo(dtype)
        values = rng.integers(limits.min, limits.max, (samples, channels), dtype, endpoint=True)
        values[:2] = [[limits.min], [limits.max]]
        return values

    return make


@pytest.mark.parametrize(("form", "suffix", "encoding"), ENCODINGS)
def test_every_encoding_comes_back_to_the_bit(form: str, suffix: str, encoding: str, noise: Noise) -> None:
    dtype = DTYPES.get(encoding, "int16")
    source = wav(noise(dtype="float32" if dtype == "float32" else "int32"), 11111, form, encoding)
    with soundfile.SoundFile(memory.BytesIO(source)) as sound:
        reference = sound.read(dtype="float64", always_2d=True)
    signal = read(source, f"x.{suffix}")
    assert signal.info.dtype == dtype
    assert round(signal.domain.per_unit) == 11111
    full = np.abs(reference).max() / signal.info.value_range[1]
    assert np.array_equal(np.asarray(signal.dense()) * full, reference)
    again = written(signal, io.decode_suffix(signal.info))
    with soundfile.SoundFile(memory.BytesIO(again)) as sound:
        assert (sound.format, sound.subtype, sound.samplerate, sound.channels) == (form, encoding, 11111, 2)
        assert np.array_equal(sound.read(dtype="float64", always_2d=True), reference)
    assert read(again, f"x.{suffix}").domain == signal.domain


def test_domain_and_info_of_a_sound(noise: Noise) -> None:
    values = noise(300, 2, "int16") // 2
    signal = read(wav(values, 44100, title="A song", artist="Somebody", comment="né"))
    assert (signal.domain.shape, signal.domain.axes, signal.domain.units) == ((300,), ("t",), ("s",))
    assert signal.domain.per_unit == pytest.approx(44100, abs=1e-6)
    assert np.array_equal(signal.dense(), values)
    assert signal.info.colour == "waveform"
    assert signal.info.value_range == (-16384.0, 16384.0)
    assert dict(signal.info.tags) == {
        "title": "A song",
        "artist": "Somebody",
        "comment": "né",
        "encoding": "PCM_16",
        "format": "WAV",
    }
    assert len(signal.info.sha256) == 64
    assert AudioIO().describe(signal) == "0.0068 s 44100 Hz stereo int16"
    assert np.abs(signal.sample(np.arange(300)[:, None])).max() == 1


@pytest.mark.parametrize("suffix", [".wav", ".flac", ".aiff", ".ogg", ".opus", ".mp3", ".caf", ".m4a"])
def test_tags_are_written_back(suffix: str, noise: Noise) -> None:
    signal = read(wav(noise(2000, 1, "int16"), 48000, title="Ä song; = 1", artist="Somebody"))
    tags = read(written(signal, suffix), f"x{suffix}").info.tags
    assert (tags["title"], tags["artist"]) == ("Ä song; = 1", "Somebody")


def test_a_tag_cannot_reach_into_the_library(noise: Noise) -> None:
    signal = array(noise(10, 1, "int16"))
    info = replace(signal.info, tags={**signal.info.tags, "_file": "x", "samplerate": "1", "close": "x"})
    samples = Bands.of(signal.dense(), signal.domain, info)
    data = b"".join(io.encode(samples, ".wav", name="x.wav"))
    assert np.array_equal(read(data).dense(), signal.dense())


@pytest.mark.parametrize("suffix", [".ogg", ".mp3", ".m4a", ".opus"])
def test_lossy_formats_keep_rate_length_and_order_of_channels(suffix: str) -> None:
    time = np.arange(24000)[:, None] / 48000
    values = (0.5 * np.sin(2 * np.pi * (np.float64([300, 500]) + 900 * time) * time)).astype(np.float32)
    made = read(written(array(values, 48000), suffix), f"x{suffix}")
    assert (made.domain.shape, round(made.domain.per_unit), made.info.dtype) == ((24000,), 48000, "float32")
    kept = np.corrcoef(values.T, np.asarray(made.dense()).T)[:2, 2:]
    assert kept.argmax(axis=1).tolist() == [0, 1]
    assert kept.diagonal().min() > 0.99


@pytest.mark.parametrize("channels", [3, 6, 8])
@pytest.mark.parametrize("suffix", [".flac", ".ogg", ".m4a"])
def test_many_channels_keep_their_order(suffix: str, channels: int) -> None:
    time = np.arange(4000) / 8000
    values = np.stack([np.sin(2 * np.pi * (40 + 10 * c) * time) for c in range(channels)], axis=1)
    made = read(written(array((values * 16000).astype(np.int16)), suffix), f"x{suffix}")
    found = np.corrcoef(values.T, np.asarray(made.dense()).T)[:channels, channels:]
    assert found.argmax(axis=1).tolist() == list(range(channels))


@pytest.mark.parametrize("codec", ["aac", "alac", "wmav2"])
def test_what_libsndfile_does_not_know_goes_through_ffmpeg(codec: str, noise: Noise, tmp_path: Path) -> None:
    source, target = tmp_path / "in.wav", tmp_path / ("x.wma" if codec == "wmav2" else "x.m4a")
    values = noise(3000, 2, "int16")
    source.write_bytes(wav(values, 22050))
    words = [
        executable(),
        "-loglevel",
        "error",
        "-i",
        str(source),
        "-c:a",
        codec,
        str(target),
    ]
    subprocess.run(words, check=True)
    signal = io.read(target)
    assert (round(signal.domain.per_unit), signal.channels) == (22050, 2)
    if codec == "alac":
        assert np.array_equal(signal.dense(), values)
        assert signal.info.tags["encoding"] == "PCM_16"
    else:
        assert signal.info.dtype == "float32"
        assert signal.domain.shape[0] >= 2048  # the last frame of WMA is lost in ffmpeg
    assert np.array_equal(io.read(target.read_bytes(), name=target.name).dense(), signal.dense())


def test_a_playlist_opens_no_other_file(noise: Noise, tmp_path: Path) -> None:
    (tmp_path / "secret.wav").write_bytes(wav(noise()))
    playlist = tmp_path / "x.aac"
    playlist.write_text("ffconcat version 1.0\nfile secret.wav\n")
    with pytest.raises(InputError, match=r"x\.aac: cannot be read as a sound"):
        io.read(playlist)
    playlist.write_text(
        f"#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\n{tmp_path}/secret.wav\n#EXT-X-ENDLIST\n"
    )
    with pytest.raises(InputError, match=r"x\.aac: cannot be read as a sound"):
        io.read(playlist)


def test_long_sounds_do_not_lie_in_memory() -> None:
    values = np.tile(np.arange(-1000, 1000, dtype=np.int16), IN_MEMORY // 4000 + 1)[:, None]
    signal = read(wav(values, 44100))
    assert isinstance(signal.dense(), np.memmap)
    assert np.array_equal(signal.dense(((4000, 6000),)), values[4000:6000])


def test_integers_survive_the_mapping_to_unit(noise: Noise) -> None:
    for encoding in ("PCM_U8", "PCM_16", "PCM_24"):
        signal = read(wav(noise(), encoding=encoding))
        values = np.asarray(signal.dense())
        assert np.array_equal(signal.info.from_unit(signal.info.to_unit(values)), values)


def test_full_scale_does_not_wrap_around(noise: Noise) -> None:
    """The range of a sound with the lowest sample is symmetric, so its high end is one more than a sample can be."""
    for encoding, high in (("PCM_16", 32767), ("PCM_32", 2147483647)):
        info = read(wav(noise(), encoding=encoding)).info
        assert info.value_range[1] == high + 1
        assert info.from_unit(np.float32([1, 2])).tolist() == [high, high]
    signal = read(wav(noise(), encoding="PCM_24"))
    loud = Bands.of(np.full((4, 1), 1 << 24, np.int32), signal.domain, signal.info)
    made = read(b"".join(io.encode(loud, ".wav", name="x.wav")))
    assert set(np.asarray(made.dense()).ravel().tolist()) == {(1 << 23) - 1}


def test_floats_beyond_full_scale_are_kept() -> None:
    values = np.float32([[2.5], [-0.25], [0]])
    signal = read(wav(values, encoding="FLOAT"))
    assert np.array_equal(signal.dense(), values)
    assert signal.info.value_range == (-2.5, 2.5)
    assert np.array_equal(read(written(signal, ".wav")).dense(), values)


def test_equal_samples_make_equal_files(noise: Noise) -> None:
    """A chunk that libsndfile adds to floats would hold the time."""
    signal = array(noise(100, 1, "float32"))
    assert b"PEAK" not in written(signal, ".wav")


@pytest.mark.parametrize("dtype", ["int16", "float32"])
def test_silence_and_one_sample(dtype: str) -> None:
    silent = array(np.zeros((40, 1), dtype))
    full = {"int16": 32768.0, "float32": 1.0}[dtype]
    assert silent.info.value_range == (-full, full)
    one = read(wav(np.ones((1, 3), dtype)))
    assert one.domain.shape == (1,)
    assert AudioIO().picture(Bands.of(one.dense(), one.domain, one.info)).shape == (256, 1, 3)


def test_samples_that_are_not_finite_have_no_target() -> None:
    values = np.full((70000, 2), 0.5, np.float32)
    values[66000, 1] = np.inf
    values[0, 0] = -0.5
    sound = read(wav(values, encoding="FLOAT"))
    assert sound.known is not None
    assert np.flatnonzero(~sound.known).tolist() == [66000]
    assert sound.info.value_range == (-0.5, 0.5)
    assert sound.info.notes == ("1 of 70,000 samples are NaN or infinite and are left out",)
    assert np.isfinite(sound.dense()).all()


def test_a_constant_offset_is_taken_out() -> None:
    """A sound that swings by 0.01 about 0.5 is fitted as one that swings about 0."""
    tone = 0.01 * np.sin(np.arange(4000) / 20)
    there = array(np.float32(tone + 0.5)[:, None])
    low, high = there.info.value_range
    assert (low, high) == pytest.approx((0.49, 0.51), abs=1e-5)
    unit = there.sample(np.arange(4000)[:, None])
    assert np.abs(unit[:, 0] - 100 * tone).max() < 1e-3
    assert there.info.peak_range[1] - there.info.peak_range[0] == pytest.approx(0.01, abs=1e-5)
    assert "offset" in there.info.notes[0]
    field = inrfit.fit(there, steps=2, hidden_features=4, device="cpu", threads=1)
    field = inrfit.load(api.to_bytes(field))
    assert field.info.value_range == (low, high)
    assert array(np.float32(tone)[:, None]).info.notes == ()
    assert array(np.full((9, 1), 0.5, np.float32)).info.value_range == (-0.5, 0.5)


def test_no_samples_too_many_channels_and_no_sound() -> None:
    with pytest.raises(InputError, match=r"x\.wav: holds no samples"):
        read(wav(np.zeros((0, 1), np.int16)))
    with pytest.raises(InputError, match="has 65 channels, 1 to 64 are allowed"):
        read(wav(np.zeros((4, 65), np.int16)))
    with pytest.raises(InputError, match=r"x\.wav: cannot be read as a sound"):
        read(b"hello\n")


def test_cut_off_files_are_read_as_far_as_they_go(noise: Noise) -> None:
    values = noise(1000, 1, "int16")
    signal = read(wav(values)[:-1000])
    assert np.array_equal(signal.dense(), values[:500])
    assert signal.info.notes == ("it is cut off: 2000 bytes announced, 1000 there",)
    for form, encoding in (("AIFF", "PCM_24"), ("AU", "FLOAT"), ("RF64", "PCM_32"), ("W64", "PCM_16")):
        signal = read(wav(values, form=form, encoding=encoding)[:-400])
        assert 800 <= signal.domain.shape[0] < 1000
        assert "it is cut off" in signal.info.notes[0]
    long = noise(40000, 1, "int16")
    signal = read(wav(long, form="FLAC")[:-9000], "x.flac")
    there = signal.domain.shape[0]
    assert 30000 < there < 40000
    assert np.array_equal(signal.dense(), long[:there])
    assert len(signal.info.notes) == 1


def test_the_content_decides_not_the_name(noise: Noise) -> None:
    data = wav(noise(100, 1, "int16"), form="FLAC")
    signal = read(data, "x.wav")
    assert signal.info.suffix == ".flac"
    assert signal.info.notes == ("the file is named .wav but holds FLAC",)
    assert io.read(data).info.kind == "audio"


@pytest.mark.parametrize("form", ["WAV", "FLAC", "OGG", "AIFF", "AU", "CAF", "W64", "MP3"])
def test_sounds_are_told_by_their_first_bytes(form: str, noise: Noise) -> None:
    assert io.read(wav(noise(2000, 1, "int16") // 2, form=form)).info.kind == "audio"


def test_arrays() -> None:
    assert io.read(np.zeros(5, np.int16), ReadConfig(kind="audio")).domain.per_unit == pytest.approx(44100)
    signal = array(np.uint8([[0, 128], [255, 129]]), 16000)
    assert signal.dense().tolist() == [[-128, 0], [127, 1]]
    assert round(signal.domain.per_unit) == 16000
    with soundfile.SoundFile(memory.BytesIO(written(signal, ".wav"))) as sound:
        assert sound.subtype == "PCM_U8"
    assert np.array_equal(read(written(signal, ".wav")).dense(), signal.dense())
    assert array(np.float64([0.5, -2])).info.value_range == (-2, 2)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        (np.zeros((2, 3, 4), np.int16), r"shape \(2, 3, 4\) is not a sound"),
        (np.zeros((0, 1), np.int16), r"shape \(0, 1\) is not a sound"),
        (np.zeros((2, 100), np.int16), "has 100 channels, at most 64"),
        (np.zeros(4, np.int64), "samples of type int64"),
        (np.zeros(4, bool), "samples of type bool"),
        (np.float64([1e300]), r"all of its 1 samples are NaN or infinite"),
    ],
)
def test_arrays_that_are_no_sounds(values: NDArray[np.generic], message: str) -> None:
    with pytest.raises(InputError, match=message):
        array(values)


def test_npy_files_come_back(noise: Noise, tmp_path: Path) -> None:
    for dtype, channels in (("int16", 1), ("int32", 3), ("float32", 2)):
        signal = array(noise(50, channels, dtype), 16000)
        path = tmp_path / f"{dtype}.npy"
        path.write_bytes(written(signal, ".npy"))
        assert np.load(path).shape == (50, channels)
        again = io.read(path, ReadConfig(kind="audio", spacing=(1 / 16000,)))
        assert np.array_equal(again.dense(), signal.dense())
        assert again.domain == signal.domain
    with pytest.raises(InputError, match=r"cannot be read as \.npy"):
        io.read(path.read_bytes()[:-9], ReadConfig(kind="audio"))


def test_a_file_must_have_the_rate_that_is_wanted(noise: Noise) -> None:
    data = wav(noise(10, 1, "int16"), 48000)
    known = io.read(data)
    wanted = AudioIO().reading(known.domain, known.info)
    assert io.read(data, wanted).domain == known.domain
    with pytest.raises(InputError, match="has 8000 samples per second, 48000 are wanted"):
        io.read(wav(noise(10, 1, "int16")), wanted)
    with pytest.raises(InputError, match="--spacing gives 2 numbers"):
        io.read(data, ReadConfig(kind="audio", spacing=(1, 2)))


@pytest.mark.parametrize(
    ("suffix", "dtype", "channels", "rate", "message"),
    [
        (".flac", "float32", 1, 8000, "FLAC cannot hold float samples"),
        (".flac", "int32", 1, 8000, "FLAC cannot hold 32-bit samples"),
        (".flac", "int16", 9, 8000, "FLAC holds at most 8 channels"),
        (".flac", "int16", 1, 700000, "FLAC has sample rates from 1 to 655350 Hz"),
        (".mp3", "int16", 3, 8000, "MP3 holds at most 2 channels"),
        (".mp3", "int16", 1, 11111, "MP3 has no sample rate of 11111 Hz"),
        (".opus", "int16", 1, 44100, "OPUS has no sample rate of 44100 Hz"),
        (".m4a", "int16", 1, 5000, "M4A has no sample rate of 5000 Hz"),
        (".wav", "int16", 1, 0.25, "WAV has sample rates from 1 to"),
        (".png", "int16", 1, 8000, ".png is not a format of sounds"),
        ("", "int16", 1, 8000, "no suffix is not a format of sounds"),
    ],
)
def test_formats_that_cannot_hold_a_sound(
    suffix: str, dtype: str, channels: int, rate: float, message: str
) -> None:
    values = np.ones((20, channels), dtype)
    signal = array(values, rate)
    with pytest.raises(OutputError, match=message) as caught:
        written(signal, suffix)
    assert caught.value.hint


def test_formats_are_refused_before_anything_is_decoded() -> None:
    kind, info = AudioIO(), SignalInfo(dtype="float32", colour="waveform")
    with pytest.raises(OutputError, match="float samples"):
        kind.check(info, 1, ".flac", "x.flac")
    kind.check(replace(info, colour=""), 1, ".flac", "x.flac")
    assert kind.default_suffix(replace(info, suffix=".flac")) == ".wav"
    assert kind.default_suffix(replace(info, suffix=".aiff")) == ".aiff"
    assert kind.default_suffix(replace(info, suffix=".wma")) == ".wav"
    assert all(suffix in io.output_suffixes() for suffix in WRITTEN)


def test_spectrograms_show_a_tone_at_its_height() -> None:
    kind = AudioIO()
    for samples in (1, 700, 5000, 1_100_000):
        tone = np.sin(2 * np.pi * 2000 * np.arange(samples) / 16000) * 30000
        signal = array(tone.astype(np.int16), 16000)
        picture = kind.picture(Bands.of(signal.dense(), signal.domain, signal.info))
        assert picture.dtype == np.uint8
        assert picture.shape[0] == 256
        assert picture.shape[1] == min(samples, 1000)
        if samples >= 5000:
            middle = picture[:, picture.shape[1] // 2].sum(axis=-1)
            assert middle.argmax() == pytest.approx(256 * (1 - 2000 / 8000), abs=2)
            assert picture[middle.argmax(), picture.shape[1] // 2].tolist() == pytest.approx(
                [252, 255, 164], abs=12
            )


def test_a_spectrogram_does_not_depend_on_the_bands(noise: Noise) -> None:
    signal = array(noise(70001, 2, "int16"))
    values, kind = np.asarray(signal.dense()), AudioIO()
    whole = kind.picture(Bands.of(values, signal.domain, signal.info))
    parts = [values[:3], values[3:40000], values[40000:69000], values[69000:]]
    parted = kind.picture(Bands(bands=parts, domain=signal.domain, channels=2, info=signal.info))
    assert np.array_equal(whole, parted)


def test_bands_of_any_size_make_the_same_file(noise: Noise) -> None:
    signal = array(noise(40000, 2, "int16"))
    values = np.asarray(signal.dense())
    parts = [values[:1], values[1:30000], values[30000:]]
    bands = Bands(bands=parts, domain=signal.domain, channels=2, info=signal.info)
    assert b"".join(io.encode(bands, ".flac", name="x")) == written(signal, ".flac")


def test_blocks_are_read_one_after_the_other(noise: Noise, monkeypatch: pytest.MonkeyPatch) -> None:
    values = noise(1000, 2, "int16")
    monkeypatch.setattr(audio_read, "BLOCK", 96)
    assert np.array_equal(read(wav(values)).dense(), values)


def test_ffmpeg_does_not_hear_a_ctrl_c(noise: Noise, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    apart = []
    popen = subprocess.Popen

    def started(*words: object, **options: object) -> object:
        apart.append(options.get("start_new_session"))
        return popen(*words, **options)  # type: ignore[call-overload]

    monkeypatch.setattr(subprocess, "Popen", started)
    (tmp_path / "x.m4a").write_bytes(written(array(noise(3000, 1, "int16")), ".m4a"))
    assert io.read(tmp_path / "x.m4a").domain.shape[0] >= 3000
    assert len(apart) >= 4  # written, looked at twice, read
    assert all(apart)
