"""Arrays out of `.npz` files, never more than the file can hold; what the arrays are for is not known here."""

from __future__ import annotations

import zipfile
from collections.abc import Sequence
from io import BytesIO
from typing import Any

import numpy as np
from numpy.typing import NDArray

from inrfit.errors import InputError
from inrfit.io.arrays import check_npy
from inrfit.io.libraries import guarded

MOST_BYTES = 1 << 30
"""Most bytes of the arrays that are read."""

LITTLE, RATIO = 1 << 25, 50
"""Bytes that may always be unpacked; beyond, only so many times what they are packed: numbers of real places take a half."""

METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
"""Ways of packing that NumPy writes; others may ask for memory of their own."""


def read(data: bytes, wanted: Sequence[str], name: str) -> tuple[dict[str, NDArray[Any]], list[str]]:
    """Return the arrays of a file that are wanted, and the names of all.

    Args:
        data: the file.
        wanted: names of arrays.
        name: what messages call the file.

    Raises:
        InputError: it is no such file, damaged, holds no numbers, or would unpack to far more than its size.
    """
    with (
        guarded(lambda reason: InputError(f"{name}: is no .npz file or is damaged ({reason})")),
        zipfile.ZipFile(BytesIO(data)) as file,
    ):
        members = {info.filename.removesuffix(".npy"): info for info in file.infolist()}
        chosen = {key: members[key] for key in wanted if key in members}
        _check(list(chosen.values()), len(data), name)
        held = {key: _array(_unpacked(file, info), key, name) for key, info in chosen.items()}
        return held, sorted(members)


def _check(members: list[zipfile.ZipInfo], size: int, name: str) -> None:
    """Refuse what would unpack to too much: a member is never read beyond the size that its entry names."""
    unpacked = sum(info.file_size for info in members)
    most = min(MOST_BYTES, max(LITTLE, RATIO * size))
    if unpacked > most:
        raise InputError(
            f"{name}: {unpacked:,} bytes of arrays in a file of {size:,} are more than the {most:,} that are read",
            hint="save fewer points, or save them with numpy.savez, which does not compress",
        )
    for info in members:
        if info.compress_type not in METHODS:
            raise InputError(
                f"{name}: {info.filename!r} is packed by method {info.compress_type}, which is not read",
                hint="save it with numpy.savez or numpy.savez_compressed",
            )


def _unpacked(file: zipfile.ZipFile, member: zipfile.ZipInfo) -> bytes:
    """Return the bytes of a member, at most as many as its entry names: without a number zipfile unpacks all there is."""
    with file.open(member) as packed:
        return packed.read(member.file_size)


def _array(data: bytes, key: str, name: str) -> NDArray[Any]:
    """Return the array in a `.npy` file."""
    check_npy(BytesIO(data), len(data), f"{name}: {key}")
    array = np.load(BytesIO(data), allow_pickle=False)
    if array.dtype.kind not in "biuf":
        raise InputError(f"{name}: the array {key} holds {array.dtype}, not numbers")
    return array
