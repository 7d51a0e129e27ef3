"""Clips: what is read of a file, what is written, and that both agree."""

from __future__ import annotations

import gc
import subprocess
import tempfile
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from make.clips import clip, ffmpeg

from inrfit import io
from inrfit.domain import Domain
from inrfit.errors import InputError, InrfitError, OutputError
from inrfit.io import kind_of, video_probe, video_write
from inrfit.io.config import ReadConfig
from inrfit.io.ffmpeg import Ffmpeg, executable, passthrough
from inrfit.io.video_rate import Times
from inrfit.signal import ArraySignal, Bands

LOSSLESS = ("-c:v", "ffv1", "-pix_fmt", "bgr0")
FORMATS = (".mp4", ".m4v", ".mov", ".mkv", ".webm", ".avi", ".gif")


def read(source: Path | bytes, *, name: str | None = None, **words) -> ArraySignal:
    return io.read(source, ReadConfig(**{"kind": "video", "sound": "none", **words}), name=name)


def bands(signal: ArraySignal, parts: int = 3) -> Bands:
    pieces = np.array_split(signal.values, parts)
    return Bands(bands=pieces, domain=signal.domain, channels=signal.channels, info=signal.info)


def written(samples: Bands, suffix: str) -> bytes:
    return b"".join(io.encode(samples, suffix, name=f"out{suffix}"))


def array_clip(*shape: int, dtype: str = "uint8", rate: float = 25) -> ArraySignal:
    values = np.random.default_rng(0).integers(0, np.iinfo(dtype).max, shape, dtype, endpoint=True)
    return io.read(values, ReadConfig(kind="video", spacing=(1 / rate,)))


def raw(path: Path, pixels: str, *shape: int, dtype: str = "u1") -> np.ndarray:
    """Return the frames as ffmpeg alone gives them."""
    words = [executable(), "-loglevel", "error", "-i", path, "-pix_fmt", pixels, "-f", "rawvideo", "-"]
    done = subprocess.run(words, check=True, capture_output=True)
    return np.frombuffer(done.stdout, dtype).reshape(shape)


def seconds_of_sound(data: bytes) -> float:
    words = [executable(), "-loglevel", "error", "-i", "-", "-ar", "8000", "-ac", "1", "-f", "s16le", "-"]
    done = subprocess.run(words, input=data, check=True, capture_output=True)
    return len(done.stdout) / 2 / 8000


def test_frames_rate_and_size_are_those_of_the_file(tmp_path):
    path = clip(tmp_path / "a.mkv", *LOSSLESS, "-metadata", "title=A title", rate="30000/1001")
    signal = read(path)
    assert np.array_equal(signal.values, raw(path, "rgb24", 12, 20, 32, 3))
    assert signal.domain.axes == ("t", "y", "x")
    assert signal.domain.units == ("s", "px", "px")
    assert signal.domain.spacing == (1001 / 30000, 1.0, 1.0)
    assert signal.info.dtype == "uint8"
    assert signal.info.colour == "rgb"
    assert signal.info.suffix == ".mkv"
    assert signal.info.notes == ()
    assert signal.info.tags["title"] == "A title"
    assert signal.info.tags["codec"] == "ffv1"
    assert len(signal.info.sha256) == 64
    assert kind_of("video").describe(signal) == "32×20×3 uint8, 12 frames at 29.97 fps, 0.4 s"


@pytest.mark.parametrize("suffix", FORMATS)
def test_every_format_is_read_from_a_path_and_from_bytes(tmp_path, suffix):
    path = clip(tmp_path / f"a{suffix}", size="33x21")
    signal = read(path)
    again = read(path.read_bytes(), name=path.name)
    assert signal.domain.shape == (12, 21, 33)
    assert signal.domain.per_unit == pytest.approx(25)
    assert np.array_equal(again.values, signal.values)
    assert again.info == signal.info


def test_the_kind_is_recognised_by_suffix_or_content(tmp_path):
    for suffix in (".mp4", ".mkv", ".avi", ".webm", ".mov"):
        path = clip(tmp_path / f"a{suffix}", frames=2)
        assert io.read(path).info.kind == "video"
        assert io.read(path.read_bytes()).info.kind == "video"


