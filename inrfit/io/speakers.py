"""Where the channels of a sound belong: one number, as WAV has it, and other words and orders of the same; no files.

Bit b of the number stands for the place `PLACES[b]`; channels lie in the order of the bits. 0 says that channels have no
places. Numbers as in `WAVEFORMATEXTENSIBLE` of Microsoft, orders of Vorbis as in the Vorbis I specification, 4.3.9, which
Opus shares (RFC 7845, 5.1.1.2), and those of FLAC as in RFC 9639, 9.1.3.
"""

from __future__ import annotations

from collections.abc import Mapping

TAG = "speakers"
"""Tag of a signal that holds the number, as "0x3f"; absent where it is not known."""

PLACES = (
    *("FL", "FR", "FC", "LFE", "BL", "BR", "FLC", "FRC", "BC", "SL", "SR"),
    *("TC", "TFL", "TFC", "TFR", "TBL", "TBC", "TBR"),
)

USUAL = {1: 0x4, 2: 0x3, 3: 0x7, 4: 0x33, 5: 0x37, 6: 0x3F, 7: 0x70F, 8: 0x63F}
"""What FLAC, Vorbis and Opus mean by so many channels."""

VORBIS = {
    3: (0, 2, 1),
    5: (0, 2, 1, 3, 4),
    6: (0, 2, 1, 5, 3, 4),
    7: (0, 2, 1, 6, 5, 3, 4),
    8: (0, 2, 1, 7, 5, 6, 3, 4),
}
"""For so many channels: which of Vorbis each one in the order of the bits is; others have the same order."""

NAMED = {
    "mono": 0x4,
    "stereo": 0x3,
    "2.1": 0xB,
    "3.0": 0x7,
    "3.0(back)": 0x103,
    "4.0": 0x107,
    "quad": 0x33,
    "quad(side)": 0x603,
    "3.1": 0xF,
    "5.0": 0x37,
    "5.0(side)": 0x607,
    "4.1": 0x10F,
    "5.1": 0x3F,
    "5.1(side)": 0x60F,
    "6.0": 0x707,
    "6.0(front)": 0x6C3,
    "hexagonal": 0x137,
    "6.1": 0x70F,
    "6.1(back)": 0x13F,
    "6.1(front)": 0x6CB,
    "7.0": 0x637,
    "7.0(front)": 0x6C7,
    "7.1": 0x63F,
    "7.1(wide)": 0xFF,
    "7.1(wide-side)": 0x6CF,
    "octagonal": 0x737,
}
"""Names that ffmpeg has for some of them."""


def by_words(text: str, channels: int) -> int | None:
    """Return the number for words of ffmpeg's, such as "5.1(side)" or "3 channels (FL+FR+BC)"; None for others."""
    places = text.partition("(")[2].rstrip(")").split("+") if " channels (" in text else []
    if places and set(places) <= set(PLACES):
        found = sum(1 << PLACES.index(place) for place in set(places))
        in_order = sorted(places, key=PLACES.index) == places
        return found if in_order and len(set(places)) == channels else None
    found = NAMED.get(text.strip())
    return found if found is not None and found.bit_count() == channels else None


def words(number: int) -> str:
    """Return a number in words of ffmpeg's, such as "FL+FR+FC"; empty where it has none for it."""
    places = [place for bit, place in enumerate(PLACES) if number >> bit & 1]
    return "+".join(places) if number < 1 << len(PLACES) else ""


def tag(number: int | None, channels: int) -> dict[str, str]:
    """Return the tag that says where channels belong; none where it is not known or says what goes without saying."""
    if number is None or (channels < 3 and number in (0, USUAL[channels])):
        return {}
    return {TAG: f"{number:#x}"}


def known(tags: Mapping[str, str]) -> int | None:
    """Return where channels belong by the tags of a signal; None where they do not say."""
    try:
        number = int(tags[TAG], 16)
    except (KeyError, ValueError):
        return None
    return number if 0 <= number < 1 << 32 else None
