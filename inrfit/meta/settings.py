"""From option words to the validated values of a meta-training and of an adaptation; no signal is read here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from inrfit.errors import require
from inrfit.fitting.config import FitConfig
from inrfit.fitting.settings import DIVISION, FIT, configured
from inrfit.io.config import LEAST_RESOLUTION, ReadConfig
from inrfit.meta.config import AdaptConfig, MetaConfig, NamedMeta, RunConfig, by_kind
from inrfit.meta.presets import META_DEFAULTS, META_PRESETS, METHOD_DEFAULTS
from inrfit.models.config import ModelConfig
from inrfit.partitions.config import PartitionConfig
from inrfit.words import words_of

TRAIN = (
    words_of(MetaConfig, NamedMeta, RunConfig)
    | words_of(ReadConfig).only("kind", "target", "spacing", "range", "nodata")
    | words_of(PartitionConfig, ModelConfig)
    .without("pitch", "levels", "feature_channels")
    .saying(
        partition="How crops are divided: grid (the default), none or seg.",
        grid="Rows x columns of cells of a crop. Not with --heads.",
        cell=f"Nominal side of a cell in samples; {by_kind('cell')} by default. Not with --grid or --heads.",
        segmenter="Over-segmentation of seg, as for fit.",
        hidden_features=f"Width of a region's network; {by_kind('hidden_features')} by default.",
        hidden_layers=f"Hidden layers after the first; {by_kind('hidden_layers')} by default.",
        first_omega_0=f"Frequency factor of the first activation; {by_kind('first_omega_0')} by default.",
        hidden_omega_0=f"Frequency factor of the others; {by_kind('hidden_omega_0')} by default.",
        params="At most so many weights for the regions of a crop, such as 20k. Not with --hidden-features.",
        frame="Coordinates of the networks: of their region (local, the default) or of the crop (global).",
    )
)
"""Words of a meta-training."""

ADAPT = (
    words_of(AdaptConfig)
    | words_of(ReadConfig, PartitionConfig)
    .without("kind", "sound")
    .saying(
        partition="none, grid, seg, or the path of a label image; that of the init by default.",
        grid="Rows x columns of cells, as for fit. Not with --heads.",
        cell="Nominal side of a cell in samples. Not with --grid or --heads.",
        segmenter="Over-segmentation of seg, as for fit.",
        target="sdf or occupancy of a shape; only what the init was learned from will do.",
    )
    | words_of(FitConfig)
    .only(
        *[
            "target_psnr",
            "max_time",
            "lr",
            "schedule",
            "points",
            "sampling",
            "overlap",
            "weights",
            "kernel",
            "seed",
            "threads",
            "memory",
        ]
    )
    .saying(
        target_psnr="Stop as soon as the decoded file reaches it.",
        lr="Rate of sgd, adam or soap; the init's own for sgd by default, one that suits the width for the others.",
        schedule="Of the rate of sgd, adam or soap: {names}; constant by default.",
    )
)
"""Words of an adaptation; those of a fit mean what they mean there."""


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
    """Return what holds of what is given, and of what a preset, a method and the kind of signal fill in.

    Args:
        kind: of the signals.
        words: what the user says, by the names of `TRAIN`.

    Raises:
        ConfigError: an unknown word or a value that is not allowed, or signals of this kind cannot be meta-trained.
    """
    check_kind(kind)
    _refuse_others(kind, words)
    said = TRAIN.taken(words)
    held = TRAIN.resolve(
        ({"partition": "none"} if said.get("model") == "mlp" else {}) | said | {"kind": kind},
        lambda above: META_PRESETS.get(above.get("preset", ""), {}),
        lambda above: METHOD_DEFAULTS.get(above.get("method", MetaConfig().method), {}),
        META_DEFAULTS[kind],
        # segments differ in size; see docs/decisions.md, 42
        lambda above: {} if above.get("partition") in (None, "none", "grid") else {"loss": "signal"},
    )
    config = MetaConfig(**TRAIN.of(MetaConfig, held))
    if kind == "shape":
        check_shape_size(config.size)
        held["resolution"] = config.size
    network = {word: value for word, value in held.items() if word in DIVISION or _of_network(word)}
    found = configured({word: said[word] for word in said if word in network}, network)
    return MetaSettings(
        read=found.read,
        partition=found.partition,
        model=found.model,
        config=config,
        run=RunConfig(**TRAIN.of(RunConfig, held)),
    )


def _of_network(word: str) -> bool:
    return word in FIT and FIT[word].owner is ModelConfig


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


def _refuse_others(kind: str, words: Mapping[str, Any]) -> None:
    """Refuse words that are for fits alone.

    Raises:
        ConfigError: there is one.
    """
    for word, value in words.items():
        if word in TRAIN or word not in FIT or value is None:
            continue
        require(
            word != "resolution" or kind != "shape",
            f"--resolution {value} is for fits; the lattices of shapes go by --size here",
            hint=f"give --size {value}",
        )
        require(
            False,
            f"{FIT[word].option} is for fits and means nothing for meta-training",
            hint="inrfit meta-train --help lists what there is",
        )


def adapt_settings(**given: Any) -> AdaptConfig:
    """Sort the words of an adaptation into a configuration.

    Raises:
        ConfigError: an unknown word, or a value that is not allowed.
    """
    said = ADAPT.taken(given)
    divided = {word: said[word] for word in said if word in words_of(PartitionConfig)}
    configured(divided, divided)  # says at once what cannot be
    return AdaptConfig(
        **ADAPT.of(AdaptConfig, said),
        divided=divided,
        fit=FitConfig(**{"schedule": "constant", **ADAPT.of(FitConfig, said)}),
        read=ReadConfig(**ADAPT.of(ReadConfig, said)),
        given=frozenset(said),
    )