def test_grey_and_deep_sources_keep_their_samples(tmp_path):
    grey = read(clip(tmp_path / "g.mkv", "-c:v", "ffv1", "-pix_fmt", "gray"))
    assert (grey.channels, grey.info.dtype, grey.info.colour) == (1, "uint8", "grey")
    assert np.array_equal(grey.values, raw(tmp_path / "g.mkv", "gray", 12, 20, 32, 1))
    deep = read(clip(tmp_path / "d.mkv", "-c:v", "ffv1", "-pix_fmt", "gbrp10le"))
    assert (deep.channels, deep.info.dtype, deep.info.value_range) == (3, "uint16", (0.0, 65535.0))
    assert np.array_equal(deep.values, raw(tmp_path / "d.mkv", "rgb48le", 12, 20, 32, 3, dtype="<u2"))
    both = read(clip(tmp_path / "b.mkv", "-c:v", "ffv1", "-pix_fmt", "gray12le"))
    assert (both.channels, both.info.dtype) == (1, "uint16")


@pytest.mark.parametrize(
    ("pixels", "deep"),
    [
        ("yuv420p", False), ("yuv420p10le", True), ("p010le", True), ("gray16be", True), ("rgb565le", False),
        ("rgb555be", False), ("rgba64le", True), ("x2rgb10le", True), ("gbrpf32le", True), ("nv12", False),
        ("yuvj444p", False), ("y210le", True), ("pal8", False), ("ya16le", True), ("yuv422p12be", True),
    ],
)  # fmt: skip
def test_depth_goes_by_the_pixel_format(pixels, deep):
    stream = video_probe.Pictures(
        index=0, codec="", pixels=pixels, width=1, height=1, aspect="1:1", default=True
    )
    assert stream.deep is deep


def test_a_clip_beyond_the_limit_lies_in_a_file(tmp_path):
    path = clip(tmp_path / "a.mkv", *LOSSLESS, size="320x240", frames=80)
    signal = read(path)
    assert signal.values.nbytes > 16 << 20
    assert isinstance(signal.values, np.memmap)
    assert np.array_equal(signal.dense(((70, 72), (0, 240), (0, 320))), read(path).values[70:72])


def test_a_rotated_clip_is_upright(tmp_path):
    clip(tmp_path / "a.mp4", frames=3)
    ffmpeg("-display_rotation", "90", "-i", tmp_path / "a.mp4", "-c", "copy", tmp_path / "turned.mp4")
    turned, plain = read(tmp_path / "turned.mp4"), read(tmp_path / "a.mp4")
    assert turned.domain.shape == (3, 32, 20)
    near = np.rot90(plain.values, axes=(1, 2)).astype(int)
    assert np.abs(turned.values - near).mean() < np.abs(turned.values[:, ::-1, ::-1] - near).mean()


def test_frames_of_an_uneven_rate_are_neither_doubled_nor_dropped(tmp_path):
    path = clip(
        tmp_path / "a.mkv", passthrough()[0], "vfr", *LOSSLESS, filters="select='not(between(n,3,6))'"
    )
    signal = read(path)
    assert len(signal.values) == 8
    assert signal.domain.per_unit == pytest.approx(7 / (11 / 25), rel=0.01)
    assert "its frame rate varies (0.04 to 0.2 s" in signal.info.notes[0]


def test_an_animated_gif_is_a_clip_on_demand(tmp_path):
    path = clip(tmp_path / "a.gif", rate="20")
    still, moving = io.read(path), read(path)
    assert still.info.kind == "image"
    assert still.info.notes == ("the first of 12 frames was read; --kind video makes a clip of them all",)
    assert moving.domain.shape == (12, 20, 32)
    assert moving.domain.per_unit == pytest.approx(20)
    assert np.array_equal(moving.values[0], still.values[..., :3])


def test_delays_and_transparency_of_a_gif(tmp_path):
    from PIL import Image

    frames = []
    for number in range(3):
        image = Image.new("P", (8, 6), 0)
        image.putpalette([255, 0, 0, 0, 0, 255, 0, 255, 0])
        image.paste(2, (2 * number, 0, 2 * number + 2, 2))
        if number:
            image.info["transparency"] = 0
        frames.append(image)
    frames[0].save(
        tmp_path / "a.gif", save_all=True, append_images=frames[1:], duration=[100, 300, 200], disposal=1
    )
    signal = read(tmp_path / "a.gif")
    assert signal.values.shape == (3, 6, 8, 3)
    assert signal.domain.per_unit == pytest.approx(5)
    assert "its frame rate varies (0.1 to 0.3 s" in signal.info.notes[0]
    assert signal.values[2, 5, 7].tolist() == [255, 0, 0]  # what the first frame showed is seen through
    assert signal.values[2, 0].tolist() == [[0, 255, 0]] * 6 + [[255, 0, 0]] * 2


