"""Signals from and to files, arrays and bytes; what a kind of signal does with them lives in the files beside."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path, PurePath
from typing import Any

import numpy as np
from numpy.typing import NDArray

from inrfit.errors import InputError
from inrfit.io.config import ReadConfig
from inrfit.io.files import atomic_write_blocks, read_start
from inrfit.io.kinds import OtherKind, SignalKind
from inrfit.pipes import whole
from inrfit.registry import every, load
from inrfit.signal import Bands, Signal, SignalInfo

START = 256
"""First bytes of a file by which its kind is told where its suffix does not."""


def read(
    source: str | Path | bytes | NDArray[Any],
    config: ReadConfig | None = None,
    *,
    name: str | None = None,
) -> Signal:
    """Read a signal.

    Args:
        source: a path, the bytes of a file, or an array of samples.
        config: its kind and how it is read. Without a kind the suffix decides, then the content, and the content alone whether a
            container of clips holds a clip or a sound; arrays are images.
        name: what to call the source in messages, for example "<stdin>"; the path when not given.

    Raises:
        InputError: it cannot be read as a signal; the message names it.
        ConfigError: the kind is unknown.
    """
    config = config or ReadConfig()
    if isinstance(source, np.ndarray):
        return kind_of(config.kind or "image").from_array(source, config)
    label = name or ("<bytes>" if isinstance(source, bytes) else str(source))
    source = source if isinstance(source, bytes) else whole(Path(source))
    if isinstance(source, bytes):
        start = source[:START]
        if not source:
            raise InputError(f"{label}: is empty (0 bytes)", hint="look at what made it")
    else:
        start = read_start(source, START)
    signal = _read(source, label, config, config.kind or _recognise(start, label))
    return signal if config.metadata else _bare(signal)


def _read(source: Path | bytes, label: str, config: ReadConfig, kind: str) -> Signal:
    """Read a signal of a kind, or of the one that it turns out to be unless the configuration names one."""
    try:
        return kind_of(kind).read(source, label, config)
    except OtherKind as other:
        if config.kind is not None:
            raise
        return kind_of(other.kind).read(source, label, config)


def _bare(signal: Any) -> Signal:
    """Return a signal without what tells of its source."""
    return replace(signal, info=signal.info.without_metadata())


def encode(samples: Bands, suffix: str, *, name: str) -> Iterator[bytes]:
    """Yield samples piece by piece as the bytes of a file of the format that `suffix` stands for.

    Args:
        samples: native samples in bands.
        suffix: file suffix.
        name: what to call the file in messages.

    Raises:
        OutputError: at the first piece: the suffix is unknown, or its format cannot hold the samples; the hint names
            formats that can.
    """
    return kind_of(samples.info.kind).encode(samples, suffix, name)


def write(samples: Bands, path: Path, *, overwrite: bool) -> None:
    """Write samples to a file; its suffix picks the format.

    Raises:
        OutputError: see `encode`; or the file exists and `overwrite` is False, or the disk refuses.
    """
    atomic_write_blocks(path, encode(samples, path.suffix, name=str(path)), overwrite=overwrite)


def with_holes(
    values: NDArray[Any], info: SignalInfo, covered: NDArray[np.bool_], suffix: str
) -> tuple[NDArray[Any], SignalInfo, bool]:
    """Return samples as a file can show that some of them are not there.

    Args:
        values: native samples [*shape, channel].
        info: what is known about them.
        covered: which samples are there, [*shape].
        suffix: file suffix, which picks the format.

    Returns:
        The samples, what is known about them, and whether those that are not there are transparent. In formats
        without transparency they have the high end of the value range, which is white.
    """
    if covered.all():
        return values, info, True
    made = kind_of(info.kind).transparent(values, info, covered, suffix)
    if made is not None:
        return *made, True
    return np.where(covered[..., None], values, values.dtype.type(info.value_range[1])), info, False


def decode_suffix(info: SignalInfo) -> str:
    """Return the suffix for decoded samples when the user names no file.

    The suffix of the source where its format can be written and holds the samples; otherwise the most
    common format that holds them.
    """
    return kind_of(info.kind).default_suffix(info)


def input_suffixes(kind: str | None = None) -> tuple[str, ...]:
    """Return the file suffixes, in lower case, that are read when a folder is given: of one kind, or of all."""
    kinds = every("signal") if kind is None else (kind,)
    return tuple(dict.fromkeys(suffix for name in kinds for suffix in kind_of(name).suffixes))


def kind_of(name: str) -> SignalKind:
    """Return the reader and writer of a kind of signal."""
    return load("signal", name)()


def output_suffixes() -> tuple[str, ...]:
    """Return the file suffixes, in lower case, of the formats that are written."""
    return tuple(dict.fromkeys(suffix for name in every("signal") for suffix in kind_of(name).written))


def _recognise(start: bytes, label: str) -> str:
    """Return the kind of a file by its suffix, otherwise by its first bytes."""
    suffix = PurePath(label).suffix.lower()
    for kind in every("signal"):
        if suffix in kind_of(kind).suffixes:
            return kind
    for kind in every("signal"):
        if kind_of(kind).recognises(start):
            return kind
    raise InputError(
        f"{label}: is no file inrfit knows, it begins with {start[:8]!r}",
        hint=f"readable are {', '.join(input_suffixes())}",
    )
