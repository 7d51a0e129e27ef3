"""What a study says of its results: tables as plain data, and sentences; `markdown` writes them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Table:
    """A table.

    Attributes:
        columns: their heads.
        rows: texts, as many as columns.
        right: whether all columns but the first are set to the right.
    """

    columns: Sequence[str]
    rows: Sequence[Sequence[str]]
    right: bool = False

    def __str__(self) -> str:
        rule = ["---", *["---:" if self.right else "---"] * (len(self.columns) - 1)]
        body = ["| " + " | ".join(row) + " |" for row in [self.columns, *self.rows]]
        return "\n".join([body[0], f"|{'|'.join(rule)}|", *body[1:]])


Block = str | Table
"""A table, or a heading or a paragraph of Markdown."""


def markdown(blocks: Iterable[Block]) -> str:
    """Return blocks as Markdown."""
    return "\n\n".join(map(str, blocks))


def source(made: Mapping[str, Any], *more: str) -> str:
    """Return the sentence on where results come from: command, date, commit and machine, and what else there is."""
    return (
        ", ".join(
            [f"`{made['command']}`", made["date"], f"commit {made['commit']}", made["processor"], *more]
        )
        + "."
    )
