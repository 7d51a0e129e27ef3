"""`python docs/make_formats.py docs/formats.md`: writes the page on file formats from what each kind of signal tells of them."""

from __future__ import annotations

import sys
from pathlib import Path

from inrfit.io import kind_of
from inrfit.io.audio_write import TAGS
from inrfit.io.told import Told
from inrfit.registry import names

BEFORE = """\
# File formats

What is read of each format, and what becomes of it. This page is made from the program by
`python docs/make_formats.py docs/formats.md`; a test fails when it is stale. *Kept* is what a decode to the same format
gives back beside the samples, which are those of the field; *converted* is read and becomes something else; *dropped*
is not in the `.inr` file. "Told" means that a line on standard error says so. Tags of sounds are
{tags}.
An empty cell under *read* or *written* means that the format is not read or not written.

`.npy`, `.gif` and what two kinds have in common are pictures unless `--kind` says otherwise. The first bytes of a
picture decide its format, whatever its name. Raw photos of cameras, HEIC, JPEG XL, JPEG 2000, Photoshop files, OpenEXR,
Radiance HDR and icons are known and refused in one line.
"""

KINDS = {
    "image": "Pictures",
    "audio": "Sounds",
    "video": "Clips",
    "shape": "Shapes",
    "volume": "Volumes",
}
"""Kind -> heading; other kinds of the registry follow under their own names."""


def page() -> str:
    """Return the page."""
    kinds = [*KINDS, *(name for name in names("signal") if name not in KINDS)]
    return BEFORE.format(tags=", ".join(TAGS)) + "".join(_section(kind) for kind in kinds)


def _section(kind: str) -> str:
    rows = "".join(_row(told) for told in kind_of(kind).told)
    return (
        f"\n## {KINDS.get(kind, kind)}\n\n| format | suffixes | read | kept | converted | dropped | written |\n"
        f"|---|---|---|---|---|---|---|\n{rows}"
    )


def _row(told: Told) -> str:
    suffixes = " ".join(f"`{suffix}`" for suffix in told.suffixes)
    cells = (told.name, suffixes, told.read, told.kept, told.converted, told.dropped, told.written)
    return "| " + " | ".join(cells) + " |\n"


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(page())
