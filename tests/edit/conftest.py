"""Files to crop: cells and segments, nearly all of their bytes local; and one that takes no fit at all."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import pytest
from make.data import image_header, model_header, textured

from inrfit import api, registry
from inrfit.codec import chunks
from inrfit.codec import header as h

MODELS = [name for name in registry.names("model") if name != "mlp"]
QUICK = {"steps": 1, "hidden_features": 12, "device": "cpu"}


@pytest.fixture(scope="session", params=MODELS)
def cells_of(request: pytest.FixtureRequest) -> Callable[[str], bytes]:
    """Return a function that fits 45 x 50 samples in 5 x 6 cells of different sizes, with weights of a type."""

    @cache
    def make(weights: str) -> bytes:
        options = {"grid": (5, 6), "model": request.param, "weights": weights, **QUICK}
        return api.to_bytes(api.fit(textured(45, 50), **options))

    return make


@pytest.fixture(scope="session")
def cells(cells_of: Callable[[str], bytes]) -> bytes:
    """The same with quantised weights."""
    return cells_of("quantised")


@pytest.fixture(scope="session")
def segments_of() -> Callable[[str], bytes]:
    """Return a function that fits 40 x 60 samples in 6 segments, with weights of a type."""

    @cache
    def make(weights: str) -> bytes:
        options = {"partition": "seg", "heads": 6, "weights": weights, **QUICK}
        return api.to_bytes(api.fit(textured(40, 60), **options))

    return make


@pytest.fixture(scope="session")
def segments(segments_of: Callable[[str], bytes]) -> bytes:
    """The same with quantised weights."""
    return segments_of("quantised")


@pytest.fixture(scope="session")
def plain() -> Callable[..., bytes]:
    """Return a function that writes a file of cells of 4 x 4 samples with `size` bytes in each, not weights."""

    def make(rows: int = 3, columns: int = 4, *, size: int = 20, **metadata: bytes) -> bytes:
        header = h.Header(
            signal=image_header((4 * rows, 4 * columns), (-8, 100)),
            model=model_header(4, 0),
            partition=h.PartitionHeader(
                kind="grid",
                edges=[[4 * i - 8 for i in range(rows + 1)], [4 * i + 100 for i in range(columns + 1)]],
                nominal=[4.0, 4.0],
            ),
            frame=h.FrameHeader(centre=[0.0, 0.0], half=[8.0, 8.0]),
            weights="float16",
            tile=64,
            seed=0,
            steps=1,
            psnr=30.0,
            writer="somebody else",
        )
        count = rows * columns
        index = h.Index(ids=list(range(count)), mse=[(i + 1) / 64 for i in range(count)])
        parts = [bytes([i % 256]) * size for i in range(count)]
        tags = {"icc": chunks.ICC, "exif": chunks.EXIF, "srce": chunks.SOURCE}
        return chunks.write(
            header, index, b"shared weights", {tags[name]: blob for name, blob in metadata.items()}, parts
        )

    return make
