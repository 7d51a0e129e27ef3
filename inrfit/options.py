"""The words that each verb takes, for type checkers; `docs/cli.md` says what they mean.

Made from their declarations by `python -m inrfit.cli.signatures inrfit/options.py`; a test fails when it is stale.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypedDict


class FitWords(TypedDict, total=False):
    """The words of `inrfit.fit`."""

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
    cell: int | tuple[int, ...] | None
    heads: int | None
    segmenter: str
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
    global_share: float
    trunk_frame: str
    trunk_omega_0: float | None
    modulated: int
    pitch: float | None
    levels: int
    feature_channels: int
    params: int | None
    weights_per_sample: float
    effort: int | None
    preset: str | None
    steps: int
    target_psnr: float | None
    quality: float | None
    target_size: int | None
    target_bpp: float | None
    max_time: float | None
    lr: float | None
    optimiser: str
    beta1: float
    beta2: float
    schedule: str
    points: int | None
    sampling: str
    overlap: int | tuple[int, ...]
    span: float
    weights: str
    saving: float | None
    kernel: str
    seed: int
    threads: int | None
    memory: int


class PartitionWords(TypedDict, total=False):
    """The words of `inrfit.partition`."""

    kind: str | None
    target: str
    resolution: int
    spacing: tuple[float, ...] | None
    range: str | tuple[float, ...]
    nodata: str | float | None
    partition: str
    grid: tuple[int, ...] | None
    cell: int | tuple[int, ...] | None
    heads: int | None
    segmenter: str
    model: str | None
    effort: int | None
    preset: str | None


class AdaptWords(TypedDict, total=False):
    """The words of `inrfit.adapt`."""

    steps: int | None
    optimiser: str
    adapt: str
    solve: str | None
    reference_init: bool
    target: str
    resolution: int
    spacing: tuple[float, ...] | None
    range: str | tuple[float, ...]
    nodata: str | float | None
    metadata: bool
    partition: str
    grid: tuple[int, ...] | None
    cell: int | tuple[int, ...] | None
    heads: int | None
    segmenter: str
    target_psnr: float | None
    max_time: float | None
    lr: float | None
    schedule: str
    points: int | None
    sampling: str
    overlap: int | tuple[int, ...]
    weights: str
    kernel: str
    seed: int
    threads: int | None
    memory: int


class ExtendWords(TypedDict, total=False):
    """The words of `inrfit.extend`."""

    steps: int
    lr: float | None
    overlap: int | tuple[int, ...]
    seed: int
    threads: int | None
    memory: int


class ShowWords(TypedDict, total=False):
    """The words of `inrfit.decode`."""

    scale: float | None
    size: Sequence[int] | None
    rate: float | None
    resolution: int | None
    region: Sequence[tuple[float | None, float | None]] | None
    fill: float | Sequence[float] | str | None
    blend: int
    soundtrack: bool
    metadata: bool


class TrainWords(TypedDict, total=False):
    """The words of `inrfit.meta_train`."""

    method: str
    steps: int
    inner_steps: int
    inner_lr: float
    outer_lr: float
    rates: str
    rate_lr: float
    order: str
    loss: str
    solve: str
    batch_size: int
    size: int
    view: str
    augment: bool
    points: int | None
    clip: float
    schedule: str
    seed: int
    rank: int
    factor: str
    patch: int
    groups: int
    hyper_features: int
    hyper_blocks: int
    hyper_heads: int
    hyper_dropout: float
    preset: str | None
    holdout: float
    val_every: int | None
    precision: str
    memory: int
    threads: int | None
    kind: str | None
    target: str
    spacing: tuple[float, ...] | None
    range: str | tuple[float, ...]
    nodata: str | float | None
    partition: str
    grid: tuple[int, ...] | None
    cell: int | tuple[int, ...] | None
    heads: int | None
    segmenter: str
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
    global_share: float
    trunk_frame: str
    trunk_omega_0: float | None
    modulated: int
    params: int | None
    weights_per_sample: float
