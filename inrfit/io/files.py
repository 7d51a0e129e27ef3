"""Bytes from and to the disk, whole files at a time; it knows no file formats."""

from __future__ import annotations

import errno
import hashlib
import os
from collections.abc import Generator, Iterable, Iterator
from contextlib import contextmanager
from itertools import chain, count
from pathlib import Path
from typing import Literal

from inrfit.errors import InputError, OutputError
from inrfit.io import scratch
from inrfit.io.unfinished import Unfinished

_WRITE_HINTS = {
    errno.ENOENT: "make the folder first, or name another one",
    errno.ENOTDIR: "a part of the path is a file; name another one",
    errno.ENOSPC: "free some space, or write to another disk",
    errno.EDQUOT: "free some space, or write to another disk",
    errno.EACCES: "write to a folder that is yours",
    errno.EPERM: "write to a folder that is yours",
    errno.EROFS: "write to another disk",
    errno.ENAMETOOLONG: "choose a shorter name",
}


def read_bytes(source: Path | bytes) -> bytes:
    """Return the content of a file; bytes are returned as they are.

    Raises:
        InputError: there is no such file, it is a folder, it may not be read, or it is empty.
    """
    return source if isinstance(source, bytes) else _read(source, None)


def read_start(path: Path, count: int) -> bytes:
    """Return the first bytes of a file.

    Raises:
        InputError: as for `read_bytes`.
    """
    return _read(path, count)


def digest(source: Path | bytes) -> str:
    """Return the SHA-256 of a file, or of its bytes, in hex; a file is read block by block.

    Raises:
        InputError: it cannot be read.
    """
    if isinstance(source, bytes):
        return hashlib.sha256(source).hexdigest()
    try:
        with source.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise InputError(f"{source}: cannot be read ({_reason(error)})") from error


@contextmanager
def as_file(source: Path | bytes, suffix: str) -> Iterator[Path]:
    """Give the bytes of a source a path, for programs that need one; that of a file is its own.

    Args:
        source: a path, or bytes, which are put into a temporary file while it lasts.
        suffix: of the temporary file.
    """
    if isinstance(source, Path):
        yield source
        return
    with scratch.folder() as folder:
        path = folder / f"input{suffix}"
        path.write_bytes(source)
        yield path


def _read(path: Path, count: int | None) -> bytes:
    """Return so many bytes of a file, or all."""
    try:
        with path.open("rb") as file:
            data = file.read() if count is None else file.read(count)
    except FileNotFoundError as error:
        raise InputError(f"{path}: no such file", hint="check the spelling and the folder") from error
    except IsADirectoryError as error:
        raise InputError(f"{path}: is a folder, not a file", hint="name a file inside it") from error
    except PermissionError as error:
        raise InputError(f"{path}: may not be read", hint="check the permissions of the file") from error
    except (OSError, ValueError) as error:  # ValueError: a null character in the path
        raise InputError(f"{path!s}: cannot be read ({_reason(error)})".replace("\0", "\\0")) from error
    if not data:
        raise InputError(f"{path}: file is empty (0 bytes)", hint="make or download it again")
    return data


def atomic_write(path: Path, data: bytes, *, overwrite: bool) -> None:
    """Write a file so that it is there whole or not at all; see `write`.

    Raises:
        OutputError: the file exists and `overwrite` is False, or it cannot be written; nothing is left behind.
    """
    atomic_write_blocks(path, (data,), overwrite=overwrite)


def atomic_write_blocks(path: Path, blocks: Iterable[bytes], *, overwrite: bool) -> None:
    """Write a file block by block, as they are made, so that it is there whole or not at all; see `write`.

    Raises:
        OutputError: see `atomic_write`. Errors of the `blocks` themselves leave nothing behind either.
    """
    with _refusals(path):
        _check_target(path, overwrite=overwrite)
    write(path, blocks, taken="replace" if overwrite else "refuse")


def write(
    path: Path,
    blocks: Iterable[bytes],
    *,
    taken: Literal["replace", "refuse", "beside"],
    twin: Path | None = None,
) -> Path:
    """Write a file block by block under a temporary name in the same folder, and give it its own when it is whole.

    Args:
        path: the name it is to have.
        blocks: its bytes.
        taken: what is done where a file has the name by the end. It is replaced, and its permissions, and its owner
            where the system lets us, are kept; of a link, the target is replaced. Or the new one is refused, or gets a
            name beside it, such as `photo.1.inr`.
        twin: a file that gets the time of this one before that has its name, by which one can tell later that they
            belong together.

    Returns:
        Its name.

    Raises:
        OutputError: it cannot be written, or is refused. Errors of the `blocks` leave nothing behind either.
    """
    with _refusals(path):
        target = Path(os.path.realpath(path)) if taken == "replace" else path
        file = Unfinished(target, replaces=taken == "replace")
    try:
        for block in blocks:
            with _refusals(path):
                file.write(block)
            del block  # else it stays in memory while the next one is made
        with _refusals(path):
            file.finish(twin)
            if taken != "replace":
                return _take_name(file, path, taken)
            file.replace(target)
            return path
    finally:
        file.close()
        if isinstance(blocks, Generator):  # it may hold temporary files of its own
            blocks.close()


def disk_is_full(error: BaseException | None) -> bool:
    """Return whether an output could not be written because there is no room for it, nor for others."""
    cause = error.__cause__ if isinstance(error, OutputError) else None
    return isinstance(cause, OSError) and cause.errno in (errno.ENOSPC, errno.EDQUOT)


def _take_name(file: Unfinished, path: Path, taken: str) -> Path:
    """Give a new file its name, or the first like it that is free."""
    short = path.stem if len(os.fsencode(path.name)) < 240 else path.stem[:50]
    others = (path.with_name(f"{short}.{number}{path.suffix}") for number in count(1))
    for name in chain((path,), others if taken == "beside" else ()):
        try:
            file.take(name)
            return name
        except FileExistsError:
            continue
    raise _exists(path)


def _check_target(path: Path, *, overwrite: bool) -> None:
    """Raise an OutputError where a file must not be put."""
    if path.is_dir():
        raise OutputError(f"{path}: is a folder, not a file", hint="name a file inside it")
    if path.exists() and not path.is_file():
        raise OutputError(f"{path}: is not a regular file", hint="name another file")
    if os.path.lexists(path) and not overwrite:
        raise _exists(path)


def _exists(path: Path) -> OutputError:
    return OutputError(f"{path}: exists already", hint="replace it with --force, or name another file")


@contextmanager
def _refusals(path: Path) -> Iterator[None]:
    """Turn what the system says into an error that names the file."""
    try:
        yield
    except (OSError, ValueError) as error:
        number = error.errno if isinstance(error, OSError) else None
        raise OutputError(
            f"{path!s}: cannot be written ({_reason(error)})".replace("\0", "\\0"),
            hint=_WRITE_HINTS.get(number or 0, "name another file or folder"),
        ) from error


def _reason(error: Exception) -> str:
    """Return why the system refused, without the path, which the message names already."""
    return (isinstance(error, OSError) and error.strerror) or str(error)
