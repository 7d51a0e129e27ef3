"""Formats of sound files: suffixes, and which encoding holds which samples; nothing is opened here.

Names of formats and encodings are those of libsndfile, for example "WAV" and "PCM_24".
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from inrfit.io import speakers
from inrfit.io.told import Told
from inrfit.signal import SignalInfo

MAX_CHANNELS = 64
"""Most channels of a sound that is read."""

FLOAT = 0
"""Stands for floats where bits of whole numbers stand otherwise."""

AAC_LAYOUTS = (
    *("mono", "stereo", "2.1", "3.0", "3.0(back)", "4.0", "quad", "3.1", "5.0", "4.1", "5.1", "hexagonal"),
    *("6.1(back)", "7.0", "7.1", "7.1(wide)", "octagonal"),
)
"""Places of channels that the encoder of AAC keeps, as ffmpeg calls them; of others it makes some of these."""

_PCM = {16: "PCM_16", 24: "PCM_24", 32: "PCM_32", FLOAT: "FLOAT"}
_PLAIN = ("PCM_U8", "PCM_S8", "PCM_16", "PCM_24", "PCM_32")
_COMPANDED = ("ALAW", "ULAW")
_FLOATS = ("FLOAT", "DOUBLE")

_BITS = {
    **dict.fromkeys(("PCM_U8", "PCM_S8", "DPCM_8"), 8),
    **dict.fromkeys(("PCM_24", "ALAC_20", "ALAC_24", "DWVW_24"), 24),
    **dict.fromkeys(("PCM_32", "ALAC_32"), 32),
    **dict.fromkeys((*_FLOATS, "VORBIS", "OPUS", "AAC"), FLOAT),
    **dict.fromkeys(("MPEG_LAYER_I", "MPEG_LAYER_II", "MPEG_LAYER_III"), FLOAT),
}
"""Bits of the whole numbers that an encoding holds; others hold 16."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Format:
    """A format that is written.

    Attributes:
        name: what libsndfile calls it; "M4A" is written by ffmpeg.
        suffixes: file suffixes in lower case, the usual one first.
        encodings: encoding by the bits of the samples, `FLOAT` for floats.
        kept: encodings of a source that are taken up again.
        lossy: encoding for samples of any type; empty where there is none.
        channels: most channels.
        rates: sample rates that it has; empty where it has all up to `fastest`.
        fastest: highest sample rate.
    """

    name: str
    suffixes: tuple[str, ...]
    encodings: Mapping[int, str] = field(default_factory=dict)
    kept: tuple[str, ...] = ()
    lossy: str = ""
    channels: int = 1024
    rates: tuple[int, ...] = ()
    fastest: int = (1 << 31) - 1

    def encoding(self, info: SignalInfo) -> str | None:
        """Return the encoding that samples are written in, None where none holds them."""
        source, bits = info.tags.get("encoding", ""), bits_of(info)
        if source in self.kept and bits_of_encoding(source) == bits:
            return source
        return self.lossy or self.encodings.get(bits)

    def keeps(self, places: int, channels: int) -> bool:
        """Tell whether a file says where its channels belong; see `speakers`."""
        if self.name == "WAV" or (channels < 3 and places == speakers.USUAL[channels]):
            return True
        whole = places.bit_count() == channels
        return whole and {
            "FLAC": True,
            "OGG": places == speakers.USUAL.get(channels),
            "OPUS": places == speakers.USUAL.get(channels),
            "M4A": places in {speakers.NAMED[layout] for layout in AAC_LAYOUTS},
        }.get(self.name, False)


