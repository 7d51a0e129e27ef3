"""What the user chooses about how weights are found, as a validated value."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, ClassVar

from inrfit import texts
from inrfit.errors import require
from inrfit.presets import DEFAULT_EFFORT, EFFORTS, PRESETS
from inrfit.words import Clash, Word, check, option

FITTING, RUN = "Fitting", "Running"

SMALL = ("quality", "target_size", "target_bpp")
"""Words that ask for a small file."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Named:
    """Words that stand for many others."""

    effort: Annotated[
        int | None,
        Word(
            help="How much is done: steps, cell side and depth from the measured front of time and quality; "
            f"{DEFAULT_EFFORT} by default.",
            metavar=f"{min(EFFORTS)}..{max(EFFORTS)}",
            least=min(EFFORTS),
            most=max(EFFORTS),
            allowed=f"a whole number from {min(EFFORTS)} to {max(EFFORTS)}",
            hint=f"higher takes longer and is better; {DEFAULT_EFFORT} is the default",
        ),
    ] = None
    preset: Annotated[
        str | None,
        Word(
            help="Settings to start from: {names} (Partition Matters, Local-Global).",
            metavar="NAME",
            choices=tuple(PRESETS),
        ),
    ] = None


@dataclass(frozen=True, slots=True, kw_only=True)
class FitConfig:
    """How weights are found; the help of each word says what it is.

    Attributes:
        optimiser: "soap" is Adam in the eigenbasis of what each layer reads, "sgd" plain descent.
        beta1, beta2: 0 to 1; lower follows a fit that changes fast.
        schedule: "cosine" falls to zero over the steps.
        points: at least one in each region; None uses every sample in every step.
        sampling: "error" (where the error is) or "uniform" (by area).
        overlap: neighbours then agree at their border.
        max_time: seconds; the first steps are timed and the number of steps is then fixed to fit. Measuring and writing
            the result come on top.
        target_psnr: dB.
        threads: the result does not depend on it.
        memory: bytes; beyond it coordinates and targets are made anew each step.
        weights: "quantised" are integers with steps that keep the quality, entropy-coded.
        saving: None takes 0, or where a size or a quality is asked for `fitting.rate.SAVING`.
        quality: what a bit may cost (see `fitting.rate.price_of`), and how many weights there are for each sample.
        target_size: bytes.
        kernel: "auto" takes the fastest that is known to be right.
    """

    clashes: ClassVar = (Clash(words=(*SMALL, "target_psnr"), what="each say how large the file is"),)

    steps: Annotated[int, Word(help="Optimiser steps; {default} by default.", least=1)] = EFFORTS[
        DEFAULT_EFFORT
    ]["steps"]
    target_psnr: Annotated[
        float | None,
        Word(
            help="Stop as soon as the decoded file reaches it, at most 0.1 dB above.",
            metavar="DB",
            above=0,
            most=100,
            unit="dB",
        ),
    ] = None
    quality: Annotated[
        float | None,
        Word(
            help="Small files: weights by quality, bits saved.",
            metavar="0..100",
            flags=("-q",),
            least=0,
            most=100,
        ),
    ] = None
    target_size: Annotated[
        int | None,
        Word(
            help="The best file of at most so many bytes, such as 60k.",
            metavar="BYTES",
            least=1,
            most=(1 << 40) - 1,
            allowed="at least 1 byte",
            reads=texts.count_of,
        ),
    ] = None
    target_bpp: Annotated[
        float | None,
        Word(
            help="The same in bits per sample: per pixel of an image.",
            metavar="BITS",
            above=0,
            most=1000,
            unit="bits per sample",
        ),
    ] = None
    max_time: Annotated[
        float | None,
        Word(
            help="Do as many steps as fit into it, such as 60s or 5m.",
            metavar="TIME",
            above=0,
            allowed="positive seconds",
            reads=texts.seconds_of,
        ),
    ] = None
    lr: Annotated[
        float | None,
        Word(
            help="Peak learning rate; by default one that suits the width.",
            panel=FITTING,
            above=0,
            below=1e6,
        ),
    ] = None
    optimiser: Annotated[
        str, Word(help="{names}; {default} by default.", metavar="NAME", panel=FITTING, names="optimiser")
    ] = "soap"
    beta1: Annotated[
        float,
        Word(help="Decay of Adam's first moment; {default} by default.", panel=FITTING, least=0, below=1),
    ] = 0.8
    beta2: Annotated[
        float,
        Word(help="Decay of Adam's second moment; {default} by default.", panel=FITTING, least=0, below=1),
    ] = 0.8
    schedule: Annotated[
        str,
        Word(
            help="Of the learning rate: {names}; {default} by default.",
            metavar="NAME",
            panel=FITTING,
            names="schedule",
        ),
    ] = "cosine"
    points: Annotated[
        int | None,
        Word(
            help="Samples drawn per step, such as 50k; all of them by default.",
            metavar="COUNT",
            panel=FITTING,
            least=1,
            reads=texts.count_of,
        ),
    ] = None
    sampling: Annotated[
        str,
        Word(
            help="How --points are divided among the regions: {names_or}; {default} by default.",
            metavar="RULE",
            panel=FITTING,
            choices=("error", "uniform"),
        ),
    ] = "error"
    overlap: Annotated[
        int | tuple[int, ...],
        Word(
            help="Samples around each region that it learns as well, one number or one for each axis such as 1x2x2; "
            "{default} by default.",
            metavar="SAMPLES",
            panel=FITTING,
            least=0,
            most=4096,
            unit="samples",
            reads=texts.one_or_each("2, or 1x2x2"),
        ),
    ] = 0
    span: Annotated[
        float,
        Word(
            help="Coordinates of the global frame run over [-SPAN, SPAN]; {default} by default.",
            panel=FITTING,
            least=0.001,
            most=1000,
        ),
    ] = 1.0
    weights: Annotated[
        str,
        Word(
            help="Type of the stored weights: quantised, float16 or float32; {default} by default.",
            metavar="TYPE",
            panel=FITTING,
            choices=("quantised", "float16", "float32"),
        ),
    ] = "quantised"
    saving: Annotated[
        float | None,
        Word(
            help="Percent by which the error may grow for one percent fewer bits, 0.1 to 100; 0 keeps the quality. "
            "2 where a size or a quality is asked for, 0 otherwise.",
            metavar="PERCENT",
            panel=FITTING,
            old=("rate",),
        ),
    ] = None
    kernel: Annotated[
        str,
        Word(
            help="How networks are run: {names}; by default the fastest that suits the device.",
            metavar="NAME",
            panel=FITTING,
            names="kernel",
            choices=("auto",),
        ),
    ] = "auto"
    seed: Annotated[
        int,
        Word(
            help="Seed of every random number.",
            panel=FITTING,
            least=0,
            most=2**63 - 1,
            allowed="a whole number from 0 to 2^63 - 1",
        ),
    ] = 0
    threads: Annotated[
        int | None,
        Word(help="CPU threads; one per core by default. Results do not depend on it.", panel=RUN, least=1),
    ] = None
    memory: Annotated[
        int,
        Word(
            help="What may be kept of coordinates and targets; 2G by default.",
            metavar="SIZE",
            panel=RUN,
            least=1 << 20,
            allowed="at least 1 MiB",
            reads=texts.bytes_of,
        ),
    ] = 2 << 30

    def __post_init__(self) -> None:
        check(self)
        require(
            not self.saving or 0.1 <= self.saving <= 100,
            f"--saving {self.saving} must be 0, or lie between 0.1 and 100",
        )
        small = next((option(word) for word in SMALL if getattr(self, word) is not None), None)
        require(
            not self.saving or self.target_psnr is None,
            f"--saving {self.saving} and --target-psnr both say what bits are worth",
            hint="give one of them",
        )
        require(
            self.saving != 0 or small is None,
            f"--saving 0 saves no bits, which {small} asks for",
            hint="leave --saving out",
        )
        require(
            self.weights == "quantised" or not (small or self.saving),
            f"{small or '--saving'} needs quantised weights, not {self.weights}",
            hint="leave --weights out",
        )

    def check_axes(self, axes: Sequence[str]) -> None:
        """Refuse an overlap for another number of axes than a signal has.

        Raises:
            ConfigError: it is neither one number nor one for each axis.
        """
        if not isinstance(self.overlap, int):
            require(
                len(self.overlap) == len(axes),
                f"--overlap {'x'.join(map(str, self.overlap))} gives {len(self.overlap)} numbers, the signal has "
                f"{len(axes)} axes ({', '.join(axes)})",
                hint="give one number for all axes, or one for each",
            )
