"""How PNG chunks describe colours without an ICC profile, as tags of a signal and back; the samples are never touched.

A tag has the name of its chunk and the numbers in it: `gAMA` "100000" is linear light. iCCP is not here: profiles are
kept for every format. Where a file has both, viewers follow cICP, then iCCP, then sRGB, then gAMA and cHRM.
Source: PNG specification, third edition (W3C 2025), section 11.3.2.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping

from inrfit.io.png import Chunks, chunk

_FORMS = {"cICP": ">4B", "sRGB": ">B", "gAMA": ">I", "cHRM": ">8I", "mDCV": ">8H2I", "cLLI": ">2I"}
"""Numbers of each chunk, in the order in which they are written."""

_SRGB = {"gAMA": "45455", "cHRM": "31270 32900 64000 33000 30000 60000 15000 6000"}
_SRGB_CICP = "1 13 0 1"


def tags(chunks: Chunks) -> tuple[dict[str, str], tuple[str, ...]]:
    """Return the tags for the chunks of a file, and the names of chunks that are damaged; the first of a kind counts."""
    found: dict[str, str] = {}
    bad = []
    for kind, body in chunks:
        name = kind.decode("latin-1")
        form = _FORMS.get(name)
        if form is None or name in found:
            continue
        if len(body) != struct.calcsize(form) or (name == "gAMA" and not any(body)):
            bad.append(name)
        else:
            found[name] = " ".join(map(str, struct.unpack(form, body)))
    return found, tuple(dict.fromkeys(bad))


def chunks(tags: Mapping[str, str]) -> bytes:
    """Return the chunks for tags; text that is no such numbers makes none."""
    made = [(name, numbers(tags, name)) for name in _FORMS]
    return b"".join(chunk(name.encode(), struct.pack(_FORMS[name], *found)) for name, found in made if found)


def numbers(tags: Mapping[str, str], name: str) -> tuple[int, ...] | None:
    """Return the numbers of a tag; None where it is not there or could not be written."""
    try:
        found = tuple(int(word) for word in tags[name].split())
        struct.pack(_FORMS[name], *found)
    except (KeyError, ValueError, struct.error):
        return None
    return found


def dropped(tags: Mapping[str, str]) -> tuple[str, ...]:
    """Return the names of tags that say more than an ICC profile of `colour_profile` holds, or than sRGB."""
    return tuple(
        name
        for name in ("cICP", "mDCV", "cLLI")
        if name in tags and (name, tags[name]) != ("cICP", _SRGB_CICP)
    )


def is_srgb(tags: Mapping[str, str]) -> bool:
    """Tell whether tags say what is assumed where nothing is said."""
    return "sRGB" in tags or all(tags.get(name, text) == text for name, text in _SRGB.items())
