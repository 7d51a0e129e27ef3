"""Signals and fields, in from files and out to them; torch is not imported."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from inrfit import io
from inrfit.codec import excerpt
from inrfit.codec.container import Reader
from inrfit.codec.origin import Find, Origin
from inrfit.codec.source import Source as FileSource
from inrfit.codec.summary import summary
from inrfit.codec.write import dumps
from inrfit.errors import InputError
from inrfit.field import Field
from inrfit.io.config import ReadConfig
from inrfit.io.files import atomic_write
from inrfit.signal import Signal

if TYPE_CHECKING:
    from inrfit.meta.init import Init

Source = str | Path | bytes | NDArray[Any] | Signal
"""A signal, or what one is read from: a path, the bytes of a file, or an array, which is an image unless a kind is named."""


def read(source: Source, config: ReadConfig | None = None, *, name: str | None = None) -> Signal:
    """Read a signal.

    Args:
        source: a path, the bytes of a file, an array, or a signal. An array is an image [height, width] or [height,
            width, channel] unless the kind says otherwise: "audio" takes [time] or [time, channel], "video" [time,
            height, width] or with channels, "volume" [z, y, x] or with channels.
        config: its kind and how it is read; the suffix and the content decide when None.
        name: what to call it in messages when it has no path.

    Raises:
        InputError: it cannot be read; the message says why.
    """
    if isinstance(source, str | Path | bytes | np.ndarray):
        return io.read(source, config, name=name)
    if isinstance(source, Signal):
        return source
    raise InputError(f"cannot read a signal from {type(source).__name__}", hint="give a path or an array")


def reading(field: Field) -> ReadConfig:
    """Return how a file must be read to be compared with a field, or to be put beside it."""
    return io.kind_of(field.info.kind).reading(field.domain, field.info)


def info(source: FileSource) -> dict[str, Any]:
    """Return what a `.inr` file holds, as plain values, without decoding it or importing torch.

    Raises:
        InputError: there is no such file. ContainerError: its front matter is damaged. Damaged regions are no
            error: they are listed under "damaged".
    """
    with Reader(source) as reader:
        return summary(reader)


def load(source: FileSource, *, partial: bool = False, init: Init | str | Path | None = None) -> Field:
    """Read a field from a `.inr` file.

    Args:
        source: the file.
        partial: leave out damaged regions, which `info` names; without it they are an error.
        init: the init, or its file, of a file that keeps only what its regions adapted; files beside it are looked at
            when None.

    Raises:
        InputError: there is no such file, or the init is another one. ContainerError: it is damaged or not a `.inr`
            file, or its init is not there.
    """
    return excerpt.read(source, partial=partial, find=finder(source, init)).field


def finder(source: FileSource, init: Init | str | Path | None) -> Find:
    """Return what finds the init of a file where it needs one; nothing is imported for files that do not."""

    def find(wanted: str) -> Origin | None:
        from inrfit.meta import origin

        return origin.find(source, init, wanted)

    return find


def to_bytes(field: Field) -> bytes:
    """Return the bytes of the `.inr` file that holds a field."""
    return dumps(field)


def save(field: Field, path: str | Path, *, overwrite: bool = False) -> int:
    """Write a field to a `.inr` file and return its size in bytes.

    Raises:
        OutputError: the file exists and `overwrite` is False, or it cannot be written; nothing is left behind.
    """
    data = to_bytes(field)
    atomic_write(Path(path), data, overwrite=overwrite)
    return len(data)
