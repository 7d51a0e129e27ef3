"""Locks on open files and folders: the sign that who made them is still at work. They go with a process, however it ends."""

from __future__ import annotations

import os
from pathlib import Path

try:
    import fcntl
except (
    ImportError
):  # a system without such locks: nothing is known of others there, and nothing of theirs is removed
    fcntl = None


def hold(descriptor: int) -> bool | None:
    """Lock an open file or folder for as long as it is open.

    Returns:
        True when it is locked, False where another holds it, None where there are no locks: on some disks, on some systems.
    """
    if fcntl is None:
        return None
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:
        return None
    return True


def claim(path: Path, flags: int) -> int | None:
    """Open and lock what this user has left behind.

    Args:
        path: a file or folder that whoever works on it holds a lock of.
        flags: how it is opened.

    Returns:
        A descriptor that holds it; None where there is nothing, it is another user's, or somebody may be at work on it.
    """
    try:
        descriptor = os.open(path, flags | getattr(os, "O_NOFOLLOW", 0))
    except (OSError, ValueError):  # ValueError: a null character in the path
        return None
    if hold(descriptor) and names(path, descriptor) and os.fstat(descriptor).st_uid == os.geteuid():
        return descriptor
    os.close(descriptor)
    return None


def names(path: Path, descriptor: int) -> bool:
    """Return whether a path still names what is open: another process may have removed it before it was locked."""
    try:
        return os.path.samestat(os.lstat(path), os.fstat(descriptor))
    except OSError:
        return False