FORMATS = (
    Format(
        name="WAV",
        suffixes=(".wav", ".wave"),
        encodings={8: "PCM_U8", **_PCM},
        kept=("PCM_U8", *_PLAIN[2:], *_COMPANDED, *_FLOATS),
    ),
    Format(
        name="FLAC",
        suffixes=(".flac",),
        encodings={8: "PCM_S8", 16: "PCM_16", 24: "PCM_24"},
        channels=8,
        fastest=655350,
    ),
    Format(name="OGG", suffixes=(".ogg", ".oga"), lossy="VORBIS", channels=255, fastest=200000),
    Format(
        name="OPUS", suffixes=(".opus",), lossy="OPUS", channels=255, rates=(8000, 12000, 16000, 24000, 48000)
    ),
    Format(
        name="MP3",
        suffixes=(".mp3",),
        lossy="MPEG_LAYER_III",
        channels=2,
        rates=(8000, 11025, 12000, 16000, 22050, 24000, 32000, 44100, 48000),
    ),
    Format(
        name="AIFF",
        suffixes=(".aiff", ".aif", ".aifc"),
        encodings={8: "PCM_S8", **_PCM},
        kept=(*_PLAIN, *_COMPANDED, *_FLOATS),
    ),
    Format(
        name="AU",
        suffixes=(".au", ".snd"),
        encodings={8: "PCM_S8", **_PCM},
        kept=(*_PLAIN[1:], *_COMPANDED, *_FLOATS),
    ),
    Format(
        name="CAF",
        suffixes=(".caf",),
        encodings={8: "PCM_S8", **_PCM},
        kept=(*_PLAIN[1:], *_COMPANDED, *_FLOATS, "ALAC_16", "ALAC_24", "ALAC_32"),
    ),
    Format(
        name="M4A",
        suffixes=(".m4a",),
        lossy="AAC",
        channels=8,
        rates=(7350, 8000, 11025, 12000, 16000, 22050, 24000, 32000, 44100, 48000, 64000, 88200, 96000),
    ),
    Format(
        name="NPY",
        suffixes=(".npy",),
        encodings={8: "int16", 16: "int16", 24: "int32", 32: "int32", 0: "float32"},
    ),
)
"""Formats that are written, the most useful first."""

READ = (".aac", ".ac3", ".amr", ".ape", ".mka", ".rf64", ".tta", ".w64", ".wma", ".wv")
"""Suffixes of formats that are read and not written."""

WRITTEN = tuple(suffix for form in FORMATS for suffix in form.suffixes)
SUFFIXES = (*(suffix for suffix in WRITTEN if suffix != ".npy"), *READ)

_SUFFIX = {"WAVEX": ".wav", "RF64": ".wav", "MPEG": ".mp3"}
"""Usual suffixes of what libsndfile has other names for."""


def by_suffix(suffix: str) -> Format | None:
    """Return the format that a file suffix stands for, None where none is written so."""
    return next((form for form in FORMATS if suffix.lower() in form.suffixes), None)


def suffix_of(name: str, encoding: str) -> str:
    """Return the usual suffix of a format of libsndfile; empty for formats that are not written."""
    if encoding == "OPUS":
        return ".opus"
    known = {form.name: form.suffixes[0] for form in FORMATS}
    return _SUFFIX.get(name) or known.get(name, "")


def bits_of_encoding(encoding: str) -> int:
    """Return the bits of the whole numbers that an encoding holds, `FLOAT` for floats."""
    return _BITS.get(encoding, 16)


def bits_of(info: SignalInfo) -> int:
    """Return the bits of samples: full scale is 2^(bits - 1); `FLOAT` for floats, whose full scale is 1."""
    if info.dtype == "float32":
        return FLOAT
    bits, most = bits_of_encoding(info.tags.get("encoding", "")), 32 if info.dtype == "int32" else 16
    return bits if most // 2 <= bits <= most and (bits, most) != (16, 32) else most


def dtype_of(bits: int) -> str:
    """Return the sample type of a signal for so many bits."""
    return "float32" if bits == FLOAT else "int16" if bits <= 16 else "int32"


def full_scale(bits: int) -> float:
    """Return the sample value that stands for full scale."""
    return 1.0 if bits == FLOAT else float(1 << (bits - 1))


def recognise(start: bytes) -> bool:
    """Tell whether the first bytes of a file are those of a sound."""
    if start[:4] in (b"RIFF", b"RIFX", b"RF64"):
        return start[8:12] == b"WAVE"
    if start[:4] == b"FORM":
        return start[8:12] in (b"AIFF", b"AIFC")
    if start[4:8] == b"ftyp":
        return start[8:11] == b"M4A"
    known = (
        b"fLaC",
        b"OggS",
        b".snd",
        b"caff",
        b"riff\x2e\x91\xcf\x11",
        b"ID3",
        b"wvpk",
        b"TTA1",
        b"MAC ",
        b"#!AMR",
    )
    frame = len(start) > 2 and start[0] == 0xFF and start[1] & 0xE0 == 0xE0 and start[1] & 0x18 != 0x08
    return start.startswith(known) or (frame and start[2] & 0xF0 != 0xF0)


