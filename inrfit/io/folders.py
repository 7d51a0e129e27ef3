"""What lies in a folder: its files in order, through links once each; it opens none of them."""

from __future__ import annotations

import os
from pathlib import Path

RESOURCE_FORK = "._"
"""Begins the names under which macOS keeps what other disks have no place for beside a file; they hold no signals."""


def listed(folder: Path, *, recursive: bool) -> tuple[list[Path], list[tuple[Path, str]]]:
    """Return the files of a folder, and the folders in it that cannot be listed.

    Links to folders are followed after all folders that are really there, in order, and no folder is listed twice, so
    that loops end. A link that leads nowhere is a file, which cannot be read.

    Args:
        folder: where to look.
        recursive: look into the folders within.

    Returns:
        The files, sorted; and each folder that cannot be listed with the reason, `folder` itself first.
    """
    files: list[Path] = []
    refused: list[tuple[Path, str]] = []
    seen: set[tuple[int, int]] = set()
    pending, links = [folder], []
    while pending or links:
        if not pending:
            links.sort(reverse=True)
            pending.append(links.pop())
        here = pending.pop()
        try:
            found = here.stat()
            if (found.st_dev, found.st_ino) in seen:
                continue
            seen.add((found.st_dev, found.st_ino))
            with os.scandir(here) as entries:
                names = [entry for entry in entries if not entry.name.startswith(RESOURCE_FORK)]
        except OSError as error:
            refused.append((here, error.strerror or str(error)))
            continue
        for entry in names:
            path = here / entry.name
            if entry.is_symlink():
                if path.is_dir():
                    links.append(path)
                elif path.is_file() or not path.exists():
                    files.append(path)
            elif entry.is_dir():
                pending.append(path)
            elif entry.is_file():
                files.append(path)
        if not recursive:
            break
    return sorted(files), refused