def test_one_frame_is_a_clip(tmp_path):
    signal = read(clip(tmp_path / "a.mp4", frames=1, rate="24"))
    assert signal.domain.shape == (1, 20, 32)
    assert signal.domain.per_unit == pytest.approx(24)
    assert kind_of("video").views(signal.domain) == [((0, 1), (0, 20), (0, 32))]
    assert "1 frame at 24 fps" in kind_of("video").describe(signal)


def test_a_stream_that_breaks_off_gives_the_frames_that_are_there(tmp_path):
    data = clip(tmp_path / "a.mkv", *LOSSLESS, "-g", "1", size="64x48").read_bytes()
    signal = read(data[: len(data) * 6 // 10], name="a.mkv")
    assert 3 <= len(signal.values) < 12
    assert np.array_equal(signal.values[:3], read(data).values[:3])
    assert f"{len(signal.values)} frames could be decoded" in signal.info.notes[0]


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"this is text and no clip at all\n" * 20, "cannot be read as a clip"),
        (b"\0\0\0\x20ftypisom" + bytes(500), "cannot be read as a clip"),
        (b"#EXTM3U\n#EXTINF:10,\nfile:///etc/passwd\n", "cannot be read as a clip"),
        (b"ffconcat version 1.0\nfile /etc/passwd\n", "cannot be read as a clip"),
        (b"\x93NUMPY\x01\x00", "cannot be read as NPY"),
    ],
)
def test_what_is_no_clip_is_refused_by_name(data, words):
    with pytest.raises(InputError, match=words) as caught:
        read(data, name="wrong.mp4")
    assert caught.value.message.startswith("wrong.mp4: ")
    assert "\n" not in caught.value.message


def test_sound_alone_and_no_frames_are_refused(tmp_path):
    ffmpeg("-f", "lavfi", "-i", "sine=duration=0.2", tmp_path / "a.mp4")
    with pytest.raises(InputError, match="holds sound but no moving pictures"):
        read(tmp_path / "a.mp4")
    data = clip(tmp_path / "b.mp4", "-movflags", "+faststart").read_bytes()
    with pytest.raises(InputError, match="no frame that can be decoded"):
        read(data[: data.index(b"mdat") + 4], name="b.mp4")


def test_a_missing_file_and_a_missing_ffmpeg_are_told(tmp_path, monkeypatch):
    with pytest.raises(InputError, match="nothing\\.mp4"):
        read(tmp_path / "nothing.mp4")
    path = clip(tmp_path / "a.mp4", frames=1)
    monkeypatch.setenv("IMAGEIO_FFMPEG_EXE", str(tmp_path / "nowhere"))
    with pytest.raises(InrfitError, match="ffmpeg, which was not found"):
        read(path)


@pytest.mark.parametrize("how", ["copy", "fit", "none"])
def test_the_sound_track_is_kept_as_asked(tmp_path, how):
    signal = read(clip(tmp_path / "a.mp4", sound=True), sound=how)
    if how == "none":
        assert signal.info.sound is None
        assert "sound" not in signal.info.tags
    else:
        assert signal.info.tags["sound"] == how
        assert seconds_of_sound(signal.info.sound) == pytest.approx(0.48, abs=0.1)


def test_sound_before_the_first_frame_is_left_out(tmp_path):
    heard = clip(tmp_path / "a.mkv", *LOSSLESS, "-c:a", "pcm_s16le", sound=True)
    late = tmp_path / "late.mkv"
    ffmpeg("-itsoffset", "0.2", "-i", heard, "-i", heard, "-map", "0:v", "-map", "1:a", "-c", "copy", late)
    sound = read(late, sound="copy").info.sound
    assert seconds_of_sound(sound) == pytest.approx(0.28, abs=0.08)


