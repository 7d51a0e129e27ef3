"""What the user chooses about an adaptation, as validated values; nothing here needs an init or torch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, TypedDict, Unpack

from inrfit.config import FitConfig, PartitionConfig, ReadConfig, require, settings
from inrfit.meta.config import SOLVES
from inrfit.registry import every, knows, names, unknown

OPTIMISERS = ("auto", "learned", *names("optimiser"))
"""What `--optimiser` may be."""

ADAPTS = ("own", "all")
"""What `--adapt` may be."""

FEW = 20
"""Steps up to which the rate stays the same: the usual cosine takes some to warm up."""

DIVIDING = ("partition", "grid", "heads", "cell", "segmenter")
FITTING = (
    *("lr", "schedule", "points", "sampling", "overlap", "max_time", "target_psnr", "seed", "threads"),
    *("memory", "weights", "kernel"),
)
READING = ("resolution", "spacing", "target", "range", "nodata", "metadata")
OWN = ("optimiser", "adapt", "solve")


class AdaptOptions(TypedDict, total=False):
    """The words of `inrfit.adapt` and of the command line; those of a fit mean what they mean there."""

    optimiser: str
    adapt: str
    solve: str | None
    partition: str
    grid: tuple[int, ...] | None
    heads: int | None
    cell: int | tuple[int, ...] | None
    segmenter: str
    resolution: int
    spacing: tuple[float, ...] | None
    metadata: bool
    target: str
    range: str | tuple[float, ...]
    nodata: str | float | None
    lr: float | None
    schedule: str
    points: int | None
    sampling: str
    overlap: int | tuple[int, ...]
    max_time: float | None
    target_psnr: float | None
    seed: int
    threads: int | None
    memory: int
    weights: str
    kernel: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AdaptConfig:
    """How an init becomes the field of a signal.

    Attributes:
        steps: how many; those that were trained when None, 0 for the start itself.
        optimiser: "learned" (the init's own steps and rates; beyond those trained, the rates of the last), a name of
            the registry, or "auto": the init's own steps as far as they were trained, then "sgd" for up to `FEW` more
            and "adam" for more than that; for inits that were not trained for steps "adam" from the first one on.
        adapt: "own" (what the init adapts) or "all" (after the init's own steps all weights of each region).
        solve: steps that are the closed form of the output layer; those of the init when None.
        divided: words of the partition that the user gave; those of the init fill in the rest.
        fit: all that a fit knows as well.
        read: how the file is read.
        given: words that the user gave.
    """

    steps: int | None = None
    optimiser: str = "auto"
    adapt: str = "own"
    solve: str | None = None
    divided: Mapping[str, Any]
    fit: FitConfig
    read: ReadConfig
    given: frozenset[str]

    def __post_init__(self) -> None:
        require(
            self.steps is None or 0 <= self.steps < 1 << 31,
            f"--steps {self.steps} must be at least 0",
            hint="0 gives the start of the init as it is",
        )
        for label, value, allowed in (
            ("adapt", self.adapt, ADAPTS),
            ("solve", self.solve, SOLVES),
        ):
            if value is not None and value not in allowed:
                raise unknown(value, allowed, option=f"--{label}")
        if self.optimiser not in OPTIMISERS and not knows("optimiser", self.optimiser):
            raise unknown(self.optimiser, ("auto", "learned", *every("optimiser")), option="--optimiser")

    def partition(self, usual: PartitionConfig) -> PartitionConfig:
        """Return how a signal is divided: as the init was trained, but for what the user says."""
        words = {word: value for word, value in self.divided.items() if value is not None}
        if not words or set(words) == {"segmenter"}:
            return replace(usual, **words)
        if "partition" not in words:
            by_shape = {"grid", "cell"}.intersection(words)
            keeps = usual.rule == "seg" and not by_shape
            words["partition"] = "seg" if keeps else "grid"
        words.setdefault("segmenter", usual.segmenter)
        if words["partition"] == usual.rule and not {"grid", "heads", "cell"}.intersection(words):
            return replace(usual, segmenter=words["segmenter"])
        return settings(**words).partition


def configured(steps: int | None = None, **options: Unpack[AdaptOptions]) -> AdaptConfig:
    """Sort option words into a configuration.

    Raises:
        ConfigError: an unknown word, or a value that is not allowed.
    """
    for word in options:
        if word not in AdaptOptions.__annotations__:
            raise unknown(word, tuple(AdaptOptions.__annotations__), option="option")
    given: dict[str, Any] = dict(options)

    def chosen(names: tuple[str, ...]) -> dict[str, Any]:
        return {word: given[word] for word in names if word in given}

    divided = chosen(DIVIDING)
    settings(**divided)  # says at once what cannot be
    return AdaptConfig(
        steps=steps,
        **chosen(OWN),
        divided=divided,
        fit=FitConfig(**{"schedule": "constant", **chosen(FITTING)}),
        read=ReadConfig(**chosen(READING)),
        given=frozenset(word for word, value in given.items() if value is not None),
    )
