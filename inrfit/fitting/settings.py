"""The settings of a fit: what is given, and what a preset, an effort, a model and a kind of signal fill in."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from inrfit.errors import require
from inrfit.fitting.config import SMALL, FitConfig, Named
from inrfit.io.config import ReadConfig
from inrfit.models.config import WITH_GRID, ModelConfig
from inrfit.partitions.config import PartitionConfig, rule_of
from inrfit.presets import EFFORTS, OF_MODEL, PRESETS, SMALL_IMAGE
from inrfit.words import Layer, words_of

FIT = words_of(ReadConfig, PartitionConfig, ModelConfig, Named, FitConfig)
"""Words of a fit."""

DIVISION = words_of(ReadConfig, PartitionConfig, ModelConfig, Named).only(
    *words_of(ReadConfig).without("sound", "metadata"), *words_of(PartitionConfig, Named), "model"
)
"""Words that say how a signal is divided."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """The four configurations of a fit."""

    read: ReadConfig
    partition: PartitionConfig
    model: ModelConfig
    fit: FitConfig

    def words(self) -> dict[str, Any]:
        """Return what was decided, by the words of a fit; a label image stands for its rule."""
        configs = {type(config): config for config in (self.read, self.partition, self.model, self.fit)}
        held = {
            one.name: getattr(configs[one.owner], one.field) for one in FIT.values() if one.owner in configs
        }
        return held | ({} if self.partition.labels is None else {"partition": self.partition.labels})


def settings(usual: Mapping[str, Any] | None = None, /, **given: Any) -> Settings:
    """Return what holds of what is given, and of what a preset, an effort, a model and a kind of signal fill in.

    Args:
        usual: words that fill in what is said by nothing else: those of the kind of signal.
        given: what the user says, by the names of `FIT`.

    Raises:
        ConfigError: an unknown word, or a value that is not allowed.
    """
    said = FIT.taken(given)
    require(
        not {"effort", "preset"} <= said.keys(),
        f"--effort {said.get('effort')} and --preset {said.get('preset')} both decide how much is done",
        hint="give one of them",
    )
    whole = {"partition": "none"} if said.get("model") == "mlp" else {}
    return configured(said, FIT.resolve(whole | said, *layers(usual or {})))


def layers(usual: Mapping[str, Any]) -> tuple[Layer, ...]:
    """Return what fills in a fit's words, what counts more first: a small file, the model, a preset, an effort, the kind."""
    return (
        _small,
        lambda held: _of_cells(OF_MODEL.get(held.get("model", ""), {}), held, usual),
        lambda held: PRESETS[held["preset"]](held) if "preset" in held else {},
        lambda held: _of_cells(EFFORTS.get(held.get("effort", 0), {}), held, usual),
        lambda held: {} if "preset" in held else usual,
    )


def _small(held: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return what an image is fitted with that is to become a small file, where nothing is said of the network."""
    said = held.keys() & {"model", "hidden_features", "preset", "effort"}
    if said or not held.keys() & SMALL or held.get("kind") != "image" or _rule(held) != "grid":
        return {}
    return SMALL_IMAGE


def _of_cells(
    filled: Mapping[str, Any], held: Mapping[str, Any], usual: Mapping[str, Any]
) -> Mapping[str, Any]:
    """Return words without the side of cells, which are those of images, where a kind or a preset divides otherwise."""
    divided = "cell" in usual or "preset" in held
    return {word: value for word, value in filled.items() if not (divided and word == "cell")}


def _rule(held: Mapping[str, Any]) -> str:
    return held.get("partition", "none" if held.get("model") == "mlp" else "grid")


def divides(given: Mapping[str, Any]) -> bool:
    """Return whether the user says how a signal is divided, by an option or by a preset."""
    said = any(given.get(word) is not None for word in ("grid", "heads", "cell", "preset"))
    return said or _rule({word: value for word, value in given.items() if value is not None}) != "grid"


def configured(said: Mapping[str, Any], held: Mapping[str, Any]) -> Settings:
    """Return the four configurations of words that are decided.

    Args:
        said: those of them that the user said, which must mean something for the model.
        held: all that are decided.

    Raises:
        ConfigError: a value is not allowed, or a word that was said has no effect.
    """
    FIT.check_applies(said, held)
    require(
        "weights_per_sample" not in said or held.get("model") not in WITH_GRID,
        f"--weights-per-sample has no meaning for --model {held.get('model')}, whose number of weights follows from --pitch",
        hint="use --pitch, or --params for the number of all weights",
    )
    divided = FIT.of(PartitionConfig, held)
    if "rule" in divided:
        divided |= rule_of(str(divided["rule"]))
    network: dict[str, Any] = FIT.of(ModelConfig, held) | {"budget": held.get("budget")}
    return Settings(
        read=ReadConfig(**FIT.of(ReadConfig, held)),
        partition=PartitionConfig(**divided),
        model=ModelConfig(**network),
        fit=FitConfig(**FIT.of(FitConfig, held)),
    )
