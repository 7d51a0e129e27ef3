"""What the numbers of a clip mean as colours: matrix, primaries, transfer and range, in ffmpeg's words; no pixels.

Samples of a signal are R'G'B' as the matrix of the source gives them; primaries and transfer are only passed on.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace

TAG = "colours"
"""Tag of a signal that came from a clip, as `Colours.text` writes it."""

UNKNOWN = "unknown"

MATRICES = {
    "bt709": "bt709",
    "fcc": "fcc",
    "bt470bg": "bt601",
    "smpte170m": "bt601",
    "smpte240m": "smpte240m",
    "bt2020nc": "bt2020",
}
"""Matrices that can be converted, and what ffmpeg's scaler calls them."""

_NEAREST = {"bt2020c": "bt2020nc", "ictcp": "bt2020nc", "ipt-c2": "bt2020nc", "chroma-derived-c": "bt2020nc"}
"""What other matrices are taken for; the rest for the usual one of their size."""

_OF_PRIMARIES = {
    "bt2020": "bt2020nc",
    "smpte170m": "smpte170m",
    "bt470bg": "bt470bg",
    "smpte240m": "smpte240m",
}
"""The matrix that goes with primaries; bt709 with others."""

PRIMARIES = (
    *(
        "bt709",
        "bt470m",
        "bt470bg",
        "smpte170m",
        "smpte240m",
        "film",
        "bt2020",
        "smpte428",
        "smpte431",
        "smpte432",
    ),
    "ebu3213",
)
TRANSFERS = (
    *("bt709", "bt470m", "bt470bg", "smpte170m", "smpte240m", "linear", "log100", "log316", "iec61966-2-4"),
    *("bt1361e", "iec61966-2-1", "bt2020-10", "bt2020-12", "smpte2084", "smpte428", "arib-std-b67"),
)
"""Names that are passed on, of ITU-T H.273."""

_OLDER = {"bt470m": "gamma22", "bt470bg": "gamma28"}
"""Transfers by the names that encoders of ffmpeg have had for longer."""

_CODED = re.compile(r"yuv|nv\d|p[024]\d\d|y2\d\d|uyvy|yvyu|uyyv|xv\d\d|v?uy[av]|vuyx|ayuv")
_NOT_COLOUR = re.compile(r"progressive|top|bottom|left|center|\d+ bpc|unspecified")
_HDR = {"arib-std-b67": "HLG", "smpte2084": "PQ"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Colours:
    """What a stream says of its colours; "unknown" where it does not.

    Attributes:
        matrix, primaries, transfer: names of ffmpeg's, for example "bt2020nc", "bt2020" and "arib-std-b67".
        range: "tv" or "pc".
    """

    matrix: str = UNKNOWN
    primaries: str = UNKNOWN
    transfer: str = UNKNOWN
    range: str = UNKNOWN

    @property
    def text(self) -> str:
        """All of it, as "bt2020nc/bt2020/arib-std-b67/tv"."""
        return "/".join((self.matrix, self.primaries, self.transfer, self.range))

    @property
    def wide(self) -> str:
        """What they are called where they are not those of ordinary screens, for example "BT.2020, HLG"; else empty."""
        words = ("BT.2020" if self.primaries == "bt2020" else "", _HDR.get(self.transfer, ""))
        return ", ".join(filter(None, words))

    def options(self) -> str:
        """Return the options of ffmpeg's filter setparams that say this of frames."""
        return (
            f"range={self.range}:colorspace={self.matrix}:color_primaries={self.primaries}"
            f":color_trc={self.transfer}"
        )

    def arguments(self) -> list[str]:
        """Return the arguments that say this to an encoder."""
        named = {"-colorspace": self.matrix, "-color_primaries": self.primaries}
        named |= {"-color_trc": _OLDER.get(self.transfer, self.transfer), "-color_range": self.range}
        return [word for option, value in named.items() if value != UNKNOWN for word in (option, value)]


NONE = Colours()
BT709 = Colours(matrix="bt709", primaries="bt709", transfer="bt709", range="tv")


def coded(pixels: str) -> bool:
    """Tell whether a pixel format has luma and chroma, which a matrix turns to R'G'B'."""
    return _CODED.match(pixels) is not None


def usual(height: int, width: int) -> str:
    """Return the matrix that players take for a clip which does not name one: that of HD above 576 lines or 1,024 columns."""
    return "bt709" if height > 576 or width > 1024 else "smpte170m"


def said(words: str) -> Colours:
    """Return what the words in brackets behind a pixel format say, for example "tv, bt2020nc/bt2020/smpte2084"."""
    found = NONE
    for part in filter(None, (part.strip() for part in words.split(","))):
        if part in ("tv", "pc"):
            found = replace(found, range=part)
        elif part.count("/") == 2:
            matrix, primaries, transfer = part.split("/")
            found = replace(found, matrix=matrix, primaries=primaries, transfer=transfer)
        elif not _NOT_COLOUR.match(part):
            found = replace(found, matrix=part, primaries=part, transfer=part)
    return _checked(found)


def _checked(found: Colours) -> Colours:
    """Return colours without names that cannot be passed on."""
    return replace(
        found,
        primaries=found.primaries if found.primaries in PRIMARIES else UNKNOWN,
        transfer=found.transfer if found.transfer in TRANSFERS else UNKNOWN,
        range=found.range if found.range in ("tv", "pc") else UNKNOWN,
    )


def taken(colours: Colours, pixels: str, height: int, width: int) -> tuple[str, str]:
    """Return the matrix by which frames of a stream are read, and what it is called where it is another one than theirs."""
    known = _NEAREST.get(colours.matrix, colours.matrix)
    matrix = known if known in MATRICES else usual(height, width)
    other = coded(pixels) and colours.matrix not in (UNKNOWN, *MATRICES)
    return matrix, matrix if other else ""


def known(tags: Mapping[str, str]) -> Colours | None:
    """Return what a signal says of the colours of its source; None where it came from no clip, or an older version."""
    words = tags.get(TAG, "").split("/")
    if len(words) != 4:
        return None
    matrix, primaries, transfer, span = words
    return _checked(Colours(matrix=matrix, primaries=primaries, transfer=transfer, range=span))


def written(tags: Mapping[str, str], height: int, width: int) -> tuple[str, Colours]:
    """Return the matrix by which frames are written, and what the file says of them.

    A source that names no matrix has the usual one of the size that is written, and the file names none either.

    Args:
        tags: those of the signal.
        height, width: size of the frames that are written.
    """
    source = known(tags)
    if source is None:
        return BT709.matrix, BT709
    if not coded(tags.get("pix_fmt", "")):
        if source.primaries == source.transfer == UNKNOWN:
            return BT709.matrix, BT709
        matrix = _OF_PRIMARIES.get(source.primaries, BT709.matrix)  # one is needed, so it is named
        return matrix, replace(source, matrix=matrix, range="tv")
    if source.matrix in MATRICES:
        return source.matrix, source
    return usual(height, width), replace(source, matrix=UNKNOWN)
