"""Samples of a step spent where the error is, anew every few steps; how they are shared out is `sampling.by_error`'s."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from inrfit.fitting.config import FitConfig
from inrfit.fitting.descent import Descent
from inrfit.fitting.part import Part, State
from inrfit.fitting.sampling import by_error

SPEND_EVERY = 25
"""Steps after which samples are spent anew."""

ERROR_DECAY = 0.9
"""Weight of the past in the running mean of the errors that they are spent by."""


def wanted(config: FitConfig) -> bool:
    """Return whether the samples of a step are spent by error."""
    return config.points is not None and config.sampling == "error"


class Spending(Part):
    """The samples that each region of one signal gets."""

    def __init__(self, descent: Descent) -> None:
        self._descent, self._samples = descent, descent.samples
        self._errors = np.zeros(len(self._samples.own))

    def during(self, step: int, squares: Tensor) -> None:
        """Note the errors per region, and now and then spend the samples of a step by them."""
        samples, channels = self._samples, self._descent.blank.channels
        now = squares.cpu().numpy() / (np.maximum(samples.own, 1) * channels)
        self._errors = self._errors * ERROR_DECAY + now * (1 - ERROR_DECAY)
        if (step + 1) % SPEND_EVERY == 0:
            samples.spend(by_error(self._descent.config.points or 1, self._errors, samples.areas))

    def state(self) -> State:
        """Return errors and samples of each region."""
        counts = torch.tensor(self._samples.counts)
        return {"errors": torch.from_numpy(self._errors), "counts": counts}

    def restore(self, state: State) -> None:
        """Go on with these."""
        self._errors = state["errors"].cpu().numpy()
        self._samples.spend(state["counts"].tolist())
