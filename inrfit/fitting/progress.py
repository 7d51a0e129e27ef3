"""What a fit asks of its caller and tells it: hooks, that do nothing unless they are given."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from inrfit.fitting.checkpoint import Checkpoint
from inrfit.fitting.events import FitEvent


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """Hooks of a fit.

    Attributes:
        on_event: called at every step on the CPU, at every tenth on CUDA, where asking costs time; a target PSNR is
            looked for as often.
        stop: asked before every step; True saves the state and raises Interrupted.
        save: takes a checkpoint of the state; None when nothing is to be kept.
        save_every: seconds between checkpoints.
        on_again: called before a target that was missed is tried with more weights: the PSNR so far in dB, the weights.
    """

    on_event: Callable[[FitEvent], None] = lambda event: None
    stop: Callable[[], bool] = lambda: False
    save: Callable[[Checkpoint], None] | None = None
    save_every: float = 60.0
    on_again: Callable[[float, int], None] = lambda psnr, weights: None

    def keeping(self, change: Callable[[Checkpoint], Checkpoint]) -> Progress:
        """Return the hooks of a fit that is a piece of another one, whose checkpoints hold the piece's and more.

        Args:
            change: from a checkpoint of the piece to one of the whole.
        """
        save = self.save
        return self if save is None else replace(self, save=lambda state: save(change(state)))
