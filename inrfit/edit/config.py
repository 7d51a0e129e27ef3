"""What the user chooses about extending a field."""

from collections.abc import Mapping
from typing import Any

from inrfit.fitting.config import FitConfig
from inrfit.words import words_of

EXTEND = words_of(FitConfig).only("steps", "lr", "overlap", "seed", "threads", "memory")
"""Words of an extension; they mean what they do for a fit."""


def configured(words: Mapping[str, Any]) -> FitConfig:
    """Return the configuration of a fit from the words of an extension.

    Raises:
        ConfigError: an unknown word, or a value that is not allowed.
    """
    return FitConfig(**EXTEND.of(FitConfig, EXTEND.taken(words)))
