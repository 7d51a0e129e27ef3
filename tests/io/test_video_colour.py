"""What clips say of their colours: it is read, the frames follow it, and a file that is written says the same."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from make.clips import ffmpeg

from inrfit import io
from inrfit.io import kind_of, video_colour, video_probe
from inrfit.io.config import ReadConfig
from inrfit.io.video_colour import BT709, Colours, coded, known, said, written
from inrfit.signal import ArraySignal, Bands

HLG = Colours(matrix="bt2020nc", primaries="bt2020", transfer="arib-std-b67", range="tv")
NONE = Colours()
SOURCES = {
    "HLG": ("yuv420p10le", HLG),
    "PQ": ("yuv420p10le", replace(HLG, transfer="smpte2084")),
    "PAL": ("yuv420p", Colours(matrix="bt470bg", primaries="bt470bg", transfer="bt470bg", range="tv")),
    "NTSC": ("yuv420p", Colours(matrix="smpte170m", primaries="smpte170m", transfer="smpte170m", range="tv")),
    "HD": ("yuv420p", BT709),
    "full": ("yuv420p", replace(BT709, range="pc")),
    "sRGB": ("yuv444p", replace(BT709, transfer="iec61966-2-1", range="pc")),
    "half": ("yuv420p", replace(BT709, matrix="unknown")),
    "nothing": ("yuv420p", NONE),
}
RED = (200, 30, 40)


def patch(path: Path, pixels: str, colours: Colours, size: str = "32x32") -> Path:
    """Make a clip of one colour, coded by a matrix that it may or may not name."""
    matrix = video_colour.MATRICES.get(colours.matrix, "bt601")
    span = "pc" if colours.range == "pc" else "tv"
    filters = f"format=rgb24,scale=out_color_matrix={matrix}:out_range={span},format={pixels},setparams={colours.options()}"
    picture = f"color=0x{RED[0]:02x}{RED[1]:02x}{RED[2]:02x}:size={size}:rate=25,trim=end_frame=2,{filters}"
    words = (*colours.arguments(), "-c:v", "libx264", "-qp", "0")
    ffmpeg("-f", "lavfi", "-i", picture, *words, path)
    return path


def read(source: Path) -> ArraySignal:
    return io.read(source, ReadConfig(kind="video", sound="none"))


def write(signal: ArraySignal, path: Path, height: int | None = None) -> Path:
    values = signal.values if height is None else np.repeat(signal.values[:, :1], height, axis=1)
    domain = replace(signal.domain, shape=values.shape[:-1])
    samples = Bands(bands=[values], domain=domain, channels=signal.channels, info=signal.info)
    path.write_bytes(b"".join(io.encode(samples, path.suffix, name=path.name)))
    return path


def colour(signal: ArraySignal) -> list[int]:
    """The mean colour of a clip, as 8 bit."""
    full = {"uint8": 1, "uint16": 257}[signal.info.dtype]
    return (signal.values.reshape(-1, signal.channels).mean(axis=0) / full).round().astype(int).tolist()


@pytest.mark.parametrize("name", SOURCES)
@pytest.mark.parametrize("suffix", [".mp4", ".mov", ".webm", ".mkv"])
def test_what_a_source_says_is_written_back(name: str, suffix: str, tmp_path: Path) -> None:
    pixels, colours = SOURCES[name]
    signal = read(patch(tmp_path / "a.mp4", pixels, colours))
    assert known(signal.info.tags) == colours
    assert colour(signal) == pytest.approx(RED, abs=3)
    assert signal.info.notes == ()
    again = write(signal, tmp_path / f"b{suffix}")
    told = video_probe.probe(again).shown
    wanted = colours
    if suffix == ".mkv":  # lossless R'G'B', which has no matrix
        wanted = replace(colours, matrix="gbr", range="pc")
    elif suffix == ".webm" and name == "nothing":  # the stream itself says its range
        wanted = replace(NONE, range="tv")
    assert told.colours == wanted
    assert told.deep == pixels.endswith("10le")
    assert read(again).info.dtype == signal.info.dtype
    assert colour(read(again)) == pytest.approx(colour(signal), abs=3)


@pytest.mark.parametrize("name", ["HLG", "NTSC", "full", "nothing"])
def test_lossless_copies_hand_it_on(name: str, tmp_path: Path) -> None:
    pixels, colours = SOURCES[name]
    signal = read(patch(tmp_path / "a.mp4", pixels, colours))
    again = read(write(read(write(signal, tmp_path / "b.mkv")), tmp_path / "c.mp4"))
    told = known(again.info.tags)
    assert (told.primaries, told.transfer) == (
        (colours.primaries, colours.transfer) if name != "nothing" else ("bt709", "bt709")
    )
    assert told.matrix == {"HLG": "bt2020nc", "NTSC": "smpte170m"}.get(name, "bt709")
    assert colour(again) == pytest.approx(RED, abs=3)


@pytest.mark.parametrize(
    ("size", "matrix"),
    [("32x576", "smpte170m"), ("32x578", "bt709"), ("1024x16", "smpte170m"), ("1026x16", "bt709")],
)
def test_the_matrix_of_a_clip_that_names_none_goes_by_its_size(
    size: str, matrix: str, tmp_path: Path
) -> None:
    made = tmp_path / "a.mp4"
    filters = f"scale=out_color_matrix={video_colour.MATRICES[matrix]}:out_range=tv,format=yuv444p"
    forget = "setparams=colorspace=unknown:color_primaries=unknown:color_trc=unknown:range=unknown"
    picture = (
        f"color=0x{RED[0]:02x}{RED[1]:02x}{RED[2]:02x}:size={size}:rate=25,trim=end_frame=1,format=rgb24"
    )
    ffmpeg("-f", "lavfi", "-i", f"{picture},{filters},{forget}", "-c:v", "libx264", "-qp", "0", made)
    signal = read(made)
    assert colour(signal) == pytest.approx(RED, abs=2)
    again = write(signal, tmp_path / "b.mp4")
    assert video_probe.probe(again).shown.colours == NONE
    assert colour(read(again)) == pytest.approx(RED, abs=2)


@pytest.mark.parametrize("suffix", [".mp4", ".webm", ".avi"])
def test_another_size_has_the_guess_of_that_size_or_the_matrix_that_was_named(
    suffix: str, tmp_path: Path
) -> None:
    for name in ("nothing", "HD", "NTSC"):
        signal = read(patch(tmp_path / "a.mp4", *SOURCES[name]))
        assert colour(read(write(signal, tmp_path / f"b{suffix}", height=600))) == pytest.approx(RED, abs=4)


def test_arrays_and_older_fields_are_written_as_bt709(tmp_path: Path) -> None:
    values = np.broadcast_to(np.uint8(RED), (2, 32, 32, 3)).copy()
    again = write(io.read(values, ReadConfig(kind="video")), tmp_path / "a.mp4")
    assert video_probe.probe(again).shown.colours == BT709
    assert colour(read(again)) == pytest.approx(RED, abs=3)
    assert written({"pix_fmt": "yuv420p"}, 16, 16) == ("bt709", BT709)


def test_a_matrix_that_cannot_be_converted_is_told_and_so_is_the_one_taken(tmp_path: Path) -> None:
    ffmpeg(
        *("-f", "lavfi", "-i", "color=red:size=32x32:rate=25,trim=end_frame=2,format=yuv444p"),
        *("-vf", "setparams=colorspace=ycgco:color_primaries=bt709:color_trc=bt709"),
        *("-c:v", "libx264", tmp_path / "a.mp4"),
    )
    signal = read(tmp_path / "a.mp4")
    assert signal.info.notes == ("its colours are coded by ycgco, which was read as smpte170m",)
    assert known(signal.info.tags).matrix == "smpte170m"


@pytest.mark.parametrize("suffix", [".gif", ".avi", ".npy"])
def test_formats_that_cannot_say_it_are_told_of(suffix: str, tmp_path: Path) -> None:
    signal = read(patch(tmp_path / "a.mp4", *SOURCES["HLG"]))
    kind, info, domain = kind_of("video"), signal.info, signal.domain
    (note,) = kind.losses(info, domain, 3, suffix)
    assert "BT.2020, HLG" in note
    assert kind.losses(info, domain, 3, ".mp4") == ()
    assert kind.losses(replace(info, tags={**info.tags, "colours": BT709.text}), domain, 3, suffix) == ()


@pytest.mark.parametrize(
    ("words", "colours"),
    [
        ("tv, bt709, progressive", BT709),
        ("tv, bt2020nc/bt2020/arib-std-b67, top first, left", HLG),
        ("pc", Colours(range="pc")),
        ("progressive", NONE),
        ("tv, smpte170m/bt470bg/wonder", Colours(matrix="smpte170m", primaries="bt470bg", range="tv")),
    ],
)
def test_words_of_ffmpeg(words: str, colours: Colours) -> None:
    assert said(words) == colours


@pytest.mark.parametrize("text", ["", "bt709", "a/b/c/d/e", "x':y/x,y/x;y/pc\0"])
def test_tags_of_strangers_reach_no_filter(text: str) -> None:
    found = known({"colours": text, "pix_fmt": "yuv420p"})
    assert found is None or found.primaries == found.transfer == found.range == "unknown"
    assert written({"colours": text, "pix_fmt": "yuv420p"}, 16, 16)[1] in (BT709, NONE)


def test_luma_and_chroma_are_told_by_the_pixel_format() -> None:
    assert all(
        map(coded, ("yuv420p", "yuvj444p", "nv12", "p010le", "y210le", "uyvy422", "yuva420p", "xv30le"))
    )
    assert not any(
        map(coded, ("rgb24", "gbrp10le", "bgr0", "pal8", "gray", "gray12le", "ya8", "x2rgb10le", "monow", ""))
    )
