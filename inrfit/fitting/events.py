"""What a fit tells while it runs: facts, not text."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class FitEvent:
    """The state of a fit before the update of a step.

    Attributes:
        step: steps done.
        steps: steps planned; `max_time` may lower it once, after the first steps.
        loss: mean squared error with values on [-1, 1].
        psnr: dB of the network's own output over the samples of this step, before it is stored and rounded.
        seconds: time since the fit began, this run only.
        signals: fits that are not done, of which `loss` is the mean; 1 unless several are fitted at once.
    """

    step: int
    steps: int
    loss: float
    psnr: float
    seconds: float
    signals: int = 1
