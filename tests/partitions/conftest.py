"""Signals that the tests of partitions share."""

from __future__ import annotations

import numpy as np
import pytest

from inrfit.domain import image_domain
from inrfit.signal import ArraySignal, SignalInfo


@pytest.fixture
def image_of():
    """Make an image signal of an array [height, width, channel]."""

    def make(values, colour="rgb", value_range=(0.0, 255.0)):
        info = SignalInfo(dtype=values.dtype.name, colour=colour, value_range=value_range)
        return ArraySignal(values=values, domain=image_domain(*values.shape[:2]), info=info)

    return make


@pytest.fixture(scope="session")
def textured():
    """A picture [192, 256, 3] with many flat patches of several sizes, so that segments are found in it."""
    random = np.random.default_rng(3)
    patches = random.integers(0, 256, (6, 8, 3), np.uint8).repeat(32, 0).repeat(32, 1)
    patches[40:90, 60:200] = (250, 20, 20)
    return np.clip(patches + random.normal(0, 4, patches.shape), 0, 255).astype(np.uint8)