def test_sound_that_begins_after_the_first_frame_has_silence_before_it(tmp_path):
    silent = clip(tmp_path / "a.mkv", *LOSSLESS)
    tone = "sine=frequency=440:sample_rate=16000:duration=0.25"
    given = ("-i", silent, "-itsoffset", "0.2", "-f", "lavfi", "-i", tone, "-map", "0:v", "-map", "1:a")
    for codec in ("flac", "pcm_s16le", "aac"):
        ffmpeg(*given, "-c:v", "copy", "-c:a", codec, tmp_path / "b.mkv")
        sound = read(tmp_path / "b.mkv", sound="copy").info.sound
        heard = io.read(sound, ReadConfig(kind="audio"))
        level = np.abs(heard.dense()[:, 0].astype(np.float64)) / heard.info.value_range[1]
        begin = np.argmax(level > 0.5) / 16000
        assert begin == pytest.approx(0.2, abs=0.005), codec


def test_a_clip_without_sound_has_none(tmp_path):
    assert read(clip(tmp_path / "a.mp4"), sound="copy").info.sound is None


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("dtype", ["uint8", "uint16"])
@pytest.mark.parametrize("size", [(5, 7), (8, 6), (1, 1)])
def test_matroska_gives_back_every_bit(channels, dtype, size):
    signal = array_clip(4, *size, channels, dtype=dtype, rate=12.5)
    again = read(written(bands(signal), ".mkv"), name="a.mkv")
    assert np.array_equal(again.values, signal.values)
    assert again.domain == signal.domain
    assert again.info.dtype == dtype


@pytest.mark.parametrize("suffix", [*FORMATS, ".npy"])
@pytest.mark.parametrize("size", ["32x20", "33x21"])
def test_every_format_is_written(tmp_path, suffix, size):
    smooth = clip(tmp_path / "a.mkv", *LOSSLESS, size=size, filters="hue=s=0,gblur=sigma=2,format=rgb24")
    signal = read(smooth)
    again = read(written(bands(signal), suffix), name=f"a{suffix}")
    assert again.domain == signal.domain
    assert again.info.suffix == suffix
    error = np.square(again.values.astype(float) - signal.values).mean()
    assert 10 * np.log10(255**2 / max(error, 1e-9)) > 30


@pytest.mark.parametrize("suffix", FORMATS)
@pytest.mark.parametrize("shape", [(1, 1, 1, 3), (2, 3, 2, 1)])
def test_the_least_clips_are_written(suffix, shape):
    signal = array_clip(*shape)
    again = read(written(bands(signal, 1), suffix), name=f"a{suffix}")
    assert again.values.shape[:3] == shape[:3]


def test_deep_clips_keep_more_than_8_bit_in_mp4_and_webm(tmp_path):
    ramp = np.linspace(20000, 21000, 64).astype(np.uint16)
    values = np.broadcast_to(ramp[None, None, :, None], (3, 8, 64, 3)).copy()
    signal = io.read(values, ReadConfig(kind="video"))
    for suffix in (".mp4", ".webm"):
        again = read(written(bands(signal), suffix), name=f"a{suffix}")
        assert again.info.dtype == "uint16"
        assert np.abs(again.values.astype(int) - values).mean() < 100


@pytest.mark.parametrize(
    ("rate", "stored"),
    [
        (29.97002997, "30000/1001"),
        (24, "24"),
        (12.5, "25/2"),
        (50.0000001, "50"),
        (1 / 3600, "1/3600"),
        (0.3, "3/10"),
        (1 / 59.94, "50/2997"),
        (2000, "2000"),
        (1e-6, "1/1000000"),
    ],
)
def test_rates_are_stored_as_ratios(rate, stored):
    domain = Domain(
        shape=(1, 1, 1),
        axes=("t", "y", "x"),
        units=("s", "px", "px"),
        spacing=(1 / rate, 1.0, 1.0),
        origin=(0, 0, 0),
    )
    assert video_write.frame_rate(domain) == Fraction(stored)


