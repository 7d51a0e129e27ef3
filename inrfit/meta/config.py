"""What the user chooses about meta-training and about adapting to an init, as validated values."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Annotated, Any

from inrfit import texts
from inrfit.errors import require
from inrfit.fitting.config import RUN, FitConfig
from inrfit.fitting.settings import settings
from inrfit.io.config import ReadConfig
from inrfit.meta.presets import META_DEFAULTS, META_PRESETS, METHOD_DEFAULTS
from inrfit.partitions.config import PartitionConfig
from inrfit.words import Word, check

LEARNING, HYPER = "Learning", "Hypernetworks and composers"

ORDERS = ("second", "first")
RATES = ("parameter", "tensor", "fixed", "linear")
LOSSES = ("region", "signal")
SOLVES = ("none", "first", "last", "both")
VIEWS = ("crop", "whole")
FACTORS = ("uv", "v", "unvn", "uov")
PRECISIONS = ("float32", "bfloat16")

ADAPTS = ("own", "all")
"""What `--adapt` may be."""

FEW = 20
"""Steps up to which the rate of an adaptation stays the same: the usual cosine takes some to warm up."""


def by_kind(name: str) -> str:
    """Return the default of a word that goes by the kind of signal, for its help."""
    found = {kind: f"{words[name]:g}" for kind, words in META_DEFAULTS.items() if name in words}
    if len(found) == len(META_DEFAULTS) and len(set(found.values())) == 1:
        return found["image"]
    return ", ".join(f"{value} for {kind}" for kind, value in found.items())


def _learning(text: str, **told: Any) -> Word:
    return Word(help=text, panel=LEARNING, **told)


def _rate(text: str) -> Word:
    return _learning(text, above=0, below=1e9)


def _hyper(text: str, most: int) -> Word:
    return Word(help=text, panel=HYPER, least=1, most=most)


@dataclass(frozen=True, slots=True, kw_only=True)
class MetaConfig:
    """How an init is learned; the help of each word says what it is.

    Attributes:
        inner_steps: the outer loop looks through them.
        rates: one for each number and step ("parameter", kept positive), one for each stack and step ("tensor"), none
            ("fixed"), or for each number and step with either sign ("linear", as published).
        order: "second" is through the inner gradients.
        loss: of a region, the mean over its own samples ("region") or its share of the mean over the signal ("signal",
            as published, where a step then depends on the region's area).
        view: "whole" is all of a signal, its shorter side resized to `size`.
        rank: at most the width.
        factor: of a factor V of the region's own and a learned U ("uv"), of V alone ("v"), of both when both are the
            region's own ("unvn"), or of U and V number by number ("uov").
    """

    method: Annotated[
        str,
        _learning(
            "{names}; {default} by default. The defaults below are those of maml; "
            f"{', '.join(METHOD_DEFAULTS)} have others.",
            metavar="NAME",
            names="meta",
        ),
    ] = "maml"
    steps: Annotated[int, _learning("Outer steps; {default} by default.", least=0, most=1 << 31)] = 1000
    inner_steps: Annotated[
        int,
        _learning(
            "Steps on each signal, after which the error counts; {default} by default.", least=0, most=64
        ),
    ] = 3
    inner_lr: Annotated[
        float, _rate("Rate of the inner steps: where learned rates begin; {default} by default.")
    ] = 0.01
    outer_lr: Annotated[float, _rate("Peak rate of the outer steps; {default} by default.")] = 1e-3
    rates: Annotated[
        str,
        _learning(
            "Which inner rates are learned: {names}. One for each weight and step (parameter, the default; linear: "
            "also below 0, as published), one for each array and step (tensor), none (fixed).",
            metavar="WHAT",
            choices=RATES,
        ),
    ] = "parameter"
    rate_lr: Annotated[
        float,
        _rate("Rate for the logarithms of inner rates, as a factor of --outer-lr; {default} by default."),
    ] = 10.0
    order: Annotated[
        str,
        _learning(
            "Of the outer gradients: {names}; {default} by default. first takes inner gradients for constants, which is "
            "cheaper.",
            metavar="WHICH",
            choices=ORDERS,
        ),
    ] = "second"
    loss: Annotated[
        str,
        _learning(
            "What a region's inner loss is a mean over, its own samples or the whole signal: {names_or}; {default} by "
            "default, for segments signal.",
            metavar="WHAT",
            choices=LOSSES,
        ),
    ] = "region"
    solve: Annotated[
        str,
        _learning(
            "Inner steps that set the output layer in closed form: {names}; {default} by default.",
            metavar="STEP",
            choices=SOLVES,
        ),
    ] = "none"
    batch: Annotated[
        int,
        _learning(
            "Signals in an outer step; {default} by default.",
            name="batch_size",
            least=1,
            most=4096,
            old=("batch",),
        ),
    ] = 4
    size: Annotated[
        int,
        _learning(
            "Samples along each axis of a crop, along the longest side of a shape; by default "
            f"{by_kind('size')}.",
            least=4,
            most=1 << 20,
        ),
    ] = 64
    view: Annotated[
        str,
        _learning(
            "{names_or}: a window of each signal, or of the image once its shorter side is scaled to --size; {default} by "
            "default.",
            metavar="WHAT",
            choices=VIEWS,
        ),
    ] = "crop"
    augment: Annotated[bool, _learning("Do not mirror crops at random.")] = True
    points: Annotated[
        int | None,
        _learning(
            f"Samples drawn of each signal in an outer step; all by default, {by_kind('points')}.",
            metavar="COUNT",
            least=1,
            most=1 << 31,
            reads=texts.count_of,
        ),
    ] = None
    clip: Annotated[float, _rate("Largest norm of an outer gradient; {default} by default.")] = 0.1
    schedule: Annotated[
        str,
        _learning("Of the outer rate: {names}; {default} by default.", metavar="NAME", names="schedule"),
    ] = "cosine"
    seed: Annotated[
        int,
        _learning(
            "Seed of every random number; {default} by default.",
            least=0,
            most=2**63 - 1,
            allowed="a whole number from 0 to 2^63 - 1",
        ),
    ] = 0
    rank: Annotated[
        int, _hyper("Rank of a composer's factor; {default} by default, at most the width.", 1 << 14)
    ] = 64
    factor: Annotated[
        str,
        Word(
            help="How a composer's matrix is made of its factors U and V: {names}; {default} by default.",
            metavar="HOW",
            panel=HYPER,
            choices=FACTORS,
        ),
    ] = "uv"
    patch: Annotated[
        int, _hyper("Samples along each axis of a hypernetwork's token; {default} by default.", 1 << 16)
    ] = 8
    groups: Annotated[int, _hyper("Tokens for each layer of TransINR; {default} by default.", 1 << 14)] = 64
    hyper_features: Annotated[int, _hyper("Width of the transformer; {default} by default.", 1 << 14)] = 192
    hyper_blocks: Annotated[int, _hyper("Blocks of the transformer; {default} by default.", 256)] = 4
    hyper_heads: Annotated[int, _hyper("Attention heads of the transformer; {default} by default.", 256)] = 4
    hyper_dropout: Annotated[
        float, Word(help="Dropout of the transformer; {default} by default.", panel=HYPER, least=0, below=1)
    ] = 0.0

    def __post_init__(self) -> None:
        check(self)
        require(
            self.hyper_features % self.hyper_heads == 0,
            f"--hyper-features {self.hyper_features} must be a multiple of --hyper-heads {self.hyper_heads}",
        )

    def solves(self, number: int) -> bool:
        """Return whether an inner step is the closed form of the output layer."""
        first, last = number == 0, number == self.inner_steps - 1
        return (self.solve in ("first", "both") and first) or (self.solve in ("last", "both") and last)


@dataclass(frozen=True, slots=True, kw_only=True)
class NamedMeta:
    """A word that stands for many others."""

    preset: Annotated[
        str | None,
        Word(
            help="Settings of a paper to start from: {names}. Other options override them.",
            metavar="NAME",
            panel=LEARNING,
            choices=tuple(META_PRESETS),
        ),
    ] = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RunConfig:
    """How a meta-training is run; what is learned depends on `holdout`, `val_every` and `precision` only.

    Attributes:
        val_every: None for about `train.VALIDATIONS` of them.
        precision: "bfloat16" is for matrix products on CUDA.
        memory: bytes.
    """

    holdout: Annotated[
        float,
        _learning(
            "Share of the inputs that is kept for validation; {default} by default. Not with --val.",
            metavar="SHARE",
            least=0,
            below=1,
        ),
    ] = 0.1
    val_every: Annotated[
        int | None,
        _learning(
            "Outer steps between validations; by default so that there are about 20.",
            metavar="STEPS",
            least=1,
        ),
    ] = None
    precision: Annotated[
        str,
        Word(
            help="Of matrix products: {names}; {default} by default. bfloat16 needs CUDA.",
            metavar="TYPE",
            panel=RUN,
            choices=PRECISIONS,
        ),
    ] = "float32"
    memory: Annotated[
        int,
        Word(
            help="What may be kept of decoded signals; 2G by default.",
            metavar="SIZE",
            panel=RUN,
            least=1 << 20,
            allowed="at least 1 MiB",
            reads=texts.bytes_of,
        ),
    ] = 2 << 30
    threads: Annotated[
        int | None,
        Word(help="CPU threads; one per core by default. Results do not depend on it.", panel=RUN, least=1),
    ] = None

    def __post_init__(self) -> None:
        check(self)


@dataclass(frozen=True, slots=True, kw_only=True)
class AdaptConfig:
    """How an init becomes the field of a signal; the help of each word says what it is.

    Attributes:
        optimiser: beyond the steps that were trained, "learned" takes the rates of the last.
        adapt: "all" comes after the init's own steps.
        divided: words of the partition that the user gave; those of the init fill in the rest.
        fit: all that a fit knows as well.
        read: how the file is read.
        given: words that the user gave.
    """

    steps: Annotated[
        int | None,
        Word(
            help="Steps to take; as many as the init was trained for by default, 0 for its start as it is.",
            least=0,
            below=1 << 31,
            allowed="at least 0",
            hint="0 gives the start of the init as it is",
        ),
    ] = None
    optimiser: Annotated[
        str,
        Word(
            help="{names}. learned: the steps and rates of the init. auto: those first, as many as were trained, then sgd "
            f"for up to {FEW} more, or adam for more than that; adam from the first step on where the init was not "
            "trained for steps.",
            metavar="NAME",
            names="optimiser",
            choices=("auto", "learned"),
        ),
    ] = "auto"
    adapt: Annotated[
        str,
        Word(
            help="{names_or}: what the init adapts, or, after the steps it was trained for, all weights.",
            metavar="WHAT",
            choices=ADAPTS,
        ),
    ] = "own"
    solve: Annotated[
        str | None,
        Word(
            help="Steps that set the output layer to its best, in closed form: {names}; as the init was trained by default.",
            metavar="WHEN",
            choices=SOLVES,
        ),
    ] = None
    reference: Annotated[
        bool,
        Word(
            name="reference_init",
            help="Keep only what adapted in the file, which then needs the init to be decoded, beside it or named with "
            "--init.",
            old=("reference",),
        ),
    ] = False
    divided: Mapping[str, Any]
    fit: FitConfig
    read: ReadConfig
    given: frozenset[str]

    def __post_init__(self) -> None:
        check(self)

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
