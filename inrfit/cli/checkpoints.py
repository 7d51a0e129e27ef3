"""The checkpoint beside an output: gone on from, never replaced or removed where it is other work's, gone with the end."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from inrfit.cli import reports
from inrfit.errors import ConfigError, Interrupted, OutputError

if TYPE_CHECKING:
    from inrfit.fitting.checkpoint import Checkpoint

DROPS = "--force drops it"


class Kept:
    """The checkpoint of one piece of work.

    Args:
        output: what is being made; None for standard output, which has no checkpoint.
        identity: what must be the same for work to go on.

    Attributes:
        path: where it goes; None where none is kept.
    """

    def __init__(self, output: Path | None, identity: Mapping[str, str]) -> None:
        self.path = checkpoint_path(output)
        self._identity = identity
        self._ours, self._whole = False, False  # whether what is there may go, whether it is of this work

    def begin(
        self, name: str, talk: Callable[[str], None], *, resume: bool, takes_up: bool, force: bool
    ) -> Checkpoint | None:
        """Return the state to go on from, where one is wanted and there.

        Args:
            name: what is being worked on.
            talk: says a line to the user.
            resume: it was asked for.
            takes_up: it is welcome where it is there.
            force: what is there may go.

        Raises:
            OutputError: there is a file that would be lost. ConfigError: `resume`, and there is no going on from it.
        """
        if self.path is None or not os.path.lexists(self.path):
            if resume:
                talk(f"{name}: there is no checkpoint {self.path or ''}; starts afresh")
            return None
        if force and not resume:
            if not self.path.is_file():
                raise OutputError(f"{self.path}: is not a regular file", hint="name another output")
            talk(f"{name}: starts afresh; --resume would have gone on from {self.path}")
            self._ours = True
            return None
        found = self._found(self.path, resume=resume)
        if not (resume or takes_up):
            raise OutputError(
                f"{self.path} holds {found.step} of {found.steps} steps of this work",
                hint=f"--resume goes on, {DROPS}",
            )
        talk(f"{name}: goes on after {found.step} of {found.steps} steps")
        self._ours = self._whole = True
        return found

    def save(self, state: Checkpoint) -> None:
        """Keep a state, in place of an earlier one of this work.

        Raises:
            OutputError: it cannot be written, or another file has come there.
        """
        from inrfit.fitting import checkpoint

        if self.path is not None:
            checkpoint.save(state, self.path, self._identity, overwrite=self._ours)
            self._ours = self._whole = True

    @property
    def saved(self) -> Path | None:
        """Where it is; None where there is none of this work."""
        return self.path if self._whole and self.path is not None and self.path.is_file() else None

    def drop(self) -> None:
        """Remove it, since the output is there."""
        if self._ours and self.path is not None:
            with suppress(OSError):
                self.path.unlink()

    def interruption(self, error: Interrupted, again: Sequence[str]) -> Interrupted:
        """Return an interruption with the command that goes on.

        Args:
            error: what says how far the work was.
            again: options that the command needs to go on.
        """
        if self.path is None:
            return Interrupted(error.message, hint="name an output file to be able to resume")
        if self.saved is None:
            return Interrupted(f"{error.message}; there is no checkpoint yet", hint="run the command again")
        command = reports.command_line(*again)
        return Interrupted(f"{error.message}; the checkpoint is {self.path}", hint=f"go on with: {command}")

    def _found(self, path: Path, *, resume: bool) -> Checkpoint:
        """Return what is there.

        Raises:
            ConfigError, OutputError: see `begin`.
        """
        from inrfit.fitting import checkpoint

        try:
            return checkpoint.load(path, self._identity)
        except ConfigError as error:
            if resume:
                raise
            hint = f"move it, or name another output; {DROPS}"
            raise OutputError(error.message, hint=hint) from None


def checkpoint_path(output: Path | None) -> Path | None:
    """Return where the checkpoint of an output goes; None for standard output and where its name is too long."""
    if output is None:
        return None
    path = output.with_name(output.name + ".ckpt")
    try:
        path.exists()
    except OSError:
        return None
    return path


def outlived(output: Path) -> Path | None:
    """Return the checkpoint that an output was made from and that a run killed in its last moment left; None without.

    They have the same time to the nanosecond: the checkpoint gets that of the output before this has its name.
    """
    path = checkpoint_path(output)
    try:
        same = path is not None and path.stat().st_mtime_ns == output.stat().st_mtime_ns
    except OSError:
        return None
    return path if same else None


def clear(output: Path) -> None:
    """Remove what a run that was killed in its last moment left beside its output."""
    from inrfit.io.unfinished import sweep

    left, path = outlived(output), checkpoint_path(output)
    if left is not None:
        left.unlink(missing_ok=True)
    for one in (output, path):
        if one is not None:
            sweep(one)
