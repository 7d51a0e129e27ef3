"""Encodings: what the first layer sees of the coordinates. Nothing here is trained.

Encodings take double-precision coordinates and give single-precision features, so that high frequencies are
computed from the sample index and not from a rounded coordinate.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from inrfit.errors import ConfigError


@dataclass(frozen=True, slots=True, kw_only=True)
class Encoding:
    """An encoding of coordinates.

    Attributes:
        frequencies: (random, in_features, config) -> [frequency, in_features] or None where there are none.
        function: (coords [..., in_features] double, frequencies) -> features [..., feature] double.
        features: (in_features, config) -> number of features.
        drawn: whether the frequencies are random, so that a file must carry them.
    """

    frequencies: Callable[[np.random.Generator, int, Any], np.ndarray | None]
    function: Callable[[Any, Any], Any]
    features: Callable[[int, Any], int]
    drawn: bool = False


def _harmonic_frequencies(random: np.random.Generator, in_features: int, config: Any) -> np.ndarray:
    """Rows 0.5 * 2^j on each axis in turn, j = 0 .. bands - 1."""
    scales = 0.5 * 2.0 ** np.arange(config.bands)
    return np.concatenate([scale * np.eye(in_features) for scale in scales])


def _drawn_frequencies(random: np.random.Generator, in_features: int, config: Any) -> np.ndarray:
    """Rows ~ 2 pi N(0, sigma^2), rounded to the single precision in which a file keeps them."""
    drawn = 2 * math.pi * random.normal(0, config.sigma, (config.features, in_features))
    return drawn.astype(np.float32)


def _geometric_frequencies(random: np.random.Generator, in_features: int, config: Any) -> np.ndarray:
    """Rows pi f_j on each axis in turn, f_j = exp(linspace(0, ln sigma, features / in_features))."""
    if config.features % in_features:
        more = config.features + -config.features % in_features
        raise ConfigError(
            f"--features {config.features} must be a multiple of the {in_features} axes for --encoding geometric",
            hint=f"for example --features {more}",
        )
    scales = math.pi * np.exp(np.linspace(0, math.log(config.sigma), config.features // in_features))
    return np.concatenate([scale * np.eye(in_features) for scale in scales])


def _sin_cos(coords: Any, frequencies: Any) -> Any:
    """Return [sin, cos] of the phases, one product and sum per axis so that no library decides on the order."""
    phases = coords[..., 0:1] * frequencies[:, 0]
    for axis in range(1, frequencies.shape[1]):
        phases = phases + coords[..., axis : axis + 1] * frequencies[:, axis]
    count = phases.shape[-1]
    features = phases.new_empty((*phases.shape[:-1], 2 * count))
    features[..., :count] = phases.sin()
    features[..., count:] = phases.cos()
    return features


def beside(encoding: Encoding) -> Encoding:
    """Return an encoding that gives the coordinates, and behind them what another makes of them."""

    def function(coords: Any, frequencies: Any) -> Any:
        more = encoding.function(coords, frequencies)
        axes = coords.shape[-1]
        both = more.new_empty((*more.shape[:-1], axes + more.shape[-1]))
        both[..., :axes], both[..., axes:] = coords, more
        return both

    return replace(
        encoding,
        function=function,
        features=lambda in_features, config: in_features + encoding.features(in_features, config),
    )


identity = Encoding(
    frequencies=lambda random, in_features, config: None,
    function=lambda coords, frequencies: coords,
    features=lambda in_features, config: in_features,
)
"""The coordinates themselves."""

harmonic = Encoding(
    frequencies=_harmonic_frequencies,
    function=_sin_cos,
    features=lambda in_features, config: 2 * in_features * config.bands,
)
"""sin and cos of 2^j x / 2 on each axis.

Beyond about 12 bands the highest frequencies turn faster than the samples lie: they hash the sample's index, can
be evaluated at the original samples only, and exist to reproduce published settings (60 bands).
Source: Liu et al., ICCV 2023 (Partition Matters), released code.
"""

random_fourier = Encoding(
    frequencies=_drawn_frequencies,
    function=_sin_cos,
    features=lambda in_features, config: 2 * config.features,
    drawn=True,
)
"""sin and cos of 2 pi B x with B ~ N(0, sigma^2). Source: Tancik et al., NeurIPS 2020."""

geometric = Encoding(
    frequencies=_geometric_frequencies,
    function=_sin_cos,
    features=lambda in_features, config: 2 * config.features,
)
"""sin and cos of pi f x on each axis, f from 1 to sigma in equal ratios.

Source: Kim et al., CVPR 2023 (instance pattern composers), whose `ff_dim` is `features`; released code.
"""
