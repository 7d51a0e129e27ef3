"""What the user chooses, as validated values: partition, model and fit; presets are functions of them."""

from __future__ import annotations

from dataclasses import dataclass

from inrfit.errors import ConfigError
from inrfit.registry import check

PARTITION_RULES = ("none", "grid", "seg")


def require(condition: bool, message: str, *, hint: str | None = None) -> None:
    """Raise a ConfigError with `message` unless `condition` holds."""
    if not condition:
        raise ConfigError(message, hint=hint)


@dataclass(frozen=True, slots=True, kw_only=True)
class PartitionConfig:
    """How a signal is divided.

    Attributes:
        rule: "none", "grid", "seg" or "labels" (a name of the registry).
        grid: cells per axis, rows first; None lets `heads` or the rule decide.
        heads: number of regions wanted; None lets the rule decide.
        segmenter: over-segmentation that `seg` starts from.
        labels: path of the label image for the rule "labels".
        cell: nominal cell side in samples when neither `grid` nor `heads` is given.
    """

    rule: str = "grid"
    grid: tuple[int, ...] | None = None
    heads: int | None = None
    segmenter: str = "hfs"
    labels: str | None = None
    cell: int = 32

    def __post_init__(self) -> None:
        check("partition", self.rule)
        check("segmenter", self.segmenter)
        require(self.cell >= 1, f"cell {self.cell} must be at least 1 sample")
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
            self.grid is None or self.rule == "grid",
            f"--grid needs --partition grid, not {self.rule}",
            hint="give the number of segments with --heads",
        )
        require(
            self.heads is None or self.rule in ("grid", "seg"),
            f"--heads needs --partition grid or seg, not {self.rule}",
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelConfig:
    """The network of one region, or of the signal where there is one region.

    Attributes:
        name: "mlp" (one region) or "partitioned" (one network per region); None picks by the partition.
        activation: a name of the registry.
        hidden_features: width of a hidden layer, per region; None sizes it from `params`.
        hidden_layers: hidden-to-hidden layers: 3 means an input layer, 3 hidden layers and a linear output.
        first_omega_0, hidden_omega_0: frequency factor of the first and of the other activations; None takes
            the activation's own. For `gauss` it is the width factor, for `relu` it has no meaning.
        scale_0: envelope factor of `wire`.
        encoding: what the first layer sees: "none", "harmonic" or "rff".
        bands: frequencies per axis of `harmonic`.
        features: frequencies of `rff`; it yields twice as many inputs.
        sigma: standard deviation of the `rff` frequencies, in periods per unit coordinate.
        output: "linear" or "sigmoid".
        frame: coordinates the networks see: "global" ([-1, 1] over the signal) or "local" (over the region).
        params: upper bound for the number of weights; used when `hidden_features` is None.
        weights_per_sample: bound as a share of the samples; used when neither of the two is given.
    """

    name: str | None = None
    activation: str = "sine"
    hidden_features: int | None = None
    hidden_layers: int = 3
    first_omega_0: float | None = None
    hidden_omega_0: float | None = None
    scale_0: float = 10.0
    encoding: str = "none"
    bands: int = 8
    features: int = 64
    sigma: float = 10.0
    output: str = "linear"
    frame: str = "local"
    params: int | None = None
    weights_per_sample: float = 0.5

    def __post_init__(self) -> None:
        if self.name is not None:
            check("model", self.name)
        check("activation", self.activation)
        check("encoding", self.encoding)
        check("output", self.output)
        require(self.frame in ("global", "local"), f"--frame {self.frame!r} must be 'global' or 'local'")
        for label, value in (
            ("hidden-features", self.hidden_features),
            ("params", self.params),
            ("bands", self.bands),
            ("features", self.features),
        ):
            require(value is None or value >= 1, f"--{label} {value} must be at least 1")
        require(
            0 <= self.hidden_layers <= 64, f"--hidden-layers {self.hidden_layers} must lie between 0 and 64"
        )
        require(
            self.hidden_features is None or self.params is None,
            "--hidden-features and --params both set the width",
            hint="give one of them",
        )
        for label, number in (
            ("first-omega-0", self.first_omega_0),
            ("hidden-omega-0", self.hidden_omega_0),
            ("scale-0", self.scale_0),
            ("sigma", self.sigma),
            ("weights-per-sample", self.weights_per_sample),
        ):
            require(number is None or 0 < number < 1e6, f"--{label} {number} must lie between 0 and 1e6")


@dataclass(frozen=True, slots=True, kw_only=True)
class FitConfig:
    """How weights are found.

    Attributes:
        steps: optimiser steps.
        lr: peak learning rate of Adam.
        schedule: "cosine" (to zero over the steps) or "constant".
        points: samples drawn per step over all regions; None uses every sample in every step.
        max_time: seconds; the first steps are timed and the number of steps is then fixed to fit.
        target_psnr: dB; stop as soon as the file, decoded to its output type, reaches it.
        seed: seed of every random number.
        threads: worker threads on the CPU; None takes one per core. The result does not depend on it.
        memory: bytes the fit may keep for coordinates and targets; beyond it they are made anew each step.
        weights: type of the stored weights: "float32" or "float16".
    """

    steps: int = 1000
    lr: float = 5e-3
    schedule: str = "cosine"
    points: int | None = None
    max_time: float | None = None
    target_psnr: float | None = None
    seed: int = 0
    threads: int | None = None
    memory: int = 2 << 30
    weights: str = "float16"

    def __post_init__(self) -> None:
        check("schedule", self.schedule)
        require(self.steps >= 1, f"--steps {self.steps} must be at least 1")
        require(0 < self.lr < 1e3, f"--lr {self.lr} must be positive")
        require(self.points is None or self.points >= 1, f"--points {self.points} must be at least 1")
        require(
            self.max_time is None or self.max_time > 0, f"--max-time {self.max_time} must be positive seconds"
        )
        require(
            self.target_psnr is None or 0 < self.target_psnr <= 100,
            f"--target-psnr {self.target_psnr} must lie between 0 and 100 dB",
        )
        require(0 <= self.seed < 2**63, f"--seed {self.seed} must be a whole number from 0 to 2^63 - 1")
        require(self.threads is None or self.threads >= 1, f"--threads {self.threads} must be at least 1")
        require(self.memory >= 1 << 20, f"--memory {self.memory} must be at least 1 MiB")
        require(
            self.weights in ("float32", "float16"),
            f"--weights {self.weights!r} must be 'float32' or 'float16'",
        )
