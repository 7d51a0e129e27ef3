"""What the user chooses, as validated values: partition, model and fit; presets are functions of them."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, TypedDict, Unpack

from inrfit.errors import ConfigError
from inrfit.presets import DEFAULT_EFFORT, EFFORTS, OF_MODEL, PRESETS, SMALL_IMAGE
from inrfit.registry import check, unknown

if TYPE_CHECKING:
    from inrfit.domain import Domain

CELL = EFFORTS[DEFAULT_EFFORT]["cell"]
"""Nominal side of a grid's cells, in samples, when nothing else sets it."""

PARTITION_RULES = ("none", "grid", "seg")
"""Rules that have a name; a path stands for the rule `labels`."""


def require(condition: bool, message: str, *, hint: str | None = None) -> None:
    """Raise a ConfigError with `message` unless `condition` holds."""
    if not condition:
        raise ConfigError(message, hint=hint)


TARGETS = ("sdf", "occupancy")
"""What can be fitted of a shape."""

LEAST_RESOLUTION = 8
"""Fewest samples along the longest side of a shape."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadConfig:
    """How a file becomes a signal.

    Attributes:
        kind: signal kind of the registry; None lets the suffix decide, then the content.
        sound: what becomes of the sound track of a clip: "fit" (a field of its own), "copy" (its bytes) or "none".
        target: what is fitted of a shape: "sdf" (signed distance) or "occupancy".
        resolution: samples along the longest side of a shape.
        lattice: samples on which a shape is read, in place of those that its box and `resolution` give.
        spacing: units per sample on each axis of a volume, slowest first, or one for all; None for 1.
        range: samples (low, high) that become -1 and 1, others are clipped; "type" for the range of the sample type,
            "data" for that of the samples, "auto" for the former where a quarter of it is used. It is the peak of the PSNR.
        nodata: sample that stands for "no data"; "none" where no finite one does; None goes by what the file declares,
            and by what lies far outside of all others. Samples that are no data are not fitted.
        metadata: keep what tells of the source: the EXIF block, title, artist and so on. A colour profile is always kept.
    """

    kind: str | None = None
    sound: str = "fit"
    target: str = "sdf"
    resolution: int = 256
    lattice: Domain | None = None
    spacing: tuple[float, ...] | None = None
    range: str | tuple[float, ...] = "auto"
    nodata: str | float | None = None
    metadata: bool = True

    def __post_init__(self) -> None:
        if self.kind is not None:
            check("signal", self.kind, option="--kind")
        for label, value, allowed in (
            ("sound", self.sound, ("fit", "copy", "none")),
            ("target", self.target, TARGETS),
        ):
            if value not in allowed:
                raise unknown(value, allowed, option=f"--{label}")
        require(
            LEAST_RESOLUTION <= self.resolution <= 2048,
            f"--resolution {self.resolution} must lie between 8 and 2048 samples",
            hint="256 is the default; twice as many take about four times as long",
        )
        require(
            self.spacing is None
            or (0 < len(self.spacing) <= 8 and all(1e-30 < s < 1e30 for s in self.spacing)),
            f"--spacing {','.join(f'{s:g}' for s in self.spacing or ())} must be positive units per sample, one for each axis or one for all",
            hint="for example --spacing 2.5,0.7,0.7",
        )
        given = self.range
        require(
            given in ("auto", "type", "data") if isinstance(given, str) else _rises(given),
            f"--range {given if isinstance(given, str) else ':'.join(f'{end:g}' for end in given)} is not a range",
            hint="give auto, type, data, or the lowest and the highest sample, for example --range 0:4095",
        )
        require(
            self.nodata is None or self.nodata == "none" or isinstance(self.nodata, int | float),
            f"--nodata {self.nodata} is not a sample",
            hint="give the number that stands for no data, for example --nodata -9999, or none",
        )


def _rises(ends: tuple[float, ...]) -> bool:
    """Return whether two finite numbers go from a lower to a higher one."""
    return len(ends) == 2 and -1e38 < ends[0] < ends[1] < 1e38


@dataclass(frozen=True, slots=True, kw_only=True)
class PartitionConfig:
    """How a signal is divided.

    Attributes:
        rule: "none", "grid", "seg" or "labels" (a name of the registry).
        grid: cells per axis, rows first; None lets `heads` or the rule decide.
        heads: number of regions wanted; None lets the rule decide.
        segmenter: over-segmentation that `seg` starts from.
        labels: path of the label image for the rule "labels".
        cell: nominal side of a grid's cells in samples, one for all axes or one for each; None takes `CELL`. Used when
            neither `grid` nor `heads` is given.
    """

    rule: str = "grid"
    grid: tuple[int, ...] | None = None
    heads: int | None = None
    segmenter: str = "hfs"
    labels: str | None = None
    cell: int | tuple[int, ...] | None = None

    def __post_init__(self) -> None:
        check("partition", self.rule)
        check("segmenter", self.segmenter)
        sides = (self.cell,) if isinstance(self.cell, int) else self.cell
        require(
            sides is None or min(sides) >= 1,
            f"--cell {'x'.join(map(str, sides or ()))} must be at least 1 sample on each axis",
        )
        require(self.heads is None or self.heads >= 1, f"--heads {self.heads} must be at least 1")
        require(
            self.grid is None or min(self.grid) >= 1,
            f"--grid {'x'.join(map(str, self.grid or ()))} needs at least one cell on each axis",
            hint="write rows x columns, for example --grid 8x8",
        )
        require(
            self.grid is None or self.heads is None,
            "--grid and --heads both set the number of regions",
            hint="give one of them",
        )
        require(
            self.cell is None or (self.grid is None and self.heads is None),
            f"--cell and {'--heads' if self.grid is None else '--grid'} both set the number of regions",
            hint="give one of them",
        )
        require(
            self.cell is None or self.rule == "grid",
            f"--cell needs --partition grid, not {self.rule}",
            hint="give the number of segments with --heads",
        )
        require(
            self.grid is None or self.rule == "grid",
            f"--grid needs --partition grid, not {self.rule}",
            hint="give the number of segments with --heads",
        )
        require(
            self.heads is None or self.rule not in ("none", "labels"),
            f"--heads needs --partition grid or seg, not {self.rule}",
        )


MAX_LEVELS, MAX_FEATURE_CHANNELS = 7, 64
"""Most lattices of a feature grid, and most numbers at a point of one."""

MAX_LATTICE = 1 << 26
"""Most features of a region."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelConfig:
    """The network of one region, or of the signal where there is one region.

    Attributes:
        name: "mlp" (one region), "partitioned" (one network per region), "local-global" (the same, with a shared
            trunk and merge), "composer" (one network whose layer `modulated` each region has of its own) or "feature-grid"
            (lattices of features per region, and one network that reads them); None picks "mlp" or "partitioned" by
            the partition.
        activation: a name of the registry.
        hidden_features: width of a hidden layer, per region; None sizes it from `params`.
        hidden_layers: hidden-to-hidden layers: 3 means an input layer, 3 hidden layers and a linear output.
        first_omega_0, hidden_omega_0: frequency factor of the first and of the other activations; None takes
            the activation's own, which for the first layer of a local frame grows with the size of the regions.
            For `gauss` it is the width factor, for `relu` it has no meaning.
        scale_0: envelope factor of `wire`.
        encoding: what the first layer sees: "none", "harmonic", "rff" or "geometric".
        bands: frequencies per axis of `harmonic`.
        features: frequencies of `rff`, or of `geometric` over all axes; they yield twice as many inputs.
        sigma: standard deviation of the `rff` frequencies, in periods per unit coordinate: about 1 suits the local
            frame of a region of 32 samples, 10 the global frame of a photo. Of `geometric` the ratio of the highest to
            the lowest frequency, which is half a period per unit coordinate.
        output: "linear" or "sigmoid".
        frame: coordinates the networks see: "global" ([-1, 1] over the signal) or "local" (over the region).
        trunk_features: width of the shared trunk of `local-global`; None sizes it from `global_share`. 0 for models
            without one.
        trunk_frame: coordinates the trunk sees: "global" or "local".
        trunk_omega_0: frequency factor of the trunk's first activation; None takes the activation's own, or that of the
            regions where the trunk sees local frames.
        modulated: layer of `composer` whose weight each region has of its own, from 0 (the input layer).
        global_share: share of the weights that all regions share, trunk and merge; used when `trunk_features` is None.
        pitch: samples between the points of the finest lattice of `feature-grid`, on every axis; None sizes it from
            `params`, or takes 2.
        levels: lattices of `feature-grid`, each with half the intervals of the one before; 0 for as many as fit, at most
            7. 0 for models without one.
        feature_channels: numbers at each point of a lattice.
        lattice: points of the finest lattice along each axis; filled in by `sizing.resolve`.
        extent: coordinate in a region's own frame of the last points along each axis; filled in likewise, and empty
            for 1 on every axis.
        params: upper bound for the number of weights; used when `hidden_features` is None.
        budget: upper bound that need not be met closely, a default of a kind of signal; used when neither is given.
        weights_per_sample: bound as a share of the samples; used when none of the three is given.
    """

    name: str | None = None
    activation: str = "sine"
    hidden_features: int | None = None
    hidden_layers: int = EFFORTS[DEFAULT_EFFORT]["hidden_layers"]
    first_omega_0: float | None = None
    hidden_omega_0: float | None = None
    scale_0: float = 3.0
    encoding: str = "none"
    bands: int = 6
    features: int = 16
    sigma: float = 1.0
    output: str = "linear"
    frame: str = "local"
    trunk_features: int | None = None
    trunk_frame: str = "local"
    trunk_omega_0: float | None = None
    modulated: int = 1
    global_share: float = 0.1
    pitch: float | None = None
    levels: int = 0
    feature_channels: int = 1
    lattice: tuple[int, ...] = ()
    extent: tuple[float, ...] = ()
    params: int | None = None
    budget: int | None = None
    weights_per_sample: float = 0.5

    def __post_init__(self) -> None:
        if self.name is not None:
            check("model", self.name)
        check("activation", self.activation)
        check("encoding", self.encoding)
        check("output", self.output)
        for label, frame in (("frame", self.frame), ("trunk-frame", self.trunk_frame)):
            require(frame in ("global", "local"), f"--{label} {frame!r} must be 'global' or 'local'")
        for label, value, most in (
            ("hidden-features", self.hidden_features, 1 << 16),
            ("trunk-features", self.trunk_features or None, 1 << 16),
            ("params", self.params, 1 << 40),
            ("bands", self.bands, 512),
            ("features", self.features, 1 << 16),
        ):
            require(value is None or 1 <= value <= most, f"--{label} {value} must lie between 1 and {most}")
        require(
            0 <= self.hidden_layers <= 64, f"--hidden-layers {self.hidden_layers} must lie between 0 and 64"
        )
        require(0 <= self.modulated <= 65, f"--modulated {self.modulated} must lie between 0 and 65")
        require(
            self.hidden_features is None or self.params is None or self.name in WITH_GRID,
            "--hidden-features and --params both set the width",
            hint="give one of them",
        )
        require(
            self.pitch is None or self.params is None,
            "--pitch and --params both set the number of features",
            hint="give one of them",
        )
        require(0 <= self.levels <= MAX_LEVELS, f"--levels {self.levels} must lie between 1 and {MAX_LEVELS}")
        require(
            1 <= self.feature_channels <= MAX_FEATURE_CHANNELS,
            f"--feature-channels {self.feature_channels} must lie between 1 and {MAX_FEATURE_CHANNELS}",
        )
        require(
            self.pitch is None or 0.25 <= self.pitch <= 4096,
            f"--pitch {self.pitch} must lie between 0.25 and 4096 samples",
        )
        for label, number in (
            ("first-omega-0", self.first_omega_0),
            ("hidden-omega-0", self.hidden_omega_0),
            ("trunk-omega-0", self.trunk_omega_0),
            ("scale-0", self.scale_0),
            ("sigma", self.sigma),
            ("weights-per-sample", self.weights_per_sample),
        ):
            require(number is None or 0 < number < 1e6, f"--{label} {number} must lie between 0 and 1e6")
        require(0 < self.global_share < 1, f"--global-share {self.global_share} must lie between 0 and 1")


