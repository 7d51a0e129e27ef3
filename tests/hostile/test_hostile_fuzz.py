"""Mutated `.inr` files, before and behind their checksums: a container error or samples, in bounded memory and time.

A case follows from its number alone. All run in a process of their own, whose address space and time are limited.
"""

from __future__ import annotations

import os
import random
import resource
import struct
import subprocess
import sys
import time
import zlib
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
from make.data import textured

from inrfit import api
from inrfit.errors import InrfitError

CASES = 1200
"""Of each half, those with good checksums and those without."""

MEMORY, SECONDS = 640 << 20, 5.0
"""Address space beside what the program takes, and CPU time of a case."""

SMALL = {"hidden_features": 4, "hidden_layers": 1, "steps": 2, "device": "cpu", "threads": 1}
LABELS = (np.add.outer(np.arange(24) // 9, np.arange(36) // 17) % 3).astype(np.uint8)
INTEGERS = [0, 1, -1, 127, 255, 4096, 65535, 65536, 1 << 20, 1 << 24, 1 << 26, 1 << 30, 1 << 31, 1 << 40]
OTHERS = [
    None,
    True,
    0.0,
    -1.5,
    1e-30,
    1e300,
    float("nan"),
    float("inf"),
    "",
    "image",
    "audio",
    "video",
    "wire",
]
OTHERS += [
    "rff",
    "labels",
    "grid",
    "float16",
    "quantised",
    "contextual",
    "int16",
    "x" * 70,
    b"",
    b"\0\1",
    [],
    [1],
]


def seeds(folder: Path) -> list[bytes]:
    """Return small files of several models, kinds and types of weights."""
    np.save(folder / "labels.npy", LABELS)
    picture = textured(24, 36)
    cases = [
        {"grid": (2, 3)},
        {"grid": (2, 2), "weights": "float16"},
        {"partition": str(folder / "labels.npy")},
        {"grid": (2, 2), "model": "local-global", "trunk_features": 4, "weights": "float32"},
        {"grid": (1, 2), "model": "composer", "encoding": "rff", "features": 3},
        {"grid": (1, 2), "model": "feature-grid", "pitch": 3.0, "levels": 2},
    ]
    found = [api.to_bytes(api.fit(picture, **case, **SMALL)) for case in cases]
    sound = np.sin(np.arange(900) / 9).astype(np.float32)
    return [*found, api.to_bytes(api.fit(sound, kind="audio", cell=300, **SMALL))]


def sealed(tag: bytes, payload: bytes) -> bytes:
    """Return a chunk with its checksum."""
    start = tag + struct.pack("<I", len(payload))
    return start + struct.pack("<I", zlib.crc32(start + payload)) + payload


def taken_apart(data: bytes) -> tuple[list[Any], list[Any], list[tuple[bytes, bytes]], list[bytes]]:
    """Return header and index as lists, the chunks behind them, and the weights of each region."""
    at, chunks, end = 16, [], len(data)
    while len(chunks) < 3 or at < end:
        tag, size = struct.unpack_from("<4sI", data, at)
        chunks.append((tag, data[at + 12 : at + 12 + size]))
        at += 12 + size
        if len(chunks) == 3:
            end = at + msgspec.msgpack.decode(chunks[1][1])[5]
    head, index = (msgspec.msgpack.decode(payload) for _, payload in chunks[:2])
    parts = []
    for size in index[1]:
        parts.append(data[at : at + size])
        at += size + 4
    return head, index, chunks[2:], parts


def put_together(
    start: bytes, head: list[Any], index: list[Any], chunks: list[tuple[bytes, bytes]], parts: list[bytes]
) -> bytes:
    """Return a file with good checksums and sums."""
    behind = [sealed(*chunk) for chunk in chunks]
    first = sealed(b"HEAD", msgspec.msgpack.encode(head))
    if len(index) > 6 and isinstance(index[6], bytes):
        front = struct.pack("<I", zlib.crc32(b"".join(chunk[8:12] for chunk in [first, *behind])))
        index[6] = b"".join([front[:2], *(struct.pack("<I", zlib.crc32(part))[:2] for part in parts)])
    if len(index) > 5:
        index[1], index[5] = [*map(len, parts)], sum(map(len, behind[1:]))
    second = sealed(b"INDX", msgspec.msgpack.encode(index))
    ends = (piece for part in parts for piece in (part, struct.pack("<I", zlib.crc32(part))))
    return b"".join([start, first, second, *behind, *ends])


def flipped(rng: random.Random, data: bytes) -> bytes:
    """Return bytes of which some are changed, left out, doubled or moved."""
    found = bytearray(data)
    for _ in range(rng.choice([1, 1, 2, 8])):
        at, size = rng.randrange(len(found) + 1), rng.choice([1, 2, 4, 40])
        piece = bytes(found[at : at + size])
        kind = rng.randrange(5)
        if kind == 0:
            found[at : at + size] = rng.randbytes(len(piece))
        elif kind == 1:
            del found[at : at + size]
        elif kind == 2:
            found[at:at] = piece
        elif kind == 3:
            there = rng.randrange(len(found) + 1)
            found[there : there + len(piece)] = piece
        elif piece:
            found[at] ^= 1 << rng.randrange(8)
    return bytes(found)


def changed(rng: random.Random, held: list[Any]) -> None:
    """Change a value somewhere in nested lists."""
    inner = held
    while (deeper := [one for one in inner if isinstance(one, list) and one]) and rng.random() < 0.8:
        inner = rng.choice(deeper)
    at = rng.randrange(len(inner))
    value, kind = inner[at], rng.random()
    if isinstance(value, int) and kind < 0.4:
        inner[at] = value + rng.choice([-1, 1, value, rng.randrange(70000)])
    elif kind < 0.7:
        inner[at] = rng.choice(INTEGERS)
    elif kind < 0.9:
        inner[at] = rng.choice(OTHERS)
    elif kind < 0.95:
        del inner[at]
    else:
        inner.insert(at, value)


def mutated(rng: random.Random, data: bytes) -> bytes:
    """Return a file of which something is changed, with good checksums."""
    head, index, chunks, parts = taken_apart(data)
    for _ in range(rng.choice([1, 1, 2, 3])):
        kind, place = rng.randrange(7), rng.randrange(len(parts))
        if kind < 4:
            changed(rng, head)
        elif kind == 4:
            changed(rng, index)
        elif kind == 5:
            parts[place] = rng.choice([b"", flipped(rng, parts[place]), bytes(rng.randrange(200))])
        else:
            at = rng.randrange(len(chunks))
            chunks[at] = (chunks[at][0], rng.choice([b"", flipped(rng, chunks[at][1])]))
    try:
        return put_together(data[:16], head, index, chunks, parts)
    except (OverflowError, TypeError, ValueError):  # what MessagePack cannot hold
        return data


def use(data: bytes) -> None:
    """Do with a file what programs do; a refusal is all that may come of it."""
    for call in (
        lambda: api.info(data),
        lambda: api.decode(data, region=((0, 2), (0, 2)), device="cpu", threads=1),
        lambda: api.decode(data, region=((0, 2),), device="cpu", threads=1, partial=True),
        lambda: api.crop(data, keep="0,0"),
        lambda: api.load(data),
    ):
        try:
            call()
        except InrfitError as error:
            assert not error.message.startswith("unexpected")
            assert "\n" not in error.message


def main(folder: str, mode: str) -> None:
    """Run all cases of a mode within limits; the first that breaks a rule ends it."""
    files = [path.read_bytes() for path in sorted(Path(folder).glob("*.inr"))]
    for data in files:
        use(data)
    here = int(Path("/proc/self/statm").read_text().split()[0]) * os.sysconf("SC_PAGE_SIZE")
    resource.setrlimit(resource.RLIMIT_AS, (here + MEMORY, here + MEMORY))
    for case in range(CASES):
        rng = random.Random(f"{mode} {case}")
        data = rng.choice(files)
        data = flipped(rng, data) if mode == "raw" else mutated(rng, data)
        began = time.process_time()
        try:
            use(data)
            took = time.process_time() - began
            assert took < SECONDS, f"{took:.1f} s of CPU"
        except BaseException as error:
            raise SystemExit(f"case {case}, {len(data)} bytes: {type(error).__name__}: {error}") from error


@pytest.mark.skipif(sys.platform != "linux", reason="limits of memory are those of Linux")
@pytest.mark.parametrize("mode", ["raw", "repaired"])
def test_no_mutated_file_does_harm(mode: str, tmp_path: Path) -> None:
    for number, data in enumerate(seeds(tmp_path)):
        (tmp_path / f"{number}.inr").write_bytes(data)
    words = [sys.executable, __file__, str(tmp_path), mode]
    where = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run(words, capture_output=True, text=True, env=where)
    assert (done.returncode, done.stderr[-2000:]) == (0, "")


def test_files_are_put_together_as_they_were(tmp_path: Path) -> None:
    for data in seeds(tmp_path):
        assert put_together(data[:16], *taken_apart(data)) == data


if __name__ == "__main__":
    main(*sys.argv[1:])
