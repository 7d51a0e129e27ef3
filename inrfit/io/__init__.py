"""Signals from and to files, arrays and bytes; what a kind of signal does with them lives in the files beside."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path, PurePath
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from inrfit.errors import InputError
from inrfit.io.files import atomic_write, read_bytes
from inrfit.registry import load, names
from inrfit.signal import Signal, SignalInfo


class SignalIO(Protocol):
    """What the registry holds for each kind of signal; `inrfit.io.image` is one.

    Attributes:
        kind: name of the kind.
        suffixes: file suffixes of the kind, in lower case.
    """

    kind: str
    suffixes: tuple[str, ...]

    def recognises(self, data: bytes) -> bool:
        """Tell whether the content of a file looks like this kind."""
        ...

    def read(self, data: bytes, name: str) -> Signal:
        """Read the bytes of a file called `name`."""
        ...

    def from_array(self, array: NDArray[Any]) -> Signal:
        """Make a signal from an array."""
        ...

    def encode(self, values: NDArray[Any], info: SignalInfo, suffix: str, name: str) -> bytes:
        """Return native samples as the bytes of a file."""
        ...

    def encode_bands(
        self,
        bands: Iterable[NDArray[Any]],
        shape: tuple[int, ...],
        dtype: np.dtype[Any],
        info: SignalInfo,
        suffix: str,
        name: str,
    ) -> Iterator[bytes]:
        """Yield the same file piece by piece, of samples that come in bands along the first axis."""
        ...

    def transparent(
        self, values: NDArray[Any], info: SignalInfo, covered: NDArray[np.bool_], suffix: str
    ) -> tuple[NDArray[Any], SignalInfo] | None:
        """Return samples that are transparent where not covered; None when a file of this kind cannot hold that."""
        ...

    def default_suffix(self, info: SignalInfo) -> str:
        """Return the suffix that decoded samples take when the user names none."""
        ...


def read(
    source: str | Path | bytes | NDArray[Any], *, kind: str | None = None, name: str | None = None
) -> Signal:
    """Read a signal.

    Args:
        source: a path, the bytes of a file, or an array of samples.
        kind: kind of signal; None goes by the suffix, then by the content. Arrays are images then.
        name: what to call the source in messages, for example "<stdin>"; the path when not given.

    Raises:
        InputError: it cannot be read as a signal; the message names it.
        ConfigError: the kind is unknown.
    """
    if isinstance(source, np.ndarray):
        return _kind(kind or "image").from_array(source)
    if isinstance(source, bytes):
        data, label = source, name or "<bytes>"
    else:
        data, label = read_bytes(Path(source)), name or str(source)
    if not data:
        raise InputError(f"{label}: is empty (0 bytes)", hint="look at what made it")
    return _kind(kind or _recognise(data, label)).read(data, label)


def encode(values: NDArray[Any], info: SignalInfo, suffix: str, *, name: str) -> bytes:
    """Return native samples [*shape, channel] as the bytes of a file of the format that `suffix` stands for.

    Raises:
        OutputError: the suffix is unknown, or its format cannot hold the samples; the hint names formats
            that can.
    """
    return _kind(info.kind).encode(values, info, suffix, name)


def encode_bands(
    bands: Iterable[NDArray[Any]],
    shape: tuple[int, ...],
    dtype: np.dtype[Any],
    info: SignalInfo,
    suffix: str,
    *,
    name: str,
) -> Iterator[bytes]:
    """Yield the file that `encode` returns piece by piece, of samples that come in bands along the first axis.

    Args:
        bands: native samples [some of the first axis, ..., channel], in order.
        shape, dtype: of all of them together.
        info, suffix, name: as for `encode`.

    Raises:
        OutputError: as for `encode`, at the first piece.
    """
    return _kind(info.kind).encode_bands(bands, shape, dtype, info, suffix, name)


def write(values: NDArray[Any], info: SignalInfo, path: Path, *, overwrite: bool) -> None:
    """Write native samples [*shape, channel] to a file; its suffix picks the format.

    Raises:
        OutputError: see `encode`; or the file exists and `overwrite` is False, or the disk refuses.
    """
    atomic_write(path, encode(values, info, path.suffix, name=str(path)), overwrite=overwrite)


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
    made = _kind(info.kind).transparent(values, info, covered, suffix)
    if made is not None:
        return *made, True
    return np.where(covered[..., None], values, values.dtype.type(info.value_range[1])), info, False


def decode_suffix(info: SignalInfo) -> str:
    """Return the suffix for decoded samples when the user names no file.

    The suffix of the source where its format can be written and holds the samples; otherwise the most
    common format that holds them.
    """
    return _kind(info.kind).default_suffix(info)


def input_suffixes() -> tuple[str, ...]:
    """Return the file suffixes, in lower case, that are read when a folder is given."""
    return tuple(suffix for kind in names("signal") for suffix in _kind(kind).suffixes)


def _kind(name: str) -> SignalIO:
    """Return the reader and writer of a kind of signal."""
    return load("signal", name)()


def _recognise(data: bytes, label: str) -> str:
    """Return the kind of a file by its suffix, otherwise by its content."""
    suffix = PurePath(label).suffix.lower()
    for kind in names("signal"):
        if suffix in _kind(kind).suffixes:
            return kind
    for kind in names("signal"):
        if _kind(kind).recognises(data):
            return kind
    raise InputError(
        f"{label}: is no file inrfit knows, it begins with {data[:8]!r}",
        hint=f"readable are {', '.join(input_suffixes())}",
    )
