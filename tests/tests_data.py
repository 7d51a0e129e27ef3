"""Synthetic signals for tests."""

from __future__ import annotations

import numpy as np

from inrfit.codec.header import ModelHeader


def textured(height: int, width: int, channels: int = 3) -> np.ndarray:
    """Return a smooth picture with a dark disc: [height, width, channels] uint8."""
    y, x = np.mgrid[0:height, 0:width]
    base = 120 + 60 * np.sin(x / 5.0)[..., None] + 40 * np.cos(y[..., None] / 7.0 + np.arange(channels))
    disc = (y - height / 2) ** 2 + (x - width / 3) ** 2 < (min(height, width) / 4) ** 2
    base[disc] *= 0.3
    return np.clip(base, 0, 255).astype(np.uint8)


def model_header(hidden_features: int, hidden_layers: int) -> ModelHeader:
    """Return the header of a sine network in local frames."""
    return ModelHeader(
        name="partitioned",
        activation="sine",
        hidden_features=hidden_features,
        hidden_layers=hidden_layers,
        first_omega_0=30.0,
        hidden_omega_0=30.0,
        scale_0=10.0,
        encoding="none",
        bands=8,
        features=64,
        sigma=10.0,
        output="linear",
        frame="local",
    )
