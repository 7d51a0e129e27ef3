"""What goes along with a fit, step by step, and may end it or change how its weights learn; no step is run here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from inrfit.errors import FitError
from inrfit.field import Field

State = Mapping[str, Tensor]
"""What a resumed fit must be given, by name."""


class Held(Protocol):
    """What has a state that a checkpoint holds."""

    def state(self) -> State:
        """Return the state."""
        ...

    def restore(self, state: State) -> None:
        """Go on from a state, with tensors on the device of the fit; empty where there was none."""
        ...


class Part:
    """A part of the fits of some signals; this one does nothing. A *place* is that of a signal among those that go on."""

    def before(self, step: int) -> None:
        """Act before the gradients of a step."""

    def look(self, losses: Mapping[int, float]) -> Mapping[int, Field | FitError]:
        """Take the mean squared errors of some places; return what came of those that are done with that."""
        return {}

    def during(self, step: int, squares: Tensor) -> None:
        """Act between the gradients of a step and its update, by the squared errors of each group."""

    def factors(self) -> NDArray[np.float64] | float:
        """Return the largest factor of the learning rate that each place should have."""
        return 1.0

    def after(self, step: int) -> None:
        """Act after the update of a step."""

    def done(self, place: int) -> Field | FitError | None:
        """Return what came of a signal when there are no more steps; None where this part does not decide that.

        Raises:
            FitError: in place of its return.
        """
        return None

    def stored(self, place: int, fitted: Field) -> Field:
        """Return the field of a signal as its file will hold it."""
        return fitted

    def state(self) -> State:
        """Return what a resumed fit must be given, by name."""
        return {}

    def restore(self, state: State) -> None:
        """Go on from a state, with tensors on the device of the fit; empty where there was none."""

    def select(self, places: Sequence[int], rows: Mapping[str, Tensor]) -> None:
        """Go on with some places, which have some rows of each stack."""
