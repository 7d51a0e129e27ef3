"""What the user chooses about meta-training, as a validated value."""

from __future__ import annotations

from dataclasses import dataclass

from inrfit.config import require
from inrfit.registry import check, unknown

ORDERS = ("second", "first")
RATES = ("parameter", "tensor", "fixed", "linear")
LOSSES = ("region", "signal")
SOLVES = ("none", "first", "last", "both")
VIEWS = ("crop", "whole")
FACTORS = ("uv", "v", "unvn", "uov")


@dataclass(frozen=True, slots=True, kw_only=True)
class MetaConfig:
    """How an init is learned.

    Attributes:
        method: a meta-learner of the registry.
        steps: outer steps.
        inner_steps: steps of a signal's own, through which the outer loop looks.
        inner_lr: rate of those steps: where learned rates begin, or the rate itself.
        outer_lr: peak rate of Adam on what is learned.
        rates: what inner rates are learned: one for each number and step ("parameter", kept positive), one for each
            stack and step ("tensor"), none ("fixed"), or for each number and step with either sign ("linear", as
            published).
        rate_lr: rate of Adam on the logarithms of the inner rates, as a factor of `outer_lr`.
        order: "second" (through the inner gradients) or "first" (they are taken for constants).
        loss: inner loss of a region: the mean over its own samples ("region") or its share of the mean over the
            signal ("signal", as published, where a step then depends on the region's area; the default for segments).
        solve: inner steps that set a linear output layer to its closed form in place of a gradient step: "none", the
            "first", the "last", or "both".
        batch: signals in an outer step.
        size: samples along each axis of the crops; of a shape, along its longest side.
        view: a random window of a signal ("crop"), or all of it, its shorter side resized to `size` ("whole").
        augment: whether crops are mirrored at random.
        points: samples of each signal that are drawn for an outer step; all of them when None.
        seed: of every random number.
        clip: largest norm of an outer gradient.
        schedule: of the outer rate, a name of the registry.
        rank: of an instance pattern composer's factor; at most the width.
        factor: how an instance pattern composer's matrix is made: of a factor V of the region's own and a learned U
            ("uv"), of V alone ("v"), of both when both are the region's own ("unvn"), or of U and V number by number
            ("uov").
        patch: samples along each axis of a token of a hypernetwork.
        groups: tokens for each layer of TransINR.
        hyper_features, hyper_blocks, hyper_heads, hyper_dropout: width, depth, attention heads and dropout of a
            hypernetwork's transformer.
    """

    method: str = "maml"
    steps: int = 1000
    inner_steps: int = 3
    inner_lr: float = 0.01
    outer_lr: float = 1e-3
    rates: str = "parameter"
    rate_lr: float = 10.0
    order: str = "second"
    loss: str = "region"
    solve: str = "none"
    batch: int = 4
    size: int = 64
    view: str = "crop"
    augment: bool = True
    points: int | None = None
    seed: int = 0
    clip: float = 0.1
    schedule: str = "cosine"
    rank: int = 64
    factor: str = "uv"
    patch: int = 8
    groups: int = 64
    hyper_features: int = 192
    hyper_blocks: int = 4
    hyper_heads: int = 4
    hyper_dropout: float = 0.0

    def __post_init__(self) -> None:
        check("meta", self.method, option="--method")
        check("schedule", self.schedule)
        for label, value, allowed in (
            ("order", self.order, ORDERS),
            ("rates", self.rates, RATES),
            ("loss", self.loss, LOSSES),
            ("solve", self.solve, SOLVES),
            ("view", self.view, VIEWS),
            ("factor", self.factor, FACTORS),
        ):
            if value not in allowed:
                raise unknown(value, allowed, option=f"--{label}")
        for label, count, least, most in (
            ("steps", self.steps, 0, 1 << 31),
            ("inner-steps", self.inner_steps, 0, 64),
            ("batch", self.batch, 1, 4096),
            ("size", self.size, 4, 1 << 20),
            ("points", self.points, 1, 1 << 31),
            ("rank", self.rank, 1, 1 << 14),
            ("patch", self.patch, 1, 1 << 16),
            ("groups", self.groups, 1, 1 << 14),
            ("hyper-features", self.hyper_features, 1, 1 << 14),
            ("hyper-blocks", self.hyper_blocks, 1, 256),
            ("hyper-heads", self.hyper_heads, 1, 256),
        ):
            require(
                count is None or least <= count <= most,
                f"--{label} {count} must lie between {least} and {most}",
            )
        for label, number in (
            ("inner-lr", self.inner_lr),
            ("outer-lr", self.outer_lr),
            ("rate-lr", self.rate_lr),
            ("clip", self.clip),
        ):
            require(0 < number < 1e9, f"--{label} {number:g} must be above 0 and below 1e9")
        require(
            0 <= self.hyper_dropout < 1,
            f"--hyper-dropout {self.hyper_dropout:g} must be at least 0 and below 1",
        )
        require(0 <= self.seed < 2**63, f"--seed {self.seed} must be a whole number from 0 to 2^63 - 1")
        require(
            self.hyper_features % self.hyper_heads == 0,
            f"--hyper-features {self.hyper_features} must be a multiple of --hyper-heads {self.hyper_heads}",
        )

    def solves(self, number: int) -> bool:
        """Return whether an inner step is the closed form of the output layer."""
        first, last = number == 0, number == self.inner_steps - 1
        return (self.solve in ("first", "both") and first) or (self.solve in ("last", "both") and last)
