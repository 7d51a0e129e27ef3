"""What the user chooses about the division of a signal, as a validated value."""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, ClassVar

from inrfit import registry, texts
from inrfit.presets import DEFAULT_EFFORT, EFFORTS
from inrfit.words import Clash, Only, Word, check

CELL = EFFORTS[DEFAULT_EFFORT]["cell"]
"""Nominal side of a grid's cells, in samples, when nothing else sets it."""

RULES = ("none", "grid", "seg")
"""Rules that have a name for users; a path stands for the rule `labels`."""

DIVIDES = ("partition", "grid", "heads", "cell")
"""Words that say how a signal is divided."""

_GRID = Only(word="partition", values=("grid",))


@dataclass(frozen=True, slots=True, kw_only=True)
class PartitionConfig:
    """How a signal is divided; the help of each word says what it is.

    Attributes:
        rule: a name of the registry; the word is `partition`, which may be the path of a label image.
        labels: that path, for the rule "labels".
        cell: used when neither `grid` nor `heads` is given.
    """

    clashes: ClassVar = (Clash(words=("grid", "heads", "cell"), what="both set the number of regions"),)

    rule: Annotated[
        str,
        Word(
            name="partition",
            help="none, grid, seg, or the path of a label image; {default} by default, none with --model mlp.",
            metavar="RULE",
        ),
    ] = "grid"
    grid: Annotated[
        tuple[int, ...] | None,
        Word(
            help="Rows x columns of cells; as many numbers as there are axes, slowest first. Not with --heads.",
            metavar="RxC",
            least=1,
            allowed="at least one cell on each axis",
            hint="write rows x columns, for example --grid 8x8",
            reads=texts.counts("8x8"),
            only=_GRID,
        ),
    ] = None
    cell: Annotated[
        int | tuple[int, ...] | None,
        Word(
            help=f"Nominal side of a cell in samples, one number or one for each axis; {CELL} by default for an image. "
            "Not with --grid or --heads.",
            metavar="SIDE",
            least=1,
            allowed="at least 1 sample on each axis",
            reads=texts.one_or_each("32, or 8x32x32"),
            only=_GRID,
        ),
    ] = None
    heads: Annotated[
        int | None,
        Word(
            help="Number of regions, near-square for a grid. Not with --grid.",
            least=1,
            only=Only(word="partition", values=("grid", "seg"), never=("none", "labels")),
        ),
    ] = None
    segmenter: Annotated[
        str, Word(help="Over-segmentation of seg: {names}.", metavar="NAME", names="segmenter")
    ] = "hfs"
    labels: str | None = None

    def __post_init__(self) -> None:
        registry.check("partition", self.rule)
        check(self)


def rule_of(value: str) -> dict[str, Any]:
    """Read the word `partition`: the name of a rule, or the path of a label image, as fields of the configuration.

    Raises:
        ConfigError: it is neither a rule nor like a path.
    """
    if value in RULES:
        return {"rule": value}
    if Path(value).suffix or os.path.exists(value):  # noqa: PTH110 (Path.exists raises on long names)
        return {"rule": "labels", "labels": value}
    registry.check("partition", value)
    return {"rule": value}