@pytest.mark.parametrize("suffix", [".mp4", ".mov", ".mkv", ".webm", ".avi"])
def test_sound_and_tags_are_written(tmp_path, suffix):
    path = clip(tmp_path / "a.mp4", "-metadata", "title=A = b: c", sound=True)
    signal = read(path, sound="copy")
    data = written(bands(signal), suffix)
    again = read(data, name=f"a{suffix}", sound="copy")
    assert len(again.values) == 12
    assert again.info.tags["title"] == "A = b: c"
    assert seconds_of_sound(again.info.sound) == pytest.approx(0.48, abs=0.1)


def test_a_part_of_a_clip_has_the_sound_of_its_time(tmp_path):
    signal = read(clip(tmp_path / "a.mkv", *LOSSLESS, "-c:a", "pcm_s16le", sound=True), sound="copy")
    domain = replace(signal.domain, shape=(5, 20, 32), offset=(0.2, 0.0, 0.0))
    part = Bands(bands=[signal.values[5:10]], domain=domain, channels=3, info=signal.info)
    again = read(written(part, ".mov"), name="a.mov", sound="copy")
    assert len(again.values) == 5
    assert seconds_of_sound(again.info.sound) == pytest.approx(0.2, abs=0.07)
    late = replace(domain, shape=(12, 20, 32), offset=(-0.2, 0.0, 0.0))
    before = Bands(bands=[signal.values], domain=late, channels=3, info=signal.info)
    assert len(read(written(before, ".mkv"), name="a.mkv").values) == 12


def test_a_track_that_is_a_field_is_not_taken_for_sound(tmp_path):
    signal = array_clip(2, 4, 4, 3)
    info = replace(signal.info, sound=b"\x89INR\r\n\x1a\n and more")
    data = written(bands(replace(signal, info=info)), ".mkv")
    assert read(data, name="a.mkv", sound="copy").info.sound is None


def test_pixels_that_are_not_square_stay_so(tmp_path):
    signal = read(clip(tmp_path / "a.mkv", *LOSSLESS, filters="setsar=2"))
    assert "its pixels are not square (2:1)" in signal.info.notes[0]
    again = read(written(bands(signal), ".mp4"), name="a.mp4")
    assert again.info.tags["pixel_aspect"] == "2:1"
    stretched = replace(signal, domain=replace(signal.domain, spacing=(0.04, 1.0, 0.5)))
    assert "pixel_aspect" not in read(written(bands(stretched), ".mp4"), name="a.mp4").info.tags


@pytest.mark.parametrize(
    ("suffix", "shape", "words"),
    [
        (".png", (2, 4, 4, 3), "not a format of clips"),
        (".mp4", (2, 4, 4, 4), "4 channels"),
        ("", (2, 4, 4, 3), "no suffix"),
    ],
)
def test_what_a_format_cannot_hold_is_refused(suffix, shape, words):
    signal = array_clip(*shape)
    with pytest.raises(OutputError, match=words):
        kind_of("video").check(signal.info, signal.channels, suffix, f"a{suffix}")
    with pytest.raises(OutputError, match=words):
        written(bands(signal), suffix)


def test_an_error_of_ffmpeg_is_told_in_its_words(tmp_path, monkeypatch):
    from inrfit.io import video_formats

    broken = tuple(replace(form, codec=("nonsense",)) for form in video_formats.FORMATS)
    monkeypatch.setattr(video_formats, "FORMATS", broken)
    with pytest.raises(OutputError, match=r"out\.mp4: cannot be written as MP4 \(.*nonsense"):
        written(bands(array_clip(200, 64, 64, 3)), ".mp4")


