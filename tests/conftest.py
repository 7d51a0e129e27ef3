"""Signals that many tests use: small, synthetic, with structure."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from make.data import textured

ROOT = Path(__file__).resolve().parents[1]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Run what starts processes of its own first: they take long, and should not be what all wait for."""
    items.sort(key=lambda item: item.get_closest_marker("process") is None)


@pytest.fixture
def picture() -> np.ndarray:
    return textured(24, 36)


@pytest.fixture(scope="session")
def shared_data() -> Path:
    folder = ROOT.parent / "shared" / "data"
    if not folder.is_dir():
        pytest.skip("the real test material is not here")
    return folder


@pytest.fixture(scope="session")
def astronaut() -> Path:
    return ROOT / "examples" / "astronaut.png"