@dataclass(frozen=True, slots=True, kw_only=True)
class FitConfig:
    """How weights are found.

    Attributes:
        steps: optimiser steps.
        lr: peak learning rate of Adam; None takes one that suits the width.
        optimiser: "soap" (Adam in the eigenbasis of what each layer reads), "adam" or "sgd" (plain descent).
        beta1, beta2: decay of Adam's running means of gradients and of their squares, 0 to 1; lower follows a fit that
            changes fast.
        schedule: "cosine" (to zero over the steps) or "constant".
        points: samples drawn per step over all regions, at least one in each; None uses every sample in every step.
        sampling: how `points` are divided among the regions: "error" (where the error is) or "uniform" (by area).
        overlap: samples around each region that its network learns as well, so that neighbours agree at their border:
            one number for all axes, or one for each.
        max_time: seconds; the first steps are timed and the number of steps is then fixed to fit. Measuring and writing
            the result come on top.
        target_psnr: dB; stop as soon as the file, decoded to its output type, reaches it.
        seed: seed of every random number.
        threads: worker threads on the CPU; None takes one per core. The result does not depend on it.
        memory: bytes the fit may keep for coordinates and targets; beyond it they are made anew each step.
        span: the coordinates of the global frame run over [-span, span].
        weights: type of the stored weights: "quantised" (integers with steps that keep the quality, entropy-coded),
            "float16" or "float32".
        rate: 0 for quantised weights as good as float32 ones. Else bits are saved wherever they lower the error least:
            the percent by which the error may grow for one percent fewer bits, 0.1 to 100. None takes 0, or where a size
            or a quality is asked for `fitting.rate.SAVING`.
        quality: 0 to 100: what a bit may cost (see `fitting.rate.price_of`), and how many weights there are for each sample.
        target_size: bytes of the file, at most.
        target_bpp: the same in bits per sample.
        kernel: how networks are run, a name of the registry; "auto" takes the fastest that is known to be right.
    """

    steps: int = EFFORTS[DEFAULT_EFFORT]["steps"]
    lr: float | None = None
    optimiser: str = "soap"
    beta1: float = 0.8
    beta2: float = 0.8
    schedule: str = "cosine"
    points: int | None = None
    sampling: str = "error"
    overlap: int | tuple[int, ...] = 0
    max_time: float | None = None
    target_psnr: float | None = None
    seed: int = 0
    threads: int | None = None
    memory: int = 2 << 30
    span: float = 1.0
    weights: str = "quantised"
    rate: float | None = None
    quality: float | None = None
    target_size: int | None = None
    target_bpp: float | None = None
    kernel: str = "auto"

    def __post_init__(self) -> None:
        check("schedule", self.schedule)
        if self.kernel != "auto":
            check("kernel", self.kernel)
        require(self.steps >= 1, f"--steps {self.steps} must be at least 1")
        require(self.lr is None or 0 < self.lr < 1e6, f"--lr {self.lr} must lie between 0 and 1e6")
        check("optimiser", self.optimiser)
        for label, beta in (("beta1", self.beta1), ("beta2", self.beta2)):
            require(0 <= beta < 1, f"--{label} {beta} must be at least 0 and below 1")
        require(self.points is None or self.points >= 1, f"--points {self.points} must be at least 1")
        require(
            self.sampling in ("uniform", "error"),
            f"--sampling {self.sampling!r} must be 'uniform' or 'error'",
        )
        margins = (self.overlap,) if isinstance(self.overlap, int) else self.overlap
        require(
            bool(margins) and all(0 <= margin <= 4096 for margin in margins),
            f"--overlap {','.join(map(str, margins))} must lie between 0 and 4096 samples",
        )
        require(
            self.max_time is None or self.max_time > 0, f"--max-time {self.max_time} must be positive seconds"
        )
        require(
            self.target_psnr is None or 0 < self.target_psnr <= 100,
            f"--target-psnr {self.target_psnr} must lie between 0 and 100 dB",
        )
        require(0 <= self.seed < 2**63, f"--seed {self.seed} must be a whole number from 0 to 2^63 - 1")
        require(self.threads is None or self.threads >= 1, f"--threads {self.threads} must be at least 1")
        require(1e-3 <= self.span <= 1e3, f"--span {self.span} must lie between 0.001 and 1000")
        require(self.memory >= 1 << 20, f"--memory {self.memory} must be at least 1 MiB")
        require(
            self.weights in ("quantised", "float16", "float32"),
            f"--weights {self.weights!r} must be 'quantised', 'float16' or 'float32'",
        )
        self._check_rate()

    def _check_rate(self) -> None:
        """Refuse rates and targets that cannot be, or that contradict each other."""
        require(
            not self.rate or 0.1 <= self.rate <= 100,
            f"--rate {self.rate} must be 0, or lie between 0.1 and 100",
        )
        require(
            self.quality is None or 0 <= self.quality <= 100,
            f"--quality {self.quality} must lie between 0 and 100",
        )
        require(
            self.target_size is None or 1 <= self.target_size < 1 << 40,
            f"--target-size {self.target_size} must be at least 1 byte",
        )
        require(
            self.target_bpp is None or 0 < self.target_bpp <= 1000,
            f"--target-bpp {self.target_bpp} must lie between 0 and 1000 bits per sample",
        )
        words = ("quality", "target_size", "target_bpp", "target_psnr")
        given = [f"--{word.replace('_', '-')}" for word in words if getattr(self, word) is not None]
        require(
            len(given) <= 1, f"{' and '.join(given)} each say how large the file is", hint="give one of them"
        )
        sized = bool(given) and given[0] != "--target-psnr"
        require(
            not self.rate or self.target_psnr is None,
            f"--rate {self.rate} and --target-psnr both say what bits are worth",
            hint="give one of them",
        )
        require(
            self.rate != 0 or not sized,
            f"--rate 0 saves no bits, which {given[0] if given else ''} asks for",
            hint="leave --rate out",
        )
        require(
            self.weights == "quantised" or not (sized or self.rate),
            f"{given[0] if given else '--rate'} needs quantised weights, not {self.weights}",
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


class FitOptions(TypedDict, total=False):
    """The words of `inrfit.fit` and of the command line; see the three configurations for what they mean.

    `partition` is a rule's name or the path of a label image. `preset`
    or `effort` fills in what is not given.
    """

    kind: str | None
    sound: str
    target: str
    resolution: int
    spacing: tuple[float, ...] | None
    range: str | tuple[float, ...]
    nodata: str | float | None
    metadata: bool
    partition: str
    grid: tuple[int, ...] | None
    heads: int | None
    cell: int | tuple[int, ...] | None
    segmenter: str
    preset: str | None
    effort: int | None
    model: str | None
    activation: str
    hidden_features: int | None
    hidden_layers: int
    first_omega_0: float | None
    hidden_omega_0: float | None
    scale_0: float
    encoding: str
    bands: int
    features: int
    sigma: float
    output_activation: str
    frame: str
    trunk_features: int | None
    trunk_frame: str
    trunk_omega_0: float | None
    modulated: int
    global_share: float
    pitch: float | None
    levels: int
    feature_channels: int
    params: int | None
    weights_per_sample: float
    steps: int
    lr: float | None
    optimiser: str
    beta1: float
    beta2: float
    schedule: str
    points: int | None
    sampling: str
    overlap: int | tuple[int, ...]
    max_time: float | None
    target_psnr: float | None
    seed: int
    threads: int | None
    memory: int
    span: float
    weights: str
    rate: float | None
    quality: float | None
    target_size: int | None
    target_bpp: float | None
    kernel: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """The four configurations of a fit."""

    read: ReadConfig
    partition: PartitionConfig
    model: ModelConfig
    fit: FitConfig


MODEL_WORDS = {"model": "name", "output_activation": "output"}
"""Option words that differ from the field of the configuration they set."""

READ_WORDS = ("sound", "target", "resolution", "spacing", "range", "nodata")
"""Words of `ReadConfig` that mean something for some kinds of signal only."""

SIZE_WORDS = ("quality", "target_size", "target_bpp")
"""Option words that ask for a small file."""

WITH_TRUNK = ("local-global",)
"""Models whose regions share a trunk."""

SHARED_WORDS = ("trunk_features", "trunk_frame", "trunk_omega_0", "global_share")
"""Option words for the weights that regions share, which only models `WITH_TRUNK` have."""


WITH_GRID = ("feature-grid",)
"""Models whose regions have lattices of features."""

GRID_WORDS = ("pitch", "levels", "feature_channels")
"""Option words for lattices of features, which only models `WITH_GRID` have."""


def settings(defaults: Mapping[str, object] | None = None, **options: Unpack[FitOptions]) -> Settings:
    """Sort option words into the four configurations; a preset, an effort and the defaults fill in the rest.

    Args:
        defaults: words that fill in what is said by nothing else: those of the kind of signal.
        options: what the user says.

    Raises:
        ConfigError: an unknown word, or a value that is not allowed.
    """
    given: dict[str, object] = dict(options)
    preset = given.pop("preset", None)
    small = {word: value for word, value in _saving(given).items() if given.get(word) is None}
    given = {**given, **small}
    if preset is not None:
        if preset not in PRESETS:
            raise unknown(str(preset), tuple(PRESETS), option="--preset")
        given = {**PRESETS[str(preset)](given), **given}
    effort = given.pop("effort", None)
    if effort is not None:
        given = {**_effort(effort, given, defaults or {}), **given}
        require(
            preset is None,
            f"--effort {effort} and --preset {preset} both decide how much is done",
            hint="give one of them",
        )
    if preset is None:
        given = {**_fitting(defaults or {}, given), **given}
    given = {**given, **_of_model(options, given, defaults or {}), **small}
    _check_shared(options, given.get("model"))
    _check_grid(options, given.get("model"))
    if given.get("model") == "mlp":
        given.setdefault("partition", "none")
    parts: dict[str, dict[str, object]] = {"read": {}, "partition": {}, "model": {}, "fit": {}}
    for word, value in given.items():
        if word == "partition":
            parts["partition"] |= _rule(str(value))
        elif word in ("grid", "heads", "cell", "segmenter"):
            parts["partition"][word] = value
        elif word in ReadConfig.__dataclass_fields__:
            parts["read"][word] = value
        elif word in FitConfig.__dataclass_fields__:
            parts["fit"][word] = value
        elif (name := MODEL_WORDS.get(word, word)) in ModelConfig.__dataclass_fields__:
            parts["model"][name] = value
        else:
            raise ConfigError(
                f"unknown option {word!r}", hint=f"known: {', '.join(FitOptions.__annotations__)}"
            )
    return Settings(
        read=ReadConfig(**parts["read"]),  # type: ignore[arg-type]
        partition=PartitionConfig(**parts["partition"]),  # type: ignore[arg-type]
        model=ModelConfig(**parts["model"]),  # type: ignore[arg-type]
        fit=FitConfig(**parts["fit"]),  # type: ignore[arg-type]
    )


def _saving(given: Mapping[str, object]) -> dict[str, object]:
    """Return what fills in where an image is to become a small file and nothing is said of the network."""
    wanted = any(given.get(word) is not None for word in SIZE_WORDS)
    said = any(given.get(word) is not None for word in ("model", "hidden_features", "preset", "effort"))
    if not wanted or said or given.get("kind") != "image" or given.get("partition", "grid") != "grid":
        return {}
    filled = dict(SMALL_IMAGE)
    if _divided(given):
        del filled["cell"]
    return filled


def _fitting(defaults: Mapping[str, object], given: Mapping[str, object]) -> dict[str, object]:
    """Return the defaults of a kind that do not contradict what is given: each way to divide or to size is one."""
    left = dict(defaults)
    if _divided(given):
        left.pop("cell", None)
    if any(given.get(word) is not None for word in ("hidden_features", "params", "weights_per_sample")):
        left.pop("params", None)
        left.pop("budget", None)
    return left


def _divided(given: Mapping[str, object]) -> bool:
    """Return whether something else than a cell side decides on the regions."""
    named = any(given.get(word) is not None for word in ("grid", "heads", "cell"))
    return named or given.get("partition", "grid") != "grid" or given.get("model") == "mlp"


def divides(options: FitOptions) -> bool:
    """Return whether the user says how a signal is divided, by an option or by a preset."""
    return _divided(options) or options.get("preset") is not None


def _effort(level: object, given: Mapping[str, object], defaults: Mapping[str, object]) -> dict[str, object]:
    """Return what a level of effort fills in: steps and depth, and the side of cells where nothing else divides.

    Raises:
        ConfigError: there is no such level.
    """
    require(
        isinstance(level, int) and level in EFFORTS,
        f"--effort {level} must be a whole number from {min(EFFORTS)} to {max(EFFORTS)}",
        hint=f"higher takes longer and is better; {DEFAULT_EFFORT} is the default",
    )
    filled: dict[str, object] = dict(EFFORTS[level]) if isinstance(level, int) else {}
    if _divided(given) or "cell" in defaults:
        del filled["cell"]
    return filled


def _of_model(
    options: FitOptions, given: Mapping[str, object], defaults: Mapping[str, object]
) -> dict[str, object]:
    """Return what a model fills in where the user says nothing, in place of what suits the others."""
    filled = dict(OF_MODEL.get(str(given.get("model")), {}))
    divided = _divided({**options, "cell": options.get("cell", defaults.get("cell"))})
    if divided or options.get("preset") is not None:
        filled.pop("cell", None)
    return {word: value for word, value in filled.items() if options.get(word) is None}


def _check_grid(options: FitOptions, model: object) -> None:
    """Refuse words for a feature grid that would have no effect, and those that have none for one.

    Raises:
        ConfigError: there is one.
    """
    words = [f"--{word.replace('_', '-')}" for word in GRID_WORDS if options.get(word) is not None]
    require(
        not words or model in WITH_GRID,
        f"{' and '.join(words)} set{'' if len(words) > 1 else 's'} lattices of features, "
        f"which only --model {' or '.join(WITH_GRID)} has",
        hint=f"add --model {WITH_GRID[0]}, or leave this away",
    )
    require(
        options.get("weights_per_sample") is None or model not in WITH_GRID,
        f"--weights-per-sample has no meaning for --model {model}, whose number of weights follows from --pitch",
        hint="use --pitch, or --params for the number of all weights",
    )
    require(options.get("levels") != 0, f"--levels 0 must lie between 1 and {MAX_LEVELS}")


def _check_shared(options: FitOptions, model: object) -> None:
    """Refuse words for shared weights that would have no effect.

    Raises:
        ConfigError: the model shares no weights, or two of the words set the width of its trunk.
    """
    words = [f"--{word.replace('_', '-')}" for word in SHARED_WORDS if options.get(word) is not None]
    require(
        not words or model in WITH_TRUNK,
        f"{' and '.join(words)} set{'' if len(words) > 1 else 's'} weights that regions share, "
        f"which only --model {' or '.join(WITH_TRUNK)} has",
        hint=f"add --model {WITH_TRUNK[0]}, or leave this away",
    )
    require(options.get("trunk_features") != 0, "--trunk-features 0 must lie between 1 and 65536")
    require(
        options.get("trunk_features") is None or options.get("global_share") is None,
        "--trunk-features and --global-share both set the width of the trunk",
        hint="give one of them",
    )


def _rule(value: str) -> dict[str, object]:
    """Read `--partition`: the name of a rule, or the path of a label image."""
    if value in PARTITION_RULES:
        return {"rule": value}
    if Path(value).suffix or os.path.exists(value):  # noqa: PTH110 (Path.exists raises on long names)
        return {"rule": "labels", "labels": value}
    check("partition", value)
    return {"rule": value}