def test_nothing_is_left_behind_when_writing_is_interrupted(tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    signal = array_clip(4, 8, 8, 3)

    def interrupted():
        yield signal.values
        raise KeyboardInterrupt

    stopped = Bands(bands=interrupted(), domain=signal.domain, channels=3, info=signal.info)
    with pytest.raises(KeyboardInterrupt):
        written(stopped, ".mp4")
    half = io.encode(bands(signal), ".mp4", name="a.mp4")
    next(half)
    del half
    gc.collect()
    assert list(tmp_path.iterdir()) == []


def test_reading_can_stop_in_the_middle(tmp_path):
    from inrfit.io.video_read import Decoding

    path = clip(tmp_path / "a.mkv", *LOSSLESS, size="640x480", frames=60)
    stream = video_probe.probe(path).shown
    frames = Decoding(path=path, stream=stream).frames()
    assert next(frames).shape[1:] == (480, 640, 3)
    frames.close()  # would hang, were ffmpeg not ended


def test_ffmpeg_never_waits_for_us_to_hear_it():
    lines: list[str] = []
    noisy = [
        "-f",
        "lavfi",
        "-i",
        "testsrc2=duration=40:rate=100",
        "-vf",
        "scale=8:8,showinfo",
        "-f",
        "null",
        "-",
    ]
    with Ffmpeg(noisy, on_line=lines.append) as run:
        assert run.wait() == 0
    assert sum(len(line) for line in lines) > 1 << 18


@pytest.mark.parametrize(
    ("times", "rate", "uneven"),
    [
        ([0, 33, 67, 100, 133], Fraction(30000, 1001), False),  # even on ticks of a millisecond
        ([0, 40, 80, 160, 200], Fraction(20), True),  # one is missing
        ([80, 0, 40, 120], Fraction(25), False),  # told out of order
        ([5], Fraction(30000, 1001), False),
        ([7, 7], Fraction(30000, 1001), False),
    ],
)
def test_the_rate_goes_by_times(times, rate, uneven):
    heard = Times()
    heard.hear("config in time_base: 1/1000, frame_rate: 30000/1001")
    for number, time in enumerate(times):
        heard.hear(f"n:   {number} pts: {time:5d} pts_time:0.0   duration: 33 duration_time:0.033 fmt:rgb24")
    found, words = heard.rate(to_the_end=False)
    assert found == rate
    assert bool(words) is uneven


def test_arrays_become_clips(tmp_path):
    kind = kind_of("video")
    grey = io.read(np.zeros((3, 4, 5), np.uint8), ReadConfig(kind="video"))
    assert (grey.domain.shape, grey.channels, grey.domain.per_unit) == ((3, 4, 5), 1, 25.0)
    colour = array_clip(3, 4, 5, 3, rate=10)
    assert colour.domain.per_unit == pytest.approx(10)
    assert kind.default_suffix(colour.info) == ".npy"
    floats = io.read(np.random.default_rng(0).random((3, 4, 5, 3)), ReadConfig(kind="video"))
    assert (floats.info.dtype, kind.default_suffix(floats.info)) == ("float32", ".npy")
    np.save(tmp_path / "a.npy", colour.values)
    for source in (tmp_path / "a.npy", (tmp_path / "a.npy").read_bytes()):
        again = read(source, spacing=(0.1, 2.0, 2.0))
        assert np.array_equal(again.values, colour.values)
        assert again.domain.spacing == (0.1, 2.0, 2.0)
    assert np.load(tmp_path / "a.npy").tobytes() in written(bands(colour), ".npy")


@pytest.mark.parametrize("shape", [(4, 5), (1, 2, 3, 4, 5), (0, 4, 5)])
def test_arrays_that_are_no_clips_are_refused(shape):
    with pytest.raises(InputError, match="is not a clip"):
        io.read(np.zeros(shape, np.uint8), ReadConfig(kind="video"))


def test_spacing_sets_the_rate(tmp_path):
    path = clip(tmp_path / "a.mp4")
    signal = read(path, spacing=(0.1,))
    assert signal.domain.spacing == (0.1, 1.0, 1.0)
    assert signal.info.tags["fps"] == "10"
    with pytest.raises(InputError, match="--spacing gives 2 numbers"):
        read(path, spacing=(0.1, 1.0))


def test_views_are_the_first_the_middle_and_the_last_frame():
    signal = array_clip(7, 4, 5, 3)
    kind = kind_of("video")
    views = kind.views(replace(signal.domain, origin=(10, 0, 0)))
    assert [view[0] for view in views] == [(10, 11), (13, 14), (16, 17)]
    shown = kind.picture(Bands.of(signal.values[3:4], signal.domain, signal.info))
    assert np.array_equal(shown, signal.values[3])


def test_suffixes_of_decoded_clips():
    kind = kind_of("video")
    info = array_clip(2, 4, 4, 3).info
    assert kind.default_suffix(replace(info, suffix=".webm")) == ".webm"
    assert kind.default_suffix(replace(info, suffix=".mpg")) == ".mp4"
    assert kind.default_suffix(replace(info, suffix="")) == ".mp4"
    assert set(kind.written) <= set(kind.suffixes)
