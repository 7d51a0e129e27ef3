"""Mutated files of every format: each gives a signal or one of the project's own errors, within bounded memory.

A format is one entry of `SEEDS`: a suffix, and a function that makes small valid files of it. Each case is read in a process of
its own kind, whose address space may grow by `ROOM`; cases are numbered, so that one that fails can be made again.
"""

from __future__ import annotations

import io
import json
import random
import resource
import struct
import subprocess
import sys
import tempfile
import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

ROOM = 1 << 30
"""Bytes by which a process may grow."""

CASES = 150
"""Mutated files of each entry."""


def cube(scale: float = 1.0) -> tuple[np.ndarray, np.ndarray]:
    import trimesh

    mesh = trimesh.creation.box(extents=[scale] * 3)
    return np.array(mesh.vertices), np.array(mesh.faces)


def exported(form: str, **words: str) -> bytes:
    import trimesh

    made = trimesh.creation.icosphere(subdivisions=1).export(file_type=form, **words)
    return made.encode() if isinstance(made, str) else bytes(made)


def ply() -> list[bytes]:
    vertices, faces = cube()
    quads = b"".join(struct.pack("<B4i", 4, *row) for row in [(0, 1, 3, 2), (4, 6, 7, 5), (0, 4, 5, 1)])
    mixed = (
        b"ply\nformat binary_little_endian 1.0\nelement vertex 8\nproperty float x\nproperty float y\nproperty float z\n"
        b"element face 15\nproperty list uchar int vertex_indices\nelement edge 1\nproperty int a\nend_header\n"
        + vertices.astype("<f4").tobytes()
        + quads
        + b"".join(struct.pack("<B3i", 3, *row) for row in faces)
        + bytes(4)
    )
    return [mixed, exported("ply"), exported("ply", encoding="ascii")]


def stl() -> list[bytes]:
    return [exported("stl"), exported("stl_ascii")]


def gltf() -> list[bytes]:
    import base64

    vertices, faces = cube()
    held = vertices.astype("<f4").tobytes() + faces.astype("<u2").tobytes()
    text = {
        "asset": {"version": "2.0"},
        "scenes": [{"nodes": [0]}],
        "nodes": [{"mesh": 0, "children": [1]}, {"mesh": 0, "translation": [3, 0, 0], "scale": [1, -1, 1]}],
        "meshes": [{"primitives": [{"attributes": {"POSITION": 0}, "indices": 1}]}],
        "accessors": [
            {"bufferView": 0, "componentType": 5126, "count": 8, "type": "VEC3"},
            {"bufferView": 1, "componentType": 5123, "count": 36, "type": "SCALAR"},
        ],
        "bufferViews": [
            {"buffer": 0, "byteLength": 96},
            {"buffer": 0, "byteOffset": 96, "byteLength": 72},
        ],
        "buffers": [{"byteLength": 168, "uri": "data:;base64," + base64.b64encode(held).decode()}],
    }
    return [json.dumps(text).encode()]


def obj() -> list[bytes]:
    bracket = "v 0 0 0\nv 3 0 0\nv 3 1 0\nv 1 1 0\nv 1 3 0\nv 0 3 0\n"
    top = bracket.replace(" 0\n", " 1\n")
    sides = "".join(f"f {i + 1} {(i + 1) % 6 + 1} {(i + 1) % 6 + 7} {i + 7}\n" for i in range(6))
    return [exported("obj"), (bracket + top + "f 6 5 4 3 2 1\nf -6 -5 -4 -3 -2 -1\n" + sides).encode()]


def clouds() -> list[bytes]:
    points = np.random.default_rng(0).normal(size=(40, 3))
    points /= np.linalg.norm(points, axis=1, keepdims=True)
    rows = [" ".join(f"{value:.4f}" for value in (*row, *row)) for row in points]
    commas = "\n".join(rows).replace(".", ",").replace(" ", ";")
    return [("//X Y Z Nx Ny Nz\n40\n" + "\n".join(rows)).encode(), commas.encode()]


