"""The file formats of clips: how each is recognised and what it can hold; nothing here reads or writes one."""

from __future__ import annotations

import re
from dataclasses import dataclass
from fractions import Fraction

from inrfit.errors import OutputError
from inrfit.io.told import Told

FULL, HALF = "444", "420"


@dataclass(frozen=True, slots=True, kw_only=True)
class Format:
    """One file format that is written.

    Attributes:
        name: what messages call it.
        suffixes: file suffixes, the usual one first.
        muxer: ffmpeg's name of it.
        codec: ffmpeg's options of its encoder of pictures.
        deep: whether more than 8 bit per sample are kept.
        named: whether a file says what its colours are.
        rates: lowest and highest number of frames per second that it counts time finely or far enough for.
        sounds: codecs of sound that are put in as they are.
        sound: ffmpeg's options of its encoder for others; empty where it holds no sound.
    """

    name: str
    suffixes: tuple[str, ...]
    muxer: str
    codec: tuple[str, ...]
    deep: bool = True
    named: bool = True
    rates: tuple[Fraction, Fraction] = (Fraction(1, 1_000_000), Fraction(1_000_000))
    sounds: tuple[str, ...] = ()
    sound: tuple[str, ...] = ()


_H264 = ("libx264", "-crf", "12", "-preset", "medium")
_MILLISECONDS = (Fraction(1, 1_000_000), Fraction(1000))
_AAC = ("aac", "-b:a", "192k")
_MATROSKA_SOUNDS = ("aac", "mp3", "mp2", "opus", "vorbis", "flac", "alac", "ac3", "eac3", "dts")

FORMATS = (
    Format(
        name="MP4",
        suffixes=(".mp4", ".m4v"),
        muxer="mp4",
        codec=(*_H264, "-movflags", "+faststart"),
        sounds=("aac", "mp3", "alac", "ac3", "eac3", "opus"),
        sound=_AAC,
    ),
    Format(
        name="QuickTime",
        suffixes=(".mov",),
        muxer="mov",
        codec=(*_H264, "-movflags", "+faststart"),
        sounds=("aac", "mp3", "alac", "ac3", "pcm_s16le", "pcm_s24le"),
        sound=_AAC,
    ),
    Format(
        name="Matroska",
        suffixes=(".mkv",),
        muxer="matroska",
        codec=("ffv1", "-level", "3", "-g", "1", "-slicecrc", "1"),
        rates=_MILLISECONDS,
        sounds=_MATROSKA_SOUNDS,
        sound=("flac",),
    ),
    Format(
        name="WebM",
        suffixes=(".webm",),
        muxer="webm",
        codec=("libvpx-vp9", "-crf", "15", "-b:v", "0", "-row-mt", "1", "-cpu-used", "4"),
        rates=_MILLISECONDS,
        sounds=("opus", "vorbis"),
        sound=("libopus", "-b:a", "160k"),
    ),
    Format(
        name="AVI",
        suffixes=(".avi",),
        muxer="avi",
        codec=("mpeg4", "-q:v", "2", "-vtag", "XVID"),
        deep=False,
        named=False,
        rates=(Fraction(1, 65535), Fraction(1000)),
        sounds=("mp3", "ac3", "pcm_s16le", "pcm_u8"),
        sound=("libmp3lame", "-b:a", "192k"),
    ),
    Format(
        name="GIF",
        suffixes=(".gif",),
        muxer="gif",
        codec=("gif",),
        deep=False,
        named=False,
        rates=(Fraction(1, 655), Fraction(100)),
    ),
)
"""Formats that ffmpeg writes. Matroska is the lossless one: FFV1 keeps 8- and 16-bit grey and RGB to the bit."""

READ_ONLY = (".mpg", ".mpeg", ".ogv", ".wmv", ".flv", ".3gp")
"""Suffixes of formats that are only read."""

ARRAY = ".npy"
"""Suffix of arrays [frame, height, width(, channel)], which are read and written too."""

WRITTEN = (*(suffix for form in FORMATS for suffix in form.suffixes), ARRAY)

SUFFIXES = (*(suffix for suffix in WRITTEN if suffix not in (".gif", ARRAY)), *READ_ONLY, ".gif", ARRAY)
"""Every suffix that counts as a clip when a folder is read as clips; images claim the last two before clips do."""

_MAGIC = re.compile(
    rb"....ftyp(?!avif|avis|heic|heix|mif1|msf1|M4A)|....(?:moov|mdat|wide|free)|\x1aE\xdf\xa3|RIFF....AVI ",
    re.DOTALL,
)
_DEMUXERS = {
    "mov": (".mp4", ".m4v", ".mov", ".3gp"),
    "matroska": (".mkv", ".webm"),
    "avi": (".avi",),
    "gif": (".gif",),
}


