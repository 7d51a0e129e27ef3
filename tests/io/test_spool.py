"""Samples in memory and in a file: the same samples, and what was read of a file does not stay."""

from __future__ import annotations

import gc
import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from inrfit.domain import image_domain
from inrfit.io import spool
from inrfit.io.spool import MappedSignal, gather
from inrfit.signal import ArraySignal, SignalInfo

INFO = SignalInfo(dtype="uint16", value_range=(0.0, 65535.0))


def parts(rows: int = 40) -> list[np.ndarray]:
    """Uneven parts of samples [rows, 6, 3]."""
    values = np.random.default_rng(0).integers(0, 65536, (rows, 6, 3)).astype(np.uint16)
    return [values[:1], values[1:1], values[1:17], values[17:]]


def test_in_memory_and_in_a_file_the_samples_are_the_same() -> None:
    whole = np.concatenate(parts())
    kept = gather(iter(parts()), (6, 3), "uint16", limit=whole.nbytes)
    mapped = gather(iter(parts()), (6, 3), "uint16", limit=whole.nbytes - 1)
    assert not isinstance(kept, np.memmap)
    assert isinstance(mapped, np.memmap)
    for values in (kept, mapped):
        assert (values.shape, values.dtype) == (whole.shape, np.uint16)
        assert np.array_equal(values, whole)
    with pytest.raises(ValueError, match="read-only"):
        mapped[0, 0, 0] = 1


@pytest.mark.parametrize("limit", [0, 1 << 20])
def test_other_types_and_orders_are_converted(limit: int) -> None:
    values = np.asfortranarray(np.arange(24, dtype=">i2").reshape(4, 6))
    made = gather([values, values[:, ::-1]], (6,), "int16", limit=limit)
    assert made.dtype == np.dtype("int16")
    assert made.dtype.isnative
    assert made.tolist() == [*values.tolist(), *values[:, ::-1].tolist()]


def test_no_parts_are_no_samples() -> None:
    assert gather([], (6, 3), "float32").shape == (0, 6, 3)


def test_the_file_has_no_name_and_goes_with_the_array(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    before = len(os.listdir("/proc/self/fd"))  # noqa: PTH208 (names of open files are no paths)
    mapped = gather(parts(), (6, 3), "uint16", limit=0)
    assert list(tmp_path.iterdir()) == []
    assert mapped.any()
    del mapped
    gc.collect()
    assert len(os.listdir("/proc/self/fd")) == before  # noqa: PTH208


def test_a_mapped_signal_gives_what_an_array_gives() -> None:
    mapped = gather(parts(), (6, 3), "uint16", limit=0)
    domain = replace(image_domain(40, 6), origin=(-3, 2))
    signal = MappedSignal(values=mapped, domain=domain, info=INFO)
    plain = ArraySignal(values=np.array(mapped), domain=domain, info=INFO)
    points = np.array([[-3, 2], [36, 7], [0, 4]])
    assert np.array_equal(signal.sample(points), plain.sample(points))
    window = ((-2, 30), (3, 5))
    assert np.array_equal(signal.dense(window), plain.dense(window))
    assert np.array_equal(signal.dense(), plain.dense())
    part = signal.dense(window)
    assert not isinstance(part, np.memmap)
    assert part.base is None


def test_pages_that_were_read_are_given_back(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spool, "HELD", 10_000)
    signals = [
        MappedSignal(values=gather(parts(), (6, 3), "uint16", limit=0), domain=image_domain(40, 6), info=INFO)
        for _ in range(2)
    ]
    for _ in range(2):
        signals[0].dense(((0, 20), (0, 6)))
    signals[0].sample(np.zeros((2, 2), np.int64))
    assert signals[0].held == [2 * 20 * 6 * 3 * 2 + 2 * 4096]
    assert signals[1].held == [0]
    signals[0].sample(np.zeros((1, 2), np.int64))
    assert signals[0].held == [0]
    assert np.array_equal(signals[0].dense(((0, 40), (0, 6))), np.concatenate(parts()))


def resident(array: np.ndarray) -> int:
    """Return the bytes of the map of an array that are in the memory of this process."""
    start = array.__array_interface__["data"][0]
    counting = False
    for line in Path("/proc/self/smaps").read_text().splitlines():
        head = line.split(maxsplit=1)[0]
        if "-" in head and not head.endswith(":"):
            low, high = (int(end, 16) for end in head.split("-"))
            counting = low <= start < high
        elif counting and head == "Rss:":
            return 1024 * int(line.split()[1])
    raise LookupError(f"{start:x} is not mapped")


@pytest.mark.skipif(not Path("/proc/self/smaps").exists(), reason="only Linux tells what is in memory")
def test_a_mapped_signal_is_bounded_in_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    """8 MiB are read through in windows, and at no time are more than 2 MiB of them there."""
    monkeypatch.setattr(spool, "HELD", 1 << 20)
    block = np.arange(1 << 18, dtype=np.uint16).reshape(64, -1, 1)
    values = gather((block for _ in range(16)), block.shape[1:], "uint16", limit=0)
    signal = MappedSignal(values=values, domain=image_domain(*values.shape[:2]), info=INFO)
    assert values.nbytes == 8 << 20
    most = 0
    for top in range(0, len(values), 64):
        assert np.array_equal(signal.dense(((top, top + 64), (0, values.shape[1]))), block)
        most = max(most, resident(values))
    assert most < 2 << 20
