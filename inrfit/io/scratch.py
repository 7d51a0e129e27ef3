"""Folders for files that programs and libraries can only write under a name; none of a run that was killed stays for long."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from inrfit.io.claims import claim, hold, names

PREFIX = "inrfit-scratch-"
"""Of the names of the folders; eight characters follow."""

_FLAGS = os.O_RDONLY | getattr(os, "O_DIRECTORY", 0)


@contextmanager
def folder() -> Iterator[Path]:
    """Yield an empty folder on the disk of temporary files, which goes in the end with all that is in it.

    Those that killed runs of this user left there are removed first.
    """
    _sweep(Path(tempfile.gettempdir()))
    while True:
        with tempfile.TemporaryDirectory(prefix=PREFIX, ignore_cleanup_errors=True) as name:
            descriptor = os.open(name, _FLAGS)
            try:
                if hold(descriptor) is not False and names(Path(name), descriptor):
                    yield Path(name)
                    return
            finally:
                os.close(descriptor)


def _sweep(place: Path) -> None:
    """Remove the folders that nobody is at work in."""
    for path in place.glob(PREFIX + 8 * "?"):
        left = claim(path, _FLAGS)
        if left is not None:
            shutil.rmtree(path, ignore_errors=True)
            os.close(left)