def recognise(start: bytes) -> bool:
    """Tell whether the first bytes of a file look like a clip; those of a GIF are left to images."""
    return _MAGIC.match(start) is not None


def by_suffix(suffix: str) -> Format | None:
    """Return the format that a file suffix stands for; None where ffmpeg writes none so."""
    return next((form for form in FORMATS if suffix.lower() in form.suffixes), None)


def suffix_of(form: str, named: str) -> str:
    """Return the suffix of a source: that of its name where it suits what ffmpeg calls its format."""
    fitting = _DEMUXERS.get(form.split(",")[0], ())
    return named if named in fitting or not fitting else fitting[0]


def check(dtype: str, channels: int, suffix: str, name: str) -> Format | None:
    """Return the format that a suffix stands for; None for an array.

    Raises:
        OutputError: it is unknown, or cannot hold samples of this type and so many channels.
    """
    if suffix.lower() == ARRAY:
        return None
    form = by_suffix(suffix)
    if form is None:
        raise OutputError(
            f"{name}: {suffix or 'no suffix'} is not a format of clips inrfit writes",
            hint=f"write {', '.join(WRITTEN)}",
        )
    if dtype not in ("uint8", "uint16") or channels not in (1, 3):
        raise OutputError(
            f"{name}: {form.name} cannot hold {dtype} samples with {channels} channels", hint=f"write {ARRAY}"
        )
    return form


_CLIP_TAGS = "title, artist, album, genre, comment, description, copyright, dates"
_CLIP_KEPT = f"rate as a ratio, shape of pixels, the first sound track, {_CLIP_TAGS}"
_CLIP_READ = "8 bit, and more as 16, grey or colour; what ffmpeg decodes"
_CLIP_CONVERTED = "colours to RGB, turned upright"
_CLIP_DROPPED = "transparency, subtitles, chapters, other streams and tracks, light levels (told)"
_CLIP_COLOURS = "primaries, transfer, matrix and range of colours"

TOLD = (
    Told(
        name="MP4",
        suffixes=(".mp4", ".m4v"),
        read=_CLIP_READ,
        kept=f"{_CLIP_COLOURS}, {_CLIP_KEPT}",
        converted=_CLIP_CONVERTED,
        dropped=f"{_CLIP_DROPPED}, colours (told where they are those of wide screens)",
        written="H.264, CRF 12, BT.709 where nothing else is known; AAC, or a copied track where it fits",
    ),
    Told(
        name="QuickTime",
        suffixes=(".mov",),
        read=_CLIP_READ,
        kept=f"{_CLIP_COLOURS}, {_CLIP_KEPT}",
        converted=_CLIP_CONVERTED,
        dropped=_CLIP_DROPPED,
        written="as MP4",
    ),
    Told(
        name="Matroska",
        suffixes=(".mkv",),
        read=_CLIP_READ,
        kept=f"sample type, primaries and transfer of colours, {_CLIP_KEPT}",
        converted=_CLIP_CONVERTED,
        dropped=_CLIP_DROPPED,
        written="FFV1, lossless; FLAC",
    ),
    Told(
        name="WebM",
        suffixes=(".webm",),
        read=_CLIP_READ,
        kept=f"{_CLIP_COLOURS}, {_CLIP_KEPT}",
        converted=_CLIP_CONVERTED,
        dropped=_CLIP_DROPPED,
        written="VP9, CRF 15, BT.709 where nothing else is known; Opus",
    ),
    Told(
        name="AVI",
        suffixes=(".avi",),
        read=_CLIP_READ,
        kept=_CLIP_KEPT,
        converted=_CLIP_CONVERTED,
        dropped=_CLIP_DROPPED,
        written="MPEG-4 part 2, 8 bit; MP3",
    ),
    Told(
        name="GIF",
        suffixes=(".gif",),
        read="all frames with `--kind video`",
        kept="rate",
        converted="palette to RGB",
        dropped="transparency, comments",
        written="a palette, no sound",
    ),
    Told(
        name="others, by ffmpeg",
        suffixes=READ_ONLY,
        read=_CLIP_READ,
        kept=f"{_CLIP_KEPT}; written in another format",
        converted=_CLIP_CONVERTED,
        dropped=_CLIP_DROPPED,
    ),
    Told(
        name="NumPy",
        suffixes=(ARRAY,),
        read="[frame, y, x] or [frame, y, x, channel] with `--kind video`",
        kept="sample type",
        dropped="the rate, which is 25 or that of `--spacing`",
        written="uint8, uint16; no sound",
    ),
)
"""What is read of each format, and what becomes of it."""
