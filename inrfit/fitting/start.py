"""What the regions of a fit begin with; nothing is fitted here."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from inrfit.coords import Frame
from inrfit.fitting.config import FitConfig
from inrfit.models.coding import Coding
from inrfit.models.description import Matrix

if TYPE_CHECKING:
    from torch import Tensor

    from inrfit.fitting.optim import Adam


@dataclass(frozen=True, slots=True, kw_only=True)
class Start:
    """What a fit begins with; a fresh one with nothing said.

    Attributes:
        weights: stack name -> initial weights [group, *shape], in place of drawn ones.
        frozen: names of stacks that are not trained; they are measured as given, so give them as the file will hold them.
        frame: the global frame; that of the domain when None.
        tile: points of a decode tile; by the size of the regions when None.
        solve: whether a linear output layer may begin with its closed form, whatever its weights.
        optimiser: makes the optimiser from the matrices, what is known of them and the configuration; that of the
            configuration when None.
        steps: how many, in place of those of the configuration; with 0 the field is what it begins with.
        coding: steps that quantised weights have when the fit is finished: of frozen stacks, or of all, then perhaps with
            the tables of the file they are for.
    """

    weights: Mapping[str, NDArray[np.float32]] = field(default_factory=dict)
    frozen: frozenset[str] = frozenset()
    frame: Frame | None = None
    tile: int | None = None
    solve: bool = True
    optimiser: Callable[[Mapping[str, Tensor], Mapping[str, Matrix], FitConfig], Adam] | None = None
    steps: int | None = None
    coding: Coding | None = None
