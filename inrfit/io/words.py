"""Words of messages that go by a number; it knows nothing of what is counted."""

from __future__ import annotations


def counted(count: int, what: str) -> str:
    """Return a number with the word for what it counts, for example "1 face" or "1,200 faces"."""
    return f"{count:,} {what}{'' if count == 1 else 's'}"


def were(count: int) -> str:
    """Return "was" for one and "were" for others."""
    return "was" if count == 1 else "were"
