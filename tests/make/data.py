"""Synthetic signals, headers and files for tests."""

from __future__ import annotations

import io
from collections.abc import Sequence

import numpy as np

from inrfit.codec.header import ModelHeader, SignalHeader


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


def image_header(
    shape: Sequence[int], origin: Sequence[int] = (0, 0), *, colour: str = "rgb", suffix: str = ".png"
) -> SignalHeader:
    """Return the header of an 8-bit image, grey or RGB."""
    return SignalHeader(
        kind="image",
        shape=list(shape),
        axes=["y", "x"],
        units=["px", "px"],
        spacing=[1.0, 1.0],
        origin=list(origin),
        channels={"grey": 1, "rgb": 3}[colour],
        dtype="uint8",
        value_low=0.0,
        value_high=255.0,
        colour=colour,
        suffix=suffix,
    )


class CountingFile(io.BytesIO):
    """A file that remembers which of its bytes were read."""

    def __init__(self, data: bytes) -> None:
        super().__init__(data)
        self.touched: set[int] = set()

    def read(self, size: int | None = -1, /) -> bytes:
        start = self.tell()
        data = super().read(size)
        self.touched |= set(range(start, start + len(data)))
        return data
