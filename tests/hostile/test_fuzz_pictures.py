"""Pictures with random damage: a signal or one of the project's own errors, within bounded memory; seeded."""

from __future__ import annotations

import io
import json
import random
import struct
import subprocess
import sys
import zlib
from typing import Any

import numpy as np
from make import tiffs
from make.images import read_image
from make.tiffs import DEFLATE, LZMA, LZW, PACKBITS, ZSTD
from PIL import Image

from inrfit.errors import InrfitError

EACH = 40
"""Damaged files of each seed."""

MEMORY = 768 << 20
"""Bytes of address space that reading one may take on top of an idle process."""

_ODD = (0, 1, 0x7FFF, 0x8000, 0xFFFF, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF, 1 << 24)


def seeds() -> list[bytes]:
    """Return small files of every format that is read as a picture, and TIFFs of many layouts."""
    rng = np.random.default_rng(5)
    values = rng.integers(0, 256, (16, 20, 3), np.uint8)
    image, deep = Image.fromarray(values), rng.integers(0, 65536, (16, 20, 5), np.uint16)
    made = [
        tiffs.tiff(deep, 16, extra=(0,) * 4, compression=LZW, strip=5),
        tiffs.tiff(deep, 16, extra=(0,) * 4, compression=DEFLATE, predictor=2, tile=(16, 16)),
        tiffs.tiff(deep[..., :1] >> 6, 10, compression=PACKBITS, order=">"),
        tiffs.tiff(deep.astype(np.float32), 32, extra=(0,) * 4, compression=ZSTD, predictor=3, planar=True),
        tiffs.tiff(deep[..., :4], 16, photometric=2, extra=(1,), big=True, compression=LZMA),
        tiffs.tiff(values, 8, photometric=2, compression=LZW, more={42113: ("s", b"7\0")}),
    ]
    options: list[tuple[str, str, dict[str, Any]]] = [
        ("PNG", "RGB", {"icc_profile": bytes(150)}),
        ("PNG", "P", {}),
        ("JPEG", "RGB", {"exif": b"Exif\0\0II*\0\x08\0\0\0\0\0\0\0\0\0"}),
        ("WEBP", "RGB", {"lossless": True}),
        ("AVIF", "RGB", {}),
        ("GIF", "P", {}),
        ("BMP", "RGB", {}),
        ("PPM", "RGB", {}),
        ("TIFF", "RGB", {"compression": "jpeg"}),
        ("TIFF", "1", {"compression": "group4"}),
    ]
    for form, mode, words in options:
        file = io.BytesIO()
        image.convert(mode).save(file, form, **words)
        made.append(file.getvalue())
    file = io.BytesIO()
    np.save(file, values)
    return [*made, file.getvalue(), b"P5 5 4 65535\n" + bytes(40), b"P2 3 2 1000\n1 2 3 4 5 6\n"]


def damaged(data: bytes, rng: random.Random) -> bytes:
    """Return a file with one to eight changes, most of them near its start; chunks of a PNG get good checksums."""
    made = bytearray(data)
    for _ in range(rng.choice([1, 1, 2, 3, 8])):
        at = min(len(made) - 1, int(len(made) * rng.random() ** rng.choice([1, 2, 4])))
        match rng.randrange(6):
            case 0:
                made[at] ^= 1 << rng.randrange(8)
            case 1:
                made[at] = rng.randrange(256)
            case 2:
                number = struct.pack(rng.choice("<>") + "I", rng.choice(_ODD))[: rng.choice([2, 4])]
                made[at : at + len(number)] = number
            case 3:
                del made[at : at + rng.choice([1, 2, 4, 16])]
            case 4:
                made[at:at] = rng.randbytes(rng.choice([1, 2, 8, 64]))
            case _:
                made[at:at] = made[at : at + rng.randrange(1, 60)] * rng.choice([1, 2, 50])
    return with_checksums(bytes(made)) if data.startswith(b"\x89PNG") and rng.random() < 0.7 else bytes(made)


def with_checksums(data: bytes) -> bytes:
    """Return a PNG whose chunks have good checksums as far as their lengths hold."""
    made, at = bytearray(data[:8]), 8
    while at + 12 <= len(data):
        (length,) = struct.unpack_from(">I", data, at)
        if at + 12 + length > len(data):
            break
        body = data[at + 4 : at + 8 + length]
        made += data[at : at + 4] + body + struct.pack(">I", zlib.crc32(body))
        at += 12 + length
    return bytes(made) + data[at:]


def main() -> None:
    """Read all damaged files and print how many were read and refused, and the first that did anything else."""
    import resource
    from pathlib import Path

    given = seeds()
    for data in given:
        read_image(data, "seed")
    size = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (size + MEMORY, size + MEMORY))
    counts = {"read": 0, "refused": 0, "wrong": ""}
    for place, data in enumerate(given):
        for case in range(EACH):
            try:
                read_image(damaged(data, random.Random(f"{place} {case}")), "a")
                counts["read"] += 1
            except InrfitError as error:
                counts["refused"] += 1
                assert "\n" not in error.message
            except BaseException as error:
                counts["wrong"] = (
                    counts["wrong"] or f"seed {place} case {case}: {type(error).__name__} {error}"
                )
    print(json.dumps(counts))  # noqa: T201


def test_damaged_pictures_are_read_or_refused() -> None:
    command = [sys.executable, "-c", f"import {__name__} as it; it.main()"]
    path = {"PYTHONPATH": ":".join(sys.path), "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
    done = subprocess.run(command, capture_output=True, text=True, env=path, timeout=300, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    counts = json.loads(done.stdout)
    assert counts["wrong"] == ""
    assert counts["read"] + counts["refused"] == EACH * len(seeds())
    assert min(counts["read"], counts["refused"]) > EACH