_TAGS = "tags"
_USUAL = "the usual speakers (others told)"
_NAN = "NaN to samples without a target (told)"
_LEFT = "covers, markers, loops, other tags"

TOLD = (
    Told(
        name="WAV, RF64",
        suffixes=(".wav", ".wave"),
        read="8 to 32 bit, floats, A-law, mu-law, ADPCM",
        kept=f"sample type, the encoding, rate, speakers, {_TAGS}",
        converted=f"64-bit floats to 32 (told), ADPCM to 16 bit; {_NAN}; a header that was never finished is mended (told)",
        dropped=_LEFT,
        written="8, 16, 24 and 32 bit, floats; RF64 from 4 GiB on",
    ),
    Told(
        name="FLAC",
        suffixes=(".flac",),
        read="8 to 24 bit, up to 8 channels",
        kept=f"sample type, rate, speakers, {_TAGS}",
        dropped=_LEFT,
        written="8, 16 and 24 bit",
    ),
    Told(
        name="Ogg Vorbis",
        suffixes=(".ogg", ".oga"),
        read="decoded to floats; FLAC and Opus in Ogg too",
        kept=f"rate, {_USUAL}, {_TAGS}",
        converted="samples to floats",
        dropped=_LEFT,
        written="Vorbis, quality 8",
    ),
    Told(
        name="Opus",
        suffixes=(".opus",),
        read="decoded to floats",
        kept=f"{_USUAL}, {_TAGS}",
        converted="samples to floats, at 48 kHz",
        dropped=_LEFT,
        written="rates of 8, 12, 16, 24 and 48 kHz",
    ),
    Told(
        name="MP3",
        suffixes=(".mp3",),
        read="decoded to floats",
        kept=f"rate, {_TAGS}",
        converted="samples to floats",
        dropped=_LEFT,
        written="variable rate, the best; up to 2 channels and 48 kHz",
    ),
    Told(
        name="AIFF",
        suffixes=(".aiff", ".aif", ".aifc"),
        read="8 to 32 bit, floats, A-law, mu-law",
        kept=f"sample type, the encoding, rate, of {_TAGS} those that it has",
        converted=f"64-bit floats to 32 (told); {_NAN}",
        dropped=f"{_LEFT}, speakers (told)",
        written="8, 16, 24 and 32 bit, floats",
    ),
    Told(
        name="AU",
        suffixes=(".au", ".snd"),
        read="8 to 32 bit, floats, A-law, mu-law",
        kept="sample type, the encoding, rate",
        converted=f"64-bit floats to 32 (told); {_NAN}",
        dropped="tags, speakers (told)",
        written="8, 16, 24 and 32 bit, floats",
    ),
    Told(
        name="CAF",
        suffixes=(".caf",),
        read="8 to 32 bit, floats, A-law, mu-law, ALAC",
        kept=f"sample type, the encoding, rate, of {_TAGS} those that it has",
        converted=f"64-bit floats to 32 (told); {_NAN}",
        dropped=f"{_LEFT}, speakers (told)",
        written="8, 16, 24 and 32 bit, floats, ALAC where the source was",
    ),
    Told(
        name="M4A",
        suffixes=(".m4a",),
        read="AAC and ALAC, by ffmpeg",
        kept=f"rate, {_USUAL}, {_TAGS}",
        converted="AAC to floats",
        dropped=_LEFT,
        written="AAC, up to 8 channels and 96 kHz",
    ),
    Told(
        name="others, by ffmpeg or libsndfile",
        suffixes=READ,
        read="what they decode",
        kept="rate, tags; written in another format",
        converted="lossy samples to floats",
        dropped=_LEFT,
    ),
    Told(
        name="NumPy",
        suffixes=(".npy",),
        read="[time] or [time, channel] with `--kind audio`",
        kept="sample type",
        dropped="the rate, which is 44,100 or that of `--spacing`",
        written="int16, int32, float32",
    ),
)
"""What is read of each format, and what becomes of it."""
