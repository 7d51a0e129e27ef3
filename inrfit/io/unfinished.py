"""A file that does not have its name yet: it grows beside it under another, and takes its place whole or not at all."""

from __future__ import annotations

import errno
import hashlib
import os
import secrets
import stat
from contextlib import suppress
from pathlib import Path

from inrfit.io.claims import claim, hold, names

PLACES = 4
"""Names for unfinished files of one output; more runs than that which write it at once take names by chance."""

_FLAGS = os.O_RDWR | getattr(os, "O_BINARY", 0)


class Unfinished:
    """A file under a temporary name in the folder of its own, locked while it is written.

    The temporary name follows from the other, so that the next run that writes the file finds what a killed one left.

    Args:
        path: the name it will have.
        replaces: whether it takes the place of a file that has the name, and its permissions.

    Raises:
        OSError: it cannot be made.
    """

    def __init__(self, path: Path, *, replaces: bool) -> None:
        sweep(path)
        self._old = path.stat() if replaces and path.exists() else None
        self._place, descriptor = _made(path, 0o666 if self._old is None else 0o600)
        self._locked = hold(descriptor)
        self._file = os.fdopen(descriptor, "wb")
        self.write = self._file.write

    def finish(self, twin: Path | None = None) -> None:
        """Bring all that was written to the disk, with the permissions of the file that is there already.

        Args:
            twin: a file that gets the time of this one, by which both are known later to belong together.
        """
        self._file.flush()
        if self._old is not None and hasattr(os, "fchmod"):
            _permit(self._file.fileno(), self._old)
        os.fsync(self._file.fileno())
        if twin is not None:
            time = os.fstat(self._file.fileno()).st_mtime_ns
            with suppress(OSError):  # it is another user's
                for path in (self._place, twin):  # a disk may round it
                    os.utime(path, ns=(time, time))
        if not self._locked:  # some systems rename no file that is open
            self._file.close()

    def replace(self, path: Path) -> None:
        """Give it its name, in place of a file that has it."""
        self._place.replace(path)

    def take(self, path: Path) -> None:
        """Give it a name that no file has.

        Raises:
            FileExistsError: one has it by now.
        """
        try:
            os.link(self._place, path)
        except FileExistsError:
            raise
        except OSError:  # a disk without links: an empty file keeps the name
            os.close(os.open(path, os.O_CREAT | os.O_EXCL))
            self._place.replace(path)

    def close(self) -> None:
        """Remove the temporary name, and with it the file where it has no other."""
        with suppress(OSError):
            self._place.unlink(missing_ok=True)
        with suppress(OSError):  # what did not fit on the disk has nowhere to go
            self._file.close()


def sweep(path: Path) -> None:
    """Remove what runs that ended while they wrote a file have left beside it."""
    for place in _places(Path(os.path.realpath(path))):
        left = claim(place, _FLAGS)
        if (
            left is None
        ):  # one that has got the permissions of a file that may not be written; not all disks lock it so
            left = claim(place, os.O_RDONLY)
        if left is not None:
            with suppress(OSError):
                place.unlink()
            os.close(left)


def _places(path: Path) -> list[Path]:
    """Return the temporary names of a file; they are short, whatever its own."""
    mark = hashlib.sha256(os.fsencode(path.name)).hexdigest()[:16]
    return [path.parent / f".inrfit-{mark}-{number}.tmp" for number in range(PLACES)]


def _made(path: Path, mode: int) -> tuple[Path, int]:
    """Make an unfinished file; return its name and descriptor."""
    for place in (*_places(path), path.parent / f".inrfit-{secrets.token_hex(8)}.tmp"):
        try:
            descriptor = os.open(place, _FLAGS | os.O_CREAT | os.O_EXCL, mode)
        except FileExistsError:
            continue
        if hold(descriptor) is not False and names(place, descriptor):
            return place, descriptor
        os.close(descriptor)  # another run took it for one that was left
    raise OSError(errno.EBUSY, os.strerror(errno.EBUSY))


def _permit(descriptor: int, old: os.stat_result) -> None:
    """Give a file the owner, the group and the permissions of another, as far as the system lets us."""
    mode = stat.S_IMODE(old.st_mode) & 0o777
    for owner in (old.st_uid, -1):
        with suppress(OSError):
            os.fchown(descriptor, owner, old.st_gid)
            break
    else:  # the group is another one, which may do what everybody may
        mode = mode & 0o707 | (mode & 0o007) << 3
    with suppress(OSError):  # some disks know no permissions
        os.fchmod(descriptor, mode)
