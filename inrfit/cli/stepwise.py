"""Work of many steps: asked to stop, it stops after one of them, leaves a checkpoint and says how it goes on."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from signal import SIGINT
from typing import TYPE_CHECKING, Any, TypeVar

from inrfit.cli import reports
from inrfit.cli.checkpoints import Kept
from inrfit.cli.console import say
from inrfit.cli.progress import Display
from inrfit.errors import Interrupted

if TYPE_CHECKING:
    from inrfit.fitting.checkpoint import Checkpoint
    from inrfit.fitting.progress import Progress

    Made = TypeVar("Made")


@dataclass(kw_only=True)
class Stepwise:
    """What such work is told, and whether it was asked to stop.

    Attributes:
        device: device asked for.
        resume: go on from checkpoints.
        takes_up: go on from those that are there.
        force: checkpoints that are there may go.
        again: options that the command needs to go on after an interruption.
        quiet: say nothing but errors.
        verbose: say more.
        display: shows the progress.
        interrupted: whether the user asked to stop.
        asked_by: number of the signal that did.
    """

    device: str
    resume: bool
    force: bool
    again: tuple[str, ...]
    quiet: bool
    verbose: bool
    display: Display
    takes_up: bool = False
    interrupted: bool = False
    asked_by: int = SIGINT

    def talk(self, line: str) -> None:
        """Say a line to the user, unless they want silence."""
        if not self.quiet:
            say(line)

    def begin(self, kept: Kept, name: str) -> Checkpoint | None:
        """Return the state to go on from, where one is wanted and there; errors as for `Kept.begin`."""
        return kept.begin(name, self.talk, resume=self.resume, takes_up=self.takes_up, force=self.force)

    def stepped(self, run: Callable[[Progress], Made], kept: Kept | None = None, **hooks: Any) -> Made:
        """Do the work.

        Args:
            run: does it.
            kept: its checkpoint, where one is kept.
            hooks: others of its `Progress`, beside those that stop it and save its state.

        Raises:
            Interrupted: the user asked to stop; it says how the work goes on.
        """
        from inrfit.fitting.progress import Progress

        save = None if kept is None or kept.path is None else kept.save
        try:
            return run(Progress(stop=lambda: self.interrupted, save=save, **hooks))
        except Interrupted as error:
            raise self.interruption(error, kept) from None

    def interruption(self, error: Interrupted, kept: Kept | None = None) -> Interrupted:
        """Return an interruption with what to do."""
        if kept is not None:
            return kept.interruption(error, self.again)
        if not self.again:
            return Interrupted(error.message, hint="nothing was written; run the command again")
        return Interrupted(error.message, hint=f"go on with: {reports.command_line(*self.again)}")


def again(*, resume: bool, skip: bool = False) -> tuple[str, ...]:
    """Return the options that a command needs to go on after an interruption.

    Args:
        resume: it was told so already, or keeps no checkpoint.
        skip: outputs that are there by then would be in the way.
    """
    return (() if resume else ("--resume",)) + (("--skip-existing",) if skip else ())
