"""What a meta-training tells while it runs: facts, not text."""

from __future__ import annotations

from dataclasses import dataclass

from inrfit.fitting.events import FitEvent


@dataclass(frozen=True, slots=True, kw_only=True)
class MetaEvent(FitEvent):
    """An outer step that was done; `step` counts those before it, and is -1 for the validation before the first.

    `loss` and `psnr` are those of the step's crops after their inner steps, before this outer step; not a number at step
    -1.

    Attributes:
        val_psnr: dB of the held-out signals after their inner steps, after this outer step; None where not measured.
        lr: rate of the outer step.
        skipped: steps that were left out so far because their gradients were not finite.
    """

    val_psnr: float | None
    lr: float
    skipped: int
