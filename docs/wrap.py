"""`python docs/wrap.py FILE...`: wraps what is wider than 120 in the prose of Markdown pages; tables and code stay."""

from __future__ import annotations

import re
import sys
import textwrap
from pathlib import Path

WIDTH = 120
FENCED = re.compile(r"(^```.*?^```[^\n]*\n)", re.MULTILINE | re.DOTALL)
ITEM = re.compile(r"(\s*)((?:[-*]|\d+\.) )?")
MARK = re.compile(r" (?=(?:\d+\.|[-+*#|])(?: |$))")
"""The space before what would be a list or a heading at the beginning of a line."""


def too_wide(text: str) -> list[str]:
    """Return the lines of prose that are wider than they may be; a picture's is one line in any case."""
    prose = "".join(part for part in FENCED.split(text) if not part.startswith("```"))
    return [line for line in prose.splitlines() if len(line) > WIDTH and not line.startswith(("|", "!["))]


def wrapped(text: str) -> str:
    """Return a page with its wide paragraphs wrapped."""
    return "".join(
        part if part.startswith("```") else "\n\n".join(map(_paragraph, part.split("\n\n")))
        for part in FENCED.split(text)
    )


def _paragraph(block: str) -> str:
    if not too_wide(block) or re.match(r"\s*(\||#|<!--)", block):
        return block
    items: list[str] = []
    for line in block.strip("\n").split("\n"):
        if not items or re.match(r"\s*([-*]|\d+\.) ", line):
            items.append(line)
        else:
            items[-1] += " " + line.strip()
    made = "\n".join(map(_item, items))
    return block.replace(block.strip("\n"), made)


def _item(text: str) -> str:
    found = ITEM.match(text)
    assert found is not None
    indent, mark = found[1], found[2] or ""
    lines = textwrap.wrap(
        MARK.sub("\0", text[len(indent) + len(mark) :].strip()),
        WIDTH,
        initial_indent=indent + mark,
        subsequent_indent=indent + " " * len(mark),
        break_long_words=False,
        break_on_hyphens=False,
    )
    return "\n".join(lines).replace("\0", " ")


if __name__ == "__main__":
    for name in sys.argv[1:]:
        page = Path(name)
        page.write_text(wrapped(page.read_text(encoding="utf-8")), encoding="utf-8")