def npz() -> list[bytes]:
    vertices, faces = cube()
    plain, packed = io.BytesIO(), io.BytesIO()
    np.savez(plain, points=vertices)
    np.savez_compressed(packed, vertices=vertices, faces=faces)
    return [plain.getvalue(), packed.getvalue()]


SEEDS: dict[str, Callable[[], list[bytes]]] = {
    ".ply": ply,
    ".stl": stl,
    ".obj": obj,
    ".off": lambda: [exported("off"), b"COFF\n" + exported("off")[4:]],
    ".glb": lambda: [exported("glb")],
    ".gltf": gltf,
    ".xyz": clouds,
    ".pts": clouds,
    ".npz": npz,
}
"""Small valid files of each format, by its suffix."""

ODD = (0, 1, 0x7FFF, 0x8000, 0xFFFF, 0x7FFFFFFF, 0xFFFFFFFF, 0x80000000, 1 << 24, 100_000)
"""Numbers that headers do not expect."""


def mutated(suffix: str, number: int, seeds: list[bytes]) -> bytes:
    """Return a seed with some bytes changed, put in, cut out, or taken from another."""
    rng = random.Random(f"{suffix} {number}")
    data = bytearray(rng.choice(seeds))
    for _ in range(rng.choice([1, 1, 1, 2, 3, 8])):
        at = min(max(0, len(data) - 1), int(len(data) * rng.random() ** rng.choice([1, 2, 4])))
        way = rng.randrange(7)
        if way == 0 and data:
            data[at] ^= 1 << rng.randrange(8)
        elif way == 1 and data:
            data[at] = rng.choice([0, 1, 0x7F, 0x80, 0xFF, *b' -9.,;\n#"[{', rng.randrange(256)])
        elif way == 2:
            word = struct.pack(rng.choice("<>") + "I", rng.choice(ODD))
            data[at : at + 4] = word
        elif way == 3:
            del data[at : at + rng.choice([1, 2, 4, 16, 200])]
        elif way == 4:
            data[at:at] = str(rng.choice([*ODD, "-1", "1e99", "nan", "1e-320"])).encode()
        elif way == 5:
            length = rng.randrange(1, 60)
            data[at:at] = data[at : at + length] * rng.choice([1, 2, 50])
        else:
            other = rng.choice(seeds)
            data[at:] = other[rng.randrange(len(other)) :] if rng.random() < 0.5 else b""
    return bytes(data) or b"\0"


def read_all(suffix: str, cases: int) -> list[str]:
    """Return what went wrong with the mutated files of a format, a line each."""
    from inrfit.errors import InrfitError
    from inrfit.io import read
    from inrfit.io.config import ReadConfig

    seeds = SEEDS[suffix]()
    wrong: list[str] = []
    with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        path = Path(folder) / f"a{suffix}"
        config = ReadConfig(resolution=8)
        for seed in seeds:
            path.write_bytes(seed)
            read(path, config)
        used = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
        resource.setrlimit(resource.RLIMIT_AS, (used + ROOM, used + ROOM))
        for number in range(cases):
            path.write_bytes(mutated(suffix, number, seeds))
            try:
                signal = read(path, config)
                signal.dense(tuple((a, min(b, a + 2)) for a, b in signal.domain.box))
            except InrfitError as error:
                words = error.message
                if (
                    "\n" in words
                    or "Unable to allocate" in words
                    or "MemoryError" in words
                    or "\x1b" in words
                ):
                    wrong.append(f"{suffix} {number}: {words!r}")
            except BaseException as error:
                wrong.append(f"{suffix} {number}: {type(error).__name__} {error}")
    return wrong


@pytest.mark.skipif(sys.platform != "linux", reason="the limit of memory is that of Linux")
@pytest.mark.parametrize("suffix", SEEDS)
def test_a_mutated_file_is_read_or_refused(suffix: str) -> None:
    words = [sys.executable, __file__, suffix, str(CASES)]
    ran = subprocess.run(words, capture_output=True, text=True, timeout=300, check=False)
    assert ran.returncode == 0, ran.stderr[-2000:]
    assert json.loads(ran.stdout) == []
    assert ran.stderr == ""


if __name__ == "__main__":
    print(json.dumps(read_all(sys.argv[1], int(sys.argv[2]))))  # noqa: T201
