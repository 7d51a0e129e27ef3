"""From option words to the validated values of a meta-training; no signal is read here, and torch is not imported."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

from inrfit.config import (
    LEAST_RESOLUTION,
    FitConfig,
    FitOptions,
    ModelConfig,
    PartitionConfig,
    ReadConfig,
    require,
    settings,
)
from inrfit.errors import ConfigError
from inrfit.meta.config import MetaConfig
from inrfit.meta.defaults import META_DEFAULTS, META_PRESETS, METHOD_DEFAULTS
from inrfit.registry import unknown

PRECISIONS = ("float32", "bfloat16")

DIVISION = ("partition", "grid", "heads", "cell")
"""Words that say how crops are divided."""

DIVIDES = ("grid", "heads", "cell")
"""Words that ask for a division without naming its rule."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunConfig:
    """How a meta-training is run; what is learned depends on `holdout`, `val_every` and `precision` only.

    Attributes:
        holdout: share of the signals that is kept for validation where no others are given for it.
        val_every: outer steps between validations; None for about `VALIDATIONS` of them.
        precision: "float32", or "bfloat16" for matrix products on CUDA.
        memory: bytes of decoded signals that are kept.
        threads: on the CPU; None for one per core. The result does not depend on it.
    """

    holdout: float = 0.1
    val_every: int | None = None
    precision: str = "float32"
    memory: int = 2 << 30
    threads: int | None = None

    def __post_init__(self) -> None:
        require(0 <= self.holdout < 1, f"--holdout {self.holdout:g} must be at least 0 and below 1")
        require(
            self.val_every is None or self.val_every >= 1, f"--val-every {self.val_every} must be at least 1"
        )
        require(self.memory >= 1 << 20, f"--memory {self.memory} must be at least 1 MiB")
        require(self.threads is None or self.threads >= 1, f"--threads {self.threads} must be at least 1")
        if self.precision not in PRECISIONS:
            raise unknown(self.precision, PRECISIONS, option="--precision")


@dataclass(frozen=True, slots=True, kw_only=True)
class MetaSettings:
    """The configurations of a meta-training.

    Attributes:
        read: how files are read.
        partition: how crops are divided.
        model: of a region's network, not resolved.
        config: how it is learned.
        run: how that is run.
    """

    read: ReadConfig
    partition: PartitionConfig
    model: ModelConfig
    config: MetaConfig
    run: RunConfig


def meta_settings(kind: str, words: Mapping[str, Any]) -> MetaSettings:
    """Sort option words; what they leave open is filled in by their preset, then by the kind of signal.

    Args:
        kind: of the signals.
        words: as on the command line, `preset` among them.

    Raises:
        ConfigError: an unknown word or a value that is not allowed, or signals of this kind cannot be meta-trained.
    """
    check_kind(kind)
    given = dict(words)
    preset = given.pop("preset", None)
    if preset is not None:
        if preset not in META_PRESETS:
            raise unknown(str(preset), tuple(META_PRESETS), option="--preset")
        given = _filled(given, META_PRESETS[str(preset)])
    given = _filled(given, METHOD_DEFAULTS.get(given.get("method") or MetaConfig().method, {}))
    given = _filled(given, META_DEFAULTS[kind]) | {"kind": kind}
    if given.get("partition") not in (None, "none", "grid"):
        given = {"loss": "signal", **given}  # segments differ in size; see docs/decisions.md, 42
    own, run = _taken(given, MetaConfig), _taken(given, RunConfig)
    _refuse_others(given)
    config = MetaConfig(**own)
    if kind == "shape":
        require(
            given.get("resolution") is None,
            f"--resolution {given.get('resolution')} is for fits; the lattices of shapes go by --size here",
            hint=f"give --size {given.get('resolution')}",
        )
        check_shape_size(config.size)
        given["resolution"] = config.size
    options: FitOptions = given  # type: ignore[assignment]
    sorted_ = settings(**options)
    return MetaSettings(
        read=sorted_.read,
        partition=sorted_.partition,
        model=sorted_.model,
        config=config,
        run=RunConfig(**run),
    )


def check_shape_size(size: int) -> None:
    """Refuse lattices of shapes that cannot be.

    Raises:
        ConfigError: they are too small or too large.
    """
    require(
        LEAST_RESOLUTION <= size <= 512,
        f"--size {size} must lie between {LEAST_RESOLUTION} and 512 samples along the longest side of a shape",
        hint="32 is the default",
    )


def check_kind(kind: str) -> None:
    """Refuse signals that cannot be meta-trained.

    Raises:
        ConfigError: they are clips, or of a kind without a line in `META_DEFAULTS`.
    """
    require(
        kind in META_DEFAULTS,
        f"fields of {'clips' if kind == 'video' else kind} cannot be meta-trained",
        hint="take single frames as images, or name a folder of images, sounds or shapes",
    )


def _filled(given: Mapping[str, Any], defaults: Mapping[str, Any]) -> dict[str, Any]:
    """Return words with the defaults that do not contradict them."""
    left = dict(defaults)
    if any(given.get(word) is not None for word in DIVIDES):
        left = {word: value for word, value in left.items() if word not in DIVISION}
    if given.get("model") == "mlp":
        left["partition"] = "none"
    if (given.get("partition") or left.get("partition")) != "grid":
        left.pop("cell", None)
    if given.get("params") is not None:
        left.pop("hidden_features", None)
    return {**left, **{word: value for word, value in given.items() if value is not None}}


def _taken(words: dict[str, Any], config: type) -> dict[str, Any]:
    """Take the words that are fields of a configuration out of others."""
    return {field.name: words.pop(field.name) for field in fields(config) if field.name in words}


def _refuse_others(words: Mapping[str, Any]) -> None:
    """Refuse words that are for fits alone.

    Raises:
        ConfigError: there is one.
    """
    for word in words:
        if word in FitConfig.__dataclass_fields__ or word == "effort":
            raise ConfigError(
                f"--{word.replace('_', '-')} is for fits and means nothing for meta-training",
                hint="inrfit meta-train --help lists what there is",
            )
