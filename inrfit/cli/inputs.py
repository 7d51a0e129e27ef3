"""From what was typed to inputs, and what they hold; `places` has their outputs."""

from __future__ import annotations

import glob
import io
import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from inrfit.errors import ConfigError, InputError

STANDARD = "-"
"""Standard input or output."""

STDIN = "<stdin>"
"""What messages call standard input."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """One piece of work.

    Attributes:
        source: path of the input, or None for standard input.
        output: path of the output, or None for standard output.
        skip: whether it is done already.
        writes: whether there is an output at all.
        replaces: whether the output may take the place of a file that has its name.
    """

    source: Path | None
    output: Path | None
    skip: bool = False
    writes: bool = True
    replaces: bool = False

    @property
    def name(self) -> str:
        """What to call the input."""
        return STDIN if self.source is None else str(self.source)


def content(item: Item) -> Path | bytes:
    """Return the path of an input, or the bytes of standard input and of whatever else can be read only once.

    Raises:
        InputError: standard input is closed, a pipe has no end, or the input is a folder that could not be listed.
    """
    from inrfit.pipes import drained, whole

    if item.source is not None:
        if not item.writes and is_folder(item.source):
            check_listed(item.source)
        return whole(item.source)
    if sys.stdin is None:
        raise InputError(f"{STDIN}: is closed", hint="pipe a file into it, or name a file")
    return drained(sys.stdin.buffer, STDIN)


def container(item: Item) -> Path | io.BytesIO:
    """Return a `.inr` input as its path, or as a file in memory that messages call by its name."""
    source = content(item)
    if isinstance(source, Path):
        return source
    file = io.BytesIO(source)
    file.name = item.name
    return file


def expand(
    patterns: Sequence[str], suffixes: Sequence[str], *, recursive: bool
) -> list[tuple[Path | None, Path]]:
    """Turn files, folders, globs and - into inputs.

    Returns:
        Pairs of an input (None for standard input) and the name of its output below an output folder, without
        suffix. Files that do not exist, and folders within a folder that cannot be listed, stay in the list: they fail
        when their turn comes, not the batch.

    Raises:
        ConfigError: a folder or glob holds nothing, a name is empty, or standard input is named twice.
    """
    found: list[tuple[Path | None, Path]] = []
    for pattern in patterns:
        path = Path(pattern)
        if not pattern:
            raise ConfigError("an input has an empty name", hint="name a file, or . for this folder")
        if pattern == STANDARD:
            found.append((None, Path("stdin")))
        elif is_folder(path):
            found += _folder(path, suffixes, recursive=recursive)
        elif not exists(path) and glob.has_magic(pattern):
            matches = sorted(Path(match) for match in glob.glob(pattern, recursive=True))  # noqa: PTH207 (absolute patterns)
            files = [match for match in matches if match.is_file()]
            if not files:
                raise ConfigError(f"{pattern} matches no file", hint="check the spelling and the folder")
            found += [(match, Path(match.stem)) for match in files]
        else:
            found.append((path, Path(path.stem)))
    if sum(source is None for source, _ in found) > 1:
        raise ConfigError("standard input (-) can be read only once", hint="give - once")
    return found


def _folder(folder: Path, suffixes: Sequence[str], *, recursive: bool) -> list[tuple[Path | None, Path]]:
    from inrfit.io.folders import listed

    found, refused = listed(folder, recursive=recursive)
    if refused and refused[0][0] == folder:
        raise ConfigError(f"{folder} cannot be listed ({refused[0][1]})", hint="check its permissions")
    files = [path for path in found if path.suffix.lower() in suffixes]
    if not files and not refused:
        raise ConfigError(
            f"{folder} holds no file to work on ({', '.join(suffixes)})",
            hint=None if recursive else "use -r to look into the folders within it",
        )
    return [
        *((path, path.relative_to(folder).with_suffix("")) for path in files),
        *((path, path.relative_to(folder)) for path, _ in refused),
    ]


def check_listed(folder: Path) -> None:
    """Refuse a folder that could not be listed, which is an input of its own.

    Raises:
        InputError: it cannot be listed.
    """
    try:
        with os.scandir(folder):
            pass
    except OSError as error:
        raise InputError(
            f"{folder}: cannot be listed ({error.strerror})", hint="check its permissions"
        ) from None


def exists(path: Path) -> bool:
    """Return whether there is something; unlike Path.exists, False for a name that the system refuses."""
    return os.path.lexists(path)


def is_file(path: str | Path) -> bool:
    """Return whether there is a file; unlike Path.is_file, False for a name that the system refuses."""
    return os.path.isfile(path)  # noqa: PTH113


def is_folder(path: str | Path) -> bool:
    """Return whether there is a folder; unlike Path.is_dir, False for a name that the system refuses."""
    return os.path.isdir(path)  # noqa: PTH112


def is_pipe(path: str | Path) -> bool:
    """Return whether there is something that is neither a file nor a folder; False for a name that the system refuses."""
    return os.path.exists(path) and not is_file(path) and not is_folder(path)  # noqa: PTH110
