"""What is told of a file format: what is read of it, what becomes of that and what is written; it reads and writes nothing."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """A row of the page on formats (`python docs/make_formats.py docs/formats.md`).

    Attributes:
        name: of the format, or of some that are alike.
        suffixes: file suffixes.
        read: what is read of it; empty where it is not read.
        kept: what comes back when the same format is written.
        converted: what is read and becomes something else.
        dropped: what is not kept.
        written: how it is written; empty where it is not.
    """

    name: str
    suffixes: tuple[str, ...]
    read: str = ""
    kept: str = ""
    converted: str = ""
    dropped: str = ""
    written: str = ""
